//! The planner, by example. Properties over random worlds are in `properties.rs`.

use std::collections::BTreeMap;

use super::*;
use crate::{
    cluster::{
        Action, AssignmentState, Desired, Drain, DrainCause, Heartbeat, Hello, Presence, Report,
        Standing, Stream,
        worker::{Lifetime, Load},
    },
    ids::{AssignmentId, Generation, Incarnation, Revision, ShardId, StreamName, WorkerId},
};

/// A small world that plays workers which do at once what they are told.
pub(super) struct World {
    pub(super) view: View,
    pub(super) policy: Policy,
    pub(super) now: Time,
    /// Drains that were decided, which is moves where nothing else drains.
    pub(super) drains: usize,
    pub(super) dead: Vec<WorkerId>,
    /// What each shard has read and not dealt with.
    pub(super) backlog: u64,
}

pub(super) fn worker(name: &str) -> WorkerId {
    WorkerId::new(name).expect("a worker id")
}

pub(super) fn stream(name: &str) -> StreamName {
    StreamName::new(name).expect("a stream name")
}

pub(super) fn hello(name: &str, incarnation: u128) -> Hello {
    Hello {
        id: worker(name),
        incarnation: Incarnation(incarnation),
        address: format!("{name}.test:1"),
        labels: Default::default(),
        max_streams: None,
        weight: 1,
        limits: Lifetime::default(),
        version: String::new(),
    }
}

impl World {
    pub(super) fn new(workers: usize, streams: usize) -> Self {
        let mut world = Self {
            view: View::default(),
            policy: Policy {
                gather_ms: 0,
                ..Policy::default()
            },
            now: Time(1_000_000),
            drains: 0,
            dead: Vec::new(),
            backlog: 0,
        };
        for n in 1..=workers {
            world.join(hello(&format!("w{n}"), 1));
        }
        for n in 0..streams {
            world.add(Stream::new(stream(&format!("s{n:03}"))));
        }
        world.settle();
        world
    }

    pub(super) fn join(&mut self, hello: Hello) {
        self.view.register(hello, self.now);
    }

    pub(super) fn add(&mut self, stream: Stream) {
        self.view.streams.insert(stream.name.clone(), stream);
    }

    fn stream(&mut self, name: &str) -> &mut Stream {
        self.view.streams.get_mut(&stream(name)).expect("a stream")
    }

    pub(super) fn plan(&mut self) -> Vec<Decision> {
        let decisions = plan(&self.view, &self.policy, self.now);
        for decision in &decisions {
            self.drains += usize::from(matches!(decision.action, Action::Drain { .. }));
            self.view.apply(decision, self.now);
        }
        assert_eq!(
            plan(&self.view, &self.policy, self.now),
            vec![],
            "a plan is a fixpoint"
        );
        decisions
    }

    /// Lets workers report; those that `stuck` names stay in the state they are in.
    pub(super) fn heartbeats(&mut self) {
        let workers = self.view.workers.values();
        let alive = workers.filter(|w| !w.presence.is_gone() && !self.dead.contains(&w.id));
        let mut reports: BTreeMap<(WorkerId, Incarnation), Vec<Report>> = alive
            .map(|w| ((w.id.clone(), w.incarnation), Vec::new()))
            .collect();
        for (shard, a) in self.view.assignments() {
            let Some(reports) = reports.get_mut(&(a.worker.clone(), a.incarnation)) else {
                continue;
            };
            reports.push(Report {
                assignment: AssignmentId {
                    shard: shard.clone(),
                    epoch: a.epoch,
                },
                state: match a.state {
                    AssignmentState::Draining => AssignmentState::Stopped,
                    _ => AssignmentState::Running,
                },
                reason: "as asked".to_owned(),
                failure: None,
                backlog: Some(self.backlog),
            });
        }
        for ((id, incarnation), reports) in reports {
            self.beat(id.as_str(), incarnation.0, reports);
        }
    }

