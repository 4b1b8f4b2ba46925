//! `resource`: an input that is shared under a label.

use crate::component::{BuildInput, Context, Input};

crate::single! {
    /// The label.
    pub struct Config(String);
}

crate::spec! {
    /// Reads from the input of this label among `input_resources`. Where several do, each batch goes to one of them.
    dyn BuildInput, "resource", Config
}

impl BuildInput for Config {
    fn build(&self, cx: &Context) -> anyhow::Result<Input> {
        Ok(Input::Source(cx.wiring.clone().input_resource(&self.0)?))
    }
}
