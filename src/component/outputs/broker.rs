//! `broker`: several outputs.

use super::parts::{Parts, add_error, close};
use super::retrying::{Patience, Retrying};
use crate::component::{Answer, BatchPolicy, BuildOutput, Context, Output, OutputConfig, Sink};
use crate::message::Batch;
use anyhow::{Context as _, ensure};
use async_trait::async_trait;
use futures::future::join_all;
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

crate::choice! {
    /// Which outputs get a message.
    pub enum Pattern {
        /// All of them, at the same time; each is tried until it takes it.
        FanOut = "fan_out",
        /// All of them, at the same time; the first failure is the answer.
        FanOutFailFast = "fan_out_fail_fast",
        /// All of them, one after the other; each is tried until it takes it.
        FanOutSequential = "fan_out_sequential",
        /// All of them, one after the other; the first failure is the answer.
        FanOutSequentialFailFast = "fan_out_sequential_fail_fast",
        /// One of them in turn.
        RoundRobin = "round_robin",
        /// Whichever has the least to do.
        Greedy = "greedy",
    }
}

crate::fields! {
    /// The outputs, and which of them get a message.
    pub struct Config {
        /// How many of each output there are.
        copies: usize = "1",
        /// Which outputs get a message.
        pattern: Pattern = "fan_out",
        /// The outputs.
        outputs: Vec<OutputConfig>,
        /// Gathers messages into batches before they are handed out.
        batching: BatchPolicy = "{}",
    }
}

crate::spec! {
    /// Hands messages to several outputs: to all of them, or shares them out.
    dyn BuildOutput, "broker", Config
}

/// How many batches the broker's own batching has under way; the outputs below set their own limits.
const BATCHES_IN_FLIGHT: usize = 64;

impl BuildOutput for Config {
    fn build(&self, cx: &Context) -> anyhow::Result<Output> {
        ensure!(
            !self.outputs.is_empty(),
            "attempting to create broker output type with no outputs"
        );
        ensure!(self.copies > 0, "copies must be at least 1");
        let mut sinks = Vec::new();
        for _ in 0..self.copies {
            for (i, output) in self.outputs.iter().enumerate() {
                sinks.push(cx.output(output).with_context(|| format!("output {i}"))?);
            }
        }
        let sink = match sinks.len() {
            1 => sinks.remove(0),
            _ => broker(self.pattern, sinks, cx),
        };
        let sink = match self.batching.is_noop() {
            true => sink,
            false => cx.batched_sink(sink, &self.batching, BATCHES_IN_FLIGHT)?,
        };
        Ok(Output::Sink(Box::new(sink)))
    }
}

fn broker(pattern: Pattern, sinks: Vec<Arc<dyn Sink>>, cx: &Context) -> Arc<dyn Sink> {
    let retrying = |sinks: Vec<Arc<dyn Sink>>| -> Vec<Arc<dyn Sink>> {
        let retry = |sink| -> Arc<dyn Sink> {
            Arc::new(Retrying {
                sink,
                patience: Patience::ENDLESS,
                stop: cx.wiring.hard_stop(),
            })
        };
        sinks.into_iter().map(retry).collect()
    };
    match pattern {
        Pattern::FanOut => Arc::new(FanOut(retrying(sinks))),
        Pattern::FanOutFailFast => Arc::new(FanOut(sinks)),
        Pattern::FanOutSequential => Arc::new(Sequential(retrying(sinks))),
        Pattern::FanOutSequentialFailFast => Arc::new(Sequential(sinks)),
        Pattern::RoundRobin => Arc::new(RoundRobin {
            sinks,
            next: AtomicUsize::new(0),
        }),
        Pattern::Greedy => Arc::new(Greedy {
            busy: sinks.iter().map(|_| AtomicUsize::new(0)).collect(),
            sinks,
        }),
    }
}

/// All outputs at the same time.
struct FanOut(Vec<Arc<dyn Sink>>);

#[async_trait]
impl Sink for FanOut {
    async fn send(&self, run: Vec<Batch>) -> Vec<Answer> {
        let mut answers = vec![Ok(()); run.len()];
        let sends = self.0.iter().map(|sink| sink.send(run.clone()));
        for sent in join_all(sends).await {
            for (answer, sent) in answers.iter_mut().zip(sent) {
                if let Err(error) = sent {
                    add_error(answer, error);
                }
            }
        }
        answers
    }

