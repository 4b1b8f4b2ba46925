//! Sprig's functions on lists, and those that ask what a value is.

use super::call::{Held, functions, is_true, shown, type_name};
use super::numbers::int;
use crate::value::Value;

functions! {
    "list" (; Any) |a| Ok(values(a).into());
    "tuple" (; Any) |a| Ok(values(a).into());
    "append" (Any, Any) |a| push(a, "push on", false);
    "mustAppend" (Any, Any) |a| push(a, "push on", false);
    "push" (Any, Any) |a| push(a, "push on", false);
    "mustPush" (Any, Any) |a| push(a, "push on", false);
    "prepend" (Any, Any) |a| push(a, "prepend on", true);
    "mustPrepend" (Any, Any) |a| push(a, "prepend on", true);
    "first" (Any) |a| Ok(items(&a[0], "find first on")?.into_iter().next().unwrap_or(Value::Null));
    "mustFirst" (Any) |a| Ok(items(&a[0], "find first on")?.into_iter().next().unwrap_or(Value::Null));
    "last" (Any) |a| Ok(items(&a[0], "find last on")?.pop().unwrap_or(Value::Null));
    "mustLast" (Any) |a| Ok(items(&a[0], "find last on")?.pop().unwrap_or(Value::Null));
    "rest" (Any) |a| Ok(rest(items(&a[0], "find rest on")?));
    "mustRest" (Any) |a| Ok(rest(items(&a[0], "find rest on")?));
    "initial" (Any) |a| Ok(initial(items(&a[0], "find initial on")?));
    "mustInitial" (Any) |a| Ok(initial(items(&a[0], "find initial on")?));
    "reverse" (Any) |a| Ok(items(&a[0], "find reverse on")?.into_iter().rev().collect::<Vec<_>>().into());
    "mustReverse" (Any) |a| Ok(items(&a[0], "find reverse on")?.into_iter().rev().collect::<Vec<_>>().into());
    "compact" (Any) |a| Ok(kept(items(&a[0], "compact on")?, is_true).into());
    "mustCompact" (Any) |a| Ok(kept(items(&a[0], "compact on")?, is_true).into());
    "uniq" (Any) |a| Ok(unique(items(&a[0], "find uniq on")?));
    "mustUniq" (Any) |a| Ok(unique(items(&a[0], "find uniq on")?));
    "without" (Any; Any) |a| without(a);
    "mustWithout" (Any; Any) |a| without(a);
    "has" (Any, Any) |a| has(a);
    "mustHas" (Any, Any) |a| has(a);
    "slice" (Any; Any) |a| slice(a);
    "mustSlice" (Any; Any) |a| slice(a);
    "concat" (; Any) |a| {
        let lists: Result<Vec<_>, _> = a.iter().map(|l| items_as(l, |kind| format!("Cannot concat type {kind} as list"))).collect();
        Ok(lists?.into_iter().flatten().collect::<Vec<_>>().into())
    };
    "chunk" (Int, Any) |a| chunk(a);
    "mustChunk" (Int, Any) |a| chunk(a);
    "default" (Any; Any) |a| Ok(match a.get(1).map(Held::get) {
        Some(given) if is_full(given) => given.clone(),
        _ => a[0].get().clone(),
    });
    "empty" (Any) |a| Ok((!is_full(a[0].get())).into());
    "coalesce" (; Any) |a| Ok(a.iter().map(Held::get).find(|v| is_full(v)).cloned().unwrap_or(Value::Null));
    "all" (; Any) |a| Ok(a.iter().all(|v| is_full(v.get())).into());
    "any" (; Any) |a| Ok(a.iter().any(|v| is_full(v.get())).into());
    "typeOf" (Any) |a| Ok(type_name(a[0].get()).into());
    "typeIs" (Text, Any) |a| Ok((a[0].text() == type_name(a[1].get())).into());
    "typeIsLike" (Text, Any) |a| {
        let of = type_name(a[1].get());
        Ok((a[0].text() == of || a[0].text().strip_prefix('*') == Some(of)).into())
    };
    "kindOf" (Any) |a| Ok(kind(a[0].get()).into());
    "kindIs" (Text, Any) |a| Ok((a[0].text() == kind(a[1].get())).into());
    "deepEqual" (Any, Any) |a| Ok(same(a[0].get(), a[1].get()).into());
}

fn values(args: &[Held]) -> Vec<Value> {
    args.iter().map(|a| a.get().clone()).collect()
}

/// What a value is made of.
fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "invalid",
        Value::Number(_) => "string",
        Value::Bytes(_) | Value::Array(_) => "slice",
        Value::Object(_) => "map",
        Value::Timestamp(_) => "struct",
        other => type_name(other),
    }
}

