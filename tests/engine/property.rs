//! Whatever a pipeline does, each input transaction is answered exactly once, nothing is lost, and nobody is told that a message
//! arrived before it did.

use super::scripted::{Record, Script, Step, batch, empty_config, start, text};
use super::wait_until;
use airtruct::component::{BatchError, WriteError};
use airtruct::engine::Outcome;
use airtruct::message::{Batch, Message, MessageError};
use proptest::prelude::*;
use std::collections::HashSet;

#[derive(Clone, Copy, Debug)]
enum Change {
    Split,
    /// Drops every message whose number is divisible by this.
    Filter(usize),
    /// Makes groups by the number's remainder.
    Group(usize),
    /// Flags messages as failed, which must not keep them from going on.
    Fail(usize),
    /// Makes one message of a batch.
    Join,
    Reverse,
}

#[derive(Clone, Debug)]
struct Plan {
    /// How many messages each batch of each run has.
    runs: Vec<Vec<usize>>,
    changes: Vec<Change>,
    threads: usize,
    in_order: bool,
    max_in_flight: usize,
    batch_count: usize,
    /// Every so many-th write fails, as a whole or for its first message only, or loses its connection.
    fails_every: usize,
    auto_replay: bool,
    /// Stops after so many writes, at once or in order.
    stop: Option<(usize, bool)>,
}

fn plan() -> impl Strategy<Value = Plan> {
    let change = prop_oneof![
        Just(Change::Split),
        (2..5usize).prop_map(Change::Filter),
        (2..4usize).prop_map(Change::Group),
        (2..5usize).prop_map(Change::Fail),
        Just(Change::Join),
        Just(Change::Reverse),
    ];
    let runs = prop::collection::vec(prop::collection::vec(1..5usize, 1..6), 1..6);
    let shape = (
        runs,
        prop::collection::vec(change, 0..4),
        1..4usize,
        any::<bool>(),
    );
    let output = (
        1..4usize,
        prop_oneof![Just(0), 2..6usize],
        prop_oneof![Just(0), 2..5usize],
    );
    let end = (any::<bool>(), prop::option::of((0..10usize, any::<bool>())));
    (shape, output, end).prop_map(|(shape, output, end)| Plan {
        runs: shape.0,
        changes: shape.1,
        threads: shape.2,
        in_order: shape.3,
        max_in_flight: output.0,
        batch_count: output.1,
        fails_every: output.2,
        auto_replay: end.0,
        stop: end.1,
    })
}

fn numbers(message: &Message) -> Vec<usize> {
    text(message)
        .split('+')
        .map(|n| n.parse().expect("a number"))
        .collect()
}

fn number(message: &Message) -> usize {
    numbers(message)[0]
}

impl Change {
    fn apply(self, mut batch: Batch, out: &mut Vec<Batch>) {
        match self {
            Change::Split => out.extend(batch.into_iter().map(|m| smallvec::smallvec![m])),
            Change::Filter(n) => {
                batch.retain(|m| numbers(m).len() > 1 || !number(m).is_multiple_of(n));
                out.extend((!batch.is_empty()).then_some(batch));
            }
            Change::Group(n) => {
                for rest in 0..n {
                    let group: Batch = batch
                        .iter()
                        .filter(|m| number(m) % n == rest)
                        .cloned()
                        .collect();
                    out.extend((!group.is_empty()).then_some(group));
                }
            }
            Change::Fail(n) => {
                for message in batch.iter_mut().filter(|m| number(m).is_multiple_of(n)) {
                    message.set_error(Some(MessageError::new("flagged")));
                }
                out.push(batch);
            }
            Change::Join => {
                let all: Vec<String> = batch.iter().map(text).collect();
                let mut joined = batch[0].clone();
                joined.set_bytes(all.join("+"));
                if batch.len() > 1 {
                    joined.set_merged();
                }
                out.push(smallvec::smallvec![joined]);
            }
            Change::Reverse => {
                batch.reverse();
                out.push(batch);
            }
        }
    }
}

