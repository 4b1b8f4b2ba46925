//! `resource`: an output that is shared under a label.

use crate::component::{BuildOutput, Context, Output};

crate::single! {
    /// The label.
    pub struct Config(String);
}

crate::spec! {
    /// Sends to the output of this label among `output_resources`: one instance for all who use it.
    dyn BuildOutput, "resource", Config
}

impl BuildOutput for Config {
    fn build(&self, cx: &Context) -> anyhow::Result<Output> {
        let sink = cx.wiring.clone().output_resource(&self.0)?;
        Ok(Output::Sink(Box::new(sink)))
    }
}
