//! Who is still there: late workers become suspect, those whose lease is over or whose exit is proven lost, those long gone forgotten.

use super::super::{Action, Decision, Policy, Presence, Time, View};

pub(super) fn decide(view: &View, policy: &Policy, now: Time) -> Vec<Decision> {
    let mut decisions = Vec::new();
    for (id, worker) in &view.workers {
        let lease = worker.lease;
        let heard = lease
            .heard
            .map_or(view.lead_since, |heard| heard.max(view.lead_since));
        let silent_ms = now.since(heard);
        if worker.presence.is_gone() {
            let owns = || view.assignments().any(|(_, a)| a.worker == *id);
            if now.since(worker.since) >= policy.forget_ms && !owns() {
                decisions.push(Decision::new(
                    Action::Forget { worker: id.clone() },
                    format!(
                        "{id} has been {} for {} s",
                        worker.presence,
                        now.since(worker.since) / 1_000
                    ),
                ));
            }
        } else if lease.ends(view.lead_since, policy) <= now {
            let cause = if lease.exited {
                format!("{id} has exited: its session broke and its port refuses connections")
            } else {
                format!(
                    "the lease of {id} is over: nothing was heard of it for {silent_ms} ms (lease {} ms, margin {} ms)",
                    policy.lease_ms, policy.margin_ms
                )
            };
            decisions.push(Decision::new(
                Action::MarkLost { worker: id.clone() },
                cause,
            ));
        } else if worker.presence == Presence::Active {
            let broke = lease.heard.is_some() && !lease.connected;
            if broke || silent_ms >= policy.suspect_ms {
                let cause = match broke {
                    true => format!("the session of {id} broke"),
                    false => format!("nothing was heard of {id} for {silent_ms} ms"),
                };
                decisions.push(Decision::new(
                    Action::MarkSuspect { worker: id.clone() },
                    cause,
                ));
            }
        }
    }
    decisions
}
