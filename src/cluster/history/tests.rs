//! Histories by hand, each with what is to be found in it.

use super::*;
use crate::cluster::invariants::Violation;
use crate::ids::{Epoch, ShardId, ShardIndex, StreamName};

fn shard() -> ShardId {
    ShardId::new(StreamName::new("s").expect("a name"), 0)
}

fn assignment(epoch: u64) -> AssignmentId {
    AssignmentId {
        shard: shard(),
        epoch: Epoch(epoch),
    }
}

fn worker(number: u128) -> WorkerId {
    WorkerId::new(&format!("w{number}")).expect("an id")
}

fn record(at: u64, process: &str, event: Event) -> Record {
    Record {
        at: Time(at),
        boot: "b".to_owned(),
        process: process.to_owned(),
        event,
    }
}

fn up(at: u64, number: u128) -> Record {
    let event = Event::WorkerUp {
        worker: worker(number),
        incarnation: Incarnation(number),
    };
    record(at, &format!("w{number}"), event)
}

fn lease(at: u64, number: u128, until: u64) -> Record {
    let event = Event::Lease { until: Time(until) };
    record(at, &format!("w{number}"), event)
}

fn start(at: u64, number: u128, epoch: u64, run: u64) -> Record {
    let event = Event::Start {
        assignment: assignment(epoch),
        run,
    };
    record(at, &format!("w{number}"), event)
}

fn stop(at: u64, number: u128, epoch: u64, run: u64) -> Record {
    let event = Event::Stop {
        assignment: assignment(epoch),
        run,
        reason: "it ended".to_owned(),
    };
    record(at, &format!("w{number}"), event)
}

fn grant(at: u64, epoch: u64, to: u128, exclusive: bool) -> Record {
    let event = Event::Grant {
        assignment: assignment(epoch),
        worker: worker(to),
        incarnation: Incarnation(to),
        exclusive,
    };
    record(at, "c", event)
}

fn released(at: u64, epoch: u64, how: ReleaseCause) -> Record {
    let event = Event::Release {
        assignment: assignment(epoch),
        how,
        cause: "for the test".to_owned(),
    };
    record(at, "c", event)
}

fn found(records: &[Record]) -> Vec<Violation> {
    Timeline::new(records).violations()
}

fn arrive(check: &mut SinkCheck, epoch: u64, numbers: impl IntoIterator<Item = u64>) {
    for number in numbers {
        check.line(&SinkLine {
            stream: shard().stream,
            shard: ShardIndex(0),
            epoch: Epoch(epoch),
            number,
            at: epoch * 1_000 + number,
        });
    }
}

#[test]
fn records_read_back() {
    for written in [
        up(1, 1),
        start(2, 1, 7, 1),
        grant(3, 7, 1, true),
        released(4, 7, ReleaseCause::Exit),
    ] {
        let line = serde_json::to_string(&written).expect("JSON");
        let read: Record = serde_json::from_str(&line).expect(&line);
        assert_eq!(read, written);
    }
}

#[test]
fn a_handover_in_order_breaks_nothing() {
    let history = [
        grant(1, 1, 1, true),
        up(1, 1),
        lease(2, 1, 2_500),
        start(2, 1, 1, 1),
        stop(100, 1, 1, 1),
        grant(101, 2, 2, true),
        up(1, 2),
        lease(101, 2, 2_600),
        start(102, 2, 2, 1),
    ];
    assert_eq!(found(&history), []);
}

#[test]
fn one_that_was_killed_acted_until_its_last_word() {
    let mut history = vec![
        up(1, 1),
        lease(2, 1, 2_500),
        start(2, 1, 1, 1),
        lease(500, 1, 3_000),
        up(1, 2),
        start(501, 2, 2, 1),
    ];
    assert_eq!(found(&history), []);
    history.insert(4, lease(600, 1, 3_100));
    let broken = found(&history);
    assert!(
        matches!(broken[..], [Violation::BothRan { ms: 0, .. }]),
        "{broken:?}"
    );
}

#[test]
fn one_that_was_stopped_acted_until_its_lease() {
    let history = [
        up(1, 1),
        lease(2, 1, 2_500),
        start(2, 1, 1, 1),
        // It wakes up long after, and says so then.
        stop(9_000, 1, 1, 1),
        up(1, 2),
        start(2_600, 2, 2, 1),
    ];
    assert_eq!(found(&history), []);
    let mut early = history.to_vec();
    early[5] = start(2_400, 2, 2, 1);
    let broken = found(&early);
    assert!(
        matches!(&broken[..], [Violation::BothRan { .. }]),
        "{broken:?}"
    );
}

