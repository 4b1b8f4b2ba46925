//! Where messages go.

mod drop;
mod file;
mod stdout;

use super::{BuildOutput, Spec};

/// Every output there is, by name.
pub static OUTPUTS: &[&Spec<dyn BuildOutput>] = &[&drop::SPEC, &file::SPEC, &stdout::SPEC];
