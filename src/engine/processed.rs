//! Inputs with processors after them, outputs with processors before them.

use super::settle::Duties;
use crate::component::{Ack, Answer, Chain, Run, Sink, Source, Transaction};
use crate::message::Batch;
use async_trait::async_trait;
use futures::future::BoxFuture;
use parking_lot::Mutex;
use std::{collections::VecDeque, sync::Arc};

/// An input with its processors.
pub(super) struct ProcessedSource {
    source: Box<dyn Source>,
    chain: Chain,
    is_sync: bool,
    /// Read, but not processed yet.
    waiting: VecDeque<Transaction>,
    /// Being processed: kept here so that dropping a read loses nothing.
    under_way: Option<BoxFuture<'static, Run>>,
}

impl ProcessedSource {
    pub fn new(source: Box<dyn Source>, chain: Chain) -> ProcessedSource {
        ProcessedSource {
            source,
            is_sync: chain.is_sync(),
            chain,
            waiting: VecDeque::new(),
            under_way: None,
        }
    }
}

#[async_trait]
impl Source for ProcessedSource {
    async fn next(&mut self) -> Option<Run> {
        loop {
            if let Some(under_way) = &mut self.under_way {
                let run = under_way.await;
                self.under_way = None;
                if !run.is_empty() {
                    return Some(run);
                }
            }
            if let Some(next) = self.waiting.pop_front() {
                let chain = self.chain.clone();
                self.under_way = Some(Box::pin(async move {
                    let mut run = Run::new();
                    let batches = chain.run(next.batch).await;
                    hand_on(next.ack, batches, &mut run);
                    run
                }));
                continue;
            }
            let run = self.source.next().await?;
            if !self.is_sync {
                self.waiting.extend(run);
                continue;
            }
            let mut processed = Run::with_capacity(run.len());
            for transaction in run {
                let mut batches = Vec::with_capacity(1);
                self.chain.run_sync(transaction.batch, &mut batches);
                hand_on(transaction.ack, batches, &mut processed);
            }
            if !processed.is_empty() {
                return Some(processed);
            }
        }
    }

    async fn close(&mut self) {
        self.source.close().await;
        self.chain.close().await;
    }

    fn is_connected(&self) -> bool {
        self.source.is_connected()
    }
}

/// Makes transactions of what a transaction became; its answer comes when they all have one.
fn hand_on(ack: Ack, mut batches: Vec<Batch>, run: &mut Run) {
    match batches.len() {
        0 => ack.answer(Ok(())),
        1 => run.extend(batches.pop().map(|batch| Transaction { batch, ack })),
        n => {
            let mut duties = Duties::with_capacity(1);
            duties.push(ack, &batches);
            let parts = Arc::new(Parts(Mutex::new((Some(duties), vec![None; n], n))));
            for (i, batch) in batches.into_iter().enumerate() {
                let parts = parts.clone();
                let ack = Ack::once(move |answer| parts.answer(i, answer));
                run.push(Transaction { batch, ack });
            }
        }
    }
}

/// The answers for the parts of one transaction, and how many are missing.
struct Parts(Mutex<(Option<Duties>, Vec<Option<Answer>>, usize)>);

impl Parts {
    fn answer(&self, index: usize, answer: Answer) {
        let mut parts = self.0.lock();
        parts.1[index] = Some(answer);
        parts.2 -= 1;
        if parts.2 == 0
            && let Some(duties) = parts.0.take()
        {
            let answers = std::mem::take(&mut parts.1);
            drop(parts);
            Ack::answer_all(duties.settle(answers.into_iter().flatten().collect()));
        }
    }
}

/// An output with its processors.
pub(super) struct ProcessedSink {
    sink: Arc<dyn Sink>,
    chain: Chain,
    is_sync: bool,
    /// Processors that wait work on one batch at a time, in the order in which they came.
    turn: tokio::sync::Mutex<()>,
}

impl ProcessedSink {
    pub fn new(sink: Arc<dyn Sink>, chain: Chain) -> ProcessedSink {
        ProcessedSink {
            sink,
            is_sync: chain.is_sync(),
            chain,
            turn: tokio::sync::Mutex::default(),
        }
    }
}

#[async_trait]
impl Sink for ProcessedSink {
    async fn send(&self, run: Vec<Batch>) -> Vec<Answer> {
        let mut duties = Duties::with_capacity(run.len());
        let mut batches = Vec::with_capacity(run.len());
        if self.is_sync {
            for batch in run {
                let before = batches.len();
                self.chain.run_sync(batch, &mut batches);
                duties.push((), &batches[before..]);
            }
        } else {
            let _turn = self.turn.lock().await;
            for batch in run {
                let made = self.chain.run(batch).await;
                duties.push((), &made);
                batches.extend(made);
            }
        }
        let answers = match batches.is_empty() {
            true => Vec::new(),
            false => self.sink.send(batches).await,
        };
        duties.settle(answers).map(|((), answer)| answer).collect()
    }

    async fn close(&self) {
        self.chain.close().await;
        self.sink.close().await;
    }

    fn is_connected(&self) -> bool {
        self.sink.is_connected()
    }
}
