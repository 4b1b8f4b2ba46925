//! `mapping`: makes a new document of each message.

use super::flow::{fail, put};
use super::reading::single;
use crate::bloblang::{Mapped, Mapping};
use crate::component::{BuildProcessor, Context, Process, Processor};
use crate::message::Batch;

single! {
    /// The mapping.
    Mapping
}

crate::spec! {
    /// Makes a new message of each by a Bloblang mapping. What the mapping doesn't assign to `root` isn't in the new
    /// document, but if it assigns nothing to `root` at all the content stays; metadata stays unless it is changed.
    ///
    /// `root = deleted()` filters the message out. A mapping that fails leaves the message as it was, and flags it.
    /// In a mapping `this` and `meta()` are the message as it came. To change a few fields of a large document,
    /// `mutation` reads easier.
    dyn BuildProcessor, "mapping", Config
}

impl BuildProcessor for Config {
    fn build(&self, _: &Context) -> anyhow::Result<Processor> {
        Ok(processor(&self.0))
    }
}

/// Runs a mapping over each message of a batch, and sees the whole batch as it came.
pub(super) fn processor(mapping: &Mapping) -> Processor {
    Processor::Sync(Box::new(Map(mapping.clone())))
}

struct Map(Mapping);

impl Process for Map {
    fn process(&self, batch: Batch, out: &mut Vec<Batch>) {
        map(&self.0, batch, out);
    }
}

/// Runs a mapping over each message of a batch.
pub(crate) fn map(mapping: &Mapping, mut batch: Batch, out: &mut Vec<Batch>) {
    if batch.len() == 1 {
        match mapping.replace(&mut batch[0]) {
            Ok(false) => {}
            Ok(true) => return,
            Err(error) => fail(&mut batch[0], error),
        }
        out.push(batch);
        return;
    }
    let mut mapped = Batch::with_capacity(batch.len());
    for index in 0..batch.len() {
        match mapping.map(&batch, index) {
            Ok(Mapped::Message(message)) => mapped.push(message),
            Ok(Mapped::Deleted) => {}
            // The messages that follow see that it failed.
            Err(error) => {
                fail(&mut batch[index], error);
                mapped.push(batch[index].clone());
            }
        }
    }
    put(mapped, out);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::Message;

    #[test]
    fn later_messages_see_which_ones_failed() {
        let mapping = Mapping::parse(
            "root = if batch_index() == 0 { throw(\"no\") } else { errored().from_all() }",
            &Default::default(),
        )
        .expect("a sound mapping");
        let batch = Batch::from_iter([Message::new("a"), Message::new("b")]);
        let mut out = Vec::new();
        map(&mapping, batch, &mut out);
        assert_eq!(out[0][0].bytes(), &b"a"[..]);
        assert_eq!(out[0][1].bytes(), &b"[true,false]"[..]);
    }
}
