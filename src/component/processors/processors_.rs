//! `processors`: a list of processors as one.

use super::flow::{Flow, flow};
use super::reading::single;
use crate::component::{BuildProcessor, Chain, Context, Processor, ProcessorConfig};
use crate::message::Batch;

single! {
    /// The processors.
    Vec<ProcessorConfig>
}

crate::spec! {
    /// Runs processors one after the other on whole batches, as if the list stood here in its place. Good for naming
    /// a group of them, and for a resource made of several.
    dyn BuildProcessor, "processors", Config
}

impl BuildProcessor for Config {
    fn build(&self, cx: &Context) -> anyhow::Result<Processor> {
        Ok(through(cx.processors(&self.0)?))
    }
}

/// A processor that runs a chain.
pub(super) fn through(chain: Chain) -> Processor {
    flow(Through(chain))
}

struct Through(Chain);

impl Flow for Through {
    fn waits(&self) -> bool {
        !self.0.is_sync()
    }

    async fn run(&self, batch: Batch, out: &mut Vec<Batch>) {
        self.0.run_into(batch, out).await;
    }

    async fn close(&self) {
        self.0.close().await;
    }
}
