//! Escaping for URLs.

use crate::formats::go_quote::quote_bytes;
use std::fmt::Write;

/// For a query: a space becomes `+`, everything but letters, digits and `-_.~` is escaped.
pub(super) fn query(text: &[u8]) -> String {
    escape(text, |byte| match byte {
        b' ' => Some('+'),
        _ => is_plain(byte).then_some(byte as char),
    })
}

/// For a segment of a path.
pub(super) fn path(text: &[u8]) -> String {
    escape(text, |byte| {
        (is_plain(byte) || b"$&+=:@".contains(&byte)).then_some(byte as char)
    })
}

fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte)
}

fn escape(text: &[u8], plain: impl Fn(u8) -> Option<char>) -> String {
    let mut out = String::with_capacity(text.len());
    for &byte in text {
        match plain(byte) {
            Some(c) => out.push(c),
            None => write!(out, "%{byte:02X}").expect("a string takes all that is written to it"),
        }
    }
    out
}

/// Reads what was escaped; in a query, `+` is a space.
pub(super) fn unescape(bytes: &[u8], in_query: bool) -> Result<Vec<u8>, String> {
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        at += 1;
        match byte {
            b'%' => {
                let digits = bytes
                    .get(at..at + 2)
                    .and_then(|d| Some((hex(d[0])?, hex(d[1])?)));
                let Some((high, low)) = digits else {
                    let shown = &bytes[at - 1..bytes.len().min(at + 2)];
                    return Err(format!("invalid URL escape {}", quote_bytes(shown)));
                };
                out.push(high << 4 | low);
                at += 2;
            }
            b'+' if in_query => out.push(b' '),
            byte => out.push(byte),
        }
    }
    Ok(out)
}

fn hex(digit: u8) -> Option<u8> {
    (digit as char).to_digit(16).map(|d| d as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_go_there_and_back() {
        assert_eq!(query("a b&c=é~".as_bytes()), "a+b%26c%3D%C3%A9~");
        assert_eq!(path(b"a b/c?d=1,@"), "a%20b%2Fc%3Fd=1%2C@");
        let back = |text: &str, in_query| {
            unescape(text.as_bytes(), in_query).map(|b| String::from_utf8_lossy(&b).into_owned())
        };
        assert_eq!(back("a+b%C3%A9", true).as_deref(), Ok("a bé"));
        assert_eq!(back("a+b", false).as_deref(), Ok("a+b"));
        assert_eq!(
            back("a%z1b", true),
            Err("invalid URL escape \"%z1\"".into())
        );
        assert_eq!(back("a%2", true), Err("invalid URL escape \"%2\"".into()));
    }
}
