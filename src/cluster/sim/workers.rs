//! What the workers of a world do.

use super::{
    events::{Dialled, Event, ToWorker},
    message::{Down, Link, Up},
    options::Sabotage,
    world::{PATIENCE_MS, WRITE_MS, World},
};
use crate::cluster::{AssignmentState, FailureKind, Time};
use crate::ids::{Epoch, Incarnation, ShardId, WorkerId};

impl World<'_> {
    pub(super) fn worker(&mut self, w: usize, what: ToWorker) {
        let now = self.workers[w].clock.at(self.real);
        let id = self.workers[w].id.clone();
        let single = self.options.coordinators == 1;
        let Some(process) = self.workers[w].process.as_mut() else {
            return;
        };
        match what {
            ToWorker::Dial => {
                if process.link.is_none() {
                    self.dial(w, now);
                }
            }
            ToWorker::Dialled(c, attempted, outcome) => match outcome {
                Dialled::Connected(link) => {
                    process.link = Some(link);
                    process.answered = now;
                    let hello = self.workers[w]
                        .process
                        .as_ref()
                        .map(|p| self.workers[w].hello(p));
                    self.send_up(w, link, Up::Register(hello.expect("it lives")));
                }
                Dialled::Refused if single => {
                    process.lease.refused(attempted, now);
                    self.dial_again(w, c);
                }
                _ => self.dial_again(w, c),
            },
            ToWorker::Beat => {
                if let Some(link) = process.link {
                    if now.since(process.answered) > PATIENCE_MS {
                        process.link = None;
                        self.session_ends(w, link);
                        self.dial_again(w, link.coordinator);
                    } else {
                        // Busy and idle by turns; in between at the end, so that all comes to rest.
                        let backlog = match (self.healed, self.real / 2_000 % 2) {
                            (true, _) => 5,
                            (false, 0) => 20,
                            (false, _) => 0,
                        };
                        let beat = process.heartbeat(&id, backlog);
                        if process.leaving && process.is_empty() {
                            let incarnation = process.incarnation;
                            self.send_up(w, link, Up::Goodbye(id, incarnation));
                            self.kill_worker(w);
                            return;
                        }
                        self.send_up(w, link, Up::Beat(beat, now));
                    }
                }
                let next = self.policy.heartbeat_ms;
                self.tell(w, next, ToWorker::Beat);
            }
            ToWorker::Message(link, message) => {
                if process.link == Some(link) {
                    self.hear(w, link, message, now);
                }
            }
            ToWorker::LinkLost(link) => {
                if process.link == Some(link) {
                    process.link = None;
                    self.dial_again(w, link.coordinator);
                }
            }
            ToWorker::Started(epoch) => {
                let fails = !self.healed && self.options.random && self.rng.permille(40);
                if let Some(run) = process
                    .runs
                    .get_mut(&epoch)
                    .filter(|r| r.state == AssignmentState::Starting)
                {
                    if fails {
                        run.state = AssignmentState::Failed;
                        run.failure = Some(FailureKind::Transient);
                    } else {
                        run.state = AssignmentState::Running;
                        self.tell(w, 1, ToWorker::Act(epoch));
                    }
                    self.tell(w, 1, ToWorker::Beat);
                }
            }
            ToWorker::Finished(epoch) => {
                let real = self.real;
                if let Some(run) = process
                    .runs
                    .get_mut(&epoch)
                    .filter(|r| r.state == AssignmentState::Draining)
                {
                    if run.writing_until >= real {
                        let left = run.writing_until - real + 1;
                        self.tell(w, left, ToWorker::Finished(epoch));
                    } else {
                        run.state = AssignmentState::Stopped;
                        self.tell(w, 1, ToWorker::Beat);
                    }
                }
            }
            ToWorker::Act(epoch) => self.act(w, epoch, now),
            ToWorker::Stop => {
                process.leaving = true;
            }
        }
    }

    pub(super) fn dial(&mut self, w: usize, now: Time) {
        let c = self.targets[w];
        let is_cut = self.cut_up[w] > self.real || self.cut_down[w] > self.real;
        let (delay, outcome) = if is_cut {
            (PATIENCE_MS, Dialled::TimedOut)
        } else if !self.coordinators[c].alive {
            (self.rng.range(1, 5), Dialled::Refused)
        } else if self.stopped_coordinators[c] > self.real {
            (PATIENCE_MS, Dialled::TimedOut)
        } else if self.coordinators[c].lead.is_none() {
            (self.rng.range(1, 5), Dialled::NotLeading)
        } else {
            self.sessions += 1;
            let link = Link {
                worker: w,
                coordinator: c,
                life: self.coordinators[c].life,
                session: self.sessions,
            };
            (self.rng.range(1, 5), Dialled::Connected(link))
        };
        self.tell(w, delay, ToWorker::Dialled(c, now, outcome));
    }

    pub(super) fn dial_again(&mut self, w: usize, c: usize) {
        self.targets[w] = (c + 1) % self.coordinators.len();
        let pause = self.rng.range(50, 300);
        self.tell(w, pause, ToWorker::Dial);
    }

    pub(super) fn hear(&mut self, w: usize, link: Link, message: Down, now: Time) {
        let process = self.workers[w]
            .process
            .as_mut()
            .expect("only those that live hear");
        let mut begun = None;
        match message {
            Down::Welcome => self.tell(w, 0, ToWorker::Beat),
            Down::Answer(sent, generation, duties) => {
                process.answered = now;
                // The set first: a new lease is for what the new set gives.
                begun = Some(process.take_in(generation, &duties));
                process.lease.answered(sent);
            }
            Down::Set(generation, duties) => begun = Some(process.take_in(generation, &duties)),
            Down::Exit => self.kill_worker_and_restart(w),
            Down::Unknown => {
                process.link = None;
                self.session_ends(w, link);
                self.dial_again(w, link.coordinator);
            }
        }
        let Some(begun) = begun else { return };
        for epoch in begun.starts {
            let takes = self.rng.range(2, 150);
            self.tell(w, takes, ToWorker::Started(epoch));
        }
        for epoch in begun.drains {
            let takes = self.rng.range(1, 300);
            self.tell(w, takes, ToWorker::Finished(epoch));
        }
    }

    pub(super) fn kill_worker_and_restart(&mut self, w: usize) {
        self.kill_worker(w);
        if w >= self.options.workers {
            return;
        }
        let later = self.rng.range(50, 500);
        self.queue.put(self.real + later, Event::StartWorker(w));
    }

    /// A stream writes: the lease is asked immediately before.
    pub(super) fn act(&mut self, w: usize, epoch: Epoch, now: Time) {
        let id = self.workers[w].id.clone();
        let Some(process) = self.workers[w].process.as_mut() else {
            return;
        };
        let incarnation = process.incarnation;
        let Some(run) = process.runs.get_mut(&epoch) else {
            return;
        };
        let may = process.lease.may_act(now)
            || run.goes_on
            || self.options.sabotage == Some(Sabotage::NoLeaseCheck);
        if !matches!(
            run.state,
            AssignmentState::Running | AssignmentState::Draining
        ) {
            return;
        }
        if may {
            let takes = self.rng.range(0, WRITE_MS);
            run.writing_until = run.writing_until.max(self.real + takes);
            let land = Event::Land(id, incarnation, run.shard.clone(), epoch);
            self.queue.put(self.real + takes, land);
        }
        let next = self.rng.range(40, 120);
        self.tell(w, next, ToWorker::Act(epoch));
    }

    pub(super) fn land(
        &mut self,
        worker: &WorkerId,
        incarnation: Incarnation,
        shard: ShardId,
        epoch: Epoch,
    ) {
        // What a process that has died had under way is gone.
        let mut alive = self.workers.iter().filter_map(|w| w.process.as_ref());
        if !alive.any(|process| process.incarnation == incarnation) {
            return;
        }
        self.outcome.writes += 1;
        if !self.may_overlap.contains(&shard.stream) {
            let judged = self.sink.write(&shard, epoch, worker, incarnation);
            self.outcome.violations.extend(judged.err());
        }
        let last = self
            .last_write
            .insert(shard, self.real)
            .unwrap_or(self.real);
        self.outcome.longest_gap_ms = self.outcome.longest_gap_ms.max(self.real - last);
    }
}