    pub(super) fn beat(&mut self, name: &str, incarnation: u128, reports: Vec<Report>) {
        let heartbeat = Heartbeat {
            worker: worker(name),
            incarnation: Incarnation(incarnation),
            applied: Generation::default(),
            leaving: None,
            reports,
            load: Load::default(),
        };
        self.view.heartbeat(&heartbeat, self.now);
    }

    /// Half a second at a time, until nothing has been left to do for a while.
    pub(super) fn settle(&mut self) {
        self.settle_for(15);
    }

    /// Until nothing has been left to do so many times in a row.
    pub(super) fn settle_for(&mut self, rounds: usize) {
        let mut quiet = 0;
        while quiet < rounds {
            self.heartbeats();
            quiet = if self.plan().is_empty() { quiet + 1 } else { 0 };
            self.now = self.now.plus(500);
        }
        self.heartbeats();
    }

    pub(super) fn owner(&self, name: &str) -> Option<WorkerId> {
        let id = ShardId::new(stream(name), 0);
        self.view
            .shards
            .get(&id)?
            .current()
            .map(|a| a.worker.clone())
    }

    fn epoch_of(&self, name: &str) -> AssignmentId {
        let shard = ShardId::new(stream(name), 0);
        let epoch = self.view.shards[&shard]
            .current()
            .expect("an assignment")
            .epoch;
        AssignmentId { shard, epoch }
    }

    fn fail(&mut self, name: &str, kind: crate::cluster::FailureKind) {
        let assignment = self.epoch_of(name);
        let owner = self
            .view
            .assignment(&assignment)
            .expect("it is there")
            .clone();
        let report = Report {
            assignment,
            state: AssignmentState::Failed,
            reason: "no such table".to_owned(),
            failure: Some(kind),
            backlog: None,
        };
        self.beat(owner.worker.as_str(), owner.incarnation.0, vec![report]);
    }
}

#[test]
fn twelve_streams_on_three_workers_then_a_fourth_joins() {
    let mut world = World::new(3, 12);
    assert_eq!(world.counts(), [4, 4, 4]);
    world.drains = 0;
    world.join(hello("w4", 1));
    world.settle();
    assert_eq!(world.counts(), [3, 3, 3, 3]);
    assert_eq!(world.drains, 3);
}

#[test]
fn a_join_moves_the_floor_and_a_leave_the_leavers_streams() {
    for (workers, streams) in [(1, 7), (2, 9), (3, 10), (4, 41), (7, 100)] {
        let mut world = World::new(workers, streams);
        world.drains = 0;
        world.join(hello("w9", 1));
        world.settle();
        assert_eq!(world.drains, streams / (workers + 1), "{workers} {streams}");

        let before: Vec<_> = world
            .view
            .streams
            .keys()
            .map(|s| (s.clone(), world.owner(s.as_str())))
            .collect();
        world.dead.push(worker("w1"));
        world.view.session_broke(&worker("w1"), Incarnation(1));
        world.view.exit_proven(&worker("w1"), Incarnation(1));
        world.plan();
        for (stream, owner) in before {
            let is_leavers = owner == Some(worker("w1"));
            assert_eq!(owner != world.owner(stream.as_str()), is_leavers);
        }
        world.drains = 0;
        world.settle();
        assert_eq!(world.drains, 0, "nothing else moves");
    }
}

#[test]
fn a_silent_worker_is_suspect_then_lost_when_lease_and_margin_have_passed() {
    let mut world = World::new(2, 4);
    world.plan();
    world.dead.push(worker("w1"));
    let heard = world.now;
    let mut suspect_at = None;
    let mut lost_at = None;
    while lost_at.is_none() {
        let next = next_deadline(&world.view, &world.policy, world.now).expect("a deadline");
        assert!(next > world.now);
        world.now = next.min(world.now.plus(100));
        world.heartbeats();
        world.plan();
        match world.view.workers[&worker("w1")].presence {
            Presence::Suspect => suspect_at = suspect_at.or(Some(world.now)),
            Presence::Lost => lost_at = Some(world.now),
            Presence::Active | Presence::Left => {}
        }
    }
    assert_eq!(suspect_at, Some(heard.plus(1_250)));
    assert_eq!(lost_at, Some(heard.plus(2_750)));
    assert_eq!(world.counts(), [0, 4]);
}

