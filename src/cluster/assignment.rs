//! Shards and their assignments: who has been given what, how far it got, and what stands in the way.

use serde::{Deserialize, Serialize};

use super::Time;
use crate::ids::{Epoch, Incarnation, Revision, WorkerId};

/// One shard of a stream: its live assignments and its standing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Shard {
    /// Those not yet settled, oldest first. One; two while a stateless stream is handed over.
    pub assignments: Vec<Assignment>,
    pub standing: Standing,
    /// Failed attempts in a row.
    pub attempts: u32,
    /// Worker deaths in a row, each soon after the shard had begun on that worker.
    pub deaths: Vec<Death>,
    /// Where it shall go next, if a drain that ended had said so. A hint, in memory only.
    pub destination: Option<WorkerId>,
    /// Why the standing is what it is, for people.
    pub reason: String,
    pub since: Time,
}

/// Whether a shard may be given to a worker.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "standing", rename_all = "snake_case")]
pub enum Standing {
    /// Nothing stands in the way.
    #[default]
    Ready,
    /// A transient failure: not before `until`.
    BackOff { until: Time },
    /// A permanent failure: not before there is another revision.
    Failed { revision: Revision },
    /// It reached the end of its input: not before there is another revision.
    Completed { revision: Revision },
    /// It had just begun to run on several workers when each died: not before `until`, unless there is another revision.
    Quarantined { revision: Revision, until: Time },
}

impl Standing {
    pub fn is_ready(self) -> bool {
        self == Self::Ready
    }

    /// Whether the shard, at this revision of its stream, may be placed at `now`.
    pub fn allows(self, revision: Revision, now: Time) -> bool {
        match self {
            Self::Ready => true,
            Self::BackOff { until } => until <= now,
            Self::Failed { revision: of } | Self::Completed { revision: of } => of != revision,
            Self::Quarantined {
                revision: of,
                until,
            } => of != revision || until <= now,
        }
    }
}

/// A worker's death while a shard ran on it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Death {
    pub worker: WorkerId,
    pub incarnation: Incarnation,
    pub at: Time,
}

/// A grant of a shard to an incarnation of a worker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Assignment {
    pub epoch: Epoch,
    pub worker: WorkerId,
    pub incarnation: Incarnation,
    /// The revision that it runs.
    pub revision: Revision,
    pub state: AssignmentState,
    /// Why it has this state, for people.
    pub reason: String,
    pub since: Time,
    /// When it began to run, if it has.
    pub running_since: Option<Time>,
    /// While draining: when the worker must cut it off.
    pub drain_until: Option<Time>,
    /// While draining: where it shall go. A hint, in memory only: without it, or when that worker has no room any more, the
    /// strategy chooses.
    pub destination: Option<WorkerId>,
    /// With the state failed: whether trying again can help.
    pub failure: Option<FailureKind>,
    /// Batches that it has read and not yet dealt with, if its worker told. In memory only.
    pub backlog: Option<u64>,
}

text_enum! {
    FailureKind {
        /// The same definition fails again everywhere: a config error.
        Permanent = "permanent",
        /// It may go better later or elsewhere.
        Transient = "transient",
    }
}

text_enum! {
    AssignmentState {
        /// Granted; the worker has not said that it knows.
        Pending = "pending",
        /// The worker builds and connects it.
        Starting = "starting",
        Running = "running",
        /// Asked to finish: no new input; what was read is being written.
        Draining = "draining",
        /// The worker acts for it no more, as it was asked.
        Stopped = "stopped",
        /// The worker acts for it no more: the input ended.
        Completed = "completed",
        /// The worker acts for it no more: it could not start or go on.
        Failed = "failed",
    }
}

impl AssignmentState {
    /// Whether a report or a decision may take an assignment from this state to `next`. Reports are complete and may skip states,
    /// never go back; but for a worker that starts its streams anew after its lease had lapsed (running → starting).
    pub fn can_become(self, next: Self) -> bool {
        use AssignmentState::{Draining, Pending, Running, Starting};
        match self {
            Pending => next != Pending,
            Starting => !matches!(next, Pending | Starting),
            Running => !matches!(next, Pending | Running),
            Draining => next.is_over(),
            Self::Stopped | Self::Completed | Self::Failed => false,
        }
    }

    /// Whether the worker acts for it no more.
    pub fn is_over(self) -> bool {
        matches!(self, Self::Stopped | Self::Completed | Self::Failed)
    }
}

impl Assignment {
    /// Whether it is on its way to another worker.
    pub fn is_move(&self) -> bool {
        self.destination
            .as_ref()
            .is_some_and(|destination| *destination != self.worker)
    }

    /// For how long it ran, as of `now`, in milliseconds.
    pub fn ran_ms(&self, now: Time) -> u64 {
        self.running_since.map_or(0, |since| now.since(since))
    }
}

impl Shard {
    pub fn assignment(&self, epoch: Epoch) -> Option<&Assignment> {
        self.assignments.iter().find(|a| a.epoch == epoch)
    }

    pub fn assignment_mut(&mut self, epoch: Epoch) -> Option<&mut Assignment> {
        self.assignments.iter_mut().find(|a| a.epoch == epoch)
    }

    /// The assignment that is to stay: the newest that is neither draining nor over.
    pub fn current(&self) -> Option<&Assignment> {
        self.assignments
            .iter()
            .rev()
            .find(|a| !a.state.is_over() && a.state != AssignmentState::Draining)
    }
}
