//! Whether what came out is what a test expects; each thing that isn't is a text for people.

use super::case::{document, json_of};
use super::diff::{Verdict, diff};
use crate::codec::serde::from_json;
use crate::config::Node;
use crate::engine::config::{Case, Conditions};
use crate::formats::{go_regex, os_error};
use crate::message::{Batch, Message};
use crate::value::Value;
use std::path::Path;

/// What is wrong with the batches that came out; empty if nothing is.
pub fn check(case: &Case, got: &[Batch], folder: &Path) -> Vec<String> {
    let mut failures = Vec::new();
    let expected = &case.output_batches;
    if got.len() < expected.len() {
        failures.push(format!("wrong batch count, expected {}, got {}", expected.len(), got.len()));
    }
    for (b, batch) in got.iter().enumerate() {
        let Some(expected) = expected.get(b) else {
            let contents: Vec<String> = batch.iter().map(content).collect();
            failures.push(format!("unexpected batch: [{}]", contents.join(" ")));
            continue;
        };
        if expected.len() != batch.len() {
            failures.push(format!(
                "mismatch of output batch {b} message counts, expected {}, got {}",
                expected.len(),
                batch.len()
            ));
        }
        for (m, message) in batch.iter().enumerate() {
            let Some(conditions) = expected.get(m) else {
                failures.push(format!("unexpected message from batch {b}: {}", content(message)));
                continue;
            };
            let broken = conditions.broken(batch, m, folder);
            let error = message.error().filter(|_| !broken.is_empty());
            let error = error.map(|e| e.text.to_string());
            let texts = broken.into_iter().chain(error);
            failures.extend(texts.map(|text| format!("batch {b} message {m}: {text}")));
        }
    }
    failures
}

fn content(message: &Message) -> String {
    String::from_utf8_lossy(message.bytes()).into_owned()
}

impl Conditions {
    /// The conditions that don't hold.
    fn broken(&self, batch: &[Message], index: usize, folder: &Path) -> Vec<String> {
        let message = &batch[index];
        let mut broken = Vec::new();
        let mut note = |name: &str, result: Result<(), String>| {
            if let Err(text) = result {
                broken.push(format!("{name}: {text}"));
            }
        };
        if let Some(query) = &self.bloblang {
            note("bloblang", match query.check(batch, index) {
                Ok(true) => Ok(()),
                Ok(false) => Err("bloblang expression was false".into()),
                Err(error) => Err(error.to_string()),
            });
        }
        if let Some(wanted) = &self.content_equals {
            note("content_equals", equal(message, wanted.as_bytes()));
        }
        if let Some(pattern) = &self.content_matches {
            note("content_matches", matches(message, pattern));
        }
        if let Some(file) = &self.file_equals {
            note("file_equals", read(folder, file).and_then(|wanted| equal(message, &wanted)));
        }
        if let Some(file) = &self.file_json_contains {
            let wanted = read_json(folder, file);
            note("file_json_contains", wanted.and_then(|wanted| contains(message, &wanted)));
        }
        if let Some(file) = &self.file_json_equals {
            let wanted = read_json(folder, file);
            note("file_json_equals", wanted.and_then(|wanted| equal_json(message, &wanted)));
        }
        if let Some(wanted) = &self.json_contains {
            note("json_contains", json_of(wanted).and_then(|wanted| contains(message, &wanted)));
        }
        if let Some(wanted) = &self.json_equals {
            note("json_equals", json_of(wanted).and_then(|wanted| equal_json(message, &wanted)));
        }
        for (key, wanted) in &self.metadata_equals {
            note("metadata_equals", metadata(message, key, wanted));
        }
        broken
    }
}

fn equal(message: &Message, wanted: &[u8]) -> Result<(), String> {
    if message.bytes()[..] == *wanted {
        return Ok(());
    }
    let wanted = String::from_utf8_lossy(wanted);
    Err(format!("content mismatch\n  expected: {wanted}\n  received: {}", content(message)))
}

fn matches(message: &Message, pattern: &str) -> Result<(), String> {
    let regex = go_regex::compile_bytes(pattern)
        .map_err(|e| format!("pattern {pattern} isn't a regular expression: {e}"))?;
    if regex.is_match(message.bytes()) {
        return Ok(());
    }
    Err(format!("pattern mismatch\n   pattern: {pattern}\n  received: {}", content(message)))
}

fn metadata(message: &Message, key: &str, wanted: &Node) -> Result<(), String> {
    let wanted = from_json(&wanted.to_json());
    let Some(got) = message.metadata().get(key) else {
        return Err(format!("metadata key '{key}' expected but not found"));
    };
    if is_same(got, &wanted) {
        return Ok(());
    }
    // What looks the same is of another type.
    let (wanted, got) = match (shown(&wanted), shown(got)) {
        (w, g) if w == g => (format!("{w} ({})", wanted.type_name()), format!("{g} ({})", got.type_name())),
        shown => shown,
    };
    Err(format!("metadata key '{key}' mismatch\n  expected: {wanted}\n  received: {got}"))
}

fn shown(value: &Value) -> String {
    match value {
        Value::String(s) => s.to_string(),
        Value::Bytes(b) | Value::IllFormed(b) => String::from_utf8_lossy(b).into_owned(),
        other => String::from_utf8_lossy(&other.to_json()).into_owned(),
    }
}

/// Whether a value of metadata is one from YAML, where bytes and times are texts.
fn is_same(got: &Value, wanted: &Value) -> bool {
    match (got, wanted) {
        (Value::Bytes(_) | Value::Timestamp(_), Value::String(wanted)) => *shown(got).trim_matches('"') == **wanted,
        _ => got == wanted,
    }
}

fn value(message: &Message) -> Result<Value, String> {
    let parsed = document(message.bytes());
    parsed.map_err(|e| format!("failed to parse message as JSON: {e}\n  received: {}", content(message)))
}

fn equal_json(message: &Message, wanted: &Value) -> Result<(), String> {
    match diff(&value(message)?, wanted) {
        (Verdict::Same, _) => Ok(()),
        (_, shown) => Err(format!("JSON content mismatch\n{shown}")),
    }
}

fn contains(message: &Message, wanted: &Value) -> Result<(), String> {
    match diff(&value(message)?, wanted) {
        (Verdict::Same | Verdict::More, _) => Ok(()),
        (_, shown) => Err(format!("JSON superset mismatch\n{shown}")),
    }
}

fn read(folder: &Path, file: &str) -> Result<Vec<u8>, String> {
    let path = folder.join(file.trim_start_matches("./"));
    std::fs::read(&path).map_err(|e| {
        format!(
            "failed to read comparison file: open {}: {}",
            path.display(),
            os_error::reason(&e)
        )
    })
}

fn read_json(folder: &Path, file: &str) -> Result<Value, String> {
    let text = read(folder, file)?;
    document(&text).map_err(|e| format!("{file} is no JSON: {e}"))
}
