//! JSON in and out.

use super::{Array, Number, Object, Str, Value};
use bytes::Bytes;

/// Why a text isn't JSON, and the byte offset at which that shows.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct JsonError {
    pub message: String,
    pub offset: usize,
}

/// Parses one JSON document; anything but space after it is an error.
pub fn parse(text: &Bytes) -> Result<Value, JsonError> {
    let (value, used) = parse_prefix(text)?;
    match text[used..].iter().position(|b| !b.is_ascii_whitespace()) {
        None => Ok(value),
        Some(at) => Err(JsonError {
            message: "message contains multiple valid documents".into(),
            offset: used + at,
        }),
    }
}

/// Parses the JSON document that `text` starts with, and returns it with the number of bytes it took.
pub fn parse_prefix(text: &Bytes) -> Result<(Value, usize), JsonError> {
    let mut stream =
        serde_json::Deserializer::from_slice(text).into_iter::<Box<serde_json::value::RawValue>>();
    let fail = |message: String, offset| JsonError { message, offset };
    match stream.next() {
        None => Err(fail("unexpected end of JSON input".into(), text.len())),
        Some(Err(e)) => Err(fail(e.to_string(), e.column())),
        Some(Ok(raw)) => {
            let used = stream.byte_offset();
            Ok((
                from_raw(raw.get()).map_err(|e| fail(e.to_string(), e.column()))?,
                used,
            ))
        }
    }
}

fn from_raw(text: &str) -> Result<Value, serde_json::Error> {
    use std::collections::BTreeMap;
    type Raw<'a> = &'a serde_json::value::RawValue;
    Ok(match text.as_bytes()[0] {
        b'{' => {
            let fields: BTreeMap<String, Raw<'_>> = serde_json::from_str(text)?;
            let read = |(k, v): (String, Raw<'_>)| Ok((Str::from(k), from_raw(v.get())?));
            Value::Object(
                fields
                    .into_iter()
                    .map(read)
                    .collect::<Result<Object, serde_json::Error>>()?,
            )
        }
        b'[' => {
            let items: Vec<Raw<'_>> = serde_json::from_str(text)?;
            Value::Array(
                items
                    .into_iter()
                    .map(|v| from_raw(v.get()))
                    .collect::<Result<Array, _>>()?,
            )
        }
        b'"' => Value::String(serde_json::from_str::<String>(text)?.into()),
        b't' => Value::Bool(true),
        b'f' => Value::Bool(false),
        b'n' => Value::Null,
        _ => Value::Number(Number::from_json_text(text.into())),
    })
}

/// Appends `value` to `out` as compact JSON with sorted keys. Bytes are written as base64 text, timestamps as RFC 3339.
pub fn write(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::Null => out.extend_from_slice(b"null"),
        Value::Bool(b) => out.extend_from_slice(if *b { b"true" } else { b"false" }),
        Value::Int(n) => out.extend_from_slice(itoa::Buffer::new().format(*n).as_bytes()),
        Value::Uint(n) => out.extend_from_slice(itoa::Buffer::new().format(*n).as_bytes()),
        Value::Float(n) => out.extend_from_slice(n.to_string().as_bytes()),
        Value::Number(n) => out.extend_from_slice(n.as_str().as_bytes()),
        Value::String(s) => write_string(s, out),
        Value::Bytes(b) => {
            use base64::Engine;
            write_string(&base64::engine::general_purpose::STANDARD.encode(b), out);
        }
        Value::Timestamp(t) => write_string(&t.to_string(), out),
        Value::Array(items) => {
            out.push(b'[');
            for (i, item) in items.iter().enumerate() {
                if i > 0 {
                    out.push(b',');
                }
                write(&item, out);
            }
            out.push(b']');
        }
        Value::Object(fields) => {
            out.push(b'{');
            for (i, (key, field)) in fields.iter().enumerate() {
                if i > 0 {
                    out.push(b',');
                }
                write_string(&key, out);
                out.push(b':');
                write(&field, out);
            }
            out.push(b'}');
        }
    }
}

fn write_string(text: &str, out: &mut Vec<u8>) {
    serde_json::to_writer(out, text).expect("text always serialises into memory");
}
