//! Values as text: what interpolation, `string()` and metadata as strings give.

use crate::formats::go_num;
use crate::value::{Str, Value};
use bytes::Bytes;

/// Strings and bytes as they are, floats with an exponent where they are large, everything else as JSON. Bytes that aren't text lose what isn't.
pub(crate) fn of(value: &Value) -> Str {
    match value {
        Value::String(text) => text.clone(),
        other => {
            let bytes = bytes_of(other);
            match Str::from_utf8(bytes.clone()) {
                Ok(text) => text,
                Err(_) => String::from_utf8_lossy(&bytes).into_owned().into(),
            }
        }
    }
}

/// The same as bytes.
pub(crate) fn bytes_of(value: &Value) -> Bytes {
    match value {
        Value::String(text) => text.clone().into_bytes(),
        Value::Bytes(bytes) => bytes.clone(),
        // As Go's `g`: large ones have an exponent, which JSON gives only from 1e21 on.
        Value::Float(n) => go_num::float_g(*n).into(),
        Value::Timestamp(time) => time.to_string().into(),
        other => other.to_json().into(),
    }
}
