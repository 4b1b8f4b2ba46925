//! The settings of the planner, with their defaults and the relations between them.

use serde::{Deserialize, Serialize};

/// How the coordinator decides. Times in milliseconds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policy {
    pub strategy: String,
    /// How often a worker sends a heartbeat.
    pub heartbeat_ms: u64,
    /// How long a worker may act after it sent a heartbeat that was answered.
    pub lease_ms: u64,
    /// What the coordinator waits beyond a lease: for clocks that run at different speeds and a write that was under way.
    pub margin_ms: u64,
    /// A worker that was not heard for so long gets nothing new.
    pub suspect_ms: u64,
    /// A worker that left or was lost is forgotten after so long.
    pub forget_ms: u64,
    /// Moves that nobody waits for (balance) in flight at once.
    pub max_moves: usize,
    /// The pause after a round of moves; doubles with each round that follows, up to `max_move_pause_ms`.
    pub move_pause_ms: u64,
    pub max_move_pause_ms: u64,
    /// The first back-off of a shard that failed; doubles with each attempt, up to `max_retry_ms`.
    pub retry_ms: u64,
    pub max_retry_ms: u64,
    /// A shard that ran for so long starts to count its attempts from one again.
    pub stable_ms: u64,
    /// How long a drain may take before the worker cuts the stream off.
    pub drain_ms: u64,
    /// A worker that dies within this time after a shard began on it makes the shard suspicious. One that ran for longer is cleared.
    pub poison_ms: u64,
    /// So many suspicious deaths in a row, each of another worker, put the shard in quarantine for `quarantine_ms`.
    pub quarantine_deaths: usize,
    pub quarantine_ms: u64,
    /// When the first worker of a term joins, nothing is placed for so long: others that start with it get their share at once.
    pub gather_ms: u64,
    /// A worker must have been there for so long before anything is moved to it for balance.
    pub settle_ms: u64,
    /// The advice on how many workers there should be stays between these; none is no limit.
    pub min_workers: usize,
    pub max_workers: Option<usize>,
    /// What a step is given to show what it does, where a number of workers or shards follows a backlog.
    pub scale_pause_ms: u64,
    /// How long a backlog has to stay low before there is one less.
    pub scale_low_ms: u64,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            strategy: "least_loaded".to_owned(),
            heartbeat_ms: 500,
            lease_ms: 2_500,
            margin_ms: 250,
            suspect_ms: 1_250,
            forget_ms: 3_600_000,
            max_moves: 20,
            move_pause_ms: 250,
            max_move_pause_ms: 5_000,
            retry_ms: 1_000,
            max_retry_ms: 300_000,
            stable_ms: 60_000,
            drain_ms: 30_000,
            poison_ms: 30_000,
            quarantine_deaths: 3,
            quarantine_ms: 300_000,
            gather_ms: 150,
            settle_ms: 1_000,
            min_workers: 1,
            max_workers: None,
            scale_pause_ms: 60_000,
            scale_low_ms: 300_000,
        }
    }
}

impl Policy {
    /// The relations without which nothing holds; the error says what to change.
    pub fn check(&self) -> Result<(), String> {
        if self.heartbeat_ms == 0 {
            return Err("the heartbeat interval is 0 ms: set it to 1 ms or more".to_owned());
        }
        if self.lease_ms <= 2 * self.heartbeat_ms {
            return Err(format!(
                "the lease of {} ms must be longer than two heartbeats of {} ms: set the lease to more than {} ms or the heartbeat to less than {} ms",
                self.lease_ms,
                self.heartbeat_ms,
                2 * self.heartbeat_ms,
                self.lease_ms.div_ceil(2),
            ));
        }
        if self.margin_ms < self.lease_ms.div_ceil(100) {
            return Err(format!(
                "the margin of {} ms is less than a hundredth of the lease of {} ms: clocks differ by that much, set it to {} ms or more",
                self.margin_ms,
                self.lease_ms,
                self.lease_ms.div_ceil(100),
            ));
        }
        if self.max_workers.is_some_and(|max| max < self.min_workers) {
            return Err(format!(
                "at least {} workers and at most {} can't both be: set -min-workers to no more than -max-workers",
                self.min_workers,
                self.max_workers.unwrap_or(0),
            ));
        }
        if self.suspect_ms <= self.heartbeat_ms {
            return Err(format!(
                "a worker would be suspect after {} ms although it sends a heartbeat only every {} ms: set the former to more than the latter",
                self.suspect_ms, self.heartbeat_ms,
            ));
        }
        Ok(())
    }

    /// How long a shard waits after so many failed attempts in a row.
    pub fn back_off_ms(&self, attempts: u32) -> u64 {
        let doublings = attempts.saturating_sub(1).min(32);
        self.retry_ms
            .saturating_mul(1 << doublings)
            .min(self.max_retry_ms)
    }

    /// How long balance waits after the so-many-th round of moves in a row.
    pub fn move_pause_ms(&self, rounds: u32) -> u64 {
        let doublings = rounds.saturating_sub(1).min(32);
        self.move_pause_ms
            .saturating_mul(1 << doublings)
            .min(self.max_move_pause_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_hold_and_take_over_within_three_seconds() {
        let policy = Policy::default();
        assert_eq!(policy.check(), Ok(()));
        assert!(policy.lease_ms + policy.margin_ms <= 3_000);
    }

    #[test]
    fn relations_are_checked_with_the_way_out() {
        let short = Policy {
            lease_ms: 1_000,
            ..Policy::default()
        };
        let error = short.check().expect_err("a lease of two heartbeats");
        assert!(
            error.contains("set the lease to more than 1000 ms"),
            "{error}"
        );
    }

    #[test]
    fn back_off_doubles_up_to_its_limit() {
        let policy = Policy::default();
        let waits: Vec<u64> = (1..=10).map(|n| policy.back_off_ms(n)).collect();
        assert_eq!(waits[..4], [1_000, 2_000, 4_000, 8_000]);
        assert_eq!(waits[9], 300_000);
        assert_eq!(policy.back_off_ms(u32::MAX), 300_000);
    }
}
