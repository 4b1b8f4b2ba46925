//! Runs one stream; knows the component traits, never a component by name.

pub mod config;
pub mod debug;

mod alone;
mod backoff;
mod basic_auth;
mod batched_sink;
mod batched_source;
mod batcher;
mod books;
mod counted;
mod input;
mod log;
pub mod many;
mod mapping_caches;
pub mod measured;
mod ordering;
mod output;
mod pipeline;
mod pressure;
mod processed;
pub mod pushing;
mod rejecting;
mod replays;
mod resources;
pub mod server;
mod settle;
mod shared;
mod stream;
mod traced;
mod watch;
mod wiring;

use std::{collections::BTreeMap, fmt};

pub use crate::component::{Fence, HttpMux, boottime_ms, not_found};
pub use alone::Alone;
pub use resources::ResourceConfig;
pub use shared::Shared;
pub use stream::{Services, Stream, Variables, tracer};
pub use wiring::{Counts, Pipes};

/// What a worker is asked to run: one shard of a stream.
#[derive(Clone, Debug)]
pub struct StreamSpec {
    pub name: String,
    /// From 0 to `shards` − 1.
    pub shard: u32,
    pub shards: u32,
    /// Grows with each owner of the shard, so that sinks can tell an old owner from a new one.
    pub epoch: u64,
    /// The config: YAML, with its `${}` still in it.
    pub text: String,
    /// What `${}` finds before it looks at the environment.
    pub secrets: Secrets,
    /// Files with resources that the config may use: their names and texts, with their `${}` still in them.
    pub resources: Vec<(String, String)>,
}

/// Values by name that are never printed.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Secrets(pub BTreeMap<String, String>);

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// Why a stream can't start.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{message}")]
pub struct StartError {
    pub message: String,
    /// Whether trying again is useless until the config changes.
    pub permanent: bool,
}

/// How a stream ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Its input ended, and everything was delivered.
    Completed,
    /// It was asked to stop, and everything read was delivered or handed back to its source.
    Stopped,
    Failed {
        reason: String,
        permanent: bool,
    },
}
