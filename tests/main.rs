//! The integration tests, one binary: a folder each for what they cover.

mod conformance;
mod store;
mod tidy;
