//! Where messages come from.

mod file;
mod generate;
mod stdin;

mod paths;
mod scanned;
mod schedule;

use super::{BuildInput, Spec};

/// Every input there is, by name.
pub static INPUTS: &[&Spec<dyn BuildInput>] = &[&file::SPEC, &generate::SPEC, &stdin::SPEC];