#[test]
fn a_coordinator_that_starts_waits_for_leases_granted_before_it() {
    let mut world = World::new(2, 4);
    // A new coordinator: what was in memory is gone.
    world.view.lead_since = world.now;
    for w in world.view.workers.values_mut() {
        w.lease = Default::default();
    }
    world.beat("w2", 1, vec![]);
    world.now = world
        .now
        .plus(world.policy.lease_ms + world.policy.margin_ms - 1);
    world.beat("w2", 1, vec![]);
    world.plan();
    assert_eq!(world.counts(), [2, 2]);
    world.now = world.now.plus(1);
    world.plan();
    assert_eq!(world.counts(), [0, 4]);
}

#[test]
fn a_new_incarnation_at_the_same_address_takes_over_at_once_and_elsewhere_waits() {
    let mut world = World::new(2, 4);
    world.join(hello("w1", 2));
    world.plan();
    assert!(
        world
            .view
            .assignments()
            .all(|(_, a)| a.worker == worker("w2") || a.incarnation == Incarnation(2))
    );
    assert_eq!(world.counts(), [2, 2]);

    world.heartbeats();
    let mut moved = hello("w1", 3);
    moved.address = "other.test:1".to_owned();
    world.join(moved);
    world.plan();
    let old = |world: &World| {
        world
            .view
            .assignments()
            .filter(|(_, a)| a.incarnation == Incarnation(2))
            .count()
    };
    assert_eq!(old(&world), 2, "the former process may still be acting");
    world.view.exit_proven(&worker("w1"), Incarnation(2));
    world.plan();
    assert_eq!(old(&world), 0);
    assert_eq!(world.counts(), [2, 2]);
    assert_eq!(
        world.view.register(hello("w1", 1), world.now),
        crate::cluster::Registration::Superseded { by: Incarnation(3) }
    );
}

#[test]
fn an_edit_drains_the_old_revision_before_the_new_one_starts_in_the_same_place() {
    let mut world = World::new(3, 3);
    let owner = world.owner("s001");
    world.stream("s001").revision = Revision(2);
    world.plan();
    assert_eq!(world.owner("s001"), None, "the old one is draining");
    world.heartbeats();
    world.plan();
    assert_eq!(world.owner("s001"), owner);
    let id = world.epoch_of("s001");
    assert_eq!(
        world.view.assignment(&id).expect("it is there").revision,
        Revision(2)
    );
}

#[test]
fn a_draining_worker_is_emptied_and_gets_nothing() {
    let mut world = World::new(3, 6);
    world.view.workers.get_mut(&worker("w2")).expect("w2").drain = Some(Drain {
        cause: DrainCause::Operator,
        reason: "maintenance".to_owned(),
        since: world.now,
    });
    let decisions = world.plan();
    assert_eq!(
        decisions.len(),
        2,
        "nothing starts elsewhere before it has ended here"
    );
    world.settle();
    assert_eq!(world.counts(), [3, 0, 3]);
}

#[test]
fn streams_of_a_draining_worker_go_on_while_others_gather() {
    let mut world = World::new(1, 4);
    world.policy.gather_ms = 150;
    world.join(hello("w2", 1));
    world.view.workers.get_mut(&worker("w1")).expect("w1").drain = Some(Drain {
        cause: DrainCause::Leaving,
        reason: "SIGTERM".to_owned(),
        since: world.now,
    });
    assert_eq!(world.plan(), [], "nothing would be placed yet");
    let deadline = next_deadline(&world.view, &world.policy, world.now);
    assert_eq!(deadline, Some(world.now.plus(150)));
    world.now = world.now.plus(20);
    world.join(hello("w3", 1));
    world.now = world.now.plus(130);
    assert_eq!(world.plan().len(), 4);
    world.heartbeats();
    world.plan();
    assert_eq!(world.counts(), [0, 2, 2]);
}

