//! YAML's scalars, and how values are written in it: the rules are those of Go's `yaml.v3`.

use crate::formats::go_num;
use crate::formats::go_time::{self, Layout};
use crate::value::{Array, Object, Str, Timestamp, Value, Zone};
use std::{cmp::Ordering, fmt::Write, sync::LazyLock};

/// The value of a scalar without quotes.
pub(super) fn resolve(text: &str) -> Value {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Value::Null,
        "true" | "True" | "TRUE" => return Value::Bool(true),
        "false" | "False" | "FALSE" => return Value::Bool(false),
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => return f64::INFINITY.into(),
        "-.inf" | "-.Inf" | "-.INF" => return f64::NEG_INFINITY.into(),
        ".nan" | ".NaN" | ".NAN" => return f64::NAN.into(),
        _ => {}
    }
    let first = text.as_bytes()[0];
    if !(first.is_ascii_digit() || matches!(first, b'+' | b'-' | b'.')) {
        return text.into();
    }
    if let Some(time) = timestamp(text) {
        return time.into();
    }
    let plain = text.replace('_', "");
    if let Some(number) = integer(&plain) {
        return number;
    }
    match is_float(&plain).then(|| plain.parse::<f64>()) {
        Some(Ok(number)) if number.is_finite() => number.into(),
        _ => text.into(),
    }
}

/// An integer: decimal, `0x`, `0b`, `0o`, or octal by a leading zero.
fn integer(text: &str) -> Option<Value> {
    let (negative, digits) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let (radix, digits) = match digits.as_bytes() {
        [b'0', b'x' | b'X', ..] => (16, &digits[2..]),
        [b'0', b'b' | b'B', ..] => (2, &digits[2..]),
        [b'0', b'o' | b'O', ..] => (8, &digits[2..]),
        [b'0', _, ..] => (8, &digits[1..]),
        _ => (10, digits),
    };
    if digits.starts_with(['+', '-']) {
        return None;
    }
    let number = i128::from_str_radix(digits, radix).ok()?;
    let number = if negative { -number } else { number };
    match (i64::try_from(number), u64::try_from(number)) {
        (Ok(n), _) => Some(n.into()),
        (_, Ok(n)) => Some(n.into()),
        _ => Some((number as f64).into()),
    }
}

/// Whether the text is `[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?`.
fn is_float(text: &str) -> bool {
    let text = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (text, None),
    };
    let all_digits = |t: &str| t.bytes().all(|b| b.is_ascii_digit());
    let mantissa_fits = match mantissa.split_once('.') {
        Some((whole, part)) => {
            all_digits(whole) && all_digits(part) && !(whole.is_empty() && part.is_empty())
        }
        None => !mantissa.is_empty() && all_digits(mantissa),
    };
    let exponent_fits = exponent.is_none_or(|e| {
        let digits = e.strip_prefix(['-', '+']).unwrap_or(e);
        !digits.is_empty() && all_digits(digits)
    });
    mantissa_fits && exponent_fits
}

fn timestamp(text: &str) -> Option<Timestamp> {
    let is_date = text.len() > 4
        && text.as_bytes()[4] == b'-'
        && text.bytes().take(4).all(|b| b.is_ascii_digit());
    if !is_date {
        return None;
    }
    static LAYOUTS: LazyLock<Vec<Layout>> = LazyLock::new(|| {
        let texts = [
            "2006-1-2T15:4:5.999999999Z07:00",
            "2006-1-2t15:4:5.999999999Z07:00",
            "2006-1-2 15:4:5.999999999",
            "2006-1-2",
        ];
        texts.map(Layout::new).into()
    });
    let parsed = LAYOUTS.iter().find_map(|l| go_time::parse(l, text).ok())?;
    let offset = parsed.offset.unwrap_or_default();
    let zone = match offset {
        0 => Zone::Utc,
        offset => Zone::Fixed(offset, None),
    };
    let seconds = parsed.wall_seconds - i64::from(offset);
    Some(Timestamp::new(seconds, i64::from(parsed.nanos), zone))
}

/// Writes a document.
pub(super) fn write(value: &Value, out: &mut String) {
    match value {
        Value::Array(items) if !items.is_empty() => write_list(items, 0, out),
        Value::Object(fields) if !fields.is_empty() => write_map(fields, 0, out),
        _ => {
            write_scalar(value, within(0), out);
            out.push('\n');
        }
    }
}

/// Writes items below each other; the place of the first is where `out` ends.
fn write_list(items: &Array, column: usize, out: &mut String) {
    for (i, item) in items.iter().enumerate() {
        if i > 0 {
            spaces(column, out);
        }
        out.push_str("- ");
        match &item {
            Value::Array(inner) if !inner.is_empty() => write_list(inner, column + 2, out),
            Value::Object(inner) if !inner.is_empty() => write_map(inner, column + 2, out),
            _ => {
                write_scalar(&item, column + 2, out);
                out.push('\n');
            }
        }
    }
}

