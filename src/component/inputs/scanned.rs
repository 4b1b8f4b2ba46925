//! Turns what a scanner cuts out of bytes into transactions.

use crate::component::{Ack, Run, Scan, Transaction};
use crate::message::{Batch, Metadata};
use bytes::Bytes;

/// How many bytes are read from a connection at a time.
pub(super) const READ: usize = 64 * 1024;

/// One file or connection while it is cut.
pub(super) struct Cutter {
    scan: Box<dyn Scan>,
    /// What every message of it has as metadata.
    metadata: Metadata,
    batches: Vec<Batch>,
}

/// What was cut out of some bytes, and the fault that ended the cutting, if one did.
pub(super) struct Cut {
    pub run: Run,
    pub fault: Option<anyhow::Error>,
}

impl Cutter {
    pub fn new(scan: Box<dyn Scan>, metadata: Metadata) -> Cutter {
        Cutter {
            scan,
            metadata,
            batches: Vec::new(),
        }
    }

    /// Cuts more bytes; each transaction gets an ack from `ack`.
    pub fn push(&mut self, bytes: Bytes, ack: impl FnMut() -> Ack) -> Cut {
        let fault = self.scan.push(bytes, &mut self.batches).err();
        self.cut(fault, ack)
    }

    /// Cuts what is left at the end.
    pub fn finish(&mut self, ack: impl FnMut() -> Ack) -> Cut {
        let fault = self.scan.finish(&mut self.batches).err();
        self.cut(fault, ack)
    }

    fn cut(&mut self, fault: Option<anyhow::Error>, mut ack: impl FnMut() -> Ack) -> Cut {
        self.batches.retain(|batch| !batch.is_empty());
        for message in self.batches.iter_mut().flatten() {
            add(message.metadata_mut(), &self.metadata);
        }
        // Messages are large: room for all is made at once, and each is moved once.
        let mut run = Run::with_capacity(self.batches.len());
        run.extend(
            self.batches
                .drain(..)
                .map(|batch| Transaction { batch, ack: ack() }),
        );
        Cut { run, fault }
    }
}

/// Adds metadata that messages share to what the scanner gave one.
fn add(own: &mut Metadata, shared: &Metadata) {
    if own.is_empty() {
        *own = shared.clone();
    } else {
        for (key, value) in shared.iter() {
            own.set(key.clone(), value.clone());
        }
    }
}
