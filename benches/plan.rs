//! What the planner takes for a large cluster: 10,000 streams on 1,000 workers.
//!
//! `cargo bench --bench plan`. Each row is a plan of one situation, from the view to the decisions.

use std::collections::BTreeMap;

use airtruct::{
    cluster::{
        AssignmentState, Heartbeat, Hello, Policy, Report, Stream, Time, View, plan,
        worker::{Lifetime, Load},
    },
    ids::{AssignmentId, Generation, Incarnation, ShardId, StreamName, WorkerId},
};
use divan::Bencher;

const WORKERS: usize = 1_000;
const STREAMS: usize = 10_000;

fn main() {
    divan::main();
}

fn worker(n: usize) -> WorkerId {
    WorkerId::new(&format!("w{n:04}")).expect("a worker id")
}

fn policy() -> Policy {
    Policy {
        gather_ms: 0,
        settle_ms: 0,
        ..Policy::default()
    }
}

fn join(view: &mut View, n: usize, now: Time) {
    view.register(
        Hello {
            id: worker(n),
            incarnation: Incarnation(1),
            address: format!("w{n}:1"),
            labels: BTreeMap::new(),
            max_streams: None,
            weight: 1,
            limits: Lifetime::default(),
            version: String::new(),
        },
        now,
    );
}

/// A cluster that has nothing yet.
fn empty() -> (View, Time) {
    let now = Time(1_000_000);
    let mut view = View::default();
    for n in 0..WORKERS {
        join(&mut view, n, now);
    }
    for n in 0..STREAMS {
        let name = StreamName::new(&format!("s{n:05}")).expect("a stream name");
        view.streams.insert(name.clone(), Stream::new(name));
    }
    (view, now)
}

/// A cluster in which everything runs where it should.
fn at_rest() -> (View, Time) {
    let (mut view, now) = empty();
    for decision in plan(&view, &policy(), now) {
        view.apply(&decision, now);
    }
    let mut reports: BTreeMap<WorkerId, Vec<Report>> = BTreeMap::new();
    for (shard, assignment) in view.assignments() {
        reports
            .entry(assignment.worker.clone())
            .or_default()
            .push(running(shard, assignment.epoch));
    }
    for (worker, reports) in reports {
        let heartbeat = Heartbeat {
            worker,
            incarnation: Incarnation(1),
            applied: Generation::default(),
            leaving: None,
            reports,
            load: Load::default(),
        };
        view.heartbeat(&heartbeat, now);
    }
    assert_eq!(view.assignments().count(), STREAMS);
    assert!(plan(&view, &policy(), now).is_empty(), "it is at rest");
    (view, now)
}

fn running(shard: &ShardId, epoch: airtruct::ids::Epoch) -> Report {
    Report {
        assignment: AssignmentId {
            shard: shard.clone(),
            epoch,
        },
        state: AssignmentState::Running,
        reason: String::new(),
        failure: None,
        backlog: Some(0),
    }
}

fn measure(
    bencher: Bencher<'_, '_>,
    (view, now): (View, Time),
    decisions: std::ops::RangeInclusive<usize>,
) {
    let made = plan(&view, &policy(), now).len();
    assert!(decisions.contains(&made), "{made} decisions");
    bencher.bench_local(|| plan(divan::black_box(&view), &policy(), now));
}

#[divan::bench(sample_count = 30)]
fn at_rest_nothing_to_do(bencher: Bencher<'_, '_>) {
    measure(bencher, at_rest(), 0..=0);
}

#[divan::bench(sample_count = 30)]
fn everything_placed_for_the_first_time(bencher: Bencher<'_, '_>) {
    measure(bencher, empty(), STREAMS..=STREAMS);
}

#[divan::bench(sample_count = 30)]
fn a_worker_is_lost(bencher: Bencher<'_, '_>) {
    let (mut view, now) = at_rest();
    view.session_broke(&worker(7), Incarnation(1));
    view.exit_proven(&worker(7), Incarnation(1));
    measure(bencher, (view, now), 20..=40);
}

#[divan::bench(sample_count = 30)]
fn a_hundred_workers_are_lost(bencher: Bencher<'_, '_>) {
    let (mut view, now) = at_rest();
    for n in 0..100 {
        view.session_broke(&worker(n), Incarnation(1));
        view.exit_proven(&worker(n), Incarnation(1));
    }
    measure(bencher, (view, now), 2_000..=2_200);
}

#[divan::bench(sample_count = 30)]
fn a_worker_joins(bencher: Bencher<'_, '_>) {
    let (mut view, now) = at_rest();
    join(&mut view, WORKERS, now);
    measure(bencher, (view, now), 9..=9);
}
