//! What workers and coordinators say to each other, and the ways on which that goes wrong.

use crate::cluster::{Duty, Heartbeat, Hello, Time};
use crate::ids::{Generation, Incarnation, WorkerId};

/// A session of a worker with a coordinator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Link {
    /// Which worker, by its place in the world: not by its id, which another one may have too.
    pub(super) worker: usize,
    pub(super) coordinator: usize,
    /// Which life of the coordinator.
    pub(super) life: u64,
    /// Counts all sessions there ever were.
    pub(super) session: u64,
}

/// From a worker.
#[derive(Clone, Debug)]
pub(super) enum Up {
    Register(Hello),
    /// With the time at which it was sent, by the worker's clock.
    Beat(Heartbeat, Time),
    Goodbye(WorkerId, Incarnation),
}

/// To a worker.
#[derive(Clone, Debug)]
pub(super) enum Down {
    Welcome,
    /// The answer to the heartbeat that was sent at this time, with the desired set.
    Answer(Time, Generation, Vec<Duty>),
    /// A desired set that nobody asked for: it changed.
    Set(Generation, Vec<Duty>),
    /// Somebody else has the worker's id, or it said goodbye.
    Exit,
    /// It must register first, or with another coordinator.
    Unknown,
}
