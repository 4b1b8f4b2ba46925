//! The data plane's shell: session with the coordinator, assignment → running stream, fencing, drain.

mod agent;
mod dial;
mod duties;
mod leave;
mod routes;
mod slot;
mod start;
mod usage;

use std::{collections::BTreeMap, net::SocketAddr};

use tokio::net::TcpListener;

use crate::{
    cluster::worker::Lifetime,
    history::History,
    ids::{Incarnation, WorkerId},
};

pub use start::start;

/// What a worker is told when it starts.
#[derive(Debug)]
pub struct Config {
    /// None makes it of the host's name and the gRPC port.
    pub id: Option<WorkerId>,
    /// Where the coordinator reaches it; bound already, and held for the process's whole life.
    pub grpc: TcpListener,
    /// Health, metrics and the routes of `http_server` components; none is no such port.
    pub http: Option<TcpListener>,
    /// Where the coordinator reaches `grpc`: `host:port`, or `host`. None is the listener's own address, or the host's name where
    /// that is every address.
    pub advertise: Option<String>,
    /// Where coordinators are: `host:port`, with a name that may stand for several addresses.
    pub discovery: Vec<String>,
    pub labels: BTreeMap<String, String>,
    /// The most assignments it takes; none is no limit.
    pub max_streams: Option<u32>,
    pub weight: u32,
    pub limits: Lifetime,
    /// How long a drain may take when it stops, all in all.
    pub drain_ms: u64,
    /// Which start of the worker this is: of two that are alive, the later one wins.
    pub incarnation: Incarnation,
    pub history: History,
}

impl Config {
    /// The defaults, for this listener and these coordinators.
    pub fn new(grpc: TcpListener, discovery: Vec<String>) -> Self {
        Self {
            id: None,
            grpc,
            http: None,
            advertise: None,
            discovery,
            labels: BTreeMap::new(),
            max_streams: None,
            weight: 1,
            limits: Lifetime::default(),
            drain_ms: 30_000,
            incarnation: new_incarnation(),
            history: History::default(),
        }
    }
}

/// A new start of a worker, later than all before.
pub fn new_incarnation() -> Incarnation {
    Incarnation(uuid::Uuid::now_v7().as_u128())
}

/// A worker at work.
#[derive(Debug)]
pub struct Running {
    id: WorkerId,
    grpc: SocketAddr,
    http: Option<SocketAddr>,
    task: tokio::task::JoinHandle<anyhow::Result<()>>,
}

impl Running {
    pub fn id(&self) -> &WorkerId {
        &self.id
    }

    pub fn grpc_address(&self) -> SocketAddr {
        self.grpc
    }

    pub fn http_address(&self) -> Option<SocketAddr> {
        self.http
    }

    /// Waits until it has stopped: because it was asked to, or because it can't go on, as when a later start of the same id
    /// took its place.
    pub async fn wait(self) -> anyhow::Result<()> {
        self.task.await?
    }
}
