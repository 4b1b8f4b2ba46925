//! Regular expressions.

use super::super::fail::{Result, Stop, error, no_array, no_object, unfit};
use super::super::json;
use super::super::machine::Machine;
use super::Native;
use crate::formats::go_quote::quote;
use crate::formats::go_regex;
use crate::value::{Object, Value};
use regex::{Captures, Regex};
use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

/// How many expressions a program keeps compiled.
const MOST: usize = 64;

/// Expressions that a program compiled, by their text with its flags.
#[derive(Default)]
pub(in super::super) struct Regexes(Mutex<HashMap<String, Regex>>);

impl Regexes {
    fn get(&self, pattern: &str, flags: &str) -> Result<Regex> {
        if flags.contains(|c| !matches!(c, 'g' | 'i' | 'm')) {
            return error(format!(
                "unsupported regular expression flag: {}",
                quote(flags)
            ));
        }
        let mut full = pattern.replace("(?<", "(?P<");
        for (flag, prefix) in [('i', "(?i)"), ('m', "(?s)")] {
            if flags.contains(flag) {
                full.insert_str(0, prefix);
            }
        }
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(regex) = known.get(&full) {
            return Ok(regex.clone());
        }
        let regex = go_regex::compile(&full).map_err(|why| {
            Stop::Error(format!(
                "invalid regular expression {}: {why}",
                quote(&full)
            ))
        })?;
        if known.len() >= MOST {
            known.clear();
        }
        known.insert(full, regex.clone());
        Ok(regex)
    }
}

pub(super) const TABLE: &[Native] = &[
    Native {
        name: "_match",
        arity: 2,
        run: |machine, value, arguments| matches(machine, value, arguments),
    },
    Native {
        name: "test",
        arity: 2,
        run: |machine, value, arguments| {
            let (text, regex, _) = compiled(machine, "test", value, arguments)?;
            Ok(regex.is_match(text).into())
        },
    },
    Native {
        name: "_capture",
        arity: 0,
        run: |_, value, _| capture(value),
    },
    Native {
        name: "split",
        arity: 2,
        run: |machine, value, arguments| {
            let Value::String(text) = value else {
                return unfit("split", value, &[]);
            };
            let Value::String(pattern) = &arguments[0] else {
                return unfit("split", &Value::from(""), &[]);
            };
            let flags = match &arguments[1] {
                Value::Null => "",
                Value::String(flags) => &**flags,
                other => return unfit("split", other, &[]),
            };
            split(&machine.regexes.get(pattern, flags)?, pattern, text)
        },
    },
];

fn compiled<'v>(
    machine: &Machine<'_>,
    name: &str,
    value: &'v Value,
    arguments: &'v [Value],
) -> Result<(&'v str, Regex, bool)> {
    let flags = match &arguments[1] {
        Value::Null => "",
        Value::String(flags) => flags,
        _ => return unfit(name, value, arguments),
    };
    match (value, &arguments[0]) {
        (Value::String(text), Value::String(pattern)) => Ok((
            text,
            machine.regexes.get(pattern, flags)?,
            flags.contains('g'),
        )),
        _ => unfit(name, value, arguments),
    }
}

/// The matches, as an array.
fn matches(machine: &Machine<'_>, value: &Value, arguments: &[Value]) -> Result {
    let (text, regex, all) = compiled(machine, "match", value, arguments)?;
    let names = go_regex::names(regex.capture_names());
    let mut found = Vec::new();
    // Counts characters from the last place that was asked for.
    let (mut counted, mut at) = (0, 0);
    for captures in regex
        .captures_iter(text)
        .take(if all { usize::MAX } else { 1 })
    {
        machine.step()?;
        if let Some(whole) = captures.get(0) {
            // Go doesn't find nothing right behind something.
            if whole.is_empty()
                && at == whole.start()
                && !found.is_empty()
                && at > 0
                && last_was_something(&found)
            {
                continue;
            }
            counted += text[at.min(whole.start())..whole.start()].chars().count();
            at = whole.start();
        }
        found.push(described(&captures, &names, text, counted));
        if let Some(whole) = captures.get(0) {
            counted += whole.as_str().chars().count();
            at = whole.end();
        }
    }
    Ok(found.into())
}

fn last_was_something(found: &[Value]) -> bool {
    let length = found.last().and_then(|last| last.get_path(&["length"]));
    length
        .and_then(|length| length.as_i64())
        .is_some_and(|length| length > 0)
}

/// A match whose beginning is so many characters into the text.
fn described(captures: &Captures<'_>, names: &[Option<&str>], text: &str, offset: usize) -> Value {
    let start = captures.get(0).map_or(0, |whole| whole.start());
    let count = |text: &str| Value::Int(text.chars().count() as i64);
    let part = |n: usize| -> (Value, Value, Value) {
        match captures.get(n) {
            Some(found) => {
                // A group lies inside the match.
                let inside = text[start..found.start()].chars().count();
                (
                    Value::Int((offset + inside) as i64),
                    count(found.as_str()),
                    found.as_str().into(),
                )
            }
            None => (Value::Int(-1), Value::Int(0), Value::Null),
        }
    };
    let groups = (1..captures.len()).map(|n| {
        let (at, length, string) = part(n);
        let name = names
            .get(n)
            .copied()
            .flatten()
            .map_or(Value::Null, Value::from);
        json::object([
            ("length", length),
            ("name", name),
            ("offset", at),
            ("string", string),
        ])
    });
    let groups: Vec<Value> = groups.collect();
    let (at, length, string) = part(0);
    json::object([
        ("captures", groups.into()),
        ("length", length),
        ("offset", at),
        ("string", string),
    ])
}

/// The named groups of a match, as an object.
fn capture(value: &Value) -> Result {
    let Value::Object(found) = value else {
        return no_object(value);
    };
    let groups = found.get("captures").unwrap_or(Value::Null);
    let Value::Array(groups) = &groups else {
        return no_array(&groups);
    };
    let mut made = Object::new();
    for group in groups.iter() {
        if let Value::Object(group) = group
            && let Some(Value::String(name)) = group.get("name")
        {
            made.insert(name, group.get("string").unwrap_or(Value::Null));
        }
    }
    Ok(made.into())
}

/// The parts between matches. Nothing is found neither before the first character nor behind the last.
fn split(regex: &Regex, pattern: &str, text: &str) -> Result {
    if !pattern.is_empty() && text.is_empty() {
        return Ok(vec![Value::from("")].into());
    }
    let (mut parts, mut begin, mut end) = (Vec::new(), 0, 0);
    let mut last_end = None;
    for found in regex.find_iter(text) {
        if found.is_empty() && last_end == Some(found.start()) {
            continue;
        }
        last_end = Some(found.end());
        end = found.start();
        if found.end() != 0 {
            parts.push(Value::from(&text[begin..end]));
        }
        begin = found.end();
    }
    if end != text.len() {
        parts.push(Value::from(&text[begin..]));
    }
    json::array(parts)
}
