//! A jq program as tokens.

use super::syntax::Operator;
use crate::value::{self, Value};

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token {
    /// Names and keywords: which one it is depends on the place.
    Name(String),
    /// `$name`, with the dollar sign.
    Variable(String),
    /// `.name`, without the point.
    Field(String),
    /// `@name`, with the sign.
    Format(String),
    Number(String),
    /// A text without anything to be put in.
    Text(String),
    /// `"` of a text in which there is something to be put in; pieces and queries follow.
    TextStart,
    /// `\(` in a text; the tokens of the query up to its `)` follow.
    TextQuery,
    TextEnd,
    Compare(Operator),
    /// `=`, `|=`, `+=`, ...
    Update(&'static str),
    /// Whatever else has a fixed spelling.
    Sign(&'static str),
}

/// The signs, longest first.
const SIGNS: &[&str] = &[
    "?//", "//=", "|=", "+=", "-=", "*=", "/=", "%=", "==", "!=", ">=", "<=", "//", "..", ".", "|",
    ",", ":", ";", "(", ")", "[", "]", "{", "}", "?", "+", "-", "*", "/", "%", "=", ">", "<",
];

const UPDATES: &[&str] = &["//=", "|=", "+=", "-=", "*=", "/=", "%=", "="];

const COMPARISONS: &[(&str, Operator)] = &[
    ("==", Operator::Equal),
    ("!=", Operator::NotEqual),
    (">=", Operator::GreaterOrEqual),
    ("<=", Operator::LessOrEqual),
    (">", Operator::Greater),
    ("<", Operator::Less),
];

/// Splits a program into tokens, each with the offset of its end.
pub(super) fn tokens(source: &str) -> Result<Vec<(Token, usize)>, String> {
    let mut lexer = Lexer {
        source,
        at: 0,
        found: Vec::new(),
    };
    // For each text that is open, how many parentheses are open in its query.
    let mut open: Vec<usize> = Vec::new();
    loop {
        lexer.skip_space();
        let Some(c) = lexer.peek() else { break };
        match c {
            '"' => {
                lexer.at += 1;
                if lexer.text_pieces(true)? {
                    open.push(0);
                }
            }
            ')' if open.last() == Some(&0) => {
                lexer.sign(")");
                if !lexer.text_pieces(false)? {
                    open.pop();
                }
            }
            _ => {
                match c {
                    '(' => open.iter_mut().last().map_or((), |n| *n += 1),
                    ')' => open.iter_mut().last().map_or((), |n| *n -= 1),
                    _ => {}
                }
                lexer.plain(c)?;
            }
        }
    }
    if open.is_empty() {
        Ok(lexer.found)
    } else {
        Err("unexpected EOF".into())
    }
}

/// Whether a text reads as a number in full, with a sign or without.
pub(super) fn is_number(text: &str) -> bool {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let starts = unsigned.strip_prefix('.').unwrap_or(unsigned);
    starts.starts_with(|c: char| c.is_ascii_digit()) && number(unsigned) == Ok(unsigned.len())
}

/// The number that the text of one stands for.
pub(super) fn read_number(text: &str) -> Value {
    let text = text.strip_prefix('+').unwrap_or(text);
    if let Ok(integer) = text.parse::<i64>() {
        return Value::Int(integer);
    }
    if text.contains(['.', 'e', 'E']) {
        return Value::Float(text.parse().unwrap_or(f64::NAN));
    }
    super::numbers::big(text.parse().unwrap_or_default())
}

struct Lexer<'s> {
    source: &'s str,
    at: usize,
    found: Vec<(Token, usize)>,
}

impl<'s> Lexer<'s> {
    fn rest(&self) -> &'s str {
        &self.source[self.at..]
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn push(&mut self, token: Token, length: usize) {
        self.at += length;
        self.found.push((token, self.at));
    }

    fn sign(&mut self, sign: &'static str) {
        self.push(Token::Sign(sign), sign.len());
    }

    /// Passes space and comments. A backslash before the end of a line carries a comment on.
    fn skip_space(&mut self) {
        loop {
            let rest = self.source[self.at..].trim_start_matches([' ', '\t', '\r', '\n']);
            self.at = self.source.len() - rest.len();
            if !rest.starts_with('#') {
                return;
            }
            let bytes = rest.as_bytes();
            let mut end = 1;
            while end < bytes.len() && !matches!(bytes[end], b'\n' | b'\r') {
                end += match (bytes[end], bytes.get(end + 1), bytes.get(end + 2)) {
                    (b'\\', Some(b'\r'), Some(b'\n')) => 3,
                    (b'\\', Some(b'\\' | b'\n' | b'\r'), _) => 2,
                    _ => 1,
                };
            }
            self.at += end.min(bytes.len());
        }
    }

    /// A token that is not of a text.
    fn plain(&mut self, c: char) -> Result<(), String> {
        let rest = self.rest();
        let after = &rest[c.len_utf8()..];
        let next = after.chars().next();
        let named = next.is_some_and(is_start);
        match c {
            _ if is_start(c) => {
                let length = qualified(rest);
                let name = rest[..length].to_owned();
                self.push(Token::Name(name), length);
            }
            '0'..='9' => self.number()?,
            '.' if next.is_some_and(|c| c.is_ascii_digit()) => self.number()?,
            '.' if named => {
                let length = name(after);
                let field = after[..length].to_owned();
                self.push(Token::Field(field), length + 1);
            }
            '$' if named => {
                let length = qualified(after) + 1;
                let variable = rest[..length].to_owned();
                self.push(Token::Variable(variable), length);
            }
            '@' if next.is_some_and(|c| is_start(c) || c.is_ascii_digit()) => {
                let length = name(after) + 1;
                let format = rest[..length].to_owned();
                self.push(Token::Format(format), length);
            }
            _ => match SIGNS.iter().find(|sign| rest.starts_with(**sign)) {
                Some(sign) => {
                    let token = if let Some((_, operator)) =
                        COMPARISONS.iter().find(|(text, _)| text == sign)
                    {
                        Token::Compare(*operator)
                    } else if UPDATES.contains(sign) {
                        Token::Update(sign)
                    } else {
                        Token::Sign(sign)
                    };
                    self.push(token, sign.len());
                }
                None => return Err(unexpected(&c.to_string())),
            },
        }
        Ok(())
    }

    fn number(&mut self) -> Result<(), String> {
        let rest = self.rest();
        match number(rest) {
            Ok(length) => {
                let text = rest[..length].to_owned();
                self.push(Token::Number(text), length);
                Ok(())
            }
            Err(length) => {
                let wrong: String = rest.chars().take(length).collect();
                Err(format!("invalid token {}", quoted(&wrong)))
            }
        }
    }

    /// Reads what follows the beginning of a text, or a query in it. Whether it stopped at a query.
    fn text_pieces(&mut self, at_start: bool) -> Result<bool, String> {
        let mut text = String::new();
        loop {
            let rest = self.rest();
            let Some(c) = rest.chars().next() else {
                return Err("unterminated string literal".into());
            };
            match c {
                '"' if at_start => {
                    self.push(Token::Text(text), 1);
                    return Ok(false);
                }
                '"' => {
                    if !text.is_empty() {
                        self.push(Token::Text(text), 0);
                    }
                    self.push(Token::TextEnd, 1);
                    return Ok(false);
                }
                '\\' if rest[1..].starts_with('(') => {
                    if at_start {
                        self.push(Token::TextStart, 0);
                    }
                    if !text.is_empty() {
                        self.push(Token::Text(text), 0);
                    }
                    self.push(Token::TextQuery, 2);
                    return Ok(true);
                }
                '\\' => {
                    let (read, length) = escape(rest)?;
                    text.push_str(&read);
                    self.at += length;
                }
                c => {
                    text.push(c);
                    self.at += c.len_utf8();
                }
            }
        }
    }
}

/// What an escape stands for, and its length. Halves of a pair that stand alone are U+FFFD.
fn escape(text: &str) -> Result<(String, usize), String> {
    let invalid = |length: usize| {
        let wrong: String = text.chars().take(length).collect();
        format!("invalid escape sequence \"{wrong}\" in string literal")
    };
    let plain = match text[1..].chars().next() {
        Some(c @ ('"' | '\\' | '/')) => c,
        Some('b') => '\u{8}',
        Some('f') => '\u{c}',
        Some('n') => '\n',
        Some('r') => '\r',
        Some('t') => '\t',
        Some('u') => {
            let hex = |at: usize| {
                let digits = text.get(at..at + 4)?;
                let all = digits.bytes().all(|b| b.is_ascii_hexdigit());
                all.then(|| u16::from_str_radix(digits, 16).ok()).flatten()
            };
            let Some(first) = hex(2) else {
                let digits = text[2..].bytes().take_while(u8::is_ascii_hexdigit).count();
                return Err(invalid(2 + digits));
            };
            let second = if text[6..].starts_with("\\u") {
                hex(8)
            } else {
                None
            };
            if let Some(second) = second
                && let Some(Ok(c)) = char::decode_utf16([first, second]).next()
                && u32::from(c) > 0xFFFF
            {
                return Ok((c.into(), 12));
            }
            let c = char::from_u32(first.into()).unwrap_or('\u{fffd}');
            return Ok((c.into(), 6));
        }
        Some(_) => return Err(invalid(2)),
        None => return Err("unterminated string literal".into()),
    };
    Ok((plain.into(), 2))
}

fn is_start(c: char) -> bool {
    c.is_ascii_alphabetic() || c == '_'
}

/// The length of a name.
fn name(text: &str) -> usize {
    let inside = |b: &u8| b.is_ascii_alphanumeric() || *b == b'_';
    text.bytes().take_while(inside).count()
}

/// The length of a name with the module that it may be of: `module::name`.
fn qualified(text: &str) -> usize {
    let first = name(text);
    match text[first..].strip_prefix("::") {
        Some(rest) if rest.starts_with(is_start) => first + 2 + name(rest),
        _ => first,
    }
}

/// The length of the number that a text begins with, or of the part that shows that it is none.
fn number(text: &str) -> Result<usize, usize> {
    let bytes = text.as_bytes();
    let digits = |from: usize| {
        bytes[from..]
            .iter()
            .take_while(|b| b.is_ascii_digit())
            .count()
    };
    let mut end = digits(0);
    if bytes.get(end) == Some(&b'.') {
        end += 1;
        end += digits(end);
        if bytes.get(end) == Some(&b'.') {
            return Err(end + 1);
        }
    }
    if matches!(bytes.get(end), Some(b'e' | b'E')) {
        end += 1;
        if matches!(bytes.get(end), Some(b'+' | b'-')) {
            end += 1;
        }
        let exponent = digits(end);
        if exponent == 0 {
            let letter = bytes.get(end).is_some_and(|b| is_start((*b).into()));
            return Err(end + usize::from(letter));
        }
        end += exponent;
    }
    if bytes.get(end).is_some_and(|b| is_start((*b).into())) {
        return Err(end + 1);
    }
    Ok(end)
}

/// That a token is out of place.
pub(super) fn unexpected(token: &str) -> String {
    format!("unexpected token {}", quoted(token))
}

fn quoted(text: &str) -> String {
    let mut out = Vec::new();
    value::write(&text.into(), &mut out);
    String::from_utf8_lossy(&out).into_owned()
}
