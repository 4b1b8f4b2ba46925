//! Functions of any value.

use super::super::fail::{Result, Stop, error, failed, type_name, typed, unfit};
use super::super::json;
use super::super::lexer::{is_number, read_number};
use super::super::numbers::{Num, big, int, num};
use super::super::operators::{contains, is_true};
use super::super::paths;
use super::super::prelude;
use super::{Native, native};
use crate::value::{self, Value};
use bytes::Bytes;

pub(super) const TABLE: &[Native] = &[
    native!("not", 0, |value: &Value| Ok((!is_true(value)).into())),
    native!("type", 0, |value: &Value| Ok(type_name(value).into())),
    native!("length", 0, length),
    native!("abs", 0, abs),
    native!("_negate", 0, negate),
    native!("_plus", 0, |value: &Value| match num(value) {
        Some(_) => Ok(value.clone()),
        None => error(format!("cannot plus: {}", typed(value))),
    }),
    native!(
        "has",
        1,
        |value: &Value, arguments: &[Value]| match (value, &arguments[0]) {
            (Value::Object(object), Value::String(key)) => Ok(object.contains_key(key).into()),
            (Value::Array(array), key) if num(key).is_some() => {
                let at = int(key).and_then(|at| usize::try_from(at).ok());
                Ok(at.is_some_and(|at| at < array.len()).into())
            }
            (Value::Null, _) => Ok(false.into()),
            _ => unfit("has", value, arguments),
        }
    ),
    native!(
        "contains",
        1,
        |value: &Value, arguments: &[Value]| match contains(value, &arguments[0], 0)? {
            Some(found) => Ok(found.into()),
            None => unfit("contains", value, arguments),
        }
    ),
    native!("tonumber", 0, |value: &Value| match value {
        Value::String(text) if is_number(text) => Ok(read_number(text)),
        Value::String(_) => failed("tonumber", value, &[], "invalid number"),
        _ if num(value).is_some() => Ok(value.clone()),
        _ => unfit("tonumber", value, &[]),
    }),
    native!("tostring", 0, to_text),
    native!("tojson", 0, |value: &Value| Ok(json::text(value)?.into())),
    native!("fromjson", 0, from_json),
    native!("toarray", 0, |value: &Value| match value {
        Value::Array(_) => Ok(value.clone()),
        other => Ok(vec![other.clone()].into()),
    }),
    native!("error", 0, |value: &Value| Err(Stop::Thrown(Box::new(
        value.clone()
    )))),
    native!("error", 1, |_: &Value, arguments: &[Value]| Err(
        Stop::Thrown(Box::new(arguments[0].clone()))
    )),
    native!("halt", 0, |_: &Value| Err(Stop::Halt(Box::new(
        Value::Null
    )))),
    native!("halt_error", 0, |value: &Value| Err(Stop::Halt(Box::new(
        value.clone()
    )))),
    native!(
        "halt_error",
        1,
        |value: &Value, arguments: &[Value]| match int(&arguments[0]) {
            Some(_) => Err(Stop::Halt(Box::new(value.clone()))),
            None => unfit("halt_error", &arguments[0], &[]),
        }
    ),
    native!("setpath", 2, |value: &Value, arguments: &[Value]| {
        paths::set_path(value.clone(), &arguments[0], arguments[1].clone())
    }),
    native!("delpaths", 1, |value: &Value, arguments: &[Value]| {
        paths::delete_paths(value, &arguments[0])
    }),
    native!("have_literal_numbers", 0, |_: &Value| Ok(true.into())),
    native!("have_decnum", 0, |_: &Value| Ok(false.into())),
    native!("input_line_number", 0, |_: &Value| Ok(Value::Int(0))),
    native!("input_filename", 0, |_: &Value| Ok(Value::Null)),
    native!("modulemeta", 0, |value: &Value| match value {
        Value::String(path) => error(format!(
            "cannot load module: {}",
            json::text(&path.clone().into())?
        )),
        other => unfit("modulemeta", other, &[]),
    }),
    native!("debug", 0, |value: &Value| Ok(value.clone())),
    native!("stderr", 0, |value: &Value| Ok(value.clone())),
    native!("builtins", 0, |_: &Value| {
        let mut all: Vec<_> = super::names()
            .chain(prelude::names())
            .chain(SPECIAL)
            .collect();
        all.sort_unstable();
        let name = |(name, arity)| Value::from(format!("{name}/{arity}"));
        Ok(all.into_iter().map(name).collect::<Vec<_>>().into())
    }),
];

/// What the language itself knows.
const SPECIAL: [(&str, usize); 9] = [
    ("empty", 0),
    ("env", 0),
    ("getpath", 1),
    ("input", 0),
    ("path", 1),
    ("range", 1),
    ("range", 2),
    ("range", 3),
    ("recurse", 0),
];

/// A text as it is, and other values as JSON.
pub(super) fn to_text(value: &Value) -> Result {
    match value {
        Value::String(_) => Ok(value.clone()),
        other => Ok(json::text(other)?.into()),
    }
}

fn length(value: &Value) -> Result {
    let length = match value {
        Value::Null => 0,
        Value::String(text) => text.chars().count(),
        Value::Array(array) => array.len(),
        Value::Object(object) => object.len(),
        other => return magnitude("length", other),
    };
    Ok(Value::Int(length as i64))
}

fn abs(value: &Value) -> Result {
    magnitude("abs", value)
}

fn magnitude(name: &str, value: &Value) -> Result {
    Ok(match num(value) {
        Some(Num::Int(n)) => n
            .checked_abs()
            .map_or_else(|| big(-num_bigint::BigInt::from(n)), Value::Int),
        Some(Num::Big(n)) => big(n.magnitude().clone().into()),
        Some(Num::Float(n)) => Value::Float(n.abs()),
        None => return unfit(name, value, &[]),
    })
}

fn negate(value: &Value) -> Result {
    Ok(match num(value) {
        Some(Num::Int(n)) => n
            .checked_neg()
            .map_or_else(|| big(-num_bigint::BigInt::from(n)), Value::Int),
        Some(Num::Big(n)) => big(-n),
        Some(Num::Float(n)) => Value::Float(-n),
        None => return error(format!("cannot negate: {}", typed(value))),
    })
}

fn from_json(value: &Value) -> Result {
    let Value::String(text) = value else {
        return unfit("fromjson", value, &[]);
    };
    match value::parse_prefix(&Bytes::copy_from_slice(text.as_bytes())) {
        Ok((parsed, used)) if text.as_bytes()[used..].iter().all(u8::is_ascii_whitespace) => {
            Ok(parsed)
        }
        Ok(_) => unfit("fromjson", value, &[]),
        Err(_) if text.trim_ascii().is_empty() => failed("fromjson", value, &[], "EOF"),
        Err(e) if e.message == "unexpected end of JSON input" => {
            failed("fromjson", value, &[], "unexpected EOF")
        }
        Err(e) => failed("fromjson", value, &[], &e.message),
    }
}
