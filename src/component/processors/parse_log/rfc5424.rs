//! Syslog as RFC 5424 has it: `<165>1 2018-10-11T22:14:15.003Z host app procid msgid [id key="value"] message`.

use super::scan::Scan;
use crate::value::{Object, Value};
use chrono::DateTime;

/// Puts what the line says into `found`, as far as it is right.
pub(super) fn parse(line: &str, found: &mut Object) -> Result<(), String> {
    let mut scan = Scan::new(line);
    scan.priority(found)?;
    let version = match scan.rest().starts_with('0') {
        true => "",
        false => scan.take_while(3, |b| b.is_ascii_digit()),
    };
    if version.is_empty() || !scan.take(" ") {
        return Err(scan.expecting("a version value in the range 1-999"));
    }
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
    let message = scan.rest();
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
        let reach = reach(text.as_bytes());
        match DateTime::parse_from_rfc3339(text) {
            Ok(time) if reach == text.len() => {
                found.insert("timestamp", super::rfc3339(time).into());
            }
            _ => {
                scan.at = begin + reach;
                return Err(scan.expecting(what));
            }
        }
    }
    if !scan.take(" ") {
        return Err(scan.expecting(what));
    }
    Ok(())
}

/// How far a text is a time of RFC 3339 with six digits after the second's point at most.
fn reach(text: &[u8]) -> usize {
    let is_digit = |at: usize| text.get(at).is_some_and(u8::is_ascii_digit);
    // Two digits up to `max`, and how far they go.
    let two = |at: usize, min: u8, max: u8| {
        let first = text
            .get(at)
            .filter(|b| (b'0'..=b'0' + max / 10).contains(b));
        let Some(first) = first.map(|b| b - b'0') else {
            return Err(at);
        };
        let second = text.get(at + 1).filter(|b| b.is_ascii_digit());
        match second.map(|b| first * 10 + b - b'0') {
            Some(number) if (min..=max).contains(&number) => Ok(at + 2),
            _ => Err(at + 1),
        }
    };
    let walk = || {
        let mut at = (0..4).find(|at| !is_digit(*at)).map_or(Ok(4), Err)?;
        let parts = [
            (b'-', 1, 12),
            (b'-', 1, 31),
            (b'T', 0, 23),
            (b':', 0, 59),
            (b':', 0, 59),
        ];
        for (separator, min, max) in parts {
            if text.get(at) != Some(&separator) {
                return Err(at);
            }
            at = two(at + 1, min, max)?;
        }
        if text.get(at) == Some(&b'.') {
            let digits = (at + 1..at + 7).take_while(|at| is_digit(*at)).count();
            at += 1 + digits;
            if digits == 0 {
                return Err(at);
            }
        }
        match text.get(at) {
            Some(b'Z') => Ok(at + 1),
            Some(b'+' | b'-') => {
                at = two(at + 1, 0, 23)?;
                match text.get(at) {
                    Some(b':') => two(at + 1, 0, 59),
                    _ => Err(at),
                }
            }
            _ => Err(at),
        }
    };
    walk().unwrap_or_else(|at| at)
}

fn structured_data(scan: &mut Scan<'_>, found: &mut Object) -> Result<(), String> {
    if scan.take("-") {
        return Ok(());
    }
    let is_name = |b: u8| b.is_ascii_graphic() && !matches!(b, b'=' | b']' | b'"');
    let mut elements = Object::new();
    while scan.take("[") {
        let id = scan.take_while(32, is_name);
        if id.is_empty() || scan.rest().is_empty() {
            return Err(scan.expecting("a structured data element id (from 1 to max 32 US-ASCII characters; except `=`, ` `, `]`, and `\"`"));
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
            if key.is_empty() || !scan.take("=") || !scan.take("\"") {
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
