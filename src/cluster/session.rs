//! What the coordinator learns from workers, and what that changes in the view.
//!
//! Everything here is level-triggered: a heartbeat carries the worker's whole state, so a message that is lost, doubled or late costs
//! time and nothing else. What is out of date is told by incarnation and epoch, and dropped.

use std::collections::BTreeMap;

use super::{
    AssignmentState, Drain, DrainCause, FailureKind, Presence, Time, View, Worker,
    worker::{Former, Lease, Lifetime, Load},
};
use crate::ids::{AssignmentId, Epoch, Generation, Incarnation, ShardId, WorkerId};

/// A worker introduces itself.
#[derive(Clone, Debug, PartialEq)]
pub struct Hello {
    pub id: WorkerId,
    pub incarnation: Incarnation,
    pub address: String,
    pub labels: BTreeMap<String, String>,
    pub max_streams: Option<u32>,
    pub weight: u32,
    pub limits: Lifetime,
    pub version: String,
}

/// The answer to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Registration {
    /// It is in: store the worker and wake the planner.
    Welcome,
    /// A later start of the same id is at work: this one must stop everything and exit.
    Superseded { by: Incarnation },
    /// This very incarnation said goodbye before: it must exit.
    Left,
}

/// A worker's whole state.
#[derive(Clone, Debug, PartialEq)]
pub struct Heartbeat {
    pub worker: WorkerId,
    pub incarnation: Incarnation,
    /// The newest desired set that it has taken in.
    pub applied: Generation,
    /// Why it is about to exit, if it is: its work is to go elsewhere.
    pub leaving: Option<String>,
    /// Each assignment that it has, and each that it ended until a desired set lacks it.
    pub reports: Vec<Report>,
    pub load: Load,
}

/// What a worker says of one assignment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    pub assignment: AssignmentId,
    pub state: AssignmentState,
    pub reason: String,
    /// With the state failed: whether trying again can help.
    pub failure: Option<FailureKind>,
    /// Batches that it has read and not yet dealt with, if the worker tells.
    pub backlog: Option<u64>,
}

/// The answer to a heartbeat.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard {
    /// The worker's lease is renewed: answer with it and with the desired set.
    Renewed {
        /// The shards whose assignments changed: store them and wake the planner.
        changed: Vec<ShardId>,
        /// Whether the worker's own record changed: store it and wake the planner.
        worker_changed: bool,
    },
    /// Nobody of this id or incarnation is known: it must register.
    Unknown,
    /// It must stop everything and exit.
    Superseded { by: Incarnation },
    /// It said goodbye: it must exit.
    Left,
}

impl View {
    /// A worker registers, for the first time or again.
    ///
    /// A later incarnation takes the place of an earlier one; what the earlier one was given stays its own until its exit is proven or its
    /// lease has passed. The proof is immediate when the newcomer has the same address, because a port is bound by one process.
    pub fn register(&mut self, hello: Hello, now: Time) -> Registration {
        let Some(known) = self.workers.get(&hello.id) else {
            let worker = Worker::from_hello(hello, now);
            self.workers.insert(worker.id.clone(), worker);
            return Registration::Welcome;
        };
        if known.incarnation == hello.incarnation {
            if known.presence == Presence::Left {
                return Registration::Left;
            }
        } else if hello.incarnation < known.incarnation && !known.presence.is_gone() {
            return Registration::Superseded {
                by: known.incarnation,
            };
        }

        let mut worker = Worker::from_hello(hello, now);
        if known.incarnation == worker.incarnation {
            worker.started = known.started;
            worker.assigned = known.assigned;
            worker.last_assigned = known.last_assigned;
            worker.applied = known.applied;
            worker.former.clone_from(&known.former);
            worker.drain.clone_from(&known.drain);
            if known.presence == Presence::Active {
                worker.since = known.since;
                worker.reason.clone_from(&known.reason);
            }
        } else {
            worker.former.clone_from(&known.former);
            worker.former.push(Former {
                incarnation: known.incarnation,
                address: known.address.clone(),
                lease: Lease {
                    exited: known.lease.exited || known.presence.is_gone(),
                    connected: false,
                    ..known.lease
                },
            });
            // An earlier start is the newest again where a later one has gone: it is no former start of itself, of which its own address
            // would prove that it has exited.
            let newest = worker.incarnation;
            worker.former.retain(|former| former.incarnation != newest);
            for former in &mut worker.former {
                former.lease.exited |= former.address == worker.address;
            }
            worker.drain = known
                .drain
                .clone()
                .filter(|drain| drain.cause == DrainCause::Operator);
        }
        self.workers.insert(worker.id.clone(), worker);
        self.drop_idle_formers();
        Registration::Welcome
    }

