//! What of a decision goes into the history of this process.

use super::campaign::Context;
use crate::{
    cluster::{
        Action, Decision, OnPartition, Presence, View,
        history::{Event, ReleaseCause},
    },
    ids::AssignmentId,
};

/// Notes a decision that is about to be made durable. `view` is the view before it is applied.
pub(super) fn decision(context: &Context, view: &View, decision: &Decision) {
    match &decision.action {
        Action::Assign {
            shard,
            worker,
            incarnation,
            ..
        } => context.note(|| {
            let stream = view.streams.get(&shard.stream);
            Event::Grant {
                assignment: AssignmentId {
                    shard: shard.clone(),
                    epoch: view.epoch.next(),
                },
                worker: worker.clone(),
                incarnation: *incarnation,
                exclusive: stream.is_none_or(|stream| {
                    !stream.stateless && stream.on_partition == OnPartition::Stop
                }),
            }
        }),
        Action::Release { assignment, .. }
        | Action::Retry { assignment, .. }
        | Action::Fail { assignment }
        | Action::Complete { assignment } => context.note(|| Event::Release {
            assignment: assignment.clone(),
            how: how(view, assignment),
            cause: decision.cause.clone(),
        }),
        Action::MarkSuspect { .. }
        | Action::MarkLost { .. }
        | Action::Forget { .. }
        | Action::Recycle { .. }
        | Action::Drain { .. }
        | Action::Quarantine { .. }
        | Action::Remove { .. }
        | Action::Delete { .. } => {}
    }
}

/// How it is known that the owner acts no more.
fn how(view: &View, id: &AssignmentId) -> ReleaseCause {
    let Some(assignment) = view.assignment(id) else {
        return ReleaseCause::Reported;
    };
    let worker = view.workers.get(&assignment.worker);
    if assignment.state.is_over() {
        return ReleaseCause::Reported;
    }
    let has_left = |worker: &&crate::cluster::Worker| {
        worker.incarnation == assignment.incarnation && worker.presence == Presence::Left
    };
    match worker {
        Some(_) if worker.filter(has_left).is_some() => ReleaseCause::Goodbye,
        Some(worker) if worker.lease_of(assignment.incarnation).exited => ReleaseCause::Exit,
        _ => ReleaseCause::Lease,
    }
}
