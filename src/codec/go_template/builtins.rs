//! The functions that templates have by themselves.

use super::call::{Held, functions, is_true, type_name};
use crate::codec::go_fmt;
use crate::value::Value;

functions! {
    "not" (Raw) |a| Ok((!is_true(a[0].get())).into());
    "len" (Raw) |a| length(&a[0]);
    "index" (Raw; Raw) |a| index(a);
    "html" (; Any) |a| Ok(html(&printed(a)).into());
    "js" (; Any) |a| Ok(js(&printed(a)).into());
    "urlquery" (; Any) |a| Ok(query(&printed(a)).into());
    "print" (; Any) |a| Ok(print(a).into());
    "println" (; Any) |a| Ok(println(a).into());
    "printf" (Text; Any) |a| printf(a);
    "call" (Raw; Raw) |a| Err(match &a[0].value {
        Some(Value::Null) | None => "call of nil".into(),
        Some(value) => format!("non-function of type {}", type_name(value)),
    });
    "eq" (Raw; Raw) |a| match a.len() {
        1 => Err("missing argument for comparison".into()),
        _ => {
            for other in &a[1..] {
                if equal(&a[0], other)? {
                    return Ok(true.into());
                }
            }
            Ok(false.into())
        }
    };
    "ne" (Raw, Raw) |a| Ok((!equal(&a[0], &a[1])?).into());
    "lt" (Raw, Raw) |a| Ok(less(&a[0], &a[1])?.into());
    "le" (Raw, Raw) |a| Ok((less(&a[0], &a[1])? || equal(&a[0], &a[1])?).into());
    "gt" (Raw, Raw) |a| Ok((!(less(&a[0], &a[1])? || equal(&a[0], &a[1])?)).into());
    "ge" (Raw, Raw) |a| Ok((!less(&a[0], &a[1])?).into());
}

fn length(held: &Held) -> Result<Value, String> {
    let length = match &held.value {
        None => return Err("reflect: call of reflect.Value.Type on zero Value".into()),
        Some(Value::Null) => return Err("len of nil pointer".into()),
        Some(Value::String(text)) => text.len(),
        Some(Value::Number(number)) => number.as_str().len(),
        Some(Value::Bytes(bytes)) => bytes.len(),
        Some(Value::Array(items)) => items.len(),
        Some(Value::Object(fields)) => fields.len(),
        Some(other) => return Err(format!("len of type {}", type_name(other))),
    };
    Ok(Value::Int(length as i64))
}

fn index(args: &[Held]) -> Result<Value, String> {
    let mut item = args[0].get().clone();
    if matches!(item, Value::Null) {
        return Err("index of untyped nil".into());
    }
    for index in &args[1..] {
        item = match (&item, index.get()) {
            (Value::Object(fields), Value::String(key)) => fields.get(key).unwrap_or(Value::Null),
            (Value::Object(_), Value::Null) => {
                return Err("value is nil; should be of type string".into());
            }
            (Value::Object(_), key) => {
                let key = type_name(key);
                return Err(format!("value has type {key}; should be string"));
            }
            (Value::Array(items), at) => {
                let at = position(at, items.len())?;
                items.get(at).unwrap_or(Value::Null)
            }
            (Value::String(text), at) => byte(text.as_bytes(), at)?,
            (Value::Number(number), at) => byte(number.as_str().as_bytes(), at)?,
            (Value::Null, _) => return Err("index of nil pointer".into()),
            (other, _) => {
                return Err(format!("can't index item of type {}", type_name(other)));
            }
        };
    }
    Ok(item)
}

fn byte(bytes: &[u8], at: &Value) -> Result<Value, String> {
    let at = position(at, bytes.len())?;
    Ok(Value::Int(i64::from(bytes[at])))
}

fn position(at: &Value, length: usize) -> Result<usize, String> {
    let number = match at {
        Value::Int(n) => *n,
        Value::Uint(n) => i64::try_from(*n).unwrap_or(i64::MAX),
        Value::Null => return Err("cannot index slice/array with nil".into()),
        other => {
            return Err(format!(
                "cannot index slice/array with type {}",
                type_name(other)
            ));
        }
    };
    match usize::try_from(number) {
        Ok(n) if n < length => Ok(n),
        _ => Err(format!("index out of range: {number}")),
    }
}

/// What counts as alike where values are compared.
#[derive(PartialEq)]
enum Basic {
    Bool,
    Int,
    Uint,
    Float,
    Text,
    None,
}

fn basic(value: &Value) -> Basic {
    match value {
        Value::Bool(_) => Basic::Bool,
        Value::Int(_) => Basic::Int,
        Value::Uint(_) => Basic::Uint,
        Value::Float(_) => Basic::Float,
        Value::String(_) | Value::Number(_) => Basic::Text,
        _ => Basic::None,
    }
}

