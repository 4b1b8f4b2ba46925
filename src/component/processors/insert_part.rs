//! `insert_part`: adds a message to a batch.

use crate::bloblang::Interpolated;
use crate::component::{BuildProcessor, Context, Process, Processor};
use crate::message::{Batch, ComponentName};

crate::fields! {
    /// What is added, and where.
    pub struct Config {
        /// The place that the new message has afterwards, from 0; negative ones count from the end, -1 is the last. Places beyond either end are the end.
        index: i64 = "-1",
        /// The content; queries see the first message of the batch.
        content: Interpolated = "''",
    }
}

crate::spec! {
    /// Adds a message to each batch. It has the metadata of the first message, and its error if that has failed. If the content
    /// can't be made, that is logged and the batch goes on as it was.
    dyn BuildProcessor, "insert_part", Config
}

impl BuildProcessor for Config {
    fn build(&self, cx: &Context) -> anyhow::Result<Processor> {
        Ok(Processor::Sync(Box::new(Insert {
            index: self.index,
            content: self.content.clone(),
            name: cx.name.clone(),
        })))
    }
}

struct Insert {
    index: i64,
    content: Interpolated,
    name: ComponentName,
}

impl Process for Insert {
    fn process(&self, mut batch: Batch, out: &mut Vec<Batch>) {
        match self.content.bytes(&batch, 0) {
            Ok(content) => {
                let mut new = batch[0].clone();
                new.set_bytes(content);
                let length = batch.len() as i64;
                let at = if self.index < 0 {
                    length + 1 + self.index
                } else {
                    self.index
                };
                batch.insert(at.clamp(0, length) as usize, new);
            }
            Err(error) => {
                tracing::error!(target: "stream", label = %self.name.label, path = %self.name.path, "Content interpolation error: {error}");
            }
        }
        out.push(batch);
    }
}
