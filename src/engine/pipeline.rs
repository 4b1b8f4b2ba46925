//! The threads of a pipeline: each takes transactions from the input, runs the processors on them, hands what they became to the
//! output, and answers the input when the output has answered.
//!
//! Nothing but the input's lock lies between the threads, and a run goes from input to output without changing its task: a
//! message costs no hop. Sends begin in the order in which they were made. Those that wait for the output are polled beside the
//! processors, or are tasks of their own where several threads wait for each other's.

use super::{
    pressure::Pressure,
    settle::Duties,
    watch::{Tally, Watch},
};
use crate::component::{
    Ack, Answer, Process, ProcessAsync, Processor, Run, Sink, Source, Transaction,
};
use crate::message::Batch;
use futures::{FutureExt, StreamExt, future::BoxFuture, stream::FuturesUnordered};
use std::{
    collections::VecDeque,
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Instant,
};
use tokio::sync::Mutex;
use tokio_util::task::AbortOnDropHandle;

/// What the threads of a pipeline share.
pub(super) struct Line {
    feed: Mutex<Feed>,
    /// Threads that wait for the feed.
    waiting: AtomicUsize,
    stages: Vec<Stage>,
    is_sync: bool,
    sink: Arc<dyn Sink>,
    pressure: Arc<Pressure>,
    threads: usize,
    /// How long the processors took for a message when they were last timed, in nanoseconds; 0 before that.
    pace_ns: AtomicU64,
}

/// Work that is not worth waking up another thread for.
const SHORT_NS: u64 = 1_000_000;

/// Work that takes so long is worth waking up another thread for what waits meanwhile.
const WORTH_WAKING_NS: u64 = 100_000;

