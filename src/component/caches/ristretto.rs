//! `ristretto`: a large cache in memory.

use super::local::Local;
use super::lru::Standard;
use crate::component::{BuildCache, Cache, CacheError, Context, SyncCache};
use crate::config::Span;
use async_trait::async_trait;
use bytes::Bytes;
use std::time::{Duration, Instant};

crate::fields! {
    /// How long values are kept.
    pub struct Config {
        /// How long a value is kept that isn't set for a time of its own; empty for ever.
        default_ttl: Span = "''",
        /// Whether to look again for a value that isn't there, and for how long.
        get_retries: Retries = "{}" [advanced],
    }
}

crate::fields! {
    /// Looking again for a value that isn't there yet.
    pub struct Retries {
        /// Whether to.
        enabled: bool = "false",
        /// The first pause.
        initial_interval: Duration = "1s",
        /// The longest pause; each is half as long again as the one before.
        max_interval: Duration = "5s",
        /// How long to look at all.
        max_elapsed_time: Duration = "30s",
    }
}

crate::spec! {
    /// Keeps up to ten million values in memory. Here values are there as soon as they are set, so `get_retries` is only
    /// of use for values that another part of the stream sets later.
    dyn BuildCache, "ristretto", Config
}

/// How many values are kept.
const CAP: usize = 10_000_000;

impl BuildCache for Config {
    fn build(&self, _: &Context) -> anyhow::Result<Box<dyn Cache>> {
        let values = Default::default();
        let local = Local::new(Standard::new(CAP), self.default_ttl.0, &values);
        Ok(match self.get_retries.enabled {
            false => Box::new(local),
            true => Box::new(Patient {
                local,
                retries: self.get_retries.clone(),
            }),
        })
    }
}

/// Looks again for what isn't there.
struct Patient {
    local: Local<Standard>,
    retries: Retries,
}

#[async_trait]
impl Cache for Patient {
    async fn get(&self, key: &str) -> Result<Bytes, CacheError> {
        let (started, mut pause) = (Instant::now(), self.retries.initial_interval);
        loop {
            let found = self.local.get_now(key);
            let late = started.elapsed() + pause > self.retries.max_elapsed_time;
            if late || !matches!(found, Err(CacheError::NotFound)) {
                return found;
            }
            tokio::time::sleep(pause).await;
            pause = (pause + pause / 2).min(self.retries.max_interval);
        }
    }

    async fn set(&self, key: &str, value: Bytes, ttl: Option<Duration>) -> Result<(), CacheError> {
        self.local.set_now(key, value, ttl)
    }

    async fn add(&self, key: &str, value: Bytes, ttl: Option<Duration>) -> Result<(), CacheError> {
        self.local.add_now(key, value, ttl)
    }

    async fn delete(&self, key: &str) -> Result<(), CacheError> {
        self.local.delete_now(key)
    }
}
