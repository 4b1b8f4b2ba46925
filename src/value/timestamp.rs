//! A point in time with the zone it is shown in.

use crate::formats::go_time::{Civil, Layout};
use chrono::{DateTime, Offset, TimeZone};
use chrono_tz::Tz;
use std::{
    cmp::Ordering,
    fmt,
    sync::{Arc, LazyLock},
};

/// An instant, to the nanosecond, with the zone it prints in. Any 64-bit second can be held, years that no calendar
/// program would print included, since mappings make times of any number.
#[derive(Clone)]
pub struct Timestamp {
    seconds: i64,
    nanos: u32,
    zone: Zone,
}

/// The zone that a time is shown in.
#[derive(Clone, Debug, Default)]
pub enum Zone {
    #[default]
    Utc,
    /// Seconds east of UTC, and the abbreviation if the text that the time came from had one.
    Fixed(i32, Option<Arc<str>>),
    /// A zone of the tz database.
    Named(Tz),
}

/// Seconds from the first year to 1970: Go counts its times from there, and rounds and overflows accordingly.
pub(crate) const YEAR_ONE_TO_UNIX: i64 = 62_135_596_800;

/// Go's layout for times in JSON and wherever none is given.
pub static RFC3339_NANO: LazyLock<Layout> =
    LazyLock::new(|| Layout::new("2006-01-02T15:04:05.999999999Z07:00"));

impl Timestamp {
    /// `nanos` may be any number of nanoseconds to add.
    pub fn new(seconds: i64, nanos: i64, zone: Zone) -> Timestamp {
        Timestamp {
            seconds: seconds.wrapping_add(nanos.div_euclid(1_000_000_000)),
            nanos: nanos.rem_euclid(1_000_000_000) as u32,
            zone,
        }
    }

    /// Now, in UTC.
    pub fn from_system(time: std::time::SystemTime) -> Timestamp {
        let (seconds, nanos) = match time.duration_since(std::time::UNIX_EPOCH) {
            Ok(after) => (after.as_secs() as i64, i64::from(after.subsec_nanos())),
            Err(before) => {
                let before = before.duration();
                (
                    -(before.as_secs() as i64),
                    -i64::from(before.subsec_nanos()),
                )
            }
        };
        Timestamp::new(seconds, nanos, Zone::Utc)
    }

    /// Whole seconds since 1970, rounded down.
    pub fn seconds(&self) -> i64 {
        self.seconds
    }

    /// Nanoseconds since the whole second.
    pub fn nanos(&self) -> u32 {
        self.nanos
    }

    /// Units of a second since 1970, of which `per_second` make one; wraps around as Go's numbers do.
    pub fn unix(&self, per_second: i64) -> i64 {
        self.seconds
            .wrapping_mul(per_second)
            .wrapping_add(i64::from(self.nanos) / (1_000_000_000 / per_second))
    }

    pub fn zone(&self) -> &Zone {
        &self.zone
    }

    /// The same instant, shown in another zone.
    pub fn in_zone(&self, zone: Zone) -> Timestamp {
        Timestamp {
            zone,
            ..self.clone()
        }
    }

    /// Later by so many nanoseconds.
    pub fn plus_nanos(&self, nanos: i64) -> Timestamp {
        Timestamp::new(
            self.seconds,
            i64::from(self.nanos).wrapping_add(nanos % 1_000_000_000),
            self.zone.clone(),
        )
        .plus_seconds(nanos / 1_000_000_000)
    }

    fn plus_seconds(mut self, seconds: i64) -> Timestamp {
        self.seconds = self.seconds.wrapping_add(seconds);
        self
    }

    /// Nanoseconds from `earlier` to this, at most as far as 64 bits reach.
    pub fn since(&self, earlier: &Timestamp) -> i64 {
        // Go counts from the first year, so that seconds near the end of 64 bits wrap around.
        let counted = |time: &Timestamp| i128::from(time.seconds.wrapping_add(YEAR_ONE_TO_UNIX));
        let seconds = counted(self) - counted(earlier);
        let nanos = seconds * 1_000_000_000 + i128::from(self.nanos) - i128::from(earlier.nanos);
        nanos.clamp(i128::from(i64::MIN), i128::from(i64::MAX)) as i64
    }

    /// The time in a layout of Go's.
    pub fn format(&self, layout: &Layout) -> String {
        let mut out = String::new();
        self.with_civil(|civil| civil.format(layout, &mut out));
        out
    }

    /// The time taken apart into the fields of a wall clock in its zone.
    pub fn with_civil<T>(&self, read: impl FnOnce(&Civil<'_>) -> T) -> T {
        let (offset, zone) = self.offset();
        read(&Civil::new(self.seconds, self.nanos, offset, &zone))
    }

    /// Seconds east of UTC at this instant, and the zone's abbreviation; empty where it has none.
    pub fn offset(&self) -> (i32, String) {
        match &self.zone {
            Zone::Utc => (0, "UTC".into()),
            Zone::Fixed(offset, name) => (*offset, name.as_deref().unwrap_or_default().into()),
            Zone::Named(tz) => {
                // Beyond the years that the database can say anything of, its latest rule goes on.
                let reach = 8_000_000_000_000;
                let at = DateTime::from_timestamp(self.seconds.clamp(-reach, reach), 0)
                    .expect("chrono holds times of 250,000 years");
                let local = tz.offset_from_utc_datetime(&at.naive_utc());
                (local.fix().local_minus_utc(), local.to_string())
            }
        }
    }
}

/// Instants are compared; the zones that they are shown in play no part.
impl PartialEq for Timestamp {
    fn eq(&self, other: &Timestamp) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Timestamp {}

impl PartialOrd for Timestamp {
    fn partial_cmp(&self, other: &Timestamp) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Timestamp {
    fn cmp(&self, other: &Timestamp) -> Ordering {
        (self.seconds, self.nanos).cmp(&(other.seconds, other.nanos))
    }
}

/// In [`RFC3339_NANO`].
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.format(&RFC3339_NANO))
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_print_in_their_zone() {
        let winter = Timestamp::new(1_600_000_000, 500_000_000, Zone::Utc);
        assert_eq!(winter.to_string(), "2020-09-13T12:26:40.5Z");
        let berlin = winter.in_zone(Zone::Named(chrono_tz::Europe::Berlin));
        assert_eq!(berlin.to_string(), "2020-09-13T14:26:40.5+02:00");
        assert_eq!(berlin.offset(), (7200, "CEST".into()));
        assert_eq!(berlin, winter);
        let far = Timestamp::new(i64::MAX, 0, Zone::Named(chrono_tz::Europe::Berlin));
        assert_eq!(far.offset().0, 3600);
    }

    #[test]
    fn arithmetic_carries_and_is_held_within_64_bits() {
        let time = Timestamp::new(-1, 999_999_999, Zone::Utc);
        assert_eq!(time.plus_nanos(1).seconds(), 0);
        assert_eq!(time.plus_nanos(-1_000_000_000).seconds(), -2);
        assert_eq!(time.unix(1_000), -1);
        let far = Timestamp::new(i64::MAX, 0, Zone::Utc);
        assert_eq!(far.since(&time), i64::MIN, "as in Go, it wraps");
        let later = Timestamp::new(9_007_199_254_740_993, 0, Zone::Utc);
        assert_eq!(later.since(&time), i64::MAX);
    }
}