#[test]
fn streams_that_may_overlap_are_let_be_and_machines_are_not_compared() {
    let overlap = [
        up(1, 1),
        start(2, 1, 1, 1),
        stop(900, 1, 1, 1),
        up(1, 2),
        start(500, 2, 2, 1),
        stop(901, 2, 2, 1),
    ];
    assert_eq!(found(&overlap).len(), 1);
    let mut shared = overlap.to_vec();
    shared.extend([grant(1, 1, 1, false), grant(1, 2, 2, false)]);
    assert_eq!(found(&shared), []);
    let mut apart = overlap.to_vec();
    for record in &mut apart[3..] {
        record.boot = "another".to_owned();
    }
    assert_eq!(found(&apart), []);
    assert!(!Timeline::new(&apart).one_clock);
}

#[test]
fn an_owner_needs_a_grant_and_an_epoch_of_its_own() {
    let broken = found(&[up(1, 1), start(2, 1, 5, 1), grant(1, 5, 2, true)]);
    assert!(
        matches!(&broken[..], [Violation::NotGranted { .. }]),
        "{broken:?}"
    );
    let broken = found(&[
        up(1, 1),
        start(2, 1, 5, 1),
        stop(3, 1, 5, 1),
        up(1, 2),
        start(4, 2, 5, 1),
    ]);
    assert!(
        matches!(&broken[..], [Violation::Epoch { .. }]),
        "{broken:?}"
    );
}

#[test]
fn the_sink_tells_loss_late_writes_and_repeats() {
    let history = [
        up(1, 1),
        start(2, 1, 1, 1),
        stop(9, 1, 1, 1),
        start(10, 1, 1, 2),
        up(1, 2),
        start(20, 2, 2, 1),
    ];
    let timeline = Timeline::new(&history);
    let check = |parts: &[(u64, std::ops::RangeInclusive<u64>)], last| {
        let mut check = SinkCheck::default();
        for (epoch, numbers) in parts {
            arrive(&mut check, *epoch, numbers.clone());
        }
        check.violations(&timeline, last)
    };
    // Epoch 1 ran twice, epoch 2 follows a hand-over: each may begin again once.
    assert_eq!(check(&[(1, 1..=5), (1, 4..=8), (2, 8..=9)], Some(9)), []);
    let broken = check(&[(1, 1..=5), (1, 4..=8), (1, 7..=9)], None);
    assert!(
        matches!(
            &broken[..],
            [Violation::Repeated {
                rewinds: 2,
                announced: 1,
                ..
            }]
        ),
        "{broken:?}"
    );
    let broken = check(&[(1, 1..=5), (2, 7..=9)], None);
    assert!(
        matches!(&broken[..], [Violation::Missing { from: 6, to: 6, .. }]),
        "{broken:?}"
    );
    let broken = check(&[(1, 1..=5)], Some(7));
    assert!(
        matches!(&broken[..], [Violation::Missing { from: 6, to: 7, .. }]),
        "{broken:?}"
    );
    let broken = check(&[(1, 1..=3), (2, 4..=5), (1, 4..=4)], None);
    assert!(
        matches!(&broken[..], [Violation::LateWrite { number: 4, .. }]),
        "{broken:?}"
    );
    let broken = check(&[(1, 1..=3), (9, 4..=5)], None);
    assert!(
        matches!(&broken[..], [Violation::UnknownWriter { .. }]),
        "{broken:?}"
    );
}

#[test]
fn pauses_are_summed_up_by_cause() {
    let history = [
        released(10, 1, ReleaseCause::Exit),
        released(20, 2, ReleaseCause::Lease),
    ];
    let mut check = SinkCheck::default();
    for epoch in 1..=3 {
        arrive(&mut check, epoch, [epoch]);
    }
    let all = handovers(&check, &Timeline::new(&history));
    let kinds: Vec<_> = pauses(&all)
        .into_iter()
        .map(|kind| (kind.how, kind.count, kind.p50_ms, kind.p99_ms))
        .collect();
    assert_eq!(
        kinds,
        [
            (Some(ReleaseCause::Exit), 1, 1_001, 1_001),
            (Some(ReleaseCause::Lease), 1, 1_001, 1_001)
        ]
    );
}
