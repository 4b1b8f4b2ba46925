//! Logs, metrics and traces.

pub mod lines;
pub mod logs;
pub mod metrics;
pub mod otlp;
pub mod process;
pub mod rotating;
