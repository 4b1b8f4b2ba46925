//! What processes wrote down of what they did, and the check of it afterwards.
//!
//! Every process that is started with `-history FILE` appends a line of JSON for each thing that bears on ownership. A worker writes that it
//! acts before it can, and that it acts no more after it can't: so what is recorded covers what was done. A coordinator writes a grant
//! before it is durable. [`Timeline`] judges these records, [`SinkCheck`] what arrived, in `airtruct verify` and in the chaos tests.
//!
//! Times are CLOCK_BOOTTIME, so records of one machine can be compared and those of several can't: each names its machine's boot.

mod handover;
mod sink;
#[cfg(test)]
mod tests;
mod timeline;

use serde::{Deserialize, Serialize};

use super::Time;
use crate::ids::{AssignmentId, Incarnation, Term, WorkerId};

pub use handover::{Handover, Pauses, handovers, pauses};
pub use sink::{SinkCheck, SinkLine};
pub use timeline::Timeline;

/// A line of a history.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// CLOCK_BOOTTIME of the machine, in milliseconds.
    pub at: Time,
    /// Which start of which machine that clock counts from.
    pub boot: String,
    /// Which start of which process wrote it.
    pub process: String,
    #[serde(flatten)]
    pub event: Event,
}

/// What a process did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// A worker has begun.
    WorkerUp {
        worker: WorkerId,
        incarnation: Incarnation,
    },
    /// Its lease lasts until then.
    Lease { until: Time },
    /// It acts for an assignment from now on; runs of one assignment are counted.
    Start {
        #[serde(flatten)]
        assignment: AssignmentId,
        run: u64,
    },
    /// A run acts no more.
    Stop {
        #[serde(flatten)]
        assignment: AssignmentId,
        run: u64,
        reason: String,
    },
    /// The worker goes, in order.
    WorkerDown { reason: String },
    /// A coordinator begins to lead.
    Lead { term: Term },
    /// It leads no more.
    Deposed { term: Term, reason: String },
    /// It is about to give an assignment to a start of a worker. If the write fails, nobody hears of it.
    Grant {
        #[serde(flatten)]
        assignment: AssignmentId,
        worker: WorkerId,
        incarnation: Incarnation,
        /// Whether nobody else may act for the shard meanwhile: streams that are stateless or go on without a lease may overlap.
        exclusive: bool,
    },
    /// It counts an assignment as over.
    Release {
        #[serde(flatten)]
        assignment: AssignmentId,
        how: ReleaseCause,
        cause: String,
    },
}

text_enum! {
    /// How a coordinator came to know that an owner acts no more.
    ReleaseCause {
        /// The worker said that it has stopped.
        Reported = "reported",
        /// The worker's process has certainly ended.
        Exit = "exit",
        /// The worker said goodbye.
        Goodbye = "goodbye",
        /// Its lease is over.
        Lease = "lease",
    }
}
