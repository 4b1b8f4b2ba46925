//! Functions of texts.

use super::super::fail::{Result, unfit};
use super::super::json;
use super::super::numbers::int;
use super::super::operators;
use super::{Native, native};
use crate::value::Value;

pub(super) const TABLE: &[Native] = &[
    native!("utf8bytelength", 0, |value: &Value| text(
        "utf8bytelength",
        value,
        |s| Value::Int(s.len() as i64)
    )),
    native!("startswith", 1, |value: &Value, arguments: &[Value]| {
        both("startswith", value, arguments, |s, part| {
            s.starts_with(part).into()
        })
    }),
    native!("endswith", 1, |value: &Value, arguments: &[Value]| {
        both("endswith", value, arguments, |s, part| {
            s.ends_with(part).into()
        })
    }),
    native!("ltrimstr", 1, |value: &Value, arguments: &[Value]| {
        both("ltrimstr", value, arguments, |s, part| {
            s.strip_prefix(part).unwrap_or(s).into()
        })
    }),
    native!("rtrimstr", 1, |value: &Value, arguments: &[Value]| {
        both("rtrimstr", value, arguments, |s, part| {
            s.strip_suffix(part).unwrap_or(s).into()
        })
    }),
    native!("trimstr", 1, |value: &Value, arguments: &[Value]| {
        both("trimstr", value, arguments, |s, part| {
            let s = s.strip_prefix(part).unwrap_or(s);
            s.strip_suffix(part).unwrap_or(s).into()
        })
    }),
    native!("ltrim", 0, |value: &Value| text("ltrim", value, |s| s
        .trim_start()
        .into())),
    native!("rtrim", 0, |value: &Value| text("rtrim", value, |s| s
        .trim_end()
        .into())),
    native!("trim", 0, |value: &Value| text("trim", value, |s| s
        .trim()
        .into())),
    native!("ascii_downcase", 0, |value: &Value| text(
        "ascii_downcase",
        value,
        |s| s.to_ascii_lowercase().into()
    )),
    native!("ascii_upcase", 0, |value: &Value| text(
        "ascii_upcase",
        value,
        |s| s.to_ascii_uppercase().into()
    )),
    native!("explode", 0, |value: &Value| {
        let points = |s: &str| {
            s.chars()
                .map(|c| Value::Int(u32::from(c).into()))
                .collect::<Vec<_>>()
        };
        text("explode", value, |s| points(s).into())
    }),
    native!("implode", 0, implode),
    native!(
        "split",
        1,
        |value: &Value, arguments: &[Value]| match (value, &arguments[0]) {
            (Value::String(_), Value::String(separator))
                if value.as_str() == Some("") && separator.is_empty() =>
            {
                Ok(Vec::new().into())
            }
            (Value::String(s), Value::String(_)) if s.is_empty() =>
                Ok(vec![Value::from("")].into()),
            (Value::String(s), Value::String(separator)) => Ok(operators::split(s, separator)),
            (Value::String(_), _) => unfit("split", &Value::from(""), &[]),
            (other, _) => unfit("split", other, &[]),
        }
    ),
    native!("ascii", 0, |value: &Value| match int(value)
        .and_then(|n| u8::try_from(n).ok())
        .filter(u8::is_ascii)
    {
        Some(byte) => json::string(char::from(byte).to_string()),
        None => unfit("ascii", value, &[]),
    }),
];

/// Something made of a text.
fn text(name: &str, value: &Value, make: impl Fn(&str) -> Value) -> Result {
    match value {
        Value::String(text) => Ok(make(text)),
        other => unfit(name, other, &[]),
    }
}

/// Something made of a text and another.
fn both(
    name: &str,
    value: &Value,
    arguments: &[Value],
    make: impl Fn(&str, &str) -> Value,
) -> Result {
    match (value, &arguments[0]) {
        (Value::String(text), Value::String(part)) => Ok(make(text, part)),
        _ => unfit(name, value, arguments),
    }
}

fn implode(value: &Value) -> Result {
    let Value::Array(points) = value else {
        return unfit("implode", value, &[]);
    };
    let mut text = String::with_capacity(points.len());
    for point in points.iter() {
        let Some(point) = int(&point) else {
            return unfit("implode", value, &[]);
        };
        let c = u32::try_from(point).ok().and_then(char::from_u32);
        text.push(c.unwrap_or('\u{fffd}'));
    }
    json::string(text)
}
