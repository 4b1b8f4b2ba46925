//! How much room a cluster has, and how many workers it should have.
//!
//! The number of workers follows the backlog, what they have read and not yet dealt with: more than ten batches for each worker ask for
//! one more, fewer than two for five minutes for one less, as `scale.rs` has it for shards.

use std::{collections::BTreeMap, num::NonZeroU32, str::FromStr};

use serde::Serialize;

use super::{
    Desired, Hello, Policy, Presence, Standing, Stream, Time, View, Worker,
    scale::{HIGH_BACKLOG, LOW_BACKLOG, Pace, Pull},
    worker::Lifetime,
};
use crate::ids::{Incarnation, WorkerId};

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

/// The capacity of the workers that take streams.
pub fn capacity(view: &View) -> Capacity {
    let mut used: BTreeMap<&WorkerId, u64> = BTreeMap::new();
    for (_, assignment) in view.assignments() {
        *used.entry(&assignment.worker).or_default() += 1;
    }
    let mut groups: BTreeMap<&BTreeMap<String, String>, Group> = BTreeMap::new();
    let open = || view.workers.values().filter(|worker| is_open(worker));
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
    let (shards, waiting) = wanted(view);
    Capacity {
        workers: open().count(),
        shards,
        waiting,
        backlog: open().map(|worker| worker.load.backlog).sum(),
        free: groups
            .iter()
            .try_fold(0u64, |sum, group| Some(sum + group.free?)),
        groups,
    }
}

/// How many shards should run, and how many of them no worker has. What came to its end, well or not, runs again only when it is edited.
fn wanted(view: &View) -> (usize, usize) {
    let active = |stream: &&Stream| stream.desired == Desired::Active;
    let streams = view.streams.values().filter(active);
    let mut shards: usize = streams.map(|stream| stream.shards as usize).sum();
    let mut placed = 0;
    for (id, shard) in &view.shards {
        let stream = view.streams.get(&id.stream).filter(active);
        let Some(stream) = stream.filter(|stream| id.shard.get() < stream.shards) else {
            continue;
        };
        let is_over = match shard.standing {
            Standing::Failed { revision } | Standing::Completed { revision } => {
                revision == stream.revision
            }
            Standing::Ready | Standing::BackOff { .. } | Standing::Quarantined { .. } => false,
        };
        if !shard.assignments.is_empty() {
            placed += 1;
        } else if is_over {
            shards -= 1;
        }
    }
    (shards, shards.saturating_sub(placed))
}

/// Workers that are thought to be there as well.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Added {
    pub count: usize,
    /// What they are like; none is like most of those that are there.
    pub kind: Option<Kind>,
}

/// What matters of a worker for the room it has.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Kind {
    pub labels: BTreeMap<String, String>,
    pub max_streams: Option<u32>,
}

impl FromStr for Added {
    type Err = String;

    /// Reads `3`, `zone=a,max_streams=4` or both: `3,zone=a,max_streams=4`.
    fn from_str(text: &str) -> Result<Self, String> {
        let (mut count, mut kind) = (1, None);
        for (at, part) in text.split(',').map(str::trim).enumerate() {
            let number = |text: &str| {
                let wrong = |_| format!("`{part}` is no number of 1 or more");
                text.parse::<NonZeroU32>().map_err(wrong)
            };
            match part.split_once('=') {
                None if at == 0 => count = number(part)?.get() as usize,
                Some(("max_streams", max)) => {
                    let max = number(max.trim())?.get();
                    kind.get_or_insert_with(Kind::default).max_streams = Some(max);
                }
                Some((key, value)) if !key.trim().is_empty() => {
                    let kind = kind.get_or_insert_with(Kind::default);
                    let (key, value) = (key.trim().to_owned(), value.trim().to_owned());
                    kind.labels.insert(key, value);
                }
                _ => {
                    return Err(format!(
                        "`{text}` is not like 3, zone=a or 3,zone=a,max_streams=4"
                    ));
                }
            }
        }
        Ok(Self { count, kind })
    }
}

impl Added {
    /// These workers as they would introduce themselves, under names that nobody has.
    pub fn hellos(all: &[Self], view: &View) -> Vec<Hello> {
        let usual = usual(view);
        let kinds = all.iter().flat_map(|added| {
            let kind = added.kind.as_ref().unwrap_or(&usual);
            std::iter::repeat_n(kind, added.count)
        });
        let free = (1..)
            .filter_map(|n: u32| WorkerId::new(&format!("new-{n}")).ok())
            .filter(|id| !view.workers.contains_key(id));
        let hello = |(kind, id): (&Kind, WorkerId)| Hello {
            address: format!("{id}:0"),
            id,
            incarnation: Incarnation(1),
            labels: kind.labels.clone(),
            max_streams: kind.max_streams,
            weight: 1,
            limits: Lifetime::default(),
            version: String::new(),
        };
        kinds.zip(free).map(hello).collect()
    }
}

/// What most of the workers that take streams are like.
fn usual(view: &View) -> Kind {
    let mut counts: BTreeMap<Kind, usize> = BTreeMap::new();
    for worker in view.workers.values().filter(|worker| is_open(worker)) {
        let kind = Kind {
            labels: worker.labels.clone(),
            max_streams: worker.max_streams,
        };
        *counts.entry(kind).or_default() += 1;
    }
    let most = counts.into_iter().max_by_key(|(_, count)| *count);
    most.map(|(kind, _)| kind).unwrap_or_default()
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

    #[test]
    fn workers_that_are_thought_of_are_written_as_a_number_or_by_what_they_are_like() {
        let zone = |max_streams| Kind {
            labels: [("zone".to_owned(), "a".to_owned())].into(),
            max_streams,
        };
        let table: &[(&str, Result<Added, &str>)] = &[
            (
                "3",
                Ok(Added {
                    count: 3,
                    kind: None,
                }),
            ),
            (
                "zone=a",
                Ok(Added {
                    count: 1,
                    kind: Some(zone(None)),
                }),
            ),
            (
                " 2 , zone = a , max_streams=4",
                Ok(Added {
                    count: 2,
                    kind: Some(zone(Some(4))),
                }),
            ),
            ("0", Err("no number of 1 or more")),
            ("max_streams=many", Err("no number of 1 or more")),
            ("zone=a,3", Err("is not like")),
            ("", Err("no number")),
            ("=a", Err("is not like")),
        ];
        for (text, wanted) in table {
            match (text.parse::<Added>(), wanted) {
                (Ok(read), Ok(wanted)) => assert_eq!(read, *wanted, "{text}"),
                (Err(error), Err(wanted)) => assert!(error.contains(wanted), "{text}: {error}"),
                (read, _) => panic!("{text}: {read:?}"),
            }
        }
    }
}
