//! Values as `serde_json` has them, for libraries that speak that.

use crate::value::{Array, Object, Str, Value, well_formed};
use serde_json::Value as Json;

/// The value as `serde_json` has it. Bytes become text, times RFC 3339; numbers that don't fit become floats or null.
pub fn to_json(value: &Value) -> Json {
    match value {
        Value::Null => Json::Null,
        Value::Bool(b) => Json::Bool(*b),
        Value::Int(n) => Json::from(*n),
        Value::Uint(n) => Json::from(*n),
        Value::Float(n) => Json::from(*n),
        Value::Number(n) => match (n.as_i64(), n.as_u64()) {
            (Some(n), _) => Json::from(n),
            (None, Some(n)) => Json::from(n),
            (None, None) => Json::from(n.as_f64()),
        },
        Value::String(s) => Json::String(s.to_string()),
        Value::Bytes(b) | Value::IllFormed(b) => Json::String(well_formed(b).into_owned()),
        Value::Timestamp(_) => {
            let text = value.to_json();
            serde_json::from_slice(&text).unwrap_or(Json::Null)
        }
        Value::Array(items) => Json::Array(items.iter().map(|v| to_json(&v)).collect()),
        Value::Object(fields) => Json::Object(
            fields
                .iter()
                .map(|(k, v)| (k.to_string(), to_json(&v)))
                .collect(),
        ),
    }
}

/// A value of what `serde_json` has.
pub fn from_json(json: &Json) -> Value {
    match json {
        Json::Null => Value::Null,
        Json::Bool(b) => Value::Bool(*b),
        Json::Number(n) => match (n.as_i64(), n.as_u64()) {
            (Some(n), _) => Value::Int(n),
            (None, Some(n)) => Value::Uint(n),
            (None, None) => Value::Float(n.as_f64().unwrap_or(f64::NAN)),
        },
        Json::String(s) => Value::String(Str::from(s.as_str())),
        Json::Array(items) => Value::Array(items.iter().map(from_json).collect::<Array>()),
        Json::Object(fields) => Value::Object(
            fields
                .iter()
                .map(|(k, v)| (Str::from(k.as_str()), from_json(v)))
                .collect::<Object>(),
        ),
    }
}
