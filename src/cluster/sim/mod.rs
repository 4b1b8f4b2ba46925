//! A whole cluster in one thread, in no time: the real view, planner and lease, under faults, from a seed.
//!
//! What is real: everything in `cluster` that the shells use. What is played: the network (late, lost, doubled, cut), clocks
//! (each at its own speed), processes (killed, stopped, continued), the database (crash before and after a write, writes of unknown
//! outcome), and streams, which write to a sink from time to time. The sink judges ownership, as in `invariants.rs`.
//!
//! Same options and seed, same run: there is no thread, no clock and no other source of chance here.

mod chance;
mod clock;
mod coordinator;
mod coordinators;
mod events;
mod faults;
mod message;
mod network;
mod options;
mod processes;
mod rng;
mod store;
#[cfg(test)]
mod tests;
mod worker;
mod workers;
mod world;

pub use options::{Fault, Options, Sabotage, uniform};

use super::invariants::Violation;

/// What came of a run.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    pub violations: Vec<Violation>,
    /// A line for each thing that happened, if that was asked for.
    pub trace: Vec<String>,
    /// How many events were played.
    pub events: u64,
    /// How many writes reached the sink.
    pub writes: u64,
    /// The longest time that a shard of an active stream went without a write, in milliseconds.
    pub longest_gap_ms: u64,
}

/// Plays one run.
pub fn run(options: &Options, seed: u64) -> Outcome {
    world::World::new(options, seed).play()
}
