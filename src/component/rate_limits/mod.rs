//! What says when a message may go.

mod local;

use super::{BuildRateLimit, Spec};

/// Every rate limit there is, by name.
pub static RATE_LIMITS: &[&Spec<dyn BuildRateLimit>] = &[&local::SPEC];
