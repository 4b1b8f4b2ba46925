//! `least_loaded`: the worker with the fewest assignments.
//!
//! On uniform load a worker that leaves moves exactly its own shards, and one that joins floor(S / (N + 1)).

use super::{Balance, Score, Strategy};

pub(super) static STRATEGY: Strategy = Strategy {
    name: "least_loaded",
    summary: "the worker with the fewest assignments; moves as few as make the counts even",
    score: Score::OfSeat(|seat| u64::from(seat.load())),
    balance: Balance::Level { share: |_| 1 },
};
