//! How methods read receivers and arguments: which types count as text or as numbers, and when two values are equal.

use crate::bloblang::{nil, spec::CallError};
use crate::formats::{go_num, go_quote};
use crate::value::{Object, Str, Value, well_formed};
use bytes::Bytes;
use std::borrow::Cow;

/// A receiver that is text or bytes. Results are of the receiver's type, so that what came as bytes stays bytes.
pub(super) enum Text {
    Str(Str),
    IllFormed(Bytes),
    Bytes(Bytes),
}

impl Text {
    pub(super) fn of(value: Value) -> Result<Text, CallError> {
        match value {
            Value::String(text) => Ok(Text::Str(text)),
            Value::IllFormed(bytes) => Ok(Text::IllFormed(bytes)),
            Value::Bytes(bytes) => Ok(Text::Bytes(bytes)),
            other => Err(CallError::wanted("string", other)),
        }
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        match self {
            Text::Str(text) => text.as_bytes(),
            Text::Bytes(bytes) | Text::IllFormed(bytes) => bytes,
        }
    }

    pub(super) fn into_value(self) -> Value {
        match self {
            Text::Str(text) => Value::String(text),
            Text::IllFormed(bytes) => Value::IllFormed(bytes),
            Text::Bytes(bytes) => Value::Bytes(bytes),
        }
    }

    /// Bytes as a value of this one's type.
    pub(super) fn like(&self, bytes: Vec<u8>) -> Value {
        match self {
            Text::Str(_) | Text::IllFormed(_) => Value::text(bytes),
            Text::Bytes(_) => Value::Bytes(bytes.into()),
        }
    }

    /// The part `start..end`.
    pub(super) fn part(&self, start: usize, end: usize) -> Value {
        match self {
            Text::Str(text) => match text.piece(start..end) {
                Some(part) => Value::String(part),
                None => Value::text(text.clone().into_bytes().slice(start..end)),
            },
            Text::IllFormed(bytes) => Value::text(bytes.slice(start..end)),
            Text::Bytes(bytes) => Value::Bytes(bytes.slice(start..end)),
        }
    }
}

/// The receiver as text where timestamps count as text too. Bytes that aren't UTF-8 get replacement characters.
pub(super) fn string(value: Value) -> Result<Str, CallError> {
    match value {
        Value::String(text) => Ok(text),
        Value::Bytes(bytes) | Value::IllFormed(bytes) => Ok(Str::from_utf8_lossy(bytes)),
        Value::Timestamp(time) => Ok(time.to_string().into()),
        other => Err(CallError::wanted("string", other)),
    }
}

/// The same as the bytes that it is.
pub(super) fn string_bytes(value: Value) -> Result<Bytes, CallError> {
    match value {
        Value::Bytes(bytes) | Value::IllFormed(bytes) => Ok(bytes),
        other => Ok(string(other)?.into_bytes()),
    }
}

/// Maps text, and leaves bytes in it that aren't UTF-8 as they are.
pub(super) fn map_chunks(bytes: &[u8], map: fn(&str) -> String) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        out.extend_from_slice(map(chunk.valid()).as_bytes());
        out.extend_from_slice(chunk.invalid());
    }
    out
}

/// The same for a receiver; the result is a string.
pub(super) fn map_well_formed(value: Value, map: fn(&str) -> String) -> Result<Value, CallError> {
    match value {
        Value::Bytes(bytes) | Value::IllFormed(bytes) => Ok(Value::text(map_chunks(&bytes, map))),
        other => Ok(map(&string(other)?).into()),
    }
}

/// Bytes that a number may be read from by the function `reader`, which fails on what isn't UTF-8.
pub(super) fn number_text<'b>(reader: &str, bytes: &'b [u8]) -> Result<&'b str, CallError> {
    std::str::from_utf8(bytes).map_err(|_| {
        let shown = go_quote::quote_bytes(bytes);
        CallError::from(format!("strconv.{reader}: parsing {shown}: invalid syntax"))
    })
}

/// A string argument, which the evaluator has checked.
pub(super) fn str_arg(value: &Value) -> Cow<'_, str> {
    match value {
        Value::String(text) => Cow::Borrowed(text),
        Value::Bytes(bytes) | Value::IllFormed(bytes) => well_formed(bytes),
        other => string(other.clone()).map_or(Cow::Borrowed(""), |s| s.to_string().into()),
    }
}

/// A string argument whose bytes matter.
pub(super) fn bytes_arg(value: &Value) -> Bytes {
    match value {
        Value::String(text) => text.clone().into_bytes(),
        Value::Bytes(bytes) | Value::IllFormed(bytes) => bytes.clone(),
        other => Bytes::from(str_arg(other).into_owned()),
    }
}

/// An optional string argument.
pub(super) fn optional_str(value: &Value) -> Option<Cow<'_, str>> {
    (!matches!(value, Value::Null)).then(|| str_arg(value))
}

/// A whole number as an argument, or none if there is no number.
pub(super) fn int(value: &Value) -> Option<i64> {
    match value {
        Value::Int(n) => Some(*n),
        Value::Uint(n) => Some(*n as i64),
        Value::Float(n) => Some(*n as i64),
        Value::Number(n) => Some(n.as_i64().unwrap_or(n.as_f64() as i64)),
        _ => None,
    }
}

