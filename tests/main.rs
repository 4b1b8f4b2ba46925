//! The integration tests, one binary: a folder each for what they cover.

mod api;
mod conformance;
mod engine;
mod store;
mod tidy;
