//! What a change would move, before it is made: the planner itself, played on a copy of the view with workers that obey at once.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::{
    Action, AssignmentState, Desired, Drain, DrainCause, Heartbeat, Hello, Policy, Presence,
    Report, Shards, Stream, Time, View, placement, plan, worker::Lifetime,
};
use crate::ids::{AssignmentId, ShardId, WorkerId};

/// Rounds after which a forecast is given up; a round moves at least one shard.
const MAX_ROUNDS: usize = 2_000;

/// A change that is thought of.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// A stream is defined or replaced.
    Apply(Stream),
    Drain(WorkerId),
    /// The worker's process dies.
    Lose(WorkerId),
    /// A worker comes.
    Join(Hello),
}

/// What would come of it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Forecast {
    /// The state of the cluster that this was computed from.
    pub generation: String,
    pub moves: Vec<Move>,
    /// How many shards stay where they are.
    pub stay: usize,
    /// Whether the cluster came to rest.
    pub settled: bool,
}

/// A shard that would be elsewhere than it is.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Move {
    pub shard: ShardId,
    pub from: Option<WorkerId>,
    /// `None`: nobody could take it.
    pub to: Option<WorkerId>,
    pub why: String,
}

/// A text that changes whenever placement does: streams and revisions, who is there, who has what.
pub fn generation(view: &View) -> String {
    let mut text = format!("{:?} {:?}", view.frozen, view.term);
    for stream in view.streams.values() {
        text.push_str(&format!(
            "|{} {} {} {}",
            stream.name, stream.revision, stream.desired, stream.shards
        ));
    }
    for w in view.workers.values() {
        text.push_str(&format!(
            "|{} {} {} {}",
            w.id,
            w.incarnation,
            w.presence,
            w.drain.is_some()
        ));
    }
    for (id, a) in view.assignments().filter(|(_, a)| !a.state.is_over()) {
        text.push_str(&format!(
            "|{id} {} {}",
            a.epoch,
            a.state == AssignmentState::Draining
        ));
    }
    format!("{:016x}", placement::hash(&text))
}

/// Plays the change. Pauses between moves are left out, and so are limits of lifetime: what is shown is where all ends.
pub fn foresee(view: &View, policy: &Policy, now: Time, changes: Vec<Change>) -> Forecast {
    let Played {
        view: played,
        policy,
        now,
        mut causes,
        settled,
    } = play(view, policy, now, changes);
    let mut moves = Vec::new();
    let mut stay = 0;
    let all: BTreeSet<ShardId> = (view.shards.keys().chain(played.shards.keys()).cloned())
        .chain(
            played
                .streams
                .values()
                .flat_map(|s| (0..s.shards).map(|index| ShardId::new(s.name.clone(), index))),
        )
        .collect();
    for shard in all {
        let (from, to) = (owner(view, &shard), owner(&played, &shard));
        match (&from, &to) {
            _ if from != to => {}
            (Some(_), Some(_)) => {
                stay += 1;
                continue;
            }
            _ if !causes.contains_key(&shard) && !is_wanted(&played, &shard, now) => continue,
            _ => {}
        }
        let why = match &to {
            Some(_) => causes.remove(&shard).unwrap_or_default(),
            None => super::explain::explain(&played, &policy, &shard.stream, now)
                .and_then(|e| e.shards.into_iter().find(|s| s.shard == shard.shard.get()))
                .map_or_else(|| "nothing of it is wanted".to_owned(), |s| s.reason),
        };
        moves.push(Move {
            shard,
            from,
            to,
            why,
        });
    }
    Forecast {
        generation: generation(view),
        moves,
        stay,
        settled,
    }
}

/// A view after a change, at rest if it came to that.
struct Played {
    view: View,
    policy: Policy,
    now: Time,
    /// Why shards are where they are.
    causes: BTreeMap<ShardId, String>,
    settled: bool,
}

/// The cluster as it would be after the change.
pub fn after(view: &View, policy: &Policy, now: Time, changes: Vec<Change>) -> View {
    // Where all ends is asked for, not how many steps it takes.
    let policy = Policy {
        max_moves: usize::MAX,
        ..policy.clone()
    };
    play(view, &policy, now, changes).view
}

fn play(view: &View, policy: &Policy, mut now: Time, changes: Vec<Change>) -> Played {
    let policy = Policy {
        move_pause_ms: 0,
        max_move_pause_ms: 0,
        settle_ms: 0,
        gather_ms: 0,
        ..policy.clone()
    };
    let mut played = view.clone();
    for worker in played.workers.values_mut() {
        worker.limits = Lifetime::default();
    }
    for change in changes {
        make(&mut played, change, now);
    }
    let mut causes = BTreeMap::new();
    let mut settled = false;
    for _ in 0..MAX_ROUNDS {
        let changed = obey(&mut played, now);
        let decisions = plan(&played, &policy, now);
        for decision in &decisions {
            if let Action::Assign { shard, .. } = &decision.action {
                causes.insert(shard.clone(), decision.cause.clone());
            }
            played.apply(decision, now);
        }
        if decisions.is_empty() && !changed {
            settled = true;
            break;
        }
        now = now.plus(1);
    }
    Played {
        view: played,
        policy,
        now,
        causes,
        settled,
    }
}

