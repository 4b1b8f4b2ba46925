//! How long to wait before trying again.

use std::time::Duration;

/// Waits that grow by half each time, up to a limit.
#[derive(Clone, Debug)]
pub(crate) struct Backoff {
    first: Duration,
    limit: Duration,
    next: Duration,
}

impl Backoff {
    pub fn new(first: Duration, limit: Duration) -> Backoff {
        Backoff {
            first,
            limit,
            next: first,
        }
    }

    /// Of inputs that connect.
    pub fn input() -> Backoff {
        Backoff::new(Duration::from_millis(100), Duration::from_secs(1))
    }

    /// Of outputs that connect.
    pub fn output() -> Backoff {
        Backoff::new(Duration::from_millis(500), Duration::from_secs(1))
    }

    /// How long to wait now.
    pub fn wait(&mut self) -> Duration {
        let wait = self.next;
        self.next = (self.next * 3 / 2).min(self.limit);
        wait
    }

    /// What was tried worked: the next failure begins anew.
    pub fn reset(&mut self) {
        self.next = self.first;
    }
}

/// How long a message waits that failed `attempts` times: the first two are sent again at once, then 1 ms and a tenth
/// more each time, up to a second.
pub(crate) fn replay_wait(attempts: u32) -> Duration {
    let Some(grown) = attempts.checked_sub(2).filter(|n| *n > 0) else {
        return Duration::ZERO;
    };
    let millis = 1.1f64.powi(grown.min(100) as i32 - 1);
    Duration::from_micros((millis * 1000.0) as u64).min(Duration::from_secs(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_their_limit() {
        let mut backoff = Backoff::input();
        let waits: Vec<u128> = (0..8).map(|_| backoff.wait().as_millis()).collect();
        assert_eq!(waits[..3], [100, 150, 225]);
        assert_eq!(waits[7], 1000);
        backoff.reset();
        assert_eq!(backoff.wait().as_millis(), 100);
        assert_eq!(replay_wait(2), Duration::ZERO);
        assert_eq!(replay_wait(3), Duration::from_millis(1));
        assert_eq!(replay_wait(10_000), Duration::from_secs(1));
    }
}
