//! The planner over random worlds: it comes to rest, what it leaves is as it should be, and it moves no more than it must.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

use proptest::prelude::*;

use super::{
    plan,
    tests::{World, hello, stream, worker},
};
use crate::{
    cluster::{
        Desired, Drain, DrainCause, Presence, Shards, Standing, Stream, Worker, invariants,
        placement::STRATEGIES, scale::ShardScaler,
    },
    ids::{Incarnation, ShardId, WorkerId},
};

/// How many worlds each property is tried on; `PROPTEST_CASES` says another number.
fn cases() -> ProptestConfig {
    let wanted = std::env::var("PROPTEST_CASES").ok();
    ProptestConfig {
        cases: wanted.and_then(|n| n.parse().ok()).unwrap_or(60),
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

/// Something that happens to a world.
#[derive(Clone, Debug)]
enum Event {
    Join {
        zone: Option<u8>,
        room: Option<u32>,
        weight: u32,
    },
    Die(usize),
    Drain(usize),
    Undrain(usize),
    Add {
        shards: u32,
        requires: Option<u8>,
        prefers: Option<u8>,
    },
    Delete(usize),
    Pause(usize),
    Resume(usize),
    Scale(usize, u32),
    /// Its number of shards follows the backlog.
    Range(usize, u32, u32),
    /// What each shard has to do, for some minutes.
    Backlog(u64),
    Edit(usize),
}

fn event() -> impl Strategy<Value = Event> {
    let zone = || prop::option::weighted(0.4, 0..2u8);
    prop_oneof![
        3 => (zone(), prop::option::weighted(0.4, 1..8u32), 1..4u32)
            .prop_map(|(zone, room, weight)| Event::Join { zone, room, weight }),
        4 => (1..4u32, zone(), zone())
            .prop_map(|(shards, requires, prefers)| Event::Add { shards, requires, prefers }),
        2 => (0..8usize).prop_map(Event::Die),
        2 => (0..8usize).prop_map(Event::Drain),
        1 => (0..8usize).prop_map(Event::Undrain),
        1 => (0..16usize).prop_map(Event::Delete),
        1 => (0..16usize).prop_map(Event::Pause),
        1 => (0..16usize).prop_map(Event::Resume),
        1 => (0..16usize, 1..5u32).prop_map(|(n, shards)| Event::Scale(n, shards)),
        1 => (0..16usize, 1..3u32, 0..3u32)
            .prop_map(|(n, min, more)| Event::Range(n, min, min + more)),
        1 => prop::sample::select(vec![0, 1, 5, 20]).prop_map(Event::Backlog),
        1 => (0..16usize).prop_map(Event::Edit),
    ]
}

fn zone_of(zone: Option<u8>) -> BTreeMap<String, String> {
    let name = |z: u8| ("zone".to_owned(), z.to_string());
    zone.map(name).into_iter().collect()
}

impl World {
    fn happen(&mut self, number: usize, event: &Event) {
        let nth_worker = |view: &crate::cluster::View, n: usize| -> Option<WorkerId> {
            let active = view
                .workers
                .values()
                .filter(|w| w.presence == Presence::Active);
            let all: Vec<&Worker> = active.collect();
            Some(all.get(n.checked_rem(all.len())?)?.id.clone())
        };
        let count = self.view.streams.len();
        let mut nth_stream = |n: usize, change: &dyn Fn(&mut Stream)| {
            if let Some(stream) = self
                .view
                .streams
                .values_mut()
                .nth(n.checked_rem(count).unwrap_or(0))
            {
                change(stream);
            }
        };
        match event {
            Event::Join { zone, room, weight } => {
                let mut hello = hello(&format!("w{number}"), 1);
                hello.labels = zone_of(*zone);
                hello.max_streams = *room;
                hello.weight = *weight;
                self.join(hello);
            }
            Event::Die(n) => {
                if let Some(id) = nth_worker(&self.view, *n) {
                    self.die(&id);
                }
            }
            Event::Drain(n) => {
                if let Some(id) = nth_worker(&self.view, *n) {
                    let worker = self.view.workers.get_mut(&id).expect("it is there");
                    worker.drain = Some(Drain {
                        cause: DrainCause::Operator,
                        reason: "asked for".to_owned(),
                        since: self.now,
                    });
                }
            }
            Event::Undrain(n) => {
                if let Some(id) = nth_worker(&self.view, *n) {
                    self.view.workers.get_mut(&id).expect("it is there").drain = None;
                }
            }
            Event::Add {
                shards,
                requires,
                prefers,
            } => self.add(Stream {
                shards: *shards,
                requires: zone_of(*requires),
                prefers: zone_of(*prefers),
                ..Stream::new(stream(&format!("s{number:03}")))
            }),
            Event::Delete(n) => nth_stream(*n, &|stream| stream.desired = Desired::Deleted),
            Event::Pause(n) => nth_stream(*n, &|stream| stream.desired = Desired::Paused),
            Event::Resume(n) => nth_stream(*n, &|stream| {
                if stream.desired == Desired::Paused {
                    stream.desired = Desired::Active;
                }
            }),
            Event::Scale(n, shards) => nth_stream(*n, &|stream| {
                stream.shards = *shards;
                stream.range = None;
            }),
            Event::Range(n, min, max) => nth_stream(*n, &|stream| {
                let shards = Shards::between(*min, *max);
                stream.shards = shards.hold(stream.shards);
                stream.range = shards.range();
            }),
            Event::Backlog(each) => {
                self.backlog = *each;
                self.scale();
            }
            Event::Edit(n) => nth_stream(*n, &|stream| stream.revision = stream.revision.next()),
        }
    }

    /// Lets numbers of shards follow the backlog until they stand still.
    fn scale(&mut self) {
        let mut scaler = ShardScaler::default();
        for _ in 0..20 {
            self.settle();
            self.check();
            for step in scaler.observe(&self.view, &self.policy, self.now) {
                let found = self.view.streams.get_mut(&step.stream);
                let stream = found.expect("it is there");
                let range = stream.range.expect("only those with a range change");
                assert_eq!(stream.shards.abs_diff(step.shards), 1, "{}", step.cause);
                assert!((range.min..=range.max).contains(&step.shards));
                stream.shards = step.shards;
            }
            let again = scaler.observe(&self.view, &self.policy, self.now);
            assert_eq!(again, [], "one step at a time");
            self.now = self.now.plus(self.policy.scale_pause_ms);
        }
        self.settle();
        for stream in self.view.streams.values() {
            let Some(range) = stream.range.filter(|_| stream.desired == Desired::Active) else {
                continue;
            };
            let runs = |index: u32| {
                let shard = self
                    .view
                    .shards
                    .get(&ShardId::new(stream.name.clone(), index));
                shard.is_some_and(|shard| shard.current().is_some())
            };
            if (0..stream.shards).all(runs) {
                match self.backlog {
                    20 => assert_eq!(stream.shards, range.max, "{}", stream.name),
                    0 | 1 => assert_eq!(stream.shards, range.min, "{}", stream.name),
                    _ => {}
                }
            }
        }
    }

    fn die(&mut self, id: &WorkerId) {
        let incarnation = self.view.workers[id].incarnation;
        self.dead.push(id.clone());
        self.view.session_broke(id, incarnation);
        self.view.exit_proven(id, incarnation);
    }

    /// Whether a worker may be given a shard of the stream, but for its room.
    fn takes(worker: &Worker, stream: &Stream) -> bool {
        let has = |(key, value): (&String, &String)| worker.labels.get(key) == Some(value);
        worker.presence == Presence::Active
            && worker.drain.is_none()
            && stream.requires.iter().all(has)
    }

    fn load(&self, id: &WorkerId) -> usize {
        self.view
            .assignments()
            .filter(|(_, a)| a.worker == *id)
            .count()
    }

    fn has_room(&self, worker: &Worker) -> bool {
        worker
            .max_streams
            .is_none_or(|max| self.load(&worker.id) < max as usize)
    }

    fn is_quarantined(&self, id: &ShardId) -> bool {
        let shard = self.view.shards.get(id);
        shard.is_some_and(|shard| matches!(shard.standing, Standing::Quarantined { .. }))
    }

    /// That a join moves the floor of its share and no more, and a leave what the leaver had and nothing else. How long the plans took.
    fn join_and_leave(
        &mut self,
        leaver: &str,
        rounds: usize,
    ) -> Result<[Duration; 2], TestCaseError> {
        let spread = |world: &World| {
            let counts = world.counts();
            counts.iter().max().unwrap_or(&0) - counts.iter().min().unwrap_or(&0)
        };
        let took = |world: &World| {
            let begun = Instant::now();
            let decisions = plan(&world.view, &world.policy, world.now).len();
            (begun.elapsed(), decisions)
        };
        let (workers, streams) = (self.view.workers.len(), self.view.streams.len());
        prop_assert!(spread(self) <= 1, "{:?}", self.counts());
        let before = self.owners();
        self.drains = 0;
        self.join(hello("joined", 1));
        self.now = self.now.plus(self.policy.settle_ms);
        self.heartbeats();
        let (join, _) = took(self);
        self.settle_for(rounds);
        let after = self.owners();
        let moved = before
            .iter()
            .filter(|(shard, owner)| after.get(*shard) != Some(*owner))
            .count();
        prop_assert_eq!(moved, streams / (workers + 1));
        prop_assert_eq!(self.drains, moved, "each is moved once");
        prop_assert!(spread(self) <= 1, "{:?}", self.counts());

        let gone = worker(leaver);
        let before = self.owners();
        self.drains = 0;
        self.die(&gone);
        let (leave, decisions) = took(self);
        self.settle_for(rounds);
        let after = self.owners();
        let moved: BTreeSet<&ShardId> = before
            .iter()
            .filter(|(shard, owner)| after.get(*shard) != Some(*owner))
            .map(|(shard, _)| shard)
            .collect();
        let had: BTreeSet<&ShardId> = before
            .iter()
            .filter(|(_, owner)| **owner == gone)
            .map(|(shard, _)| shard)
            .collect();
        prop_assert!(decisions >= had.len());
        prop_assert_eq!(moved, had);
        prop_assert_eq!(self.drains, 0);
        prop_assert_eq!(after.len(), streams);
        Ok([join, leave])
    }

    /// How many assignments each worker has, by id.
    pub(super) fn counts(&self) -> Vec<usize> {
        let workers = self.view.workers.keys();
        let mut counts: BTreeMap<&WorkerId, usize> = workers.map(|id| (id, 0)).collect();
        for (_, a) in self.view.assignments() {
            *counts.entry(&a.worker).or_default() += 1;
        }
        counts.into_values().collect()
    }

    fn owners(&self) -> BTreeMap<ShardId, WorkerId> {
        let owner =
            |(shard, a): (&ShardId, &crate::cluster::Assignment)| (shard.clone(), a.worker.clone());
        self.view.assignments().map(owner).collect()
    }

    /// That a world at rest is as it should be.
    fn check(&self) {
        assert_eq!(invariants::check_view(&self.view), vec![]);
        invariants::check_fixpoint(&self.view, &self.policy, self.now)
            .expect("nothing is left to plan");
        let owners = self.owners();
        for (shard, owner) in &owners {
            let stream = self
                .view
                .streams
                .get(&shard.stream)
                .expect("nothing runs that isn't defined");
            assert_eq!(stream.desired, Desired::Active, "{shard}");
            assert!(
                shard.shard.get() < stream.shards,
                "{shard} of {}",
                stream.shards
            );
            let worker = &self.view.workers[owner];
            assert!(Self::takes(worker, stream), "{shard} on {owner}");
            let load = self.load(owner);
            assert!(
                worker.max_streams.is_none_or(|max| load <= max as usize),
                "{owner} has {load}"
            );
        }
        for stream in self.view.streams.values() {
            assert_ne!(
                stream.desired,
                Desired::Deleted,
                "{} is forgotten",
                stream.name
            );
            if stream.desired == Desired::Paused {
                continue;
            }
            let open: Vec<&Worker> = self
                .view
                .workers
                .values()
                .filter(|w| Self::takes(w, stream) && self.has_room(w))
                .collect();
            let mut crowds: BTreeMap<&WorkerId, usize> = BTreeMap::new();
            for index in 0..stream.shards {
                let id = ShardId::new(stream.name.clone(), index);
                match owners.get(&id) {
                    Some(owner) => *crowds.entry(owner).or_default() += 1,
                    // One that was there when several workers died in a row is left alone for a while.
                    None if self.is_quarantined(&id) => {}
                    None => assert!(
                        open.is_empty(),
                        "{id} waits, and {} would take it",
                        open[0].id
                    ),
                }
            }
            for (owner, crowd) in &crowds {
                for other in &open {
                    let there = crowds.get(&other.id).copied().unwrap_or(0);
                    assert!(
                        *crowd <= there + 1,
                        "{}: {crowd} shards on {owner}, {there} on {}",
                        stream.name,
                        other.id
                    );
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn whatever_happens_all_comes_to_rest_as_it_should_be(
        strategy in 0..STRATEGIES.len(),
        events in prop::collection::vec(prop::collection::vec(event(), 1..4), 1..10),
    ) {
        let mut world = World::new(0, 0);
        world.policy.strategy = STRATEGIES[strategy].name.to_owned();
        let mut number = 0;
        for at_once in &events {
            for event in at_once {
                number += 1;
                world.happen(number, event);
            }
            world.settle();
            world.check();
        }
    }

    #[test]
    fn a_leave_moves_what_the_leaver_had_and_a_join_the_floor_of_its_share(workers in 1..9usize, streams in 0..60usize, leaver in 1..9usize) {
        let mut world = World::new(workers, streams);
        world.join_and_leave(&format!("w{}", 1 + leaver % workers), 15)?;
    }

    #[test]
    fn weighted_gives_by_weight_and_a_home_is_found_again(weights in prop::collection::vec(1..5u32, 2..6), streams in 1..60usize) {
        // Of `weighted`: no other division would make the highest ratio of load to weight lower.
        let mut world = World::new(0, 0);
        world.policy.strategy = "weighted".to_owned();
        for (n, weight) in weights.iter().enumerate() {
            let mut hello = hello(&format!("w{n}"), 1);
            hello.weight = *weight;
            world.join(hello);
        }
        for n in 0..streams {
            world.add(Stream::new(stream(&format!("s{n:03}"))));
        }
        world.settle();
        let loads: Vec<(usize, u32)> = world.counts().into_iter().zip(weights.iter().copied()).collect();
        let ratio = |load: usize, weight: u32| load as f64 / f64::from(weight);
        let highest = loads.iter().map(|(load, weight)| ratio(*load, *weight)).fold(0.0, f64::max);
        prop_assert!(loads.iter().all(|(load, weight)| ratio(load + 1, *weight) >= highest), "{:?}", loads);

        // Of `consistent_hash`: who leaves and comes back gets the same shards, and nothing else has moved in the end.
        let mut world = World::new(0, 0);
        world.policy.strategy = "consistent_hash".to_owned();
        for n in 0..weights.len() {
            world.join(hello(&format!("w{n}"), 1));
        }
        for n in 0..streams {
            world.add(Stream::new(stream(&format!("s{n:03}"))));
        }
        world.settle();
        let before = world.owners();
        world.die(&worker("w0"));
        world.settle();
        world.dead.clear();
        world.view.register(crate::cluster::Hello { incarnation: Incarnation(2), ..hello("w0", 2) }, world.now);
        world.settle();
        prop_assert_eq!(world.owners(), before);
    }
}

/// A world without pauses, so that it comes to rest in few rounds.
fn large(workers: usize, streams: usize) -> World {
    let mut world = World::new(0, 0);
    world.policy.settle_ms = 0;
    world.policy.move_pause_ms = 0;
    world.policy.max_move_pause_ms = 0;
    for n in 1..=workers {
        world.join(hello(&format!("w{n}"), 1));
    }
    for n in 0..streams {
        world.add(Stream::new(stream(&format!("s{n:05}"))));
    }
    world.settle_for(2);
    world
}

proptest! {
    #![proptest_config(ProptestConfig { cases: (cases().cases / 10).max(1), ..cases() })]

    #[test]
    fn so_do_larger_clusters(workers in 9..120usize, streams in 0..900usize, leaver in 1..120usize) {
        let mut world = large(workers, streams);
        world.join_and_leave(&format!("w{}", 1 + leaver % workers), 3)?;
    }
}

#[test]
fn so_does_one_of_a_thousand_workers_with_ten_thousand_streams() {
    let begun = Instant::now();
    let mut world = large(1_000, 10_000);
    let placed = begun.elapsed();
    let [join, leave] = world.join_and_leave("w500", 3).expect("it does");
    println!(
        "10,000 streams on 1,000 workers, unless optimised: placed in {placed:.2?}, the plan of a join {join:.2?}, of a leave {leave:.2?}"
    );
}
