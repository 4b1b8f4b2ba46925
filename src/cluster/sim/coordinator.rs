//! A coordinator process of the simulation: the loop that `cluster/mod.rs` describes, around the real view and planner.

use std::collections::BTreeMap;

use super::{
    clock::Clock,
    message::{Down, Link, Up},
    options::Sabotage,
    rng::Rng,
    store::{Deposed, Store},
};
use crate::cluster::{
    Action, AssignmentState, Decision, Duty, Heard, Policy, Registration, Time, View,
    invariants::{self, Violation},
    next_deadline, plan,
    scale::ShardScaler,
};
use crate::ids::{AssignmentId, Generation, Incarnation, ShardId, Term, WorkerId};

#[derive(Debug)]
pub(super) struct Coordinator {
    pub(super) clock: Clock,
    pub(super) life: u64,
    pub(super) alive: bool,
    pub(super) lead: Option<Lead>,
}

/// What a coordinator has while it leads.
#[derive(Debug)]
pub(super) struct Lead {
    pub(super) view: View,
    pub(super) term: Term,
    /// Until when it may act as the leader, by its own clock.
    pub(super) until: Time,
    number: u64,
    pub(super) sessions: BTreeMap<WorkerId, (Incarnation, Link)>,
    sets: BTreeMap<WorkerId, (u64, Vec<Duty>)>,
    scaler: ShardScaler,
    dirty: bool,
    /// When it planned last, by its own clock: what fell due since then, while it was stopped too, is to be planned.
    planned: Time,
    /// The real time at which it wakes next; other alarms are out of date.
    pub(super) wakes_at: u64,
}

/// How a step of the loop ended.
#[derive(Debug)]
pub(super) enum Step {
    Done,
    /// The process died in the middle.
    Crashed,
}

/// What goes wrong at a write to the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum WriteFault {
    None,
    CrashBefore,
    CrashAfter,
    /// An error is all that is heard, and the write was not carried out.
    UnknownLost,
    /// An error is all that is heard, and the write was carried out.
    UnknownDone,
}

impl WriteFault {
    fn at_random(cx: &mut Ctx<'_>) -> WriteFault {
        match cx.rng.permille(cx.write_faults) {
            false => WriteFault::None,
            true => *cx.rng.pick(&[
                WriteFault::CrashBefore,
                WriteFault::CrashAfter,
                WriteFault::UnknownLost,
                WriteFault::UnknownDone,
            ]),
        }
    }

    fn is_lost(self) -> bool {
        matches!(self, Self::CrashBefore | Self::UnknownLost)
    }

    fn is_unknown(self) -> bool {
        matches!(self, Self::UnknownLost | Self::UnknownDone)
    }
}

/// What a step needs of the world around it.
pub(super) struct Ctx<'a> {
    pub(super) store: &'a mut Store,
    pub(super) rng: &'a mut Rng,
    pub(super) policy: &'a Policy,
    pub(super) sabotage: Option<Sabotage>,
    /// Whether crashes at writes, and writes of unknown outcome, may happen now, in thousandths.
    pub(super) write_faults: u64,
    pub(super) out: Vec<(Link, Down)>,
    pub(super) violations: Vec<Violation>,
    pub(super) trace: Option<&'a mut Vec<String>>,
    pub(super) real: u64,
}

impl Lead {
    pub(super) fn begin(
        store: &Store,
        term: Term,
        now: Time,
        until: Time,
        sabotage: Option<Sabotage>,
    ) -> Lead {
        let mut view = store.load(now);
        if sabotage == Some(Sabotage::NoFirstLeaseWait) {
            view.lead_since = Time(0);
        }
        Lead {
            view,
            term,
            until,
            number: 0,
            sessions: BTreeMap::new(),
            sets: BTreeMap::new(),
            scaler: ShardScaler::default(),
            dirty: true,
            planned: now,
            wakes_at: 0,
        }
    }

