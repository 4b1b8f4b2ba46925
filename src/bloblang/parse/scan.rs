//! Characters, space, comments, names and quoted strings.

use super::{Parsed, Parser};
use crate::value::Str;

impl<'a> Parser<'a> {
    pub(super) fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    pub(super) fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    pub(super) fn is_at_end(&self) -> bool {
        self.at >= self.text.len()
    }

    /// Takes `text` if it comes next.
    pub(super) fn take(&mut self, text: &str) -> bool {
        let found = self.rest().starts_with(text);
        if found {
            self.at += text.len();
        }
        found
    }

    /// Skips spaces and tabs; says whether there were any.
    pub(super) fn skip_blanks(&mut self) -> bool {
        let before = self.at;
        while matches!(self.peek(), Some(b' ' | b'\t')) {
            self.at += 1;
        }
        self.at > before
    }

    /// Skips blanks, line breaks and comments; says whether there were any.
    pub(super) fn skip_space(&mut self) -> bool {
        let before = self.at;
        loop {
            self.skip_blanks();
            match self.peek() {
                Some(b'\n') => self.at += 1,
                Some(b'\r') if self.rest().starts_with("\r\n") => self.at += 2,
                Some(b'#') if self.skip_comment() => {}
                _ => return self.at > before,
            }
        }
    }

    /// Skips to what comes after an element of a list; says whether there was a comma, which stands on the element's line.
    pub(super) fn skip_comma(&mut self) -> bool {
        self.skip_blanks();
        let found = self.take(",");
        self.skip_space();
        found
    }

    /// Skips to the end of the line; false if there is none, without which nothing is a comment.
    pub(super) fn skip_comment(&mut self) -> bool {
        match memchr::memchr(b'\n', self.rest().as_bytes()) {
            Some(n) => {
                self.at += n;
                true
            }
            None => false,
        }
    }

    /// Skips the rest of a line that has nothing more to say; false if there is more on it.
    pub(super) fn skip_line_end(&mut self) -> bool {
        self.skip_blanks();
        if self.peek() == Some(b'#') && !self.skip_comment() {
            return false;
        }
        self.is_at_end() || self.take("\n") || self.take("\r\n")
    }

    /// Takes letters, digits and underscores; empty if there are none.
    pub(super) fn name(&mut self) -> &'a str {
        let rest = self.rest();
        let end = rest
            .bytes()
            .position(|b| !(b.is_ascii_alphanumeric() || b == b'_'))
            .unwrap_or(rest.len());
        self.at += end;
        &rest[..end]
    }

    /// Takes a string in double quotes, with escapes; none if the next character isn't a quote.
    pub(super) fn quoted(&mut self) -> Parsed<Option<Str>> {
        if self.peek() != Some(b'"') {
            return Ok(None);
        }
        let start = self.at;
        let bytes = self.text.as_bytes();
        let mut end = start + 1;
        let (mut escaped, mut broken) = (false, false);
        loop {
            match bytes.get(end) {
                Some(b'"') => break,
                Some(b'\\') => {
                    escaped = true;
                    end += 2;
                }
                None => return self.fault(self.text.len(), "required: expected end quote"),
                Some(byte) => {
                    broken |= *byte == b'\n';
                    end += 1;
                }
            }
        }
        let inner = &self.text[start + 1..end];
        self.at = end + 1;
        if !escaped && !broken {
            return Ok(Some(inner.into()));
        }
        match unescape(inner) {
            Some(text) if !broken => Ok(Some(text.into())),
            _ => self.fault(
                start,
                "failed to unescape quoted string contents: invalid syntax",
            ),
        }
    }

    /// Takes a string in three double quotes, in which nothing is escaped.
    pub(super) fn triple_quoted(&mut self) -> Parsed<Option<Str>> {
        const QUOTES: &str = "\"\"\"";
        if !self.take(QUOTES) {
            return Ok(None);
        }
        match self.rest().find(QUOTES) {
            Some(n) => {
                let text = &self.rest()[..n];
                self.at += n + QUOTES.len();
                Ok(Some(text.into()))
            }
            None => self.fault(self.text.len(), "required: expected end triple-quote"),
        }
    }
}

/// Resolves the escapes of a Go string; none if one is wrong. Escaped bytes that don't make up UTF-8 become U+FFFD.
fn unescape(text: &str) -> Option<String> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(n) = rest.find('\\') {
        out.extend_from_slice(&rest.as_bytes()[..n]);
        let kind = *rest.as_bytes().get(n + 1)?;
        rest = rest.get(n + 2..)?;
        let digits = |count: usize, radix: u32, given: &str| -> Option<u32> {
            let digits = given.get(..count)?;
            if !digits.bytes().all(|b| char::from(b).is_digit(radix)) {
                return None;
            }
            u32::from_str_radix(digits, radix).ok()
        };
        let mut push_char = |code: u32| -> Option<()> {
            let c = char::from_u32(code)?;
            out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
            Some(())
        };
        match kind {
            b'a' => push_char(7)?,
            b'b' => push_char(8)?,
            b'f' => push_char(12)?,
            b'n' => push_char(10)?,
            b'r' => push_char(13)?,
            b't' => push_char(9)?,
            b'v' => push_char(11)?,
            b'\\' => push_char(u32::from(b'\\'))?,
            b'"' => push_char(u32::from(b'"'))?,
            b'u' => {
                push_char(digits(4, 16, rest)?)?;
                rest = &rest[4..];
            }
            b'U' => {
                push_char(digits(8, 16, rest)?)?;
                rest = &rest[8..];
            }
            b'x' => {
                out.push(digits(2, 16, rest)? as u8);
                rest = &rest[2..];
            }
            b'0'..=b'7' => {
                let whole = [&[kind][..], rest.as_bytes().get(..2)?].concat();
                let whole = std::str::from_utf8(&whole).ok()?;
                out.push(u8::try_from(digits(3, 8, whole)?).ok()?);
                rest = &rest[2..];
            }
            _ => return None,
        }
    }
    out.extend_from_slice(rest.as_bytes());
    Some(match String::from_utf8(out) {
        Ok(text) => text,
        Err(e) => String::from_utf8_lossy(e.as_bytes()).into_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_those_of_go() {
        for (text, want) in [
            (r"a\nb\t\\", Some("a\nb\t\\")),
            (r"\x41\u00e9\U0001F600", Some("Aé😀")),
            (r"\101", Some("A")),
            (r"\xc3\xa9", Some("é")),
            (r"\q", None),
            (r"\u12", None),
            (r"\ud800", None),
            (r"\'", None),
        ] {
            assert_eq!(unescape(text).as_deref(), want, "{text}");
        }
    }
}
