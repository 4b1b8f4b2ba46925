//! A template as tokens. Text outside of `{{ }}` is a token; `{{-` and `-}}` trim the text beside them, comments vanish.

use crate::formats::go_quote;

/// A piece of a template.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Token {
    pub kind: Kind,
    /// Where it begins, in bytes.
    pub at: usize,
    pub text: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Open,
    Close,
    Space,
    /// `=`
    Assign,
    /// `:=`
    Declare,
    Pipe,
    /// `(`
    Left,
    /// `)`
    Right,
    /// Any other sign.
    Sign,
    Dot,
    /// `.name`
    Field,
    /// `$` or `$name`
    Variable,
    Word,
    Keyword,
    Bool,
    Nil,
    Number,
    Char,
    String,
    RawString,
    End,
    /// What can't be read; `text` says why.
    Bad,
}

const KEYWORDS: &[&str] = &[
    "block", "break", "continue", "define", "else", "end", "if", "range", "template", "with",
];

impl Token {
    /// The token as a message about it shows it.
    pub fn shown(&self) -> String {
        match self.kind {
            Kind::End => "EOF".into(),
            Kind::Bad => self.text.clone(),
            Kind::Keyword | Kind::Nil | Kind::Dot => format!("<{}>", self.text),
            _ if self.text.chars().count() > 10 => {
                let start: String = self.text.chars().take(10).collect();
                format!("{}...", go_quote::quote(&start))
            }
            _ => go_quote::quote(&self.text),
        }
    }
}

/// All tokens of a template; the last is [`Kind::End`] or [`Kind::Bad`].
pub(super) fn tokens(source: &str) -> Vec<Token> {
    let mut lexer = Lexer {
        source,
        at: 0,
        depth: 0,
        out: Vec::new(),
    };
    let end = match lexer.text() {
        Ok(()) => (Kind::End, "EOF".to_owned()),
        Err(why) => (Kind::Bad, why),
    };
    lexer.out.push(Token {
        kind: end.0,
        at: lexer.at,
        text: end.1,
    });
    lexer.out
}

struct Lexer<'s> {
    source: &'s str,
    at: usize,
    /// How many parentheses are open.
    depth: usize,
    out: Vec<Token>,
}

