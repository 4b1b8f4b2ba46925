//! Around every processor: names it in the errors it causes, counts, logs.

use super::log::Log;
use crate::component::{Process, ProcessAsync};
use crate::message::{Batch, ComponentName, MessageError};
use crate::telemetry::metrics::{Counter, Metrics, Timing};
use async_trait::async_trait;
use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Instant,
};

/// What is counted while a processor works, before it is added to its metrics.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Tally {
    received: u64,
    batches: u64,
    sent: u64,
    batches_sent: u64,
    errors: u64,
    /// How long one call took, and for how many it stands; 0 for all of them.
    took: Option<(u64, u64)>,
    stands_for: u64,
}

/// Knows a processor's name and counts for it.
pub(super) struct Watch {
    name: ComponentName,
    log: Log,
    /// What is said before its failures, if they are errors to whoever reads the log and not details.
    loud: Option<&'static str>,
    /// None where nobody measures.
    metrics: Option<ProcessorMetrics>,
    calls: AtomicU64,
}

struct ProcessorMetrics {
    received: Counter,
    batches: Counter,
    sent: Counter,
    batches_sent: Counter,
    errors: Counter,
    latency: Timing,
}

impl Watch {
    pub fn new(
        metrics: &Metrics,
        name: ComponentName,
        log: Log,
        loud: Option<&'static str>,
    ) -> Watch {
        let labels = [("label", &*name.label), ("path", &*name.path)];
        let metrics = metrics.is_on().then(|| ProcessorMetrics {
            received: metrics.counter("processor_received", &labels),
            batches: metrics.counter("processor_batch_received", &labels),
            sent: metrics.counter("processor_sent", &labels),
            batches_sent: metrics.counter("processor_batch_sent", &labels),
            errors: metrics.counter("processor_error", &labels),
            latency: metrics.timing("processor_latency_ns", &labels),
        });
        Watch {
            name,
            log,
            loud,
            metrics,
            calls: AtomicU64::new(0),
        }
    }

    /// Adds what was counted over some calls to the metrics.
    pub fn add(&self, tally: &mut Tally) {
        let tally = std::mem::take(tally);
        if let Some(metrics) = self.metrics.as_ref().filter(|_| tally.batches > 0) {
            metrics.received.add(tally.received);
            metrics.batches.add(tally.batches);
            metrics.sent.add(tally.sent);
            metrics.batches_sent.add(tally.batches_sent);
            if let Some((ns, calls)) = tally.took {
                let calls = if calls == 0 { tally.batches } else { calls };
                metrics.latency.record_many(ns, calls);
            }
            if tally.errors > 0 {
                metrics.errors.add(tally.errors);
            }
        }
    }

    /// Notes a call that is about to be made. The first call of a tally is timed, and stands for the others.
    pub fn before(&self, batch: &Batch, tally: &mut Tally) -> Option<Instant> {
        self.metrics.as_ref()?;
        tally.batches += 1;
        tally.received += batch.len() as u64;
        (tally.batches == 1).then(Instant::now)
    }

    /// Notes what a call made.
    pub fn after(&self, made: &mut [Batch], since: Option<Instant>, tally: &mut Tally) {
        if let Some(since) = since {
            tally.took = Some((since.elapsed().as_nanos() as u64, tally.stands_for));
        }
        tally.batches_sent += made.len() as u64;
        for batch in made {
            tally.sent += batch.len() as u64;
            for message in batch {
                if let Some(error) = message.error()
                    && !error.is_noted
                {
                    // What is put down to no component isn't counted as one's either.
                    tally.errors += u64::from(!error.is_anonymous);
                    self.log(error);
                    let error = MessageError {
                        component: (!error.is_anonymous).then(|| self.name.clone()),
                        is_noted: true,
                        ..error.clone()
                    };
                    message.set_error(Some(error));
                }
            }
        }
    }

    #[cold]
    fn log(&self, error: &MessageError) {
        // What nobody is to blame for was told by whoever found it, if it is worth it.
        if let Some(before) = self.loud.filter(|_| !error.is_anonymous) {
            self.log.error(format_args!("{before}{}", error.text));
        } else {
            self.log
                .debug(format_args!("Processor failed: {}", error.text));
        }
    }

    /// As [`Watch::before`] for a processor inside another, which has no run to count over: one call in sixteen is timed, and
    /// the first few.
    fn before_one(&self, batch: &Batch, tally: &mut Tally) -> Option<Instant> {
        let since = self.before(batch, tally)?;
        let call = self.calls.fetch_add(1, Ordering::Relaxed);
        tally.stands_for = if call < 16 { 1 } else { 16 };
        (call < 16 || call.is_multiple_of(16)).then_some(since)
    }
}

/// A processor inside another, or before an output.
pub(super) struct Watched<P> {
    pub watch: Watch,
    pub inner: P,
}

impl Process for Watched<Box<dyn Process>> {
    fn process(&self, batch: Batch, out: &mut Vec<Batch>) {
        let mut tally = Tally::default();
        let since = self.watch.before_one(&batch, &mut tally);
        let before = out.len();
        self.inner.process(batch, out);
        self.watch.after(&mut out[before..], since, &mut tally);
        self.watch.add(&mut tally);
    }
}

#[async_trait]
impl ProcessAsync for Watched<Box<dyn ProcessAsync>> {
    async fn process(&self, batch: Batch) -> Vec<Batch> {
        let mut tally = Tally::default();
        let since = self.watch.before(&batch, &mut tally);
        let mut made = self.inner.process(batch).await;
        self.watch.after(&mut made, since, &mut tally);
        self.watch.add(&mut tally);
        made
    }

    async fn close(&self) {
        self.inner.close().await;
    }
}
