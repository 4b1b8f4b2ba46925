//! The planner: everything the coordinator decides, in one pure function.
//!
//! A plan is a sequence of phases, each a pure function of the view as the phases before it leave it. A phase
//! never undoes what an earlier one of the same plan did, nor makes work for it; hence a plan that was applied leaves nothing to plan
//! (`plan(apply(plan(v))) = []` at the same `now`). Time alone, or an event, makes a new one.
//!
//! Deliberately absent: retries of store writes and of messages. The loop that calls this is level-triggered, so what failed is
//! simply planned again.

mod balance;
#[cfg(test)]
mod blame_tests;
mod deadline;
mod place;
#[cfg(test)]
mod properties;
mod reap;
mod recycle;
mod retire;
mod settle;
#[cfg(test)]
mod tests;

use super::{Decision, Policy, Time, View};

pub use deadline::next_deadline;
pub(super) use place::gathers_until;

type Phase = fn(&View, &Policy, Time) -> Vec<Decision>;

const PHASES: &[Phase] = &[
    reap::decide,
    settle::decide,
    recycle::decide,
    retire::decide,
    place::decide,
    balance::decide,
];

/// What should change now, in the order in which to do it. Empty if everything is as it should be.
pub fn plan(view: &View, policy: &Policy, now: Time) -> Vec<Decision> {
    let mut view = view.clone();
    let mut decisions = Vec::new();
    for phase in PHASES {
        let decided = phase(&view, policy, now);
        for decision in &decided {
            view.apply(decision, now);
        }
        decisions.extend(decided);
    }
    decisions
}
