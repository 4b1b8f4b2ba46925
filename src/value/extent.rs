//! How large a value would be if it were written.
//!
//! Parts are shared: a list that holds itself twice, made forty times over, takes no memory until somebody writes it.

use super::{Array, Object, Value, array, document::Document, fields, object};
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
        // Takes what a part needs from what is left, and says whether there was enough.
        let mut take = |key: usize, part: &Value| {
            let rest = left.checked_sub(key + own(part));
            left = rest.unwrap_or(0);
            rest.is_some()
        };
        if !take(0, self) {
            return true;
        }
        let mut next = Some(self);
        'next: loop {
            match next.take() {
                Some(Value::Array(Array(array::Repr::Tree(items)))) => {
                    open.push(Open::Items(items.0.iter()));
                }
                Some(Value::Object(Object(object::Repr::Tree(fields)))) => {
                    open.push(Open::Fields(fields.iter()));
                }
                Some(Value::Object(Object(object::Repr::Edited(edited)))) => {
                    open.push(Open::Edits(edited.edits.iter()));
                }
                _ => {}
            }
            macro_rules! each {
                ($parts:expr) => {
                    for (key, part) in $parts {
                        if !take(key, part) {
                            return true;
                        }
                        if part.is_tree() {
                            next = Some(part);
                            continue 'next;
                        }
                    }
                };
            }
            match open.last_mut() {
                None => return false,
                Some(Open::Items(items)) => each!(items.map(|item| (0, item))),
                Some(Open::Fields(fields)) => each!(fields.map(|(key, part)| (key.len(), part))),
                Some(Open::Edits(edits)) => {
                    each!(edits.filter_map(|(key, part)| Some((key.len(), part.as_ref()?))));
                }
            }
            open.pop();
        }
    }
}

/// What a value takes without its parts.
#[inline(always)]
fn own(value: &Value) -> usize {
    let piece = |document: &Document, node: u32| {
        let node = document.node(node);
        (node.end - node.start) as usize
    };
    SMALL
        + match value {
            Value::String(text) => text.len(),
            Value::Bytes(bytes) | Value::IllFormed(bytes) => bytes.len(),
            Value::Array(Array(array::Repr::Raw(document, node)))
            | Value::Object(Object(object::Repr::Raw(document, node))) => piece(document, *node),
            Value::Object(Object(object::Repr::Edited(edited))) => {
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
