//! Sprig's functions on dictionaries, and to and from JSON.

use super::call::{Held, functions, is_true};
use crate::codec::json_text::{self, Layout};
use crate::value::{Object, Value};
use bytes::Bytes;

functions! {
    "dict" (; Any) |a| {
        let mut object = Object::new();
        for pair in a.chunks(2) {
            let value = pair.get(1).map_or("".into(), |v| v.get().clone());
            object.insert(pair[0].shown().into_owned(), value);
        }
        Ok(object.into())
    };
    "get" (Dict, Text) |a| Ok(object(&a[0]).get(a[1].text()).unwrap_or_else(|| "".into()));
    "set" (Dict, Text, Any) |a| {
        if matches!(a[0].get(), Value::Null) {
            return Err("assignment to entry in nil map".into());
        }
        let mut object = object(&a[0]);
        object.insert(a[1].text(), a[2].get().clone());
        Ok(object.into())
    };
    "unset" (Dict, Text) |a| {
        let mut object = object(&a[0]);
        object.remove(a[1].text());
        Ok(object.into())
    };
    "hasKey" (Dict, Text) |a| Ok(object(&a[0]).contains_key(a[1].text()).into());
    "pluck" (Text; Dict) |a| {
        let found = a[1..].iter().filter_map(|d| object(d).get(a[0].text()));
        Ok(found.collect::<Vec<_>>().into())
    };
    "keys" (; Dict) |a| {
        let all = a.iter().flat_map(|d| object(d).keys().collect::<Vec<_>>());
        Ok(all.map(Value::String).collect::<Vec<_>>().into())
    };
    "values" (Dict) |a| Ok(object(&a[0]).values().collect::<Vec<_>>().into());
    "pick" (Dict; Text) |a| Ok(filtered(a, true));
    "omit" (Dict; Text) |a| Ok(filtered(a, false));
    "merge" (Dict; Dict) |a| Ok(merged(a, false));
    "mustMerge" (Dict; Dict) |a| Ok(merged(a, false));
    "mergeOverwrite" (Dict; Dict) |a| Ok(merged(a, true));
    "mustMergeOverwrite" (Dict; Dict) |a| Ok(merged(a, true));
    "deepCopy" (Any) |a| Ok(a[0].get().clone());
    "mustDeepCopy" (Any) |a| Ok(a[0].get().clone());
    "dig" (; Any) |a| dig(a);
    "fromJson" (Text) |a| Ok(parsed(a[0].text()).unwrap_or(Value::Null));
    "mustFromJson" (Text) |a| parsed(a[0].text());
    "toJson" (Any) |a| Ok(json(&a[0], None, true));
    "mustToJson" (Any) |a| Ok(json(&a[0], None, true));
    "toRawJson" (Any) |a| Ok(json(&a[0], None, false));
    "mustToRawJson" (Any) |a| Ok(json(&a[0], None, false));
    "toPrettyJson" (Any) |a| Ok(json(&a[0], Some("  "), true));
    "mustToPrettyJson" (Any) |a| Ok(json(&a[0], Some("  "), true));
}

fn object(held: &Held) -> Object {
    match held.get() {
        Value::Object(object) => object.clone(),
        _ => Object::new(),
    }
}

/// The fields that are named, or all others.
fn filtered(args: &[Held], wants_named: bool) -> Value {
    let mut out = Object::new();
    for (key, value) in object(&args[0]).iter() {
        if args[1..].iter().any(|a| a.text() == &*key) == wants_named {
            out.insert(key, value);
        }
    }
    out.into()
}

/// The first dictionary with what the others have that it hasn't, or with all that they have.
fn merged(args: &[Held], overwrites: bool) -> Value {
    let mut target = object(&args[0]);
    for source in &args[1..] {
        merge(&mut target, &object(source), overwrites);
    }
    target.into()
}

fn merge(target: &mut Object, source: &Object, overwrites: bool) {
    for (key, value) in source.iter() {
        match (target.get(&key), value) {
            (Some(Value::Object(mut inner)), Value::Object(value)) => {
                merge(&mut inner, &value, overwrites);
                target.insert(key, inner.into());
            }
            // What is empty gives way, and overwrites nothing.
            (Some(before), value) => {
                if !is_true(&before) || overwrites && is_true(&value) {
                    target.insert(key, value);
                }
            }
            (None, value) => target.insert(key, value),
        }
    }
}

fn dig(args: &[Held]) -> Result<Value, String> {
    let [keys @ .., default, dict] = args else {
        return Err("dig needs at least three arguments".into());
    };
    if keys.is_empty() {
        return Err("dig needs at least three arguments".into());
    }
    let mut at = dict.get().clone();
    for key in keys {
        let Value::Object(object) = &at else {
            return Err(format!(
                "interface conversion: interface {{}} is {}, not map[string]interface {{}}",
                super::call::type_name(&at)
            ));
        };
        match object.get(key.text()) {
            Some(value) => at = value,
            None => return Ok(default.get().clone()),
        }
    }
    Ok(at)
}

/// JSON as plain values: numbers are floats.
fn parsed(text: &str) -> Result<Value, String> {
    let value = crate::value::parse(&Bytes::copy_from_slice(text.as_bytes()));
    Ok(floats(&value.map_err(|e| e.to_string())?))
}

fn floats(value: &Value) -> Value {
    match value {
        Value::Number(n) => Value::Float(n.as_f64()),
        Value::Array(items) => items.iter().map(|v| floats(&v)).collect::<Vec<_>>().into(),
        Value::Object(fields) => {
            let mut out = Object::with_capacity(fields.len());
            for (key, field) in fields.iter() {
                out.insert(key, floats(&field));
            }
            out.into()
        }
        other => other.clone(),
    }
}

fn json(held: &Held, indent: Option<&str>, escape_html: bool) -> Value {
    let layout = Layout {
        indent: indent.map(str::to_owned),
        escape_html,
    };
    let text = json_text::format(held.get(), &layout);
    String::from_utf8_lossy(&text).into_owned().into()
}