    /// Takes a message in; plans and sends what follows from it.
    pub(super) fn hear(&mut self, cx: &mut Ctx<'_>, link: Link, message: Up, now: Time) -> Step {
        match message {
            Up::Register(hello) => {
                let (id, incarnation) = (hello.id.clone(), hello.incarnation);
                let answer = match self.view.register(hello, now) {
                    Registration::Welcome => {
                        if let Step::Crashed = self.save(cx, &id, &[], true, now) {
                            return Step::Crashed;
                        }
                        self.sessions.insert(id.clone(), (incarnation, link));
                        self.sets.remove(&id);
                        self.dirty = true;
                        Down::Welcome
                    }
                    Registration::Superseded { .. } | Registration::Left => Down::Exit,
                };
                cx.out.push((link, answer));
            }
            Up::Beat(beat, sent) => {
                let stands = self
                    .sessions
                    .get(&beat.worker)
                    .is_some_and(|(_, l)| *l == link);
                let id = beat.worker.clone();
                if !stands {
                    cx.out.push((link, Down::Unknown));
                    return Step::Done;
                }
                match self.view.heartbeat(&beat, now) {
                    Heard::Renewed {
                        changed,
                        worker_changed,
                    } => {
                        self.dirty |= worker_changed || !changed.is_empty();
                        if let Step::Crashed = self.save(cx, &id, &changed, worker_changed, now) {
                            return Step::Crashed;
                        }
                        if let Step::Crashed = self.scale(cx, now) {
                            return Step::Crashed;
                        }
                        if let Step::Crashed = self.round(cx, now) {
                            return Step::Crashed;
                        }
                        let (number, duties) = self
                            .sets
                            .get(&id)
                            .cloned()
                            .unwrap_or((self.number, Vec::new()));
                        let generation = Generation {
                            term: self.term,
                            number,
                        };
                        cx.out.push((link, Down::Answer(sent, generation, duties)));
                        return Step::Done;
                    }
                    Heard::Unknown => cx.out.push((link, Down::Unknown)),
                    Heard::Superseded { .. } | Heard::Left => cx.out.push((link, Down::Exit)),
                }
            }
            Up::Goodbye(id, incarnation) => {
                if self.view.goodbye(&id, incarnation, now) {
                    if let Step::Crashed = self.save(cx, &id, &[], true, now) {
                        return Step::Crashed;
                    }
                    self.dirty = true;
                }
            }
        }
        self.round(cx, now)
    }

    /// A session broke.
    pub(super) fn broke(
        &mut self,
        cx: &mut Ctx<'_>,
        worker: &WorkerId,
        link: Link,
        now: Time,
    ) -> Step {
        if let Some((incarnation, _)) = self.sessions.get(worker).filter(|(_, l)| *l == link) {
            self.view.session_broke(worker, *incarnation);
            self.sessions.remove(worker);
            self.dirty = true;
        }
        self.round(cx, now)
    }

    /// A probe of a worker's port was refused.
    pub(super) fn refused(
        &mut self,
        cx: &mut Ctx<'_>,
        worker: &WorkerId,
        incarnation: Incarnation,
        now: Time,
    ) -> Step {
        self.dirty |= self.view.exit_proven(worker, incarnation);
        self.round(cx, now)
    }

    /// Changes the definitions, as an edit by the API does.
    pub(super) fn edit(&mut self, cx: &mut Ctx<'_>, now: Time, change: impl Fn(&mut View)) -> Step {
        if cx.store.write(self.term, &change).is_err() {
            return Step::Crashed;
        }
        change(&mut self.view);
        self.dirty = true;
        self.round(cx, now)
    }

    /// Time has passed.
    pub(super) fn wake(&mut self, cx: &mut Ctx<'_>, now: Time) -> Step {
        self.dirty = true;
        self.round(cx, now)
    }

    /// When to wake next.
    pub(super) fn deadline(&self, policy: &Policy) -> Option<Time> {
        next_deadline(&self.view, policy, self.planned)
    }

    fn save(
        &mut self,
        cx: &mut Ctx<'_>,
        id: &WorkerId,
        changed: &[ShardId],
        worker_changed: bool,
        now: Time,
    ) -> Step {
        if changed.is_empty() && !worker_changed {
            return Step::Done;
        }
        let fault = WriteFault::at_random(cx);
        if fault.is_lost() {
            return self.after(fault, cx, now);
        }
        let view = &self.view;
        let written = cx.store.write(self.term, |stored| {
            for shard in changed {
                if let Some(found) = view.shards.get(shard) {
                    stored.shards.insert(shard.clone(), found.clone());
                }
            }
            if worker_changed && let Some(worker) = view.workers.get(id) {
                stored.workers.insert(id.clone(), worker.clone());
            }
        });
        match written {
            Ok(()) => self.after(fault, cx, now),
            Err(Deposed) => Step::Crashed,
        }
    }

