//! How the processes of a world start and end.

use super::{
    events::{Event, ToCoordinator, ToWorker},
    message::Link,
    options::Sabotage,
    world::World,
};

impl World<'_> {
    pub(super) fn start_worker(&mut self, w: usize) {
        if self.workers[w].process.is_some() {
            return;
        }
        let single = self.options.coordinators == 1;
        self.workers[w].start(self.real, self.policy.lease_ms, single);
        self.stopped_workers[w] = 0;
        self.note(|| format!("w{} starts", w + 1));
        self.tell(w, 0, ToWorker::Dial);
        let first = self.rng.range(1, self.policy.heartbeat_ms);
        self.tell(w, first, ToWorker::Beat);
    }

    pub(super) fn start_coordinator(&mut self, c: usize) {
        let coordinator = &mut self.coordinators[c];
        if coordinator.alive {
            return;
        }
        coordinator.alive = true;
        coordinator.life += 1;
        self.stopped_coordinators[c] = 0;
        self.note(|| format!("c{} starts", c + 1));
        let first = self.rng.range(1, 30);
        self.ask(c, first, ToCoordinator::Lead);
    }

    pub(super) fn kill_worker(&mut self, w: usize) {
        let Some(process) = self.workers[w].process.take() else {
            return;
        };
        self.note(|| format!("w{} is gone", w + 1));
        if let Some(link) = process.link {
            self.session_ends(w, link);
        }
    }

    /// The other end of a session learns that it broke, unless the way is cut.
    pub(super) fn session_ends(&mut self, w: usize, link: Link) {
        if self.cut_up[w] > self.real {
            return;
        }
        let id = self.workers[w].id.clone();
        let delay = self.delay();
        let event = Event::Coordinator(link.coordinator, link.life, ToCoordinator::Broke(id, link));
        self.queue.put(self.real + delay, event);
    }

    pub(super) fn kill_coordinator(&mut self, c: usize) {
        let coordinator = &mut self.coordinators[c];
        if !std::mem::replace(&mut coordinator.alive, false) {
            return;
        }
        coordinator.lead = None;
        self.note(|| format!("c{} is gone", c + 1));
        if self.options.sabotage == Some(Sabotage::EpochNotDurable) {
            self.store.forget_epochs();
        }
        self.end_sessions_of(c);
    }
}
