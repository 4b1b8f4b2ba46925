//! What a message's content is made of, once somebody looks inside.
//!
//! Cloning any value is cheap (a reference count at most): arrays, objects, strings and bytes are shared and copied on
//! the first write. Objects present their keys in byte order, which is the order they are written in.
//! Callers see [`Array`], [`Object`] and [`Str`] through their methods only, so that they may stay unparsed inside.

mod array;
mod compare;
mod document;
mod edited;
mod extent;
mod fields;
mod json;
mod keys;
mod number;
mod object;
mod quotes;
mod raw;
mod release;
mod scalars;
mod scan;
mod string;
mod syntax;
mod timestamp;
mod unescape;
mod write;

#[cfg(test)]
mod tests;

pub use array::{Array, Iter as Items};
pub use json::{JsonError, parse, parse_prefix};
pub use number::Number;
pub(crate) use number::Read;
pub use object::Object;
pub use string::{Str, well_formed};
pub(crate) use timestamp::YEAR_ONE_TO_UNIX;
pub use timestamp::{RFC3339_NANO, Timestamp, Zone};
pub use write::write;

use bytes::Bytes;
use object::Found;

/// A structured value.
#[derive(Clone, Debug)]
pub enum Value {
    Null,
    Bool(bool),
    Int(i64),
    Uint(u64),
    Float(f64),
    /// A number as its JSON text had it; kept exactly until arithmetic reads it.
    Number(Number),
    String(Str),
    /// Text that isn't UTF-8, as where a character was cut. It is a string to mappings, and JSON has U+FFFD for each byte that is wrong.
    IllFormed(Bytes),
    Bytes(Bytes),
    Timestamp(Timestamp),
    Array(Array),
    Object(Object),
}

impl Value {
    /// The name of the type as mappings see it: `string`, `bytes`, `number`, `bool`, `timestamp`, `array`, `object` or `null`.
    pub fn type_name(&self) -> &'static str {
        match self {
            Value::Null => "null",
            Value::Bool(_) => "bool",
            Value::Int(_) | Value::Uint(_) | Value::Float(_) | Value::Number(_) => "number",
            Value::String(_) | Value::IllFormed(_) => "string",
            Value::Bytes(_) => "bytes",
            Value::Timestamp(_) => "timestamp",
            Value::Array(_) => "array",
            Value::Object(_) => "object",
        }
    }

    /// The text, if this is a string.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Value::String(s) => Some(s),
            _ => None,
        }
    }

    /// The value that is reached by `path`, each step being a key of an object; none where a step leads nowhere.
    pub fn get_path<S: AsRef<str>>(&self, path: &[S]) -> Option<Value> {
        match (path, self) {
            ([], _) => Some(self.clone()),
            (_, Value::Object(object)) => object.get_path(path),
            _ => None,
        }
    }

    /// The number that is reached by `path`, if there is one that arithmetic takes for a signed integer or a float. Nothing is
    /// copied to find out.
    #[inline]
    pub(crate) fn number_at<S: AsRef<str>>(&self, path: &[S]) -> Option<Read> {
        let read = match self {
            Value::Object(object) if !path.is_empty() => match object.find(path)? {
                Found::Value(value) => value.number_at::<S>(&[]),
                Found::Node(document, at) => document.number(at),
            },
            _ if !path.is_empty() => None,
            Value::Int(n) => Some(Read::Int(*n)),
            Value::Float(n) => Some(Read::Float(*n)),
            Value::Number(n) => Some(n.read()),
            _ => None,
        };
        read.filter(|n| n.is_in_range())
    }

    /// Bytes as a string, whether or not they are UTF-8.
    pub fn text(bytes: impl Into<Bytes>) -> Value {
        let bytes = bytes.into();
        match Str::from_utf8(bytes.clone()) {
            Ok(text) => Value::String(text),
            Err(_) => Value::IllFormed(bytes),
        }
    }

    /// A string as UTF-8; another value is given back.
    pub fn into_str(self) -> Result<Str, Value> {
        match self {
            Value::String(text) => Ok(text),
            Value::IllFormed(bytes) => Ok(Str::from_utf8_lossy(bytes)),
            other => Err(other),
        }
    }

    /// Compact JSON with sorted keys: the form that a message is written in. Nothing if there is something in it that
    /// JSON can't say (see [`write`]).
    pub fn to_json(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(write::size(self));
        write(self, &mut out);
        out
    }

    /// Whether this is a container that holds values, rather than a piece of a document.
    fn is_tree(&self) -> bool {
        match self {
            Value::Array(array) => array.is_tree(),
            Value::Object(object) => object.is_tree(),
            _ => false,
        }
    }
}

macro_rules! from {
    ($($from:ty => $variant:ident),* $(,)?) => {$(
        impl From<$from> for Value {
            fn from(v: $from) -> Value { Value::$variant(v.into()) }
        }
    )*};
}
from!(bool => Bool, i64 => Int, u64 => Uint, f64 => Float, &str => String, String => String, Str => String,
    Bytes => Bytes, Vec<Value> => Array, Array => Array, Object => Object, Number => Number, Timestamp => Timestamp);
