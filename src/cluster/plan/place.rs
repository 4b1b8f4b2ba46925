//! Shards that nobody has are given to workers, and stateless ones on a draining worker get their second copy.

use super::super::{
    Action, Assignment, AssignmentState, Decision, Desired, Policy, Shard, Stream, Time, View,
    board::{Board, Seat},
};
use crate::ids::{AssignmentId, ShardId};

pub(super) fn decide(view: &View, policy: &Policy, now: Time) -> Vec<Decision> {
    let mut decisions = Vec::new();
    if gathers_until(view, policy).is_some_and(|until| now < until) {
        return decisions;
    }
    let mut board = Board::new(view, policy);
    for stream in view.streams.values() {
        if stream.desired != Desired::Active {
            continue;
        }
        let mut known = view.shards_of(&stream.name).peekable();
        for index in 0..stream.shards {
            let id = ShardId::new(stream.name.clone(), index);
            let shard = known.next_if(|(next, _)| **next == id).map(|(_, s)| s);
            let assignments = shard.map_or(&[][..], |shard| &shard.assignments);
            if !shard.is_none_or(|shard| shard.standing.allows(stream.revision, now)) {
                continue;
            }
            match assignments {
                [] => decisions.extend(place(&mut board, stream, &id, shard)),
                [only] => {
                    decisions.extend(hand_over(view, policy, now, &mut board, stream, &id, only))
                }
                _ => {}
            }
        }
    }
    decisions
}

/// Until when nothing is placed, because the first worker of this term has only just come and others may be coming with it.
pub(in crate::cluster) fn gathers_until(view: &View, policy: &Policy) -> Option<Time> {
    let opened = view.workers.values().filter(|worker| worker.is_open());
    let first = opened.map(|worker| worker.started).min()?;
    (first >= view.lead_since).then(|| first.plus(policy.gather_ms))
}

fn place<'a>(
    board: &mut Board<'a>,
    stream: &'a Stream,
    id: &ShardId,
    shard: Option<&Shard>,
) -> Option<Decision> {
    let is_suspicious = shard.is_some_and(|shard| !shard.deaths.is_empty());
    let hint = shard
        .and_then(|shard| shard.destination.as_ref())
        .and_then(|worker| board.seat_of(worker))
        .filter(|at| board.seats[*at].has_room() && board.class(stream)[*at].is_some());
    let (at, how) = match hint {
        Some(at) => (at, "as was planned when it was drained"),
        None => {
            let (at, _) = board.choose(stream, id, is_suspicious, |_| true).ok()?;
            (at, board.strategy.name)
        }
    };
    let cause = format!(
        "{how}: {} has {} others, {} workers were open",
        board.seats[at].worker.id,
        board.seats[at].load(),
        board.seats.len()
    );
    board.take(stream, at, is_suspicious);
    Some(assign(&board.seats[at], id, stream, cause))
}

/// A stateless shard on a worker that is to be emptied: started elsewhere before it is drained, or drained if there is no room.
fn hand_over<'a>(
    view: &View,
    policy: &Policy,
    now: Time,
    board: &mut Board<'a>,
    stream: &'a Stream,
    id: &ShardId,
    current: &Assignment,
) -> Option<Decision> {
    let drain = view.workers.get(&current.worker)?.drain.as_ref()?;
    if !stream.stateless || current.state != AssignmentState::Running {
        return None;
    }
    let cause = format!("{} is draining: {}", current.worker, drain.reason);
    match board.choose(stream, id, false, |_| true) {
        Ok((at, _)) => {
            board.take(stream, at, false);
            let cause = format!("{cause}; it starts here before it ends there");
            Some(assign(&board.seats[at], id, stream, cause))
        }
        Err(_) => Some(Decision::new(
            Action::Drain {
                assignment: AssignmentId {
                    shard: id.clone(),
                    epoch: current.epoch,
                },
                until: now.plus(policy.drain_ms),
                destination: None,
            },
            format!("{cause}; no other worker can take it now"),
        )),
    }
}

pub(super) fn assign(seat: &Seat<'_>, id: &ShardId, stream: &Stream, cause: String) -> Decision {
    Decision::new(
        Action::Assign {
            shard: id.clone(),
            worker: seat.worker.id.clone(),
            incarnation: seat.worker.incarnation,
            revision: stream.revision,
        },
        cause,
    )
}
