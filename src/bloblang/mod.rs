//! The mapping language: parser, compiler, evaluation, functions and methods by topic. Pure.
//!
//! Components see [`Mapping`] and [`Interpolated`] only. Both are compiled once, when the config is read, and are then
//! shared by all threads. A message is always given with its batch, since a mapping may look at its neighbours.
//!
//! `parse` makes an `expr` tree of a text in one pass: names become slots, paths are split, constants are folded, arguments
//! are checked against the tables in `functions` and `methods`. `program` and `eval` run it in a `context`.

mod arguments;
mod caches;
mod cases;
mod context;
mod core;
mod environment;
mod eval;
mod expr;
mod fail;
mod fallback;
mod flow;
pub mod functions;
mod interpolate;
pub mod methods;
mod near;
mod nil;
mod number;
mod operators;
mod parse;
pub(crate) mod path;
mod program;
mod report;
mod sized;
pub mod spec;
mod text;
mod uses;

pub use caches::{CacheLink, Caches};
pub(crate) use context::{STACK_RESERVE, STACK_SIZE, here, on_new_stack};
pub use environment::Environment;
pub use interpolate::Interpolated;
pub use uses::Paths;

use crate::message::{self, Message, Metadata};
use crate::value::{Str, Value};
use context::{Context, Live, This};
use fail::Fail;
use flow::Flow;
use program::Program;
use std::fmt;
use std::sync::Arc;

