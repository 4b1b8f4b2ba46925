//! `for_each`: runs processors on each message as a batch of its own.

use super::flow::{Flow, alone, flow, join};
use super::reading::single;
use crate::component::{BuildProcessor, Chain, Context, Processor, ProcessorConfig};
use crate::message::Batch;

single! {
    /// The processors.
    Vec<ProcessorConfig>
}

crate::spec! {
    /// Runs processors on each message of a batch as if it were a batch of one, and puts what comes of them back
    /// together into one batch. Useful for processors that work on whole batches (`archive`, `dedupe`).
    dyn BuildProcessor, "for_each", Config
}

impl BuildProcessor for Config {
    fn build(&self, cx: &Context) -> anyhow::Result<Processor> {
        Ok(flow(ForEach(cx.processors(&self.0)?)))
    }
}

struct ForEach(Chain);

impl Flow for ForEach {
    fn waits(&self) -> bool {
        !self.0.is_sync()
    }

    async fn run(&self, batch: Batch, out: &mut Vec<Batch>) {
        let mut made = Vec::with_capacity(batch.len());
        for message in batch {
            self.0.run_into(alone(message), &mut made).await;
        }
        join(made, out);
    }

    async fn close(&self) {
        self.0.close().await;
    }
}
