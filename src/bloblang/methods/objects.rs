//! Table: methods on objects, and those that address values by paths.

use super::common::{nested, str_arg, string, to_bytes, writable};
use super::{diff, json_path, json_schema, paths};
use crate::bloblang::spec::{
    CallError, Example, MethodCall, MethodFn, MethodSpec, Param, ParamKind, Status,
};
use crate::value::{Object, Str, Value};
use memchr::memmem;

const PATH: Param = Param::new("path", ParamKind::String, "A dot path, as in `a.b.0`.");
const PATHS: &[Param] = &[Param::new(
    "paths",
    ParamKind::Variadic,
    "Dot paths, as in `a.b`.",
)];
const WITH: &[Param] = &[Param::new("with", ParamKind::Any, "The value to merge in.")];

pub(super) static TABLE: &[MethodSpec] = &[
    MethodSpec::new(
        "assign",
        "Merges another object into this one; where both have a value that isn't an object, the other's holds. Of arrays, appends.",
        WITH,
        &[Example::new(
            "The second wins.",
            "root = this.a.assign(this.b)",
            &[(
                r#"{"a":{"x":1,"y":{"p":1}},"b":{"x":2,"y":{"q":2}}}"#,
                r#"{"x":2,"y":{"p":1,"q":2}}"#,
            )],
        )],
        MethodCall::Plain(|receiver, args| merged(receiver, &args[0], assign_into)),
    ),
    MethodSpec::new(
        "collapse",
        "An object with one field for each value in a structure, named by the value's full path.",
        &[Param::new(
            "include_empty",
            ParamKind::Bool,
            "Whether empty arrays and objects get a field too.",
        )
        .default("false")],
        &[Example::new(
            "Flat.",
            "root = this.collapse()",
            &[(r#"{"a":[{"b":1},{"c":[]}]}"#, r#"{"a.0.b":1}"#)],
        )],
        MethodCall::Plain(|receiver, args| {
            let empty = matches!(args[0], Value::Bool(true));
            let mut flat = Vec::new();
            match &receiver {
                Value::Object(_) | Value::Array(_) => {
                    collapse(writable(&receiver)?, "", empty, &mut flat);
                }
                _ => return Err("not an object or array".into()),
            }
            Ok(Value::Object(flat.into_iter().collect()))
        }),
    ),
    MethodSpec::new(
        "contains",
        "Tells whether an array or object has a value equal to the argument, or a text has the argument's text within.",
        &[Param::new("value", ParamKind::Any, "What to look for.")],
        &[Example::new(
            "In three ways.",
            r#"root = [this.text.contains("b"), this.list.contains(20), this.map.contains("x")]"#,
            &[(
                r#"{"text":"abc","list":[10,20.0],"map":{"k":"x"}}"#,
                "[true,true,true]",
            )],
        )],
        MethodCall::Plain(|receiver, args| {
            let found = match &receiver {
                Value::String(text) => {
                    memmem::find(text.as_bytes(), &to_bytes(args[0].clone())).is_some()
                }
                Value::Bytes(bytes) | Value::IllFormed(bytes) => {
                    memmem::find(bytes, &to_bytes(args[0].clone())).is_some()
                }
                Value::Array(items) => items.iter().any(|v| super::common::equal(&args[0], &v)),
                Value::Object(fields) => fields
                    .iter()
                    .any(|(_, v)| super::common::equal(&args[0], &v)),
                _ => return Err(CallError::wanted("string, array or object", receiver)),
            };
            Ok(found.into())
        }),
    ),
    MethodSpec::new(
        "diff",
        "What changes from this value to another, as an array of changes that `patch` understands.",
        &[Param::new("other", ParamKind::Any, "The later value.")],
        &[Example::new(
            "One change.",
            "root = this.a.diff(this.b)",
            &[(
                r#"{"a":{"x":1,"y":2},"b":{"x":1,"y":3}}"#,
                r#"[{"From":2,"Path":["y"],"To":3,"Type":"update"}]"#,
            )],
        )],
        MethodCall::Plain(|receiver, args| diff::diff(&receiver, &args[0])),
    )
    .status(Status::Beta)
    .sourceless(),
    MethodSpec::new(
        "explode",
        "A copy of the object for each element of the array (or field of the object) at a path, with that element in its place.",
        &[PATH],
        &[
            Example::new(
                "An array.",
                r#"root = this.explode("v")"#,
                &[(
                    r#"{"id":1,"v":["a","b"]}"#,
                    r#"[{"id":1,"v":"a"},{"id":1,"v":"b"}]"#,
                )],
            ),
            Example::new(
                "An object.",
                r#"root = this.explode("v")"#,
                &[(
                    r#"{"id":1,"v":{"x":2,"y":3}}"#,
                    r#"{"x":{"id":1,"v":2},"y":{"id":1,"v":3}}"#,
                )],
            ),
        ],
        MethodCall::Prepared(explode),
    ),
    MethodSpec::new(
        "json_path",
        "What a JSONPath expression selects: a value if it can select but one, else an array.",
        &[Param::new(
            "expression",
            ParamKind::String,
            "The JSONPath expression.",
        )],
        &[Example::new(
            "All names.",
            r#"root = this.json_path("$..name")"#,
            &[(r#"{"a":{"name":"x"},"name":"y"}"#, r#"["y","x"]"#)],
        )],
        MethodCall::Prepared(json_path::prepare),
    )
    .status(Status::Experimental)
    .sourceless(),
    MethodSpec::new(
        "json_schema",
        "The value itself if it fits a JSON Schema, else an error that says what doesn't.",
        &[Param::new(
            "schema",
            ParamKind::String,
            "The schema, as JSON text.",
        )],
        &[Example::new(
            "A required field.",
            r#"root = this.json_schema("""{"type":"object","required":["id"]}""")"#,
            &[
                (r#"{"id":1}"#, r#"{"id":1}"#),
                (
                    "{}",
                    "Error: failed assignment (line 1): field `this`: (root) id is required",
                ),
            ],
        )],
        MethodCall::Prepared(json_schema::prepare),
    ),
    MethodSpec::new(
        "key_values",
        "The fields of an object as an array of objects with a `key` and a `value`, by key.",
        &[],
        &[Example::new(
            "Two fields.",
            "root = this.key_values()",
            &[(
                r#"{"b":2,"a":1}"#,
                r#"[{"key":"a","value":1},{"key":"b","value":2}]"#,
            )],
        )],
        MethodCall::Plain(|receiver, _| {
            let pair = |(key, value)| -> Value {
                let fields = [
                    (Str::from_static("key"), Value::String(key)),
                    (Str::from_static("value"), value),
                ];
                Object::from_iter(fields).into()
            };
            Ok(Value::Array(object(receiver)?.iter().map(pair).collect()))
        }),
    ),
    MethodSpec::new(
        "keys",
        "The keys of an object, in order.",
        &[],
        &[Example::new(
            "Two keys.",
            "root = this.keys()",
            &[(r#"{"b":2,"a":1}"#, r#"["a","b"]"#)],
        )],
        MethodCall::Plain(|receiver, _| {
            Ok(Value::Array(
                object(receiver)?.keys().map(Value::String).collect(),
            ))
        }),
    ),
    MethodSpec::new(
        "merge",
        "Merges another object into this one; where both have a value that isn't an object, the result has an array of both. Of arrays, appends.",
        WITH,
        &[Example::new(
            "Both are kept.",
            "root = this.a.merge(this.b)",
            &[(
                r#"{"a":{"x":1,"y":{"p":1}},"b":{"x":2,"y":{"q":2}}}"#,
                r#"{"x":[1,2],"y":{"p":1,"q":2}}"#,
            )],
        )],
        MethodCall::Plain(|receiver, args| merged(receiver, &args[0], merge_into)),
    ),
    MethodSpec::new(
        "patch",
        "Makes the changes that `diff` found.",
        &[Param::new("changelog", ParamKind::Any, "The changes.")],
        &[Example::new(
            "One change.",
            "root = this.a.patch(this.a.diff(this.b))",
            &[(
                r#"{"a":{"x":1,"y":2},"b":{"x":1,"z":[3]}}"#,
                r#"{"x":1,"z":[3]}"#,
            )],
        )],
        MethodCall::Prepared(diff::patch),
    )
    .status(Status::Beta)
    .sourceless(),
    MethodSpec::new(
        "set",
        "The structure with a value at a path; `deleted()` removes what is there.",
        &[
            PATH,
            Param::new("value", ParamKind::Any, "The value to put there."),
        ],
        &[Example::new(
            "Inside.",
            r#"root = this.set("a.b", 5)"#,
            &[(r#"{"a":{"c":1}}"#, r#"{"a":{"b":5,"c":1}}"#)],
        )],
        MethodCall::Core,
    ),
    MethodSpec::new(
        "values",
        "The values of an object, by key.",
        &[],
        &[Example::new(
            "Two values.",
            "root = this.values()",
            &[(r#"{"b":2,"a":1}"#, "[1,2]")],
        )],
        MethodCall::Plain(|receiver, _| {
            Ok(Value::Array(
                object(receiver)?.iter().map(|(_, value)| value).collect(),
            ))
        }),
    ),
    MethodSpec::new(
        "with",
        "The object with nothing but what is at the given paths.",
        PATHS,
        &[Example::new(
            "Two of four.",
            r#"root = this.with("a.x", "b")"#,
            &[(
                r#"{"a":{"x":1,"y":2},"b":3,"c":4}"#,
                r#"{"a":{"x":1},"b":3}"#,
            )],
        )],
        MethodCall::Prepared(|args| {
            let paths = path_args(args)?;
            Ok(Box::new(move |receiver| {
                let paths: Vec<&[Str]> = paths.iter().map(Vec::as_slice).collect();
                Ok(Value::Object(with(&object(receiver)?, &paths)))
            }))
        }),
    )
    .sourceless(),
    MethodSpec::new(
        "without",
        "The object without what is at the given paths.",
        PATHS,
        &[Example::new(
            "Two of four go.",
            r#"root = this.without("a.x", "b")"#,
            &[(
                r#"{"a":{"x":1,"y":2},"b":3,"c":4}"#,
                r#"{"a":{"y":2},"c":4}"#,
            )],
        )],
        MethodCall::Prepared(|args| {
            let paths = path_args(args)?;
            Ok(Box::new(move |receiver| {
                let mut fields = object(receiver)?;
                for path in &paths {
                    remove(&mut fields, path);
                }
                Ok(Value::Object(fields))
            }))
        }),
    ),
];

pub(super) fn object(value: Value) -> Result<Object, CallError> {
    match value {
        Value::Object(fields) => Ok(fields),
        other => Err(CallError::wanted("object", other)),
    }
}

/// The code of `set`: `value` is none for `deleted()`. Its errors have no source.
pub(crate) fn set(
    mut receiver: Value,
    path: &str,
    value: Option<Value>,
) -> Result<Value, CallError> {
    let path = paths::split(path);
    match value {
        Some(value) => paths::set(&mut receiver, &path, value),
        None => paths::delete(&mut receiver, &path),
    }
    .map_err(|text| CallError::Bare(text.into()))?;
    Ok(receiver)
}

fn merged(
    receiver: Value,
    with: &Value,
    combine: fn(&mut Object, &Object),
) -> Result<Value, CallError> {
    match receiver {
        Value::Array(mut items) => {
            match with {
                Value::Array(more) => items.make_mut().extend(more.iter()),
                other => items.push(other.clone()),
            }
            Ok(items.into())
        }
        Value::Object(mut fields) => {
            if let Value::Object(with) = with {
                combine(&mut fields, with);
            }
            Ok(fields.into())
        }
        other => Err(CallError::wanted("object or array", other)),
    }
}

/// Puts fields into an object; values that meet become an array of both.
pub(super) fn merge_into(into: &mut Object, from: &Object) {
    for (key, value) in from.iter() {
        let Some(held) = into.get_mut(&key) else {
            into.insert(key, value);
            continue;
        };
        match (held, value) {
            (Value::Object(held), Value::Object(value)) => merge_into(held, &value),
            (Value::Array(held), Value::Array(value)) => held.make_mut().extend(value.iter()),
            (Value::Array(held), value) => held.push(value),
            (held, Value::Array(mut value)) => {
                let first = std::mem::replace(held, Value::Null);
                value.make_mut().insert(0, first);
                *held = value.into();
            }
            (held, value) => {
                let first = std::mem::replace(held, Value::Null);
                *held = vec![first, value].into();
            }
        }
    }
}

/// Puts fields into an object; values that meet are replaced.
fn assign_into(into: &mut Object, from: &Object) {
    for (key, value) in from.iter() {
        match (into.get_mut(&key), value) {
            (Some(Value::Object(held)), Value::Object(value)) => assign_into(held, &value),
            (Some(held), value) => *held = value,
            (None, value) => {
                into.insert(key, value);
            }
        }
    }
}

fn collapse(value: &Value, path: &str, empty: bool, flat: &mut Vec<(Str, Value)>) {
    let below = |name: &str| match path.is_empty() {
        true => name.to_owned(),
        false => format!("{path}.{name}"),
    };
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            for (key, field) in fields.iter() {
                collapse(&field, &below(&key), empty, flat);
            }
        }
        Value::Array(items) if !items.is_empty() => {
            for (i, item) in items.iter().enumerate() {
                collapse(&item, &below(&i.to_string()), empty, flat);
            }
        }
        Value::Object(_) | Value::Array(_) if !empty => {}
        leaf => flat.push((path.into(), leaf.clone())),
    }
}

fn explode(args: &[Value]) -> Result<MethodFn, CallError> {
    let text = str_arg(&args[0]).into_owned();
    let path = paths::split(&text);
    Ok(Box::new(move |receiver| {
        let fields = object(receiver)?;
        let mut rest = fields.clone();
        let target = paths::search(&Value::Object(fields), &path);
        remove(&mut rest, &path);
        let copy = |item: Value| {
            let mut copy = Value::Object(rest.clone());
            // Where the path leads through an array, the original leaves the copy without the element.
            let _ = paths::set(&mut copy, &path, item);
            copy
        };
        match target {
            Some(Value::Array(items)) => Ok(Value::Array(items.iter().map(copy).collect())),
            Some(Value::Object(items)) => Ok(Value::Object(
                items.iter().map(|(k, v)| (k, copy(v))).collect(),
            )),
            other => {
                let got = other.map_or("null", |v| v.type_name());
                Err(format!("expected array or object value at path '{text}', found: {got}").into())
            }
        }
    }))
}

fn path_args(args: &[Value]) -> Result<Vec<Vec<Str>>, CallError> {
    let mut all = Vec::with_capacity(args.len());
    for (i, arg) in args.iter().enumerate() {
        let Ok(path) = string(arg.clone()) else {
            return Err(nested(&format!("argument {i}"), "string", arg).into());
        };
        all.push(paths::split(&path));
    }
    Ok(all)
}

/// What is at the paths, and nothing else.
fn with(fields: &Object, paths: &[&[Str]]) -> Object {
    let mut kept = Object::new();
    for (key, value) in fields.iter() {
        let mut at_key = paths.iter().filter(|p| *p[0] == *key).peekable();
        if at_key.peek().is_none() {
            continue;
        }
        let below: Vec<&[Str]> = at_key.filter(|p| p.len() > 1).map(|p| &p[1..]).collect();
        let value = match value {
            Value::Object(inner) if !below.is_empty() => Value::Object(with(&inner, &below)),
            other => other,
        };
        kept.insert(key, value);
    }
    kept
}

/// Removes what is at a path of objects, if it is there.
fn remove(fields: &mut Object, path: &[Str]) {
    match path {
        [] => {}
        [key] => {
            if fields.contains_key(key) {
                fields.remove(key);
            }
        }
        [key, rest @ ..] => {
            // Only what changes is copied.
            let Some(Value::Object(inner)) = fields.get(key) else {
                return;
            };
            if paths::search(&Value::Object(inner), rest).is_some()
                && let Some(Value::Object(inner)) = fields.get_mut(key)
            {
                remove(inner, rest);
            }
        }
    }
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
    fn merging_keeps_both_and_assigning_the_later() {
        for (left, right, merges, assigns) in [
            (
                r#"{"a":1}"#,
                r#"{"a":{"b":9}}"#,
                r#"{"a":[1,{"b":9}]}"#,
                r#"{"a":{"b":9}}"#,
            ),
            (
                r#"{"a":[1]}"#,
                r#"{"a":[2]}"#,
                r#"{"a":[1,2]}"#,
                r#"{"a":[2]}"#,
            ),
            (
                r#"{"a":1}"#,
                r#"{"a":[2]}"#,
                r#"{"a":[1,2]}"#,
                r#"{"a":[2]}"#,
            ),
            (r#"{"a":1}"#, "5", r#"{"a":1}"#, r#"{"a":1}"#),
            ("[1]", "null", "[1,null]", "[1,null]"),
        ] {
            let original = json(left);
            let merge = merged(original.clone(), &json(right), merge_into).expect("mergeable");
            let assign = merged(original.clone(), &json(right), assign_into).expect("mergeable");
            assert_eq!(
                (text(&merge), text(&assign)),
                (merges.into(), assigns.into())
            );
            assert_eq!(
                text(&original),
                text(&json(left)),
                "the receiver is unchanged"
            );
        }
    }

    #[test]
    fn empty_parts_collapse_on_request() {
        let mut flat = Vec::new();
        collapse(&json(r#"{"a":[],"b":{"c":{}}}"#), "", true, &mut flat);
        assert_eq!(
            text(&Value::Object(flat.into_iter().collect())),
            r#"{"a":[],"b.c":{}}"#
        );
    }
}