    /// A heartbeat arrives over a standing session.
    pub fn heartbeat(&mut self, heartbeat: &Heartbeat, now: Time) -> Heard {
        let Some(worker) = self.workers.get_mut(&heartbeat.worker) else {
            return Heard::Unknown;
        };
        if worker.incarnation != heartbeat.incarnation {
            return match heartbeat.incarnation < worker.incarnation {
                true => Heard::Superseded {
                    by: worker.incarnation,
                },
                false => Heard::Unknown,
            };
        }
        if worker.presence == Presence::Left {
            return Heard::Left;
        }
        worker.lease = Lease {
            heard: Some(now),
            connected: true,
            exited: false,
        };
        worker.applied = worker.applied.max(heartbeat.applied);
        worker.load = heartbeat.load;
        let mut worker_changed = false;
        if worker.presence != Presence::Active {
            worker.presence = Presence::Active;
            worker.reason = "its heartbeats come again".to_owned();
            worker.since = now;
            worker_changed = true;
        }
        if let Some(reason) = &heartbeat.leaving
            && worker
                .drain
                .as_ref()
                .is_none_or(|drain| drain.cause != DrainCause::Leaving)
        {
            worker.drain = Some(Drain {
                cause: DrainCause::Leaving,
                reason: reason.clone(),
                since: now,
            });
            worker_changed = true;
        }

        let mut changed = Vec::new();
        for report in &heartbeat.reports {
            if self.observe(heartbeat, report, now) {
                changed.push(report.assignment.shard.clone());
            }
        }
        Heard::Renewed {
            changed,
            worker_changed,
        }
    }

    /// The worker acts for nothing any more and exits. Returns whether that was news.
    pub fn goodbye(&mut self, worker: &WorkerId, incarnation: Incarnation, now: Time) -> bool {
        let Some(worker) = self.workers.get_mut(worker) else {
            return false;
        };
        if worker.incarnation != incarnation {
            let former = worker
                .former
                .iter_mut()
                .find(|former| former.incarnation == incarnation);
            return former.is_some_and(|former| !std::mem::replace(&mut former.lease.exited, true));
        }
        if worker.presence == Presence::Left {
            return false;
        }
        worker.presence = Presence::Left;
        worker.reason = "it said goodbye".to_owned();
        worker.since = now;
        worker.lease.connected = false;
        worker.lease.exited = true;
        true
    }

    /// The worker's session broke. The shell then probes its port, see [`View::exit_proven`].
    pub fn session_broke(&mut self, worker: &WorkerId, incarnation: Incarnation) {
        if let Some(worker) = self.workers.get_mut(worker)
            && worker.incarnation == incarnation
        {
            worker.lease.connected = false;
        }
    }

    /// The process of this incarnation is proven to be gone: its session is broken *and* its own port, where it answered
    /// before, refuses connections. Returns whether that was news; false while its session stands.
    pub fn exit_proven(&mut self, worker: &WorkerId, incarnation: Incarnation) -> bool {
        let Some(worker) = self.workers.get_mut(worker) else {
            return false;
        };
        let lease = if worker.incarnation == incarnation {
            &mut worker.lease
        } else {
            match worker
                .former
                .iter_mut()
                .find(|former| former.incarnation == incarnation)
            {
                Some(former) => &mut former.lease,
                None => return false,
            }
        };
        !lease.connected && !std::mem::replace(&mut lease.exited, true)
    }

    /// Takes over from the view as it was known what is in memory only, after the durable part was read anew.
    ///
    /// A write of unknown outcome may have taken the newest start of a worker back, so leases go by incarnation. One that nothing
    /// is known of counts as heard now: it may have been.
    pub fn keep_memory(&mut self, known: &View, now: Time) {
        self.lead_since = known.lead_since;
        self.moves = known.moves;
        let heard_now = Lease {
            heard: Some(now),
            ..Lease::default()
        };
        for (id, worker) in &mut self.workers {
            let Some(known) = known.workers.get(id) else {
                worker.lease = heard_now;
                continue;
            };
            let incarnation = worker.incarnation;
            let itself = Former {
                incarnation: known.incarnation,
                address: known.address.clone(),
                lease: known.lease,
            };
            let all = || known.former.iter().chain([&itself]);
            worker.lease = all()
                .find(|one| one.incarnation == incarnation)
                .map_or(heard_now, |one| one.lease);
            worker.former = all()
                .filter(|one| one.incarnation != incarnation)
                .cloned()
                .collect();
            if known.incarnation == incarnation {
                worker.applied = known.applied;
                worker.load = known.load;
                worker.last_assigned = worker.last_assigned.max(known.last_assigned);
            }
        }
        self.drop_idle_formers();
    }

    /// Takes in one report; returns whether it changed anything.
    fn observe(&mut self, heartbeat: &Heartbeat, report: &Report, now: Time) -> bool {
        let id = &report.assignment;
        let Some(assignment) = self
            .shards
            .get_mut(&id.shard)
            .and_then(|shard| shard.assignment_mut(id.epoch))
        else {
            return false;
        };
        let is_owner = assignment.worker == heartbeat.worker
            && assignment.incarnation == heartbeat.incarnation;
        if !is_owner {
            return false;
        }
        assignment.backlog = report.backlog;
        if !assignment.state.can_become(report.state) {
            return false;
        }
        let was_asked = assignment.state == AssignmentState::Draining;
        if report.state == AssignmentState::Stopped && !was_asked {
            assignment.state = AssignmentState::Failed;
            assignment.failure = Some(FailureKind::Transient);
        } else {
            assignment.state = report.state;
            assignment.failure = report.failure;
        }
        if report.state == AssignmentState::Running {
            assignment.running_since = Some(now);
        }
        assignment.reason.clone_from(&report.reason);
        assignment.since = now;
        true
    }

