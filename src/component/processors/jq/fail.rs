//! Why a program comes to an end early, and how errors are worded.

use super::json;
use crate::value::Value;

/// What ends an evaluation before its time.
#[derive(Debug)]
pub(super) enum Stop {
    /// `break` out of the label with this number.
    Break(u64),
    /// An error that `try` catches as its text.
    Error(String),
    /// What `error` was called with, which `try` catches as it is.
    Thrown(Box<Value>),
    /// `halt`, or `halt_error` with a value.
    Halt(Box<Value>),
    /// A limit is reached. Nothing catches that.
    Limit(String),
    /// There is no room left on this stack.
    Stack,
}

pub(super) type Result<T = Value> = std::result::Result<T, Stop>;

impl Stop {
    /// What the message is flagged with.
    pub fn reason(self) -> String {
        let shown = |value: &Value| match value {
            Value::String(text) => text.to_string(),
            other => json::short(other, json::MAX_TEXT),
        };
        match self {
            Stop::Break(_) => "label not defined".into(),
            Stop::Error(text) => text,
            Stop::Thrown(value) => format!("error: {}", shown(&value)),
            Stop::Halt(value) => format!("halt error: {}", shown(&value)),
            Stop::Limit(text) => text,
            Stop::Stack => "the program calls itself too deeply".into(),
        }
    }
}

pub(super) fn error<T>(text: impl Into<String>) -> Result<T> {
    Err(Stop::Error(text.into()))
}

pub(super) fn limit<T>(text: impl Into<String>) -> Result<T> {
    Err(Stop::Limit(text.into()))
}

/// The name of a value's type.
pub(super) fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Int(_) | Value::Uint(_) | Value::Float(_) | Value::Number(_) => "number",
        Value::String(_) | Value::IllFormed(_) | Value::Bytes(_) | Value::Timestamp(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// A value's type and the beginning of its text: `number (1)`.
pub(super) fn typed(value: &Value) -> String {
    match value {
        Value::Null => "null".into(),
        other => format!("{} ({})", type_name(other), preview(other)),
    }
}

/// The beginning of a value's text.
pub(super) fn preview(value: &Value) -> String {
    const LENGTH: usize = 30;
    let text = json::short(value, LENGTH + 2);
    if text.len() <= LENGTH {
        return text;
    }
    let ending = match value {
        Value::String(_) => " ...\"",
        Value::Array(_) => " ...]",
        Value::Object(_) => " ...}",
        _ => " ...",
    };
    let mut end = LENGTH - ending.len();
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}{ending}", &text[..end])
}

/// How a call is shown: `name(1; "x")`.
fn call(name: &str, arguments: &[Value]) -> String {
    match arguments {
        [] => name.to_owned(),
        all => format!(
            "{name}({})",
            all.iter().map(preview).collect::<Vec<_>>().join("; ")
        ),
    }
}

/// That a function doesn't take a value of this type.
pub(super) fn unfit<T>(name: &str, value: &Value, arguments: &[Value]) -> Result<T> {
    error(format!(
        "{} cannot be applied to: {}",
        call(name, arguments),
        typed(value)
    ))
}

/// Why a function failed on a value.
pub(super) fn failed<T>(name: &str, value: &Value, arguments: &[Value], why: &str) -> Result<T> {
    error(format!(
        "{} cannot be applied to {}: {why}",
        call(name, arguments),
        preview(value)
    ))
}

/// An error inside a function, told as the failure of that function.
pub(super) fn within<T>(
    result: Result<T>,
    name: &str,
    value: &Value,
    arguments: &[Value],
) -> Result<T> {
    match result {
        Err(Stop::Error(why)) => failed(name, value, arguments, &why),
        other => other,
    }
}

pub(super) fn no_object<T>(value: &Value) -> Result<T> {
    error(format!("expected an object but got: {}", typed(value)))
}

pub(super) fn no_array<T>(value: &Value) -> Result<T> {
    error(format!("expected an array but got: {}", typed(value)))
}
