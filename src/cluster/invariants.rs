//! What must hold, whatever happens: said once, for unit tests, the simulator and the check of recorded histories.
//!
//! Numbers are those of the design: I1 one owner, I2 epochs, I6 progress, I7 fixpoint, I9 drains end. I3 (nothing after the
//! lease) shows at the sink as a break of I1 or of the writer's own check, I4 and I5 (messages) are the engine's.

use std::{collections::BTreeMap, fmt};

use serde::Serialize;

use super::{Policy, Time, View, plan};
use crate::ids::{Epoch, Incarnation, ShardId, WorkerId};

/// A promise that was broken, and how.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "invariant", rename_all = "snake_case")]
pub enum Violation {
    /// I1: an owner acted after a later owner had.
    Overlap {
        shard: ShardId,
        epoch: Epoch,
        worker: WorkerId,
        later: Epoch,
    },
    /// I1: two workers were told to run the same shard.
    TwoOwners { shard: ShardId, epochs: Vec<Epoch> },
    /// I2: an epoch was given twice, or one beyond the counter.
    Epoch { shard: ShardId, epoch: Epoch },
    /// I1: two starts of workers acted for a shard at the same time, for so long.
    BothRan {
        shard: ShardId,
        epochs: [Epoch; 2],
        workers: [WorkerId; 2],
        ms: u64,
    },
    /// I1: a message arrived from an owner after one from a later owner.
    LateWrite {
        shard: ShardId,
        epoch: Epoch,
        later: Epoch,
        number: u64,
    },
    /// I1: a worker acted for what it was not given.
    NotGranted {
        shard: ShardId,
        epoch: Epoch,
        worker: WorkerId,
    },
    /// I1: something arrived under an epoch under which no worker acted.
    UnknownWriter { shard: ShardId, epoch: Epoch },
    /// I4: messages that never arrived.
    Missing { shard: ShardId, from: u64, to: u64 },
    /// I5: an owner began again more often than it was started.
    Repeated {
        shard: ShardId,
        epoch: Epoch,
        rewinds: usize,
        announced: usize,
    },
    /// I6, I9: after the faults had stopped, something did not run, or end, in time.
    Stuck { what: String },
    /// I7: a plan that was applied left something to plan.
    NotFixpoint { left: Vec<String> },
    /// I8: more moved than had to.
    Moves { made: usize, allowed: usize },
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Overlap {
                shard,
                epoch,
                worker,
                later,
            } => write!(
                f,
                "I1: {worker} acted for {shard} under epoch {epoch} after epoch {later} had begun to act"
            ),
            Self::TwoOwners { shard, epochs } => {
                let epochs: Vec<String> = epochs.iter().map(ToString::to_string).collect();
                write!(
                    f,
                    "I1: {shard} is granted more than once at a time: epochs {}",
                    epochs.join(", ")
                )
            }
            Self::Epoch { shard, epoch } => write!(
                f,
                "I2: epoch {epoch} of {shard} was given before, or is beyond the counter"
            ),
            Self::BothRan {
                shard,
                epochs,
                workers,
                ms,
            } => write!(
                f,
                "I1: {} (epoch {}) and {} (epoch {}) acted for {shard} at the same time, for {ms} ms",
                workers[0], epochs[0], workers[1], epochs[1]
            ),
            Self::LateWrite {
                shard,
                epoch,
                later,
                number,
            } => write!(
                f,
                "I1: message {number} of {shard} arrived under epoch {epoch} after epoch {later} had begun"
            ),
            Self::NotGranted {
                shard,
                epoch,
                worker,
            } => write!(
                f,
                "I1: {worker} acted for {shard} under epoch {epoch}, which no coordinator gave it"
            ),
            Self::UnknownWriter { shard, epoch } => write!(
                f,
                "I1: messages of {shard} arrived under epoch {epoch}, under which no worker acted"
            ),
            Self::Missing { shard, from, to } => {
                write!(f, "I4: messages {from} to {to} of {shard} are missing")
            }
            Self::Repeated {
                shard,
                epoch,
                rewinds,
                announced,
            } => write!(
                f,
                "I5: epoch {epoch} of {shard} began again {rewinds} times, and was started anew {announced} times"
            ),
            Self::Stuck { what } => write!(f, "I6/I9: {what}"),
            Self::NotFixpoint { left } => write!(
                f,
                "I7: a plan that was applied leaves more to do: {}",
                left.join("; ")
            ),
            Self::Moves { made, allowed } => {
                write!(f, "I8: {made} moves, where {allowed} would have done")
            }
        }
    }
}

