//! How large a value would be if it were written.
//!
//! Parts are shared: a list that holds itself twice, made forty times over, takes no memory until somebody writes it.

use super::{Array, Object, Value, array, edited, fields, object};
use smallvec::SmallVec;

/// What numbers, times, and the punctuation around a part count for.
const SMALL: usize = 8;

enum Open<'a> {
    Items(std::slice::Iter<'a, Value>),
    Fields(fields::Iter<'a>),
    Edits(std::slice::Iter<'a, (super::Str, Option<Value>)>),
}

impl Value {
    /// Whether the value takes more than about so many bytes when it is written. Looks only as far as it has to.
    pub fn exceeds(&self, bytes: usize) -> bool {
        let mut open: SmallVec<[Open<'_>; 8]> = SmallVec::new();
        let mut left = bytes;
        let mut next = Some(self);
        loop {
            if let Some(value) = next.take() {
                let Some(rest) = left.checked_sub(own(value)) else {
                    return true;
                };
                left = rest;
                match value {
                    Value::Array(Array(array::Repr::Tree(items))) => {
                        open.push(Open::Items(items.0.iter()));
                    }
                    Value::Object(Object(object::Repr::Tree(fields))) => {
                        open.push(Open::Fields(fields.iter()));
                    }
                    Value::Object(Object(object::Repr::Edited(edited))) => {
                        open.push(Open::Edits(edited.edits.iter()));
                    }
                    _ => {}
                }
            }
            let Some(container) = open.last_mut() else {
                return false;
            };
            let part = match container {
                Open::Items(items) => items.next().map(|item| (0, Some(item))),
                Open::Fields(fields) => fields.next().map(|(key, value)| (key.len(), Some(value))),
                Open::Edits(edits) => edits.next().map(|(key, value)| (key.len(), value.as_ref())),
            };
            match part {
                None => {
                    open.pop();
                }
                Some((key, value)) => {
                    left = left.saturating_sub(key);
                    next = value;
                }
            }
        }
    }
}

/// What a value takes without its parts.
fn own(value: &Value) -> usize {
    let piece = |document: &super::document::Document, node: u32| {
        let node = document.node(node);
        (node.end - node.start) as usize
    };
    SMALL
        + match value {
            Value::String(text) => text.len(),
            Value::Bytes(bytes) => bytes.len(),
            Value::Array(Array(array::Repr::Raw(document, node)))
            | Value::Object(Object(object::Repr::Raw(document, node))) => piece(document, *node),
            Value::Object(Object(object::Repr::Edited(edited))) => {
                let edited: &edited::Edited = edited;
                piece(&edited.document, edited.node)
            }
            _ => 0,
        }
}

#[cfg(test)]
mod tests {
    use super::super::parse;
    use super::*;
    use bytes::Bytes;

    #[test]
    fn what_is_shared_counts_each_time() {
        let mut value = parse(&Bytes::from_static(br#"{"a":[1,2,3]}"#)).expect("JSON");
        assert!(!value.exceeds(100));
        for _ in 0..40 {
            value = Value::Array(Array::from(vec![value.clone(), value]));
        }
        assert!(value.exceeds(1 << 30));
    }

    #[test]
    fn texts_pieces_and_edits_count() {
        let text = "x".repeat(1_000);
        let document = format!(r#"{{"a":"{text}","b":1}}"#);
        let mut value = parse(&document.into()).expect("JSON");
        assert!(value.exceeds(900) && !value.exceeds(1_100));
        if let Value::Object(object) = &mut value {
            object.insert("c", text.as_str().into());
        }
        assert!(value.exceeds(1_900) && !value.exceeds(2_200));
        assert!(Value::from(text.as_str()).exceeds(900));
        assert!(!Value::Null.exceeds(10));
    }
}
