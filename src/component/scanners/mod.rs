//! What cuts bytes into messages.

use super::{BuildScanner, Spec};

/// Every scanner there is, by name.
pub static SCANNERS: &[&Spec<dyn BuildScanner>] = &[];
