//! The integration tests, one binary: a folder each for what they cover.

mod store;
mod tidy;
