//! What the coordinators of a world do.

use super::{
    coordinator::{Ctx, Lead, Step},
    events::{Event, ToCoordinator, ToWorker},
    options::Sabotage,
    world::{LEADERSHIP_MS, RENEW_MS, World},
};
use crate::cluster::Time;
use crate::ids::Incarnation;

impl World<'_> {
    pub(super) fn coordinator(&mut self, c: usize, what: ToCoordinator) {
        if let ToCoordinator::Lead = what {
            self.lead(c);
            return;
        }
        if let ToCoordinator::Probe(w, incarnation) = what {
            self.probe(c, w, incarnation);
            return;
        }
        let real = self.real;
        let now = self.coordinators[c].clock.at(real);
        let goes_on = self.options.sabotage == Some(Sabotage::DeposedLeads);
        let Some(lead) = self.coordinators[c].lead.take() else {
            return;
        };
        if now >= lead.until && !goes_on {
            self.note(|| format!("c{} leads no more", c + 1));
            self.end_sessions_of(c);
            return;
        }
        let broken = match &what {
            ToCoordinator::Broke(id, link) => Some((id.clone(), *link)),
            _ => None,
        };
        let incarnation = broken.as_ref().and_then(|(id, link)| {
            let (incarnation, l) = lead.sessions.get(id)?;
            (l == link).then_some(*incarnation)
        });
        let write_faults = if self.healed || !self.options.random {
            0
        } else {
            8
        };
        self.step(c, lead, write_faults, |lead, cx| match what {
            ToCoordinator::Message(link, message) => lead.hear(cx, link, message, now),
            ToCoordinator::Broke(id, link) => lead.broke(cx, &id, link, now),
            ToCoordinator::Refused(id, incarnation) => lead.refused(cx, &id, incarnation, now),
            ToCoordinator::Wake(at) if lead.wakes_at == at => lead.wake(cx, now),
            ToCoordinator::Wake(_) => Step::Done,
            ToCoordinator::Lead | ToCoordinator::Probe(..) => Step::Done,
        });
        if let (Some((_, link)), Some(incarnation)) = (broken, incarnation) {
            let delay = self.rng.range(1, 10);
            self.ask(c, delay, ToCoordinator::Probe(link.worker, incarnation));
        }
    }

    /// Lets the leading coordinator do something, and sends what it says.
    pub(super) fn step(
        &mut self,
        c: usize,
        mut lead: Lead,
        write_faults: u64,
        does: impl FnOnce(&mut Lead, &mut Ctx<'_>) -> Step,
    ) {
        let mut trace = Vec::new();
        let mut cx = Ctx {
            store: &mut self.store,
            rng: &mut self.rng,
            policy: &self.policy,
            sabotage: self.options.sabotage,
            write_faults,
            out: Vec::new(),
            violations: Vec::new(),
            trace: self.options.trace.then_some(&mut trace),
            real: self.real,
        };
        let step = does(&mut lead, &mut cx);
        let (out, violations) = (cx.out, cx.violations);
        self.outcome.trace.extend(trace);
        self.outcome.violations.extend(violations);
        match step {
            Step::Done => {
                for (link, message) in out {
                    self.send_down(link, message);
                }
                let clock = self.coordinators[c].clock;
                if let Some(next) = lead.deadline(&self.policy) {
                    let at = clock.real_of(next).max(self.real + 1);
                    if lead.wakes_at != at {
                        lead.wakes_at = at;
                        self.ask(c, at - self.real, ToCoordinator::Wake(at));
                    }
                }
                self.coordinators[c].lead = Some(lead);
            }
            Step::Crashed => {
                self.kill_coordinator(c);
                let later = self.rng.range(50, 1_500);
                self.queue
                    .put(self.real + later, Event::StartCoordinator(c));
            }
        }
    }

    pub(super) fn lead(&mut self, c: usize) {
        let single = self.options.coordinators == 1;
        let now = self.coordinators[c].clock.at(self.real);
        let held = self.coordinators[c].lead.as_ref().map(|lead| lead.term);
        let ttl = if single { u64::MAX / 4 } else { LEADERSHIP_MS };
        let until = match single {
            true => Time(u64::MAX),
            // By its own clock, which may be slower than the database's.
            false => now.plus(LEADERSHIP_MS * 9 / 10),
        };
        let granted = match self.cut_store[c] > self.real {
            true => None,
            false => self.store.lead(c, held, self.real, ttl),
        };
        match (granted, &mut self.coordinators[c].lead) {
            (Some(_), Some(lead)) => lead.until = until,
            (Some(term), none) => {
                *none = Some(Lead::begin(
                    &self.store,
                    term,
                    now,
                    until,
                    self.options.sabotage,
                ));
                self.note(|| format!("c{} leads, term {term}", c + 1));
                self.ask(c, 0, ToCoordinator::Wake(0));
            }
            (None, Some(lead))
                if now >= lead.until && self.options.sabotage != Some(Sabotage::DeposedLeads) =>
            {
                self.coordinators[c].lead = None;
                self.note(|| format!("c{} leads no more", c + 1));
                self.end_sessions_of(c);
            }
            (None, _) => {}
        }
        if !single {
            let pause = self.rng.range(RENEW_MS - 100, RENEW_MS + 100);
            self.ask(c, pause, ToCoordinator::Lead);
        }
    }

    /// The workers of a coordinator that has ended or leads no more learn of it, where their way down is not cut.
    pub(super) fn end_sessions_of(&mut self, c: usize) {
        let life = self.coordinators[c].life;
        for w in 0..self.workers.len() {
            let link = self.workers[w].process.as_ref().and_then(|p| p.link);
            if let Some(link) = link.filter(|l| l.coordinator == c && l.life == life)
                && self.cut_down[w] <= self.real
            {
                let delay = self.delay();
                self.tell(w, delay, ToWorker::LinkLost(link));
            }
        }
    }

    /// Dials the port of a worker whose session broke: if that is refused, no process holds it.
    pub(super) fn probe(&mut self, c: usize, w: usize, incarnation: Incarnation) {
        let is_cut = self.cut_up[w] > self.real || self.cut_down[w] > self.real;
        if !is_cut && self.workers[w].process.is_none() {
            let id = self.workers[w].id.clone();
            let delay = self.rng.range(1, 5);
            self.ask(c, delay, ToCoordinator::Refused(id, incarnation));
        }
    }
}