fn is_wanted(view: &View, shard: &ShardId, now: Time) -> bool {
    view.streams.get(&shard.stream).is_some_and(|stream| {
        let allowed = |s: &super::Shard| s.standing.allows(stream.revision, now);
        stream.desired == Desired::Active && view.shards.get(shard).is_none_or(allowed)
    })
}

fn owner(view: &View, shard: &ShardId) -> Option<WorkerId> {
    let shard = view.shards.get(shard)?;
    let draining = || shard.assignments.iter().find(|a| !a.state.is_over());
    Some(shard.current().or_else(draining)?.worker.clone())
}

fn make(view: &mut View, change: Change, now: Time) {
    match change {
        Change::Apply(mut stream) => {
            if let Some(old) = view.streams.get(&stream.name) {
                stream.revision = old.revision.next();
                if let Some(range) = stream.range {
                    stream.shards = Shards::Range(range).hold(old.shards);
                }
            }
            view.streams.insert(stream.name.clone(), stream);
        }
        Change::Drain(id) => {
            if let Some(worker) = view.workers.get_mut(&id) {
                worker.drain = Some(Drain {
                    cause: DrainCause::Operator,
                    reason: "as planned".to_owned(),
                    since: now,
                });
            }
        }
        Change::Join(hello) => {
            view.register(hello, now);
        }
        Change::Lose(id) => {
            if let Some(worker) = view.workers.get_mut(&id) {
                worker.presence = Presence::Lost;
                worker.reason = "as planned".to_owned();
                worker.since = now;
                worker.lease.exited = true;
                worker.lease.connected = false;
            }
        }
    }
}

/// Every worker that is there does at once what it was asked. Tells whether that changed something.
fn obey(view: &mut View, now: Time) -> bool {
    let mut beats: BTreeMap<&WorkerId, Vec<Report>> = view
        .workers
        .values()
        .filter(|w| !w.presence.is_gone())
        .map(|w| (&w.id, Vec::new()))
        .collect();
    let mut changed = false;
    for (shard, a) in view.assignments() {
        let newest = view
            .workers
            .get(&a.worker)
            .is_some_and(|w| w.incarnation == a.incarnation);
        let Some(reports) = beats.get_mut(&a.worker).filter(|_| newest) else {
            continue;
        };
        let state = match a.state {
            AssignmentState::Draining => AssignmentState::Stopped,
            AssignmentState::Pending | AssignmentState::Starting => AssignmentState::Running,
            other => other,
        };
        changed |= state != a.state;
        reports.push(Report {
            assignment: AssignmentId {
                shard: shard.clone(),
                epoch: a.epoch,
            },
            state,
            reason: a.reason.clone(),
            failure: a.failure,
            backlog: a.backlog,
        });
    }
    let beats: Vec<Heartbeat> = beats
        .into_iter()
        .filter_map(|(id, reports)| {
            let worker = view.workers.get(id)?;
            let leaving = worker
                .drain
                .as_ref()
                .filter(|d| d.cause == DrainCause::Leaving);
            Some(Heartbeat {
                worker: id.clone(),
                incarnation: worker.incarnation,
                applied: worker.applied,
                leaving: leaving.map(|d| d.reason.clone()),
                reports,
                load: worker.load,
            })
        })
        .collect();
    for beat in &beats {
        view.heartbeat(beat, now);
    }
    changed
}

#[cfg(test)]
mod tests {
    use super::super::{
        capacity::{Added, capacity},
        explain::{Hold, explain},
    };
    use super::*;
    use crate::ids::{Incarnation, StreamName};

    const NOW: Time = Time(1_000_000);

    fn name(text: &str) -> StreamName {
        StreamName::new(text).expect("a name")
    }

    fn worker(text: &str) -> WorkerId {
        WorkerId::new(text).expect("an id")
    }

    fn join(view: &mut View, id: &str, max_streams: Option<u32>) {
        let hello = Hello {
            id: worker(id),
            incarnation: Incarnation(1),
            address: format!("{id}:1"),
            labels: Default::default(),
            max_streams,
            weight: 1,
            limits: Lifetime::default(),
            version: String::new(),
        };
        view.register(hello, NOW);
    }

    /// Workers with streams that run on them.
    fn world(workers: usize, streams: usize, room: Option<u32>) -> View {
        let mut view = View::default();
        for n in 1..=workers {
            join(&mut view, &format!("w{n}"), room);
        }
        for n in 0..streams {
            let stream = Stream::new(name(&format!("s{n}")));
            view.streams.insert(stream.name.clone(), stream);
        }
        let policy = Policy {
            gather_ms: 0,
            ..Policy::default()
        };
        for _ in 0..3 {
            for decision in plan(&view, &policy, NOW) {
                view.apply(&decision, NOW);
            }
            obey(&mut view, NOW);
        }
        view
    }

