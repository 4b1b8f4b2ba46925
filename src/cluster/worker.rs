//! What the coordinator knows of a worker.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Policy, Time};
use crate::ids::{Epoch, Generation, Incarnation, WorkerId};

/// A worker: the newest incarnation of an id, and what is left of older ones.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Worker {
    pub id: WorkerId,
    pub incarnation: Incarnation,
    /// Where its own gRPC port is reached: `host:port`.
    pub address: String,
    pub labels: BTreeMap<String, String>,
    /// The most assignments it takes; `None` is no limit.
    pub max_streams: Option<u32>,
    /// Its share by the strategy `weighted`, relative to others; at least 1.
    pub weight: u32,
    pub limits: Lifetime,
    pub version: String,
    pub presence: Presence,
    /// Why it has this presence, for people.
    pub reason: String,
    pub since: Time,
    /// Set while its work is to go elsewhere.
    pub drain: Option<Drain>,
    /// When this incarnation started, by the coordinator's clock.
    pub started: Time,
    /// How many assignments this incarnation has been given in its life.
    pub assigned: u64,
    /// The newest epoch that it was given, for taking turns. In memory only.
    pub last_assigned: Epoch,
    pub lease: Lease,
    /// Older incarnations that may still be acting. Removed when nothing is assigned to them any more.
    pub former: Vec<Former>,
    /// The desired set that the worker said it has taken in. In memory only.
    pub applied: Generation,
    pub load: Load,
}

text_enum! {
    /// Whether a worker's process can be counted on.
    Presence {
        /// Its heartbeats come.
        Active = "active",
        /// Its heartbeats are late or its session broke: gets nothing new, keeps what it has.
        Suspect = "suspect",
        /// It said goodbye: acts for nothing any more.
        Left = "left",
        /// Its lease is over or its exit is proven: acts for nothing any more.
        Lost = "lost",
    }
}

impl Presence {
    /// Whether an incarnation may go from this presence to `next`. `left` is final; `lost` is not, since a partition heals.
    pub fn can_become(self, next: Self) -> bool {
        use Presence::{Active, Left, Lost, Suspect};
        match self {
            Active => matches!(next, Suspect | Left | Lost),
            Suspect => matches!(next, Active | Left | Lost),
            Lost => matches!(next, Active | Left),
            Left => false,
        }
    }

    /// Whether it acts for nothing any more.
    pub fn is_gone(self) -> bool {
        matches!(self, Self::Left | Self::Lost)
    }
}

text_enum! {
    /// A worker's state as people see it: presence and drain in one word.
    WorkerState {
        Active = "active",
        Suspect = "suspect",
        Draining = "draining",
        Left = "left",
        Lost = "lost",
    }
}

/// That a worker's work is to go elsewhere.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Drain {
    pub cause: DrainCause,
    pub reason: String,
    pub since: Time,
}

text_enum! {
    DrainCause {
        /// Somebody asked for it; lasts until undrained, over restarts of the worker.
        Operator = "operator",
        /// The worker is about to exit (SIGTERM) and says so in its heartbeats.
        Leaving = "leaving",
        /// A lifetime limit: it exits when it is empty, and its supervisor starts it anew.
        Recycle = "recycle",
    }
}

/// After how much a worker is recycled. `None` is never.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lifetime {
    pub max_assignments: Option<u64>,
    pub max_age_ms: Option<u64>,
}

/// What the coordinator has seen of an incarnation's lease, in memory only: a coordinator that starts has seen nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Lease {
    /// When the newest heartbeat was received, in this term.
    pub heard: Option<Time>,
    /// Whether its session stands.
    pub connected: bool,
    /// Whether its exit is proven, see `lease.rs`.
    pub exited: bool,
}

impl Lease {
    /// The first moment at which the incarnation certainly acts no more, if it is not heard again. `lead_since` is when the
    /// coordinator began to lead: what was granted before by another one, this one must wait for.
    pub fn ends(&self, lead_since: Time, policy: &Policy) -> Time {
        if self.exited {
            return Time(0);
        }
        self.heard
            .map_or(lead_since, |heard| heard.max(lead_since))
            .plus(policy.lease_ms + policy.margin_ms)
    }
}

/// An older incarnation of a worker's id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Former {
    pub incarnation: Incarnation,
    pub address: String,
    pub lease: Lease,
}

/// What a worker says of its use of resources. Shown, and a signal for scaling; placement counts assignments instead, since
/// a plan that follows a load that swings would swing with it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Load {
    /// Of one core: 1.0 is one core in use.
    pub cpu: f64,
    pub memory_bytes: u64,
    /// Batches that its streams have read and not yet dealt with.
    #[serde(default)]
    pub backlog: u64,
}

impl Worker {
    pub fn state(&self) -> WorkerState {
        match self.presence {
            Presence::Left => WorkerState::Left,
            Presence::Lost => WorkerState::Lost,
            Presence::Suspect => WorkerState::Suspect,
            Presence::Active if self.drain.is_some() => WorkerState::Draining,
            Presence::Active => WorkerState::Active,
        }
    }

    /// Whether it may be given work: it is heard, its session stands, and nobody wants it empty.
    pub fn is_open(&self) -> bool {
        self.presence == Presence::Active
            && self.drain.is_none()
            && self.lease.connected
            && self.lease.heard.is_some()
    }

    /// What is known of the lease of one of its incarnations. One that nothing is known of, as after a restart of the
    /// coordinator, has not been heard.
    pub fn lease_of(&self, incarnation: Incarnation) -> Lease {
        if incarnation == self.incarnation {
            return self.lease;
        }
        self.former
            .iter()
            .find(|former| former.incarnation == incarnation)
            .map_or_else(Lease::default, |former| former.lease)
    }
}