fn write_map(fields: &Object, column: usize, out: &mut String) {
    let mut sorted: Vec<(Str, Value)> = fields.iter().collect();
    sorted.sort_by(|(a, _), (b, _)| by_nature(a, b));
    for (i, (key, field)) in sorted.iter().enumerate() {
        if i > 0 {
            spaces(column, out);
        }
        write_text(key, column, true, out);
        out.push(':');
        match field {
            Value::Array(inner) if !inner.is_empty() => {
                out.push('\n');
                spaces(within(column), out);
                write_list(inner, within(column), out);
            }
            Value::Object(inner) if !inner.is_empty() => {
                out.push('\n');
                spaces(within(column), out);
                write_map(inner, within(column), out);
            }
            _ => {
                out.push(' ');
                write_scalar(field, within(column), out);
                out.push('\n');
            }
        }
    }
}

/// The column of what stands within something else: the next that is a multiple of four.
fn within(column: usize) -> usize {
    (column + 4) / 4 * 4
}

fn spaces(count: usize, out: &mut String) {
    out.extend(std::iter::repeat_n(' ', count));
}

/// Writes what isn't made of parts; lines of text below the first begin at `indent`.
fn write_scalar(value: &Value, indent: usize, out: &mut String) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(b) => out.push_str(if *b { "true" } else { "false" }),
        Value::String(text) => write_text(text, indent, false, out),
        // A number as JSON text has it is text to Go's YAML.
        Value::Number(number) => write_text(number.as_str(), indent, false, out),
        Value::Float(n) if n.is_nan() => out.push_str(".nan"),
        Value::Float(n) if n.is_infinite() => out.push_str(if *n > 0.0 { ".inf" } else { "-.inf" }),
        Value::Float(n) => out.push_str(&go_num::float_g(*n)),
        Value::Timestamp(time) => out.push_str(&time.to_string()),
        Value::Array(_) => out.push_str("[]"),
        Value::Object(_) => out.push_str("{}"),
        other => out.push_str(&String::from_utf8_lossy(&other.to_json())),
    }
}

fn write_text(text: &str, indent: usize, is_key: bool, out: &mut String) {
    let reads_as_text =
        matches!(resolve(text), Value::String(_)) && !is_old_bool(text) && !is_base_60(text);
    let looks = Looks::of(text);
    if text.contains('\n') && !is_key && looks.block {
        write_block(text, indent, out);
    } else if reads_as_text && looks.plain && !text.contains('\n') {
        out.push_str(text);
    } else if reads_as_text && looks.single {
        out.push('\'');
        out.push_str(&text.replace('\'', "''"));
        out.push('\'');
    } else {
        write_quoted(text, out);
    }
}

/// The texts that YAML 1.1 took for bools.
fn is_old_bool(text: &str) -> bool {
    matches!(
        text,
        "y" | "Y"
            | "yes"
            | "Yes"
            | "YES"
            | "on"
            | "On"
            | "ON"
            | "n"
            | "N"
            | "no"
            | "No"
            | "NO"
            | "off"
            | "Off"
            | "OFF"
    )
}

/// Whether YAML 1.1 took the text for a number of base 60, such as `12:30`.
fn is_base_60(text: &str) -> bool {
    let text = text.strip_prefix(['-', '+']).unwrap_or(text);
    let mut parts = text.split(':');
    let head = parts.next().unwrap_or_default();
    let starts = head.starts_with(|c: char| c.is_ascii_digit());
    let mut count = 0;
    starts
        && head.bytes().all(|b| b.is_ascii_digit() || b == b'_')
        && parts.all(|part| {
            count += 1;
            let whole = part.split('.').next().unwrap_or_default();
            let fits = matches!(whole.len(), 1 | 2) && whole.bytes().all(|b| b.is_ascii_digit());
            fits && whole.parse::<u32>().is_ok_and(|n| n < 60)
        })
        && count > 0
}

/// In which styles a text may stand.
struct Looks {
    plain: bool,
    single: bool,
    block: bool,
}

