//! What is done to messages on their way.

use super::{BuildProcessor, Spec};

/// Every processor there is, by name.
pub static PROCESSORS: &[&Spec<dyn BuildProcessor>] = &[];
