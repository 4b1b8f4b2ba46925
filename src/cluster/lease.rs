//! The worker's half of a lease, and why two owners never act at once.
//!
//! # What is promised
//! At any moment at most one worker acts for a shard (streams with `on_partition: continue` and the handover of stateless
//! ones excepted, where that is what was asked for). "Acts" means: begins an output write or a source commit.
//!
//! # The rules
//! 1. A worker acts only while [`WorkerLease::may_act`] says so, asked immediately before each write and each commit. A timer is
//!    not enough: a process that was stopped wakes up in the middle of things, before any timer has run.
//! 2. Its lease runs from the moment it *sent* the heartbeat that was answered, for `lease_ms`.
//! 3. The coordinator takes the lease to run from the moment it *received* the newest heartbeat, for `lease_ms + margin_ms`
//!    ([`Lease::ends`](super::worker::Lease::ends)). Before that, it takes work over only after a goodbye, a report that the
//!    assignment is over, or a proven exit.
//! 4. A coordinator that begins to lead counts every lease as heard at that moment, since the one before it may have
//!    answered a heartbeat just then. The moment is taken after its listener is bound and its leadership is durable.
//! 5. A worker acts only for what the newest desired set gives it, under the epoch that it gives. An epoch is durable before it is
//!    sent, and never given twice.
//! 6. A worker whose lease has ended stops everything that it may not continue. Only an answered heartbeat gives it a new lease, and
//!    with that comes a desired set.
//!
//! # Why they suffice
//! Take a shard that goes from worker A to worker B without a word from A. The coordinator decided that at a time T with
//! T ≥ R + lease + margin, where R is when it received A's newest heartbeat (rules 3, 4: or when it began to lead). Every
//! heartbeat of A that was ever answered was sent before it was received, and none was received after R; so A's lease
//! runs from some S ≤ R, and by A's clock it ends at S + lease ≤ R + lease. If the two clocks run at speeds that differ by less than
//! margin / lease (a tenth by default; quartz differs by less than a ten-thousandth), A's lease has ended, in real time, before T.
//! B learns of the grant after T.
//!
//! A word from A, late or doubled, does no harm: a goodbye or a report is bound to A's incarnation and to the epoch, and A said it
//! after it had stopped. A desired set that arrives late is refused by its generation; and the lease that comes with
//! a late answer runs from when the heartbeat was sent, so it is short by just as much as it is late.
//!
//! ## Refusals
//! With a single coordinator (SQLite), a connection that is *refused* proves that at that moment nobody listens, hence that no
//! coordinator leads: one listens before it begins to lead (rule 4), and ceases to lead before it closes its listener. Whoever leads
//! next begins after that moment, and then waits a whole lease plus margin. So a refusal is as good as an answer: it renews a
//! lease *that has not ended*, from when the attempt to connect began. One that has ended stays ended, since the
//! coordinator may have given the work away before it went. A timeout proves nothing and renews nothing. With
//! several coordinators a refusal proves only that one of them is away, and renews nothing either: `renews_on_refusal` is false.
//!
//! ## Proven exit
//! An incarnation's exit is proven when its session is broken and its own port, on which it answered under this incarnation
//! before, refuses connections; or when a later incarnation of the id registers from the same address. A process binds its port before
//! it registers, holds it for its whole life, and nobody else can bind it meanwhile.
//!
//! # What is assumed
//! - The clock is CLOCK_BOOTTIME on both sides: monotonic, and it goes on while a machine sleeps. CLOCK_MONOTONIC would let a laptop or a
//!   migrated virtual machine wake up with a lease that others know to be over. Wall clocks play no part.
//! - Clock speeds differ by less than margin / lease while a lease lasts.
//! - What answers "connection refused" is the host that the address names. A balancer, a firewall or a Kubernetes Service without
//!   ready endpoints can refuse in the name of a process that lives: workers advertise, and are told, addresses of hosts or pods.
//! - A write that has begun ends within the margin, or the sink can refuse it by its epoch. A process that is stopped between the check and
//!   the system call, for longer than lease and margin, can be held off by nothing but a sink that checks epochs; that
//!   is why such sinks are offered the epoch.

