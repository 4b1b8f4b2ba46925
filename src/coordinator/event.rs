//! What the loop that owns the view is told.

use tokio::sync::oneshot;

use super::{Error, downs::DownSender, edit::Edit};
use crate::{
    cluster::{Hello, Policy, Time, View, capacity::Autoscaler, scale::ShardScaler},
    ids::{Incarnation, WorkerId},
    proto,
};

/// What the loop owns and readers may look at.
pub(super) struct Ledger {
    pub(super) view: View,
    pub(super) policy: Policy,
    pub(super) now: Time,
    pub(super) scaler: Autoscaler,
    pub(super) shard_scaler: ShardScaler,
}

/// Which session, over the life of the process.
pub(super) type SessionId = u64;

pub(super) enum Event {
    Read(Box<dyn FnOnce(&Ledger) + Send>),
    Edit(Edit, oneshot::Sender<Result<bool, Error>>),
    Register(Hello, oneshot::Sender<proto::Welcome>),
    Opened(SessionId, DownSender),
    Up(SessionId, proto::Up),
    Broke(SessionId),
    /// The worker answered at its address, under this incarnation.
    Reached(WorkerId, Incarnation),
    /// Its port, after its session broke, refuses connections.
    Refused(WorkerId, Incarnation),
}
