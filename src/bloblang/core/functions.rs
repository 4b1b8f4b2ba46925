//! Functions of the message and its batch, and those that keep state.

use super::{CoreFunction, State};
use crate::bloblang::context::Context;
use crate::bloblang::expr::{Arg, Function};
use crate::bloblang::fail::Fail;
use crate::bloblang::flow::Flow;
use crate::bloblang::number::{self, Num};
use crate::bloblang::path;
use crate::message::{ComponentName, Message, Metadata, trace};
use crate::value::{Object, Read, Str, Value};
use parking_lot::Mutex;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use std::collections::HashMap;

/// The code of a function of the core.
pub(crate) fn function(name: &str) -> Option<CoreFunction> {
    Some(match name {
        "batch_index" => batch_index,
        "batch_size" => batch_size,
        "content" => content,
        "count" => count,
        "counter" => counter,
        "error" => error,
        "errored" => errored,
        "error_source_label" => error_source_label,
        "error_source_name" => error_source_type,
        "error_source_path" => error_source_path,
        "error_source_type" => error_source_type,
        "flow_id" => flow_id,
        "json" => json,
        "meta" => meta,
        "metadata" => metadata,
        "random_int" => random_int,
        "root_meta" => root_meta,
        "throw" => throw,
        "tracing_id" => tracing_id,
        "tracing_span" => tracing_span,
        "var" => var,
        _ => return None,
    })
}

/// What an error calls a function's result.
pub(crate) fn name(function: &Function) -> String {
    let constant = match function.args.list.first() {
        Some(Arg::Const(Value::String(text))) => Some(text),
        _ => None,
    };
    match (function.name, constant) {
        ("json", Some(path)) => format!("json path `{path}`"),
        ("json", None) => "json path".into(),
        (name @ ("meta" | "metadata" | "root_meta"), Some(key)) => match &**key {
            "" => format!("{name} object"),
            key => format!("{name} field {key}"),
        },
        (name, _) => format!("function {name}"),
    }
}

fn message<'c>(cx: &'c Context<'_>) -> Option<&'c Message> {
    cx.batch.get(cx.index)
}

/// A string argument; empty if it was left out.
fn text_argument(function: &Function, i: usize, cx: &mut Context<'_>) -> Result<Str, Fail> {
    match function.args.get(i, cx, "function", function.name)? {
        Value::Null => Ok(Str::default()),
        value => value
            .into_str()
            .map_err(|other| Fail::wanted("string", Flow::Value(other))),
    }
}

fn content(_: &Function, cx: &mut Context<'_>) -> Result<Flow, Fail> {
    Ok(Flow::Value(Value::Bytes(cx.content(cx.index))))
}

fn json(function: &Function, cx: &mut Context<'_>) -> Result<Flow, Fail> {
    let text = text_argument(function, 0, cx)?;
    let value = cx.document(cx.index).map_err(|why| {
        Fail::text(match why.strip_prefix("parse as json: ") {
            Some(why) => why.to_string(),
            None => "target message part does not exist".to_string(),
        })
    })?;
    if text.is_empty() {
        return Ok(Flow::Value(value));
    }
    Ok(Flow::Value(match path::get_dotted(&value, &text) {
        // What is given by itself is a number as others, which no longer has the text that it came as.
        Some(Value::Number(number)) => match number.read() {
            Read::Float(n) if n.is_infinite() => number.as_str().into(),
            n => Num::from(n).into(),
        },
        value => value.unwrap_or(Value::Null),
    }))
}

fn all_of(metadata: Option<&Metadata>, show: impl Fn(&Value) -> Value) -> Flow {
    let object: Object = metadata
        .into_iter()
        .flat_map(Metadata::iter)
        .map(|(key, value)| (key.clone(), show(value)))
        .collect();
    Flow::Value(Value::Object(object))
}

fn one_of(metadata: Option<&Metadata>, key: &str, show: impl Fn(&Value) -> Value) -> Flow {
    Flow::Value(match metadata.and_then(|m| m.get(key)) {
        Some(value) => show(value),
        None => Value::Null,
    })
}

/// Metadata as text.
fn as_text(value: &Value) -> Value {
    match value {
        Value::String(_) => value.clone(),
        other => Value::text(crate::bloblang::text::bytes_of(other)),
    }
}