/// The value as a float, if it is a number.
pub(super) fn float(value: &Value) -> Option<f64> {
    match value {
        Value::Int(n) => Some(*n as f64),
        Value::Uint(n) => Some(*n as f64),
        Value::Float(n) => Some(*n),
        Value::Number(n) => Some(n.as_f64()).filter(|n| n.is_finite()),
        _ => None,
    }
}

/// An error about an element of an argument or receiver, which names its own place: `index 3: expected number value, got null`.
pub(super) fn nested(place: &str, wanted: &'static str, got: &Value) -> String {
    format!(
        "{place}: {}",
        CallError::wanted(wanted, got.clone()).text(None)
    )
}

/// The largest text that a value is written as, in bytes.
const MAX_WRITTEN: usize = 256 << 20;
const TOO_LARGE: &str = "the value takes more than 256 MiB as text";

/// The value, unless it is too large to be written: shared parts take room each time.
pub(super) fn writable(value: &Value) -> Result<&Value, CallError> {
    match value.exceeds(MAX_WRITTEN) {
        true => Err(TOO_LARGE.into()),
        false => Ok(value),
    }
}

/// The same, as the text shows it.
pub(super) fn shown(value: &Value) -> Result<Cow<'_, Value>, CallError> {
    nil::shown_within(value, MAX_WRITTEN).ok_or_else(|| TOO_LARGE.into())
}

/// Whether two values are equal: numbers by value whatever their type, strings and bytes by content, arrays and objects by elements. A bool
/// on the left compares with numbers too, as does null on either side with a missing field.
pub(crate) fn equal(left: &Value, right: &Value) -> bool {
    match left {
        Value::Null => matches!(right, Value::Null),
        Value::String(_) | Value::IllFormed(_) | Value::Bytes(_) | Value::Timestamp(_) => {
            texts_are_equal(left, right).unwrap_or(false)
        }
        Value::Int(_) | Value::Uint(_) | Value::Float(_) | Value::Number(_) => {
            float(left) == float(right) && float(left).is_some()
        }
        Value::Bool(left) => match right {
            Value::Bool(right) => left == right,
            Value::Number(n) => *left == (n.as_str() != "0"),
            other => float(other).is_some_and(|n| *left == (n != 0.0)),
        },
        Value::Array(left) => match right {
            Value::Array(right) => {
                left.len() == right.len()
                    && left.iter().zip(right.iter()).all(|(l, r)| equal(&l, &r))
            }
            _ => false,
        },
        Value::Object(left) => match right {
            Value::Object(right) => objects_are_equal(left, right),
            _ => false,
        },
    }
}

fn objects_are_equal(left: &Object, right: &Object) -> bool {
    left.len() == right.len()
        && left
            .iter()
            .all(|(key, value)| equal(&value, &right.get(&key).unwrap_or(Value::Null)))
}

fn texts_are_equal(left: &Value, right: &Value) -> Option<bool> {
    if let (Value::String(l), Value::String(r)) = (left, right) {
        return Some(**l == **r);
    }
    let bytes = |value: &Value| match value {
        Value::String(text) => Some(text.clone().into_bytes()),
        Value::Bytes(bytes) | Value::IllFormed(bytes) => Some(bytes.clone()),
        Value::Timestamp(time) => Some(Bytes::from(time.to_string())),
        _ => None,
    };
    Some(bytes(left)? == bytes(right)?)
}

/// Any value as text: text as it is, numbers as Go prints them, structures as JSON.
pub(crate) fn to_text(value: Value) -> Str {
    match value {
        Value::String(text) => text,
        Value::Bytes(bytes) | Value::IllFormed(bytes) => Str::from_utf8_lossy(bytes),
        Value::Int(n) => itoa::Buffer::new().format(n).into(),
        Value::Uint(n) => itoa::Buffer::new().format(n).into(),
        Value::Float(n) => go_num::float_g(n).into(),
        Value::Number(n) => n.as_str().into(),
        Value::Bool(b) => Str::from_static(if b { "true" } else { "false" }),
        Value::Timestamp(time) => time.to_string().into(),
        Value::Null => Str::from_static("null"),
        structure @ (Value::Array(_) | Value::Object(_)) => {
            Str::from_utf8_lossy(structure.to_json().into())
        }
    }
}

/// As [`to_text`], with bytes left as they are.
pub(crate) fn to_bytes(value: Value) -> Bytes {
    match value {
        Value::Bytes(bytes) | Value::IllFormed(bytes) => bytes,
        other => to_text(other).into_bytes(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::parse;

    fn json(text: &str) -> Value {
        parse(&Bytes::copy_from_slice(text.as_bytes())).expect("a JSON document")
    }

    #[test]
    fn equality_looks_through_representations() {
        assert!(equal(&json("1.0"), &Value::Int(1)));
        assert!(equal(
            &json(r#"[1,{"a":null}]"#),
            &json(r#"[1.0,{"a":null}]"#)
        ));
        assert!(equal(&"a".into(), &Value::Bytes(Bytes::from_static(b"a"))));
        assert!(equal(&true.into(), &Value::Int(5)));
        assert!(!equal(&Value::Int(1), &true.into()));
        assert!(!equal(&Value::Null, &false.into()));
        assert!(!equal(&"1".into(), &Value::Int(1)));
    }
}
