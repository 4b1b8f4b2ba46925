//! What goes wrong in a world, and what has to be right once that is over.

use super::{
    events::{Event, ToWorker},
    options::Fault,
    world::World,
};
use crate::cluster::{
    Desired, Drain, DrainCause, Presence, Shard, Standing, Stream, Time, View,
    invariants::Violation,
};
use crate::ids::ShardId;

impl World<'_> {
    pub(super) fn fault(&mut self, fault: Fault) {
        if self.healed {
            return;
        }
        self.note(|| format!("fault {fault:?}"));
        let real = self.real;
        match fault {
            Fault::KillWorker(w, ms) => {
                self.kill_worker(w);
                self.queue.put(real + ms, Event::StartWorker(w));
            }
            Fault::StopWorker(w, ms) => {
                self.tell(w, 0, ToWorker::Stop);
                self.queue.put(real + 2_500 + ms, Event::StartWorker(w));
            }
            Fault::Twin(w) => self.start_worker(self.options.workers + w),
            Fault::PauseWorker(w, ms) => self.stopped_workers[w] = real + ms,
            Fault::KillCoordinator(c, ms) => {
                self.kill_coordinator(c);
                self.queue.put(real + ms, Event::StartCoordinator(c));
            }
            Fault::PauseCoordinator(c, ms) => self.stopped_coordinators[c] = real + ms,
            Fault::Partition {
                worker,
                up,
                down,
                ms,
            } => {
                if up {
                    self.cut_up[worker] = real + ms;
                }
                if down {
                    self.cut_down[worker] = real + ms;
                }
            }
            Fault::LoseStore(c, ms) => self.cut_store[c] = real + ms,
            Fault::Edit(n) => {
                self.edit_stream(n, |stream| stream.revision = stream.revision.next());
            }
            Fault::Toggle(n) => self.edit_stream(n, |stream| {
                stream.desired = match stream.desired {
                    Desired::Active => Desired::Paused,
                    Desired::Paused | Desired::Deleted => Desired::Active,
                };
            }),
            Fault::Scale(n, shards) => self.edit_stream(n, |stream| stream.shards = shards),
            Fault::Drain(w) => {
                let id = self.workers[w].id.clone();
                self.edit(move |view, now| {
                    if let Some(worker) = view.workers.get_mut(&id) {
                        worker.drain = match &worker.drain {
                            None => Some(Drain {
                                cause: DrainCause::Operator,
                                reason: "somebody asked for it".to_owned(),
                                since: now,
                            }),
                            Some(drain) if drain.cause == DrainCause::Operator => None,
                            Some(drain) => Some(drain.clone()),
                        };
                    }
                });
            }
        }
    }

    fn edit_stream(&mut self, n: usize, change: impl Fn(&mut Stream)) {
        let name = self.options.streams[n].name.clone();
        self.edit(|view, _| {
            if let Some(stream) = view.streams.get_mut(&name) {
                change(stream);
            }
        });
    }

    /// Somebody changes something by way of the coordinator that leads, if one does.
    pub(super) fn edit(&mut self, change: impl Fn(&mut View, Time)) {
        for c in 0..self.coordinators.len() {
            let now = self.coordinators[c].clock.at(self.real);
            let stands =
                self.stopped_coordinators[c] <= self.real && self.cut_store[c] <= self.real;
            let lead = self.coordinators[c]
                .lead
                .take_if(|lead| stands && now < lead.until);
            if let Some(lead) = lead {
                self.step(c, lead, 0, |lead, cx| {
                    lead.edit(cx, now, |view| change(view, now))
                });
                return;
            }
        }
    }

    pub(super) fn heal(&mut self) {
        self.healed = true;
        self.note(|| "everything heals".to_owned());
        for w in 0..self.workers.len() {
            self.stopped_workers[w] = self.stopped_workers[w].min(self.real);
            (self.cut_up[w], self.cut_down[w]) = (0, 0);
            match w < self.options.workers {
                true => self.queue.put(self.real + 1, Event::StartWorker(w)),
                false => self.kill_worker(w),
            }
        }
        for c in 0..self.coordinators.len() {
            self.stopped_coordinators[c] = self.stopped_coordinators[c].min(self.real);
            self.cut_store[c] = 0;
            self.queue.put(self.real + 1, Event::StartCoordinator(c));
        }
    }

    /// After the faults: every stream that should run writes, and nothing else does.
    pub(super) fn check_end(&mut self) {
        let stuck = |what: String| Violation::Stuck { what };
        let Some(lead) = self.coordinators.iter().find_map(|c| c.lead.as_ref()) else {
            self.outcome
                .violations
                .push(stuck("nobody leads".to_owned()));
            return;
        };
        let view = &lead.view;
        let has_room = |stream: &Stream| {
            view.workers.values().any(|w| {
                let has = |(key, value): (&String, &String)| w.labels.get(key) == Some(value);
                w.drain.is_none()
                    && w.presence == Presence::Active
                    && stream.requires.iter().all(has)
            })
        };
        for stream in view.streams.values() {
            let is_active = stream.desired == Desired::Active;
            for index in 0..stream.shards {
                let id = ShardId::new(stream.name.clone(), index);
                let shard = view.shards.get(&id);
                let last = self.last_write.get(&id).copied().unwrap_or_default();
                let waits =
                    shard.is_some_and(|s| matches!(s.standing, Standing::Quarantined { .. }));
                if is_active && has_room(stream) && self.real - last >= 1_500 && !waits {
                    let what = format!(
                        "{id} should run and has not written for {} ms ({})",
                        self.real - last,
                        shard.map_or_else(|| "it has no record".to_owned(), state_of)
                    );
                    self.outcome.violations.push(stuck(what));
                }
            }
            for (id, shard) in &view.shards {
                let is_wanted = is_active && id.shard.0 < stream.shards;
                if id.stream == stream.name && !is_wanted && !shard.assignments.is_empty() {
                    let what =
                        format!("{id} is not wanted and has not ended ({})", state_of(shard));
                    self.outcome.violations.push(stuck(what));
                }
            }
        }
    }
}

fn state_of(shard: &Shard) -> String {
    format!(
        "{:?}: {}, {:?}",
        shard.standing, shard.reason, shard.assignments
    )
}
