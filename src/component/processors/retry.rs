//! `retry`: runs processors again where they failed.

use super::flow::{Flow, alone, flow, join};
use crate::component::{BuildProcessor, Chain, Context, Processor, ProcessorConfig};
use crate::message::{Batch, Message};
use anyhow::ensure;
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

crate::fields! {
    /// What is tried again, how often and when.
    pub struct Config {
        /// How long to wait between goes.
        backoff: Backoff = "{}",
        /// What is tried.
        processors: Vec<ProcessorConfig>,
        /// Whether the messages of a batch are tried at the same time.
        parallel: bool = "false",
        /// The number of goes; 0 is no limit.
        max_retries: u64 = "0",
    }
}

crate::fields! {
    /// Waits that grow by half each time, varied by up to half.
    pub struct Backoff {
        /// The first wait.
        initial_interval: Duration = "500ms",
        /// The longest wait.
        max_interval: Duration = "10s",
        /// The time from the first go after which there is no further one; `0s` is no limit.
        max_elapsed_time: Duration = "1m",
    }
}

crate::spec! {
    /// Runs processors on each message by itself; where that fails, again on the message as it came, after a wait.
    /// When it gives up, the message goes on as the last go left it, flagged.
    ///
    /// The results have the metadata `retry_count` (how many goes failed) and `backoff_duration` (for how many nanoseconds was
    /// waited between them).
    dyn BuildProcessor, "retry", Config
}

impl BuildProcessor for Config {
    fn build(&self, cx: &Context) -> anyhow::Result<Processor> {
        ensure!(
            !self.processors.is_empty(),
            "the retry processor requires at least one child processor"
        );
        Ok(flow(Retry {
            chain: cx.processors(&self.processors)?,
            config: self.clone(),
            stop: cx.wiring.hard_stop(),
        }))
    }
}

struct Retry {
    config: Config,
    chain: Chain,
    stop: CancellationToken,
}

impl Flow for Retry {
    /// It does between goes, if not in its children.
    fn waits(&self) -> bool {
        true
    }

    async fn run(&self, batch: Batch, out: &mut Vec<Batch>) {
        let made: Vec<Batch> = if self.config.parallel {
            let goes = batch.into_iter().map(|message| self.try_one(message));
            futures::future::join_all(goes)
                .await
                .into_iter()
                .flatten()
                .collect()
        } else {
            let mut made = Vec::with_capacity(batch.len());
            for message in batch {
                made.append(&mut self.try_one(message).await);
            }
            made
        };
        join(made, out);
    }

    async fn close(&self) {
        self.chain.close().await;
    }
}

impl Retry {
    async fn try_one(&self, mut message: Message) -> Vec<Batch> {
        // Only what fails in here counts.
        message.set_error(None);
        let began = Instant::now();
        let Backoff {
            initial_interval,
            max_interval,
            max_elapsed_time,
        } = self.config.backoff;
        let mut interval = initial_interval;
        let mut waited = Duration::ZERO;
        for goes in 1u64.. {
            let mut made = Vec::with_capacity(1);
            self.chain.run_into(alone(message.clone()), &mut made).await;
            if made.iter().flatten().all(|m| m.error().is_none()) {
                note(&mut made, goes - 1, waited);
                return made;
            }
            let wait = interval
                .min(max_interval)
                .mul_f64(rand::random_range(0.5..1.5));
            let late = !max_elapsed_time.is_zero() && began.elapsed() + wait > max_elapsed_time;
            let last = self.config.max_retries > 0 && goes >= self.config.max_retries;
            if last || late || self.stop.is_cancelled() {
                note(&mut made, goes, waited);
                return made;
            }
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                // The next go is the last then.
                () = self.stop.cancelled() => {}
            }
            waited += wait;
            interval = interval.mul_f64(1.5).min(max_interval);
        }
        unreachable!("there is no last number")
    }
}

/// Says in the results how many goes failed, and for how many nanoseconds was waited.
fn note(made: &mut [Batch], failed: u64, waited: Duration) {
    for message in made.iter_mut().flatten() {
        let metadata = message.metadata_mut();
        metadata.set("retry_count", failed as i64);
        metadata.set("backoff_duration", waited.as_nanos() as i64);
    }
}
