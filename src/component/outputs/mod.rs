//! Where messages go.

mod broker;
mod cache;
mod drop;
mod drop_on;
mod dynamic;
mod fallback;
mod file;
mod http_client;
mod http_server;
mod inproc;
mod reject;
mod reject_errored;
mod resource;
mod retry;
mod socket;
mod stdout;
mod subprocess;
mod switch;
mod sync_response;
mod websocket;

mod parts;
mod retrying;

use super::{BuildOutput, Spec};

/// Every output there is, by name.
pub static OUTPUTS: &[&Spec<dyn BuildOutput>] = &[
    &broker::SPEC,
    &cache::SPEC,
    &drop::SPEC,
    &drop_on::SPEC,
    &dynamic::SPEC,
    &fallback::SPEC,
    &file::SPEC,
    &http_client::SPEC,
    &http_server::SPEC,
    &inproc::SPEC,
    &reject::SPEC,
    &reject_errored::SPEC,
    &resource::SPEC,
    &retry::SPEC,
    &socket::SPEC,
    &stdout::SPEC,
    &subprocess::SPEC,
    &switch::SPEC,
    &sync_response::SPEC,
    &websocket::SPEC,
];
