//! Formats: `@csv` and the like.

use super::super::fail::{Result, error, failed, typed, unfit};
use super::super::json;
use super::values::to_text;
use super::{Native, native};
use crate::formats::url::percent_encode;
use crate::value::Value;
use base64::Engine as _;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD};

pub(super) const TABLE: &[Native] = &[
    native!("@text", 0, to_text),
    native!("@json", 0, |value: &Value| Ok(json::text(value)?.into())),
    native!("@html", 0, |value: &Value| of_text(value, |text| {
        escaped(
            text,
            &[
                ('<', "&lt;"),
                ('>', "&gt;"),
                ('&', "&amp;"),
                ('\'', "&apos;"),
                ('"', "&quot;"),
            ],
        )
    })),
    native!("@uri", 0, |value: &Value| of_text(value, percent_encode)),
    native!("@urid", 0, |value: &Value| {
        let Value::String(text) = to_text(value)? else {
            return Ok(Value::Null);
        };
        match from_uri(&text) {
            Ok(text) => json::string(text),
            Err(part) => failed(
                "@urid",
                value,
                &[],
                &format!("invalid URL escape {}", json::text(&part.into())?),
            ),
        }
    }),
    native!("@csv", 0, |value: &Value| row("csv", value, ",", |text| {
        format!("\"{}\"", escaped(text, &[('"', "\"\""), ('\0', "\\0")]))
    })),
    native!("@tsv", 0, |value: &Value| row("tsv", value, "\t", |text| {
        escaped(
            text,
            &[
                ('\t', "\\t"),
                ('\r', "\\r"),
                ('\n', "\\n"),
                ('\\', "\\\\"),
                ('\0', "\\0"),
            ],
        )
    })),
    native!("@sh", 0, |value: &Value| {
        let words = match value {
            Value::Array(_) => value.clone(),
            other => vec![other.clone()].into(),
        };
        row("sh", &words, " ", |text| {
            format!("'{}'", escaped(text, &[('\'', "'\\''"), ('\0', "\\0")]))
        })
    }),
    native!("@base64", 0, |value: &Value| of_text(value, |text| {
        STANDARD.encode(text)
    })),
    native!("@base64d", 0, |value: &Value| {
        let Value::String(text) = to_text(value)? else {
            return Ok(Value::Null);
        };
        let unpadded = text.split('=').next().unwrap_or_default();
        let lenient = GeneralPurposeConfig::new()
            .with_decode_allow_trailing_bits(true)
            .with_decode_padding_mode(base64::engine::DecodePaddingMode::Indifferent);
        let clean: String = unpadded
            .chars()
            .filter(|c| !matches!(c, '\r' | '\n'))
            .collect();
        match GeneralPurpose::new(&base64::alphabet::STANDARD, lenient).decode(&clean) {
            Ok(bytes) => json::string(String::from_utf8_lossy(&bytes).into_owned()),
            Err(e) => {
                let at = match e {
                    base64::DecodeError::InvalidByte(at, _) => at,
                    _ => clean.len() / 4 * 4,
                };
                failed(
                    "@base64d",
                    value,
                    &[],
                    &format!("illegal base64 data at input byte {at}"),
                )
            }
        }
    }),
    native!("@base32", 0, |value: &Value| of_text(value, base32)),
    native!("@base32d", 0, |value: &Value| {
        let Value::String(text) = to_text(value)? else {
            return Ok(Value::Null);
        };
        match from_base32(&text) {
            Ok(bytes) => json::string(String::from_utf8_lossy(&bytes).into_owned()),
            Err(at) => failed(
                "@base32d",
                value,
                &[],
                &format!("illegal base32 data at input byte {at}"),
            ),
        }
    }),
    Native {
        name: "format",
        arity: 1,
        run: |machine, value, arguments| {
            let Value::String(name) = &arguments[0] else {
                return unfit("format", &arguments[0], &[]);
            };
            let name = format!("@{name}");
            match super::find(&name, 0) {
                Some(native) => (native.run)(machine, value, &[]),
                None => error(format!("format not defined: {name}")),
            }
        },
    },
];

fn of_text(value: &Value, make: impl Fn(&str) -> String) -> Result {
    match to_text(value)? {
        Value::String(text) => json::string(make(&text)),
        _ => Ok(Value::Null),
    }
}

fn escaped(text: &str, escapes: &[(char, &str)]) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match escapes.iter().find(|(from, _)| *from == c) {
            Some((_, to)) => out.push_str(to),
            None => out.push(c),
        }
    }
    out
}

/// The text, or the escape that is none.
fn from_uri(text: &str) -> std::result::Result<String, String> {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        if bytes[at] != b'%' {
            out.push(bytes[at]);
            at += 1;
            continue;
        }
        let digits = bytes
            .get(at + 1..at + 3)
            .and_then(|d| std::str::from_utf8(d).ok());
        let byte = digits
            .filter(|d| d.bytes().all(|b| b.is_ascii_hexdigit()))
            .and_then(|d| u8::from_str_radix(d, 16).ok());
        let Some(byte) = byte else {
            let part = &bytes[at..(at + 3).min(bytes.len())];
            return Err(String::from_utf8_lossy(part).into_owned());
        };
        out.push(byte);
        at += 3;
    }
    Ok(String::from_utf8_lossy(&out).into_owned())
}

/// The scalars of an array, in a row.
fn row(name: &str, value: &Value, separator: &str, escape: impl Fn(&str) -> String) -> Result {
    let Value::Array(items) = value else {
        return unfit(&format!("@{name}"), value, &[]);
    };
    let mut out = String::new();
    for (at, item) in items.iter().enumerate() {
        if at > 0 {
            out.push_str(separator);
        }
        match &item {
            Value::Array(_) | Value::Object(_) => {
                return error(format!(
                    "@{name} cannot format an array including: {}",
                    typed(&item)
                ));
            }
            Value::String(text) => out.push_str(&escape(text)),
            other => {
                let text = json::text(other)?;
                if text != "null" || name == "sh" {
                    out.push_str(&text);
                }
            }
        }
        if out.len() > json::MAX_TEXT {
            break;
        }
    }
    json::string(out)
}

const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

fn base32(text: &str) -> String {
    let mut out = String::with_capacity(text.len().div_ceil(5) * 8);
    for group in text.as_bytes().chunks(5) {
        let mut bits = [0u8; 8];
        bits[3..3 + group.len()].copy_from_slice(group);
        let all = u64::from_be_bytes(bits);
        let letters = (group.len() * 8).div_ceil(5);
        for n in 0..8 {
            let letter = BASE32[(all >> (35 - 5 * n)) as usize & 31];
            out.push(if n < letters { letter.into() } else { '=' });
        }
    }
    out
}

/// The bytes, or the place of what is no base 32.
fn from_base32(text: &str) -> std::result::Result<Vec<u8>, usize> {
    let mut out = Vec::new();
    let (mut bits, mut held) = (0u32, 0);
    for (at, byte) in text.trim_end_matches('=').bytes().enumerate() {
        let digit = BASE32.iter().position(|b| *b == byte).ok_or(at)?;
        bits = bits << 5 | digit as u32;
        held += 5;
        if held >= 8 {
            held -= 8;
            out.push((bits >> held) as u8);
            bits &= (1 << held) - 1;
        }
    }
    Ok(out)
}
