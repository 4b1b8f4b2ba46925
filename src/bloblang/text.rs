//! Values as text: what interpolation, `string()` and metadata as strings give.

use super::nil;
use crate::formats::go_num;
use crate::value::{Str, Value, well_formed};
use bytes::Bytes;

/// Strings and bytes as they are, floats with an exponent where they are large, everything else as JSON. Bytes that aren't text lose what isn't.
pub(crate) fn of(value: &Value) -> Str {
    match value {
        Value::String(text) => text.clone(),
        other => {
            let bytes = bytes_of(other);
            match Str::from_utf8(bytes.clone()) {
                Ok(text) => text,
                Err(_) => well_formed(&bytes).into_owned().into(),
            }
        }
    }
}

/// The same as bytes.
pub(crate) fn bytes_of(value: &Value) -> Bytes {
    match value {
        Value::String(text) => text.clone().into_bytes(),
        Value::Bytes(bytes) | Value::IllFormed(bytes) => bytes.clone(),
        // As Go's `g`: large ones have an exponent, which JSON gives only from 1e21 on.
        Value::Float(n) => go_num::float_g(*n).into(),
        Value::Timestamp(time) => time.to_string().into(),
        Value::Array(_) | Value::Object(_) => escaped_json(&nil::shown(value)).into(),
        other => other.to_json().into(),
    }
}

/// JSON in which nothing could be taken for HTML; null for what JSON can't say. The value is as [`nil::shown`] gives it.
pub(crate) fn escaped_json(value: &Value) -> Vec<u8> {
    let plain = value.to_json();
    if plain.is_empty() {
        return b"null".to_vec();
    }
    let is_special = |b: &u8| matches!(b, b'<' | b'>' | b'&' | 0xe2);
    if !plain.iter().any(is_special) {
        return plain;
    }
    let mut out = Vec::with_capacity(plain.len() + 16);
    let mut rest = &plain[..];
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        match (byte, after) {
            (b'<', _) => out.extend_from_slice(b"\\u003c"),
            (b'>', _) => out.extend_from_slice(b"\\u003e"),
            (b'&', _) => out.extend_from_slice(b"\\u0026"),
            (0xe2, [0x80, last @ (0xa8 | 0xa9), ..]) => {
                out.extend_from_slice(if *last == 0xa8 {
                    b"\\u2028"
                } else {
                    b"\\u2029"
                });
                rest = &after[2..];
            }
            (byte, _) => out.push(byte),
        }
    }
    out
}
