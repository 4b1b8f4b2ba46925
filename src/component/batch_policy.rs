//! When a batch is complete.

use super::ProcessorConfig;
use crate::bloblang::Mapping;
use crate::config::Span;

crate::fields! {
    /// When messages that wait together go on as a batch: as soon as any of these is reached. With none of them set, batches pass as they come.
    pub struct BatchPolicy {
        /// The number of messages; 0 for no limit.
        count: usize = "0",
        /// The number of bytes of content; 0 for no limit.
        byte_size: usize = "0",
        /// The time since the last batch.
        period: Span = "''",
        /// A share of the period, from 0 to 1, by which it is varied at random.
        jitter: f64 = "0",
        /// A query on the newest message that says whether it ends the batch.
        check: Option<Mapping>,
        /// Processors for a complete batch: to archive it, to compress it.
        processors: Vec<ProcessorConfig> = "[]",
    }
}

impl Default for BatchPolicy {
    /// The policy that lets batches pass.
    fn default() -> BatchPolicy {
        BatchPolicy {
            count: 0,
            byte_size: 0,
            period: Span(None),
            jitter: 0.0,
            check: None,
            processors: Vec::new(),
        }
    }
}

impl BatchPolicy {
    /// Whether nothing would ever complete a batch, so that batches should pass as they come.
    pub fn is_noop(&self) -> bool {
        self.count == 0
            && self.byte_size == 0
            && self.period.0.is_none()
            && self.check.is_none()
            && self.processors.is_empty()
    }
}
