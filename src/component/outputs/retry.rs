//! `retry`: tries again what an output didn't take.

use super::retrying::{Patience, Retrying};
use crate::component::{BuildOutput, Context, Output, OutputConfig};
use crate::config::Span;
use std::time::Duration;

crate::fields! {
    /// The output, and how often it is tried.
    pub struct Config {
        /// How often a message is sent again; 0 for no limit.
        max_retries: u64 = "0",
        /// The pauses between the attempts.
        backoff: Backoff = "{}",
        /// The output.
        output: OutputConfig,
    }
}

crate::fields! {
    /// Pauses that grow by half each time.
    pub struct Backoff {
        /// The first pause.
        initial_interval: Duration = "500ms",
        /// The longest pause.
        max_interval: Duration = "3s",
        /// How long to try at all; 0 or empty text for no limit.
        max_elapsed_time: Span = "0s",
    }
}

crate::spec! {
    /// Sends messages that an output didn't take to it again, until it takes them or patience ends.
    dyn BuildOutput, "retry", Config
}

impl BuildOutput for Config {
    fn build(&self, cx: &Context) -> anyhow::Result<Output> {
        let max_elapsed = self.backoff.max_elapsed_time.0;
        Ok(Output::Sink(Box::new(Retrying {
            sink: cx.output(&self.output)?,
            patience: Patience {
                first: self.backoff.initial_interval,
                longest: self.backoff.max_interval,
                max_retries: (self.max_retries > 0).then_some(self.max_retries),
                max_elapsed: max_elapsed.filter(|time| !time.is_zero()),
            },
            stop: cx.wiring.hard_stop(),
        })))
    }
}
