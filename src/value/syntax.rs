//! What is wrong with a text that isn't JSON, in the words of Go's decoder, which users know and match on.
//!
//! Only faulty texts come here: the parser proper (`super::document`) accepts exactly what this accepts, and keeps no account of why not.

use super::{JsonError, document::MAX_DEPTH};

/// The fault of the value that begins at or after `at`; none if there is no fault.
pub(super) fn fault(bytes: &[u8], at: usize) -> Option<JsonError> {
    Reader { bytes, at }.value().err()
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Reader<'_> {
    fn value(&mut self) -> Result<(), JsonError> {
        // For each open container, whether it is an object.
        let mut open: Vec<bool> = Vec::new();
        self.skip_space();
        if self.at == self.bytes.len() {
            return Err(self.ended("EOF"));
        }
        loop {
            let mut ended = true;
            match self.peek()? {
                b'{' => {
                    self.enter(&mut open, true)?;
                    if self.after_space()? == b'}' {
                        self.at += 1;
                        open.pop();
                    } else {
                        self.key()?;
                        ended = false;
                    }
                }
                b'[' => {
                    self.enter(&mut open, false)?;
                    if self.after_space()? == b']' {
                        self.at += 1;
                        open.pop();
                    } else {
                        ended = false;
                    }
                }
                b'"' => self.string()?,
                b'-' | b'0'..=b'9' => self.number(open.is_empty())?,
                b't' => self.word("true")?,
                b'f' => self.word("false")?,
                b'n' => self.word("null")?,
                _ => return Err(self.unexpected("looking for beginning of value")),
            }
            while ended {
                let Some(&in_object) = open.last() else {
                    return Ok(());
                };
                match (self.after_space()?, in_object) {
                    (b',', _) => {
                        self.at += 1;
                        self.after_space()?;
                        if in_object {
                            self.key()?;
                        }
                        ended = false;
                    }
                    (b'}', true) | (b']', false) => {
                        self.at += 1;
                        open.pop();
                    }
                    (_, true) => return Err(self.unexpected("after object key:value pair")),
                    (_, false) => return Err(self.unexpected("after array element")),
                }
            }
        }
    }

    fn enter(&mut self, open: &mut Vec<bool>, object: bool) -> Result<(), JsonError> {
        if open.len() == MAX_DEPTH {
            return Err(self.unexpected("exceeded max depth"));
        }
        open.push(object);
        self.at += 1;
        Ok(())
    }

    /// A key, its colon, and the space up to the value.
    fn key(&mut self) -> Result<(), JsonError> {
        if self.peek()? != b'"' {
            return Err(self.unexpected("looking for beginning of object key string"));
        }
        self.string()?;
        if self.after_space()? != b':' {
            return Err(self.unexpected("after object key"));
        }
        self.at += 1;
        self.after_space().map(drop)
    }

    fn string(&mut self) -> Result<(), JsonError> {
        self.at += 1;
        loop {
            match self.peek()? {
                b'"' => break,
                ..0x20 => return Err(self.unexpected("in string literal")),
                b'\\' => {
                    self.at += 1;
                    match self.peek()? {
                        b'b' | b'f' | b'n' | b'r' | b't' | b'\\' | b'/' | b'"' => {}
                        b'u' => {
                            for _ in 0..4 {
                                self.at += 1;
                                if !self.peek()?.is_ascii_hexdigit() {
                                    return Err(
                                        self.unexpected("in \\u hexadecimal character escape")
                                    );
                                }
                            }
                        }
                        _ => return Err(self.unexpected("in string escape code")),
                    }
                }
                _ => {}
            }
            self.at += 1;
        }
        self.at += 1;
        Ok(())
    }

    /// A number. One that is a whole document may end with the text.
    fn number(&mut self, alone: bool) -> Result<(), JsonError> {
        let next = |this: &Self| match this.bytes.get(this.at) {
            None if alone => Ok(b' '),
            _ => this.peek(),
        };
        if self.peek()? == b'-' {
            self.at += 1;
        }
        match self.peek()? {
            b'0' => self.at += 1,
            b'1'..=b'9' => self.digits(),
            _ => return Err(self.unexpected("in numeric literal")),
        }
        if next(self)? == b'.' {
            self.at += 1;
            if !self.peek()?.is_ascii_digit() {
                return Err(self.unexpected("after decimal point in numeric literal"));
            }
            self.digits();
        }
        if matches!(next(self)?, b'e' | b'E') {
            self.at += 1;
            if matches!(self.peek()?, b'+' | b'-') {
                self.at += 1;
            }
            if !self.peek()?.is_ascii_digit() {
                return Err(self.unexpected("in exponent of numeric literal"));
            }
            self.digits();
        }
        Ok(())
    }

    fn digits(&mut self) {
        while self.bytes.get(self.at).is_some_and(u8::is_ascii_digit) {
            self.at += 1;
        }
    }

    fn word(&mut self, word: &str) -> Result<(), JsonError> {
        for expected in word.bytes() {
            if self.peek()? != expected {
                let expected = char::from(expected);
                return Err(self.unexpected(&format!("in literal {word} (expecting '{expected}')")));
            }
            self.at += 1;
        }
        Ok(())
    }

    fn skip_space(&mut self) {
        self.at = super::document::space(self.bytes, self.at);
    }

    fn after_space(&mut self) -> Result<u8, JsonError> {
        self.skip_space();
        self.peek()
    }

    fn peek(&self) -> Result<u8, JsonError> {
        let byte = self.bytes.get(self.at).copied();
        byte.ok_or_else(|| self.ended("unexpected EOF"))
    }

    fn ended(&self, message: &str) -> JsonError {
        JsonError {
            message: message.into(),
            offset: self.bytes.len(),
        }
    }

    fn unexpected(&self, place: &str) -> JsonError {
        let byte = self.bytes.get(self.at).copied().unwrap_or(0);
        JsonError {
            message: format!("invalid character {} {place}", quote(byte)),
            offset: self.at,
        }
    }
}

