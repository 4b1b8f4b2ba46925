//! Why a stream is where it is: one causal answer for each shard, from the view alone.
//!
//! An answer says what holds the shard, since when, what was tried, and what would help. The causes are asked in the order in which
//! the planner looks at them, so that the first one found is the one that counts.

use serde::Serialize;

use super::{
    Assignment, AssignmentState, Desired, Drain, Policy, Shard, Standing, Stream, Time, View,
    Worker,
    board::{Board, Refusal},
    plan::gathers_until,
};
use crate::ids::{Epoch, Revision, ShardId, StreamName, WorkerId};

text_enum! {
    /// What holds a shard.
    Hold {
        /// It runs, as it should.
        Runs = "runs",
        /// It was granted; the worker is not that far yet.
        Starts = "starts",
        /// Nothing holds it: it is placed with the next plan.
        NextPlan = "next_plan",
        /// It finishes where it is.
        Drains = "drains",
        /// Its worker is silent, and its lease is not over.
        WaitsForLease = "waits_for_lease",
        Paused = "paused",
        Deleting = "deleting",
        /// A transient failure; it is tried again.
        BackOff = "back_off",
        /// A failure that trying again cannot mend.
        Failed = "failed",
        Completed = "completed",
        /// Workers died soon after it had begun on them.
        Quarantined = "quarantined",
        /// The first worker has only just come; others may be coming.
        Gathers = "gathers",
        NoWorker = "no_worker",
        NoLabels = "no_labels",
        NoCapacity = "no_capacity",
    }
}

/// The answer for a stream.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Explanation {
    pub stream: StreamName,
    pub desired: Desired,
    pub revision: Revision,
    /// The answer in one sentence: that of the shard which is worst off.
    pub summary: String,
    /// Why nothing is moved for balance, if somebody froze that.
    pub frozen: Option<String>,
    /// How the number of shards is found, if it is not fixed and the scaler was asked.
    pub scaling: Option<String>,
    pub shards: Vec<ShardExplanation>,
}

/// The answer for a shard.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ShardExplanation {
    pub shard: u32,
    pub hold: Hold,
    pub reason: String,
    /// Since when it is so, if that is known.
    pub since: Option<Time>,
    /// When it ends by itself, if that is known.
    pub until: Option<Time>,
    pub worker: Option<WorkerId>,
    pub epoch: Option<Epoch>,
    /// What was tried, in order.
    pub tried: Vec<String>,
    /// What would help, each a sentence for people. Empty if all is well.
    pub help: Vec<String>,
}

/// Explains a stream; `None` if there is none of this name.
pub fn explain(view: &View, policy: &Policy, name: &StreamName, now: Time) -> Option<Explanation> {
    let stream = view.streams.get(name)?;
    let mut board = Board::new(view, policy);
    let nothing = Shard::default();
    let shards: Vec<ShardExplanation> = (0..stream.shards)
        .map(|index| {
            let id = ShardId::new(name.clone(), index);
            let shard = view.shards.get(&id).unwrap_or(&nothing);
            explain_shard(view, policy, now, &mut board, stream, &id, shard)
        })
        .collect();
    let running = shards.iter().filter(|s| s.hold == Hold::Runs).count();
    let worst = shards
        .iter()
        .max_by_key(|s| (s.hold, std::cmp::Reverse(s.shard)));
    let summary = match worst {
        Some(worst) if shards.len() > 1 => format!(
            "{running} of {} shards run; shard {}: {}",
            shards.len(),
            worst.shard,
            worst.reason
        ),
        Some(worst) => worst.reason.clone(),
        None => "it has no shards".to_owned(),
    };
    Some(Explanation {
        stream: name.clone(),
        desired: stream.desired,
        revision: stream.revision,
        summary,
        frozen: view.frozen.clone(),
        scaling: None,
        shards,
    })
}