    /// Older incarnations to which nothing is assigned any more need not be remembered.
    pub(super) fn drop_idle_formers(&mut self) {
        if self.workers.values().all(|w| w.former.is_empty()) {
            return;
        }
        let owners: std::collections::BTreeSet<Incarnation> =
            self.assignments().map(|(_, a)| a.incarnation).collect();
        for worker in self.workers.values_mut() {
            worker
                .former
                .retain(|former| owners.contains(&former.incarnation));
        }
    }
}

impl Worker {
    fn from_hello(hello: Hello, now: Time) -> Self {
        Self {
            id: hello.id,
            incarnation: hello.incarnation,
            address: hello.address,
            labels: hello.labels,
            max_streams: hello.max_streams,
            weight: hello.weight.max(1),
            limits: hello.limits,
            version: hello.version,
            presence: Presence::Active,
            reason: "it registered".to_owned(),
            since: now,
            drain: None,
            started: now,
            assigned: 0,
            last_assigned: Epoch::default(),
            lease: Lease {
                heard: Some(now),
                connected: true,
                exited: false,
            },
            former: Vec::new(),
            applied: Generation::default(),
            load: Load::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::{Action, Decision, Stream};
    use crate::ids::{Revision, StreamName};

    fn hello(incarnation: u128) -> Hello {
        Hello {
            id: WorkerId::new("w").expect("an id"),
            incarnation: Incarnation(incarnation),
            address: "w.test:1".to_owned(),
            labels: BTreeMap::new(),
            max_streams: None,
            weight: 1,
            limits: Lifetime::default(),
            version: String::new(),
        }
    }

    /// A view as the store has it, of a worker's start 1 with an assignment.
    fn durable() -> View {
        let mut view = View::default();
        view.register(hello(1), Time(0));
        let shard = ShardId::new(StreamName::new("s").expect("a name"), 0);
        let worker = WorkerId::new("w").expect("an id");
        view.streams
            .insert(shard.stream.clone(), Stream::new(shard.stream.clone()));
        let assign = Action::Assign {
            shard,
            worker,
            incarnation: Incarnation(1),
            revision: Revision(1),
        };
        view.apply(&Decision::new(assign, "for the test"), Time(0));
        for worker in view.workers.values_mut() {
            worker.lease = Lease::default();
        }
        view
    }

    #[test]
    fn a_registration_that_was_not_stored_takes_no_lease_with_it() {
        let mut known = durable();
        known.register(hello(1), Time(50_000));
        let mut moved = hello(2);
        moved.address = "elsewhere.test:1".to_owned();
        known.register(moved, Time(51_000));
        let mut read = durable();
        read.keep_memory(&known, Time(52_000));
        let worker = &read.workers.values().next().expect("the worker");
        assert_eq!(worker.incarnation, Incarnation(1));
        assert_eq!(worker.lease.heard, Some(Time(50_000)));
        assert!(!worker.lease.exited);

        // The other way round: it was stored, and the former start may still act.
        let mut stored = durable();
        let id = WorkerId::new("w").expect("an id");
        let row = stored.workers.get_mut(&id).expect("the worker");
        row.incarnation = Incarnation(2);
        stored.keep_memory(&known, Time(52_000));
        let worker = &stored.workers[&id];
        assert_eq!(worker.lease.heard, Some(Time(51_000)));
        assert_eq!(worker.lease_of(Incarnation(1)).heard, Some(Time(50_000)));
    }

    #[test]
    fn one_that_outlives_its_twin_is_not_taken_for_gone() {
        let mut view = durable();
        let mut twin = hello(2);
        twin.address = "elsewhere.test:1".to_owned();
        view.register(twin.clone(), Time(1_000));
        let id = WorkerId::new("w").expect("an id");
        view.session_broke(&id, Incarnation(2));
        assert!(view.exit_proven(&id, Incarnation(2)));
        let lost = Action::MarkLost { worker: id.clone() };
        view.apply(&Decision::new(lost, "for the test"), Time(1_100));
        assert_eq!(view.register(hello(1), Time(1_200)), Registration::Welcome);
        assert_eq!(view.workers[&id].incarnation, Incarnation(1));
        // A registration of the twin that was on its way for long.
        view.register(twin, Time(1_300));
        let lease = view.workers[&id].lease_of(Incarnation(1));
        assert_eq!((lease.heard, lease.exited), (Some(Time(1_200)), false));
    }

    #[test]
    fn a_start_that_nothing_is_known_of_counts_as_heard_now() {
        let mut read = durable();
        read.keep_memory(&View::default(), Time(9_000));
        let worker = &read.workers.values().next().expect("the worker");
        assert_eq!(worker.lease.heard, Some(Time(9_000)));
    }
}
