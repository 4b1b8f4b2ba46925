//! `sleep`: waits.

use super::reading::go_duration;
use crate::bloblang::Interpolated;
use crate::component::{BuildProcessor, Context, ProcessAsync, Processor};
use crate::message::{Batch, ComponentName};
use async_trait::async_trait;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

crate::fields! {
    /// How long.
    pub struct Config {
        /// The time to wait for each message, such as `100ms`. One that is no duration, or can't be made, is logged, and there is no wait.
        duration: Interpolated,
    }
}

crate::spec! {
    /// Waits for each message of a batch before the batch goes on. A thread of the pipeline is busy meanwhile.
    dyn BuildProcessor, "sleep", Config
}

impl BuildProcessor for Config {
    fn build(&self, cx: &Context) -> anyhow::Result<Processor> {
        Ok(Processor::Async(Box::new(Sleep {
            duration: self.duration.clone(),
            name: cx.name.clone(),
            stop: cx.wiring.hard_stop(),
        })))
    }
}

struct Sleep {
    duration: Interpolated,
    name: ComponentName,
    stop: CancellationToken,
}

#[async_trait]
impl ProcessAsync for Sleep {
    async fn process(&self, batch: Batch) -> Vec<Batch> {
        let mut total = Duration::ZERO;
        for i in 0..batch.len() {
            match self.duration.text(&batch, i) {
                Ok(text) => match go_duration(&text) {
                    Ok(duration) => total += duration,
                    Err(error) => {
                        tracing::error!(target: "stream", label = %self.name.label, path = %self.name.path, "Failed to parse duration: {error}");
                    }
                },
                Err(error) => {
                    tracing::error!(target: "stream", label = %self.name.label, path = %self.name.path, "Period interpolation error: {error}");
                }
            }
        }
        if !total.is_zero() {
            tokio::select! {
                () = tokio::time::sleep(total) => {}
                () = self.stop.cancelled() => {}
            }
        }
        vec![batch]
    }
}
