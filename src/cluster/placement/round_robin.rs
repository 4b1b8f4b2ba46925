//! `round_robin`: the worker whose last turn is longest ago.

use super::{Balance, Score, Strategy};

pub(super) static STRATEGY: Strategy = Strategy {
    name: "round_robin",
    summary: "workers take turns; moves as few as make the counts even",
    score: Score::OfSeat(|seat| seat.turn),
    balance: Balance::Level { share: |_| 1 },
};
