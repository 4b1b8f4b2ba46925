//! Where messages come from.

mod batched;
mod broker;
mod csv;
mod dynamic;
mod file;
mod file_tail;
mod generate;
mod http_client;
mod http_server;
mod inproc;
mod parquet;
mod read_until;
mod resource;
mod sequence;
mod socket;
mod socket_server;
mod stdin;
mod subprocess;
mod websocket;

mod joined;
mod paths;
mod scanned;
mod scanning;
mod schedule;

use super::{BuildInput, Spec};

/// Every input there is, by name.
pub static INPUTS: &[&Spec<dyn BuildInput>] = &[
    &batched::SPEC,
    &broker::SPEC,
    &csv::SPEC,
    &dynamic::SPEC,
    &file::SPEC,
    &file_tail::SPEC,
    &generate::SPEC,
    &http_client::SPEC,
    &http_server::SPEC,
    &inproc::SPEC,
    &parquet::SPEC,
    &read_until::SPEC,
    &resource::SPEC,
    &sequence::SPEC,
    &socket::SPEC,
    &socket_server::SPEC,
    &stdin::SPEC,
    &subprocess::SPEC,
    &websocket::SPEC,
];
