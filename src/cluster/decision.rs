//! What the planner decides, as data.

use serde::Serialize;

use super::Time;
use crate::ids::{AssignmentId, Incarnation, Revision, ShardId, StreamName, WorkerId};

/// One change, and why. Each stands for itself: a coordinator that dies between two of them leaves a view
/// from which the rest is planned again.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Decision {
    #[serde(flatten)]
    pub action: Action,
    /// One causal sentence for people: logged, and kept in the list of placement events.
    pub cause: String,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "action", rename_all = "snake_case")]
pub enum Action {
    /// The worker's heartbeats are late. In memory only.
    MarkSuspect { worker: WorkerId },
    /// The worker acts no more: its lease is over or its exit proven.
    MarkLost { worker: WorkerId },
    /// The worker has been gone for so long that its record goes too.
    Forget { worker: WorkerId },
    /// A lifetime limit is reached: drain the worker, then let it exit.
    Recycle { worker: WorkerId },

    /// Grant the shard to the worker under a new epoch: the one durable step that ownership rests on.
    Assign {
        shard: ShardId,
        worker: WorkerId,
        incarnation: Incarnation,
        revision: Revision,
    },
    /// Ask the worker to finish. `destination` is where the shard shall go then, if that is known.
    Drain {
        assignment: AssignmentId,
        until: Time,
        destination: Option<WorkerId>,
    },
    /// The assignment is over: its worker stopped it or acts no more. The shard may be granted anew.
    Release {
        assignment: AssignmentId,
        /// The worker died soon after the shard had begun on it.
        suspicious: bool,
    },

    /// The assignment failed, trying again can help: not before `until`.
    Retry {
        assignment: AssignmentId,
        until: Time,
        attempts: u32,
    },
    /// The assignment failed, trying again cannot help.
    Fail { assignment: AssignmentId },
    /// The assignment reached the end of its input.
    Complete { assignment: AssignmentId },
    /// The shard had just begun to run on several workers when each died.
    Quarantine {
        shard: ShardId,
        revision: Revision,
        until: Time,
    },

    /// The stream has fewer shards than this one's index, and nothing of it runs.
    Remove { shard: ShardId },
    /// The stream is to be deleted, and nothing of it runs.
    Delete { stream: StreamName },
}

impl Decision {
    pub fn new(action: Action, cause: impl Into<String>) -> Self {
        Self {
            action,
            cause: cause.into(),
        }
    }
}
