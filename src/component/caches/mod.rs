//! What keeps values under keys.

mod file;
mod lru;
mod memory;
mod multilevel;
mod noop;
mod ristretto;
mod ttlru;

mod arc;
mod list;
mod local;
mod two_queues;

use super::{BuildCache, Spec};

/// Every cache there is, by name.
pub static CACHES: &[&Spec<dyn BuildCache>] = &[
    &file::SPEC,
    &lru::SPEC,
    &memory::SPEC,
    &multilevel::SPEC,
    &noop::SPEC,
    &ristretto::SPEC,
    &ttlru::SPEC,
];
