//! `cached`: remembers what processors made of a message.

use super::flow::{Flow, Store, alone, fail, flow, put};
use super::reading::{MaybeText, go_duration};
use crate::bloblang::{Interpolated, Mapping};
use crate::component::{BuildProcessor, CacheError, Chain, Context, Processor, ProcessorConfig};
use crate::message::{Batch, Message};
use bytes::Bytes;

crate::fields! {
    /// What is remembered, and by what.
    pub struct Config {
        /// The label of the cache.
        cache: String,
        /// A query on a result that says whether it should not be remembered. Results that failed never are.
        skip_on: Option<Mapping>,
        /// What a result depends on: messages with the same key share one.
        key: Interpolated,
        /// How long a result is remembered, such as `10m`; empty for the cache's default.
        ttl: MaybeText,
        /// The processors that make the result.
        processors: Vec<ProcessorConfig>,
    }
}

crate::spec! {
    /// Runs processors on a message only if their result for its key isn't known yet, and remembers it. A remembered
    /// result is the contents that the processors made, without metadata. If the cache fails the processors run.
    dyn BuildProcessor, "cached", Config
}

impl BuildProcessor for Config {
    fn build(&self, cx: &Context) -> anyhow::Result<Processor> {
        Ok(flow(Cached {
            cache: Store(cx.cache(&self.cache)?),
            chain: cx.processors(&self.processors)?,
            config: self.clone(),
        }))
    }
}

struct Cached {
    cache: Store,
    chain: Chain,
    config: Config,
}

impl Flow for Cached {
    fn waits(&self) -> bool {
        self.cache.waits() || !self.chain.is_sync()
    }

    async fn run(&self, batch: Batch, out: &mut Vec<Batch>) {
        let keys: Vec<_> = (0..batch.len())
            .map(|i| {
                let key = self.config.key.text(&batch, i);
                let key = key.map_err(|e| format!("failed to interpolate key expression: {e}"))?;
                let ttl = self.config.ttl.text(&batch, i);
                let ttl = ttl.map_err(|e| format!("failed to interpolate ttl expression: {e}"))?;
                let ttl = ttl
                    .filter(|t| !t.is_empty())
                    .map(|t| go_duration(&t))
                    .transpose();
                Ok((
                    key,
                    ttl.map_err(|e| format!("failed to parse ttl expression: {e}"))?,
                ))
            })
            .collect::<Vec<Result<_, String>>>();
        let mut made = Batch::with_capacity(batch.len());
        for (mut message, key) in batch.into_iter().zip(keys) {
            let (key, ttl) = match key {
                Ok(key) => key,
                Err(reason) => {
                    fail(&mut message, reason);
                    made.push(message);
                    continue;
                }
            };
            let known = match self.cache.get(&key).await {
                Ok(bytes) => unpack(&bytes),
                Err(CacheError::NotFound) => None,
                Err(error) => {
                    tracing::warn!(target: "stream", "couldn't look up a remembered result: {error}");
                    None
                }
            };
            if let Some(contents) = known {
                made.extend(contents.into_iter().map(|bytes| {
                    let mut result = message.clone();
                    result.set_error(None);
                    result.metadata_mut().clear();
                    result.set_bytes(bytes);
                    result
                }));
                continue;
            }
            let mut batches = Vec::with_capacity(1);
            self.chain.run_into(alone(message), &mut batches).await;
            let results: Batch = batches.into_iter().flatten().collect();
            if self.is_worth_keeping(&results)
                && let Err(error) = self.cache.set(&key, pack(&results), ttl).await
            {
                tracing::warn!(target: "stream", "couldn't remember a result: {error}");
            }
            made.extend(results);
        }
        put(made, out);
    }

    async fn close(&self) {
        self.chain.close().await;
    }
}

impl Cached {
    fn is_worth_keeping(&self, results: &[Message]) -> bool {
        let skips = |i| match &self.config.skip_on {
            Some(check) => check.check(results, i).unwrap_or(true),
            None => false,
        };
        results.iter().all(|m| m.error().is_none()) && !(0..results.len()).any(skips)
    }
}

/// The contents, each behind its length.
fn pack(results: &[Message]) -> Bytes {
    let mut packed = Vec::new();
    for message in results {
        packed.extend_from_slice(&(message.bytes().len() as u32).to_be_bytes());
        packed.extend_from_slice(message.bytes());
    }
    packed.into()
}

/// The contents that [`pack`] packed; none if somebody else wrote this.
fn unpack(packed: &Bytes) -> Option<Vec<Bytes>> {
    let mut contents = Vec::new();
    let mut at = 0;
    while at < packed.len() {
        let length = packed
            .get(at..at + 4)?
            .try_into()
            .ok()
            .map(u32::from_be_bytes)? as usize;
        let end = (at + 4)
            .checked_add(length)
            .filter(|end| *end <= packed.len())?;
        contents.push(packed.slice(at + 4..end));
        at = end;
    }
    Some(contents)
}
