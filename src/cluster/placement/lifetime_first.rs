//! `lifetime_first`: fill the worker that is nearest to its lifetime limit, so that limits are reached one by one and not all at once.
//!
//! For short-lived shards. First come workers that stay under their limit by the safety margin, the most used first and the less
//! loaded of equals; then those within the margin, the least used first, so that the last ones to be recycled share what is
//! left; a worker at its limit comes last.

use super::{Balance, Score, Strategy};
use crate::cluster::board::Seat;

pub(super) static STRATEGY: Strategy = Strategy {
    name: "lifetime_first",
    summary: "the worker nearest to its lifetime limit, so that workers are recycled one after another; never moves for balance",
    score: Score::OfSeat(score),
    balance: Balance::Stay,
};

/// The share of its limit that a worker keeps free as a margin: a tenth, at least one assignment.
const MARGIN_DIVISOR: u64 = 10;

/// Bits of the score: 2 for the tier, 38 for the use, 24 for the load.
const MAX_USE: u64 = (1 << 38) - 1;
const MAX_LOAD: u64 = (1 << 24) - 1;

fn score(seat: &Seat<'_>) -> u64 {
    let used = seat.assigned;
    let (tier, rank) = match seat.worker.limits.max_assignments {
        Some(limit) if used >= limit => (2, used),
        Some(limit) if used + (limit / MARGIN_DIVISOR).max(1) >= limit => (1, used),
        _ => (0, MAX_USE - used.min(MAX_USE)),
    };
    (tier << 62) | (rank.min(MAX_USE) << 24) | u64::from(seat.load()).min(MAX_LOAD)
}
