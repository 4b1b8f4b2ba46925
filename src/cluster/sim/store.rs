//! The database, as far as ownership rests on it: the durable part of the view, the epoch counter, and who leads.

use crate::cluster::{Decision, Time, View, view::Moves, worker::Lease};
use crate::ids::{Generation, Term};

/// What is durable. Every write is one transaction; one of a deposed leader is refused.
#[derive(Clone, Debug, Default)]
pub(super) struct Store {
    view: View,
    leader: Option<Leader>,
}

#[derive(Clone, Copy, Debug)]
struct Leader {
    coordinator: usize,
    /// By the database's clock, which is the real time here.
    until: u64,
}

/// A write that was refused: another coordinator leads since.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Deposed;

impl Store {
    pub(super) fn new(view: View) -> Store {
        Store { view, leader: None }
    }

    /// Becomes or stays the leader, for so long; none if another one leads. Each time the leader changes, or starts anew, the term rises.
    pub(super) fn lead(
        &mut self,
        coordinator: usize,
        renews: Option<Term>,
        real: u64,
        ttl: u64,
    ) -> Option<Term> {
        let until = real + ttl;
        match self.leader {
            Some(leader) if leader.coordinator != coordinator && leader.until > real => None,
            Some(leader) if leader.coordinator == coordinator && renews == Some(self.view.term) => {
                self.leader = Some(Leader { coordinator, until });
                Some(self.view.term)
            }
            _ if renews.is_some() => None,
            _ => {
                self.leader = Some(Leader { coordinator, until });
                self.view.term = self.view.term.next();
                Some(self.view.term)
            }
        }
    }

    /// Makes a decision durable.
    pub(super) fn decide(
        &mut self,
        term: Term,
        decision: &Decision,
        now: Time,
    ) -> Result<(), Deposed> {
        self.of(term)?.apply(decision, now);
        Ok(())
    }

    /// Makes another change durable.
    pub(super) fn write(
        &mut self,
        term: Term,
        change: impl FnOnce(&mut View),
    ) -> Result<(), Deposed> {
        change(self.of(term)?);
        Ok(())
    }

    fn of(&mut self, term: Term) -> Result<&mut View, Deposed> {
        match self.view.term == term {
            true => Ok(&mut self.view),
            false => Err(Deposed),
        }
    }

    /// What a coordinator that begins to lead at `now` knows: the durable part, and nothing of leases.
    pub(super) fn load(&self, now: Time) -> View {
        let mut view = self.view.clone();
        view.lead_since = now;
        view.moves = Moves::default();
        for worker in view.workers.values_mut() {
            worker.lease = Lease::default();
            worker.applied = Generation::default();
            worker.former.clear();
        }
        for shard in view.shards.values_mut() {
            shard.destination = None;
            for assignment in &mut shard.assignments {
                assignment.destination = None;
            }
        }
        view
    }

    /// Sabotage: forgets how far epochs had been counted, beyond what assignments still show.
    pub(super) fn forget_epochs(&mut self) {
        let shown = self.view.assignments().map(|(_, a)| a.epoch).max();
        self.view.epoch = shown.unwrap_or_default();
    }
}
