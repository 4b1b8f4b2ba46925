//! How much room a cluster has, and how many workers it should have.
//!
//! The number of workers follows the backlog, what they have read and not yet dealt with: more than ten batches for each worker ask for
//! one more, fewer than two for five minutes for one less, as `scale.rs` has it for shards.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{
    Desired, Policy, Presence, Time, View, Worker,
    scale::{HIGH_BACKLOG, LOW_BACKLOG, Pace, Pull},
};
use crate::ids::WorkerId;

/// How long shards have to lack room, which they also do while workers start.
const LACK_MS: u64 = 2_000;
/// What a cluster has, and what of it is taken.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Capacity {
    /// Workers that take streams.
    pub workers: usize,
    /// Shards that should run.
    pub shards: usize,
    /// Of these, those that no worker has.
    pub waiting: usize,
    /// Batches that workers have read and not yet dealt with.
    pub backlog: u64,
    /// How many more shards could be taken; none if some worker has no limit.
    pub free: Option<u64>,
    /// The workers by their labels.
    pub groups: Vec<Group>,
}

/// Workers with the same labels.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Group {
    pub labels: BTreeMap<String, String>,
    pub workers: usize,
    /// How many shards they may have; none if one has no limit.
    pub slots: Option<u64>,
    pub used: u64,
    pub free: Option<u64>,
    /// Cores in use, all in all.
    pub cpu: f64,
}

fn is_open(worker: &Worker) -> bool {
    worker.presence == Presence::Active && worker.drain.is_none()
}

/// The capacity of the workers that take streams, but for those that `without` names.
pub fn capacity(view: &View, without: &[WorkerId]) -> Capacity {
    let mut used: BTreeMap<&WorkerId, u64> = BTreeMap::new();
    for (_, assignment) in view.assignments() {
        *used.entry(&assignment.worker).or_default() += 1;
    }
    let mut groups: BTreeMap<&BTreeMap<String, String>, Group> = BTreeMap::new();
    let open = || {
        let workers = view.workers.values();
        workers.filter(|worker| is_open(worker) && !without.contains(&worker.id))
    };
    for worker in open() {
        let group = groups.entry(&worker.labels).or_insert_with(|| Group {
            labels: worker.labels.clone(),
            workers: 0,
            slots: Some(0),
            used: 0,
            free: Some(0),
            cpu: 0.0,
        });
        let has = used.get(&worker.id).copied().unwrap_or(0);
        let slots = worker.max_streams.map(u64::from);
        let sum = |a: Option<u64>, b: Option<u64>| Some(a?.saturating_add(b?));
        group.workers += 1;
        group.used += has;
        group.cpu += worker.load.cpu;
        group.slots = sum(group.slots, slots);
        group.free = sum(group.free, slots.map(|slots| slots.saturating_sub(has)));
    }
    let groups: Vec<Group> = groups.into_values().collect();
    let active = view
        .streams
        .values()
        .filter(|s| s.desired == Desired::Active);
    let shards = active.map(|stream| stream.shards as usize).sum();
    let here: u64 = groups.iter().map(|group| group.used).sum();
    Capacity {
        workers: open().count(),
        shards,
        waiting: shards.saturating_sub(usize::try_from(here).unwrap_or(usize::MAX)),
        backlog: open().map(|worker| worker.load.backlog).sum(),
        free: groups
            .iter()
            .try_fold(0u64, |sum, group| Some(sum + group.free?)),
        groups,
    }
}

/// How many workers there should be, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Advice {
    pub workers: usize,
    pub reason: String,
}

/// Gives advice from one moment to the next; in memory only: a coordinator that starts begins with the workers that are there.
#[derive(Clone, Debug, Default)]
pub struct Autoscaler {
    advice: Option<Advice>,
    pace: Pace,
    lacks_since: Option<Time>,
}

impl Autoscaler {
    /// The advice as it stands; none before anything was observed.
    pub fn advice(&self) -> Option<&Advice> {
        self.advice.as_ref()
    }

