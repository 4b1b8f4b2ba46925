//! `catch`: runs processors on messages that failed.

use super::flow::{Flow, alone, flow, put};
use super::reading::single;
use crate::component::{BuildProcessor, Chain, Context, Processor, ProcessorConfig};
use crate::message::Batch;

single! {
    /// The processors.
    Vec<ProcessorConfig>
}

crate::spec! {
    /// Runs processors on each message that failed before, by itself, and then takes the error off it, also if they
    /// fail again. Other messages pass. `error()` tells the processors what happened; an empty list only forgets it.
    dyn BuildProcessor, "catch", Config
}

impl BuildProcessor for Config {
    fn build(&self, cx: &Context) -> anyhow::Result<Processor> {
        Ok(flow(Catch(cx.processors(&self.0)?)))
    }
}

struct Catch(Chain);

impl Flow for Catch {
    fn waits(&self) -> bool {
        !self.0.is_sync()
    }

    async fn run(&self, batch: Batch, out: &mut Vec<Batch>) {
        if batch.iter().all(|m| m.error().is_none()) {
            out.push(batch);
            return;
        }
        let mut result = Batch::with_capacity(batch.len());
        let mut made = Vec::new();
        for message in batch {
            if message.error().is_none() {
                result.push(message);
                continue;
            }
            self.0.run_into(alone(message), &mut made).await;
            for mut message in made.drain(..).flatten() {
                message.set_error(None);
                result.push(message);
            }
        }
        put(result, out);
    }

    async fn close(&self) {
        self.0.close().await;
    }
}
