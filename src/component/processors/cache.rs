//! `cache`: one operation on a cache for each message.

use super::flow::{Flow, Store, fail, flow};
use super::reading::{MaybeText, go_duration};
use crate::bloblang::Interpolated;
use crate::component::{BuildProcessor, CacheError, Context, Processor};
use crate::message::{Batch, Message};
use crate::value::Str;
use bytes::Bytes;
use std::time::Duration;

crate::fields! {
    /// What is done with which key.
    pub struct Config {
        /// The label of the cache.
        resource: String,
        /// What is done.
        operator: Operator,
        /// The key.
        key: Interpolated,
        /// What is stored by `set` and `add`.
        value: MaybeText,
        /// How long it is kept, such as `60s`; empty for the cache's default.
        ttl: MaybeText,
    }
}

crate::choice! {
    /// An operation on a cache.
    pub enum Operator {
        /// Stores the value under the key.
        Set = "set",
        /// Stores the value unless the key is there; the message fails with `key already exists` if it is.
        Add = "add",
        /// Replaces the message's content by what is stored; the message fails if the key isn't there.
        Get = "get",
        /// Replaces the message's content by `true` or `false`.
        Exists = "exists",
        /// Removes the key, if it is there.
        Delete = "delete",
    }
}

crate::spec! {
    /// Stores to, reads from or deletes in a cache, once for each message.
    dyn BuildProcessor, "cache", Config
}

impl BuildProcessor for Config {
    fn build(&self, cx: &Context) -> anyhow::Result<Processor> {
        Ok(flow(Operation {
            cache: Store(cx.cache(&self.resource)?),
            config: self.clone(),
        }))
    }
}

struct Operation {
    cache: Store,
    config: Config,
}

impl Flow for Operation {
    fn waits(&self) -> bool {
        self.cache.waits()
    }

    async fn run(&self, mut batch: Batch, out: &mut Vec<Batch>) {
        // Keys and values are made from the batch as it came, also where earlier messages have been replaced.
        let asked: Vec<_> = (0..batch.len()).map(|i| self.ask(&batch, i)).collect();
        for (message, asked) in batch.iter_mut().zip(asked) {
            let done = match asked {
                Ok(ask) => self.perform(message, ask).await,
                Err(reason) => Err(reason),
            };
            if let Err(reason) = done {
                fail(message, reason);
            }
        }
        out.push(batch);
    }
}

struct Ask {
    key: Str,
    value: Bytes,
    ttl: Option<Duration>,
}

impl Operation {
    fn ask(&self, batch: &[Message], index: usize) -> Result<Ask, String> {
        let wrong = |what: &str, error| format!("{what} interpolation error: {error}");
        let key = self
            .config
            .key
            .text(batch, index)
            .map_err(|e| wrong("key", e))?;
        // Both are read whatever the operator, as with the peers: their faults are the message's.
        let value = match &self.config.value.0 {
            Some(text) => text.bytes(batch, index).map_err(|e| wrong("value", e))?,
            None => Bytes::new(),
        };
        let text = self
            .config
            .ttl
            .text(batch, index)
            .map_err(|e| wrong("ttl", e))?;
        let ttl = match text.filter(|t| !t.is_empty()) {
            Some(text) => {
                Some(go_duration(&text).map_err(|e| format!("ttl must be a duration: {e}"))?)
            }
            None => None,
        };
        Ok(Ask { key, value, ttl })
    }

    async fn perform(&self, message: &mut Message, ask: Ask) -> Result<(), String> {
        let Ask { key, value, ttl } = ask;
        let done = match self.config.operator {
            Operator::Set => self.cache.set(&key, value, ttl).await,
            Operator::Add => self.cache.add(&key, value, ttl).await,
            Operator::Delete => self.cache.delete(&key).await,
            Operator::Get => self
                .cache
                .get(&key)
                .await
                .map(|found| message.set_bytes(found)),
            Operator::Exists => {
                let found = match self.cache.get(&key).await {
                    Ok(_) => Ok("true"),
                    Err(CacheError::NotFound) => Ok("false"),
                    Err(error) => Err(error),
                };
                found.map(|text| message.set_bytes(text))
            }
        };
        done.map_err(|error| match error {
            CacheError::Exists => format!("key already exists: {key}"),
            error => format!("operator failed for key '{key}': {error}"),
        })
    }
}
