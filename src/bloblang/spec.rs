//! How functions and methods declare themselves: one table entry each, from which checks, docs and completion are made.
//!
//! An entry's code sees values only. Where a value came from, and at which line, is the evaluator's to know: it puts that
//! into the error's text.

use super::caches::Caches;
use crate::formats::go_num;
use crate::value::{Str, Value, well_formed};
use std::fmt;
use std::path::Path;

/// How settled a function or method is. Deprecated and hidden ones still work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    Stable,
    Beta,
    Experimental,
    Deprecated,
    Hidden,
}

/// A method, as its topic's table lists it.
pub struct MethodSpec {
    pub name: &'static str,
    pub status: Status,
    /// What it does, in a sentence or two.
    pub about: &'static str,
    pub params: &'static [Param],
    pub examples: &'static [Example],
    /// Whether its errors tell where the receiver came from: ``expected string value, got number from field `this.x` (5)``
    /// and ``field `this.x`: …``. The real thing's older methods do, those that it has as plugins don't.
    pub names_source: bool,
    pub call: MethodCall,
}

impl MethodSpec {
    /// A stable method whose errors name the receiver's source.
    pub const fn new(
        name: &'static str,
        about: &'static str,
        params: &'static [Param],
        examples: &'static [Example],
        call: MethodCall,
    ) -> MethodSpec {
        MethodSpec {
            name,
            status: Status::Stable,
            about,
            params,
            examples,
            names_source: true,
            call,
        }
    }

    pub const fn status(mut self, status: Status) -> MethodSpec {
        self.status = status;
        self
    }

    /// Its errors don't tell where the receiver came from.
    pub const fn sourceless(mut self) -> MethodSpec {
        self.names_source = false;
        self
    }
}

/// A function, as its topic's table lists it.
pub struct FunctionSpec {
    pub name: &'static str,
    pub status: Status,
    pub about: &'static str,
    pub params: &'static [Param],
    pub examples: &'static [Example],
    /// Whether it reads something besides the message: environment, files, caches. Such functions are not for everybody's use.
    pub impure: bool,
    pub call: FunctionCall,
}

/// The code of a method. Arguments come in the order of `params`, one for each: what is left out has its default, or
/// is [`Value::Null`] if it has none. A variadic method gets as many as there are.
pub enum MethodCall {
    /// Computes from the receiver and the arguments.
    Plain(fn(Value, &[Value]) -> Result<Value, CallError>),
    /// Makes the computation from the arguments first: a regex, a schema, a layout. With constant arguments that happens once, when the mapping
    /// compiles, and an error then is a parse error; else at each call.
    Prepared(fn(&[Value]) -> Result<MethodFn, CallError>),
    /// As `Plain`, but called with none where the receiver failed: the method may then have a value of its own. If it fails
    /// too, the receiver's error stands.
    Rescue(fn(Option<Value>, &[Value]) -> Result<Value, CallError>),
    /// Takes queries as arguments, or sees more than values: built in the evaluator under this entry's name.
    Core,
}

/// The code of a function; as [`MethodCall`].
pub enum FunctionCall {
    Plain(fn(&[Value]) -> Result<Value, CallError>),
    /// The state of what it makes lives as long as the mapping.
    Prepared(fn(&[Value]) -> Result<FunctionFn, CallError>),
    /// As `Prepared`, with the folder where relative paths begin.
    Located(fn(&Path, &[Value]) -> Result<FunctionFn, CallError>),
    /// Reaches the caches of the stream.
    Caches(fn(&dyn Caches, &[Value]) -> Result<Value, CallError>),
    Core,
}

pub type MethodFn = Box<dyn Fn(Value) -> Result<Value, CallError> + Send + Sync>;
pub type FunctionFn = Box<dyn Fn() -> Result<Value, CallError> + Send + Sync>;

/// A parameter of a function or method.
pub struct Param {
    pub name: &'static str,
    pub kind: ParamKind,
    pub about: &'static str,
    /// Bloblang text of the default value.
    pub default: Option<&'static str>,
    /// May be left out without having a default.
    pub optional: bool,
}

/// What an argument may be. A constant of a wrong kind is a parse error, another an error when it is evaluated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParamKind {
    String,
    Int,
    Float,
    Bool,
    Array,
    Object,
    Timestamp,
    Any,
    /// A query, evaluated by the method itself as often as it likes.
    Query,
    /// Any number of further arguments of any type; stands last.
    Variadic,
}

impl Param {
    /// A required parameter.
    pub const fn new(name: &'static str, kind: ParamKind, about: &'static str) -> Param {
        Param {
            name,
            kind,
            about,
            default: None,
            optional: false,
        }
    }

    /// May be left out.
    pub const fn optional(mut self) -> Param {
        self.optional = true;
        self
    }

    /// Has this default, as Bloblang text.
    pub const fn default(mut self, text: &'static str) -> Param {
        self.default = Some(text);
        self
    }
}

/// An example, which runs as a test.
pub struct Example {
    pub about: &'static str,
    pub mapping: &'static str,
    /// Contents of messages, each with the content afterwards, or `Error: ` and the error's text.
    pub cases: &'static [(&'static str, &'static str)],
}

impl Example {
    pub const fn new(
        about: &'static str,
        mapping: &'static str,
        cases: &'static [(&'static str, &'static str)],
    ) -> Example {
        Example {
            about,
            mapping,
            cases,
        }
    }
}

/// Why a call failed.
#[derive(Clone, Debug)]
pub enum CallError {
    /// The receiver, or an argument, is of a type that isn't taken. `wanted` is the type's name, or several: `number or integer`.
    Type { wanted: &'static str, got: Value },
    /// Anything else, as the user reads it.
    Text(Str),
    /// As `Text`, but without the receiver's source.
    Bare(Str),
}

impl CallError {
    pub fn wanted(wanted: &'static str, got: Value) -> CallError {
        CallError::Type { wanted, got }
    }

    /// The text, with the source of the value that failed, such as ``field `this.x` ``, if it is to be named.
    pub fn text(&self, source: Option<&str>) -> String {
        match (self, source) {
            (CallError::Type { wanted, got }, source) => {
                type_error(wanted, got.type_name(), source, &preview(got))
            }
            (CallError::Text(text), Some(source)) => format!("{source}: {text}"),
            (CallError::Text(text) | CallError::Bare(text), _) => text.to_string(),
        }
    }
}

/// Without a source.
impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text(None))
    }
}

/// How a value is shown where its type is wrong: scalars only.
pub fn preview(value: &Value) -> String {
    match value {
        Value::Bool(b) => b.to_string(),
        Value::Int(n) => n.to_string(),
        Value::Uint(n) => n.to_string(),
        Value::Float(n) => go_num::float_g(*n),
        Value::Number(n) => n.as_str().to_owned(),
        Value::String(text) => format!("\"{text}\""),
        Value::IllFormed(bytes) => format!("\"{}\"", well_formed(bytes)),
        _ => String::new(),
    }
}

/// How a wrong type is reported: ``expected string value, got number from field `this.x` (5)``. The preview is left out where it is empty.
pub fn type_error(wanted: &str, got: &str, source: Option<&str>, preview: &str) -> String {
    let mut text = format!("expected {wanted} value, got {got}");
    if let Some(source) = source {
        text.push_str(" from ");
        text.push_str(source);
    }
    if !preview.is_empty() {
        text.push_str(" (");
        text.push_str(preview);
        text.push(')');
    }
    text
}

impl<T: Into<Str>> From<T> for CallError {
    fn from(text: T) -> CallError {
        CallError::Text(text.into())
    }
}
