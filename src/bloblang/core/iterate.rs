//! Methods that evaluate a query for each element.

use crate::bloblang::context::Context;
use crate::bloblang::expr::{Expr, Method};
use crate::bloblang::fail::Fail;
use crate::bloblang::flow::Flow;
use crate::bloblang::nil;
use crate::value::{Array, Object, Str, Value};
use bytes::Bytes;

/// How deep the value that `fold` carries along may become.
const MAX_TALLY_DEPTH: usize = 2048;

const NULL: Expr = Expr::Const(crate::bloblang::expr::Const {
    flow: Flow::NULL,
    name: None,
});

/// The query of a method, which the parser made sure of.
fn query(method: &Method, i: usize) -> &Expr {
    static FALLBACK: Expr = NULL;
    method.args.query(i).unwrap_or(&FALLBACK)
}

fn array(method: &Method, cx: &mut Context<'_>, wanted: &'static str) -> Result<Array, Fail> {
    match method.target.eval(cx)? {
        Flow::Value(Value::Array(array)) => Ok(array),
        other => Err(Fail::wanted(wanted, other).blaming(|| method.target.name())),
    }
}

fn pair(key: Str, value: Value) -> Flow {
    let mut object = Object::new();
    object.insert(Str::from_static("key"), Value::String(key));
    object.insert(Str::from_static("value"), value);
    Flow::Value(Value::Object(object))
}

pub(super) fn map_each(method: &Method, cx: &mut Context<'_>) -> Result<Flow, Fail> {
    let query = query(method, 0);
    let failed = |e: Fail, at: &dyn std::fmt::Display| {
        e.blaming(|| query.name())
            .context(format_args!("failed to process element {at}"))
            .blaming(|| method.target.name())
    };
    match method.target.eval(cx)? {
        Flow::Value(Value::Array(array)) => {
            let items = array.iter();
            let mut out = Vec::with_capacity(items.len());
            cx.each(items, |cx, i| {
                match query.eval(cx).map_err(|e| failed(e, &i))? {
                    Flow::Value(value) => out.push(value),
                    Flow::Nothing => out.push(cx.item()),
                    Flow::Deleted => {}
                }
                Ok(())
            })?;
            Ok(Flow::Value(Value::Array(out.into())))
        }
        Flow::Value(Value::Object(object)) => {
            let mut out = Object::new();
            for (key, value) in object.iter() {
                match cx.with(pair(key.clone(), value.clone()), |cx| query.eval(cx)) {
                    Ok(Flow::Value(value)) => {
                        out.insert(key, value);
                    }
                    Ok(Flow::Nothing) => {
                        out.insert(key, value);
                    }
                    Ok(Flow::Deleted) => {}
                    Err(e) => return Err(failed(e, &key)),
                }
            }
            Ok(Flow::Value(Value::Object(out)))
        }
        other => Err(Fail::wanted("array", other).blaming(|| method.target.name())),
    }
}

pub(super) fn map_each_key(method: &Method, cx: &mut Context<'_>) -> Result<Flow, Fail> {
    let query = query(method, 0);
    let object = match method.target.eval(cx)? {
        Flow::Value(Value::Object(object)) => object,
        other => return Err(Fail::wanted("object", other).blaming(|| method.target.name())),
    };
    let mut out = Object::new();
    for (key, value) in object.iter() {
        let new = cx
            .with(Flow::Value(Value::String(key.clone())), |cx| query.eval(cx))
            .map_err(|e| e.blaming(|| method.target.name()))?;
        match new {
            Flow::Value(new @ (Value::String(_) | Value::IllFormed(_))) => {
                out.insert(new.into_str().expect("a string"), value);
            }
            Flow::Nothing => {
                out.insert(key, value);
            }
            other => {
                return Err(Fail::wanted("string", other)
                    .context("unexpected result from key mapping")
                    .blaming(|| method.target.name()));
            }
        }
    }
    Ok(Flow::Value(Value::Object(out)))
}

fn is_true(flow: &Flow) -> bool {
    matches!(flow, Flow::Value(Value::Bool(true)))
}

pub(super) fn filter(method: &Method, cx: &mut Context<'_>) -> Result<Flow, Fail> {
    let query = query(method, 0);
    match method.target.eval(cx)? {
        Flow::Value(Value::Array(array)) => {
            let mut out = Vec::new();
            cx.each(array.iter(), |cx, _| {
                let keep = query.eval(cx);
                if is_true(&keep.map_err(|e| e.blaming(|| method.target.name()))?) {
                    out.push(cx.item());
                }
                Ok(())
            })?;
            Ok(Flow::Value(Value::Array(out.into())))
        }
        Flow::Value(Value::Object(object)) => {
            let mut out = Object::new();
            for (key, value) in object.iter() {
                let keep = cx
                    .with(pair(key.clone(), value.clone()), |cx| query.eval(cx))
                    .map_err(|e| e.blaming(|| method.target.name()))?;
                if is_true(&keep) {
                    out.insert(key, value);
                }
            }
            Ok(Flow::Value(Value::Object(out)))
        }
        other => Err(Fail::wanted("array or object", other).blaming(|| method.target.name())),
    }
}

