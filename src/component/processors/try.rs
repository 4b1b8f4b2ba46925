//! `try`: runs processors until one fails.

use super::flow::{Flow, alone, any_waits, flow, join};
use super::reading::single;
use crate::component::{BuildProcessor, Chain, Context, Processor, ProcessorConfig};
use crate::message::Batch;

single! {
    /// The processors.
    Vec<ProcessorConfig>
}

crate::spec! {
    /// Runs processors on each message by itself, and once a message has failed skips the rest of them. A message that
    /// comes in failed skips them all. Follow it with `catch` to deal with what failed.
    dyn BuildProcessor, "try", Config
}

impl BuildProcessor for Config {
    fn build(&self, cx: &Context) -> anyhow::Result<Processor> {
        let steps = self.0.chunks(1).map(|one| cx.processors(one));
        Ok(flow(Try(steps.collect::<anyhow::Result<_>>()?)))
    }
}

struct Try(Vec<Chain>);

impl Flow for Try {
    fn waits(&self) -> bool {
        any_waits(&self.0)
    }

    async fn run(&self, batch: Batch, out: &mut Vec<Batch>) {
        let mut made = Vec::with_capacity(batch.len());
        let (mut now, mut next) = (Vec::with_capacity(1), Vec::new());
        for message in batch {
            now.push(alone(message));
            for step in &self.0 {
                for batch in now.drain(..) {
                    // What a step made of one message goes on together until the first of it has failed.
                    if batch.first().is_some_and(|m| m.error().is_some()) {
                        next.push(batch);
                    } else {
                        step.run_into(batch, &mut next).await;
                    }
                }
                std::mem::swap(&mut now, &mut next);
            }
            made.append(&mut now);
        }
        join(made, out);
    }

    async fn close(&self) {
        for step in &self.0 {
            step.close().await;
        }
    }
}
