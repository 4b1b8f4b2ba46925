//! Syslog as RFC 5424 has it: `<165>1 2018-10-11T22:14:15.003Z host app procid msgid [id key="value"] message`.

use super::scan::Scan;
use crate::value::{Object, Value};
use chrono::DateTime;

/// Puts what the line says into `found`, as far as it is right.
pub(super) fn parse(line: &str, found: &mut Object) -> Result<(), String> {
    let mut scan = Scan::new(line);
    let mut head = Object::new();
    scan.priority(&mut head)?;
    let version = scan.take_while(3, |b| b.is_ascii_digit());
    if version.is_empty() || version.starts_with('0') || !scan.take(" ") {
        return Err(scan.expecting("a version value in the range 1-999"));
    }
    // A line without these two tells nothing.
    *found = head;
    found.insert("version", Value::Int(version.parse().unwrap_or(1)));
    timestamp(&mut scan, found)?;
    let word = |max, what: &str| {
        (
            max,
            format!("{what} (from 1 to max {max} US-ASCII characters)"),
        )
    };
    for (key, (max, what), nil) in [
        ("hostname", word(255, "an hostname"), " or a nil value"),
        ("appname", word(48, "an app-name"), " or a nil value"),
        ("procid", word(128, "a procid"), " or a nil value"),
        ("msgid", word(32, "a msgid"), ""),
    ] {
        let text = scan.take_while(max, |b| b.is_ascii_graphic());
        if text.is_empty() || !scan.take(" ") {
            return Err(scan.expecting(&format!("{what}{nil}")));
        }
        if text != "-" {
            found.insert(key, text.into());
        }
    }
    structured_data(&mut scan, found)?;
    if scan.rest().is_empty() {
        return Ok(());
    }
    if !scan.take(" ") {
        return Err(format!("parsing error [col {}]", scan.at));
    }
    let message = scan.rest().trim_start_matches('\u{feff}');
    if !message.is_empty() {
        found.insert("message", message.into());
    }
    Ok(())
}

fn timestamp(scan: &mut Scan<'_>, found: &mut Object) -> Result<(), String> {
    let what = "a RFC3339MICRO timestamp or a nil value";
    let begin = scan.at;
    let text = scan.take_while(40, |b| b.is_ascii_graphic());
    if text != "-" {
        match DateTime::parse_from_rfc3339(text) {
            Ok(time) => found.insert("timestamp", super::rfc3339(time).into()),
            Err(_) => {
                scan.at = begin;
                return Err(scan.expecting(what));
            }
        };
    }
    if !scan.take(" ") {
        return Err(scan.expecting(what));
    }
    Ok(())
}

fn structured_data(scan: &mut Scan<'_>, found: &mut Object) -> Result<(), String> {
    if scan.take("-") {
        return Ok(());
    }
    let is_name = |b: u8| b.is_ascii_graphic() && !matches!(b, b'=' | b']' | b'"');
    let mut elements = Object::new();
    while scan.take("[") {
        let id = scan.take_while(32, is_name);
        if id.is_empty() {
            return Err(scan.expecting("a structured data element id (from 1 to max 32 US-ASCII characters; except `=`, ` `, `]`, and `\"`)"));
        }
        if elements.contains_key(id) {
            return Err(format!(
                "duplicate structured data element id [col {}]",
                scan.at
            ));
        }
        let mut params = Object::new();
        while scan.take(" ") {
            let key = scan.take_while(32, is_name);
            if key.is_empty() || !scan.take("=\"") {
                return Err(scan.expecting("a structured data parameter (`key=\"value\"`, both part from 1 to max 32 US-ASCII characters; key cannot contain `=`, ` `, `]`, and `\"`, while value cannot contain `]`, backslash, and `\"` unless escaped)"));
            }
            params.insert(key, value(scan)?.into());
        }
        if !scan.take("]") {
            return Err(scan.expecting("a structured data section containing one or more elements (`[id( key=\"value\")*]+`) or a nil value"));
        }
        elements.insert(id, Value::Object(params));
    }
    if elements.is_empty() {
        return Err(scan.expecting("a structured data section containing one or more elements (`[id( key=\"value\")*]+`) or a nil value"));
    }
    found.insert("structureddata", Value::Object(elements));
    Ok(())
}

/// A value up to its closing quote; quotes, brackets and backslashes in it have a backslash before them.
fn value(scan: &mut Scan<'_>) -> Result<String, String> {
    let mut text = String::new();
    let mut chars = scan.rest().char_indices();
    let escape = "chars `]`, `\"`, and `\\` to be escaped within param value";
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => {
                scan.at += at + 1;
                return Ok(text);
            }
            '\\' => match chars.next() {
                Some((_, escaped @ ('"' | '\\' | ']'))) => text.push(escaped),
                _ => {
                    scan.at += at + 1;
                    return Err(scan.expecting(escape));
                }
            },
            ']' => {
                scan.at += at;
                return Err(scan.expecting(escape));
            }
            c => text.push(c),
        }
    }
    scan.at = scan.line.len();
    Err(scan.expecting(escape))
}
