//! Around every input that connects and reads: connects it again, sends again what failed, keeps its books, counts.

use super::{backoff::Backoff, books::Books, wiring::Shop};
use crate::component::{HurryGuard, ReadError, Reader, Run, Source};
use crate::engine::log::Log;
use crate::message::ComponentName;
use crate::telemetry::metrics::{Counter, Metrics};
use async_trait::async_trait;
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::time::{Instant, timeout_at};

/// How long an input that is to stop waits for what its source was asked for before.
const REST_TIMEOUT: Duration = Duration::from_secs(5);

pub(super) struct ReaderSource {
    reader: Box<dyn Reader>,
    books: Arc<Books>,
    shop: Arc<Shop>,
    connected: Arc<AtomicBool>,
    backoff: Backoff,
    /// Nothing is tried before.
    resume_at: Option<Instant>,
    /// Until when the reader is asked for the rest, once the stream is to stop.
    rest_until: Option<Instant>,
    /// Held once nothing more is read.
    ended: Option<HurryGuard>,
    metrics: InputMetrics,
    log: Log,
}

struct InputMetrics {
    received: Counter,
    up: Counter,
    failed: Counter,
    lost: Counter,
}

impl InputMetrics {
    fn new(metrics: &Metrics, name: &ComponentName, has_connection: bool) -> InputMetrics {
        let labels = [("label", &*name.label), ("path", &*name.path)];
        let off = Metrics::off();
        let connection = if has_connection { metrics } else { &off };
        InputMetrics {
            received: metrics.counter("input_received", &labels),
            up: connection.counter("input_connection_up", &labels),
            failed: connection.counter("input_connection_failed", &labels),
            lost: connection.counter("input_connection_lost", &labels),
        }
    }
}

/// What came of one step.
enum Step {
    Stop,
    Again,
    Connected(anyhow::Result<()>),
    Read(Result<Run, ReadError>),
}

impl ReaderSource {
    pub fn new(
        shop: Arc<Shop>,
        name: ComponentName,
        reader: Box<dyn Reader>,
        auto_replay: bool,
    ) -> ReaderSource {
        let labels = [("label", &*name.label), ("path", &*name.path)];
        let latency = shop.metrics.timing("input_latency_ns", &labels);
        let books = Books::new(
            auto_replay,
            shop.fence.clone(),
            latency,
            shop.pressure.clone(),
        );
        let connected = Arc::new(AtomicBool::new(false));
        shop.watch_input(&connected);
        let metrics = InputMetrics::new(&shop.metrics, &name, reader.has_connection());
        ReaderSource {
            reader,
            books: Arc::new(books),
            connected,
            backoff: Backoff::input(),
            resume_at: None,
            rest_until: None,
            ended: None,
            metrics,
            log: Log::new(shop.stream.clone(), name),
            shop,
        }
    }

    fn is_connected_now(&self) -> bool {
        self.connected.load(Ordering::Relaxed)
    }

    /// Waits for what comes first: the end, something to send again, or the reader.
    async fn step(&mut self) -> Step {
        let (soft_stop, pressure) = (&self.shop.soft_stop, &self.shop.pressure);
        let is_connected = self.connected.load(Ordering::Relaxed);
        let (reader, resume_at) = (&mut self.reader, self.resume_at);
        let forward = async {
            if let Some(at) = resume_at {
                tokio::time::sleep_until(at).await;
            }
            if !is_connected {
                return Step::Connected(reader.connect().await);
            }
            pressure.budget().await;
            Step::Read(reader.read().await)
        };
        tokio::select! {
            biased;
            () = soft_stop.cancelled() => Step::Stop,
            // Connecting isn't interrupted: messages that fail over and over would never let it end.
            () = self.books.until_due(), if is_connected => Step::Again,
            step = forward => step,
        }
    }

    /// What was asked for before the stream was to stop, and comes only now.
    async fn rest(&mut self) -> Option<Run> {
        if !self.is_connected_now() {
            return None;
        }
        let now = Instant::now();
        let until = *self.rest_until.get_or_insert(now + REST_TIMEOUT);
        timeout_at(until, self.reader.rest()).await.ok().flatten()
    }

    /// Counts what is sent again, and tells of it from time to time.
    fn note_replays(&self, run: &Run) {
        let messages: usize = run.iter().map(|t| t.batch.len()).sum();
        let name = self.log.name();
        let labels = [("label", &*name.label), ("path", &*name.path)];
        // The peers have no such metric: it is there once there is something to count.
        let replayed = self.shop.metrics.counter("input_replayed", &labels);
        replayed.add(messages as u64);
        if let Some(report) = self.books.replay_report() {
            self.log.warn(format_args!("{report}"));
        }
    }

    fn end(&mut self) {
        self.ended = Some(self.shop.hurry.begin());
    }

    fn wait_before_next(&mut self) {
        self.resume_at = Some(Instant::now() + self.backoff.wait());
    }

    /// Takes note of what came of a step; a run is to be handed on.
    fn handle(&mut self, step: Step) -> Option<Run> {
        match step {
            Step::Again => {}
            Step::Stop | Step::Read(Err(ReadError::End)) => self.end(),
            Step::Connected(Ok(())) => {
                self.resume_at = None;
                self.backoff.reset();
                self.metrics.up.add(1);
                self.connected.store(true, Ordering::Relaxed);
                let kind = self.log.kind();
                self.log
                    .info(format_args!("Input type {kind} is now active"));
            }
            Step::Connected(Err(e)) => {
                self.metrics.failed.add(1);
                let kind = self.log.kind();
                self.log
                    .error(format_args!("Failed to connect to {kind}: {e:#}"));
                self.wait_before_next();
            }
            Step::Read(Err(ReadError::NotConnected)) => {
                self.connected.store(false, Ordering::Relaxed);
                self.metrics.lost.add(1);
            }
            Step::Read(Err(ReadError::Failed(e))) => {
                self.log
                    .error(format_args!("Failed to read message: {e:#}"));
                self.wait_before_next();
            }
            Step::Read(Ok(run)) => {
                if self.resume_at.take().is_some() {
                    self.backoff.reset();
                }
                let (run, messages) = self.books.enter(run);
                self.metrics.received.add(messages as u64);
                self.shop
                    .counts
                    .received
                    .fetch_add(messages as u64, Ordering::Relaxed);
                return Some(run);
            }
        }
        None
    }
}

#[async_trait]
impl Source for ReaderSource {
    async fn next(&mut self) -> Option<Run> {
        loop {
            if let Some(run) = self.books.due() {
                self.note_replays(&run);
                return Some(run);
            }
            if self.ended.is_some() {
                if self.books.is_settled() {
                    return None;
                }
                match self.books.next_due() {
                    Some(_) => self.books.until_due().await,
                    None => self.books.changed.notified().await,
                }
                continue;
            }
            let mut step = self.step().await;
            if let Step::Stop = step
                && let Some(run) = self.rest().await
            {
                step = Step::Read(Ok(run));
            }
            if let Some(run) = self.handle(step).filter(|run| !run.is_empty()) {
                return Some(run);
            }
        }
    }

    async fn close(&mut self) {
        self.ended = None;
        self.connected.store(false, Ordering::Relaxed);
        self.reader.close().await;
    }

    fn is_connected(&self) -> bool {
        self.is_connected_now()
    }
}