impl Looks {
    fn of(text: &str) -> Looks {
        let mut looks = Looks {
            plain: !text.is_empty(),
            single: true,
            block: !text.is_empty(),
        };
        if text.starts_with("---") || text.starts_with("...") {
            looks.plain = false;
        }
        let chars: Vec<char> = text.chars().collect();
        let blank = |at: usize| {
            chars
                .get(at)
                .is_none_or(|c| matches!(c, ' ' | '\t' | '\n' | '\r'))
        };
        let mut before_blank = true;
        let (mut space_before_break, mut break_before_space) = (false, false);
        for (i, &c) in chars.iter().enumerate() {
            let followed = blank(i + 1);
            let indicator = match c {
                _ if i == 0 && "#,[]{}&*!|>'\"%@`".contains(c) => true,
                '?' | ':' if i == 0 => followed,
                '-' if i == 0 => followed,
                ':' => followed,
                '#' => before_blank,
                _ => false,
            };
            let printable = c == '\n'
                || c == '\t'
                // Nothing beyond the first 65,536 characters counts as such.
                || !(c.is_control() || c == '\u{feff}' || c >= '\u{fffe}');
            if indicator {
                looks.plain = false;
            }
            if c == '\t' || !printable {
                (looks.plain, looks.single) = (false, false);
            }
            if !printable {
                looks.block = false;
            }
            let next = chars.get(i + 1);
            space_before_break |= c == ' ' && next == Some(&'\n');
            break_before_space |= c == '\n' && next == Some(&' ');
            before_blank = matches!(c, ' ' | '\t' | '\n' | '\r');
        }
        if text.starts_with([' ', '\n']) || text.ends_with([' ', '\n']) {
            looks.plain = false;
        }
        if text.ends_with(' ') {
            looks.block = false;
        }
        if break_before_space {
            (looks.plain, looks.single) = (false, false);
        }
        if space_before_break {
            (looks.plain, looks.single, looks.block) = (false, false, false);
        }
        looks
    }
}

/// Writes lines as they are, below `|`.
fn write_block(text: &str, indent: usize, out: &mut String) {
    out.push('|');
    if text.starts_with([' ', '\n']) {
        out.push('4');
    }
    let body = text.strip_suffix('\n');
    match body {
        None => out.push('-'),
        Some(body) if body.is_empty() || body.ends_with('\n') => out.push('+'),
        Some(_) => {}
    }
    // A line break at the very beginning is the one after the sign.
    let lines = body.unwrap_or(text).split('\n');
    for line in lines.skip(usize::from(text.starts_with('\n'))) {
        out.push('\n');
        if !line.is_empty() {
            spaces(indent, out);
            out.push_str(line);
        }
    }
}

fn write_quoted(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\0' => out.push_str("\\0"),
            '\u{7}' => out.push_str("\\a"),
            '\u{8}' => out.push_str("\\b"),
            '\t' => out.push_str("\\t"),
            '\n' => out.push_str("\\n"),
            '\u{b}' => out.push_str("\\v"),
            '\u{c}' => out.push_str("\\f"),
            '\r' => out.push_str("\\r"),
            '\u{1b}' => out.push_str("\\e"),
            '\u{85}' => out.push_str("\\N"),
            '\u{a0}' => out.push_str("\\_"),
            '\u{2028}' => out.push_str("\\L"),
            '\u{2029}' => out.push_str("\\P"),
            c if c.is_control() => {
                write!(out, "\\x{:02X}", c as u32)
                    .expect("a string takes all that is written to it");
            }
            '\u{feff}' => out.push_str("\\uFEFF"),
            c if c > '\u{ffff}' => {
                write!(out, "\\U{:08X}", c as u32)
                    .expect("a string takes all that is written to it");
            }
            c => out.push(c),
        }
    }
    out.push('"');
}

/// The order of keys: letters behind everything else, numbers inside of texts by their value.
fn by_nature(a: &str, b: &str) -> Ordering {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let Some(at) = a.iter().zip(&b).position(|(x, y)| x != y) else {
        return a.len().cmp(&b.len());
    };
    let (x, y) = (a[at], b[at]);
    let in_digits = at > 0 && a[at - 1].is_numeric();
    match (x.is_alphabetic(), y.is_alphabetic()) {
        (true, true) => return x.cmp(&y),
        (true, false) if in_digits => return Ordering::Less,
        (false, true) if in_digits => return Ordering::Greater,
        (true, false) => return Ordering::Greater,
        (false, true) => return Ordering::Less,
        (false, false) => {}
    }
    // A zero in the middle of a number counts as a digit of it.
    let before = a[..at].iter().rev().take_while(|c| c.is_ascii_digit());
    let start = if (x == '0' || y == '0') && before.clone().any(|c| *c != '0') {
        1i64
    } else {
        0
    };
    let number = |text: &[char]| {
        let digits: Vec<i64> = text[at..]
            .iter()
            .map_while(|c| c.to_digit(10).map(i64::from))
            .collect();
        let value = digits
            .iter()
            .fold(start, |n, d| n.wrapping_mul(10).wrapping_add(*d));
        (value, digits.len())
    };
    number(&a).cmp(&number(&b)).then(x.cmp(&y))
}
