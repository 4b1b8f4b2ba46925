//! Functions that a template calls: how they declare what they take, and how arguments are checked.

use super::{builtins, dicts, lists, numbers, strings};
use crate::codec::go_fmt;
use crate::value::Value;
use std::borrow::Cow;

/// What a word calls.
#[derive(Clone, Copy, Debug)]
pub(super) enum Callee {
    Table(&'static Function),
    /// `and` (false) or `or` (true): they stop at the first that decides.
    Either(bool),
    /// The message's metadata.
    Metadata,
    /// A mapping that came with the template.
    Own(usize),
}

/// A function.
pub(super) struct Function {
    pub name: &'static str,
    pub params: &'static [Type],
    /// What any number of further arguments are.
    pub rest: Option<Type>,
    pub run: fn(&[Held]) -> Result<Value, String>,
}

impl std::fmt::Debug for Function {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

/// What a parameter takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Type {
    /// Anything; what isn't there counts as null.
    Any,
    /// Anything, and the function sees whether it is there.
    Raw,
    Text,
    Int,
    Float,
    Bool,
    Dict,
    Time,
}

impl Type {
    pub fn name(self) -> &'static str {
        match self {
            Type::Any => "interface {}",
            Type::Raw => "reflect.Value",
            Type::Text => "string",
            Type::Int => "int",
            Type::Float => "float64",
            Type::Bool => "bool",
            Type::Dict => "map[string]interface {}",
            Type::Time => "time.Time",
        }
    }

    /// Whether null may stand for it.
    pub fn can_be_nil(self) -> bool {
        matches!(self, Type::Any | Type::Raw | Type::Dict)
    }

    /// A value as an argument of this type, or why it can't be one.
    pub fn check(self, held: Held) -> Result<Held, String> {
        let Some(value) = &held.value else {
            return match self.can_be_nil() {
                true => Ok(held),
                false => Err(format!("invalid value; expected {}", self.name())),
            };
        };
        let fits = match self {
            Type::Any | Type::Raw => true,
            Type::Text => matches!(value, Value::String(_)),
            Type::Int => matches!(value, Value::Int(_) | Value::Uint(_)),
            Type::Float => matches!(value, Value::Float(_)),
            Type::Bool => matches!(value, Value::Bool(_)),
            Type::Dict => matches!(value, Value::Object(_)),
            Type::Time => matches!(value, Value::Timestamp(_)),
        };
        if fits {
            return Ok(held);
        }
        let got = match value {
            Value::Null => "interface {}",
            value => type_name(value),
        };
        Err(format!(
            "wrong type for value; expected {}; got {got}",
            self.name()
        ))
    }
}

/// A value on its way through a template.
#[derive(Clone, Debug, Default)]
pub(super) struct Held {
    /// None where nothing is: a field that isn't there.
    pub value: Option<Value>,
    /// Whether it was found in an array or object, whose elements may be anything.
    pub is_element: bool,
}

impl Held {
    pub fn new(value: Value) -> Held {
        Held {
            value: Some(value),
            is_element: false,
        }
    }

    pub fn element(value: Value) -> Held {
        Held {
            value: Some(value),
            is_element: true,
        }
    }

    /// The value, null where there is none.
    pub fn get(&self) -> &Value {
        self.value.as_ref().unwrap_or(&Value::Null)
    }

    /// A text argument, which has been checked.
    pub fn text(&self) -> &str {
        self.get().as_str().unwrap_or_default()
    }

    /// A whole-number argument, which has been checked.
    pub fn int(&self) -> i64 {
        self.get().as_i64().unwrap_or_default()
    }

    /// As text, whatever it is.
    pub fn shown(&self) -> Cow<'_, str> {
        shown(self.get())
    }
}

/// A value as text: text and bytes as they are.
pub(super) fn shown(value: &Value) -> Cow<'_, str> {
    match value {
        Value::String(text) => Cow::Borrowed(text),
        Value::Bytes(bytes) | Value::IllFormed(bytes) => String::from_utf8_lossy(bytes),
        other => Cow::Owned(go_fmt::show(other)),
    }
}

/// The name of a value's type. Whole numbers are mostly those of a template.
pub(super) fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Int(_) => "int",
        other => go_fmt::type_of(other),
    }
}

/// Whether a value counts as true: one that isn't its type's zero.
pub(super) fn is_true(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(b) => *b,
        Value::Int(n) => *n != 0,
        Value::Uint(n) => *n != 0,
        Value::Float(n) => *n != 0.0,
        // A number of JSON text is text to templates.
        Value::Number(n) => !n.as_str().is_empty(),
        Value::String(text) => !text.is_empty(),
        Value::Bytes(bytes) | Value::IllFormed(bytes) => !bytes.is_empty(),
        Value::Timestamp(_) => true,
        Value::Array(items) => !items.is_empty(),
        Value::Object(fields) => !fields.is_empty(),
    }
}

/// Finds a function by name; `own` are those that come with the template.
pub(super) fn find(name: &str, own: &[String]) -> Option<Callee> {
    match name {
        "and" => return Some(Callee::Either(false)),
        "or" => return Some(Callee::Either(true)),
        "meta" => return Some(Callee::Metadata),
        _ => {}
    }
    if let Some(function) = tables().find(|f| f.name == name) {
        return Some(Callee::Table(function));
    }
    own.iter().position(|n| n == name).map(Callee::Own)
}

/// Whether a name is taken, so that a template can't have a function of it. Says by what.
pub(super) fn taken(name: &str) -> Option<&'static str> {
    const WORDS: &[&str] = &[
        "-", "and", "block", "break", "call", "continue", "define", "else", "end", "if", "or",
        "pipeline", "range", "slice", "template", "with",
    ];
    if WORDS.contains(&name) || builtins::FUNCTIONS.iter().any(|f| f.name == name) {
        return Some("predefined function or");
    }
    tables().any(|f| f.name == name).then_some("sprig function")
}

fn tables() -> impl Iterator<Item = &'static Function> {
    builtins::FUNCTIONS
        .iter()
        .chain(strings::FUNCTIONS)
        .chain(numbers::FUNCTIONS)
        .chain(lists::FUNCTIONS)
        .chain(dicts::FUNCTIONS)
}

/// Entries of a table of functions: name, parameters, code.
macro_rules! functions {
    ($($name:literal ($($param:ident),* $(; $rest:ident)?) $run:expr;)*) => {
        pub(super) static FUNCTIONS: &[$crate::codec::go_template::call::Function] = &[$(
            $crate::codec::go_template::call::Function {
                name: $name,
                params: &[$($crate::codec::go_template::call::Type::$param),*],
                rest: functions!(@rest $($rest)?),
                run: $run,
            },
        )*];
    };
    (@rest) => { None };
    (@rest $rest:ident) => { Some($crate::codec::go_template::call::Type::$rest) };
}
pub(super) use functions;
