//! An input whose batches are gathered into larger ones.

use super::batcher::{Batcher, Flushed, Growing, Mechanism};
use crate::component::{Ack, Hurry, Run, Source, Transaction};
use async_trait::async_trait;
use futures::future::BoxFuture;
use std::collections::VecDeque;

pub(super) struct BatchedSource {
    source: Box<dyn Source>,
    batcher: Batcher,
    hurry: Hurry,
    growing: Growing<Ack>,
    /// Complete, and to be handed on.
    complete: VecDeque<Flushed<Ack>>,
    /// In the policy's processors: kept here so that dropping a read loses nothing.
    under_way: Option<BoxFuture<'static, Option<Transaction>>>,
    ended: bool,
}

impl BatchedSource {
    pub fn new(source: Box<dyn Source>, batcher: Batcher, hurry: Hurry) -> BatchedSource {
        BatchedSource {
            source,
            batcher,
            hurry,
            growing: Growing::default(),
            complete: VecDeque::new(),
            under_way: None,
            ended: false,
        }
    }

    fn flush(&mut self, by: Mechanism) {
        let flushed = self.batcher.flush(&mut self.growing, by);
        self.complete.push_back(flushed);
    }

    fn add(&mut self, run: Run) {
        for Transaction { batch, ack } in run {
            if let Some(by) = self.batcher.add(&mut self.growing, batch, ack) {
                self.flush(by);
            }
        }
    }

    /// Waits until more is complete, or the end.
    async fn grow(&mut self) {
        let deadline = self.batcher.deadline(&self.growing);
        let by_time = async {
            match deadline {
                Some(at) => tokio::time::sleep_until(at).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            run = self.source.next() => match run {
                Some(run) => self.add(run),
                None => {
                    self.ended = true;
                    if !self.growing.is_empty() {
                        self.flush(Mechanism::Period);
                    }
                }
            },
            () = by_time => self.flush(Mechanism::Period),
            () = self.hurry.on(), if !self.growing.is_empty() => self.flush(Mechanism::Period),
        }
    }
}

fn transaction(flushed: Flushed<Ack>) -> Transaction {
    let (batch, owed) = flushed.split();
    let ack = Ack::once(move |answer| Ack::answer_all(owed.settle(answer)));
    Transaction { batch, ack }
}

#[async_trait]
impl Source for BatchedSource {
    async fn next(&mut self) -> Option<Run> {
        loop {
            if let Some(under_way) = &mut self.under_way {
                let made = under_way.await;
                self.under_way = None;
                if let Some(transaction) = made {
                    return Some(vec![transaction]);
                }
            }
            if self.batcher.chain().is_empty() && !self.complete.is_empty() {
                return Some(self.complete.drain(..).map(transaction).collect());
            }
            if let Some(flushed) = self.complete.pop_front() {
                let chain = self.batcher.chain().clone();
                self.under_way = Some(Box::pin(async move {
                    let Transaction { batch, ack } = transaction(flushed);
                    match Batcher::process(chain, batch).await {
                        Some(batch) => Some(Transaction { batch, ack }),
                        None => {
                            ack.answer(Ok(()));
                            None
                        }
                    }
                }));
                continue;
            }
            if self.ended {
                return None;
            }
            self.grow().await;
        }
    }

    async fn close(&mut self) {
        self.source.close().await;
        self.batcher.chain().close().await;
    }

    fn is_connected(&self) -> bool {
        self.source.is_connected()
    }
}
