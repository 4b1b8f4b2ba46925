//! Processors that run one after the other.

use super::Processor;
use crate::message::Batch;
use std::sync::Arc;

/// Processors in the order in which they run; cloning shares them.
#[derive(Clone)]
pub struct Chain {
    processors: Arc<[Processor]>,
    is_sync: bool,
}

impl Chain {
    pub fn new(processors: Vec<Processor>) -> Chain {
        Chain {
            is_sync: processors.iter().all(|p| matches!(p, Processor::Sync(_))),
            processors: processors.into(),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.processors.is_empty()
    }

    /// Whether none of them ever waits, so that [`Chain::run_sync`] may be used.
    pub fn is_sync(&self) -> bool {
        self.is_sync
    }

    /// Runs a batch through all of them and appends what becomes of it to `out`: each processor sees all batches that
    /// the one before it made.
    ///
    /// # Panics
    /// If one of them waits; see [`Chain::is_sync`].
    pub fn run_sync(&self, batch: Batch, out: &mut Vec<Batch>) {
        let Some((last, others)) = self.processors.split_last() else {
            out.push(batch);
            return;
        };
        let Some((first, between)) = others.split_first() else {
            sync(last).process(batch, out);
            return;
        };
        let (mut batches, mut next) = (Vec::with_capacity(1), Vec::new());
        sync(first).process(batch, &mut batches);
        for processor in between {
            for batch in batches.drain(..) {
                sync(processor).process(batch, &mut next);
            }
            std::mem::swap(&mut batches, &mut next);
        }
        for batch in batches {
            sync(last).process(batch, out);
        }
    }

    /// Runs a batch through all of them and returns what becomes of it.
    pub async fn run(&self, batch: Batch) -> Vec<Batch> {
        let mut batches = vec![batch];
        for processor in self.processors.iter() {
            let mut next = Vec::with_capacity(batches.len());
            for batch in batches {
                match processor {
                    Processor::Sync(p) => p.process(batch, &mut next),
                    Processor::Async(p) => next.extend(p.process(batch).await),
                }
            }
            batches = next;
        }
        batches
    }

    /// Runs a batch through all of them and appends what becomes of it to `out`; without a wait if none of them waits.
    pub async fn run_into(&self, batch: Batch, out: &mut Vec<Batch>) {
        if self.is_sync {
            self.run_sync(batch, out);
        } else {
            out.append(&mut self.run(batch).await);
        }
    }

    /// Closes each of them.
    pub async fn close(&self) {
        for processor in self.processors.iter() {
            if let Processor::Async(p) = processor {
                p.close().await;
            }
        }
    }
}

fn sync(processor: &Processor) -> &dyn super::Process {
    match processor {
        Processor::Sync(p) => p.as_ref(),
        Processor::Async(_) => panic!("a processor that waits in a chain that must not"),
    }
}
