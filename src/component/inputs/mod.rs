//! Where messages come from.

mod batched;
mod broker;
mod file;
mod generate;
mod http_client;
mod http_server;
mod resource;
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
    &file::SPEC,
    &generate::SPEC,
    &http_client::SPEC,
    &http_server::SPEC,
    &resource::SPEC,
    &stdin::SPEC,
];
