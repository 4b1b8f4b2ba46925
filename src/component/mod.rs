//! What a component is, how it declares itself, and every one there is.
//!
//! A component is one file: its `Config` (made by [`fields!`](crate::fields), so that docs, lint, JSON Schema and reading
//! are one thing), a `build` that turns the config into something that runs, and a row in its kind's table.
//! Components are dumb: an input connects and reads, an output connects and writes, a processor changes a batch.
//! Reconnecting, back-off, retries, metrics, logs, acks and stopping are the engine's, once for each kind.

pub mod buffers;
pub mod caches;
pub(crate) mod clients;
pub mod describe;
pub mod inputs;
pub mod outputs;
pub mod processors;
pub mod rate_limits;
pub mod scanners;

mod batch_policy;
mod chain;
mod context;
mod fence;
mod http;
mod hurry;
mod not_built;
mod pipe;
mod read;
pub(crate) mod route_path;
mod spec;
mod traits;
mod transaction;

pub use batch_policy::BatchPolicy;
pub use chain::Chain;
pub use context::{Context, Wiring};
pub use fence::{Fence, boottime_ms};
pub use http::{HttpCall, HttpHandler, HttpMux, HttpRoute, not_found};
pub use hurry::{Hurry, HurryGuard};
pub use not_built::is_of_not_built;
pub use pipe::Pipe;
pub use read::Component;
pub use spec::{Kind, Spec, Status};
pub use traits::*;
pub use transaction::{Ack, AckSink, Answer, BatchError, Run, Transaction};
