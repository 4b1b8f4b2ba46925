//! What buffers count.

use crate::component::Context;
use crate::telemetry::metrics::{Counter, Gauge};

/// The metrics of a buffer.
pub(super) struct Meter {
    pub received: Counter,
    pub batch_received: Counter,
    pub sent: Counter,
    pub batch_sent: Counter,
    pub spilled: Counter,
    /// What it holds, in the unit of its limit.
    pub active: Gauge,
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
            spilled: metrics.counter("buffer_spillover", &labels),
            active: metrics.gauge("buffer_active", &labels),
        }
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
