//! `consistent_hash`: a shard's place follows from its name and the workers' names (rendezvous hashing).
//!
//! Each pair of shard and worker has a hash, the lowest wins: a worker that leaves moves its own shards alone, and one that joins
//! takes those alone that it wins. A full worker passes a shard on to the next in the shard's own order.

use super::{Balance, Score, Strategy, mix};

pub(super) static STRATEGY: Strategy = Strategy {
    name: "consistent_hash",
    summary: "by the hash of shard and worker: the same names give the same places; counts are only roughly even",
    score: Score::OfPair(|worker, shard| mix(worker ^ shard)),
    balance: Balance::Home,
};
