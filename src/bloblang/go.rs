//! Values as the texts of errors and `format` show them: Go's `%v` and `%T`.

use crate::formats::go_num;
use crate::value::Value;
use std::fmt::Write as _;

/// The value as `%v` prints it.
pub fn show(value: &Value) -> String {
    let mut out = String::new();
    show_into(value, &mut out);
    out
}

fn show_into(value: &Value, out: &mut String) {
    let _ = match value {
        Value::Null => write!(out, "<nil>"),
        Value::Bool(b) => write!(out, "{b}"),
        Value::Int(n) => write!(out, "{n}"),
        Value::Uint(n) => write!(out, "{n}"),
        Value::Float(n) => write!(out, "{}", go_num::float_g(*n)),
        Value::Number(n) => write!(out, "{}", n.as_str()),
        Value::String(s) => write!(out, "{s}"),
        Value::Bytes(bytes) => {
            out.push('[');
            for (i, byte) in bytes.iter().enumerate() {
                let _ = write!(out, "{}{byte}", if i > 0 { " " } else { "" });
            }
            out.push(']');
            Ok(())
        }
        Value::Timestamp(t) => write!(
            out,
            "{}",
            t.format(&crate::formats::go_time::Layout::new(
                "2006-01-02 15:04:05.999999999 -0700 MST"
            ))
        ),
        Value::Array(items) => {
            out.push('[');
            for (i, item) in items.iter().enumerate() {
                if i > 0 {
                    out.push(' ');
                }
                show_into(&item, out);
            }
            out.push(']');
            Ok(())
        }
        Value::Object(fields) => {
            out.push_str("map[");
            for (i, (key, field)) in fields.iter().enumerate() {
                if i > 0 {
                    out.push(' ');
                }
                let _ = write!(out, "{key}:");
                show_into(&field, out);
            }
            out.push(']');
            Ok(())
        }
    };
}

/// The type's name as `%T` prints it.
pub fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "<nil>",
        Value::Bool(_) => "bool",
        Value::Int(_) => "int64",
        Value::Uint(_) => "uint64",
        Value::Float(_) => "float64",
        Value::Number(_) => "json.Number",
        Value::String(_) => "string",
        Value::Bytes(_) => "[]uint8",
        Value::Timestamp(_) => "time.Time",
        Value::Array(_) => "[]interface {}",
        Value::Object(_) => "map[string]interface {}",
    }
}
