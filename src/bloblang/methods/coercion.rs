//! Table: methods that make one type of another, or insist on one.

use super::common::{float, number_text, optional_str, shown, to_bytes, to_text};
use crate::bloblang::spec::{CallError, Example, MethodCall, MethodSpec, Param, ParamKind};
use crate::bloblang::text::escaped_json;
use crate::formats::go_num;
use crate::value::Value;

pub(super) static TABLE: &[MethodSpec] = &[
    MethodSpec::new(
        "array",
        "The value as an array: itself if it is one, else an array with it as the only element.",
        &[],
        &[Example::new(
            "One or many.",
            "root.ids = this.id.array()",
            &[
                (r#"{"id":1}"#, r#"{"ids":[1]}"#),
                (r#"{"id":[1,2]}"#, r#"{"ids":[1,2]}"#),
            ],
        )],
        MethodCall::Plain(|receiver, _| {
            Ok(match receiver {
                Value::Array(items) => Value::Array(items),
                other => vec![other].into(),
            })
        }),
    ),
    MethodSpec::new(
        "bool",
        "Reads a bool from a number (any but 0 is true) or from text such as `true`, `F` or `1`.",
        &[Param::new(
            "default",
            ParamKind::Bool,
            "What to return where no bool can be read.",
        )
        .optional()],
        &[Example::new(
            "With a default.",
            "root = this.on.bool(false)",
            &[(r#"{"on":"T"}"#, "true"), (r#"{"on":"perhaps"}"#, "false")],
        )],
        MethodCall::Rescue(|receiver, args| {
            let result = match receiver {
                Some(receiver) => to_bool(receiver),
                None => Err("there is no value".into()),
            };
            match &args[0] {
                Value::Null => result,
                default => Ok(result.unwrap_or_else(|_| default.clone())),
            }
        }),
    ),
    MethodSpec::new(
        "bytes",
        "The value as bytes: those of a text, or of the JSON text of anything else.",
        &[],
        &[Example::new(
            "The first byte.",
            "root.first = this.name.bytes().index(0)",
            &[(r#"{"name":"abc"}"#, r#"{"first":97}"#)],
        )],
        MethodCall::Plain(|receiver, _| {
            Ok(Value::Bytes(match receiver {
                structure @ (Value::Array(_) | Value::Object(_)) => {
                    escaped_json(&*shown(&structure)?).into()
                }
                other => to_bytes(other),
            }))
        }),
    ),
    MethodSpec::new(
        "not_empty",
        "The value itself, unless it is an empty text, array or object: that is an error.",
        &[],
        &[Example::new(
            "A name must be given.",
            "root.name = this.name.not_empty()",
            &[
                (r#"{"name":"a"}"#, r#"{"name":"a"}"#),
                (
                    r#"{"name":""}"#,
                    "Error: failed assignment (line 1): field `this.name`: string value is empty",
                ),
            ],
        )],
        MethodCall::Plain(|receiver, _| {
            let (is_empty, kind) = match &receiver {
                Value::String(text) => (text.is_empty(), "string"),
                Value::IllFormed(_) => (false, "string"),
                Value::Array(items) => (items.is_empty(), "array"),
                Value::Object(fields) => (fields.is_empty(), "object"),
                _ => return Err(CallError::wanted("string, array or object", receiver)),
            };
            match is_empty {
                true => Err(format!("{kind} value is empty").into()),
                false => Ok(receiver),
            }
        }),
    ),
    MethodSpec::new(
        "not_null",
        "The value itself, unless it is null: that is an error.",
        &[],
        &[Example::new(
            "An id must be given.",
            "root.id = this.id.not_null()",
            &[
                (r#"{"id":0}"#, r#"{"id":0}"#),
                (
                    "{}",
                    "Error: failed assignment (line 1): field `this.id`: value is null",
                ),
            ],
        )],
        MethodCall::Plain(|receiver, _| match receiver {
            Value::Null => Err("value is null".into()),
            other => Ok(other),
        }),
    ),
    MethodSpec::new(
        "number",
        "Reads a number from text; numbers stay numbers, as floats.",
        &[Param::new(
            "default",
            ParamKind::Float,
            "What to return where no number can be read.",
        )
        .optional()],
        &[Example::new(
            "With a default.",
            "root.n = this.n.number(0) + 1",
            &[
                (r#"{"n":"4.5"}"#, r#"{"n":5.5}"#),
                (r#"{"n":"?"}"#, r#"{"n":1}"#),
            ],
        )],
        MethodCall::Rescue(|receiver, args| {
            let result = match receiver {
                Some(receiver) => to_float(receiver).map(Value::Float),
                None => Err("there is no value".into()),
            };
            match float(&args[0]) {
                None => result,
                Some(default) => Ok(result.unwrap_or(Value::Float(default))),
            }
        }),
    ),
    MethodSpec::new(
        "string",
        "The value as text; structures as JSON.",
        &[],
        &[Example::new(
            "JSON within JSON.",
            "root.text = this.doc.string()",
            &[(
                r#"{"doc":{"b":1,"a":[true]}}"#,
                r#"{"text":"{\"a\":[true],\"b\":1}"}"#,
            )],
        )],
        MethodCall::Plain(|receiver, _| {
            Ok(match receiver {
                structure @ (Value::Array(_) | Value::Object(_)) => {
                    Value::text(escaped_json(&*shown(&structure)?))
                }
                Value::Bytes(bytes) => Value::text(bytes),
                Value::IllFormed(bytes) => Value::IllFormed(bytes),
                other => Value::String(to_text(other)),
            })
        }),
    ),
    MethodSpec::new(
        "timestamp",
        "Reads a time from text in RFC 3339, or from a number of seconds since 1970.",
        &[Param::new(
            "default",
            ParamKind::Timestamp,
            "What to return where no time can be read.",
        )
        .optional()],
        &[Example::new(
            "From seconds.",
            r#"root.at = this.at.timestamp().ts_tz("UTC")"#,
            &[(r#"{"at":0}"#, r#"{"at":"1970-01-01T00:00:00Z"}"#)],
        )],
        MethodCall::Rescue(|receiver, args| {
            let result = match receiver {
                Some(receiver) => super::time::timestamp(&receiver).map(Value::Timestamp),
                None => Err("there is no value".into()),
            };
            match &args[0] {
                Value::Null => result,
                default => Ok(result.unwrap_or_else(|_| default.clone())),
            }
        }),
    ),
];

fn to_bool(value: Value) -> Result<Value, CallError> {
    let found = match &value {
        Value::Bool(b) => Some(*b),
        Value::Number(n) => Some(n.as_str() != "0"),
        Value::String(_) | Value::IllFormed(_) | Value::Bytes(_) => {
            optional_str(&value).and_then(|t| go_num::parse_bool(&t))
        }
        other => float(other).map(|n| n != 0.0),
    };
    match found {
        Some(b) => Ok(b.into()),
        None => Err(CallError::wanted("bool", value)),
    }
}

/// Any number as a float, text as the number that it spells.
pub(super) fn to_float(value: Value) -> Result<f64, CallError> {
    match &value {
        Value::String(text) => Ok(go_num::parse_float(text)?),
        Value::Bytes(bytes) | Value::IllFormed(bytes) => {
            Ok(go_num::parse_float(number_text("ParseFloat", bytes)?)?)
        }
        Value::Number(n) if n.as_f64().is_infinite() => Ok(go_num::parse_float(n.as_str())?),
        other => match float(other) {
            Some(n) => Ok(n),
            None => Err(CallError::wanted("number", value)),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_text_is_safe_in_html() {
        let value: Value = vec![Value::from("<a>&\u{2028}€")].into();
        assert_eq!(
            String::from_utf8(escaped_json(&value)).expect("UTF-8"),
            "[\"\\u003ca\\u003e\\u0026\\u2028€\"]"
        );
    }
}