    /// What the process does after a write.
    fn after(&mut self, fault: WriteFault, cx: &mut Ctx<'_>, now: Time) -> Step {
        match fault {
            WriteFault::None => Step::Done,
            WriteFault::CrashBefore | WriteFault::CrashAfter => Step::Crashed,
            WriteFault::UnknownLost | WriteFault::UnknownDone => {
                self.reload(cx, now);
                Step::Done
            }
        }
    }

    /// Gives streams the number of shards that their backlog asks for.
    fn scale(&mut self, cx: &mut Ctx<'_>, now: Time) -> Step {
        for step in self.scaler.observe(&self.view, cx.policy, now) {
            if let Some(trace) = &mut cx.trace {
                trace.push(format!("{:>6} {}: {}", cx.real, step.stream, step.cause));
            }
            let change = |view: &mut View| {
                if let Some(stream) = view.streams.get_mut(&step.stream) {
                    stream.shards = step.shards;
                }
            };
            let fault = WriteFault::at_random(cx);
            if !fault.is_lost() && cx.store.write(self.term, change).is_err() {
                return Step::Crashed;
            }
            change(&mut self.view);
            self.dirty = true;
            if let Step::Crashed = self.after(fault, cx, now) {
                return Step::Crashed;
            }
        }
        Step::Done
    }

    /// Plans until nothing is left, makes it durable, and sends what changed.
    fn round(&mut self, cx: &mut Ctx<'_>, now: Time) -> Step {
        if !std::mem::take(&mut self.dirty) {
            return Step::Done;
        }
        self.planned = now;
        let mut decisions = plan(&self.view, cx.policy, now);
        if cx.sabotage == Some(Sabotage::ForgetsDraining) {
            decisions.extend(self.forget_draining());
        }
        for decision in &decisions {
            if let Some(trace) = &mut cx.trace {
                trace.push(format!(
                    "{:>6} decided {:?}: {}",
                    cx.real, decision.action, decision.cause
                ));
            }
            let is_durable = !matches!(decision.action, Action::MarkSuspect { .. });
            if is_durable {
                let fault = WriteFault::at_random(cx);
                if !fault.is_lost() && cx.store.decide(self.term, decision, now).is_err() {
                    return Step::Crashed;
                }
                if let Step::Crashed = self.after(fault, cx, now) {
                    return Step::Crashed;
                }
                if fault.is_unknown() {
                    break;
                }
            }
            self.view.apply(decision, now);
        }
        cx.violations.extend(invariants::check_view(&self.view));
        if cx.sabotage.is_none() && cx.rng.permille(100) && !self.dirty {
            cx.violations
                .extend(invariants::check_fixpoint(&self.view, cx.policy, now).err());
        }
        self.send_sets(cx);
        Step::Done
    }

    /// After a write of unknown outcome: what is durable is loaded anew, and the leases are known still.
    fn reload(&mut self, cx: &mut Ctx<'_>, now: Time) {
        let mut view = cx.store.load(now);
        view.keep_memory(&self.view, now);
        self.view = view;
        self.dirty = true;
    }

    fn send_sets(&mut self, cx: &mut Ctx<'_>) {
        let mut duties = self.view.duties();
        for (id, (incarnation, link)) in &self.sessions {
            if self
                .view
                .workers
                .get(id)
                .is_none_or(|w| w.incarnation != *incarnation)
            {
                continue;
            }
            let wanted = duties.remove(id).unwrap_or_default();
            if self.sets.get(id).is_some_and(|(_, sent)| *sent == wanted) {
                continue;
            }
            self.number += 1;
            self.sets.insert(id.clone(), (self.number, wanted.clone()));
            let generation = Generation {
                term: self.term,
                number: self.number,
            };
            cx.out.push((*link, Down::Set(generation, wanted)));
        }
    }

    /// Sabotage: what drains counts as gone.
    fn forget_draining(&self) -> Vec<Decision> {
        let draining = self
            .view
            .assignments()
            .filter(|(_, a)| a.state == AssignmentState::Draining);
        draining
            .map(|(shard, a)| {
                let assignment = AssignmentId {
                    shard: shard.clone(),
                    epoch: a.epoch,
                };
                Decision::new(
                    Action::Release {
                        assignment,
                        suspicious: false,
                    },
                    "forgotten",
                )
            })
            .collect()
    }
}
