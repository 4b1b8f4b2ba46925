//! Where messages go.

mod drop;

use super::{BuildOutput, Spec};

/// Every output there is, by name.
pub static OUTPUTS: &[&Spec<dyn BuildOutput>] = &[&drop::SPEC];
