//! What says when a message may go.

use super::{BuildRateLimit, Spec};

/// Every rate limit there is, by name.
pub static RATE_LIMITS: &[&Spec<dyn BuildRateLimit>] = &[];
