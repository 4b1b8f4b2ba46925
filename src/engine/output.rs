//! Around every output that connects and writes: connects it again, bounds the writes under way, asks the fence, counts.

use super::{backoff::Backoff, log::Log, wiring::Shop};
use crate::component::{Answer, BatchError, Sink, WriteError, Writer};
use crate::message::{Batch, ComponentName};
use crate::telemetry::metrics::{Counter, Metrics, Timing};
use async_trait::async_trait;
use futures::{FutureExt, StreamExt};
use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU64, Ordering},
};
use tokio::{
    sync::{Mutex, Semaphore, SemaphorePermit},
    time::Instant,
};

pub(super) struct WriterSink {
    writer: Box<dyn Writer>,
    max_in_flight: usize,
    /// One for each write that may be under way; given in the order in which they are asked for.
    turns: Semaphore,
    connecting: Mutex<Backoff>,
    connected: Arc<AtomicBool>,
    /// A short stream may be over before the connection at its start has had its turn.
    closed: AtomicBool,
    /// Grows with each connection, so that several writes that lose one don't close the next.
    connection: AtomicU64,
    shop: Arc<Shop>,
    metrics: OutputMetrics,
    log: Log,
}

struct OutputMetrics {
    sent: Counter,
    batches: Counter,
    errors: Counter,
    latency: Timing,
    up: Counter,
    failed: Counter,
    lost: Counter,
}

impl OutputMetrics {
    fn new(metrics: &Metrics, name: &ComponentName) -> OutputMetrics {
        let labels = [("label", &*name.label), ("path", &*name.path)];
        OutputMetrics {
            sent: metrics.counter("output_sent", &labels),
            batches: metrics.counter("output_batch_sent", &labels),
            errors: metrics.counter("output_error", &labels),
            latency: metrics.timing("output_latency_ns", &labels),
            up: metrics.counter("output_connection_up", &labels),
            failed: metrics.counter("output_connection_failed", &labels),
            lost: metrics.counter("output_connection_lost", &labels),
        }
    }
}

impl WriterSink {
    /// Wraps a writer; it connects as soon as the stream starts.
    pub fn new(
        shop: Arc<Shop>,
        name: ComponentName,
        writer: Box<dyn Writer>,
        max_in_flight: usize,
    ) -> Arc<WriterSink> {
        let connected = Arc::new(AtomicBool::new(false));
        shop.watch_output(&connected);
        let max_in_flight = match writer.takes_runs() {
            true => 1,
            false => max_in_flight.clamp(1, Semaphore::MAX_PERMITS),
        };
        let sink = Arc::new(WriterSink {
            writer,
            max_in_flight,
            turns: Semaphore::new(max_in_flight),
            connecting: Mutex::new(Backoff::output()),
            connected,
            closed: AtomicBool::new(false),
            connection: AtomicU64::new(0),
            metrics: OutputMetrics::new(&shop.metrics, &name),
            log: Log::new(shop.stream.clone(), name),
            shop: shop.clone(),
        });
        let first = sink.clone();
        shop.at_start(async move {
            first.connect().await;
        });
        sink
    }

    /// Connects if need be, for as long as it takes; false if the stream stops first. Returns the connection's number.
    async fn connect(&self) -> Option<u64> {
        if self.connected.load(Ordering::Acquire) {
            return Some(self.connection.load(Ordering::Acquire));
        }
        let stop = self.shop.hard_stop.cancelled();
        tokio::select! {
            biased;
            connection = self.keep_connecting() => Some(connection),
            () = stop => None,
        }
    }

    async fn keep_connecting(&self) -> u64 {
        let mut backoff = self.connecting.lock().await;
        loop {
            if self.connected.load(Ordering::Acquire) || self.closed.load(Ordering::Acquire) {
                return self.connection.load(Ordering::Acquire);
            }
            match self.writer.connect().await {
                Ok(()) => {
                    backoff.reset();
                    self.metrics.up.add(1);
                    let kind = self.log.kind();
                    self.log
                        .info(format_args!("Output type {kind} is now active"));
                    let connection = self.connection.fetch_add(1, Ordering::AcqRel) + 1;
                    self.connected.store(true, Ordering::Release);
                    return connection;
                }
                Err(e) => {
                    self.metrics.failed.add(1);
                    let kind = self.log.kind();
                    self.log
                        .error(format_args!("Failed to connect to {kind}: {e:#}"));
                    tokio::time::sleep(backoff.wait()).await;
                }
            }
        }
    }

