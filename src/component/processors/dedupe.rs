//! `dedupe`: lets the first message with a key pass, and drops later ones.

use super::flow::{Flow, Store, fail, flow, put};
use crate::bloblang::Interpolated;
use crate::component::{BuildProcessor, CacheError, Context, Processor};
use crate::message::{Batch, ComponentName, Message};
use bytes::Bytes;

crate::fields! {
    /// What makes messages equal, and where those seen are remembered.
    pub struct Config {
        /// The label of the cache that remembers keys; its time to live is how long.
        cache: String,
        /// The key of a message: `${! json("id") }`, or `${! content().hash("xxhash64") }` for its whole content.
        key: Interpolated,
        /// Whether a message is dropped when it can't be known whether it was seen, because its key or the cache failed.
        /// Otherwise it passes, flagged if it was the key.
        drop_on_err: bool = "true",
        /// Which of several messages of one batch with the same key is kept: the first (FIFO) or the last (LIFO).
        strategy: Strategy = "FIFO",
    }
}

crate::choice! {
    /// Which of several is kept.
    pub enum Strategy {
        /// The first.
        Fifo = "FIFO",
        /// The last.
        Lifo = "LIFO",
    }
}

crate::spec! {
    /// Drops messages whose key was seen before, as far back as a cache remembers.
    ///
    /// A key is remembered when its message passes here, and not when that is delivered: a message that is sent again after a failure
    /// further down is a repeat, and is dropped. Where that matters, dedupe behind the part that may fail.
    dyn BuildProcessor, "dedupe", Config
}

impl BuildProcessor for Config {
    fn build(&self, cx: &Context) -> anyhow::Result<Processor> {
        Ok(flow(Dedupe {
            cache: Store(cx.cache(&self.cache)?),
            key: self.key.clone(),
            drop_on_err: self.drop_on_err,
            strategy: self.strategy,
            name: cx.name.clone(),
        }))
    }
}

struct Dedupe {
    cache: Store,
    key: Interpolated,
    drop_on_err: bool,
    strategy: Strategy,
    name: ComponentName,
}

impl Flow for Dedupe {
    fn waits(&self) -> bool {
        self.cache.waits()
    }

    async fn run(&self, mut batch: Batch, out: &mut Vec<Batch>) {
        if batch.len() == 1 {
            let stays = self.stays(&batch, 0).await;
            if settle(&mut batch[0], stays) {
                out.push(batch);
            }
            return;
        }
        let mut stays = Vec::with_capacity(batch.len());
        for i in 0..batch.len() {
            let index = match self.strategy {
                Strategy::Fifo => i,
                Strategy::Lifo => batch.len() - 1 - i,
            };
            stays.push(self.stays(&batch, index).await);
        }
        if self.strategy == Strategy::Lifo {
            stays.reverse();
        }
        let mut stays = stays.into_iter();
        batch.retain(|message| stays.next().is_some_and(|stays| settle(message, stays)));
        put(batch, out);
    }
}

/// Flags a message whose key failed; whether it stays.
fn settle(message: &mut Message, stays: Result<bool, String>) -> bool {
    stays.unwrap_or_else(|reason| {
        fail(message, reason);
        true
    })
}

impl Dedupe {
    /// Whether the message stays; an error if it does although its key failed.
    async fn stays(&self, batch: &[Message], index: usize) -> Result<bool, String> {
        let key = match self.key.text(batch, index) {
            Ok(key) => key,
            Err(error) => {
                let reason = format!("key interpolation error: {error}");
                if !self.drop_on_err {
                    return Err(reason);
                }
                tracing::error!(target: "stream", label = %self.name.label, path = %self.name.path, "dropped a message: {reason}");
                return Ok(false);
            }
        };
        match self.cache.add(&key, Bytes::from_static(b"t"), None).await {
            Ok(()) => Ok(true),
            Err(CacheError::Exists) => Ok(false),
            Err(error) => {
                tracing::error!(target: "stream", label = %self.name.label, path = %self.name.path, "Cache error: {error}");
                Ok(!self.drop_on_err)
            }
        }
    }
}
