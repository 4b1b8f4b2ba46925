//! `while`: runs processors as long as a condition holds.

use super::flow::{Flow, flow};
use crate::bloblang::Mapping;
use crate::component::{BuildProcessor, Chain, Context, Processor, ProcessorConfig};
use crate::message::{Batch, ComponentName};
use anyhow::Context as _;
use tokio_util::sync::CancellationToken;

crate::fields! {
    /// What is repeated, and how long.
    pub struct Config {
        /// Whether the processors run once before the condition is asked.
        at_least_once: bool = "false",
        /// How often they run at most; 0 is no limit.
        max_loops: u64 = "0",
        /// A query on the first message of the batch: go on?
        check: Option<Mapping>,
        /// What is repeated.
        processors: Vec<ProcessorConfig>,
    }
}

crate::spec! {
    /// Runs processors on a batch again and again while a query on its first message is true. A query that fails, or gives
    /// something else than true or false, ends the loop and is logged. So does the end of the stream.
    dyn BuildProcessor, "while", Config
}

impl BuildProcessor for Config {
    fn build(&self, cx: &Context) -> anyhow::Result<Processor> {
        let check = self.check.clone();
        Ok(flow(While {
            check: check.context("a check is required, as the condition to go on")?,
            chain: cx.processors(&self.processors)?,
            config: self.clone(),
            name: cx.name.clone(),
            stop: cx.wiring.hard_stop(),
        }))
    }
}

struct While {
    check: Mapping,
    config: Config,
    chain: Chain,
    name: ComponentName,
    stop: CancellationToken,
}

impl Flow for While {
    fn waits(&self) -> bool {
        !self.chain.is_sync()
    }

    async fn run(&self, batch: Batch, out: &mut Vec<Batch>) {
        let (mut batches, mut next) = (vec![batch], Vec::new());
        let mut loops = 0;
        let mut goes_on = self.config.at_least_once || self.holds(&batches);
        while goes_on {
            if self.config.max_loops > 0 && loops >= self.config.max_loops {
                tracing::debug!(target: "stream", label = %self.name.label, path = %self.name.path, "stopped after {loops} loops");
                break;
            }
            if self.stop.is_cancelled() {
                break;
            }
            for batch in batches.drain(..) {
                self.chain.run_into(batch, &mut next).await;
            }
            std::mem::swap(&mut batches, &mut next);
            loops += 1;
            goes_on = self.holds(&batches);
        }
        out.append(&mut batches);
    }

    async fn close(&self) {
        self.chain.close().await;
    }
}

impl While {
    fn holds(&self, batches: &[Batch]) -> bool {
        let Some(batch) = batches.first() else {
            return false;
        };
        self.check.check(batch, 0).unwrap_or_else(|error| {
            tracing::error!(target: "stream", label = %self.name.label, path = %self.name.path, "Query failed for loop: {error}");
            false
        })
    }
}
