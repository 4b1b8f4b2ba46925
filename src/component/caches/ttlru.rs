//! `ttlru`: the values used last, up to a number of them and for a time.

use super::local::{InitValues, Local};
use super::lru::Standard;
use crate::component::{BuildCache, Cache, Context};
use crate::config::Span;
use anyhow::ensure;
use std::time::Duration;

crate::fields! {
    /// How many values are kept, and how long.
    pub struct Config {
        /// How many values are kept.
        cap: usize = "1024",
        /// How long a value is kept.
        default_ttl: Duration = "5m0s",
        /// An older name of `default_ttl`, which it stands for if it is set.
        ttl: Span [advanced],
        /// Values that are there from the start, and don't end.
        init_values: InitValues = "{}",
        /// Without effect: adding a value is always exact here.
        optimistic: bool = "false" [advanced],
    }
}

crate::spec! {
    /// Keeps a number of values in memory for a time, and forgets those not used for the longest time when there are more.
    dyn BuildCache, "ttlru", Config
}

impl BuildCache for Config {
    fn build(&self, _: &Context) -> anyhow::Result<Box<dyn Cache>> {
        ensure!(self.cap > 0, "invalid ttlru cap: must be at least 1");
        if self.optimistic {
            tracing::debug!("ttlru: optimistic has no effect");
        }
        let ttl = self.ttl.0.unwrap_or(self.default_ttl);
        let store = Standard::new(self.cap);
        Ok(Box::new(Local::new(store, Some(ttl), &self.init_values)))
    }
}
