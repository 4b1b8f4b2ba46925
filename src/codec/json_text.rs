//! JSON for people: indented, with the characters that HTML minds escaped.

use crate::formats::go_num;
use crate::value::{self, Value};

/// How to lay a document out.
#[derive(Clone, Debug)]
pub struct Layout {
    /// What one level is indented by; none for everything on one line.
    pub indent: Option<String>,
    /// Whether `<`, `>` and `&` in strings are written as `\u003c` and the like.
    pub escape_html: bool,
}

/// Writes a value.
pub fn format(value: &Value, layout: &Layout) -> Vec<u8> {
    let compact = value.to_json();
    if layout.indent.is_none() && !layout.escape_html {
        return compact;
    }
    relay(&compact, layout)
}

/// Lays compact JSON out anew; works on the text alone.
fn relay(compact: &[u8], layout: &Layout) -> Vec<u8> {
    let mut out = Vec::with_capacity(compact.len() * 2);
    let mut depth = 0usize;
    let newline = |out: &mut Vec<u8>, depth: usize| {
        if let Some(indent) = &layout.indent {
            out.push(b'\n');
            for _ in 0..depth {
                out.extend_from_slice(indent.as_bytes());
            }
        }
    };
    let mut at = 0;
    while at < compact.len() {
        let byte = compact[at];
        at += 1;
        match byte {
            b'"' => {
                let end = at + string_end(&compact[at..]);
                out.push(b'"');
                write_string(&compact[at..end], layout.escape_html, &mut out);
                at = end;
            }
            b'{' | b'[' => {
                out.push(byte);
                if matches!(compact.get(at), Some(b'}' | b']')) {
                    out.push(compact[at]);
                    at += 1;
                } else {
                    depth += 1;
                    newline(&mut out, depth);
                }
            }
            b'}' | b']' => {
                depth = depth.saturating_sub(1);
                newline(&mut out, depth);
                out.push(byte);
            }
            b',' => {
                out.push(byte);
                newline(&mut out, depth);
            }
            b':' => {
                out.push(byte);
                if layout.indent.is_some() {
                    out.push(b' ');
                }
            }
            _ => out.push(byte),
        }
    }
    out
}

/// Up to where a string goes that began just before: behind its closing quote.
fn string_end(text: &[u8]) -> usize {
    let mut at = 0;
    while at < text.len() {
        match text[at] {
            b'\\' => at += 2,
            b'"' => return at + 1,
            _ => at += 1,
        }
    }
    text.len()
}

fn write_string(text: &[u8], escape_html: bool, out: &mut Vec<u8>) {
    if !escape_html {
        out.extend_from_slice(text);
        return;
    }
    for byte in text {
        match byte {
            b'<' => out.extend_from_slice(br"\u003c"),
            b'>' => out.extend_from_slice(br"\u003e"),
            b'&' => out.extend_from_slice(br"\u0026"),
            other => out.push(*other),
        }
    }
}

/// Whether all numbers inside are written the way a float would be, as JSON and as text, so that it makes no difference to take
/// them for floats. From a million on, a float's text has an exponent.
fn has_plain_numbers(value: &Value) -> bool {
    match value {
        Value::Number(number) => {
            let text = number.as_str();
            let digits = text.strip_prefix('-').unwrap_or(text);
            digits.len() <= 6 && digits.bytes().all(|b| b.is_ascii_digit()) && text != "-0"
        }
        Value::Array(items) => items.iter().all(|item| has_plain_numbers(&item)),
        Value::Object(fields) => fields.iter().all(|(_, field)| has_plain_numbers(&field)),
        _ => true,
    }
}

/// Parses the JSON document that a text begins with; what follows it is ignored. Numbers are kept as they are written with
/// `exact_numbers`, else they become floats. The error is worded as that of Go's decoder.
pub fn parse_first(text: &bytes::Bytes, exact_numbers: bool) -> Result<Value, String> {
    if text.iter().all(u8::is_ascii_whitespace) {
        return Err("EOF".into());
    }
    let (value, _) = value::parse_prefix(text).map_err(|e| match e.to_string() {
        message if message == "unexpected end of JSON input" => "unexpected EOF".into(),
        message => message,
    })?;
    match exact_numbers || has_plain_numbers(&value) {
        true => Ok(value),
        false => to_floats(value),
    }
}

fn to_floats(value: Value) -> Result<Value, String> {
    Ok(match value {
        Value::Number(number) => match number.as_f64() {
            float if float.is_infinite() => {
                let text = number.as_str();
                return Err(format!(
                    "json: cannot unmarshal number {text} into Go value of type float64"
                ));
            }
            float => Value::Float(float),
        },
        Value::Array(items) => Value::Array(items.iter().map(to_floats).collect::<Result<_, _>>()?),
        Value::Object(fields) => {
            let field = |(key, field)| Ok::<_, String>((key, to_floats(field)?));
            Value::Object(fields.iter().map(field).collect::<Result<_, _>>()?)
        }
        other => other,
    })
}

/// Why a value can't be written as JSON, if that is for a float in it.
pub fn unsupported(value: &Value) -> Option<String> {
    // Trees can be nested without limit, so what is left to look at stands in a list.
    let mut open = vec![value.clone()];
    while let Some(value) = open.pop() {
        match value {
            Value::Float(n) if !n.is_finite() => {
                return Some(format!("json: unsupported value: {}", go_num::float_g(n)));
            }
            Value::Timestamp(time) if !time.with_civil(|c| (0..=9999).contains(&c.year)) => {
                let why = "Time.MarshalJSON: year outside of range [0,9999]";
                return Some(format!(
                    "json: error calling MarshalJSON for type time.Time: {why}"
                ));
            }
            Value::Array(items) => open.extend(items.iter().collect::<Vec<_>>().into_iter().rev()),
            Value::Object(fields) => {
                open.extend(
                    fields
                        .iter()
                        .map(|(_, field)| field)
                        .collect::<Vec<_>>()
                        .into_iter()
                        .rev(),
                );
            }
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str) -> Value {
        value::parse(&bytes::Bytes::copy_from_slice(text.as_bytes())).expect("JSON")
    }

    #[test]
    fn documents_are_indented_and_escaped() {
        let layout = Layout {
            indent: Some("  ".into()),
            escape_html: true,
        };
        let text = format(&value(r#"{"b":[1,{}],"a":"<\"&"}"#), &layout);
        let expected = "{\n  \"a\": \"\\u003c\\\"\\u0026\",\n  \"b\": [\n    1,\n    {}\n  ]\n}";
        assert_eq!(String::from_utf8_lossy(&text), expected);
    }

    #[test]
    fn numbers_become_floats_unless_they_are_to_be_exact() {
        let text = bytes::Bytes::from_static(b"[1e5,9007199254740993] rest");
        let floats = parse_first(&text, false).map(|v| v.to_json());
        assert_eq!(floats, Ok(b"[100000,9007199254740992]".to_vec()));
        let exact = parse_first(&text, true).map(|v| v.to_json());
        assert_eq!(exact, Ok(b"[1e5,9007199254740993]".to_vec()));
        assert_eq!(
            parse_first(&bytes::Bytes::from_static(b" "), true).err(),
            Some("EOF".into())
        );
    }
}
