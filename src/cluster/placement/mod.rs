//! The strategies: given the workers that may take a shard, which one does?
//!
//! A strategy is one file here and its two lines below. It gives each candidate a score, and the lowest wins; what comes first for
//! every strategy (room, required labels, shards of one stream apart, preferred labels) is not its business, nor is the last
//! word on equal scores, which is the worker's id.

mod consistent_hash;
mod least_loaded;
mod lifetime_first;
mod round_robin;
mod weighted;

use super::{Worker, board::Seat};

/// Every strategy there is.
pub static STRATEGIES: &[&Strategy] = &[
    &least_loaded::STRATEGY,
    &round_robin::STRATEGY,
    &weighted::STRATEGY,
    &consistent_hash::STRATEGY,
    &lifetime_first::STRATEGY,
];

pub struct Strategy {
    pub name: &'static str,
    /// One sentence for the docs.
    pub summary: &'static str,
    pub(super) score: Score,
    pub(super) balance: Balance,
}

/// How a candidate is scored; the lowest score wins.
pub(super) enum Score {
    /// The same for every shard: computed anew only for the worker that was given something.
    OfSeat(fn(&Seat<'_>) -> u64),
    /// From the hashes of the worker and of the shard.
    OfPair(fn(u64, u64) -> u64),
}

/// When a running shard is moved although it could stay.
pub(super) enum Balance {
    /// When that makes the highest ratio of assignments to share lower.
    Level { share: fn(&Worker) -> u64 },
    /// When another worker has a better score for it.
    Home,
    /// Never.
    Stay,
}

/// The strategy of this name.
pub fn strategy(name: &str) -> Result<&'static Strategy, UnknownStrategy> {
    STRATEGIES
        .iter()
        .copied()
        .find(|strategy| strategy.name == name)
        .ok_or_else(|| UnknownStrategy(name.to_owned()))
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown placement strategy `{0}` (known: {known})", known = STRATEGIES.iter().map(|s| s.name).collect::<Vec<_>>().join(", "))]
pub struct UnknownStrategy(String);

/// A well-mixed function of a number: the finalizer of splitmix64.
pub(super) fn mix(mut x: u64) -> u64 {
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

/// A text's hash, the same in every build and on every machine (FNV-1a, then mixed).
pub(super) fn hash(text: &str) -> u64 {
    let fnv = text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    mix(fnv)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strategies_are_found_by_name_and_a_wrong_name_lists_them() {
        for known in STRATEGIES {
            assert!(std::ptr::eq(
                strategy(known.name).expect("a known name"),
                *known
            ));
        }
        let error = strategy("leest").err().expect("an error").to_string();
        assert_eq!(
            error,
            "unknown placement strategy `leest` (known: least_loaded, round_robin, weighted, consistent_hash, lifetime_first)"
        );
    }
}