fn meta(function: &Function, cx: &mut Context<'_>) -> Result<Flow, Fail> {
    let key = text_argument(function, 0, cx)?;
    let source = cx.source_metadata();
    Ok(match function.args.list.first() {
        Some(Arg::Absent) | None => all_of(source, as_text),
        _ if key.is_empty() => all_of(source, as_text),
        _ => no_empty_text(one_of(source, &key, as_text)),
    })
}

/// For the older functions an empty text is as good as none.
fn no_empty_text(flow: Flow) -> Flow {
    match flow {
        Flow::Value(Value::String(text)) if text.is_empty() => Flow::NULL,
        flow => flow,
    }
}

fn metadata(function: &Function, cx: &mut Context<'_>) -> Result<Flow, Fail> {
    let key = text_argument(function, 0, cx)?;
    let source = cx.source_metadata();
    Ok(match &*key {
        "" => all_of(source, Value::clone),
        key => one_of(source, key, Value::clone),
    })
}

fn root_meta(function: &Function, cx: &mut Context<'_>) -> Result<Flow, Fail> {
    let key = text_argument(function, 0, cx)?;
    let source = cx.new_metadata();
    Ok(match &*key {
        "" => all_of(source, as_text),
        key => no_empty_text(one_of(source, key, as_text)),
    })
}

/// What `@` and `@key` give: metadata as it is being made.
pub(crate) fn new_metadata(cx: &Context<'_>, key: Option<&str>) -> Result<Flow, Fail> {
    let metadata = cx.new_metadata();
    if metadata.is_none() {
        return Err(Fail::text("metadata cannot be queried in this context"));
    }
    Ok(match key {
        None => all_of(metadata, Value::clone),
        Some(key) => one_of(metadata, key, Value::clone),
    })
}

fn error(_: &Function, cx: &mut Context<'_>) -> Result<Flow, Fail> {
    Ok(match message(cx).and_then(Message::error) {
        Some(error) => error.text.clone().into(),
        None => Flow::NULL,
    })
}

fn errored(_: &Function, cx: &mut Context<'_>) -> Result<Flow, Fail> {
    Ok(message(cx).is_some_and(|m| m.error().is_some()).into())
}

fn source_of_error(cx: &Context<'_>, pick: impl Fn(&ComponentName) -> Str) -> Flow {
    let component = message(cx)
        .and_then(Message::error)
        .and_then(|e| e.component.as_ref());
    match component {
        Some(component) => pick(component).into(),
        None => Flow::NULL,
    }
}

fn error_source_label(_: &Function, cx: &mut Context<'_>) -> Result<Flow, Fail> {
    Ok(source_of_error(cx, |c| c.label.clone()))
}

fn error_source_path(_: &Function, cx: &mut Context<'_>) -> Result<Flow, Fail> {
    Ok(source_of_error(cx, |c| {
        match c.path.strip_prefix("root.") {
            Some(path) => path.into(),
            None => c.path.clone(),
        }
    }))
}

fn error_source_type(_: &Function, cx: &mut Context<'_>) -> Result<Flow, Fail> {
    Ok(source_of_error(cx, |c| c.kind.clone()))
}

fn batch_index(_: &Function, cx: &mut Context<'_>) -> Result<Flow, Fail> {
    Ok(Flow::Value(Value::Int(cx.index as i64)))
}

fn batch_size(_: &Function, cx: &mut Context<'_>) -> Result<Flow, Fail> {
    Ok(Flow::Value(Value::Int(cx.batch.len() as i64)))
}

/// What all that is made of the message on its way through the stream has in common.
fn flow_id(_: &Function, cx: &mut Context<'_>) -> Result<Flow, Fail> {
    // Beyond the batch, as `from` may point, is an empty message.
    let id = cx
        .batch
        .get(cx.index)
        .map_or_else(|| Message::default().flow_id(), Message::flow_id);
    Ok(Flow::Value(Value::from(id.to_string())))
}

fn throw(function: &Function, cx: &mut Context<'_>) -> Result<Flow, Fail> {
    Err(Fail::text(text_argument(function, 0, cx)?))
}

