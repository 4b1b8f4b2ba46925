//! What is stored is what `View::apply` makes of a decision, over random lives of a cluster.

use airtruct::{
    cluster::{
        AssignmentState, Desired, FailureKind, Heartbeat, Hello, Policy, Presence, Report,
        ShardRange, Stream, Time, View, plan,
        worker::{Lifetime, Load},
    },
    ids::{Epoch, Generation, Incarnation, Revision, StreamName, WorkerId},
    store::{Changes, Store},
};

use super::{me, on_each};

/// Numbers that look random and are the same in every run (xorshift).
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % n
    }
}

/// The view without what is only known in memory.
fn durable(view: &View) -> View {
    let mut view = view.clone();
    view.lead_since = Time(0);
    view.moves = Default::default();
    for worker in view.workers.values_mut() {
        worker.lease = Default::default();
        worker.former.clear();
        worker.applied = Generation::default();
        worker.load = Load::default();
        worker.last_assigned = Epoch::default();
        // That a worker is suspect is only known in memory.
        if !worker.presence.is_gone() {
            worker.presence = Presence::Active;
            worker.reason.clear();
            worker.since = Time(0);
        }
    }
    for shard in view.shards.values_mut() {
        shard.destination = None;
        for assignment in &mut shard.assignments {
            assignment.destination = None;
            assignment.backlog = None;
        }
    }
    view
}

async fn same(store: &Store, view: &View) {
    let stored = store.load(view.term).await.expect("the stored view");
    assert_eq!(durable(&stored), durable(view));
}

#[tokio::test]
async fn the_stored_view_is_the_applied_one() {
    on_each(async |store, _| {
        let seen = store.leadership().await.expect("the row");
        let term = store
            .lead(&seen, &me("a"))
            .await
            .expect("an answer")
            .expect("a term");
        let mut view = store.load(term).await.expect("an empty view");
        assert_eq!(
            durable(&view),
            durable(&View {
                term,
                ..View::default()
            })
        );
        let policy = Policy {
            gather_ms: 0,
            settle_ms: 0,
            heartbeat_ms: 100,
            lease_ms: 300,
            quarantine_deaths: 2,
            ..Policy::default()
        };
        let mut dice = Dice(7);
        let mut now = Time(1_000_000);
        let mut incarnation = 0;
        let mut kinds = std::collections::BTreeSet::new();
        for step in 0..150 {
            now = now.plus(50 + dice.below(400));
            let mut changes = happen(&mut view, &mut dice, now, &mut incarnation);
            let decisions = plan(&view, &policy, now);
            for decision in &decisions {
                changes.decide(&view, decision, now);
                view.apply(decision, now);
            }
            kinds.extend(changes.events.iter().map(|event| event.kind.clone()));
            store.write(term, &changes, &view).await.expect("a write");
            if step % 5 == 0 {
                same(&store, &view).await;
            }
        }
        same(&store, &view).await;
        for kind in [
            "assign", "drain", "release", "retry", "fail", "complete", "lost", "delete",
        ] {
            assert!(kinds.contains(kind), "no {kind} in {kinds:?}");
        }
    })
    .await;
}

/// Something happens to a random worker or stream.
fn happen(view: &mut View, dice: &mut Dice, now: Time, incarnation: &mut u128) -> Changes {
    let mut changes = Changes::default();
    let worker = WorkerId::new(&format!("w{}", dice.below(4))).expect("an id");
    let name = StreamName::new(&format!("s{}", dice.below(6))).expect("a name");
    match dice.below(12) {
        0 | 1 => {
            *incarnation += 1;
            let hello = Hello {
                id: worker.clone(),
                incarnation: Incarnation(*incarnation),
                address: format!("{worker}.test:1"),
                labels: [("zone".to_owned(), "it's \"a\"".to_owned())].into(),
                max_streams: (dice.below(2) == 0).then_some(9),
                weight: 2,
                limits: Lifetime {
                    max_assignments: Some(50),
                    max_age_ms: None,
                },
                version: "1".to_owned(),
            };
            view.register(hello, now);
            changes.workers.insert(worker);
        }
        2..=4 => {
            let stream = view
                .streams
                .entry(name.clone())
                .or_insert_with(|| Stream::new(name.clone()));
            if stream.desired != Desired::Deleted {
                stream.revision = Revision(stream.revision.get() + 1);
                stream.shards = 1 + dice.below(3) as u32;
                stream.range = (dice.below(2) == 0).then_some(ShardRange { min: 1, max: 4 });
                stream.desired = match dice.below(5) {
                    0 => Desired::Paused,
                    1 => Desired::Deleted,
                    _ => Desired::Active,
                };
            }
            changes.streams.insert(name);
        }
        5 => {
            view.goodbye(&worker, Incarnation(*incarnation), now);
            changes.workers.insert(worker);
        }
        _ => {
            // All but one worker are heard, and say something of each of their assignments.
            let ids: Vec<WorkerId> = view
                .workers
                .keys()
                .filter(|id| **id != worker)
                .cloned()
                .collect();
            for id in ids {
                let reports = view
                    .assignments()
                    .filter(|(_, a)| a.worker == id)
                    .map(|(shard, a)| Report {
                        assignment: airtruct::ids::AssignmentId {
                            shard: shard.clone(),
                            epoch: a.epoch,
                        },
                        state: match (a.state, dice.below(8)) {
                            (AssignmentState::Draining, _) => AssignmentState::Stopped,
                            (_, 0) => AssignmentState::Failed,
                            (_, 1) => AssignmentState::Completed,
                            _ => AssignmentState::Running,
                        },
                        reason: "as it goes".to_owned(),
                        failure: Some(match dice.below(2) {
                            0 => FailureKind::Permanent,
                            _ => FailureKind::Transient,
                        }),
                        backlog: Some(dice.below(30)),
                    })
                    .collect();
                let heartbeat = Heartbeat {
                    worker: id.clone(),
                    incarnation: view.workers[&id].incarnation,
                    applied: Generation::default(),
                    leaving: None,
                    reports,
                    load: Load::default(),
                };
                if let airtruct::cluster::Heard::Renewed { changed, .. } =
                    view.heartbeat(&heartbeat, now)
                {
                    changes.shards.extend(changed);
                }
                changes.workers.insert(id);
            }
        }
    }
    changes
}
