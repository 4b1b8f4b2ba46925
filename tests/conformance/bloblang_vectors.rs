//! Vectors of the original's own tests: expressions, mappings, interpolations, with values, texts and errors expected.

use super::bloblang_cases::json;
use super::{bloblang_differences, rows};
use airtruct::bloblang::{Environment, EvalError, Interpolated, Mapped, Mapping, ParseError};
use airtruct::message::{Message, MessageError};
use airtruct::value::Value;
use serde_json::Value as Json;

#[test]
fn vectors() {
    let Some(rows) = rows("bloblang_vectors.jsonl") else {
        return;
    };
    let (mut all, mut wrong) = (0, Vec::new());
    for row in &rows {
        let id = row["id"].as_str().expect("a vector has an id");
        let kind = row["kind"].as_str().expect("a vector has a kind");
        // The config's and the components' own tests run these.
        if matches!(kind, "env_interpolation" | "processor" | "add_types")
            || bloblang_differences::is_reasoned(id)
        {
            continue;
        }
        all += 1;
        if let Err(why) = run(kind, row) {
            wrong.push(format!(
                "{kind} {} {}\n    {why}",
                row["expr"], row["expect"]
            ));
        }
    }
    println!(
        "bloblang_vectors.jsonl: {:.2} % of {all}",
        100.0 * (all - wrong.len()) as f64 / all as f64
    );
    for why in &wrong {
        println!("  {why}");
    }
    assert!(wrong.is_empty(), "{} vectors differ", wrong.len());
}

fn run(kind: &str, row: &Json) -> Result<(), String> {
    let expr = row["expr"].as_str().expect("a vector has an expression");
    let expect = &row["expect"];
    let batch: Vec<Message> = row["messages"]
        .as_array()
        .into_iter()
        .flatten()
        .map(message)
        .collect();
    let index = row["index"].as_u64().unwrap_or(0) as usize;
    if kind == "interpolation" {
        return match Interpolated::parse(expr, &Environment::default()) {
            Err(e) => refusal(expect, &e),
            Ok(text) => match text.text(&batch, index) {
                Ok(text) => same(&expect["string"], &Json::from(&*text)),
                Err(e) => Err(format!("failed: {e}")),
            },
        };
    }
    if kind == "query_prefix" {
        return prefix(expr, expect["remaining"].as_str().unwrap_or(""));
    }
    let env = Environment::default();
    let mapping = match Mapping::parse(expr, &env) {
        // What remains after a query is nobody's business in these.
        Err(e) if kind == "query" && e.message.contains("the mapping to end here") => {
            Mapping::parse(&expr[..place(expr, &e)], &env)
        }
        parsed => parsed,
    };
    let mapping = match mapping {
        Err(e) => return refusal(expect, &e),
        Ok(mapping) => mapping,
    };
    if expect.get("content").is_some() {
        let message = match mapping.map(&batch, index) {
            Ok(Mapped::Message(message)) => message,
            other => return Err(format!("{other:?}")),
        };
        let content = String::from_utf8_lossy(message.bytes()).into_owned();
        same(&expect["content"], &content.into())?;
        let metadata: serde_json::Map<String, Json> = message
            .metadata()
            .iter()
            .map(|(key, value)| (key.to_string(), json(value)))
            .collect();
        return same(&expect["metadata"], &metadata.into());
    }
    let this = row.get("this").map(value);
    let result: Result<Option<Value>, EvalError> = match (kind, this) {
        ("mapping_overlay", this) => {
            let mut target = Message::from_value(value(&row["overlay"]));
            let source = [Message::from_value(this.unwrap_or(Value::Null))];
            mapping
                .overlay(&mut target, &source, 0)
                .map(|deleted| (!deleted).then(|| content_value(&target)))
        }
        (_, Some(this)) if batch.is_empty() => mapping.apply(this),
        _ => mapping.value(&batch, index),
    };
    outcome(expect, result)
}

fn outcome(expect: &Json, result: Result<Option<Value>, EvalError>) -> Result<(), String> {
    match (result, expect) {
        (Err(e), expect) => {
            let text = e.to_string();
            let text = text
                .strip_prefix("failed assignment (line 1): ")
                .unwrap_or(&text);
            let whole = expect.get("error").and_then(Json::as_str);
            let part = expect.get("error_contains").and_then(Json::as_str);
            let fits = whole == Some(text) || part.is_some_and(|p| e.to_string().contains(p));
            if fits {
                Ok(())
            } else {
                Err(format!("failed: {e}"))
            }
        }
        (Ok(None), expect) if expect["error_contains"] == "root was deleted" => Ok(()),
        (Ok(Some(got)), expect) if expect.get("value").is_some() => {
            let want = value(&expect["value"]);
            if got.type_name() == want.type_name() && alike(&json(&want), &json(&got)) {
                Ok(())
            } else {
                Err(format!("got {got:?}"))
            }
        }
        (Ok(Some(got)), expect) if expect.get("string").is_some() => {
            let text = match &got {
                Value::String(text) => text.to_string(),
                Value::Bytes(bytes) => String::from_utf8_lossy(bytes).into_owned(),
                other => String::from_utf8_lossy(&other.to_json()).into_owned(),
            };
            same(&expect["string"], &text.into())
        }
        (Ok(got), _) => Err(format!("got {got:?}")),
    }
}

