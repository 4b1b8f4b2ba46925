//! The network of a world: how messages get lost, late and doubled, and how ends of sessions learn of it.

use super::{
    events::{Event, ToCoordinator, ToWorker},
    message::{Down, Link, Up},
    world::World,
};

impl World<'_> {
    pub(super) fn delay(&mut self) -> u64 {
        match self.healed || !self.rng.permille(30) {
            true => self.rng.range(1, 8),
            false => self.rng.range(50, 3_500),
        }
    }

    /// Whether a message gets lost; and whether it comes twice.
    pub(super) fn luck(&mut self) -> (bool, bool) {
        if self.healed || !self.options.random {
            return (false, false);
        }
        (self.rng.permille(10), self.rng.permille(10))
    }

    pub(super) fn tell(&mut self, w: usize, delay: u64, what: ToWorker) {
        let life = self.workers[w].life;
        self.queue
            .put(self.real + delay, Event::Worker(w, life, what));
    }

    pub(super) fn ask(&mut self, c: usize, delay: u64, what: ToCoordinator) {
        let life = self.coordinators[c].life;
        self.queue
            .put(self.real + delay, Event::Coordinator(c, life, what));
    }

    pub(super) fn send_up(&mut self, w: usize, link: Link, message: Up) {
        let (lost, doubled) = self.luck();
        if lost || self.cut_up[w] > self.real {
            return;
        }
        for _ in 0..=usize::from(doubled) {
            let delay = self.delay();
            let event = ToCoordinator::Message(link, message.clone());
            self.queue.put(
                self.real + delay,
                Event::Coordinator(link.coordinator, link.life, event),
            );
        }
    }

    pub(super) fn send_down(&mut self, link: Link, message: Down) {
        let w = link.worker;
        let (lost, doubled) = self.luck();
        if lost || self.cut_down[w] > self.real {
            return;
        }
        for _ in 0..=usize::from(doubled) {
            let delay = self.delay();
            self.tell(w, delay, ToWorker::Message(link, message.clone()));
        }
    }
}
