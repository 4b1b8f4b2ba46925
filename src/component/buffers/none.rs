//! `none`: no buffer.

use crate::component::{BuildBuffer, Context, Source};

crate::fields! {
    /// Nothing to set.
    pub struct Config {}
}

crate::spec! {
    /// Holds nothing: a message is answered to the input when the output has it.
    dyn BuildBuffer, "none", Config
}

impl BuildBuffer for Config {
    fn build(&self, _: &Context, input: Box<dyn Source>) -> anyhow::Result<Box<dyn Source>> {
        Ok(input)
    }
}
