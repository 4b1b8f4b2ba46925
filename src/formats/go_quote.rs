//! Go string literals: quoting text, and reading what is quoted.

use regex::Regex;
use std::{fmt::Write, sync::LazyLock};

/// The text as a Go string literal in double quotes; what can't be printed is escaped.
pub fn quote(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        escape(c, '"', &mut out);
    }
    out.push('"');
    out
}

/// As [`quote`], of bytes that need not be text.
pub fn quote_bytes(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len() + 2);
    out.push('"');
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            escape(c, '"', &mut out);
        }
        for byte in chunk.invalid() {
            write!(out, "\\x{byte:02x}").expect("a string takes all that is written to it");
        }
    }
    out.push('"');
    out
}

/// The character as a Go character literal in single quotes.
pub fn quote_char(c: char) -> String {
    let mut out = String::from("'");
    escape(c, '\'', &mut out);
    out.push('\'');
    out
}

fn escape(c: char, quote: char, out: &mut String) {
    match c {
        '\\' => out.push_str("\\\\"),
        c if c == quote => {
            out.push('\\');
            out.push(c);
        }
        '\x07' => out.push_str("\\a"),
        '\x08' => out.push_str("\\b"),
        '\x0c' => out.push_str("\\f"),
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        '\x0b' => out.push_str("\\v"),
        c if is_printable(c) => out.push(c),
        c => {
            let n = c as u32;
            match n {
                0..0x20 | 0x7f => write!(out, "\\x{n:02x}"),
                0x80..0x1_0000 => write!(out, "\\u{n:04x}"),
                _ => write!(out, "\\U{n:08x}"),
            }
            .expect("a string takes all that is written to it");
        }
    }
}

/// Whether Go prints the character as itself: letters, marks, numbers, punctuation, symbols and the plain space.
pub fn is_printable(c: char) -> bool {
    static PRINTABLE: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"^[\pL\pM\pN\pP\pS]$").expect("a valid regex"));
    if c.is_ascii() {
        return (' '..='~').contains(&c);
    }
    PRINTABLE.is_match(c.encode_utf8(&mut [0; 4]))
}

/// The text of a Go literal in double quotes, backquotes or (one character) single quotes; none if it is malformed.
pub fn unquote(literal: &str) -> Option<Vec<u8>> {
    let quote = literal.chars().next()?;
    let body = literal.get(1..literal.len().checked_sub(1)?)?;
    if literal.len() < 2 || !literal.ends_with(quote) {
        return None;
    }
    match quote {
        '`' => {
            if body.contains('`') {
                return None;
            }
            Some(body.replace('\r', "").into_bytes())
        }
        '"' | '\'' => {
            if body.contains('\n') {
                return None;
            }
            let mut out = Vec::with_capacity(body.len());
            let mut rest = body;
            let mut count = 0;
            while !rest.is_empty() {
                rest = unescape(rest, quote, &mut out)?;
                count += 1;
            }
            (quote == '"' || count == 1).then_some(out)
        }
        _ => None,
    }
}

/// Reads one character or escape off `text`, and returns the rest.
fn unescape<'t>(text: &'t str, quote: char, out: &mut Vec<u8>) -> Option<&'t str> {
    let mut chars = text.chars();
    let push = |out: &mut Vec<u8>, c: char| {
        out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
    };
    match chars.next()? {
        c if c == quote => return None,
        '\\' => {
            let kind = chars.next()?;
            let rest = chars.as_str();
            let simple = match kind {
                'a' => 7,
                'b' => 8,
                'f' => 12,
                'n' => 10,
                'r' => 13,
                't' => 9,
                'v' => 11,
                '\\' => b'\\',
                '\'' | '"' if kind == quote => kind as u8,
                'x' => {
                    out.push(u8::try_from(digits(rest, 2, 16)?).ok()?);
                    return Some(&rest[2..]);
                }
                '0'..='7' => {
                    let octal = &text[1..];
                    out.push(u8::try_from(digits(octal, 3, 8)?).ok()?);
                    return Some(&octal[3..]);
                }
                'u' | 'U' => {
                    let width = if kind == 'u' { 4 } else { 8 };
                    push(out, char::from_u32(digits(rest, width, 16)?)?);
                    return Some(&rest[width..]);
                }
                _ => return None,
            };
            out.push(simple);
        }
        c => push(out, c),
    }
    Some(chars.as_str())
}

fn digits(text: &str, width: usize, radix: u32) -> Option<u32> {
    let digits = text.get(..width)?;
    if digits.starts_with('+') {
        return None;
    }
    u32::from_str_radix(digits, radix).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoting_escapes_what_cannot_be_printed() {
        assert_eq!(
            quote("a\"\\\t\u{1}é日\u{200b}"),
            r#""a\"\\\t\x01é日\u200b""#
        );
        assert_eq!(quote("\u{7f}\u{a0}"), r#""\x7f\u00a0""#);
        assert_eq!(quote_bytes(b"a\xff"), r#""a\xff""#);
        assert_eq!(quote_char('\''), r"'\''");
    }

    #[test]
    fn unquoting_reads_literals_only() {
        let text =
            |literal: &str| unquote(literal).map(|b| String::from_utf8_lossy(&b).into_owned());
        assert_eq!(text(r#""a\n\x41\u00e9\101""#).as_deref(), Some("a\nAéA"));
        assert_eq!(text("`a\\n`").as_deref(), Some("a\\n"));
        assert_eq!(text("'é'").as_deref(), Some("é"));
        for wrong in [
            "", "a", "\"", "\"a", "'ab'", r#""\'""#, r#""\q""#, "\"a\nb\"", "日",
        ] {
            assert_eq!(text(wrong), None, "{wrong}");
        }
    }
}