fn explain_shard<'a>(
    view: &'a View,
    policy: &Policy,
    now: Time,
    board: &mut Board<'a>,
    stream: &'a Stream,
    id: &ShardId,
    shard: &Shard,
) -> ShardExplanation {
    let mut answer = ShardExplanation {
        shard: id.shard.get(),
        hold: Hold::NextPlan,
        reason: String::new(),
        since: (shard.since != Time(0)).then_some(shard.since),
        until: None,
        worker: None,
        epoch: None,
        tried: tried(shard),
        help: Vec::new(),
    };
    if let Some(assignment) = shard.current().or_else(|| shard.assignments.last()) {
        of_assignment(view, policy, &mut answer, assignment);
    } else {
        of_want(view, policy, now, board, stream, id, shard, &mut answer);
    }
    answer
}

fn tried(shard: &Shard) -> Vec<String> {
    let mut tried: Vec<String> = shard
        .deaths
        .iter()
        .map(|d| format!("it ran on {} when that worker died", d.worker))
        .collect();
    if shard.attempts > 0 {
        let last = if shard.reason.is_empty() {
            "unknown"
        } else {
            &shard.reason
        };
        tried.push(format!(
            "{} failed attempts in a row, the last: {last}",
            shard.attempts
        ));
    }
    tried
}

/// A shard that somebody has.
fn of_assignment(view: &View, policy: &Policy, answer: &mut ShardExplanation, a: &Assignment) {
    answer.worker = Some(a.worker.clone());
    answer.epoch = Some(a.epoch);
    answer.since = Some(a.since);
    let worker = view.workers.get(&a.worker);
    let silent = worker.filter(|w| {
        w.incarnation != a.incarnation
            || !w.lease.connected && w.presence != super::Presence::Active
    });
    if let Some(silent) = silent
        && !a.state.is_over()
    {
        let ends = silent.lease_of(a.incarnation).ends(view.lead_since, policy);
        answer.hold = Hold::WaitsForLease;
        answer.until = Some(ends);
        answer.reason = format!(
            "{} had it and is silent ({}); it may still act until its lease is over",
            a.worker, silent.reason
        );
        answer.help.push(format!(
            "nothing has to be done: it goes elsewhere then; a restart of {} at its address proves its exit at once",
            a.worker
        ));
        return;
    }
    (answer.hold, answer.reason) = match a.state {
        AssignmentState::Running => (Hold::Runs, format!("it runs on {}: {}", a.worker, a.reason)),
        AssignmentState::Pending => (
            Hold::Starts,
            format!(
                "{} was given it and has not said that it knows: {}",
                a.worker, a.reason
            ),
        ),
        AssignmentState::Starting => (
            Hold::Starts,
            format!("{} builds and connects it: {}", a.worker, a.reason),
        ),
        AssignmentState::Draining => {
            answer.until = a.drain_until;
            let to = match &a.destination {
                Some(to) => format!(", then goes to {to}"),
                None => String::new(),
            };
            (
                Hold::Drains,
                format!("it finishes on {}{to}: {}", a.worker, a.reason),
            )
        }
        AssignmentState::Stopped | AssignmentState::Completed | AssignmentState::Failed => (
            Hold::NextPlan,
            format!("it {} on {}: {}", a.state, a.worker, a.reason),
        ),
    };
    if let Some(Drain { reason, .. }) = worker.and_then(|w| w.drain.as_ref())
        && a.state == AssignmentState::Running
    {
        answer
            .reason
            .push_str(&format!("; that worker is draining: {reason}"));
        answer
            .help
            .push("room on another worker with the labels lets it leave".to_owned());
    }
}