/// Whether the pipeline lets a message of a batch of its own pass. (In a batch it may also pass joined to others.)
fn may_be_dropped(plan: &Plan, n: usize) -> bool {
    let drops = |c: &Change| matches!(c, Change::Filter(by) if n.is_multiple_of(*by));
    plan.changes.iter().any(drops)
}

async fn check(plan: Plan) {
    let ordering = if plan.in_order {
        ", ordering: {key: 'root = content()'}"
    } else {
        ""
    };
    let mut config = empty_config(&format!(
        "pipeline: {{threads: {}{ordering}}}\nshutdown_timeout: 300ms",
        plan.threads
    ));
    let mut next = 0;
    let mut of_token: Vec<Vec<usize>> = Vec::new();
    let mut make = |size: usize| {
        let numbers: Vec<usize> = (next..next + size).collect();
        next += size;
        let texts: Vec<String> = numbers.iter().map(usize::to_string).collect();
        of_token.push(numbers);
        batch(texts.iter().map(String::as_str))
    };
    let runs = plan.runs.iter();
    let runs = runs
        .map(|run| run.iter().map(|size| make(*size)).collect())
        .collect();
    let mut input = Script::new(runs);
    input.auto_replay = plan.auto_replay;
    let every = plan.fails_every;
    let mut output = Record::new(move |batch, attempt| {
        if every == 0 || !(attempt + 1).is_multiple_of(every) {
            return Ok(());
        }
        Err(match attempt % 3 {
            0 => WriteError::NotConnected,
            1 => WriteError::Failed(BatchError::whole("whole")),
            _ => WriteError::Failed(BatchError::of_messages([(&batch[0], "one".into())])),
        })
    });
    output.max_in_flight = plan.max_in_flight;
    output.batch_count = plan.batch_count;
    for change in plan.changes.clone() {
        Step::new(move |batch, out| change.apply(batch, out)).put(&mut config);
    }
    input.put(&mut config);
    output.put(&mut config);
    let (written, sure, tokens) = (output.written.clone(), plan.clone(), of_token.clone());
    let arrived = move || -> HashSet<usize> {
        let written = written.lock();
        let all = written.iter().flatten().flat_map(|t| t.split('+'));
        all.map(|n| n.parse().expect("a number")).collect()
    };
    let have_arrived = arrived.clone();
    input.answers.check_each(move |token| {
        let arrived = have_arrived();
        let mut numbers = tokens[token as usize].iter();
        numbers.all(|n| arrived.contains(n) || may_be_dropped(&sure, *n))
    });
    let stream = start(&config);
    let outcome = if let Some((after, at_once)) = plan.stop {
        wait_until(|| *output.attempts.lock() >= after || stream.outcome().is_some()).await;
        if at_once {
            stream.stop_now();
        } else {
            stream.stop();
        }
        stream.wait().await
    } else {
        stream.wait().await
    };
    drop(stream);
    // Tasks that were told to stop may need a moment to let go.
    let handed_out = input.answers.handed_out();
    wait_until(|| input.answers.count() as u64 >= handed_out).await;
    for token in 0..handed_out {
        let answers = input.answers.of(token);
        assert_eq!(
            answers.len(),
            1,
            "{outcome:?}: transaction {token} got {answers:?}"
        );
    }
    assert_eq!(input.answers.early(), 0, "told too early");
    if outcome == Outcome::Completed && plan.auto_replay {
        assert_eq!(handed_out as usize, of_token.len());
        let arrived = arrived();
        for n in of_token.concat() {
            assert!(
                arrived.contains(&n) || may_be_dropped(&plan, n),
                "{n} is lost"
            );
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn each_transaction_is_answered_once_and_nothing_is_lost(plan in plan()) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
        runtime.expect("a runtime").block_on(check(plan));
    }
}
