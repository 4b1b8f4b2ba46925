//! The control plane's shell: sessions, the reconcile loop, rendering, forwarding.
//!
//! [`start`] gives a [`Handle`], which is all that the REST API knows of the coordinator. What is decided is in
//! [`cluster`](crate::cluster), what is kept in [`store`](crate::store); here is what moves between them.

mod campaign;
mod change;
mod clock;
mod convert;
mod downs;
mod edit;
mod edits;
mod error;
mod event;
mod foresight;
mod handle;
mod ingest;
mod lead;
mod library;
mod measure;
mod probe;
mod record;
mod render;
mod scaling;
mod secrets;
mod session;
mod sessions;
mod start;
mod status;

use std::net::SocketAddr;

use tokio::net::TcpListener;

use crate::{cluster::Policy, history::History, store::Database};

pub use edit::{Draft, Patch, Resource};
pub use error::Error;
pub use handle::{Handle, Readiness, Role};
pub use scaling::ScalingStatus;
pub use start::start;
pub use status::{
    AssignmentStatus, Definition, EventFilter, PlacementEvent, RevisionInfo, SecretInfo,
    ShardStatus, StreamState, StreamStatus, WorkerStatus, rfc3339,
};

/// What a coordinator is told when it starts.
#[derive(Debug)]
pub struct Config {
    /// Where workers come in; bound already, so that its port is known and a worker that is early is not refused.
    pub grpc: TcpListener,
    /// Where workers reach `grpc`, `host:port`; followers point them there. None is the listener's own address.
    pub advertise: Option<String>,
    /// Where followers reach this coordinator's REST API when it leads: `host:port`.
    pub advertise_http: Option<String>,
    pub database: Database,
    /// Encrypts secrets at rest. Without it, secrets can be neither stored nor used.
    pub secret_key: Option<[u8; 32]>,
    pub policy: Policy,
    /// Placement events that are kept.
    pub max_events: u64,
    /// Revisions that are kept of a stream.
    pub max_revisions: u64,
    /// Unique for each start of a process.
    pub id: String,
    pub history: History,
}

impl Config {
    /// The defaults, for these listeners and this database.
    pub fn new(grpc: TcpListener, database: Database) -> Self {
        Self {
            grpc,
            advertise: None,
            advertise_http: None,
            database,
            secret_key: None,
            policy: Policy::default(),
            max_events: 100_000,
            max_revisions: 100,
            id: new_id(),
            history: History::default(),
        }
    }
}

/// An id for a start of a coordinator.
pub fn new_id() -> String {
    uuid::Uuid::now_v7().to_string()
}

/// A coordinator at work.
#[derive(Debug)]
pub struct Running {
    handle: Handle,
    address: SocketAddr,
    task: tokio::task::JoinHandle<anyhow::Result<()>>,
}

impl Running {
    pub fn handle(&self) -> Handle {
        self.handle.clone()
    }

    /// Where workers come in.
    pub fn grpc_address(&self) -> SocketAddr {
        self.address
    }

    /// Waits until it has stopped, because it was asked to or because it can't go on.
    pub async fn wait(self) -> anyhow::Result<()> {
        self.task.await?
    }
}
