//! Assignments that are over get their consequence: released, retried later, failed, completed; and poison is put in quarantine.

use super::super::{
    Action, Assignment, AssignmentState, Decision, FailureKind, Policy, Presence, Shard, Time, View,
};
use crate::cluster::assignment::Death;
use crate::ids::{AssignmentId, ShardId};

pub(super) fn decide(view: &View, policy: &Policy, now: Time) -> Vec<Decision> {
    let mut decisions = Vec::new();
    for (id, shard) in &view.shards {
        for assignment in &shard.assignments {
            if assignment.state.is_over() {
                decisions.push(settle(view, policy, now, id, shard, assignment));
            } else if let Some(end) = owner_end(view, policy, now, assignment) {
                take_over(
                    &mut decisions,
                    view,
                    policy,
                    now,
                    id,
                    shard,
                    assignment,
                    end,
                );
            }
        }
    }
    decisions
}

/// How the owner of an assignment ceased to act for it.
struct OwnerEnd {
    died: bool,
    how: String,
}

/// Whether the incarnation that an assignment was granted to certainly acts no more, by goodbye, proof or lease.
fn owner_end(view: &View, policy: &Policy, now: Time, assignment: &Assignment) -> Option<OwnerEnd> {
    let id = &assignment.worker;
    let Some(worker) = view.workers.get(id) else {
        let waited = view.lead_since.plus(policy.lease_ms + policy.margin_ms) <= now;
        return waited.then(|| OwnerEnd {
            died: false,
            how: format!("nothing is known of {id}, and any lease of it is over"),
        });
    };
    if worker.incarnation == assignment.incarnation {
        return worker.presence.is_gone().then(|| OwnerEnd {
            died: worker.presence == Presence::Lost,
            how: format!("{id} is {}: {}", worker.presence, worker.reason),
        });
    }
    let lease = worker.lease_of(assignment.incarnation);
    (lease.ends(view.lead_since, policy) <= now).then(|| OwnerEnd {
        died: true,
        how: match lease.exited {
            true => format!("{id} was started anew, and its former process has exited"),
            false => format!("{id} was started anew, and the lease of its former process is over"),
        },
    })
}

#[expect(
    clippy::too_many_arguments,
    reason = "one step of a loop, apart for its length"
)]
fn take_over(
    decisions: &mut Vec<Decision>,
    view: &View,
    policy: &Policy,
    now: Time,
    id: &ShardId,
    shard: &Shard,
    assignment: &Assignment,
    end: OwnerEnd,
) {
    let had_begun = assignment.state != AssignmentState::Pending;
    let suspicious = end.died && had_begun && assignment.ran_ms(now) < policy.poison_ms;
    decisions.push(Decision::new(
        Action::Release {
            assignment: identity(id, assignment),
            suspicious,
        },
        end.how,
    ));
    let known = shard
        .deaths
        .iter()
        .filter(|death| death.worker != assignment.worker && is_dead(view, death))
        .count();
    if suspicious && known + 1 >= policy.quarantine_deaths {
        decisions.push(Decision::new(
            Action::Quarantine {
                shard: id.clone(),
                revision: assignment.revision,
                until: now.plus(policy.quarantine_ms),
            },
            format!(
                "{} workers died one after another soon after {id} had begun on them, the last one {}; tried again in {} s, or at once when it is edited",
                known + 1,
                assignment.worker,
                policy.quarantine_ms / 1_000
            ),
        ));
    }
}

/// Whether a worker that was taken for dead is: one that is heard again was only silent, and no stream is to blame for that.
fn is_dead(view: &View, death: &Death) -> bool {
    view.workers
        .get(&death.worker)
        .is_none_or(|worker| worker.incarnation != death.incarnation || worker.presence.is_gone())
}

/// The consequence of an assignment that its worker reported to be over.
fn settle(
    view: &View,
    policy: &Policy,
    now: Time,
    id: &ShardId,
    shard: &Shard,
    assignment: &Assignment,
) -> Decision {
    let assignment_id = identity(id, assignment);
    let reason = &assignment.reason;
    let worker = &assignment.worker;
    let is_outdated = view
        .streams
        .get(&id.stream)
        .is_none_or(|stream| stream.revision != assignment.revision);
    let was_asked = assignment.drain_until.is_some();
    let release = |cause: String| {
        Decision::new(
            Action::Release {
                assignment: assignment_id.clone(),
                suspicious: false,
            },
            cause,
        )
    };
    match (assignment.state, assignment.failure) {
        (AssignmentState::Completed, _) => Decision::new(
            Action::Complete {
                assignment: assignment_id,
            },
            format!("completed on {worker}: {reason}"),
        ),
        (AssignmentState::Failed, _) if is_outdated => release(format!(
            "revision {} failed on {worker}, and there is another one: {reason}",
            assignment.revision
        )),
        (AssignmentState::Failed, Some(FailureKind::Permanent)) => Decision::new(
            Action::Fail {
                assignment: assignment_id,
            },
            format!("failed for good on {worker}, until it is edited: {reason}"),
        ),
        (AssignmentState::Failed, _) if !was_asked => {
            let attempts = match assignment.ran_ms(now) >= policy.stable_ms {
                true => 1,
                false => shard.attempts.saturating_add(1),
            };
            let wait_ms = policy.back_off_ms(attempts);
            Decision::new(
                Action::Retry {
                    assignment: assignment_id,
                    until: now.plus(wait_ms),
                    attempts,
                },
                format!(
                    "attempt {attempts} failed on {worker}, the next one is in {wait_ms} ms: {reason}"
                ),
            )
        }
        _ => release(format!("{worker} stopped it: {reason}")),
    }
}

fn identity(shard: &ShardId, assignment: &Assignment) -> AssignmentId {
    AssignmentId {
        shard: shard.clone(),
        epoch: assignment.epoch,
    }
}
