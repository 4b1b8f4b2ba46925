//! airtruct runs declarative data streams (input → processors → output) on a pool of workers.
//!
//! The code map, in reading order; a module may use those above it, never those below
//! (`tests/tidy` holds that):
//!
//! - [`formats`]: text and byte formats that mappings and components share. Pure.
//! - [`value`], [`message`]: what flows. A message is bytes that are parsed at most once, and only if read inside.
//! - [`codec`]: values as YAML, XML, MessagePack and back. Pure.
//! - [`bloblang`]: the mapping language: parser, compiler, evaluation, functions and methods. Pure.
//! - [`config`]: YAML with positions, `${}` interpolation, and the reader that lints while it reads.
//! - [`sqlite`]: what its users, the components and the store, have in common.
//! - [`component`]: what a component is, how it declares itself, and every input, processor and output there is.
//! - [`engine`]: runs one stream; knows the component traits, never a component by name.
//! - [`cluster`]: who runs what, decided in pure functions over a view of the world. No clock, no I/O.
//! - [`store`]: the only SQL. [`history`]: what a process writes down of what it does, to be checked afterwards.
//! - [`proto`]: the protocol between workers and the coordinator.
//! - [`coordinator`], [`worker`]: the two shells. They never see each other; they meet in `proto` and `cluster`.
//! - [`api`]: the coordinator's REST interface.
//! - [`cli`], [`args`]: the command line. [`telemetry`]: logs and metrics. [`tasks`]: named tasks and ordered stop.

pub mod api;
pub mod args;
pub mod bloblang;
pub mod cli;
pub mod cluster;
pub mod codec;
pub mod component;
pub mod config;
pub mod coordinator;
pub mod engine;
pub mod formats;
pub mod history;
pub mod ids;
pub mod message;
pub mod proto;
pub mod sqlite;
pub mod store;
pub mod tasks;
pub mod telemetry;
pub mod value;
pub mod worker;
