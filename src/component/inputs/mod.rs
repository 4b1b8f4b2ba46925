//! Where messages come from.

use super::{BuildInput, Spec};

/// Every input there is, by name.
pub static INPUTS: &[&Spec<dyn BuildInput>] = &[];