/// A mapping, ready to run. Cloning shares it.
#[derive(Clone)]
pub struct Mapping(Arc<Program>);

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
    pub fn parse(text: &str, env: &Environment) -> Result<Mapping, ParseError> {
        Ok(Mapping(Arc::new(parse::mapping(text, env)?)))
    }

    /// Makes a new message of `batch[index]`, as a `mapping` processor does: what the mapping doesn't assign is kept (content if
    /// root isn't assigned, metadata, error flag, origin, replies).
    pub fn map(&self, batch: &[Message], index: usize) -> Result<Mapped, EvalError> {
        let mut metadata = batch[index].metadata().clone();
        let root = self.run(batch, index, Flow::Nothing, Some(&mut metadata))?;
        let mut message = match &root {
            Flow::Deleted => return Ok(Mapped::Deleted),
            Flow::Nothing => batch[index].clone(),
            Flow::Value(_) => batch[index].without_content(),
        };
        *message.metadata_mut() = metadata;
        if let Flow::Value(value) = root {
            set_content(&mut message, value)?;
        }
        Ok(Mapped::Message(message))
    }

    /// As [`Mapping::map`], in place, for a message that is a batch of its own. Returns whether the message was deleted.
    pub fn replace(&self, message: &mut Message) -> Result<bool, EvalError> {
        let mut metadata = message.metadata().clone();
        let batch = std::slice::from_ref(&*message);
        let root = self.run(batch, 0, Flow::Nothing, Some(&mut metadata))?;
        match root {
            Flow::Deleted => return Ok(true),
            Flow::Nothing => {}
            Flow::Value(value) => set_content(message, value)?,
        }
        *message.metadata_mut() = metadata;
        Ok(false)
    }

    /// Makes a new message of `batch[index]`, as a `branch`'s `request_map` does: as [`Mapping::map`], but content that isn't assigned
    /// is empty.
    pub fn request(&self, batch: &[Message], index: usize) -> Result<Mapped, EvalError> {
        let mut message = batch[index].clone();
        let mut metadata = message.metadata().clone();
        let root = self.run(batch, index, Flow::Nothing, Some(&mut metadata))?;
        *message.metadata_mut() = metadata;
        Ok(match root {
            Flow::Deleted => Mapped::Deleted,
            Flow::Nothing => {
                message.set_bytes(bytes::Bytes::new());
                Mapped::Message(message)
            }
            Flow::Value(value) => {
                set_content(&mut message, value)?;
                Mapped::Message(message)
            }
        })
    }

    /// The paths of the document that the mapping may read, as far as its text tells; empty for all of it.
    pub fn reads(&self) -> Paths {
        uses::reads(&self.0)
    }

    /// The paths of the document that the mapping may assign; empty for all of it.
    pub fn writes(&self) -> Paths {
        uses::writes(&self.0)
    }

    /// Edits `batch[index]` in place, as a `mutation` processor does; edits made before a failure stay. Returns whether the
    /// message was deleted.
    pub fn mutate(&self, batch: &mut [Message], index: usize) -> Result<bool, EvalError> {
        let mut metadata = batch[index].metadata().clone();
        // Content that isn't JSON can't be edited; it stays until root is assigned.
        let begin = match batch[index].value() {
            Ok(value) => Flow::Value(value.clone()),
            Err(_) => Flow::Nothing,
        };
        let mut cx = Context::new(&self.0, batch, index);
        cx.root = begin;
        cx.metadata = Some(&mut metadata);
        cx.live = Some(Live {
            index,
            detached: matches!(cx.root, Flow::Nothing),
            before: None,
            edited: false,
        });
        let result = program::run(&self.0.statements, &mut cx);
        let (root, live) = (cx.root, cx.live);
        let (replaced, before, edited) =
            live.map_or((false, None, false), |l| (l.detached, l.before, l.edited));
        let message = &mut batch[index];
        *message.metadata_mut() = metadata;
        if let Err(fail) = result {
            // A document that was replaced as a whole is lost with the failure; edits of the old one are not.
            match (before, root) {
                (Some(before), _) => message.set_value(before),
                (None, Flow::Value(value)) if edited && !replaced => message.set_value(value),
                _ => {}
            }
            return Err(EvalError(fail.message()));
        }
        match root {
            Flow::Deleted => return Ok(true),
            Flow::Nothing => {}
            // Also a document that wasn't edited goes out as documents do: compact, a text as it is.
            Flow::Value(value) => set_content(message, value)?,
        }
        Ok(false)
    }

    /// Assigns to `target` what the mapping makes of `batch[index]`, as a `branch`'s `result_map` does: `root` begins as
    /// the target's content, metadata is set on the target. Returns whether the target was deleted.
    pub fn overlay(
        &self,
        target: &mut Message,
        batch: &[Message],
        index: usize,
    ) -> Result<bool, EvalError> {
        let mut metadata = target.metadata().clone();
        let begin = match target.value() {
            Ok(value) => Flow::Value(value.clone()),
            Err(_) => Flow::Nothing,
        };
        let root = self.run(batch, index, begin, Some(&mut metadata))?;
        *target.metadata_mut() = metadata;
        match root {
            Flow::Deleted => return Ok(true),
            Flow::Nothing => {}
            Flow::Value(value) => {
                if self.assigns_root() {
                    set_content(target, value)?;
                }
            }
        }
        Ok(false)
    }

    /// The value that the mapping makes of `batch[index]`; none if it deletes it, null if it assigns nothing.
    pub fn value(&self, batch: &[Message], index: usize) -> Result<Option<Value>, EvalError> {
        let mut metadata = batch
            .get(index)
            .map(|m| m.metadata().clone())
            .unwrap_or_default();
        Ok(
            match self.run(batch, index, Flow::Nothing, Some(&mut metadata))? {
                Flow::Value(value) => Some(value),
                Flow::Nothing => Some(Value::Null),
                Flow::Deleted => None,
            },
        )
    }

    /// The mapping as a yes-or-no question about `batch[index]`; any other result than a bool is an error. What counts is the content
    /// that the message would have: the text `true` is a yes, and a mapping that assigns nothing asks the message itself.
    pub fn check(&self, batch: &[Message], index: usize) -> Result<bool, EvalError> {
        let mut metadata = batch
            .get(index)
            .map(|m| m.metadata().clone())
            .unwrap_or_default();
        let value = match self.run(batch, index, Flow::Nothing, Some(&mut metadata))? {
            Flow::Value(Value::String(text)) => message::parse(&text.into_bytes()),
            Flow::Value(Value::Bytes(bytes) | Value::IllFormed(bytes)) => message::parse(&bytes),
            Flow::Value(value) => Ok(value),
            Flow::Nothing => match batch.get(index) {
                Some(message) => message.value().cloned().map_err(Clone::clone),
                None => Ok(Value::Null),
            },
            Flow::Deleted => {
                let why = "query mapping resulted in deleted message, expected a boolean value";
                return Err(EvalError(why.into()));
            }
        };
        match value {
            Ok(Value::Bool(b)) => Ok(b),
            Ok(other) => {
                let fail = Fail::wanted("bool", Flow::Value(other));
                Err(EvalError(fail.blaming(|| "mapping".into()).message()))
            }
            Err(e) => Err(EvalError(e.message.into())),
        }
    }

    /// What the mapping assigns, with variables that are set when it begins: the root, if it assigns one, and the metadata of
    /// `batch[index]` with its changes. None if it deletes the message.
    pub fn assigned(
        &self,
        variables: &[(&str, Value)],
        batch: &[Message],
        index: usize,
    ) -> Result<Option<(Option<Value>, Metadata)>, EvalError> {
        let mut metadata = batch[index].metadata().clone();
        let mut cx = Context::new(&self.0, batch, index);
        cx.metadata = Some(&mut metadata);
        for (name, value) in variables {
            if let Some(slot) = cx.names.iter().position(|n| &**n == *name) {
                cx.variables[slot] = Some(value.clone());
            }
        }
        program::run(&self.0.statements, &mut cx).map_err(|fail| EvalError(fail.message()))?;
        Ok(match cx.root {
            Flow::Deleted => None,
            Flow::Nothing => Some((None, metadata)),
            Flow::Value(value) => Some((Some(value), metadata)),
        })
    }

    /// What the mapping makes of a value, without any message.
    pub fn apply(&self, value: Value) -> Result<Option<Value>, EvalError> {
        let mut cx = Context::new(&self.0, &[], 0);
        cx.this = This::Value(Flow::Value(value));
        program::run(&self.0.statements, &mut cx).map_err(|fail| EvalError(fail.message()))?;
        Ok(match cx.root {
            Flow::Value(value) => Some(value),
            Flow::Nothing => Some(Value::Null),
            Flow::Deleted => None,
        })
    }

    fn run(
        &self,
        batch: &[Message],
        index: usize,
        root: Flow,
        metadata: Option<&mut Metadata>,
    ) -> Result<Flow, EvalError> {
        let mut cx = Context::new(&self.0, batch, index);
        cx.root = root;
        cx.metadata = metadata;
        match program::run(&self.0.statements, &mut cx) {
            Ok(()) => Ok(cx.root),
            Err(fail) => Err(EvalError(fail.message())),
        }
    }

    /// Whether any statement may assign to root.
    fn assigns_root(&self) -> bool {
        program::assign_root(&self.0.statements)
    }
}

impl fmt::Debug for Mapping {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Mapping({} statements)", self.0.statements.len())
    }
}

/// The largest content that a mapping makes, in bytes as written.
const MAX_CONTENT: usize = 1 << 30;

/// Text and bytes become the content as they are, everything else a document.
fn set_content(message: &mut Message, value: Value) -> Result<(), EvalError> {
    if value.exceeds(MAX_CONTENT) {
        let why = "the mapping makes a message of more than 1 GiB";
        return Err(EvalError(why.into()));
    }
    match value {
        Value::String(text) => message.set_bytes(text.into_bytes()),
        Value::Bytes(bytes) | Value::IllFormed(bytes) => message.set_bytes(bytes),
        value => message.set_value(value),
    }
    Ok(())
}

/// Evaluates an expression that is made of constants.
fn evaluate_constant(expr: &expr::Expr) -> Result<Flow, Fail> {
    let program = Program::default();
    expr.eval(&mut Context::new(&program, &[], 0))
}

#[cfg(test)]
mod tests;
