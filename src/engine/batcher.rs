//! Gathers batches into larger ones by a policy, and takes the answer for a large one apart again.

use super::{log::Log, wiring::Shop};
use crate::bloblang::Mapping;
use crate::component::{Answer, BatchError, BatchPolicy, Chain, Wiring};
use crate::message::{Batch, ComponentName, Message};
use crate::telemetry::metrics::Counter;
use std::{sync::Arc, time::Duration};
use tokio::time::Instant;

/// A policy, ready to be followed.
pub(super) struct Batcher {
    count: usize,
    byte_size: usize,
    period: Option<Duration>,
    jitter: f64,
    check: Option<Mapping>,
    log: Log,
    chain: Chain,
    created: [Counter; 4],
}

/// What completed a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mechanism {
    Count,
    Size,
    Period,
    Check,
}

impl Batcher {
    /// A policy of the component with this name.
    pub fn new(
        shop: &Arc<Shop>,
        name: &ComponentName,
        policy: &BatchPolicy,
    ) -> anyhow::Result<Batcher> {
        let path = format!("{}.batching", name.path);
        let created = ["count", "size", "period", "check"].map(|mechanism| {
            let labels = [
                ("label", &*name.label),
                ("mechanism", mechanism),
                ("path", path.as_str()),
            ];
            shop.metrics.counter("batch_created", &labels)
        });
        Ok(Batcher {
            count: policy.count,
            byte_size: policy.byte_size,
            period: policy.period.0.filter(|p| !p.is_zero()),
            jitter: policy.jitter.clamp(0.0, 1.0),
            check: policy.check.clone(),
            log: shop.log(name.clone()),
            chain: shop.clone().processors(&policy.processors)?,
            created,
        })
    }

    /// Adds a batch; says if that completes what grows.
    pub fn add<D>(&self, growing: &mut Growing<D>, batch: Batch, duty: D) -> Option<Mechanism> {
        let mut completed = None;
        growing.parts.push(Part {
            duty,
            origins: batch.iter().map(Message::origin).collect(),
        });
        for message in batch {
            if self.byte_size > 0 {
                growing.bytes += message.bytes().len();
            }
            growing.batch.push(message);
            if completed.is_some() {
                continue;
            }
            let newest = growing.batch.len() - 1;
            completed = if self.count > 0 && newest + 1 >= self.count {
                Some(Mechanism::Count)
            } else if self.byte_size > 0 && growing.bytes >= self.byte_size {
                Some(Mechanism::Size)
            } else if self.is_last(&growing.batch, newest) {
                Some(Mechanism::Check)
            } else {
                None
            };
        }
        completed
    }

    fn is_last(&self, batch: &Batch, newest: usize) -> bool {
        // A check that fails counts as a no.
        let says_so = |check: &Mapping| {
            check.check(batch, newest).unwrap_or_else(|error| {
                self.log
                    .error(format_args!("Failed to execute batch check query: {error}"));
                false
            })
        };
        self.check.as_ref().is_some_and(says_so)
    }

    /// When what grows is complete by time.
    pub fn deadline<D>(&self, growing: &Growing<D>) -> Option<Instant> {
        let period = self.period.filter(|_| !growing.is_empty())?;
        let varied = match self.jitter > 0.0 {
            true => period.mul_f64(1.0 + self.jitter * (growing.luck - 0.5)),
            false => period,
        };
        Some(growing.since + varied)
    }

    /// Takes what grows; the next begins to grow.
    pub fn flush<D>(&self, growing: &mut Growing<D>, by: Mechanism) -> Flushed<D> {
        self.created[by as usize].add(1);
        let Growing {
            mut batch, parts, ..
        } = std::mem::take(growing);
        if parts.len() > 1 {
            for (i, message) in batch.iter_mut().enumerate() {
                message.set_origin(i as u32);
            }
        }
        Flushed { batch, parts }
    }

    /// The processors for complete batches. What they make is one batch again; none if nothing is left.
    pub async fn process(chain: Chain, batch: Batch) -> Option<Batch> {
        if chain.is_empty() {
            return Some(batch);
        }
        let mut made = chain.run(batch).await.into_iter();
        let mut first = made.next()?;
        made.for_each(|more| first.extend(more));
        Some(first)
    }

    pub fn chain(&self) -> &Chain {
        &self.chain
    }
}

/// A batch that grows, and to whom an answer about it is owed.
pub(super) struct Growing<D> {
    batch: Batch,
    bytes: usize,
    parts: Vec<Part<D>>,
    /// When the batch before it was complete.
    since: Instant,
    luck: f64,
}

struct Part<D> {
    duty: D,
    /// The origins that its messages had.
    origins: smallvec::SmallVec<[u32; 2]>,
}

impl<D> Default for Growing<D> {
    fn default() -> Self {
        Growing {
            batch: Batch::new(),
            bytes: 0,
            parts: Vec::new(),
            since: Instant::now(),
            luck: rand::random(),
        }
    }
}

impl<D> Growing<D> {
    pub fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }
}

/// A complete batch and what is owed for it.
pub(super) struct Flushed<D> {
    pub batch: Batch,
    parts: Vec<Part<D>>,
}

impl<D> Flushed<D> {
    /// What is owed, and the batch.
    pub fn split(self) -> (Batch, Owed<D>) {
        (self.batch, Owed(self.parts))
    }
}

/// To whom answers are owed for a batch that was made of theirs.
pub(super) struct Owed<D>(Vec<Part<D>>);

impl<D> Owed<D> {
    /// Each one's answer, from the answer for the whole.
    pub fn settle(self, answer: Answer) -> impl Iterator<Item = (D, Answer)> {
        let is_alone = self.0.len() == 1;
        let mut start = 0u32;
        self.0.into_iter().map(move |part| {
            let end = start + part.origins.len() as u32;
            let own = match &answer {
                Err(error) if !is_alone && !error.failed.is_empty() => {
                    own(error, start, &part.origins)
                }
                all => all.clone(),
            };
            start = end;
            (part.duty, own)
        })
    }
}

/// What an error about a whole says about the part whose messages stand in it from `start` on.
fn own(error: &BatchError, start: u32, origins: &[u32]) -> Answer {
    let mut own = BatchError::whole(error.text.clone());
    let mut is_whole = false;
    for (at, reason) in &error.failed {
        let index = at.checked_sub(start).map(|i| i as usize);
        if let Some(origin) = index.and_then(|i| origins.get(i)) {
            is_whole |= *origin == u32::MAX;
            own.failed.push((*origin, reason.clone()));
        }
    }
    match own.failed.first() {
        None => Ok(()),
        Some((_, reason)) => {
            own.text = reason.clone();
            if is_whole {
                own.failed.clear();
            }
            Err(own)
        }
    }
}