    /// Looks at the cluster as it is at `now`.
    pub fn observe(&mut self, found: &Capacity, policy: &Policy, now: Time) -> &Advice {
        let most = policy
            .max_workers
            .unwrap_or(usize::MAX)
            .max(policy.min_workers);
        let held = |workers: usize| workers.clamp(policy.min_workers, most);
        let workers = found.workers as u64;
        let lacks_room =
            found.waiting > 0 && found.free.is_some_and(|free| free < found.waiting as u64);
        let is_whole = found.waiting == 0;
        let may_step = self.pace.may_step(policy, now);
        let pull = self
            .pace
            .look(found.backlog, workers, is_whole, policy, now);
        match lacks_room {
            true => _ = self.lacks_since.get_or_insert(now),
            false => self.lacks_since = None,
        }
        let lacked = self
            .lacks_since
            .is_some_and(|since| now.since(since) >= LACK_MS);
        // Who is left must have the room that one of them gives up.
        let has_room = found.free.is_none_or(|free| {
            let slots: u64 = found.groups.iter().filter_map(|group| group.slots).sum();
            free >= slots.div_ceil(workers.max(1))
        });
        // More workers than were asked for are somebody's wish; fewer may be a crash, and are no reason to ask for fewer.
        let asked = self.advice.as_ref().map_or(0, |advice| advice.workers);
        let before = held(match may_step {
            true => asked.max(found.workers),
            false => asked,
        });
        let step = if lacked && may_step {
            let reason = format!(
                "{} shards wait, and there is room for {}",
                found.waiting,
                found.free.unwrap_or(0)
            );
            Some((found.workers + 1, reason))
        } else if pull == Some(Pull::Up) {
            let reason = format!(
                "the backlog of {} is more than {HIGH_BACKLOG} for each of {workers} workers",
                found.backlog
            );
            Some((found.workers + 1, reason))
        } else if pull == Some(Pull::Down) && has_room && found.workers > 0 {
            let reason = format!(
                "the backlog of {} has been less than {LOW_BACKLOG} for each of {workers} workers for {} s",
                found.backlog,
                policy.scale_low_ms / 1_000
            );
            Some((found.workers - 1, reason))
        } else {
            None
        };
        let steady = || match &self.advice {
            Some(advice) => advice.reason.clone(),
            None => "these are the workers that are there".to_owned(),
        };
        let (workers, reason) = match step {
            Some((workers, reason)) => (held(workers), reason),
            None => (before, steady()),
        };
        if workers != before {
            self.pace.step(now);
        }
        self.advice.insert(Advice { workers, reason })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(workers: usize, backlog: u64, waiting: usize, free: Option<u64>) -> Capacity {
        let slots = free.map(|free| free + 4 * workers as u64);
        Capacity {
            workers,
            shards: 0,
            waiting,
            backlog,
            free,
            groups: vec![Group {
                labels: BTreeMap::new(),
                workers,
                slots,
                used: 0,
                free,
                cpu: 0.0,
            }],
        }
    }

    #[test]
    fn steps_are_single_and_far_between() {
        let policy = Policy {
            max_workers: Some(5),
            ..Policy::default()
        };
        let mut scaler = Autoscaler::default();
        let mut at = |seconds: u64, found: Capacity| {
            scaler
                .observe(&found, &policy, Time(seconds * 1_000))
                .workers
        };
        assert_eq!(
            at(0, found(3, 30, 0, None)),
            3,
            "ten for each is not more than ten"
        );
        assert_eq!(at(1, found(3, 31, 0, None)), 4);
        assert_eq!(at(2, found(3, 900, 0, None)), 4, "one at a time");
        assert_eq!(at(62, found(4, 900, 0, None)), 5);
        assert_eq!(at(200, found(5, 900, 0, None)), 5, "not beyond the limit");
        // Low for five minutes, without a break.
        assert_eq!(at(300, found(5, 3, 0, None)), 5);
        assert_eq!(at(590, found(5, 11, 0, None)), 5);
        assert_eq!(at(600, found(5, 9, 0, None)), 5);
        assert_eq!(at(899, found(5, 0, 0, None)), 5);
        assert_eq!(at(900, found(5, 0, 0, None)), 4);
        assert_eq!(at(901, found(4, 0, 0, None)), 4);
        assert_eq!(at(1_199, found(4, 0, 0, None)), 4);
        assert_eq!(at(1_201, found(4, 0, 0, None)), 3);
    }

    #[test]
    fn shards_without_room_ask_for_a_worker_and_a_full_cluster_keeps_its_own() {
        let policy = Policy {
            min_workers: 2,
            ..Policy::default()
        };
        let mut scaler = Autoscaler::default();
        let mut at = |seconds: u64, found: Capacity| {
            scaler
                .observe(&found, &policy, Time(seconds * 1_000))
                .clone()
        };
        assert_eq!(
            at(0, found(0, 0, 3, Some(0))).workers,
            2,
            "at least the minimum"
        );
        assert_eq!(
            at(1, found(2, 0, 3, Some(0))).workers,
            2,
            "they may be starting"
        );
        let advice = at(3, found(2, 0, 3, Some(0)));
        assert_eq!(advice.workers, 3);
        assert_eq!(advice.reason, "3 shards wait, and there is room for 0");
        // A crash is no reason to ask for fewer; workers that somebody adds are taken for wanted.
        assert_eq!(at(70, found(2, 25, 0, Some(4))).workers, 3);
        assert_eq!(at(71, found(4, 25, 0, Some(4))).workers, 4);
        // Nothing to do for long, but what runs would not fit on fewer.
        at(100, found(4, 0, 0, Some(1)));
        assert_eq!(at(500, found(4, 0, 0, Some(1))).workers, 4);
        assert_eq!(at(501, found(4, 0, 0, Some(20))).workers, 3);
    }
}
