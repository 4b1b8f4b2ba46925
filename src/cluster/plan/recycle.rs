//! Lifetime limits: the worker that is furthest beyond its limit is drained and started anew, one at a time.

use super::super::{
    Action, AssignmentState, Decision, DrainCause, Policy, Presence, Time, View, Worker,
};

/// How long a recycled worker that has left is waited for before the next one may go.
const RETURN_MS: u64 = 60_000;

pub(super) fn decide(view: &View, _policy: &Policy, now: Time) -> Vec<Decision> {
    if view.frozen.is_some() || view.workers.values().any(|w| is_away(w, now)) {
        return Vec::new();
    }
    let next = view
        .workers
        .values()
        .filter(|worker| worker.is_open())
        .map(|worker| (used_permille(view, worker, now), worker))
        .filter(|(used, _)| *used >= 1_000)
        .max_by(|(a, x), (b, y)| a.cmp(b).then_with(|| y.id.cmp(&x.id)));
    let Some((_, worker)) = next else {
        return Vec::new();
    };
    vec![Decision::new(
        Action::Recycle {
            worker: worker.id.clone(),
        },
        format!(
            "{} has reached its lifetime limit: {} assignments, {} s",
            worker.id,
            worker.assigned,
            now.since(worker.started) / 1_000
        ),
    )]
}

/// Whether a worker is missing or about to be: while one is, no other is recycled.
fn is_away(worker: &Worker, now: Time) -> bool {
    let recycles = worker
        .drain
        .as_ref()
        .is_some_and(|drain| drain.cause != DrainCause::Operator);
    match worker.presence {
        Presence::Active => recycles,
        Presence::Suspect => true,
        Presence::Left | Presence::Lost => recycles && now.since(worker.since) < RETURN_MS,
    }
}

/// How much of its lifetime a worker has used, in thousandths; 0 without a limit. An assignment counts when the worker has
/// taken it in, so that a grant never recycles the worker in the plan that makes it.
fn used_permille(view: &View, worker: &Worker, now: Time) -> u64 {
    let used = |used: u64, limit: u64| used.saturating_mul(1_000) / limit.max(1);
    let assignments = worker.limits.max_assignments.map_or(0, |limit| {
        let pending = view.assignments().filter(|(_, a)| {
            a.incarnation == worker.incarnation && a.state == AssignmentState::Pending
        });
        used(
            worker.assigned.saturating_sub(pending.count() as u64),
            limit,
        )
    });
    let age = worker
        .limits
        .max_age_ms
        .map_or(0, |limit| used(now.since(worker.started), limit));
    assignments.max(age)
}
