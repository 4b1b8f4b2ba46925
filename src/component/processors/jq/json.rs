//! Values as jq writes them.

use super::fail::{Result, limit};
use super::numbers::{Num, num};
use crate::formats::go_num::float_json;
use crate::value::{self, Array, Object, Str, Value};
use bytes::Bytes;

/// The longest text that a program may make.
pub(super) const MAX_TEXT: usize = 64 << 20;
/// The most elements that an array may get.
pub(super) const MAX_ITEMS: usize = 10_000_000;

/// The text of a value.
pub(super) fn text(value: &Value) -> Result<String> {
    let mut out = Vec::new();
    if encode(value, &mut out, MAX_TEXT) {
        Ok(String::from_utf8_lossy(&out).into_owned())
    } else {
        limit(format!(
            "a text of the program is longer than {} MiB",
            MAX_TEXT >> 20
        ))
    }
}

/// The beginning of the text of a value, of so many bytes.
pub(super) fn short(value: &Value, length: usize) -> String {
    let mut out = Vec::new();
    encode(value, &mut out, length);
    let mut end = out.len().min(length);
    while end > 0 && out.get(end).is_some_and(|b| b & 0xC0 == 0x80) {
        end -= 1;
    }
    out.truncate(end);
    String::from_utf8_lossy(&out).into_owned()
}

/// A container that is being written.
enum Open {
    Array(std::vec::IntoIter<Value>, bool),
    Object(std::vec::IntoIter<(Str, Value)>, bool),
}

/// Appends the text of a value, up to a length; whether that was all of it. Values can be nested without limit, so they are not
/// followed by recursion.
fn encode(value: &Value, out: &mut Vec<u8>, most: usize) -> bool {
    let mut open: Vec<Open> = Vec::new();
    let mut next = Some(value.clone());
    loop {
        if out.len() > most {
            return false;
        }
        match next.take() {
            Some(Value::Array(array)) => {
                out.push(b'[');
                open.push(Open::Array(
                    array.iter().collect::<Vec<_>>().into_iter(),
                    true,
                ));
            }
            Some(Value::Object(object)) => {
                out.push(b'{');
                open.push(Open::Object(
                    object.iter().collect::<Vec<_>>().into_iter(),
                    true,
                ));
            }
            Some(scalar) => leaf(&scalar, out),
            None => {}
        }
        match open.last_mut() {
            None => return true,
            Some(Open::Array(items, first)) => match items.next() {
                Some(item) => {
                    if !std::mem::take(first) {
                        out.push(b',');
                    }
                    next = Some(item);
                }
                None => {
                    out.push(b']');
                    open.pop();
                }
            },
            Some(Open::Object(fields, first)) => match fields.next() {
                Some((key, field)) => {
                    if !std::mem::take(first) {
                        out.push(b',');
                    }
                    quote(&key, out);
                    out.push(b':');
                    next = Some(field);
                }
                None => {
                    out.push(b'}');
                    open.pop();
                }
            },
        }
    }
}

fn leaf(value: &Value, out: &mut Vec<u8>) {
    match num(value) {
        Some(Num::Int(n)) => out.extend_from_slice(n.to_string().as_bytes()),
        Some(Num::Big(n)) => out.extend_from_slice(n.to_string().as_bytes()),
        Some(Num::Float(n)) if n.is_nan() => out.extend_from_slice(b"null"),
        Some(Num::Float(n)) => {
            let n = n.clamp(-f64::MAX, f64::MAX);
            out.extend_from_slice(float_json(n).as_bytes());
        }
        None => match value {
            Value::String(text) => quote(text, out),
            other => {
                value::write(other, out);
            }
        },
    }
}

fn quote(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    for byte in text.bytes() {
        match byte {
            b'"' => out.extend_from_slice(b"\\\""),
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            0x8 => out.extend_from_slice(b"\\b"),
            0xC => out.extend_from_slice(b"\\f"),
            0..0x20 | 0x7F => out.extend_from_slice(format!("\\u{byte:04x}").as_bytes()),
            other => out.push(other),
        }
    }
    out.push(b'"');
}

/// A value as it leaves the program: numbers as the program takes them, and none that JSON can't say.
pub(super) fn leave(value: Value) -> Result {
    let mut left = MAX_ITEMS;
    if is_plain(&value, &mut left)? {
        return Ok(value);
    }
    let text = text(&value)?;
    let parsed = value::parse(&Bytes::from(text));
    parsed.or_else(|e| limit(format!("the result is no JSON: {e}")))
}

/// Whether a value can leave as it is.
fn is_plain(value: &Value, left: &mut usize) -> Result<bool> {
    let mut open = vec![value.clone()];
    while let Some(value) = open.pop() {
        let inner = match &value {
            Value::Array(array) => array.len(),
            Value::Object(object) => object.len(),
            Value::Float(n) if !n.is_finite() => return Ok(false),
            Value::Number(n) => {
                let text = n.as_str();
                let same = match num(&value) {
                    Some(Num::Int(n)) => n.to_string() == text,
                    Some(Num::Float(n)) => n.is_finite() && float_json(n) == text,
                    _ => true,
                };
                if !same {
                    return Ok(false);
                }
                0
            }
            _ => 0,
        };
        match left.checked_sub(inner) {
            Some(rest) => *left = rest,
            None => return limit(format!("the result has more than {MAX_ITEMS} elements")),
        }
        match value {
            Value::Array(array) => open.extend(array.iter()),
            Value::Object(object) => open.extend(object.values()),
            _ => {}
        }
    }
    Ok(true)
}

/// An array, unless it has too many elements.
pub(super) fn array(items: Vec<Value>) -> Result {
    if items.len() > MAX_ITEMS {
        return limit(format!(
            "an array of the program has more than {MAX_ITEMS} elements"
        ));
    }
    Ok(Value::Array(Array::from(items)))
}

/// A text, unless it is too long.
pub(super) fn string(text: String) -> Result {
    if text.len() > MAX_TEXT {
        return limit(format!(
            "a text of the program is longer than {} MiB",
            MAX_TEXT >> 20
        ));
    }
    Ok(text.into())
}

/// An object of fields whose names are known.
pub(super) fn object<const N: usize>(fields: [(&'static str, Value); N]) -> Value {
    let fields = fields
        .into_iter()
        .map(|(key, value)| (Str::from_static(key), value));
    Value::Object(fields.collect::<Object>())
}

/// A value as it enters the program: bytes and times are the text that they are written as.
pub(super) fn enter(value: Value) -> Value {
    let mut open = vec![value.clone()];
    while let Some(inner) = open.pop() {
        match inner {
            Value::IllFormed(_) | Value::Bytes(_) | Value::Timestamp(_) => {
                let parsed = value::parse(&Bytes::from(value.to_json()));
                return parsed.unwrap_or(value);
            }
            // What was not read yet is JSON.
            Value::Array(array) if array.held() > 0 => open.extend(array.iter()),
            Value::Object(object) if !object.is_unread() => open.extend(object.values()),
            _ => {}
        }
    }
    value
}