impl<'s> Lexer<'s> {
    fn rest(&self) -> &'s str {
        &self.source[self.at..]
    }

    fn push(&mut self, kind: Kind, end: usize) {
        self.out.push(Token {
            kind,
            at: self.at,
            text: self.source[self.at..end].to_owned(),
        });
        self.at = end;
    }

    /// Everything, from text to text.
    fn text(&mut self) -> Result<(), String> {
        while let Some(n) = self.rest().find("{{") {
            let inside = &self.rest()[n + 2..];
            let trims = inside.starts_with('-') && inside[1..].starts_with(is_space);
            let text = &self.rest()[..n];
            let kept = if trims {
                text.trim_end_matches(is_space)
            } else {
                text
            };
            let open = self.at + n;
            if !kept.is_empty() {
                let end = self.at + kept.len();
                self.push(Kind::Text, end);
            }
            self.at = open;
            let after = open + 2 + if trims { 2 } else { 0 };
            if self.source[after..].starts_with("/*") {
                self.at = after;
                self.comment()?;
                continue;
            }
            self.push(Kind::Open, open + 2);
            self.at = after;
            self.action()?;
        }
        if !self.rest().is_empty() {
            self.push(Kind::Text, self.source.len());
        }
        Ok(())
    }

    fn comment(&mut self) -> Result<(), String> {
        let end = self.rest().find("*/").ok_or("unclosed comment")?;
        self.at += end + 2;
        match self.closing() {
            Some(length) => self.after_close(length),
            None => return Err("comment ends before closing delimiter".into()),
        }
        Ok(())
    }

    /// How long the closing delimiter is that is next, with its trim marker.
    fn closing(&self) -> Option<usize> {
        let rest = self.rest();
        if rest.starts_with("}}") {
            return Some(2);
        }
        let trims = rest.starts_with(is_space) && rest[1..].starts_with("-}}");
        trims.then_some(4)
    }

    /// Goes past a closing delimiter, and past the space after one that trims.
    fn after_close(&mut self, length: usize) {
        self.at += length;
        if length == 4 {
            let rest = self.rest();
            self.at += rest.len() - rest.trim_start_matches(is_space).len();
        }
    }

    /// All within one `{{ }}`.
    fn action(&mut self) -> Result<(), String> {
        self.depth = 0;
        loop {
            if let Some(length) = self.closing() {
                if self.depth > 0 {
                    return Err("unclosed left paren".into());
                }
                let at = self.at + length - 2;
                self.out.push(Token {
                    kind: Kind::Close,
                    at,
                    text: "}}".into(),
                });
                self.after_close(length);
                return Ok(());
            }
            self.one()?;
        }
    }

    /// The next token within `{{ }}`.
    fn one(&mut self) -> Result<(), String> {
        let rest = self.rest();
        let Some(c) = rest.chars().next() else {
            return Err("unclosed action".into());
        };
        let next = rest[c.len_utf8()..].chars().next();
        let at = self.at;
        match c {
            c if is_space(c) => {
                let mut length = rest.len() - rest.trim_start_matches(is_space).len();
                // The last space may belong to ` -}}`.
                if rest[length..].starts_with("-}}") {
                    length -= 1;
                }
                if length > 0 {
                    self.push(Kind::Space, at + length);
                }
            }
            '=' => self.push(Kind::Assign, at + 1),
            ':' if next == Some('=') => self.push(Kind::Declare, at + 2),
            ':' => return Err("expected :=".into()),
            '|' => self.push(Kind::Pipe, at + 1),
            '"' => self.quoted('"', Kind::String, "unterminated quoted string")?,
            '\'' => self.quoted('\'', Kind::Char, "unterminated character constant")?,
            '`' => {
                let end = rest[1..]
                    .find('`')
                    .ok_or("unterminated raw quoted string")?;
                self.push(Kind::RawString, at + end + 2);
            }
            '$' => self.name(Kind::Variable)?,
            '.' if !next.is_some_and(|c| c.is_ascii_digit()) => match next {
                Some(c) if is_letter(c) => self.name(Kind::Field)?,
                _ => {
                    self.push(Kind::Dot, at + 1);
                    self.terminated()?;
                }
            },
            '+' | '-' | '.' | '0'..='9' => self.number()?,
            c if is_letter(c) => {
                let length = rest.find(|c| !is_letter(c)).unwrap_or(rest.len());
                let kind = match &rest[..length] {
                    "true" | "false" => Kind::Bool,
                    "nil" => Kind::Nil,
                    word if KEYWORDS.contains(&word) => Kind::Keyword,
                    _ => Kind::Word,
                };
                self.push(kind, at + length);
                self.terminated()?;
            }
            '(' => {
                self.depth += 1;
                self.push(Kind::Left, at + 1);
            }
            ')' => {
                self.depth = self.depth.checked_sub(1).ok_or("unexpected right paren")?;
                self.push(Kind::Right, at + 1);
            }
            c if c.is_ascii_graphic() => self.push(Kind::Sign, at + 1),
            c => {
                return Err(format!(
                    "unrecognized character in action: {}",
                    code_point(c)
                ));
            }
        }
        Ok(())
    }

    fn quoted(&mut self, quote: char, kind: Kind, unterminated: &str) -> Result<(), String> {
        let mut chars = self.rest().char_indices().skip(1);
        while let Some((i, c)) = chars.next() {
            match c {
                '\n' => break,
                '\\' => match chars.next() {
                    Some((_, c)) if c != '\n' => {}
                    _ => break,
                },
                c if c == quote => {
                    let end = self.at + i + 1;
                    self.push(kind, end);
                    return Ok(());
                }
                _ => {}
            }
        }
        Err(unterminated.into())
    }

    /// `.name`, `$` or `$name`.
    fn name(&mut self, kind: Kind) -> Result<(), String> {
        let rest = self.rest();
        let length = rest[1..]
            .find(|c| !is_letter(c))
            .map_or(rest.len(), |n| n + 1);
        self.push(kind, self.at + length);
        self.terminated()
    }

    /// A name ends at a space, a delimiter or one of few signs.
    fn terminated(&self) -> Result<(), String> {
        match self.rest().chars().next() {
            None => Ok(()),
            Some(c) if is_space(c) || ".,|:)(".contains(c) => Ok(()),
            _ if self.rest().starts_with("}}") => Ok(()),
            Some(c) => Err(format!("bad character {}", code_point(c))),
        }
    }

    fn number(&mut self) -> Result<(), String> {
        let rest = self.rest().as_bytes();
        let mut end = usize::from(matches!(rest[0], b'+' | b'-'));
        let prefix = rest[end..].get(..2).unwrap_or_default();
        let is_hex = matches!(prefix, b"0x" | b"0X");
        if is_hex || matches!(prefix, b"0o" | b"0O" | b"0b" | b"0B") {
            end += 2;
        }
        while let Some(&c) = rest.get(end) {
            let exponent = if is_hex { b"pP" } else { b"eE" };
            let signed = matches!(c, b'+' | b'-') && exponent.contains(&rest[end - 1]) && end > 0;
            let digit = c.is_ascii_digit() || matches!(c, b'_' | b'.' | b'i');
            if signed || digit || exponent.contains(&c) || is_hex && c.is_ascii_hexdigit() {
                end += 1;
            } else {
                break;
            }
        }
        let text = &self.rest()[..end];
        if self.rest()[end..].starts_with(is_letter) || !text.contains(|c: char| c.is_ascii_digit())
        {
            let next = self.rest()[end..].chars().next().map_or(0, char::len_utf8);
            let shown = go_quote::quote(&self.rest()[..end + next]);
            return Err(format!("bad number syntax: {shown}"));
        }
        self.push(Kind::Number, self.at + end);
        Ok(())
    }
}

fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\r' | '\n')
}

fn is_letter(c: char) -> bool {
    c == '_' || c.is_alphanumeric()
}

/// A character as `U+0040 '@'`.
fn code_point(c: char) -> String {
    let number = format!("U+{:04X}", c as u32);
    match go_quote::is_printable(c) {
        true => format!("{number} '{c}'"),
        false => number,
    }
}
