//! Changes between two values: finding them, and making them.

use super::common::{equal, float, writable};
use super::paths;
use crate::bloblang::spec::{CallError, MethodFn};
use crate::codec::go_fmt::type_of;
use crate::value::{Array, Object, Str, Value};

const MISMATCH: &str = " types do not match (cause count 0)\n";

/// The changes from one value to another; null if there are none.
pub(super) fn diff(from: &Value, to: &Value) -> Result<Value, CallError> {
    let mut changes = Vec::new();
    if !matches!(from, Value::Null) {
        writable(from)?;
        compare(&mut Vec::new(), from, to, &mut changes)?;
    }
    Ok(match changes.is_empty() {
        true => Value::Null,
        false => changes.into(),
    })
}

fn compare(
    path: &mut Vec<Str>,
    from: &Value,
    to: &Value,
    changes: &mut Vec<Value>,
) -> Result<(), CallError> {
    match (from, to) {
        (Value::Null, Value::Null) => {}
        (Value::Null, _) | (_, Value::Null) if !path.is_empty() => {
            push("update", path, from, to, changes);
        }
        (Value::Object(from), Value::Object(to)) => objects(path, from, to, changes)?,
        (Value::Array(from), Value::Array(to)) => arrays(path, from, to, changes)?,
        (from, to) if kind(from) == kind(to) => {
            if !equal(from, to) {
                push("update", path, from, to, changes);
            }
        }
        _ => return Err(MISMATCH.into()),
    }
    Ok(())
}

/// What has to be the same for two values to be compared: JSON numbers are text to the original, and differ from numbers that a mapping made.
fn kind(value: &Value) -> &'static str {
    match value {
        Value::Number(_) | Value::String(_) => "string",
        other => type_of(other),
    }
}

fn objects(
    path: &mut Vec<Str>,
    from: &Object,
    to: &Object,
    changes: &mut Vec<Value>,
) -> Result<(), CallError> {
    for (key, value) in from.iter() {
        path.push(key.clone());
        match to.get(&key) {
            Some(other) => compare(path, &value, &other, changes)?,
            None => push("delete", path, &value, &Value::Null, changes),
        }
        path.pop();
    }
    for (key, value) in to.iter().filter(|(key, _)| !from.contains_key(key)) {
        path.push(key);
        push("create", path, &Value::Null, &value, changes);
        path.pop();
    }
    Ok(())
}

/// Elements that the other array has nowhere are compared with what stands in their place there, if that is new too.
fn arrays(
    path: &mut Vec<Str>,
    from: &Array,
    to: &Array,
    changes: &mut Vec<Value>,
) -> Result<(), CallError> {
    let missing = |items: &Array, others: &Array| -> Vec<Option<Value>> {
        let mut taken = vec![false; others.len()];
        let take = |item: Value| {
            let same = |(i, other): (usize, Value)| {
                !taken[i] && kind(&other) == kind(&item) && equal(&item, &other)
            };
            match others.iter().enumerate().position(same) {
                Some(at) => {
                    taken[at] = true;
                    None
                }
                None => Some(item),
            }
        };
        items.iter().map(take).collect()
    };
    let gone = missing(from, to);
    let new = missing(to, from);
    for i in 0..gone.len().max(new.len()) {
        let gone = gone.get(i).and_then(Option::as_ref);
        let new = new.get(i).and_then(Option::as_ref);
        path.push(i.to_string().into());
        match (gone, new) {
            (Some(from), Some(to)) => compare(path, from, to, changes)?,
            (Some(from), None) => push("delete", path, from, &Value::Null, changes),
            (None, Some(to)) => push("create", path, &Value::Null, to, changes),
            (None, None) => {}
        }
        path.pop();
    }
    Ok(())
}

fn push(kind: &'static str, path: &[Str], from: &Value, to: &Value, changes: &mut Vec<Value>) {
    let path: Array = path.iter().cloned().map(Value::String).collect();
    let fields = [
        (Str::from_static("From"), from.clone()),
        (Str::from_static("Path"), path.into()),
        (Str::from_static("To"), to.clone()),
        (Str::from_static("Type"), Str::from_static(kind).into()),
    ];
    changes.push(Object::from_iter(fields).into());
}

