//! `resource`: an input that is shared under a label.

use crate::component::{BuildInput, Context, Input};

crate::single! {
    /// The label.
    pub struct Config(String);
}

crate::spec! {
    /// Reads the input of this label among `input_resources`: where several do, each message goes to one of them.
    dyn BuildInput, "resource", Config
}

impl BuildInput for Config {
    fn build(&self, cx: &Context) -> anyhow::Result<Input> {
        let source = cx.wiring.clone().input_resource(&self.0)?;
        Ok(Input::Source(source))
    }
}
