//! The list that was written as `[]`. The real thing has no list at all for it, which nobody sees but who writes it as text before it
//! has become part of a document: that shows `null`, also where the list is within others.
//!
//! All such lists are one and the same shared array here; whatever is made of one by a method is another, as it is there.

use crate::value::{Array, Object, Value};
use std::borrow::Cow;
use std::sync::LazyLock;

/// Lists deeper than this are written as what they seem to be, as are those in a value that takes more than so many bytes: parts that are
/// shared over and over are looked at each time.
const MAX_DEPTH: usize = 64;
const MAX_SIZE: usize = 4 << 20;

static NIL: LazyLock<Array> = LazyLock::new(Array::new);

/// What `[]` gives.
pub(crate) fn list() -> Array {
    NIL.clone()
}

fn is_nil(list: &Array) -> bool {
    list.is_shared_with(&NIL)
}

/// A value that becomes part of a document.
pub(crate) fn settled(value: Value) -> Value {
    match &value {
        Value::Array(list) if is_nil(list) => Array::new().into(),
        Value::Array(_) | Value::Object(_) if has_nil(&value) => {
            replaced(&value, &Array::new().into())
        }
        _ => value,
    }
}

/// A value as it is written as text.
pub(crate) fn shown(value: &Value) -> Cow<'_, Value> {
    match has_nil(value) {
        true => Cow::Owned(replaced(value, &Value::Null)),
        false => Cow::Borrowed(value),
    }
}

/// The same, or none if the text takes more than so many bytes.
pub(crate) fn shown_within(value: &Value, most: usize) -> Option<Cow<'_, Value>> {
    // Only what is too large to be looked into has to be measured again, against the other limit.
    match value.exceeds(MAX_SIZE) {
        true => (!value.exceeds(most)).then_some(Cow::Borrowed(value)),
        false if holds_nil(value, MAX_DEPTH) => Some(Cow::Owned(replaced(value, &Value::Null))),
        false => Some(Cow::Borrowed(value)),
    }
}

fn has_nil(value: &Value) -> bool {
    !value.exceeds(MAX_SIZE) && holds_nil(value, MAX_DEPTH)
}

fn holds_nil(value: &Value, depth: usize) -> bool {
    match value {
        Value::Array(list) if list.is_empty() => is_nil(list),
        _ if depth == 0 => false,
        Value::Array(list) => list.held() > 0 && list.iter().any(|v| holds_nil(&v, depth - 1)),
        Value::Object(object) => {
            !object.is_unread() && object.values().any(|v| holds_nil(&v, depth - 1))
        }
        _ => false,
    }
}

fn replaced(value: &Value, nil: &Value) -> Value {
    match value {
        Value::Array(list) if is_nil(list) => nil.clone(),
        value if !holds_nil(value, MAX_DEPTH) => value.clone(),
        Value::Array(list) => list
            .iter()
            .map(|v| replaced(&v, nil))
            .collect::<Array>()
            .into(),
        Value::Object(object) => {
            let mut made = Object::with_capacity(object.len());
            for (key, value) in object.iter() {
                made.insert(key, replaced(&value, nil));
            }
            made.into()
        }
        value => value.clone(),
    }
}