/// The byte that a fault is about, in an expression of ASCII.
fn place(expr: &str, fault: &ParseError) -> usize {
    let before = expr.split_inclusive('\n').take(fault.line - 1);
    before.map(str::len).sum::<usize>() + fault.column - 1
}

/// The expression up to what remains has to parse, and with it the fault has to be where it begins.
fn prefix(expr: &str, remaining: &str) -> Result<(), String> {
    let env = Environment::default();
    let end = expr.len() - remaining.len();
    Mapping::parse(&expr[..end], &env).map_err(|e| format!("the prefix is refused: {e}"))?;
    let rest = remaining.trim_start();
    if rest.is_empty() || rest.starts_with('#') && rest.contains('\n') {
        return Ok(());
    }
    let at = expr.len() - rest.len();
    match Mapping::parse(expr, &env) {
        Ok(_) => Err("all of it was parsed".into()),
        Err(e) => {
            let line = expr[..at].matches('\n').count() + 1;
            let column = at - expr[..at].rfind('\n').map_or(0, |n| n + 1) + 1;
            if (e.line, e.column) == (line, column) {
                Ok(())
            } else {
                Err(format!("the fault is at {e}"))
            }
        }
    }
}

fn refusal(expect: &Json, e: &ParseError) -> Result<(), String> {
    let texts = [
        format!("line {} char {}: {}", e.line, e.column, e.message),
        format!("char {}: {}", e.column, e.message),
    ];
    let whole = expect.get("parse_error").and_then(Json::as_str);
    let part = expect.get("parse_error_contains").and_then(Json::as_str);
    // Theirs end with a piece of the source where no place is known; ours always know the place.
    let fits = match (whole, part) {
        (Some(want), _) => {
            texts.iter().any(|t| t == want) || want.starts_with(&format!("{}: ", e.message))
        }
        (None, Some(part)) => texts.iter().any(|t| t.contains(part)),
        (None, None) => false,
    };
    if fits {
        Ok(())
    } else {
        Err(format!("refused: {}", texts[0]))
    }
}

fn same(want: &Json, got: &Json) -> Result<(), String> {
    if want == got {
        Ok(())
    } else {
        Err(format!("got {got}"))
    }
}

/// Equal, numbers by value: a vector may have a float where Go's tests did.
fn alike(want: &Json, got: &Json) -> bool {
    match (want, got) {
        (Json::Number(a), Json::Number(b)) => a.as_f64() == b.as_f64(),
        (Json::Array(a), Json::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| alike(a, b))
        }
        (Json::Object(a), Json::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(k, v)| b.get(k).is_some_and(|w| alike(v, w)))
        }
        (a, b) => a == b,
    }
}

fn message(row: &Json) -> Message {
    let mut message = Message::new(row["content"].as_str().unwrap_or("").to_string());
    for (key, value) in row["metadata"].as_object().into_iter().flatten() {
        message
            .metadata_mut()
            .set(key.as_str(), value.as_str().unwrap_or(""));
    }
    if let Some(error) = row["error"].as_str() {
        message.set_error(Some(MessageError::new(error)));
    }
    message
}

/// The content of a message, as a value where it is a document.
fn content_value(message: &Message) -> Value {
    match message.value() {
        Ok(value) => value.clone(),
        Err(_) => Value::from(String::from_utf8_lossy(message.bytes()).into_owned()),
    }
}

/// A value with its type written down.
fn value(typed: &Json) -> Value {
    let inner = &typed["value"];
    match typed["type"].as_str().unwrap_or("null") {
        "object" => Value::Object(
            inner
                .as_object()
                .into_iter()
                .flatten()
                .map(|(k, v)| (k.as_str().into(), value(v)))
                .collect(),
        ),
        "array" => Value::Array(inner.as_array().into_iter().flatten().map(value).collect()),
        "string" => Value::from(inner.as_str().unwrap_or("")),
        "bytes" => Value::Bytes(inner.as_str().unwrap_or("").to_string().into()),
        "bool" => Value::Bool(inner.as_bool().unwrap_or(false)),
        "number" => {
            let text = inner.as_str().unwrap_or("0").to_string();
            airtruct::value::parse(&text.into()).unwrap_or(Value::Null)
        }
        "float" => Value::Float(inner.as_f64().unwrap_or(0.0)),
        "null" => Value::Null,
        _ => Value::Int(inner.as_i64().unwrap_or(0)),
    }
}