fn as_text(value: &Value) -> &str {
    match value {
        Value::Number(n) => n.as_str(),
        other => other.as_str().unwrap_or_default(),
    }
}

fn incompatible(a: &Value, b: &Value) -> String {
    let (a, b) = (type_name(a), type_name(b));
    format!("incompatible types for comparison: {a} and {b}")
}

fn equal(a: &Held, b: &Held) -> Result<bool, String> {
    let (a, b) = (a.get(), b.get());
    match (basic(a), basic(b)) {
        (Basic::Int, Basic::Uint) | (Basic::Uint, Basic::Int) => Ok(a.as_u64() == b.as_u64()),
        (x, y) if x != y => match matches!(a, Value::Null) || matches!(b, Value::Null) {
            true => Ok(false),
            false => Err(incompatible(a, b)),
        },
        (Basic::Text, _) => Ok(as_text(a) == as_text(b)),
        (Basic::None, _) => match (a, b) {
            (Value::Null, Value::Null) => Ok(true),
            (Value::Null, _) | (_, Value::Null) => Ok(false),
            (Value::Timestamp(x), Value::Timestamp(y)) => Ok(x.since(y) == 0),
            (Value::Object(_), Value::Object(_)) | (Value::Array(_), Value::Array(_)) => {
                let (shown, of) = (go_fmt::show(b), type_name(b));
                Err(format!("non-comparable type {shown}: {of}"))
            }
            _ => Err(incompatible(a, b)),
        },
        _ => Ok(match (a, b) {
            (Value::Bool(x), Value::Bool(y)) => x == y,
            (Value::Int(x), Value::Int(y)) => x == y,
            (Value::Uint(x), Value::Uint(y)) => x == y,
            (Value::Float(x), Value::Float(y)) => x == y,
            _ => false,
        }),
    }
}

fn less(a: &Held, b: &Held) -> Result<bool, String> {
    const BAD: &str = "invalid type for comparison";
    let (a, b) = (a.get(), b.get());
    match (basic(a), basic(b)) {
        (Basic::None, _) | (_, Basic::None) => Err(BAD.into()),
        (Basic::Int, Basic::Uint) => Ok(a.as_u64().is_none_or(|a| Some(a) < b.as_u64())),
        (Basic::Uint, Basic::Int) => Ok(b.as_u64().is_some_and(|b| a.as_u64() < Some(b))),
        (x, y) if x != y => Err(incompatible(a, b)),
        (Basic::Bool, _) => Err(BAD.into()),
        (Basic::Text, _) => Ok(as_text(a) < as_text(b)),
        _ => Ok(match (a, b) {
            (Value::Int(x), Value::Int(y)) => x < y,
            (Value::Uint(x), Value::Uint(y)) => x < y,
            (Value::Float(x), Value::Float(y)) => x < y,
            _ => false,
        }),
    }
}

/// As Go's `Sprint`: a space between two that are both not text.
fn print(args: &[Held]) -> String {
    let mut out = String::new();
    for (i, held) in args.iter().enumerate() {
        let is_text = |held: &Held| matches!(held.get(), Value::String(_));
        if i > 0 && !is_text(held) && !is_text(&args[i - 1]) {
            out.push(' ');
        }
        out.push_str(&go_fmt::show(held.get()));
    }
    out
}

fn println(args: &[Held]) -> String {
    let shown: Vec<String> = args.iter().map(|a| go_fmt::show(a.get())).collect();
    format!("{}\n", shown.join(" "))
}

fn printf(args: &[Held]) -> Result<Value, String> {
    let values: Vec<Value> = args[1..].iter().map(|a| a.get().clone()).collect();
    let bytes = go_fmt::sprintf(args[0].text(), &values)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned().into())
}

/// The arguments of a function that escapes: one text as it is, else all as `print` gives them.
fn printed(args: &[Held]) -> String {
    match args {
        [one] if one.get().as_str().is_some() => one.text().to_owned(),
        [one] if one.value.is_none() => "<no value>".into(),
        _ => print(args),
    }
}

fn html(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\0' => out.push('\u{FFFD}'),
            '"' => out.push_str("&#34;"),
            '\'' => out.push_str("&#39;"),
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            c => out.push(c),
        }
    }
    out
}

fn js(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '\'' => out.push_str("\\'"),
            '"' => out.push_str("\\\""),
            '<' | '>' | '&' | '=' => out.push_str(&format!("\\u{:04X}", c as u32)),
            c if (c as u32) < 0x20 => out.push_str(&format!("\\u{:04X}", c as u32)),
            c => out.push(c),
        }
    }
    out
}

/// As Go's `QueryEscape`.
pub(super) fn query(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b' ' => out.push('+'),
            b if b.is_ascii_alphanumeric() || b"-_.~".contains(&b) => out.push(char::from(b)),
            b => out.push_str(&format!("%{b:02X}")),
        }
    }
    out
}
