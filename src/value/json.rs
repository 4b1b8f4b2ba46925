//! JSON in.

use super::{Array, Object, Value, document, document::Document, document::Kind, syntax};
use bytes::Bytes;
use std::sync::Arc;

/// Why a text isn't JSON, in the words of Go's decoder, and the byte offset at which that shows.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct JsonError {
    pub message: String,
    pub offset: usize,
}

/// Parses one JSON document; anything but space after it is an error.
///
/// The text is validated as a whole and shared with the value, which reads out of it what is asked for.
pub fn parse(text: &Bytes) -> Result<Value, JsonError> {
    let (value, used) = parse_prefix(text)?;
    let rest = document::space(text, used);
    if rest == text.len() {
        return Ok(value);
    }
    // Up to two further documents are looked at, and their own faults are what is reported.
    let second = end(text, used)?;
    if document::space(text, second) < text.len() {
        end(text, second)?;
    }
    Err(JsonError {
        message: "message contains multiple valid documents".into(),
        offset: rest,
    })
}

/// Parses the JSON document that `text` starts with, and returns it with the number of bytes it took.
pub fn parse_prefix(text: &Bytes) -> Result<(Value, usize), JsonError> {
    let (document, used) = read(text)?;
    let root = document.node(0);
    let value = match root.kind {
        Kind::Object => Value::Object(Object::raw(Arc::new(document), 0)),
        Kind::Array => Value::Array(Array::raw(Arc::new(document), 0)),
        _ => Arc::new(document).value(0),
    };
    Ok((value, used))
}

/// The document that `text` starts with, and the number of bytes it took.
fn read(text: &Bytes) -> Result<(Document, usize), JsonError> {
    if u32::try_from(text.len()).is_err() {
        return Err(JsonError {
            message: "a JSON document may not be longer than 4 GiB".into(),
            offset: text.len(),
        });
    }
    match document::read(text, 0) {
        Ok((tape, used)) => {
            let bytes = text.clone();
            Ok((Document { bytes, tape }, used))
        }
        Err(document::Faulty) => Err(explain(text, 0)),
    }
}

/// Where the document ends that begins at or after `at`.
fn end(text: &[u8], at: usize) -> Result<usize, JsonError> {
    match document::read(text, at) {
        Ok((_, end)) => Ok(end),
        Err(document::Faulty) => Err(explain(text, at)),
    }
}

#[cold]
fn explain(text: &[u8], at: usize) -> JsonError {
    syntax::fault(text, at).unwrap_or_else(|| JsonError {
        message: "invalid JSON".into(),
        offset: at,
    })
}
