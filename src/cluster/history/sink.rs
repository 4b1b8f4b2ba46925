//! Whether what arrived at a sink is all of it, in order, by one owner at a time, and repeated only where a hand-over announces that.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Time, Timeline};
use crate::cluster::invariants::Violation;
use crate::ids::{AssignmentId, Epoch, ShardId, ShardIndex, StreamName};

/// A message as `examples/numbered.yaml` writes it, a line of JSON each.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SinkLine {
    pub stream: StreamName,
    pub shard: ShardIndex,
    /// The owner's.
    pub epoch: Epoch,
    /// From 1 on, without a gap, in each shard.
    pub number: u64,
    /// When it was made, in milliseconds since the Unix epoch.
    pub at: u64,
}

/// Reads a sink's lines in the order in which they arrived.
#[derive(Debug, Default)]
pub struct SinkCheck {
    shards: BTreeMap<ShardId, Shard>,
    broken: Vec<Violation>,
}

/// What was seen of a shard.
#[derive(Debug)]
struct Shard {
    lines: u64,
    /// The highest number of all.
    highest: u64,
    repeats: u64,
    owners: Vec<Owner>,
}

/// What arrived under one epoch.
#[derive(Clone, Copy, Debug)]
pub(super) struct Owner {
    pub(super) epoch: Epoch,
    pub(super) first_at: Time,
    pub(super) last_at: Time,
    last: u64,
    /// How often it began again with a number that had been there.
    rewinds: usize,
}

/// A shard breaks so many promises before no more are told of it: one fault can make every later line one.
const MAX_VIOLATIONS: usize = 100;

impl SinkCheck {
    /// The next line.
    pub fn line(&mut self, line: &SinkLine) {
        let id = ShardId {
            stream: line.stream.clone(),
            shard: line.shard,
        };
        let at = Time(line.at);
        let shard = self.shards.entry(id.clone()).or_insert_with(|| Shard {
            lines: 0,
            highest: 0,
            repeats: 0,
            owners: Vec::new(),
        });
        shard.lines += 1;
        let mut broken = None;
        let latest = shard.owners.last().map(|owner| owner.epoch);
        match latest {
            Some(latest) if latest > line.epoch => {
                broken = Some(Violation::LateWrite {
                    shard: id.clone(),
                    epoch: line.epoch,
                    later: latest,
                    number: line.number,
                });
            }
            Some(latest) if latest == line.epoch => {
                if let Some(owner) = shard.owners.last_mut() {
                    owner.rewinds += usize::from(line.number <= owner.last);
                    owner.last = line.number;
                    owner.last_at = at;
                }
            }
            _ => shard.owners.push(Owner {
                epoch: line.epoch,
                first_at: at,
                last_at: at,
                last: line.number,
                rewinds: 0,
            }),
        }
        if line.number <= shard.highest {
            shard.repeats += 1;
        } else {
            if line.number > shard.highest + 1 {
                broken = Some(Violation::Missing {
                    shard: id,
                    from: shard.highest + 1,
                    to: line.number - 1,
                });
            }
            shard.highest = line.number;
        }
        if let Some(broken) = broken
            && self.broken.len() < MAX_VIOLATIONS
        {
            self.broken.push(broken);
        }
    }

    /// Everything that broke a promise. `timeline` tells who began when; `last` is the number that each shard must have come to.
    pub fn violations(&self, timeline: &Timeline, last: Option<u64>) -> Vec<Violation> {
        let mut broken = self.broken.clone();
        for (id, shard) in &self.shards {
            for owner in &shard.owners {
                let assignment = AssignmentId {
                    shard: id.clone(),
                    epoch: owner.epoch,
                };
                let runs = timeline.runs_of(&assignment);
                if timeline.has_runs && runs.is_none() {
                    broken.push(Violation::UnknownWriter {
                        shard: id.clone(),
                        epoch: owner.epoch,
                    });
                }
                // The first run of an epoch follows a hand-over; each later one may begin again too.
                let announced = runs.unwrap_or(1).saturating_sub(1);
                if owner.rewinds > announced {
                    broken.push(Violation::Repeated {
                        shard: id.clone(),
                        epoch: owner.epoch,
                        rewinds: owner.rewinds,
                        announced,
                    });
                }
            }
            if let Some(last) = last
                && shard.highest < last
            {
                broken.push(Violation::Missing {
                    shard: id.clone(),
                    from: shard.highest + 1,
                    to: last,
                });
            }
        }
        broken
    }

    /// How many lines there were.
    pub fn lines(&self) -> u64 {
        self.shards.values().map(|shard| shard.lines).sum()
    }

    /// How many of them had been there before.
    pub fn repeats(&self) -> u64 {
        self.shards.values().map(|shard| shard.repeats).sum()
    }

    /// How many different ones there were.
    pub fn messages(&self) -> u64 {
        self.lines() - self.repeats()
    }

    /// The shards that wrote, with their owners in order.
    pub(super) fn owners(&self) -> impl Iterator<Item = (&ShardId, &[Owner])> {
        let all = self.shards.iter();
        all.map(|(id, shard)| (id, shard.owners.as_slice()))
    }
}
