//! When a plan may change although nothing happens.

use super::{
    super::{Policy, Presence, Standing, Time, View},
    balance, place,
};

/// The earliest time after `now` at which [`super::plan`] may decide something that it does not decide now. `None` if only
/// an event can bring that about.
pub fn next_deadline(view: &View, policy: &Policy, now: Time) -> Option<Time> {
    let mut next: Option<Time> = None;
    let mut at = |time: Time| {
        if time > now && next.is_none_or(|next| time < next) {
            next = Some(time);
        }
    };
    let granted_before = view.lead_since.plus(policy.lease_ms + policy.margin_ms);
    at(granted_before);
    for worker in view.workers.values() {
        if worker.presence.is_gone() {
            at(worker.since.plus(policy.forget_ms));
        } else {
            let heard = worker
                .lease
                .heard
                .map_or(view.lead_since, |heard| heard.max(view.lead_since));
            if worker.presence == Presence::Active {
                at(heard.plus(policy.suspect_ms));
            }
            at(worker.lease.ends(view.lead_since, policy));
            at(worker.started.plus(policy.settle_ms));
            if let Some(age) = worker.limits.max_age_ms {
                at(worker.started.plus(age));
            }
        }
        for former in &worker.former {
            at(former.lease.ends(view.lead_since, policy));
        }
    }
    for shard in view.shards.values() {
        match shard.standing {
            Standing::BackOff { until } | Standing::Quarantined { until, .. } => at(until),
            Standing::Ready | Standing::Failed { .. } | Standing::Completed { .. } => {}
        }
    }
    if let Some(until) = balance::paused_until(view, policy) {
        at(until);
    }
    if let Some(until) = place::gathers_until(view, policy) {
        at(until);
    }
    next
}
