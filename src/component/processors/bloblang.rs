//! `bloblang`: the older name of `mapping`.

use super::reading::single;
use crate::bloblang::Mapping;
use crate::component::{BuildProcessor, Context, Processor};

single! {
    /// The mapping.
    Mapping
}

crate::spec! {
    /// Makes a new message of each by a Bloblang mapping; another name for `mapping`.
    dyn BuildProcessor, "bloblang", Config
}

impl BuildProcessor for Config {
    fn build(&self, _: &Context) -> anyhow::Result<Processor> {
        Ok(super::mapping::processor(&self.0))
    }
}
