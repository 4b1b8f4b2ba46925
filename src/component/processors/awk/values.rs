//! AWK's values: numbers, texts, and texts from outside that are numbers if they look like one.

use crate::codec::go_fmt;
use crate::value::Value;
use std::{cmp::Ordering, sync::Arc};

pub(super) type Text = Arc<[u8]>;

#[derive(Clone, Debug, Default)]
pub(super) enum Val {
    #[default]
    Unset,
    Number(f64),
    Text(Text),
    /// From the input: a number where it looks like one.
    Input(Text),
}

impl Val {
    pub(super) fn text(text: impl Into<Text>) -> Val {
        Val::Text(text.into())
    }

    pub(super) fn input(text: impl Into<Text>) -> Val {
        Val::Input(text.into())
    }

    /// The number that a text begins with; 0 where it begins with none.
    pub(super) fn number(&self) -> f64 {
        match self {
            Val::Unset => 0.0,
            Val::Number(n) => *n,
            Val::Text(text) | Val::Input(text) => {
                let blanks = text.iter().take_while(|b| b.is_ascii_whitespace()).count();
                number_prefix(&text[blanks..]).0
            }
        }
    }

    /// The number, if this is one or looks like one.
    fn as_number(&self) -> Option<f64> {
        match self {
            Val::Unset => Some(0.0),
            Val::Number(n) => Some(*n),
            Val::Text(_) => None,
            Val::Input(text) => {
                let text = text.trim_ascii();
                let (number, length) = number_prefix(text);
                (length > 0 && length == text.len()).then_some(number)
            }
        }
    }

    pub(super) fn truth(&self) -> bool {
        match self {
            Val::Text(text) => !text.is_empty(),
            Val::Input(text) => self.as_number().map_or(!text.is_empty(), |n| n != 0.0),
            _ => self.number() != 0.0,
        }
    }

    /// As text; `format` says how a number that isn't whole is written.
    pub(super) fn to_text(&self, format: &Val) -> Text {
        match self {
            Val::Unset => Text::default(),
            Val::Text(text) | Val::Input(text) => text.clone(),
            Val::Number(n) => number_text(*n, format).into(),
        }
    }

    pub(super) fn compare(&self, other: &Val, format: &Val) -> Option<Ordering> {
        match (self.as_number(), other.as_number()) {
            (Some(a), Some(b)) => a.partial_cmp(&b),
            _ => Some(self.to_text(format).cmp(&other.to_text(format))),
        }
    }
}

impl From<f64> for Val {
    fn from(n: f64) -> Val {
        Val::Number(n)
    }
}

impl From<bool> for Val {
    fn from(b: bool) -> Val {
        Val::Number(f64::from(u8::from(b)))
    }
}

/// The number that `text` begins with, and how many bytes it takes; none is 0 in 0 bytes.
pub(super) fn number_prefix(text: &[u8]) -> (f64, usize) {
    let digits = |from: usize| {
        text[from..]
            .iter()
            .take_while(|b| b.is_ascii_digit())
            .count()
    };
    let sign = usize::from(matches!(text.first(), Some(b'+' | b'-')));
    let whole = digits(sign);
    let mut end = sign + whole;
    let mut any = whole;
    if text.get(end) == Some(&b'.') {
        let fraction = digits(end + 1);
        any += fraction;
        end += 1 + fraction;
    }
    if any == 0 {
        return (0.0, 0);
    }
    if matches!(text.get(end), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(text.get(end + 1), Some(b'+' | b'-')));
        let exponent = digits(end + 1 + sign);
        if exponent > 0 {
            end += 1 + sign + exponent;
        }
    }
    let number = std::str::from_utf8(&text[..end]).ok();
    (number.and_then(|n| n.parse().ok()).unwrap_or(0.0), end)
}

/// A number as text: whole ones in full, others by `format`.
fn number_text(number: f64, format: &Val) -> Vec<u8> {
    const BEYOND: f64 = 9_223_372_036_854_775_808.0;
    if number.is_nan() {
        return b"nan".to_vec();
    }
    if number.is_infinite() {
        return if number < 0.0 {
            b"-inf".to_vec()
        } else {
            b"inf".to_vec()
        };
    }
    if number.fract() == 0.0 && (-BEYOND..BEYOND).contains(&number) {
        return itoa::Buffer::new().format(number as i64).into();
    }
    let format = match format {
        Val::Text(format) | Val::Input(format) => String::from_utf8_lossy(format),
        _ => "%.6g".into(),
    };
    let text = go_fmt::sprintf(&format, &[Value::Float(number)]);
    text.unwrap_or_else(|_| number.to_string().into_bytes())
}

/// `sprintf`: the template with its verbs replaced by the values in turn.
pub(super) fn format(template: &[u8], args: &[Val], convert: &Val) -> Result<Vec<u8>, String> {
    let mut go = String::with_capacity(template.len());
    let mut values = Vec::with_capacity(args.len());
    let mut given = args.iter();
    let mut missing = 0;
    let mut next = || {
        given.next().unwrap_or_else(|| {
            missing += 1;
            &Val::Unset
        })
    };
    let template = String::from_utf8_lossy(template);
    let mut chars = template.chars();
    while let Some(c) = chars.next() {
        go.push(c);
        if c != '%' {
            continue;
        }
        loop {
            let Some(c) = chars.next() else {
                return Err("format error: expected type specifier after %".into());
            };
            match c {
                ' ' | '.' | '-' | '+' | '#' | '0'..='9' => {
                    go.push(c);
                    continue;
                }
                '*' => {
                    go.push(c);
                    values.push(Value::Int(next().number() as i64));
                    continue;
                }
                '%' => go.push(c),
                'd' | 'i' | 'u' => {
                    go.push('d');
                    values.push(Value::Int(next().number() as i64));
                }
                'o' | 'x' | 'X' => {
                    go.push(c);
                    values.push(Value::Int(next().number() as i64));
                }
                'e' | 'E' | 'f' | 'F' | 'g' | 'G' => {
                    go.push(c);
                    values.push(Value::Float(next().number()));
                }
                's' => {
                    go.push(c);
                    values.push(shown(&next().to_text(convert)));
                }
                'c' => {
                    go.push('s');
                    values.push(match next() {
                        Val::Number(n) => shown(&[*n as i64 as u8]),
                        Val::Unset => shown(&[0]),
                        Val::Text(text) | Val::Input(text) => {
                            shown(text.get(..1).unwrap_or_default())
                        }
                    });
                }
                other => return Err(format!("format error: invalid format type {other:?}")),
            }
            break;
        }
    }
    if missing > 0 {
        let (got, wanted) = (args.len(), args.len() + missing);
        return Err(format!("format error: got {got} args, expected {wanted}"));
    }
    go_fmt::sprintf(&go, &values)
}

fn shown(text: &[u8]) -> Value {
    match std::str::from_utf8(text) {
        Ok(text) => Value::String(text.into()),
        Err(_) => Value::Bytes(bytes::Bytes::copy_from_slice(text)),
    }
}
