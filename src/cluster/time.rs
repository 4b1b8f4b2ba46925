//! Points in time, in milliseconds. The clock is the caller's.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Milliseconds since the Unix epoch, by a clock that never jumps: the wall clock is read once when the process starts,
/// and from then on only CLOCK_BOOTTIME advances it. So leases can be measured by it, and what is stored can be compared after a
/// restart. No lease outlives the process that measures it, hence a wrong wall clock can disturb a back-off but never ownership.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Time(pub u64);

impl Time {
    pub fn plus(self, ms: u64) -> Self {
        Self(self.0.saturating_add(ms))
    }

    /// The milliseconds since `earlier`; 0 if that is later than this.
    pub fn since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ms", self.0)
    }
}
