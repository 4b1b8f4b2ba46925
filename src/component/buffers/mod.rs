//! What holds messages between input and pipeline.

mod memory;
mod none;
mod sqlite;
mod system_window;

mod meter;
mod queue;
mod records;
mod windows;

use super::{BuildBuffer, Spec};

/// Every buffer there is, by name.
pub static BUFFERS: &[&Spec<dyn BuildBuffer>] = &[
    &memory::SPEC,
    &none::SPEC,
    &sqlite::SPEC,
    &system_window::SPEC,
];
