//! What buffers count.

use crate::component::Context;
use crate::telemetry::metrics::{Counter, Gauge, Timing};

/// The metrics of a buffer.
pub(super) struct Meter {
    pub received: Counter,
    pub batch_received: Counter,
    pub sent: Counter,
    pub batch_sent: Counter,
    /// What it holds, in the unit of its limit.
    pub active: Gauge,
    cx: Context,
}

impl Meter {
    pub fn new(cx: &Context) -> Meter {
        let metrics = cx.wiring.metrics();
        let labels = [("label", &*cx.name.label), ("path", &*cx.name.path)];
        Meter {
            received: metrics.counter("buffer_received", &labels),
            batch_received: metrics.counter("buffer_batch_received", &labels),
            sent: metrics.counter("buffer_sent", &labels),
            batch_sent: metrics.counter("buffer_batch_sent", &labels),
            active: metrics.gauge("buffer_active", &labels),
            cx: cx.clone(),
        }
    }

    /// How long batches take from the buffer to their answer; none where nobody measures.
    pub fn latency(cx: &Context) -> Option<Timing> {
        let metrics = cx.wiring.metrics();
        let labels = [("label", &*cx.name.label), ("path", &*cx.name.path)];
        metrics
            .is_on()
            .then(|| metrics.timing("buffer_latency_ns", &labels))
    }

    /// Counts messages that didn't fit; there is no such metric before the first.
    #[cold]
    pub fn spill(&self, messages: usize) {
        let name = &self.cx.name;
        let labels = [("label", &*name.label), ("path", &*name.path)];
        let metrics = self.cx.wiring.metrics();
        let spilled = metrics.counter("buffer_spillover", &labels);
        spilled.add(messages as u64);
    }

    pub fn receive(&self, messages: usize) {
        self.received.add(messages as u64);
        self.batch_received.add(1);
    }

    pub fn send(&self, run: &crate::component::Run) {
        let messages: usize = run.iter().map(|t| t.batch.len()).sum();
        self.sent.add(messages as u64);
        self.batch_sent.add(run.len() as u64);
    }
}
