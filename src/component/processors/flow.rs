//! What processors are made of: the ways of going through a batch that several of them share.

use crate::component::{Cache, CacheError, Chain, Process, ProcessAsync, Processor};
use crate::message::{Batch, Message, MessageError};
use async_trait::async_trait;
use bytes::Bytes;
use futures::FutureExt;
use std::{fmt::Display, future::Future, sync::Arc, time::Duration};

/// What a step on one message gives, or why it failed, as `error()` says it afterwards.
pub(super) type Outcome<T = ()> = Result<T, String>;

/// Flags a message as failed. It keeps its content.
pub(super) fn fail(message: &mut Message, reason: impl Display) {
    message.set_error(Some(MessageError::new(reason.to_string())));
}

/// A message as a batch of its own.
pub(super) fn alone(message: Message) -> Batch {
    let mut batch = Batch::new();
    batch.push(message);
    batch
}

/// Makes one batch of several and puts it into `out`, unless there is nothing in it.
pub(super) fn join(mut batches: Vec<Batch>, out: &mut Vec<Batch>) {
    if batches.len() <= 1 {
        out.append(&mut batches);
        return;
    }
    put(batches.into_iter().flatten().collect(), out);
}

/// Puts a batch into `out`, unless there is nothing in it.
pub(super) fn put(batch: Batch, out: &mut Vec<Batch>) {
    if !batch.is_empty() {
        out.push(batch);
    }
}

/// A processor that changes each message by itself, and flags those where that fails.
pub(super) fn each(change: impl Fn(&mut Message) -> Outcome + Send + Sync + 'static) -> Processor {
    Processor::Sync(Box::new(Each(change)))
}

struct Each<F>(F);

impl<F: Fn(&mut Message) -> Outcome + Send + Sync> Process for Each<F> {
    fn process(&self, mut batch: Batch, out: &mut Vec<Batch>) {
        for message in &mut batch {
            if let Err(reason) = (self.0)(message) {
                fail(message, reason);
            }
        }
        out.push(batch);
    }
}

/// A processor that makes any number of messages of each one; a message for which that fails goes on as it was, flagged.
pub(super) fn expand(
    split: impl Fn(&Message, &mut Batch) -> Outcome + Send + Sync + 'static,
) -> Processor {
    Processor::Sync(Box::new(Expand(split)))
}

struct Expand<F>(F);

impl<F: Fn(&Message, &mut Batch) -> Outcome + Send + Sync> Process for Expand<F> {
    fn process(&self, batch: Batch, out: &mut Vec<Batch>) {
        let mut made = Batch::new();
        for mut message in batch {
            let before = made.len();
            if let Err(reason) = (self.0)(&message, &mut made) {
                made.truncate(before);
                fail(&mut message, reason);
                made.push(message);
            }
        }
        put(made, out);
    }
}

/// A processor that waits only if something in it does: its children, a cache.
///
/// It is written once, as async code. Where nothing in it ever waits, the code runs through in one go, and the processor
/// is a synchronous one for everybody else.
pub(super) trait Flow: Send + Sync + 'static {
    fn waits(&self) -> bool;

    /// See [`Process::process`].
    fn run(&self, batch: Batch, out: &mut Vec<Batch>) -> impl Future<Output = ()> + Send;

    fn close(&self) -> impl Future<Output = ()> + Send {
        std::future::ready(())
    }
}

/// Makes a processor of a flow.
pub(super) fn flow(flow: impl Flow) -> Processor {
    if flow.waits() {
        Processor::Async(Box::new(Waiting(flow)))
    } else {
        Processor::Sync(Box::new(AtOnce(flow)))
    }
}

struct AtOnce<F>(F);

impl<F: Flow> Process for AtOnce<F> {
    fn process(&self, batch: Batch, out: &mut Vec<Batch>) {
        let done = self.0.run(batch, out).now_or_never();
        done.expect("nothing in this processor waits");
    }
}

struct Waiting<F>(F);

#[async_trait]
impl<F: Flow> ProcessAsync for Waiting<F> {
    async fn process(&self, batch: Batch) -> Vec<Batch> {
        let mut out = Vec::with_capacity(1);
        self.0.run(batch, &mut out).await;
        out
    }

    async fn close(&self) {
        self.0.close().await;
    }
}

/// A flow through children and nothing else.
pub(super) fn any_waits<'c>(chains: impl IntoIterator<Item = &'c Chain>) -> bool {
    !chains.into_iter().all(Chain::is_sync)
}

/// A cache, asked without a wait if it is one in memory.
pub(super) struct Store(pub Arc<dyn Cache>);

impl Store {
    pub fn waits(&self) -> bool {
        self.0.as_sync().is_none()
    }

    pub async fn get(&self, key: &str) -> Result<Bytes, CacheError> {
        match self.0.as_sync() {
            Some(cache) => cache.get_now(key),
            None => self.0.get(key).await,
        }
    }

    pub async fn set(
        &self,
        key: &str,
        value: Bytes,
        ttl: Option<Duration>,
    ) -> Result<(), CacheError> {
        match self.0.as_sync() {
            Some(cache) => cache.set_now(key, value, ttl),
            None => self.0.set(key, value, ttl).await,
        }
    }

    pub async fn add(
        &self,
        key: &str,
        value: Bytes,
        ttl: Option<Duration>,
    ) -> Result<(), CacheError> {
        match self.0.as_sync() {
            Some(cache) => cache.add_now(key, value, ttl),
            None => self.0.add(key, value, ttl).await,
        }
    }

    pub async fn delete(&self, key: &str) -> Result<(), CacheError> {
        match self.0.as_sync() {
            Some(cache) => cache.delete_now(key),
            None => self.0.delete(key).await,
        }
    }
}
