//! What keeps values under keys.

use super::{BuildCache, Spec};

/// Every cache there is, by name.
pub static CACHES: &[&Spec<dyn BuildCache>] = &[];
