//! `mutation`: edits each message in place.

use super::flow::{fail, put};
use super::reading::single;
use crate::bloblang::Mapping;
use crate::component::{BuildProcessor, Context, Process, Processor};
use crate::message::Batch;

single! {
    /// The mapping.
    Mapping
}

crate::spec! {
    /// Edits each message by a Bloblang mapping whose `root` begins as the message: what isn't assigned stays as it is.
    ///
    /// Each assignment sees those before it, in `this` too. `root = deleted()` filters the message out.
    /// A mutation that fails half-way keeps the edits made so far, and flags the message.
    dyn BuildProcessor, "mutation", Config
}

impl BuildProcessor for Config {
    fn build(&self, _: &Context) -> anyhow::Result<Processor> {
        Ok(Processor::Sync(Box::new(Mutate(self.0.clone()))))
    }
}

struct Mutate(Mapping);

impl Process for Mutate {
    fn process(&self, mut batch: Batch, out: &mut Vec<Batch>) {
        // Messages are taken out after all have been edited, so that each sees its index in the whole batch.
        let mut deleted = smallvec::SmallVec::<[usize; 8]>::new();
        for index in 0..batch.len() {
            match self.0.mutate(&mut batch, index) {
                Ok(false) => {}
                Ok(true) => deleted.push(index),
                Err(error) => fail(&mut batch[index], error),
            }
        }
        if !deleted.is_empty() {
            let mut index = 0;
            batch.retain(|_| {
                index += 1;
                deleted.binary_search(&(index - 1)).is_err()
            });
        }
        put(batch, out);
    }
}
