//! `cache`: messages as entries of a cache.

use crate::bloblang::Interpolated;
use crate::component::{
    BatchError, BuildOutput, Cache, CacheError, Context, Output, WriteError, Writer,
};
use crate::config::parse_duration;
use crate::message::Message;
use async_trait::async_trait;
use std::{sync::Arc, time::Duration};

crate::fields! {
    /// The cache, and the entry for a message.
    pub struct Config {
        /// The label of the cache.
        target: String,
        /// The key for a message.
        key: Interpolated = "'${!count(\"items\")}-${!timestamp_unix_nano()}'",
        /// How long the entry is kept, as a duration; without one the cache decides.
        ttl: Option<Interpolated> [advanced],
        /// How many batches are written at the same time.
        max_in_flight: usize = "64",
    }
}

crate::spec! {
    /// Sets each message as an entry of a cache.
    dyn BuildOutput, "cache", Config
}

impl BuildOutput for Config {
    fn build(&self, cx: &Context) -> anyhow::Result<Output> {
        Ok(Output::Writer {
            writer: Box::new(Entries {
                cache: cx.cache(&self.target)?,
                key: self.key.clone(),
                ttl: self.ttl.clone(),
            }),
            max_in_flight: self.max_in_flight,
            batching: None,
        })
    }
}

struct Entries {
    cache: Arc<dyn Cache>,
    key: Interpolated,
    ttl: Option<Interpolated>,
}

impl Entries {
    async fn set(&self, batch: &[Message], index: usize) -> anyhow::Result<()> {
        let key = self.key.text(batch, index);
        let key = key.map_err(|e| anyhow::anyhow!("key interpolation error: {e}"))?;
        let ttl = match &self.ttl {
            Some(ttl) => {
                let text = ttl.text(batch, index);
                let text = text.map_err(|e| anyhow::anyhow!("ttl interpolation error: {e}"))?;
                Some(duration(&text)?)
            }
            None => None,
        };
        match self
            .cache
            .set(&key, batch[index].bytes().clone(), ttl)
            .await
        {
            Ok(()) => Ok(()),
            Err(CacheError::Failed(error)) => Err(error),
            Err(error) => Err(error.into()),
        }
    }
}

fn duration(text: &str) -> anyhow::Result<Duration> {
    parse_duration(text)
        .ok_or_else(|| anyhow::anyhow!("ttl: {text} is no duration (such as 60s or 1h30m)"))
}

#[async_trait]
impl Writer for Entries {
    async fn connect(&self) -> anyhow::Result<()> {
        Ok(())
    }

    async fn write(&self, batch: &[Message]) -> Result<(), WriteError> {
        let mut failed = Vec::new();
        for index in 0..batch.len() {
            if let Err(error) = self.set(batch, index).await {
                failed.push((&batch[index], Arc::from(format!("{error:#}"))));
            }
        }
        match failed.is_empty() {
            true => Ok(()),
            false => Err(WriteError::Failed(BatchError::of_messages(failed))),
        }
    }
}