/// A byte as Go shows it: as the character of that number, in single quotes.
fn quote(byte: u8) -> String {
    match byte {
        b'\'' => r"'\''".into(),
        b'\\' => r"'\\'".into(),
        0x07 => r"'\a'".into(),
        0x08 => r"'\b'".into(),
        0x0c => r"'\f'".into(),
        b'\n' => r"'\n'".into(),
        b'\r' => r"'\r'".into(),
        b'\t' => r"'\t'".into(),
        0x0b => r"'\v'".into(),
        ..0x20 | 0x7f => format!(r"'\x{byte:02x}'"),
        0x80..=0xa0 | 0xad => format!(r"'\u{byte:04x}'"),
        _ => format!("'{}'", char::from(byte)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_read_as_in_go() {
        for (text, message, offset) in [
            ("", "EOF", 0),
            (" \n", "EOF", 2),
            ("nul", "unexpected EOF", 3),
            (
                "not json",
                "invalid character 'o' in literal null (expecting 'u')",
                1,
            ),
            (
                "falsy",
                "invalid character 'y' in literal false (expecting 'e')",
                4,
            ),
            (
                "{bad",
                "invalid character 'b' looking for beginning of object key string",
                1,
            ),
            (
                "{'a':1}",
                r"invalid character '\'' looking for beginning of object key string",
                1,
            ),
            ("{\"a\" 1}", "invalid character '1' after object key", 5),
            (
                "{\"a\":1 b}",
                "invalid character 'b' after object key:value pair",
                7,
            ),
            (
                "{\"a\":1,}",
                "invalid character '}' looking for beginning of object key string",
                7,
            ),
            (
                "[1,]",
                "invalid character ']' looking for beginning of value",
                3,
            ),
            ("[1 2]", "invalid character '2' after array element", 3),
            ("[1}", "invalid character '}' after array element", 2),
            ("[1,2", "unexpected EOF", 4),
            ("[", "unexpected EOF", 1),
            ("\"x", "unexpected EOF", 2),
            ("\"\t\"", r"invalid character '\t' in string literal", 1),
            ("\"\0\"", r"invalid character '\x00' in string literal", 1),
            ("\"\\x\"", "invalid character 'x' in string escape code", 2),
            (
                "\"\\u00g0\"",
                r"invalid character 'g' in \u hexadecimal character escape",
                5,
            ),
            ("-", "unexpected EOF", 1),
            ("-a", "invalid character 'a' in numeric literal", 1),
            ("1.", "unexpected EOF", 2),
            (
                "[1.]",
                "invalid character ']' after decimal point in numeric literal",
                3,
            ),
            (
                "[1ex]",
                "invalid character 'x' in exponent of numeric literal",
                3,
            ),
            ("[01]", "invalid character '1' after array element", 2),
            (
                "日",
                "invalid character 'æ' looking for beginning of value",
                0,
            ),
            (
                "\u{ad}",
                "invalid character 'Â' looking for beginning of value",
                0,
            ),
            ("\"", "unexpected EOF", 1),
        ] {
            let error = fault(text.as_bytes(), 0).unwrap_or_else(|| panic!("{text} passes"));
            assert_eq!(
                (error.message.as_str(), error.offset),
                (message, offset),
                "{text}"
            );
        }
        assert_eq!(
            fault(b"[\x85]", 0).unwrap().message,
            r"invalid character '\u0085' looking for beginning of value"
        );
    }

    #[test]
    fn nesting_ends_at_the_limit() {
        let text = |depth| "[".repeat(depth) + &"]".repeat(depth);
        assert_eq!(fault(text(MAX_DEPTH).as_bytes(), 0), None);
        assert_eq!(
            fault(text(MAX_DEPTH + 1).as_bytes(), 0).unwrap().message,
            "invalid character '[' exceeded max depth"
        );
    }
}
