//! Logs and metrics.

pub mod lines;
pub mod logs;
pub mod metrics;
pub mod process;
