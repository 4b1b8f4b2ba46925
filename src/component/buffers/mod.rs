//! What holds messages between input and pipeline.

mod none;

use super::{BuildBuffer, Spec};

/// Every buffer there is, by name.
pub static BUFFERS: &[&Spec<dyn BuildBuffer>] = &[&none::SPEC];