pub(super) fn fold(method: &Method, cx: &mut Context<'_>) -> Result<Flow, Fail> {
    let query = query(method, 1);
    let initial = method.args.get(0, cx, "method", method.name)?;
    let array = array(method, cx, "array")?;
    let mut tally = Flow::Value(nil::settled(initial));
    for (i, item) in array.iter().enumerate() {
        let mut object = Object::new();
        object.insert(Str::from_static("tally"), tally.into_value());
        object.insert(Str::from_static("value"), item);
        tally = cx
            .with(Flow::Value(Value::Object(object)), |cx| query.eval(cx))
            .map_err(|e| e.blaming(|| method.target.name()))?;
        // A tally that is put into itself gets deeper with each element. It is looked at after 1024, 2048, 4096... of them.
        if i >= 1023
            && (i + 1).is_power_of_two()
            && let Flow::Value(value) = &tally
            && is_deeper(value, MAX_TALLY_DEPTH)
        {
            return Err(Fail::text(format!(
                "the result is nested deeper than {MAX_TALLY_DEPTH} levels"
            )));
        }
    }
    Ok(tally)
}

/// Whether a value is nested deeper than `limit`. Doesn't recurse.
fn is_deeper(value: &Value, limit: usize) -> bool {
    let mut open = vec![(value.clone(), 0)];
    while let Some((value, depth)) = open.pop() {
        if depth > limit {
            return true;
        }
        match value {
            Value::Array(array) => open.extend(array.iter().map(|v| (v, depth + 1))),
            Value::Object(object) => open.extend(object.iter().map(|(_, v)| (v, depth + 1))),
            _ => {}
        }
    }
    false
}

/// Evaluates the query for an element; anything but a bool is a failure.
fn test(
    method: &Method,
    query: &Expr,
    i: usize,
    item: Value,
    cx: &mut Context<'_>,
) -> Result<bool, Fail> {
    let finds = method.name.starts_with("find");
    let fail = match cx.with(Flow::Value(item), |cx| query.eval(cx)) {
        Ok(Flow::Value(Value::Bool(b))) => return Ok(b),
        Ok(other) if finds => Fail::wanted("bool", other).context(format_args!(
            "query returned a non-boolean value for index {i}"
        )),
        Ok(other) => Fail::wanted("bool", other).context(format_args!("element {i}")),
        Err(e) if finds => e.context(format_args!("query returned an error for index {i}")),
        Err(e) => e.context(format_args!("element {i}")),
    };
    Err(fail.blaming(|| method.target.name()))
}

pub(super) fn any(method: &Method, cx: &mut Context<'_>) -> Result<Flow, Fail> {
    let array = array(method, cx, "array")?;
    for (i, item) in array.iter().enumerate() {
        if test(method, query(method, 0), i, item, cx)? {
            return Ok(true.into());
        }
    }
    Ok(false.into())
}

pub(super) fn all(method: &Method, cx: &mut Context<'_>) -> Result<Flow, Fail> {
    let array = array(method, cx, "array")?;
    for (i, item) in array.iter().enumerate() {
        if !test(method, query(method, 0), i, item, cx)? {
            return Ok(false.into());
        }
    }
    // Of nothing, nothing holds.
    Ok((!array.is_empty()).into())
}

pub(super) fn find_by(method: &Method, cx: &mut Context<'_>) -> Result<Flow, Fail> {
    let array = array(method, cx, "array")?;
    for (i, item) in array.iter().enumerate() {
        if test(method, query(method, 0), i, item, cx)? {
            return Ok(Flow::Value(Value::Int(i as i64)));
        }
    }
    Ok(Flow::Value(Value::Int(-1)))
}

pub(super) fn find_all_by(method: &Method, cx: &mut Context<'_>) -> Result<Flow, Fail> {
    let array = array(method, cx, "array")?;
    let mut found = Vec::new();
    for (i, item) in array.iter().enumerate() {
        if test(method, query(method, 0), i, item, cx)? {
            found.push(Value::Int(i as i64));
        }
    }
    Ok(Flow::Value(Value::Array(found.into())))
}

pub(super) fn split_by(method: &Method, cx: &mut Context<'_>) -> Result<Flow, Fail> {
    let query = query(method, 0);
    let mut parts: Vec<Value> = Vec::new();
    match method.target.eval(cx)? {
        Flow::Value(Value::Array(array)) => {
            let mut part = Vec::new();
            for item in array.iter() {
                if splits(method, query, item.clone(), cx)? {
                    parts.push(Value::Array(std::mem::take(&mut part).into()));
                } else {
                    part.push(item);
                }
            }
            parts.push(Value::Array(part.into()));
        }
        Flow::Value(Value::String(text)) => {
            let mut start = 0;
            let cut = |from: usize, to: usize| {
                let bytes: Bytes = text.clone().into_bytes().slice(from..to);
                Value::String(Str::from_utf8(bytes).unwrap_or_default())
            };
            for (at, c) in text.char_indices() {
                if splits(method, query, Value::from(&*c.encode_utf8(&mut [0; 4])), cx)? {
                    parts.push(cut(start, at));
                    start = at + c.len_utf8();
                }
            }
            parts.push(cut(start, text.len()));
        }
        Flow::Value(Value::Bytes(bytes)) => {
            let mut start = 0;
            for at in 0..bytes.len() {
                if splits(method, query, Value::Bytes(bytes.slice(at..=at)), cx)? {
                    parts.push(Value::Bytes(bytes.slice(start..at)));
                    start = at + 1;
                }
            }
            parts.push(Value::Bytes(bytes.slice(start..)));
        }
        other => {
            return Err(
                Fail::wanted("string, array or bytes", other).blaming(|| method.target.name())
            );
        }
    }
    Ok(Flow::Value(Value::Array(parts.into())))
}

fn splits(method: &Method, query: &Expr, item: Value, cx: &mut Context<'_>) -> Result<bool, Fail> {
    let flow = cx
        .with(Flow::Value(item), |cx| query.eval(cx))
        .map_err(|e| e.blaming(|| method.target.name()))?;
    Ok(is_true(&flow))
}
