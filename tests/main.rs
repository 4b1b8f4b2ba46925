//! The integration tests, one binary: a folder each for what they cover.

mod acceptance;
mod api;
mod bloblang;
mod chaos;
mod cli;
mod cluster;
mod conformance;
mod connectors;
mod engine;
mod store;
mod tidy;