/// Judges ownership where it counts: at the sink, by the order in which writes arrive.
#[derive(Clone, Debug, Default)]
pub struct Sink {
    latest: BTreeMap<ShardId, (Epoch, Incarnation)>,
}

impl Sink {
    /// A write arrives. Fails if a later owner of the shard has written before, or another one under the same epoch.
    pub fn write(
        &mut self,
        shard: &ShardId,
        epoch: Epoch,
        worker: &WorkerId,
        incarnation: Incarnation,
    ) -> Result<(), Violation> {
        let Some(latest) = self.latest.get_mut(shard) else {
            self.latest.insert(shard.clone(), (epoch, incarnation));
            return Ok(());
        };
        if latest.0 > epoch {
            return Err(Violation::Overlap {
                shard: shard.clone(),
                epoch,
                worker: worker.clone(),
                later: latest.0,
            });
        }
        if latest.0 == epoch && latest.1 != incarnation {
            return Err(Violation::Epoch {
                shard: shard.clone(),
                epoch,
            });
        }
        *latest = (epoch, incarnation);
        Ok(())
    }
}

/// What holds of any view: epochs are unique and within the counter, and a shard has one grant at a time; two if its stream is stateless.
pub fn check_view(view: &View) -> Vec<Violation> {
    let mut broken = Vec::new();
    let mut seen: BTreeMap<Epoch, &ShardId> = BTreeMap::new();
    for (id, shard) in &view.shards {
        for assignment in &shard.assignments {
            if assignment.epoch > view.epoch || seen.insert(assignment.epoch, id).is_some() {
                broken.push(Violation::Epoch {
                    shard: id.clone(),
                    epoch: assignment.epoch,
                });
            }
        }
        let may_overlap = view.streams.get(&id.stream).is_some_and(|s| s.stateless);
        if shard.assignments.len() > 1 + usize::from(may_overlap) {
            broken.push(Violation::TwoOwners {
                shard: id.clone(),
                epochs: shard.assignments.iter().map(|a| a.epoch).collect(),
            });
        }
    }
    broken
}

/// That nothing is left to plan in a view to which a plan was applied.
pub fn check_fixpoint(view: &View, policy: &Policy, now: Time) -> Result<(), Violation> {
    let left = plan(view, policy, now);
    match left.is_empty() {
        true => Ok(()),
        false => Err(Violation::NotFixpoint {
            left: left
                .into_iter()
                .map(|d| format!("{:?}", d.action))
                .collect(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::StreamName;

    #[test]
    fn a_write_of_an_old_owner_after_a_new_one_is_an_overlap() {
        let shard = ShardId::new(StreamName::new("s").expect("a name"), 0);
        let worker = WorkerId::new("w1").expect("an id");
        let mut sink = Sink::default();
        let (a, b) = (Incarnation(1), Incarnation(2));
        assert_eq!(sink.write(&shard, Epoch(1), &worker, a), Ok(()));
        assert_eq!(sink.write(&shard, Epoch(2), &worker, b), Ok(()));
        let overlap = sink.write(&shard, Epoch(1), &worker, a);
        assert!(matches!(overlap, Err(Violation::Overlap { .. })));
        let twice = sink.write(&shard, Epoch(2), &worker, a);
        assert!(matches!(twice, Err(Violation::Epoch { .. })));
    }
}
