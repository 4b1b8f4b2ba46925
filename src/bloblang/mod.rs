//! The mapping language: parser, compiler, evaluation, functions and methods by topic. Pure.
//!
//! Components see [`Mapping`] and [`Interpolated`] only. Both are compiled once, when the config is read, and are then
//! shared by all threads. A message is always given with its batch, since a mapping may look at its neighbours.

pub mod functions;
pub mod methods;
pub mod spec;

use crate::message::Message;
use crate::value::{Str, Value};

/// What mappings may use.
#[derive(Clone, Debug, Default)]
pub struct Environment;

/// A mapping, ready to run. Cloning shares it.
#[derive(Clone, Debug)]
pub struct Mapping;

/// A string with `${! }` queries, ready to run. Cloning shares it.
#[derive(Clone, Debug)]
pub struct Interpolated;

/// Why a mapping can't be compiled. Line and column count from 1.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{line}:{column}: {message}")]
pub struct ParseError {
    pub line: usize,
    pub column: usize,
    pub message: String,
}

/// Why a mapping failed on a message, in the words that `error()` gives afterwards.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{0}")]
pub struct EvalError(pub Str);

/// What a mapping makes of a message.
#[derive(Clone, Debug)]
pub enum Mapped {
    Message(Message),
    Deleted,
}

impl Mapping {
    pub fn parse(_: &str, _: &Environment) -> Result<Mapping, ParseError> {
        Ok(Mapping)
    }

    /// Makes a new message of `batch[index]`, as a `mapping` processor does: what the mapping doesn't assign is kept (content if
    /// root isn't assigned, metadata, error flag, origin, replies).
    pub fn map(&self, batch: &[Message], index: usize) -> Result<Mapped, EvalError> {
        Ok(Mapped::Message(batch[index].clone()))
    }

    /// Edits `batch[index]` in place, as a `mutation` processor does; edits made before a failure stay. Returns whether the
    /// message was deleted.
    pub fn mutate(&self, _batch: &mut [Message], _index: usize) -> Result<bool, EvalError> {
        Ok(false)
    }

    /// Assigns to `target` what the mapping makes of `batch[index]`, as a `branch`'s `result_map` does: `root` begins as
    /// the target's content, metadata is set on the target. Returns whether the target was deleted.
    pub fn overlay(
        &self,
        _target: &mut Message,
        _batch: &[Message],
        _index: usize,
    ) -> Result<bool, EvalError> {
        Ok(false)
    }

    /// The value that the mapping makes of `batch[index]`; none if it deletes it, null if it assigns nothing.
    pub fn value(&self, _batch: &[Message], _index: usize) -> Result<Option<Value>, EvalError> {
        Ok(Some(Value::Null))
    }

    /// The mapping as a yes-or-no question about `batch[index]`; any other result than a bool is an error.
    pub fn check(&self, _batch: &[Message], _index: usize) -> Result<bool, EvalError> {
        Ok(false)
    }
}

impl Interpolated {
    pub fn parse(_: &str, _: &Environment) -> Result<Interpolated, ParseError> {
        Ok(Interpolated)
    }

    /// The text, if it has no queries in it.
    pub fn as_static(&self) -> Option<&Str> {
        None
    }

    /// The text for `batch[index]`.
    pub fn text(&self, _batch: &[Message], _index: usize) -> Result<Str, EvalError> {
        Ok(Str::default())
    }

    /// The same as bytes, where a query may give bytes that aren't text.
    pub fn bytes(&self, _batch: &[Message], _index: usize) -> Result<bytes::Bytes, EvalError> {
        Ok(bytes::Bytes::new())
    }
}
