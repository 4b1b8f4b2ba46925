//! Clocks of machines: each began at another time and runs at its own speed.

use super::super::Time;

/// A machine's clock, as a function of the real time that the simulation counts in, both in milliseconds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock {
    /// What it shows at real time 0.
    pub(super) start: u64,
    /// How much it gains, in parts of a million; negative if it loses.
    pub(super) drift_ppm: i64,
}

impl Clock {
    pub(super) fn at(&self, real: u64) -> Time {
        let gained = real as i64 * self.drift_ppm / 1_000_000;
        Time((self.start + real).saturating_add_signed(gained))
    }

    /// The first real time at which it shows at least `time`.
    pub(super) fn real_of(&self, time: Time) -> u64 {
        let elapsed = time.0.saturating_sub(self.start) as i64;
        let mut real = (elapsed * 1_000_000 / (1_000_000 + self.drift_ppm)).max(0) as u64;
        while self.at(real) < time {
            real += 1;
        }
        real
    }
}
