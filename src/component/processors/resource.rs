//! `resource`: a processor that is declared elsewhere.

use super::reading::single;
use crate::component::{BuildProcessor, Context, Processor};

single! {
    /// The label of the processor under `processor_resources`.
    String
}

crate::spec! {
    /// Runs the processor that stands under this label in `processor_resources`. All who name it share one instance,
    /// with its counters and connections.
    dyn BuildProcessor, "resource", Config
}

impl BuildProcessor for Config {
    fn build(&self, cx: &Context) -> anyhow::Result<Processor> {
        let chain = cx.wiring.clone().processor_resource(&self.0)?;
        Ok(super::processors_::through(chain))
    }
}
