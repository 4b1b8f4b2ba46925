//! Where messages come from.

mod batched;
mod broker;
mod csv;
mod file;
mod generate;
mod http_client;
mod http_server;
mod inproc;
mod read_until;
mod resource;
mod sequence;
mod stdin;

mod joined;
mod paths;
mod scanned;
mod schedule;

use super::{BuildInput, Spec};

/// Every input there is, by name.
pub static INPUTS: &[&Spec<dyn BuildInput>] = &[
    &batched::SPEC,
    &broker::SPEC,
    &csv::SPEC,
    &file::SPEC,
    &generate::SPEC,
    &http_client::SPEC,
    &http_server::SPEC,
    &inproc::SPEC,
    &read_until::SPEC,
    &resource::SPEC,
    &sequence::SPEC,
    &stdin::SPEC,
];