/// A variable whose name is only known now.
fn var(function: &Function, cx: &mut Context<'_>) -> Result<Flow, Fail> {
    let name = text_argument(function, 0, cx)?;
    let slot = cx.names.iter().position(|n| *n == name);
    match slot.and_then(|slot| cx.variables[slot].clone()) {
        Some(value) => Ok(Flow::Value(value)),
        None => Err(Fail::text(format!("variable '{name}' undefined"))),
    }
}

/// The id of a message that belongs to no trace.
const NO_TRACE: &str = "00000000000000000000000000000000";

fn tracing_id(_: &Function, cx: &mut Context<'_>) -> Result<Flow, Fail> {
    let span = cx.batch.get(cx.index).and_then(trace::of);
    Ok(match span {
        Some(span) => Str::from(span.trace_id()).into(),
        None => Str::from_static(NO_TRACE).into(),
    })
}

fn tracing_span(_: &Function, cx: &mut Context<'_>) -> Result<Flow, Fail> {
    let Some(span) = cx.batch.get(cx.index).and_then(trace::of) else {
        return Ok(Flow::Value(Object::new().into()));
    };
    let mut object = Object::new();
    object.insert("traceparent", Value::from(span.to_string()));
    Ok(Flow::Value(object.into()))
}

/// Counts calls by name, for the whole process. That is what the (deprecated) function is for; `counter` belongs to its mapping.
fn count(function: &Function, cx: &mut Context<'_>) -> Result<Flow, Fail> {
    static COUNTS: Mutex<Option<HashMap<Str, i64>>> = Mutex::new(None);
    let name = text_argument(function, 0, cx)?;
    let mut counts = COUNTS.lock();
    let count = counts.get_or_insert_default().entry(name).or_insert(0);
    *count += 1;
    Ok(Flow::Value(Value::Int(*count)))
}

/// Counts from `min` to `max` and begins again. `set` may say where to go on, or, by null, that this call doesn't count, or, by
/// `deleted()`, that it begins again.
fn counter(function: &Function, cx: &mut Context<'_>) -> Result<Flow, Fail> {
    let bound = |i: usize, what: &str, cx: &mut Context<'_>| -> Result<i64, Fail> {
        let Some(query) = function.args.query(i) else {
            return Ok(i64::MAX);
        };
        let flow = query.eval(cx)?;
        number::int(&flow).map_err(|e| e.context(format_args!("failed to resolve {what}")))
    };
    let set = match function.args.query(2) {
        Some(query) => Some(query.eval(cx)?),
        None => None,
    };
    let last = match &*function.args.state.lock() {
        State::Count(n) => Some(*n),
        _ => None,
    };
    let next = match set {
        Some(Flow::Value(Value::Null)) => match last {
            Some(last) => return Ok(Flow::Value(Value::Int(last))),
            None => bound(0, "min", cx)?,
        },
        Some(Flow::Deleted) => bound(0, "min", cx)?,
        Some(flow @ Flow::Value(_)) => number::int(&flow)?,
        Some(Flow::Nothing) | None => {
            let max = bound(1, "max", cx)?;
            match last {
                Some(last) if last < max => last.saturating_add(1),
                _ => bound(0, "min", cx)?,
            }
        }
    };
    *function.args.state.lock() = State::Count(next);
    Ok(Flow::Value(Value::Int(next)))
}

fn random_int(function: &Function, cx: &mut Context<'_>) -> Result<Flow, Fail> {
    let min = number::int(&Flow::Value(function.args.get(
        1,
        cx,
        "function",
        function.name,
    )?))?;
    let max = number::int(&Flow::Value(function.args.get(
        2,
        cx,
        "function",
        function.name,
    )?))?;
    if max < min {
        return Err(Fail::text(format!(
            "min ({min}) value must be less than or equal to max ({max})"
        )));
    }
    let fresh = matches!(*function.args.state.lock(), State::Fresh);
    if fresh {
        let seed = match function.args.query(0) {
            Some(query) => number::int(&query.eval(cx)?)?,
            None => 0,
        };
        *function.args.state.lock() =
            State::Random(Box::new(StdRng::seed_from_u64(seed.cast_unsigned())));
    }
    match &mut *function.args.state.lock() {
        State::Random(rng) => Ok(Flow::Value(Value::Int(rng.random_range(min..=max)))),
        _ => Ok(Flow::Value(Value::Int(min))),
    }
}
