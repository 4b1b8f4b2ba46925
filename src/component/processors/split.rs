//! `split`: makes several batches of one.

use super::flow::put;
use crate::component::{BuildProcessor, Context, Process, Processor};
use crate::message::Batch;

crate::fields! {
    /// How large the batches may be; 0 is no limit.
    pub struct Config {
        /// The number of messages.
        size: usize = "1",
        /// The number of bytes of content. A message that is larger is a batch by itself.
        byte_size: usize = "0",
    }
}

crate::spec! {
    /// Breaks batches into smaller ones. Each then goes on by itself, and the original is delivered when all of them are.
    dyn BuildProcessor, "split", Config
}

impl BuildProcessor for Config {
    fn build(&self, _: &Context) -> anyhow::Result<Processor> {
        Ok(Processor::Sync(Box::new(Split {
            size: self.size,
            byte_size: self.byte_size,
        })))
    }
}

struct Split {
    size: usize,
    byte_size: usize,
}

impl Process for Split {
    fn process(&self, batch: Batch, out: &mut Vec<Batch>) {
        if batch.len() == 1 {
            out.push(batch);
            return;
        }
        let (mut part, mut bytes) = (Batch::new(), 0);
        for message in batch {
            // Without a limit on bytes nobody needs to know how many there are.
            let length = if self.byte_size > 0 {
                message.bytes().len()
            } else {
                0
            };
            let full = self.size > 0 && part.len() >= self.size
                || self.byte_size > 0 && bytes + length > self.byte_size;
            if full && !part.is_empty() {
                out.push(std::mem::take(&mut part));
                bytes = 0;
            }
            bytes += length;
            part.push(message);
        }
        put(part, out);
    }
}