/// A shard that nobody has.
#[expect(
    clippy::too_many_arguments,
    reason = "one question over all that the planner knows"
)]
fn of_want<'a>(
    view: &'a View,
    policy: &Policy,
    now: Time,
    board: &mut Board<'a>,
    stream: &'a Stream,
    id: &ShardId,
    shard: &Shard,
    answer: &mut ShardExplanation,
) {
    let name = &stream.name;
    let mut say = |hold, reason: String, until, help: Vec<String>| {
        answer.hold = hold;
        answer.reason = reason;
        answer.until = until;
        answer.help = help;
    };
    match stream.desired {
        Desired::Active => {}
        Desired::Paused => {
            let help = vec![format!("airtruct streams resume {name}")];
            return say(Hold::Paused, "somebody paused it".to_owned(), None, help);
        }
        Desired::Deleted => {
            return say(
                Hold::Deleting,
                "it is being deleted".to_owned(),
                None,
                Vec::new(),
            );
        }
    }
    if !shard.standing.allows(stream.revision, now) {
        let why = &shard.reason;
        let edit = format!(
            "a new revision starts it at once: apply another config, or airtruct streams restart {name}"
        );
        return match shard.standing {
            Standing::Ready => {}
            Standing::BackOff { until } => {
                say(
                    Hold::BackOff,
                    format!("it failed and is tried again later: {why}"),
                    Some(until),
                    vec![edit],
                );
            }
            Standing::Failed { .. } => {
                let help = vec![format!("mend the config: {why}"), edit];
                say(
                    Hold::Failed,
                    format!("it failed, and the same config fails again: {why}"),
                    None,
                    help,
                );
            }
            Standing::Completed { .. } => {
                say(
                    Hold::Completed,
                    format!("its input came to an end: {why}"),
                    None,
                    vec![edit],
                );
            }
            Standing::Quarantined { until, .. } => {
                let reason = format!(
                    "it is in quarantine, because workers died soon after it had begun: {why}"
                );
                say(Hold::Quarantined, reason, Some(until), vec![edit]);
            }
        };
    }
    if let Some(until) = gathers_until(view, policy).filter(|until| now < *until) {
        let reason = "the first worker has only just come, and others may be coming".to_owned();
        return say(Hold::Gathers, reason, Some(until), Vec::new());
    }
    let labels = || {
        let labels: Vec<String> = stream
            .requires
            .iter()
            .map(|(k, v)| format!("{k}={v}"))
            .collect();
        labels.join(",")
    };
    match board.choose(stream, id, !shard.deaths.is_empty(), |_| true) {
        Ok((at, _)) => {
            let reason = format!(
                "{} can take it: it is placed with the next plan",
                board.seats[at].worker.id
            );
            say(Hold::NextPlan, reason, Some(now), Vec::new());
        }
        Err(Refusal::NoWorker) => {
            let mut help =
                vec!["start a worker: airtruct -role worker -discovery-uri HOST:50000".to_owned()];
            let closed: Vec<String> = view.workers.values().map(closed).collect();
            help.extend(undrains(view));
            let reason = match closed.is_empty() {
                true => "no worker has come".to_owned(),
                false => format!("no worker is open: {}", closed.join("; ")),
            };
            say(Hold::NoWorker, reason, None, help);
        }
        Err(Refusal::Labels { open }) => {
            let reason = format!(
                "none of the {open} open workers has the labels that it requires: {}",
                labels()
            );
            let help = vec![format!(
                "start a worker with -labels {}, or change `requires`",
                labels()
            )];
            say(Hold::NoLabels, reason, None, help);
        }
        Err(Refusal::Full { fitting }) => {
            let with = if stream.requires.is_empty() {
                String::new()
            } else {
                format!(" with {}", labels())
            };
            let reason = format!("all of the {fitting} open workers{with} are full");
            let mut help = vec![format!("start another worker{with}, or raise -max-streams")];
            help.extend(undrains(view));
            say(Hold::NoCapacity, reason, None, help);
        }
    }
}

fn closed(worker: &Worker) -> String {
    match &worker.drain {
        Some(drain) if !worker.presence.is_gone() => {
            format!("{} is draining ({})", worker.id, drain.reason)
        }
        _ => format!("{} is {} ({})", worker.id, worker.presence, worker.reason),
    }
}

fn undrains(view: &View) -> impl Iterator<Item = String> {
    let drained = view.workers.values().filter(|w| {
        let by_operator = |d: &Drain| d.cause == super::DrainCause::Operator;
        !w.presence.is_gone() && w.drain.as_ref().is_some_and(by_operator)
    });
    drained.map(|w| format!("airtruct workers undrain {}", w.id))
}