    async fn close(&self) {
        close(&self.0).await;
    }

    fn is_connected(&self) -> bool {
        self.0.iter().all(|s| s.is_connected())
    }
}

/// All outputs one after the other: the next gets what the one before it took.
struct Sequential(Vec<Arc<dyn Sink>>);

#[async_trait]
impl Sink for Sequential {
    async fn send(&self, run: Vec<Batch>) -> Vec<Answer> {
        let mut answers: Vec<Answer> = vec![Ok(()); run.len()];
        for sink in &self.0 {
            let mut parts = Parts::default();
            for (index, batch) in run.iter().enumerate() {
                if answers[index].is_ok() {
                    parts.add_whole(index, batch.clone());
                }
            }
            if parts.is_empty() {
                break;
            }
            parts.send(sink).await.note(&mut answers);
        }
        answers
    }

    async fn close(&self) {
        close(&self.0).await;
    }

    fn is_connected(&self) -> bool {
        self.0.iter().all(|s| s.is_connected())
    }
}

/// One output in turn.
struct RoundRobin {
    sinks: Vec<Arc<dyn Sink>>,
    next: AtomicUsize,
}

#[async_trait]
impl Sink for RoundRobin {
    async fn send(&self, run: Vec<Batch>) -> Vec<Answer> {
        let first = self.next.fetch_add(run.len(), Ordering::Relaxed);
        hand_out(&self.sinks, run, |index| {
            first.wrapping_add(index) % self.sinks.len()
        })
        .await
    }

    async fn close(&self) {
        close(&self.sinks).await;
    }

    fn is_connected(&self) -> bool {
        self.sinks.iter().all(|s| s.is_connected())
    }
}

/// The output that has the least under way, so that a slow one holds nothing up.
struct Greedy {
    sinks: Vec<Arc<dyn Sink>>,
    busy: Vec<AtomicUsize>,
}

#[async_trait]
impl Sink for Greedy {
    async fn send(&self, run: Vec<Batch>) -> Vec<Answer> {
        let mut busy = Busy {
            counts: &self.busy,
            taken: Vec::new(),
        };
        let chosen: Vec<usize> = run.iter().map(|_| busy.take()).collect();
        hand_out(&self.sinks, run, |index| chosen[index]).await
    }

    async fn close(&self) {
        close(&self.sinks).await;
    }

    fn is_connected(&self) -> bool {
        self.sinks.iter().any(|s| s.is_connected())
    }
}

/// Counts what is under way, also if the send is given up.
struct Busy<'a> {
    counts: &'a [AtomicUsize],
    taken: Vec<usize>,
}

impl Busy<'_> {
    fn take(&mut self) -> usize {
        let counts = self.counts.iter().enumerate();
        let (least, count) = counts
            .min_by_key(|(_, n)| n.load(Ordering::Relaxed))
            .expect("a broker has outputs");
        count.fetch_add(1, Ordering::Relaxed);
        self.taken.push(least);
        least
    }
}

impl Drop for Busy<'_> {
    fn drop(&mut self) {
        for &index in &self.taken {
            self.counts[index].fetch_sub(1, Ordering::Relaxed);
        }
    }
}

/// Sends each batch to the sink that `choose` says, all sinks at the same time.
async fn hand_out(
    sinks: &[Arc<dyn Sink>],
    run: Vec<Batch>,
    choose: impl Fn(usize) -> usize,
) -> Vec<Answer> {
    let mut answers: Vec<Answer> = vec![Ok(()); run.len()];
    if run.len() == 1 {
        return sinks[choose(0)].send(run).await;
    }
    let mut shares: Vec<Parts> = sinks.iter().map(|_| Parts::default()).collect();
    for (index, batch) in run.into_iter().enumerate() {
        shares[choose(index)].add_whole(index, batch);
    }
    let sends = shares
        .into_iter()
        .zip(sinks)
        .filter(|(share, _)| !share.is_empty())
        .map(|(share, sink)| share.send(sink));
    for sent in join_all(sends).await {
        sent.note(&mut answers);
    }
    answers
}
