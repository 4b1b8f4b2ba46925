//! What a decision changes in the view. The store makes the same change durable first.

use super::{
    Action, Assignment, AssignmentState, Decision, Drain, DrainCause, Presence, Shard, Standing,
    Time, View, Worker, assignment::Death,
};
use crate::ids::{AssignmentId, WorkerId};

/// Deaths that are remembered of a shard.
const MAX_DEATHS: usize = 16;

/// After so long without a move for balance, the pauses between rounds begin small again, in milliseconds.
const QUIET_MS: u64 = 30_000;

impl View {
    /// Carries out one decision. A decision about something that is not there (any more) changes nothing.
    pub fn apply(&mut self, decision: &Decision, now: Time) {
        let cause = &decision.cause;
        match &decision.action {
            Action::MarkSuspect { worker } => {
                self.set_presence(worker, Presence::Suspect, cause, now);
            }
            Action::MarkLost { worker } => {
                self.set_presence(worker, Presence::Lost, cause, now);
            }
            Action::Forget { worker } => {
                self.workers.remove(worker);
            }
            Action::Recycle { worker } => {
                if let Some(worker) = self.workers.get_mut(worker) {
                    worker.drain = Some(Drain {
                        cause: DrainCause::Recycle,
                        reason: cause.clone(),
                        since: now,
                    });
                }
            }
            Action::Assign {
                shard,
                worker,
                incarnation,
                revision,
            } => {
                self.epoch = self.epoch.next();
                let assignment = Assignment {
                    epoch: self.epoch,
                    worker: worker.clone(),
                    incarnation: *incarnation,
                    revision: *revision,
                    state: AssignmentState::Pending,
                    reason: cause.clone(),
                    since: now,
                    running_since: None,
                    drain_until: None,
                    destination: None,
                    failure: None,
                    backlog: None,
                };
                let shard = self.shards.entry(shard.clone()).or_default();
                let left = shard.current().map(|current| current.worker.clone());
                set_standing(shard, Standing::Ready, cause, now);
                shard.destination = None;
                shard.assignments.push(assignment);
                if let Some(worker) = self.workers.get_mut(worker) {
                    worker.assigned += 1;
                    worker.last_assigned = self.epoch;
                }
                // A second copy beside one that need not leave its worker is a move for balance.
                if left.is_some_and(|id| self.workers.get(&id).is_some_and(Worker::is_open)) {
                    self.begin_round(now);
                }
            }
            Action::Drain {
                assignment,
                until,
                destination,
            } => {
                let Some(found) = self.assignment_mut(assignment) else {
                    return;
                };
                found.state = AssignmentState::Draining;
                found.drain_until = Some(*until);
                found.destination.clone_from(destination);
                found.reason.clone_from(cause);
                found.since = now;
                if found.is_move() {
                    self.begin_round(now);
                }
            }
            Action::Release {
                assignment,
                suspicious,
            } => {
                let Some((shard, ended)) = self.take(assignment) else {
                    return;
                };
                if !*suspicious {
                    shard.deaths.clear();
                } else if shard.deaths.iter().all(|d| d.worker != ended.worker) {
                    shard.deaths.push(Death {
                        worker: ended.worker,
                        incarnation: ended.incarnation,
                        at: now,
                    });
                    if shard.deaths.len() > MAX_DEATHS {
                        shard.deaths.remove(0);
                    }
                }
                shard.destination = ended.destination;
                set_standing(shard, shard.standing, cause, now);
            }
            Action::Retry {
                assignment,
                until,
                attempts,
            } => {
                if let Some((shard, _)) = self.take(assignment) {
                    shard.attempts = *attempts;
                    set_standing(shard, Standing::BackOff { until: *until }, cause, now);
                }
            }
            Action::Fail { assignment } => {
                if let Some((shard, ended)) = self.take(assignment) {
                    let revision = ended.revision;
                    set_standing(shard, Standing::Failed { revision }, cause, now);
                }
            }
            Action::Complete { assignment } => {
                if let Some((shard, ended)) = self.take(assignment) {
                    let revision = ended.revision;
                    shard.attempts = 0;
                    set_standing(shard, Standing::Completed { revision }, cause, now);
                }
            }
            Action::Quarantine {
                shard,
                revision,
                until,
            } => {
                if let Some(shard) = self.shards.get_mut(shard) {
                    shard.deaths.clear();
                    let standing = Standing::Quarantined {
                        revision: *revision,
                        until: *until,
                    };
                    set_standing(shard, standing, cause, now);
                }
            }
            Action::Remove { shard } => {
                self.shards.remove(shard);
            }
            Action::Delete { stream } => {
                let ids: Vec<_> = self.shards_of(stream).map(|(id, _)| id.clone()).collect();
                for id in ids {
                    self.shards.remove(&id);
                }
                self.streams.remove(stream);
            }
        }
    }

    fn set_presence(&mut self, worker: &WorkerId, presence: Presence, cause: &str, now: Time) {
        if let Some(worker) = self.workers.get_mut(worker) {
            debug_assert!(worker.presence.can_become(presence));
            worker.presence = presence;
            worker.reason = cause.to_owned();
            worker.since = now;
        }
    }

    fn assignment_mut(&mut self, id: &AssignmentId) -> Option<&mut Assignment> {
        self.shards.get_mut(&id.shard)?.assignment_mut(id.epoch)
    }

    /// Takes an assignment out of its shard.
    fn take(&mut self, id: &AssignmentId) -> Option<(&mut Shard, Assignment)> {
        let shard = self.shards.get_mut(&id.shard)?;
        let at = shard.assignments.iter().position(|a| a.epoch == id.epoch)?;
        let taken = shard.assignments.remove(at);
        Some((shard, taken))
    }

    /// Counts a move: those of one moment are one round.
    fn begin_round(&mut self, now: Time) {
        match self.moves.last {
            Some(last) if last == now => return,
            Some(last) if now.since(last) < QUIET_MS => self.moves.rounds += 1,
            _ => self.moves.rounds = 1,
        }
        self.moves.last = Some(now);
    }
}

fn set_standing(shard: &mut Shard, standing: Standing, cause: &str, now: Time) {
    shard.standing = standing;
    shard.reason = cause.to_owned();
    shard.since = now;
}
