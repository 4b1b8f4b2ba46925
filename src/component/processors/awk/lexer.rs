//! An AWK program as tokens, read one at a time: whether `/` divides or begins a pattern is the parser's to know.

/// A token. Punctuation and keywords are their own text.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token {
    /// An operator, a bracket or a keyword.
    Sign(&'static str),
    Newline,
    End,
    Name(String),
    /// A name with `(` right behind it: a call.
    Callee(String),
    Number(f64),
    Text(Vec<u8>),
}

impl Token {
    /// How faults name it.
    pub(super) fn show(&self) -> &str {
        match self {
            Token::Sign(text) => text,
            Token::Newline => "<newline>",
            Token::End => "EOF",
            Token::Name(_) | Token::Callee(_) => "name",
            Token::Number(_) => "number",
            Token::Text(_) => "string",
        }
    }
}

/// Where a token begins: line and column from 1, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct At {
    line: usize,
    column: usize,
}

impl At {
    /// A fault at this place, as a message.
    pub(super) fn fault(self, what: impl std::fmt::Display) -> String {
        format!("parse error at {}:{}: {what}", self.line, self.column)
    }
}

const KEYWORDS: &[&str] = &[
    "BEGIN", "END", "break", "continue", "delete", "do", "else", "exit", "for", "function",
    "getline", "if", "in", "next", "nextfile", "print", "printf", "return", "while", "atan2",
    "close", "cos", "exp", "fflush", "gsub", "index", "int", "length", "log", "match", "rand",
    "sin", "split", "sprintf", "sqrt", "srand", "sub", "substr", "system", "tolower", "toupper",
];

/// Longest first, so that the first that fits is the one.
const SIGNS: &[&str] = &[
    "**=", "**", "*=", "*", "+=", "++", "+", "-=", "--", "-", "/=", "/", "%=", "%", "^=", "^",
    "==", "=", "!=", "!~", "!", "~", "<=", "<", ">=", ">>", ">", "&&", "||", "|", "?", ":", ",",
    ";", "$", "{", "}", "(", ")", "[", "]",
];

pub(super) struct Lexer<'p> {
    text: &'p [u8],
    next: usize,
    /// The place of `next`: its line, and where that line begins.
    line: usize,
    line_start: usize,
}

