//! `local`: so many messages or bytes in each interval, counted in this process.

use crate::component::{BuildRateLimit, Context, RateLimit};
use anyhow::ensure;
use async_trait::async_trait;
use parking_lot::Mutex;
use std::time::{Duration, Instant};

crate::fields! {
    /// How much may go, and in which time.
    pub struct Config {
        /// How many messages may go in an interval; 0 for no limit.
        count: u64 = "1000",
        /// How many bytes may go in an interval; 0 for no limit.
        byte_size: u64 = "0",
        /// The interval.
        interval: Duration = "1s",
    }
}

crate::spec! {
    /// Lets a number of messages or bytes go in each interval. Components that share its label share the allowance.
    dyn BuildRateLimit, "local", Config
}

impl BuildRateLimit for Config {
    fn build(&self, _: &Context) -> anyhow::Result<Box<dyn RateLimit>> {
        ensure!(
            self.count > 0 || self.byte_size > 0,
            "count must be larger than zero, or byte_size"
        );
        Ok(Box::new(Local {
            count: self.count,
            bytes: self.byte_size,
            interval: self.interval,
            used: Mutex::new(Used {
                count: 0,
                bytes: 0,
                since: Instant::now(),
            }),
        }))
    }
}

struct Local {
    count: u64,
    bytes: u64,
    interval: Duration,
    used: Mutex<Used>,
}

/// What went in the present interval.
struct Used {
    count: u64,
    bytes: u64,
    since: Instant,
}

impl Local {
    fn take(&self, bytes: u64, now: Instant) -> Option<Duration> {
        let mut used = self.used.lock();
        let passed = now.saturating_duration_since(used.since);
        if passed >= self.interval {
            *used = Used {
                count: 0,
                bytes: 0,
                since: now,
            };
        }
        let too_many = self.count > 0 && used.count >= self.count;
        // A message over the whole allowance goes alone in an interval, since it could never go otherwise.
        let too_much = self.bytes > 0 && used.bytes > 0 && used.bytes + bytes > self.bytes;
        if too_many || too_much {
            return Some(self.interval.saturating_sub(passed));
        }
        used.count += 1;
        used.bytes += bytes;
        None
    }
}

#[async_trait]
impl RateLimit for Local {
    async fn access(&self, bytes: usize) -> anyhow::Result<Option<Duration>> {
        Ok(self.take(bytes as u64, Instant::now()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_interval_has_its_allowance() {
        let start = Instant::now();
        let ms = Duration::from_millis;
        // What is asked for and when, and how long to wait for it.
        type Asked = &'static [(u64, u64, Option<u64>)];
        let by_count: Asked = &[
            (0, 9, None),
            (10, 9, None),
            (20, 9, Some(80)),
            (100, 9, None),
        ];
        let by_bytes: Asked = &[
            (0, 6, None),
            (0, 6, Some(100)),
            (0, 4, None),
            (100, 50, None),
        ];
        let table = [(2, 0, by_count), (0, 10, by_bytes)];
        for (count, bytes, asked) in table {
            let limit = Local {
                count,
                bytes,
                interval: ms(100),
                used: Mutex::new(Used {
                    count: 0,
                    bytes: 0,
                    since: start,
                }),
            };
            for (at, size, wait) in asked {
                assert_eq!(
                    limit.take(*size, start + ms(*at)),
                    wait.map(ms),
                    "{at} {size}"
                );
            }
        }
    }
}
