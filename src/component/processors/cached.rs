//! `cached`: remembers what processors made of a message.

use super::flow::{Flow, Store, alone, fail, flow, put};
use super::reading::{MaybeText, go_duration};
use crate::bloblang::{Interpolated, Mapping};
use crate::component::{BuildProcessor, CacheError, Chain, Context, Processor, ProcessorConfig};
use crate::message::{Batch, Message};
use bytes::{Buf, Bytes};

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
    /// result is the contents that the processors made, with the metadata of the message that asks. If the cache fails so does the message.
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
                Ok(bytes) => Some(unpack(&bytes).map_err(|why| format!("{UNREADABLE}: {why}"))),
                Err(CacheError::NotFound) => None,
                Err(error) => Some(Err(error.to_string())),
            };
            match known {
                None => {}
                Some(Ok(contents)) => {
                    made.extend(contents.into_iter().map(|bytes| {
                        let mut result = message.clone();
                        result.set_bytes(bytes);
                        result
                    }));
                    continue;
                }
                Some(Err(reason)) => {
                    fail(&mut message, reason);
                    made.push(message);
                    continue;
                }
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

const UNREADABLE: &str =
    "failed to parse cached result, this indicates the data was not set by this processor";

/// The version of the form in which results are kept: the peers' own, so that a cache may be shared with them.
const VERSION: u32 = 1;

/// The version, how many contents there are, and each of them behind its length.
fn pack(results: &[Message]) -> Bytes {
    let mut packed = Vec::new();
    let number =
        |packed: &mut Vec<u8>, n: usize| packed.extend_from_slice(&(n as u32).to_be_bytes());
    number(&mut packed, VERSION as usize);
    number(&mut packed, results.len());
    for message in results {
        number(&mut packed, message.bytes().len());
        packed.extend_from_slice(message.bytes());
    }
    packed.into()
}

/// The contents that [`pack`] packed.
fn unpack(packed: &Bytes) -> Result<Vec<Bytes>, String> {
    let mut rest = packed.clone();
    let number = |rest: &mut Bytes, what: &dyn Fn() -> String| match rest.len() {
        0..4 => Err(format!(
            "{}: message is too small to extract number",
            what()
        )),
        _ => Ok(rest.get_u32()),
    };
    let version = number(&mut rest, &|| {
        "failed to extract serialization format version".into()
    })?;
    if version != VERSION {
        return Err(format!("invalid format version: {version}"));
    }
    let count = number(&mut rest, &|| "failed to extract batch size".into())?;
    let mut contents = Vec::new();
    for i in 0..count {
        let what = || format!("failed to extract message {i} size");
        let length = number(&mut rest, &what)? as usize;
        if rest.len() < length {
            return Err(format!("{}: input data ended unexpectedly", what()));
        }
        contents.push(rest.split_to(length));
    }
    Ok(contents)
}