/// Whether a value isn't its type's zero.
fn is_full(value: &Value) -> bool {
    is_true(value)
}

const NOTHING: &str = "runtime error: invalid memory address or nil pointer dereference";

fn items_as(held: &Held, why: impl FnOnce(&str) -> String) -> Result<Vec<Value>, String> {
    match held.get() {
        Value::Array(items) => Ok(items.iter().collect()),
        Value::Bytes(bytes) => Ok(bytes.iter().map(|b| Value::Int(i64::from(*b))).collect()),
        Value::Null => Err(NOTHING.into()),
        other => Err(why(kind(other))),
    }
}

fn items(held: &Held, what: &str) -> Result<Vec<Value>, String> {
    items_as(held, |kind| format!("Cannot {what} type {kind}"))
}

/// A value's elements as text, without those that are null; one that isn't a list is the only element.
pub(super) fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::Null => Vec::new(),
        Value::Array(items) => items
            .iter()
            .filter(|v| !matches!(v, Value::Null))
            .map(|v| shown(&v).into_owned())
            .collect(),
        other => vec![shown(other).into_owned()],
    }
}

fn push(args: &[Held], what: &str, is_front: bool) -> Result<Value, String> {
    let mut list = items(&args[0], what)?;
    let at = if is_front { 0 } else { list.len() };
    list.insert(at, args[1].get().clone());
    Ok(list.into())
}

fn rest(mut list: Vec<Value>) -> Value {
    match list.is_empty() {
        true => Value::Array(Default::default()),
        false => {
            list.remove(0);
            list.into()
        }
    }
}

fn initial(mut list: Vec<Value>) -> Value {
    list.pop();
    list.into()
}

fn kept(list: Vec<Value>, keep: impl Fn(&Value) -> bool) -> Vec<Value> {
    list.into_iter().filter(|v| keep(v)).collect()
}

fn unique(list: Vec<Value>) -> Value {
    let mut out: Vec<Value> = Vec::new();
    for item in list {
        if !out.iter().any(|o| same(o, &item)) {
            out.push(item);
        }
    }
    out.into()
}

fn without(args: &[Held]) -> Result<Value, String> {
    let list = items(&args[0], "find without on")?;
    let is_listed = |v: &Value| args[1..].iter().any(|o| same(o.get(), v));
    Ok(kept(list, |v| !is_listed(v)).into())
}

fn has(args: &[Held]) -> Result<Value, String> {
    if matches!(args[1].get(), Value::Null) {
        return Ok(false.into());
    }
    let list = items(&args[1], "find has on")?;
    Ok(list.iter().any(|v| same(v, args[0].get())).into())
}

fn slice(args: &[Held]) -> Result<Value, String> {
    let list = items_as(&args[0], |kind| {
        format!("list should be type of slice or array but {kind}")
    })?;
    if list.is_empty() {
        return Ok(Value::Null);
    }
    let length = list.len() as i64;
    let start = args.get(1).map_or(0, |a| int(a.get()));
    let end = args.get(2).map_or(length, |a| int(a.get()));
    if start < 0 || start > end || end > length {
        return Err("reflect.Value.Slice: slice index out of bounds".into());
    }
    Ok(list[start as usize..end as usize].to_vec().into())
}

fn chunk(args: &[Held]) -> Result<Value, String> {
    let list = items(&args[1], "chunk")?;
    let size = usize::try_from(args[0].int()).unwrap_or(0);
    if size == 0 {
        return Err("runtime error: makeslice: len out of range".into());
    }
    let chunks = list.chunks(size).map(|c| Value::from(c.to_vec()));
    Ok(chunks.collect::<Vec<_>>().into())
}

/// Whether two values are of one type and the same all the way down.
pub(super) fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Null, Value::Null) => true,
        (Value::Bool(a), Value::Bool(b)) => a == b,
        (Value::Int(a), Value::Int(b)) => a == b,
        (Value::Uint(a), Value::Uint(b)) => a == b,
        (Value::Float(a), Value::Float(b)) => a == b,
        (Value::Number(a), Value::Number(b)) => a.as_str() == b.as_str(),
        (Value::String(a), Value::String(b)) => a == b,
        (Value::Bytes(a), Value::Bytes(b)) => a == b,
        (Value::Timestamp(a), Value::Timestamp(b)) => a.since(b) == 0,
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b.iter()).all(|(a, b)| same(&a, &b))
        }
        (Value::Object(a), Value::Object(b)) => {
            let pairs = a.iter().zip(b.iter());
            a.len() == b.len()
                && pairs
                    .into_iter()
                    .all(|(a, b)| a.0 == b.0 && same(&a.1, &b.1))
        }
        _ => false,
    }
}
