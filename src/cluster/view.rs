//! The whole world as the coordinator sees it, as plain data.
//!
//! Durable: streams, shards with their assignments, workers (without lease, load and applied generation), the epoch counter, the
//! freeze. In memory: the rest. A coordinator that starts loads the durable part and knows nothing of leases, hence
//! `lead_since`. It must set that *after* its listener is bound and its leadership is durable: see `lease.rs`.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{Assignment, AssignmentState, OnPartition, Shard, Stream, Time, Worker};
use crate::ids::{AssignmentId, Epoch, Revision, ShardId, ShardIndex, StreamName, Term, WorkerId};

#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct View {
    pub term: Term,
    /// When this coordinator began to lead.
    pub lead_since: Time,
    /// The highest epoch that was granted to anything. A grant is one durable compare-and-set of this counter to the next
    /// number: so an epoch is never given twice, not even to a stream that is created again under an old name, nor by
    /// a coordinator that does not know that it was deposed.
    pub epoch: Epoch,
    /// Why nothing is moved for balance or recycled, if somebody froze that.
    pub frozen: Option<String>,
    pub workers: BTreeMap<WorkerId, Worker>,
    pub streams: BTreeMap<StreamName, Stream>,
    /// An entry that is missing is like one that is new.
    pub shards: BTreeMap<ShardId, Shard>,
    pub moves: Moves,
}

/// When moves for balance were last begun, so that successive rounds back off. In memory only.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Moves {
    /// Rounds in a row.
    pub rounds: u32,
    pub last: Option<Time>,
}

/// What a worker is to do for one assignment: an element of its desired set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Duty {
    pub assignment: AssignmentId,
    pub revision: Revision,
    pub goal: Goal,
    /// How many shards the stream has, for configs that ask.
    pub shards: u32,
    pub on_partition: OnPartition,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Goal {
    Run,
    /// Finish what was read, then stop; cut it off at this time by the coordinator's clock (send what is left of it).
    Drain {
        until: Time,
    },
}

impl View {
    /// The desired set of each worker that has one, for its newest incarnation. A set holds everything that the worker should have: what
    /// it runs beyond that, it must stop. One pass over all shards: compute it once after a round of decisions.
    pub fn duties(&self) -> BTreeMap<WorkerId, Vec<Duty>> {
        let mut sets: BTreeMap<WorkerId, Vec<Duty>> = BTreeMap::new();
        for (id, shard) in &self.shards {
            for assignment in &shard.assignments {
                let is_newest = self
                    .workers
                    .get(&assignment.worker)
                    .is_some_and(|worker| worker.incarnation == assignment.incarnation);
                if !is_newest || assignment.state.is_over() {
                    continue;
                }
                let stream = self.streams.get(&id.stream);
                sets.entry(assignment.worker.clone())
                    .or_default()
                    .push(Duty {
                        assignment: AssignmentId {
                            shard: id.clone(),
                            epoch: assignment.epoch,
                        },
                        revision: assignment.revision,
                        goal: match assignment.state {
                            AssignmentState::Draining => Goal::Drain {
                                until: assignment.drain_until.unwrap_or(assignment.since),
                            },
                            _ => Goal::Run,
                        },
                        shards: stream.map_or(1, |stream| stream.shards),
                        on_partition: stream
                            .map_or(OnPartition::Stop, |stream| stream.on_partition),
                    });
            }
        }
        sets
    }

    /// The shards that a stream has a record of, in order.
    pub fn shards_of(&self, stream: &StreamName) -> impl Iterator<Item = (&ShardId, &Shard)> {
        let first = ShardId {
            stream: stream.clone(),
            shard: ShardIndex(0),
        };
        let last = ShardId {
            stream: stream.clone(),
            shard: ShardIndex(u32::MAX),
        };
        self.shards.range(first..=last)
    }

    /// All assignments that a worker may still be acting for, or that are over and not yet settled.
    pub fn assignments(&self) -> impl Iterator<Item = (&ShardId, &Assignment)> {
        self.shards
            .iter()
            .flat_map(|(id, shard)| shard.assignments.iter().map(move |a| (id, a)))
    }

    /// The assignment of this identity, if it is not yet settled.
    pub fn assignment(&self, id: &AssignmentId) -> Option<&Assignment> {
        self.shards.get(&id.shard)?.assignment(id.epoch)
    }
}