use super::Time;

/// A worker's own view of its lease. One for the process; each output and input asks it before it acts.
///
/// All times are by the worker's own clock. The owner tells it when heartbeats are sent and answered; nothing here waits or wakes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WorkerLease {
    lease_ms: u64,
    renews_on_refusal: bool,
    /// When the lease ends; nothing was granted yet if `None`.
    ends: Option<Time>,
}

impl WorkerLease {
    /// A lease that has not been granted. `renews_on_refusal` says whether there is but one coordinator; the coordinator tells in
    /// its answer to the registration.
    pub fn new(lease_ms: u64, renews_on_refusal: bool) -> Self {
        Self {
            lease_ms,
            renews_on_refusal,
            ends: None,
        }
    }

    /// Whether the worker may begin a write or a commit now.
    pub fn may_act(&self, now: Time) -> bool {
        self.ends.is_some_and(|ends| now < ends)
    }

    /// When the lease ends, or has ended. `None` before the first grant.
    pub fn ends(&self) -> Option<Time> {
        self.ends
    }

    /// An answer came to the heartbeat that was sent at `sent`. Answers may come late, doubled and out of order.
    pub fn answered(&mut self, sent: Time) {
        self.extend(sent);
    }

    /// The coordinator refused a connection whose attempt began at `attempted`; `now` is when that was learned. Returns whether it renewed the lease.
    pub fn refused(&mut self, attempted: Time, now: Time) -> bool {
        let renews = self.renews_on_refusal && self.may_act(now);
        if renews {
            self.extend(attempted);
        }
        renews
    }

    /// The coordinator says that the lease is of this length from now on, and whether it is the only one there is.
    pub fn configure(&mut self, lease_ms: u64, renews_on_refusal: bool) {
        self.lease_ms = lease_ms;
        self.renews_on_refusal = renews_on_refusal;
    }

    /// The worker was told that it is superseded, or gives its lease up.
    pub fn revoke(&mut self) {
        self.ends = None;
    }

    fn extend(&mut self, from: Time) {
        let ends = from.plus(self.lease_ms);
        self.ends = Some(self.ends.map_or(ends, |old| old.max(ends)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn granted(at: u64) -> WorkerLease {
        let mut lease = WorkerLease::new(2_500, true);
        lease.answered(Time(at));
        lease
    }

    #[test]
    fn it_runs_from_when_the_heartbeat_was_sent() {
        let lease = granted(1_000);
        assert!(lease.may_act(Time(3_499)));
        assert!(!lease.may_act(Time(3_500)));
        assert!(!WorkerLease::new(2_500, true).may_act(Time(0)));
    }

    #[test]
    fn late_and_doubled_answers_never_shorten_it() {
        let mut lease = granted(1_000);
        lease.answered(Time(500));
        lease.answered(Time(1_000));
        assert_eq!(lease.ends(), Some(Time(3_500)));
    }

    #[test]
    fn a_refusal_renews_what_has_not_ended_with_a_single_coordinator() {
        let mut lease = granted(1_000);
        assert!(lease.refused(Time(3_400), Time(3_450)));
        assert!(lease.may_act(Time(5_899)));
        assert!(!lease.refused(Time(5_899), Time(5_900)), "it has ended");
        assert!(!lease.may_act(Time(5_900)));

        let mut of_many = WorkerLease::new(2_500, false);
        of_many.answered(Time(1_000));
        assert!(!of_many.refused(Time(1_500), Time(1_500)));
    }

    #[test]
    fn what_is_revoked_is_over_at_once() {
        let mut lease = granted(1_000);
        lease.revoke();
        assert!(!lease.may_act(Time(1_001)));
    }
}
