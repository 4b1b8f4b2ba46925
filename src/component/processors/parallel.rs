//! `parallel`: runs processors on the messages of a batch at the same time.

use super::flow::{Flow, alone, flow, join};
use crate::component::{BuildProcessor, Chain, Context, Processor, ProcessorConfig};
use crate::message::Batch;
use futures::StreamExt;

crate::fields! {
    /// What is done, and for how many messages at a time.
    pub struct Config {
        /// The most messages at a time; 0 is no limit.
        cap: usize = "0",
        /// What is done with each message.
        processors: Vec<ProcessorConfig> = "[]",
    }
}

crate::spec! {
    /// Runs processors on each message of a batch by itself, and waits for all of them at once: for processors that ask
    /// a service. The order stays. Processors that only compute aren't made faster by this; the pipeline's threads do that.
    dyn BuildProcessor, "parallel", Config
}

impl BuildProcessor for Config {
    fn build(&self, cx: &Context) -> anyhow::Result<Processor> {
        Ok(flow(Parallel {
            cap: self.cap,
            chain: cx.processors(&self.processors)?,
        }))
    }
}

struct Parallel {
    cap: usize,
    chain: Chain,
}

impl Flow for Parallel {
    fn waits(&self) -> bool {
        !self.chain.is_sync()
    }

    async fn run(&self, batch: Batch, out: &mut Vec<Batch>) {
        let mut made = Vec::with_capacity(batch.len());
        if self.chain.is_sync() {
            for message in batch {
                self.chain.run_sync(alone(message), &mut made);
            }
        } else {
            let cap = if self.cap == 0 { batch.len() } else { self.cap };
            let runs: Vec<_> = batch
                .into_iter()
                .map(|m| self.chain.run(alone(m)))
                .collect();
            let mut runs = futures::stream::iter(runs).buffered(cap);
            while let Some(mut batches) = runs.next().await {
                made.append(&mut batches);
            }
        }
        join(made, out);
    }

    async fn close(&self) {
        self.chain.close().await;
    }
}
