//! What can happen, and when.

use std::{cmp::Ordering, collections::BinaryHeap};

use super::{
    message::{Down, Link, Up},
    options::Fault,
};
use crate::cluster::Time;
use crate::ids::{Epoch, Incarnation, ShardId, WorkerId};

/// Something that happens to a life of a process (a number that counts its starts), or to the world.
#[derive(Clone, Debug)]
pub(super) enum Event {
    Worker(usize, u64, ToWorker),
    Coordinator(usize, u64, ToCoordinator),
    /// A write reaches the sink.
    Land(WorkerId, Incarnation, ShardId, Epoch),
    StartWorker(usize),
    StartCoordinator(usize),
    Fault(Fault),
    Heal,
    End,
}

#[derive(Clone, Debug)]
pub(super) enum ToWorker {
    Dial,
    /// Which coordinator was dialled, when by the own clock, and what came of it.
    Dialled(usize, Time, Dialled),
    Beat,
    Message(Link, Down),
    LinkLost(Link),
    Started(Epoch),
    Finished(Epoch),
    Act(Epoch),
    /// SIGTERM.
    Stop,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Dialled {
    Refused,
    TimedOut,
    /// It is there and doesn't lead.
    NotLeading,
    Connected(Link),
}

#[derive(Clone, Debug)]
pub(super) enum ToCoordinator {
    /// It tries to lead, or to go on leading.
    Lead,
    Message(Link, Up),
    Broke(WorkerId, Link),
    /// A worker whose session broke is probed.
    Probe(usize, Incarnation),
    Refused(WorkerId, Incarnation),
    /// The deadline that was set for this real time.
    Wake(u64),
}

/// Events by time, and in the order in which they were put in.
#[derive(Debug, Default)]
pub(super) struct Queue {
    heap: BinaryHeap<Entry>,
    count: u64,
}

#[derive(Debug)]
struct Entry {
    at: u64,
    order: u64,
    event: Event,
}

impl Queue {
    pub(super) fn put(&mut self, at: u64, event: Event) {
        self.count += 1;
        let order = self.count;
        self.heap.push(Entry { at, order, event });
    }

    pub(super) fn take(&mut self) -> Option<(u64, Event)> {
        self.heap.pop().map(|entry| (entry.at, entry.event))
    }
}

impl Ord for Entry {
    fn cmp(&self, other: &Entry) -> Ordering {
        (other.at, other.order).cmp(&(self.at, self.order))
    }
}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Entry) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Entry {
    fn eq(&self, other: &Entry) -> bool {
        self.order == other.order
    }
}

impl Eq for Entry {}