#[test]
fn a_stateless_stream_starts_elsewhere_before_it_is_drained() {
    let mut world = World::new(2, 0);
    let mut http = Stream::new(stream("http"));
    http.stateless = true;
    world.add(http);
    world.settle();
    assert_eq!(world.owner("http"), Some(worker("w1")));
    world.view.workers.get_mut(&worker("w1")).expect("w1").drain = Some(Drain {
        cause: DrainCause::Leaving,
        reason: "SIGTERM".to_owned(),
        since: world.now,
    });
    world.plan();
    let states = |world: &World| {
        world
            .view
            .assignments()
            .map(|(_, a)| (a.worker.to_string(), a.state))
            .collect::<Vec<_>>()
    };
    use AssignmentState::{Draining, Pending, Running};
    assert_eq!(
        states(&world),
        [("w1".to_owned(), Running), ("w2".to_owned(), Pending)]
    );
    world.heartbeats();
    world.plan();
    assert_eq!(
        states(&world),
        [("w1".to_owned(), Draining), ("w2".to_owned(), Running)]
    );
    world.settle();
    assert_eq!(states(&world), [("w2".to_owned(), Running)]);
}

#[test]
fn failures_back_off_permanent_ones_wait_for_an_edit() {
    use crate::cluster::FailureKind::{Permanent, Transient};
    let mut world = World::new(1, 1);
    world.fail("s000", Transient);
    world.plan();
    assert_eq!(world.owner("s000"), None);
    let id = ShardId::new(stream("s000"), 0);
    assert_eq!(
        world.view.shards[&id].standing,
        Standing::BackOff {
            until: world.now.plus(1_000)
        }
    );
    assert!(world.view.shards[&id].reason.contains("no such table"));
    world.now = world.now.plus(1_000);
    world.plan();
    assert!(world.owner("s000").is_some());
    world.fail("s000", Permanent);
    world.settle();
    assert_eq!(world.owner("s000"), None);
    world.stream("s000").revision = Revision(2);
    world.plan();
    assert!(world.owner("s000").is_some());
}

#[test]
fn paused_deleted_and_scaled_down_streams_end() {
    let mut world = World::new(2, 2);
    world.stream("s000").shards = 3;
    world.settle();
    assert_eq!(world.counts(), [2, 2]);
    world.stream("s000").shards = 1;
    world.stream("s001").desired = Desired::Paused;
    world.settle();
    assert_eq!(world.view.assignments().count(), 1);
    world.stream("s001").desired = Desired::Deleted;
    world.settle();
    assert_eq!(world.view.streams.len(), 1);
    assert_eq!(world.view.shards.len(), 1);
}

#[test]
fn one_worker_is_recycled_at_a_time() {
    let mut world = World::new(0, 4);
    for n in 1..=3 {
        let mut limited = hello(&format!("w{n}"), 1);
        limited.limits.max_assignments = Some(1);
        world.join(limited);
    }
    world.plan();
    world.heartbeats();
    for _ in 0..5 {
        world.now = world.now.plus(500);
        world.heartbeats();
        world.plan();
        let draining = world
            .view
            .workers
            .values()
            .filter(|w| w.drain.is_some())
            .count();
        assert_eq!(draining, 1);
    }
}

#[test]
fn moves_in_flight_are_bounded_and_a_freeze_stops_them() {
    let mut world = World::new(1, 100);
    world.view.frozen = Some("a release is going on".to_owned());
    world.join(hello("w2", 1));
    world.settle();
    assert_eq!(world.counts(), [100, 0]);
    world.view.frozen = None;
    assert_eq!(world.plan().len(), world.policy.max_moves);
    world.settle();
    assert_eq!(world.counts(), [50, 50]);
}
