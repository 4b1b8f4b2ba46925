//! How long streams stood still when they changed hands, by cause.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{ReleaseCause, SinkCheck, Timeline};
use crate::ids::{AssignmentId, Epoch, ShardId};

/// A change of owner, as the sink saw it.
#[derive(Clone, Debug, Serialize)]
pub struct Handover {
    #[serde(flatten)]
    pub shard: ShardId,
    pub from: Epoch,
    pub to: Epoch,
    /// From the last message of the one to the first of the other.
    pub pause_ms: u64,
    /// None if no coordinator's history tells.
    pub how: Option<ReleaseCause>,
    pub cause: String,
}

/// The pauses of one kind of hand-over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Pauses {
    /// None for those of which no coordinator's history tells.
    pub how: Option<ReleaseCause>,
    pub count: usize,
    pub p50_ms: u64,
    pub p99_ms: u64,
    pub max_ms: u64,
}

/// Every change of owner.
pub fn handovers(sink: &SinkCheck, timeline: &Timeline) -> Vec<Handover> {
    let mut all = Vec::new();
    for (shard, owners) in sink.owners() {
        for pair in owners.windows(2) {
            let assignment = AssignmentId {
                shard: shard.clone(),
                epoch: pair[0].epoch,
            };
            let release = timeline.release_of(&assignment);
            all.push(Handover {
                shard: shard.clone(),
                from: pair[0].epoch,
                to: pair[1].epoch,
                pause_ms: pair[1].first_at.since(pair[0].last_at),
                how: release.map(|(how, _)| how),
                cause: release.map_or_else(String::new, |(_, cause)| cause.to_owned()),
            });
        }
    }
    all
}

/// Sums them up by kind.
pub fn pauses(handovers: &[Handover]) -> Vec<Pauses> {
    let mut kinds: BTreeMap<Option<&str>, (Option<ReleaseCause>, Vec<u64>)> = BTreeMap::new();
    for handover in handovers {
        let kind = kinds.entry(handover.how.map(ReleaseCause::as_str));
        let (_, all) = kind.or_insert_with(|| (handover.how, Vec::new()));
        all.push(handover.pause_ms);
    }
    let sum_up = |(how, mut all): (Option<ReleaseCause>, Vec<u64>)| {
        all.sort_unstable();
        // The smallest value that so many in a hundred do not exceed.
        let at = |percent: usize| all[(all.len() * percent).div_ceil(100).max(1) - 1];
        Pauses {
            how,
            count: all.len(),
            p50_ms: at(50),
            p99_ms: at(99),
            max_ms: at(100),
        }
    };
    kinds.into_values().map(sum_up).collect()
}
