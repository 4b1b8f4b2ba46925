//! `weighted`: assignments in proportion to the workers' weights.

use super::{Balance, Score, Strategy};

pub(super) static STRATEGY: Strategy = Strategy {
    name: "weighted",
    summary: "assignments in proportion to each worker's weight; moves as few as bring that about",
    // The ratio that the worker would have with one more, in 2^-24ths.
    score: Score::OfSeat(|seat| {
        ((u64::from(seat.load()) + 1) << 24) / u64::from(seat.worker.weight)
    }),
    balance: Balance::Level {
        share: |worker| u64::from(worker.weight),
    },
};
