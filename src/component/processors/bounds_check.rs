//! `bounds_check`: drops batches that are too large or too small.

use crate::component::{BuildProcessor, Context, Process, Processor};
use crate::message::{Batch, ComponentName};

crate::fields! {
    /// The bounds.
    pub struct Config {
        /// The most bytes that a message may have.
        max_part_size: usize = "1073741824",
        /// The fewest bytes that a message may have.
        min_part_size: usize = "1",
        /// The most messages that a batch may have.
        max_parts: usize = "100",
        /// The fewest messages that a batch may have.
        min_parts: usize = "1",
    }
}

crate::spec! {
    /// Drops a batch if it, or any message in it, is out of bounds. What is dropped counts as delivered, and is logged.
    dyn BuildProcessor, "bounds_check", Config
}

impl BuildProcessor for Config {
    fn build(&self, cx: &Context) -> anyhow::Result<Processor> {
        Ok(Processor::Sync(Box::new(Check(
            self.clone(),
            cx.name.clone(),
        ))))
    }
}

struct Check(Config, ComponentName);

impl Process for Check {
    fn process(&self, batch: Batch, out: &mut Vec<Batch>) {
        let Check(bounds, name) = self;
        let count_fits = (bounds.min_parts..=bounds.max_parts).contains(&batch.len());
        let sizes = bounds.min_part_size..=bounds.max_part_size;
        if count_fits && batch.iter().all(|m| sizes.contains(&m.bytes().len())) {
            out.push(batch);
            return;
        }
        tracing::debug!(target: "stream", label = %name.label, path = %name.path, "dropped a batch of {} messages that is out of bounds", batch.len());
    }
}