/// One more in a count of those that wait, until it is dropped.
struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn new(count: &'a AtomicUsize) -> Waiting<'a> {
        count.fetch_add(1, Ordering::Relaxed);
        Waiting(count)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Leaves the task that this one woke last to another core.
///
/// Such a task is the next one of the core that woke it, and of no other, until a further one takes that place. So whoever gives the input's
/// lock to a thread of the pipeline, and then goes on working, would keep it from working beside.
fn hand_over() {
    tokio::spawn(std::future::ready(()));
}

/// Runs a task of its own until it ends or is no longer waited for.
fn apart(task: BoxFuture<'static, ()>) -> impl Future<Output = ()> {
    let task = AbortOnDropHandle::new(tokio::spawn(task));
    async move {
        if let Err(error) = task.await
            && let Ok(panic) = error.try_into_panic()
        {
            std::panic::resume_unwind(panic);
        }
    }
}

struct Feed {
    source: Box<dyn Source>,
    /// Read, and not taken by a thread yet.
    rest: VecDeque<Transaction>,
    ended: bool,
}

/// A processor of the pipeline.
pub(super) enum Stage {
    Sync(Box<dyn Process>, Watch),
    Async(Box<dyn ProcessAsync>, Watch),
}

impl Stage {
    pub fn new(processor: Processor, watch: Watch) -> Stage {
        match processor {
            Processor::Sync(p) => Stage::Sync(p, watch),
            Processor::Async(p) => Stage::Async(p, watch),
        }
    }
}

/// Batches on their way to the output, and what is owed for them.
pub(super) struct Flight<D = Ack> {
    batches: Vec<Batch>,
    duties: Duties<D>,
}

/// One thread's room to work in.
#[derive(Default)]
pub(super) struct Bench {
    tallies: Vec<Tally>,
    batches: Vec<Batch>,
    next: Vec<Batch>,
}

impl Line {
    pub fn new(
        source: Box<dyn Source>,
        stages: Vec<Stage>,
        sink: Arc<dyn Sink>,
        pressure: Arc<Pressure>,
        threads: usize,
    ) -> Line {
        Line {
            feed: Mutex::new(Feed {
                source,
                rest: VecDeque::new(),
                ended: false,
            }),
            waiting: AtomicUsize::new(0),
            is_sync: stages.iter().all(|s| matches!(s, Stage::Sync(..))),
            stages,
            sink,
            pressure,
            threads,
            pace_ns: AtomicU64::new(0),
        }
    }

    /// One thread: works until the input has ended and everything it took is answered.
    pub async fn work(self: &Arc<Self>) {
        let mut sends: FuturesUnordered<BoxFuture<'static, ()>> = FuturesUnordered::new();
        let mut bench = self.bench();
        loop {
            let taken = tokio::select! {
                biased;
                Some(()) = sends.next(), if !sends.is_empty() => continue,
                taken = self.take() => taken,
            };
            let Some(run) = taken else { break };
            if self.waiting.load(Ordering::Relaxed) > 0 && self.is_long(run.len()) {
                hand_over();
            }
            let run = run.into_iter().map(|t| (t.batch, t.ack));
            let flight = if self.is_sync {
                self.process_timed(run, &mut bench)
            } else {
                let mut processing = std::pin::pin!(self.process_async(run, &mut bench));
                loop {
                    tokio::select! {
                        biased;
                        flight = &mut processing => break flight,
                        Some(()) = sends.next(), if !sends.is_empty() => {}
                    }
                }
            };
            let mut send = self.clone().deliver(flight).boxed();
            // The first poll puts it into the output's queue: sends are written in the order in which they were made.
            if futures::poll!(&mut send).is_pending() {
                sends.push(match self.threads {
                    1 => send,
                    // Other threads' sends wait for this one, and must not have to wait until this thread has time for it.
                    _ => apart(send).boxed(),
                });
            }
            if !self.stages.is_empty() {
                // Processors may have taken a while, and others wait for this core.
                tokio::task::yield_now().await;
            }
        }
        while let Some(()) = sends.next().await {}
    }

    /// The next transactions for a thread; none at the end. Dropping the future loses nothing.
    async fn take(&self) -> Option<Run> {
        self.pressure.room().await;
        let mut feed = {
            let _waiting = Waiting::new(&self.waiting);
            self.feed.lock().await
        };
        if feed.rest.is_empty() {
            if feed.ended {
                return None;
            }
            let Some(run) = feed.source.next().await else {
                feed.ended = true;
                return None;
            };
            if self.threads == 1 && self.is_sync {
                return Some(run);
            }
            feed.rest.extend(run);
        }
        let share = self.share(feed.rest.len());
        Some(feed.rest.drain(..share).collect())
    }

    /// Whether it takes long enough to process so many transactions that another thread should work meanwhile.
    fn is_long(&self, count: usize) -> bool {
        let pace = self.pace_ns.load(Ordering::Relaxed);
        pace.saturating_mul(count as u64) >= WORTH_WAKING_NS
    }

    /// How many of so many transactions a thread takes at once.
    fn share(&self, waiting: usize) -> usize {
        if !self.is_sync {
            // Where processors wait, each thread waits for one message at a time, so that all have some.
            return 1;
        }
        match self.pace_ns.load(Ordering::Relaxed) {
            pace if pace > 0 && pace.saturating_mul(waiting as u64) <= SHORT_NS => waiting,
            _ => waiting.div_ceil(self.threads),
        }
    }

    pub(super) fn bench(&self) -> Bench {
        Bench {
            tallies: vec![Tally::default(); self.stages.len()],
            ..Bench::default()
        }
    }

    /// What was read last, or the next that the input has; none at the end. Dropping the future loses nothing.
    pub(super) async fn take_some(&self) -> Option<Run> {
        self.pressure.room().await;
        let mut feed = self.feed.lock().await;
        if feed.ended {
            return None;
        }
        let run = feed.source.next().await;
        feed.ended = run.is_none();
        run
    }

    /// Runs the processors on batches, each with what is owed for it.
    pub(super) async fn process<D>(
        &self,
        run: impl ExactSizeIterator<Item = (Batch, D)>,
        bench: &mut Bench,
    ) -> Flight<D> {
        match self.is_sync {
            true => self.process_sync(run, bench),
            false => self.process_async(run, bench).await,
        }
    }

    /// As [`Line::process_sync`], and notes how long it took, if there are threads to share the work with.
    fn process_timed(
        &self,
        run: impl ExactSizeIterator<Item = (Batch, Ack)>,
        bench: &mut Bench,
    ) -> Flight {
        if self.threads == 1 {
            return self.process_sync(run, bench);
        }
        let (count, since) = (run.len().max(1) as u64, Instant::now());
        let flight = self.process_sync(run, bench);
        let pace = since.elapsed().as_nanos() as u64 / count;
        self.pace_ns.store(pace.max(1), Ordering::Relaxed);
        flight
    }

    fn process_sync<D>(
        &self,
        run: impl ExactSizeIterator<Item = (Batch, D)>,
        bench: &mut Bench,
    ) -> Flight<D> {
        let mut flight = Flight {
            batches: Vec::with_capacity(run.len()),
            duties: Duties::with_capacity(run.len()),
        };
        for (batch, duty) in run {
            let before = flight.batches.len();
            self.run_sync(batch, bench, &mut flight.batches);
            flight.duties.push(duty, &flight.batches[before..]);
        }
        self.count(bench);
        flight
    }

    #[inline]
    fn run_sync(&self, batch: Batch, bench: &mut Bench, out: &mut Vec<Batch>) {
        let Some((last, others)) = self.stages.split_last() else {
            out.push(batch);
            return;
        };
        let Bench {
            tallies,
            batches,
            next,
        } = bench;
        let at_last = others.len();
        if others.is_empty() {
            last.process_sync(batch, &mut tallies[0], out);
            return;
        }
        batches.push(batch);
        for (stage, tally) in others.iter().zip(&mut *tallies) {
            for batch in batches.drain(..) {
                stage.process_sync(batch, tally, next);
            }
            std::mem::swap(batches, next);
        }
        for batch in batches.drain(..) {
            last.process_sync(batch, &mut tallies[at_last], out);
        }
    }

    async fn process_async<D>(
        &self,
        run: impl ExactSizeIterator<Item = (Batch, D)>,
        bench: &mut Bench,
    ) -> Flight<D> {
        let mut flight = Flight {
            batches: Vec::with_capacity(run.len()),
            duties: Duties::with_capacity(run.len()),
        };
        for (batch, duty) in run {
            let mut batches = vec![batch];
            for (stage, tally) in self.stages.iter().zip(&mut bench.tallies) {
                let mut next = Vec::with_capacity(batches.len());
                for batch in batches {
                    match stage {
                        Stage::Sync(..) => stage.process_sync(batch, tally, &mut next),
                        Stage::Async(processor, watch) => {
                            let since = watch.before(&batch, tally);
                            let mut made = processor.process(batch).await;
                            watch.after(&mut made, since, tally);
                            next.extend(made);
                        }
                    }
                }
                batches = next;
            }
            flight.duties.push(duty, &batches);
            flight.batches.extend(batches);
        }
        self.count(bench);
        flight
    }

    fn count(&self, bench: &mut Bench) {
        for (stage, tally) in self.stages.iter().zip(&mut bench.tallies) {
            let (Stage::Sync(_, watch) | Stage::Async(_, watch)) = stage;
            watch.add(tally);
        }
    }

    /// Hands a flight to the output, and gives each answer with what is owed for it.
    pub(super) async fn send<D>(&self, flight: Flight<D>) -> Vec<(D, Answer)> {
        let answers: Vec<Answer> = if flight.batches.is_empty() {
            Vec::new()
        } else {
            let _under_way = self.pressure.send();
            self.sink.send(flight.batches).await
        };
        flight.duties.settle(answers).collect()
    }

    async fn deliver(self: Arc<Self>, flight: Flight) {
        Ack::answer_all(self.send(flight).await);
    }

    /// Closes input, processors and output, in this order. The threads have ended.
    pub async fn close(&self) {
        let mut feed = self.feed.lock().await;
        feed.rest.clear();
        feed.source.close().await;
        for stage in &self.stages {
            if let Stage::Async(processor, _) = stage {
                processor.close().await;
            }
        }
        self.sink.close().await;
    }
}

impl Stage {
    #[inline]
    fn process_sync(&self, batch: Batch, tally: &mut Tally, out: &mut Vec<Batch>) {
        let Stage::Sync(processor, watch) = self else {
            unreachable!("asked of stages that don't wait only");
        };
        let since = watch.before(&batch, tally);
        let before = out.len();
        processor.process(batch, out);
        watch.after(&mut out[before..], since, tally);
    }
}