struct Change {
    deletes: bool,
    path: Vec<Str>,
    to: Value,
}

/// Makes the changes of a list.
pub(super) fn patch(args: &[Value]) -> Result<MethodFn, CallError> {
    let mut changes = Vec::new();
    match &args[0] {
        Value::Null => {}
        Value::Array(items) => {
            for item in items.iter() {
                changes.push(change(&item)?);
            }
        }
        other => {
            let got = match other {
                Value::Object(_) => "map",
                other => type_of(other),
            };
            return Err(format!("'': source data must be an array or slice, got {got}").into());
        }
    }
    // Elements are removed from the end of an array, so that those before keep their places.
    let (mut deletes, others): (Vec<Change>, Vec<Change>) =
        changes.into_iter().partition(|c| c.deletes);
    deletes.reverse();
    Ok(Box::new(move |mut receiver| {
        for change in &others {
            apply(&mut receiver, change)?;
        }
        for change in &deletes {
            remove(&mut receiver, &change.path);
        }
        Ok(receiver)
    }))
}

/// Removes what is at a path; what isn't there needs no removing.
fn remove(receiver: &mut Value, path: &[Str]) {
    if let (Value::Array(items), [place]) = (&mut *receiver, path) {
        if let Some(place) = place.parse().ok().filter(|p: &usize| *p < items.len()) {
            items.make_mut().remove(place);
        }
    } else if !path.is_empty() {
        let _ = paths::delete(receiver, path);
    }
}

fn change(item: &Value) -> Result<Change, CallError> {
    let Value::Object(fields) = item else {
        return Err(format!("'': expected a map, got '{}'", type_of(item)).into());
    };
    let path = match fields.get("Path") {
        Some(Value::Array(path)) => path.iter().map(super::common::to_text).collect(),
        _ => Vec::new(),
    };
    Ok(Change {
        deletes: fields
            .get("Type")
            .is_some_and(|t| t.as_str() == Some("delete")),
        path,
        to: fields.get("To").unwrap_or(Value::Null),
    })
}

fn apply(receiver: &mut Value, change: &Change) -> Result<(), CallError> {
    let mut path = change.path.clone();
    // A place right after the end of an array means a new element.
    if let Some((last, parents)) = path.split_last_mut()
        && !parents.is_empty()
        && let Some(Value::Array(items)) = paths::search(receiver, parents)
        && float(&Value::Int(items.len() as i64)) <= last.parse().ok()
    {
        *last = Str::from_static("-");
    }
    if let (Value::Array(items), [place]) = (&mut *receiver, &path[..])
        && place.parse().is_ok_and(|p: usize| p >= items.len())
    {
        items.push(change.to.clone());
        return Ok(());
    }
    Ok(paths::set(receiver, &path, change.to.clone())?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;

    fn json(text: &str) -> Value {
        crate::value::parse(&Bytes::copy_from_slice(text.as_bytes())).expect("a JSON document")
    }

    fn text(value: &Value) -> String {
        String::from_utf8(value.to_json()).expect("JSON is text")
    }

    #[test]
    fn changes_are_found_and_made() {
        for (from, to) in [
            (
                r#"{"a":1,"b":{"c":[1,2]}}"#,
                r#"{"b":{"c":[1,3,4]},"d":null}"#,
            ),
            ("[1,2,3]", "[1]"),
            ("[]", "[1,2]"),
            (r#"{"a":"x"}"#, r#"{"a":"y"}"#),
        ] {
            let changes = diff(&json(from), &json(to)).expect("of one kind");
            let made = patch(&[changes]).expect("a list")(json(from)).expect("it fits");
            assert_eq!(text(&made), to);
        }
    }

    #[test]
    fn kinds_must_match() {
        assert!(diff(&json("5"), &Value::Int(5)).is_err());
        assert_eq!(
            text(
                &diff(&json("[null]"), &vec![Value::Int(1), Value::Int(3)].into()).expect("arrays")
            ),
            r#"[{"From":null,"Path":["0"],"To":1,"Type":"update"},{"From":null,"Path":["1"],"To":3,"Type":"create"}]"#
        );
        assert_eq!(
            text(&diff(&json("null"), &json("[1]")).expect("null")),
            "null"
        );
    }
}