impl<'p> Lexer<'p> {
    pub(super) fn new(program: &'p str) -> Lexer<'p> {
        Lexer {
            text: program.as_bytes(),
            next: 0,
            line: 1,
            line_start: 0,
        }
    }

    fn peek(&self) -> Option<u8> {
        self.text.get(self.next).copied()
    }

    fn here(&self) -> At {
        At {
            line: self.line,
            column: self.next - self.line_start + 1,
        }
    }

    fn begin_line(&mut self) {
        self.line += 1;
        self.line_start = self.next;
    }

    /// Skips blanks, comments, and line ends behind a backslash.
    fn skip_blanks(&mut self) {
        loop {
            match self.peek() {
                Some(b' ' | b'\t' | b'\r') => self.next += 1,
                Some(b'#') => {
                    let rest = &self.text[self.next..];
                    let length = rest.iter().position(|&b| b == b'\n');
                    self.next += length.unwrap_or(rest.len());
                }
                Some(b'\\') => {
                    let rest = &self.text[self.next + 1..];
                    let blanks = usize::from(rest.first() == Some(&b'\r'));
                    if rest.get(blanks) != Some(&b'\n') {
                        return;
                    }
                    self.next += 2 + blanks;
                    self.begin_line();
                }
                _ => return,
            }
        }
    }

    /// The next token and its place.
    pub(super) fn token(&mut self) -> Result<(Token, At), String> {
        self.skip_blanks();
        let at = self.here();
        let Some(first) = self.peek() else {
            return Ok((Token::End, at));
        };
        let token = match first {
            b'\n' => {
                self.next += 1;
                self.begin_line();
                Token::Newline
            }
            b'"' => {
                self.next += 1;
                Token::Text(self.string(at)?)
            }
            b'0'..=b'9' => self.number(),
            b'.' if self.text.get(self.next + 1).is_some_and(u8::is_ascii_digit) => self.number(),
            b if b.is_ascii_alphabetic() || b == b'_' => self.word(),
            _ => {
                let rest = &self.text[self.next..];
                let sign = SIGNS.iter().find(|s| rest.starts_with(s.as_bytes()));
                let sign = sign.ok_or_else(|| {
                    let bad = String::from_utf8_lossy(rest).chars().next();
                    at.fault(format!("unexpected char {:?}", bad.unwrap_or('?')))
                })?;
                self.next += sign.len();
                Token::Sign(match *sign {
                    "**" => "^",
                    "**=" => "^=",
                    sign => sign,
                })
            }
        };
        Ok((token, at))
    }

    fn word(&mut self) -> Token {
        let rest = &self.text[self.next..];
        let length = rest
            .iter()
            .position(|b| !b.is_ascii_alphanumeric() && *b != b'_');
        let word = &rest[..length.unwrap_or(rest.len())];
        self.next += word.len();
        let word = String::from_utf8_lossy(word).into_owned();
        match KEYWORDS.iter().find(|k| **k == word) {
            Some(keyword) => Token::Sign(keyword),
            None if word == "func" => Token::Sign("function"),
            None if self.peek() == Some(b'(') => Token::Callee(word),
            None => Token::Name(word),
        }
    }

    fn number(&mut self) -> Token {
        let (number, length) = super::values::number_prefix(&self.text[self.next..]);
        self.next += length;
        Token::Number(number)
    }

    /// The rest of a string whose first quote was read.
    fn string(&mut self, at: At) -> Result<Vec<u8>, String> {
        let mut out = Vec::new();
        loop {
            let byte = self.peek();
            self.next += 1;
            match byte {
                None | Some(b'\n') => return Err(at.fault("didn't find end quote in string")),
                Some(b'"') => return Ok(out),
                Some(b'\\') => self.escape(&mut out),
                Some(byte) => out.push(byte),
            }
        }
    }

    /// What follows a backslash in a string.
    fn escape(&mut self, out: &mut Vec<u8>) {
        let Some(byte) = self.peek() else {
            return;
        };
        self.next += 1;
        let byte = match byte {
            b'n' => b'\n',
            b't' => b'\t',
            b'r' => b'\r',
            b'"' | b'\\' | b'/' => byte,
            b'a' => 7,
            b'b' => 8,
            b'f' => 12,
            b'v' => 11,
            b'\n' => {
                self.begin_line();
                return;
            }
            b'0'..=b'7' => {
                let mut code = u32::from(byte - b'0');
                for _ in 0..2 {
                    match self.peek() {
                        Some(digit @ b'0'..=b'7') => code = code * 8 + u32::from(digit - b'0'),
                        _ => break,
                    }
                    self.next += 1;
                }
                code as u8
            }
            byte => {
                out.push(b'\\');
                byte
            }
        };
        out.push(byte);
    }

    /// The rest of a pattern, of which the parser read the first slash and maybe a `=` behind it.
    pub(super) fn pattern(&mut self, start: &str, at: At) -> Result<String, String> {
        let mut out = start.as_bytes().to_vec();
        loop {
            let byte = self.peek();
            self.next += 1;
            match byte {
                None | Some(b'\n') => return Err(at.fault("didn't find end slash in regex")),
                Some(b'/') => break,
                Some(b'\\') if self.peek() == Some(b'/') => {
                    self.next += 1;
                    out.push(b'/');
                }
                Some(b'\\') if self.peek().is_some_and(|b| b != b'\n') => {
                    out.extend([b'\\', self.text[self.next]]);
                    self.next += 1;
                }
                Some(byte) => out.push(byte),
            }
        }
        Ok(String::from_utf8_lossy(&out).into_owned())
    }
}
