//! How functions and methods declare themselves: one table entry each, from which checks, docs and completion are made.
//!
//! An entry's code sees values only. Where a value came from, and at which line, is the evaluator's to know: it puts that
//! into the error's text.

use crate::value::{Str, Value};

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
    /// Takes queries as arguments, or sees more than values: built in the evaluator under this entry's name.
    Core,
}

/// The code of a function; as [`MethodCall`].
pub enum FunctionCall {
    Plain(fn(&[Value]) -> Result<Value, CallError>),
    /// The state of what it makes lives as long as the mapping.
    Prepared(fn(&[Value]) -> Result<FunctionFn, CallError>),
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

/// Why a call failed.
#[derive(Clone, Debug)]
pub enum CallError {
    /// The receiver, or an argument, is of a type that isn't taken. `wanted` is the type's name, or several: `number or integer`.
    Type { wanted: &'static str, got: Value },
    /// Anything else, as the user reads it.
    Text(Str),
}

impl CallError {
    pub fn wanted(wanted: &'static str, got: Value) -> CallError {
        CallError::Type { wanted, got }
    }
}

impl<T: Into<Str>> From<T> for CallError {
    fn from(text: T) -> CallError {
        CallError::Text(text.into())
    }
}
