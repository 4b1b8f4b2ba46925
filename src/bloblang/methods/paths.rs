//! Dot paths into values: `a.b.0`, with `~1` for a dot and `~0` for a tilde in a name, and `*` for every element of an array.

use crate::formats::go_num;
use crate::value::{Object, Str, Value};

/// The names of a path.
pub(crate) fn split(path: &str) -> Vec<Str> {
    let name = |part: &str| match part.contains('~') {
        true => part.replace("~1", ".").replace("~0", "~").into(),
        false => Str::from(part),
    };
    path.split('.').map(name).collect()
}

/// The value at a path; none if there is none.
pub(crate) fn search(value: &Value, path: &[Str]) -> Option<Value> {
    let Some((name, rest)) = path.split_first() else {
        return Some(value.clone());
    };
    match value {
        Value::Object(fields) => search(&fields.get(name)?, rest),
        Value::Array(items) if &**name == "*" => {
            if rest.is_empty() {
                return Some(match items.is_empty() {
                    true => Value::Null,
                    false => value.clone(),
                });
            }
            let found: Vec<Value> = items.iter().filter_map(|v| search(&v, rest)).collect();
            Some(match found.is_empty() {
                true => Value::Null,
                false => found.into(),
            })
        }
        Value::Array(items) => {
            let index = usize::try_from(go_num::parse_index(name).ok()?).ok()?;
            search(&items.get(index)?, rest)
        }
        _ => None,
    }
}

const COLLISION: &str = "encountered value collision whilst building path";

/// Puts a value at a path, and makes the objects that the path needs.
pub(crate) fn set(root: &mut Value, path: &[Str], value: Value) -> Result<(), String> {
    set_at(root, path, 0, value)
}

fn set_at(target: &mut Value, path: &[Str], depth: usize, value: Value) -> Result<(), String> {
    let Some(name) = path.get(depth) else {
        *target = value;
        return Ok(());
    };
    let last = depth + 1 == path.len();
    match target {
        Value::Null if depth == 0 => {
            *target = Value::Object(Object::new());
            set_at(target, path, depth, value)
        }
        Value::Object(fields) => {
            if last {
                fields.insert(name.clone(), value);
                return Ok(());
            }
            if !matches!(fields.get(name), Some(ref inner) if !matches!(inner, Value::Null)) {
                fields.insert(name.clone(), Value::Object(Object::new()));
            }
            let inner = fields.get_mut(name).expect("it was made above");
            set_at(inner, path, depth + 1, value)
        }
        Value::Array(items) if &**name == "-" => {
            if depth == 0 {
                return Err("unable to append new array index at root of path".into());
            }
            let mut item = match last {
                true => Value::Null,
                false => Value::Object(Object::new()),
            };
            set_at(&mut item, path, depth + 1, value)?;
            items.push(item);
            Ok(())
        }
        Value::Array(items) => {
            let index = index(name, items.len(), depth)?;
            let item = &mut items.make_mut()[index];
            if !last && matches!(item, Value::Null) {
                return Err(format!(
                    "failed to resolve path segment '{depth}': field '{name}' was not found"
                ));
            }
            set_at(item, path, depth + 1, value)
        }
        _ => Err(COLLISION.into()),
    }
}

fn index(name: &str, len: usize, depth: usize) -> Result<usize, String> {
    let fail =
        |why: String| format!("failed to resolve path segment '{depth}': found array but {why}");
    let index = go_num::parse_index(name).map_err(|e| {
        fail(format!(
            "segment value '{name}' could not be parsed into array index: {e}"
        ))
    })?;
    let index = usize::try_from(index).map_err(|_| fail(format!("index '{name}' is invalid")))?;
    if index >= len {
        return Err(fail(format!(
            "index '{name}' exceeded target array size of '{len}'"
        )));
    }
    Ok(index)
}

/// Removes what is at a path.
pub(crate) fn delete(root: &mut Value, path: &[Str]) -> Result<(), String> {
    if matches!(root, Value::Null) {
        return Err("not an object".into());
    }
    let (name, parents) = path.split_last().expect("a path has a name");
    let mut target = search(root, parents).unwrap_or(Value::Null);
    match &mut target {
        Value::Object(fields) => {
            if !fields.remove(name) {
                return Err("field not found".into());
            }
        }
        Value::Array(items) => {
            if parents.is_empty() {
                return Err("unable to delete array index at root of path".into());
            }
            let index = go_num::parse_index(name)
                .map_err(|e| format!("failed to parse array index '{name}': {e}"))?;
            match usize::try_from(index) {
                Ok(index) if index < items.len() => items.make_mut().remove(index),
                _ => return Err("out of bounds".into()),
            };
        }
        _ => return Err("not an object or array".into()),
    }
    set(root, parents, target)
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
    fn paths_are_searched() {
        let doc = json(r#"{"a":{"b":[1,{"c":2},{"c":3}]},"x.y":4,"~":5}"#);
        for (path, found) in [
            ("a.b.0", "1"),
            ("a.b.*.c", "[2,3]"),
            ("x~1y", "4"),
            ("~0", "5"),
            ("a.b.*.z", "null"),
        ] {
            let value = search(&doc, &split(path));
            assert_eq!(value.as_ref().map(text).as_deref(), Some(found), "{path}");
        }
        for path in ["a.z", "a.b.9", "a.b.x", "a.b.0.c", ""] {
            assert!(search(&doc, &split(path)).is_none(), "{path}");
        }
    }

    #[test]
    fn paths_are_set_and_deleted() {
        let edit = |doc: &str, path: &str, value: Option<&str>| {
            let mut doc = json(doc);
            let path = split(path);
            match value {
                Some(value) => set(&mut doc, &path, json(value)),
                None => delete(&mut doc, &path),
            }
            .map(|()| text(&doc))
        };
        assert_eq!(
            edit("null", "a.b", Some("1")).as_deref(),
            Ok(r#"{"a":{"b":1}}"#)
        );
        assert_eq!(
            edit(r#"{"a":[1,2]}"#, "a.1", Some("9")).as_deref(),
            Ok(r#"{"a":[1,9]}"#)
        );
        assert_eq!(
            edit(r#"{"a":[1]}"#, "a.-.b", Some("9")).as_deref(),
            Ok(r#"{"a":[1,{"b":9}]}"#)
        );
        assert_eq!(edit(r#"{"a":1}"#, "a.b", Some("9")), Err(COLLISION.into()));
        assert_eq!(
            edit(r#"{"a":{"b":1,"c":2}}"#, "a.b", None).as_deref(),
            Ok(r#"{"a":{"c":2}}"#)
        );
        assert_eq!(
            edit(r#"{"a":[1,2,3]}"#, "a.1", None).as_deref(),
            Ok(r#"{"a":[1,3]}"#)
        );
        assert_eq!(
            edit(r#"{"a":[1]}"#, "a.3", None),
            Err("out of bounds".into())
        );
        assert_eq!(edit(r#"{"a":1}"#, "b", None), Err("field not found".into()));
    }
}