    fn lost(&self, connection: u64) {
        if self.connection.load(Ordering::Acquire) == connection {
            self.connected.store(false, Ordering::Release);
        }
        self.metrics.lost.add(1);
    }

    async fn turn(&self) -> SemaphorePermit<'_> {
        let turn = match self.turns.try_acquire() {
            Ok(turn) => Ok(turn),
            Err(_) => {
                let _queued = self.shop.pressure.queue();
                self.turns.acquire().await
            }
        };
        turn.expect("the semaphore is never closed")
    }

    /// Takes note of a failed write and makes an answer of it.
    fn failed(&self, error: BatchError) -> Answer {
        self.metrics.errors.add(1);
        self.shop.counts.failed.fetch_add(1, Ordering::Relaxed);
        if !self.writer.fails_on_purpose() {
            let kind = self.log.kind();
            self.log
                .error(format_args!("Failed to send message to {kind}: {error}"));
        }
        Err(error)
    }

    fn sent(&self, batches: &[Batch], since: Instant) {
        let messages: usize = batches.iter().map(|b| b.len()).sum();
        self.metrics.sent.add(messages as u64);
        self.metrics.batches.add(batches.len() as u64);
        let took = since.elapsed().as_nanos() as u64;
        self.metrics.latency.record_many(took, batches.len() as u64);
        let sent = &self.shop.counts.sent;
        sent.fetch_add(messages as u64, Ordering::Relaxed);
    }

    /// Writes all of them, in order, as one write where the output takes that.
    async fn write_run(&self, run: &[Batch]) -> Vec<Answer> {
        let _turn = self.turn().await;
        let mut answers = Vec::with_capacity(run.len());
        while answers.len() < run.len() {
            let Some(connection) = self.connect().await else {
                answers.resize(run.len(), Err(BatchError::whole(STOPPED)));
                break;
            };
            if !self.shop.fence.is_open() {
                answers.resize(run.len(), Err(BatchError::whole(FENCED)));
                break;
            }
            let since = Instant::now();
            let rest = &run[answers.len()..];
            let (done, error) = match self.writer.write_run(rest).await {
                Ok(()) => (rest.len(), None),
                Err((at, error)) => (at.min(rest.len() - 1), Some(error)),
            };
            if done > 0 {
                self.sent(&rest[..done], since);
                answers.resize(answers.len() + done, Ok(()));
            }
            match error {
                None => {}
                Some(WriteError::NotConnected) => self.lost(connection),
                Some(WriteError::Failed(error)) => answers.push(self.failed(error)),
            }
        }
        answers
    }

    async fn write_one(&self, batch: &Batch) -> Answer {
        let _turn = self.turn().await;
        loop {
            let Some(connection) = self.connect().await else {
                return Err(BatchError::whole(STOPPED));
            };
            if !self.shop.fence.is_open() {
                return Err(BatchError::whole(FENCED));
            }
            let since = Instant::now();
            match self.writer.write(batch).await {
                Ok(()) => {
                    self.sent(std::slice::from_ref(batch), since);
                    return Ok(());
                }
                Err(WriteError::NotConnected) => self.lost(connection),
                Err(WriteError::Failed(error)) => return self.failed(error),
            }
        }
    }
}

const STOPPED: &str = "the stream stopped before the message was delivered";
const FENCED: &str = "the lease on the stream has ended";

#[async_trait]
impl Sink for WriterSink {
    async fn send(&self, run: Vec<Batch>) -> Vec<Answer> {
        if self.max_in_flight == 1 {
            return self.write_run(&run).await;
        }
        if let [batch] = run.as_slice() {
            return vec![self.write_one(batch).await];
        }
        let writes: Vec<_> = run.iter().map(|b| self.write_one(b).boxed()).collect();
        let writes = futures::stream::iter(writes);
        writes.buffered(self.max_in_flight).collect().await
    }

    async fn close(&self) {
        self.closed.store(true, Ordering::Release);
        self.connected.store(false, Ordering::Release);
        self.writer.close().await;
    }

    fn is_connected(&self) -> bool {
        self.connected.load(Ordering::Relaxed)
    }
}