    #[test]
    fn a_drain_or_a_loss_moves_exactly_the_streams_of_that_worker() {
        let view = world(3, 9, None);
        for change in [Change::Drain(worker("w2")), Change::Lose(worker("w2"))] {
            let forecast = foresee(&view, &Policy::default(), NOW, vec![change.clone()]);
            assert!(forecast.settled, "{change:?}");
            assert_eq!((forecast.moves.len(), forecast.stay), (3, 6), "{change:?}");
            for moved in &forecast.moves {
                assert_eq!(moved.from, Some(worker("w2")));
                assert!(moved.to.is_some() && moved.to != moved.from && !moved.why.is_empty());
            }
        }
    }

    #[test]
    fn what_nobody_could_take_is_told_with_its_cause() {
        let view = world(2, 4, Some(2));
        let forecast = foresee(
            &view,
            &Policy::default(),
            NOW,
            vec![Change::Lose(worker("w1"))],
        );
        assert_eq!(forecast.moves.len(), 2);
        assert!(
            forecast
                .moves
                .iter()
                .all(|m| m.to.is_none() && m.why.contains("full"))
        );
    }

    #[test]
    fn a_new_stream_is_foreseen_and_the_view_stays_as_it_is() {
        let view = world(2, 2, None);
        let before = generation(&view);
        let new = Change::Apply(Stream::new(name("new")));
        let forecast = foresee(&view, &Policy::default(), NOW, vec![new]);
        assert_eq!(forecast.moves.len(), 1);
        assert_eq!(forecast.moves[0].from, None);
        assert_eq!(
            (forecast.generation, before),
            (generation(&view), generation(&view))
        );
    }

    #[test]
    fn the_generation_changes_with_what_counts() {
        let view = world(2, 2, None);
        let mut other = view.clone();
        make(&mut other, Change::Drain(worker("w1")), NOW);
        assert_ne!(generation(&view), generation(&other));
    }

    #[test]
    fn each_hold_has_its_explanation() {
        let hold = |view: &View| {
            let policy = Policy {
                gather_ms: 0,
                ..Policy::default()
            };
            let answer = explain(view, &policy, &name("s0"), NOW).expect("a stream");
            answer.shards[0].clone()
        };
        assert_eq!(hold(&world(1, 1, None)).hold, Hold::Runs);
        let none = hold(&world(0, 1, None));
        assert_eq!(none.hold, Hold::NoWorker);
        assert!(none.help[0].contains("-role worker"));
        assert_eq!(hold(&world(1, 1, Some(0))).hold, Hold::NoCapacity);
        let mut view = world(0, 1, None);
        view.streams.get_mut(&name("s0")).expect("it").desired = Desired::Paused;
        assert_eq!(hold(&view).help, ["airtruct streams resume s0"]);
        let mut view = world(0, 1, None);
        join(&mut view, "w1", None);
        let wish = ("zone".to_owned(), "a".to_owned());
        view.streams
            .get_mut(&name("s0"))
            .expect("it")
            .requires
            .extend([wish]);
        let labels = hold(&view);
        assert_eq!(labels.hold, Hold::NoLabels);
        assert!(labels.reason.contains("zone=a"), "{}", labels.reason);
        assert!(explain(&view, &Policy::default(), &name("nope"), NOW).is_none());
    }

    #[test]
    fn room_is_told_with_workers_lost_and_added() {
        let policy = Policy::default();
        // Two with room for two each, and six streams: two wait.
        let view = world(2, 6, Some(2));
        let room = |view: &View| {
            let found = capacity(view);
            (found.workers, found.waiting, found.free)
        };
        assert_eq!(room(&view), (2, 2, Some(0)));
        let what_if = |with: &[&str], without: &[&str]| {
            let with: Vec<Added> = with.iter().map(|w| w.parse().expect("workers")).collect();
            let joins = Added::hellos(&with, &view).into_iter().map(Change::Join);
            let losses = without.iter().map(|id| Change::Lose(worker(id)));
            room(&after(&view, &policy, NOW, joins.chain(losses).collect()))
        };
        // Like those that are there; larger ones; ones that take one more, without the one that is there.
        assert_eq!(what_if(&["1"], &[]), (3, 0, Some(0)));
        assert_eq!(what_if(&["2"], &[]), (4, 0, Some(2)));
        assert_eq!(what_if(&["max_streams=5"], &[]), (3, 0, Some(3)));
        assert_eq!(what_if(&["zone=a,max_streams=1"], &["w1"]), (2, 3, Some(0)));
        assert_eq!(what_if(&["zone=a", "1"], &["w2"]), (3, 0, None));
        assert_eq!(what_if(&[], &["w1", "w2"]), (0, 6, Some(0)));
        // What is at its end needs no room.
        let mut ended = view.clone();
        let waiting = ended.shards.values_mut().find(|s| s.assignments.is_empty());
        let revision = crate::ids::Revision(1);
        match waiting {
            Some(shard) => shard.standing = super::super::Standing::Completed { revision },
            None => {
                let shard = super::super::Shard {
                    standing: super::super::Standing::Completed { revision },
                    ..Default::default()
                };
                ended.shards.insert(ShardId::new(name("s5"), 0), shard);
            }
        }
        assert_eq!(room(&ended), (2, 1, Some(0)));
    }
}
