//! What the coordinator says: answers renew the lease, desired sets start and stop streams.

use std::collections::BTreeMap;

use super::{
    agent::{Agent, Next},
    slot::{Goal, Slot},
};
use crate::{
    cluster::{OnPartition, Time, history::Event as Recorded},
    engine::boottime_ms,
    ids::{AssignmentId, Epoch, Generation, ShardId, StreamName, Term},
    proto::{self, down::Order},
};

impl Agent {
    /// The coordinator says something.
    pub(super) fn down(&mut self, down: proto::Down, now: Time) -> Next {
        match down.order {
            Some(Order::Superseded(reason)) => return Next::Fail(reason),
            Some(Order::Recycle(reason)) if self.slots.is_empty() => {
                tracing::info!("exits to be started anew: {reason}");
                return Next::Leave;
            }
            Some(Order::Register(_)) => {
                if let Some(session) = self.session.take() {
                    session.cancel.cancel();
                    self.alone_since = now;
                }
                return Next::Turn;
            }
            Some(Order::Recycle(_) | Order::Redirect(_)) | None => {}
        }
        let generation = down
            .generation
            .map_or_else(Generation::default, |g| Generation {
                term: Term(g.term),
                number: g.number,
            });
        if let Some(number) = down.answers {
            self.answered(number, now);
        }
        if let Some(duties) = down.duties
            && generation >= self.applied
        {
            if self.take_in(duties, now) {
                self.applied = generation;
            }
            self.report_soon(now);
        }
        // Only under the newest set, and only under a lease.
        if generation == self.applied && self.lease.may_act(now) {
            self.start_idle();
        }
        Next::Turn
    }

    fn answered(&mut self, number: u64, now: Time) {
        let Some(session) = &mut self.session else {
            return;
        };
        session.heard = now;
        while let Some((sent_number, sent)) = session.sent.front().copied() {
            if sent_number > number {
                break;
            }
            session.sent.pop_front();
            if sent_number == number {
                self.lease.answered(sent);
            }
        }
        self.renew_fences();
    }

    pub(super) fn renew_fences(&mut self) {
        if let Some(ends) = self.lease.ends() {
            let now = Time(boottime_ms());
            self.shared
                .history
                .note(now, || Recorded::Lease { until: ends });
            for slot in self.slots.values() {
                slot.renew(ends);
            }
        }
    }

    /// If the lease is over, stops what may not go on; before anything can renew it.
    pub(super) fn lapse_if_over(&mut self, now: Time) {
        if self.lease.ends().is_none() || self.lease.may_act(now) {
            return;
        }
        let mut lapsed = 0;
        for slot in self.slots.values_mut() {
            let ran = slot.run.as_ref().map(|run| run.number);
            slot.lapse();
            if let (Some(run), None) = (ran, &slot.run) {
                self.routes.remove(&slot.id, run);
                lapsed += 1;
            }
        }
        if lapsed > 0 {
            tracing::warn!("the lease is over: {lapsed} streams were stopped");
        }
        self.lease.revoke();
    }

    /// Takes in a desired set; whether all of it could be.
    fn take_in(&mut self, set: proto::Duties, now: Time) -> bool {
        let mut is_whole = true;
        let mut wanted: BTreeMap<AssignmentId, proto::Duty> = BTreeMap::new();
        for duty in set.duties {
            match duty.assignment.as_ref().and_then(identity) {
                Some(id) => drop(wanted.insert(id, duty)),
                None => is_whole = false,
            }
        }
        self.slots.retain(|id, slot| {
            let stays = wanted.contains_key(id);
            if !stays {
                if let Some(run) = &slot.run {
                    tracing::info!(assignment = %id, "is no longer wanted here, stopped at once");
                    self.routes.remove(id, run.number);
                }
                slot.abort();
            }
            stays
        });
        for (id, duty) in wanted {
            let until = duty.drain_ms.map(|left_ms| now.plus(left_ms));
            if let Some(slot) = self.slots.get_mut(&id) {
                if let (Some(until), Goal::Run) = (until, slot.goal) {
                    slot.drain(until, &self.routes);
                }
                continue;
            }
            let slot = match (until, duty.definition) {
                (Some(_), _) => Slot::ended(id.clone(), "it had not begun here"),
                (None, Some(definition)) => {
                    let on_partition = duty.on_partition.parse().unwrap_or(OnPartition::Stop);
                    Slot::new(id.clone(), duty.shards, on_partition, definition)
                }
                (None, None) => {
                    is_whole = false;
                    continue;
                }
            };
            self.slots.insert(id, slot);
        }
        is_whole
    }

    fn start_idle(&mut self) {
        let Some(ends) = self.lease.ends() else {
            return;
        };
        for slot in self.slots.values_mut().filter(|slot| slot.is_idle()) {
            tracing::info!(assignment = %slot.id, "starts");
            slot.start(&self.shared, ends);
        }
    }
}

fn identity(assignment: &proto::Assignment) -> Option<AssignmentId> {
    Some(AssignmentId {
        shard: ShardId::new(StreamName::new(&assignment.stream).ok()?, assignment.shard),
        epoch: Epoch(assignment.epoch),
    })
}
