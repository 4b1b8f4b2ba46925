//! The coordinator's clock, see [`Time`].

use crate::{cluster::Time, engine::boottime_ms};

/// Milliseconds since the Unix epoch that never jump: the wall clock is read once, then CLOCK_BOOTTIME advances it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock {
    /// The wall clock's reading when the machine started.
    started_ms: u64,
}

impl Clock {
    pub(super) fn new() -> Self {
        let wall = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .map_or(0, |since| since.as_millis() as u64);
        Self {
            started_ms: wall.saturating_sub(boottime_ms()),
        }
    }

    pub(super) fn now(&self) -> Time {
        Time(self.started_ms + boottime_ms())
    }
}
