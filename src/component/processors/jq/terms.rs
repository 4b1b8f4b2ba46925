//! The grammar of jq's terms: what stands between operators.

use super::lexer::{Token, read_number};
use super::parser::{KEYWORDS, PIPE, Parsed, Parser};
use super::syntax::{Key, Pattern, Piece, Query};
use crate::value::Value;

impl Parser<'_> {
    /// A term with whatever follows it: indexes, `[]`, `?`.
    pub(super) fn term(&mut self) -> Parsed {
        self.enter()?;
        let mut term = self.bare_term()?;
        // What `?` behind a suffix covers: the suffix alone, which is put behind the rest by a pipe.
        let mut last: Option<(Query, Query)> = None;
        loop {
            let before = term.clone();
            let (suffix, alone) = if let Some(Token::Field(name)) = self.peek() {
                let key = Box::new(Query::Const(name.as_str().into()));
                self.at += 1;
                (
                    Query::Index(Box::new(term), key.clone()),
                    Query::Index(Box::new(Query::Identity), key),
                )
            } else if self.is_sign("[") {
                self.brackets(term)?
            } else if self.takes("?") {
                term = match last.take() {
                    Some((before, alone)) => Query::Pipe(
                        Box::new(before),
                        Box::new(Query::Try(Box::new(alone), None)),
                    ),
                    None => Query::Try(Box::new(term), None),
                };
                continue;
            } else if self.is_sign(".") {
                self.at += 1;
                match self.peek() {
                    Some(Token::Sign("[")) => self.brackets(term)?,
                    Some(Token::Text(_) | Token::TextStart) => {
                        let key = Box::new(self.text(None)?);
                        (
                            Query::Index(Box::new(term), key.clone()),
                            Query::Index(Box::new(Query::Identity), key),
                        )
                    }
                    _ => return self.wrong(),
                }
            } else {
                break;
            };
            term = suffix;
            last = Some((before, alone));
        }
        self.depth -= 1;
        Ok(term)
    }

    /// `[]`, `[index]` or `[from:to]` behind a term; also as it is behind the identity.
    fn brackets(&mut self, term: Query) -> Parsed<(Query, Query)> {
        self.sign("[")?;
        let (term, here) = (Box::new(term), Box::new(Query::Identity));
        if self.takes("]") {
            return Ok((Query::Iterate(term), Query::Iterate(here)));
        }
        let slice = |from: Option<Box<Query>>, to: Option<Box<Query>>| {
            let alone = Query::Slice(here.clone(), from.clone(), to.clone());
            (Query::Slice(term.clone(), from, to), alone)
        };
        if self.takes(":") {
            let to = self.query(PIPE)?;
            self.sign("]")?;
            return Ok(slice(None, Some(Box::new(to))));
        }
        let first = Box::new(self.query(PIPE)?);
        if self.takes(":") {
            let to = match self.is_sign("]") {
                true => None,
                false => Some(Box::new(self.query(PIPE)?)),
            };
            self.sign("]")?;
            return Ok(slice(Some(first), to));
        }
        self.sign("]")?;
        Ok((Query::Index(term, first.clone()), Query::Index(here, first)))
    }

    fn bare_term(&mut self) -> Parsed {
        let Some(token) = self.peek().cloned() else {
            return self.wrong();
        };
        match token {
            Token::Text(_) | Token::TextStart => return self.text(None),
            Token::Name(word) => return self.worded(&word),
            _ => self.at += 1,
        }
        let here = || Box::new(Query::Identity);
        Ok(match token {
            Token::Sign("..") => Query::Recurse,
            Token::Sign(".") => match self.peek() {
                Some(Token::Text(_) | Token::TextStart) => {
                    Query::Index(here(), Box::new(self.text(None)?))
                }
                _ => Query::Identity,
            },
            Token::Field(name) => Query::Index(here(), Box::new(Query::Const(name.into()))),
            Token::Variable(name) => Query::Variable(name),
            Token::Number(text) => Query::Const(read_number(&text)),
            Token::Format(name) => match self.peek() {
                Some(Token::Text(_) | Token::TextStart) => self.text(Some(name))?,
                _ => Query::Format(name),
            },
            Token::Sign("+") => Query::Plus(Box::new(self.term()?)),
            Token::Sign("-") => match self.term()? {
                Query::Const(Value::Int(n)) if n != 0 => Query::Const(Value::Int(-n)),
                Query::Const(Value::Float(n)) => Query::Const(Value::Float(-n)),
                term => Query::Negate(Box::new(term)),
            },
            Token::Sign("(") => {
                let query = self.query(PIPE)?;
                self.sign(")")?;
                query
            }
            Token::Sign("[") if self.takes("]") => Query::Array(None),
            Token::Sign("[") => {
                let query = self.query(PIPE)?;
                self.sign("]")?;
                Query::Array(Some(Box::new(query)))
            }
            Token::Sign("{") => self.object()?,
            _ => {
                self.at -= 1;
                return self.wrong();
            }
        })
    }

    /// A term that begins with a word.
    fn worded(&mut self, word: &str) -> Parsed {
        if KEYWORDS.contains(&word) {
            self.at += 1;
        }
        let boxed = |query: Parsed| query.map(Box::new);
        Ok(match word {
            "null" => Query::Const(Value::Null),
            "true" => Query::Const(Value::Bool(true)),
            "false" => Query::Const(Value::Bool(false)),
            "if" => self.branches()?,
            "try" => {
                let body = boxed(self.term())?;
                let handler = match self.takes_word("catch") {
                    true => Some(boxed(self.term())?),
                    false => None,
                };
                Query::Try(body, handler)
            }
            "reduce" => {
                let (source, pattern) = self.source()?;
                let start = boxed(self.query(PIPE))?;
                self.sign(";")?;
                let update = boxed(self.query(PIPE))?;
                self.sign(")")?;
                Query::Reduce(source, pattern, start, update)
            }
            "foreach" => {
                let (source, pattern) = self.source()?;
                let start = boxed(self.query(PIPE))?;
                self.sign(";")?;
                let update = boxed(self.query(PIPE))?;
                let extract = match self.takes(";") {
                    true => Some(boxed(self.query(PIPE))?),
                    false => None,
                };
                self.sign(")")?;
                Query::Foreach(source, pattern, start, update, extract)
            }
            "break" => Query::Break(self.variable()?),
            word if KEYWORDS.contains(&word) => {
                self.at -= 1;
                return self.wrong();
            }
            _ => {
                self.at += 1;
                let mut arguments = Vec::new();
                if self.takes("(") {
                    loop {
                        arguments.push(self.query(PIPE)?);
                        if !self.takes(";") {
                            break;
                        }
                    }
                    self.sign(")")?;
                }
                Query::Call(word.to_owned(), arguments)
            }
        })
    }

    /// `source as pattern (` of `reduce` and `foreach`.
    fn source(&mut self) -> Parsed<(Box<Query>, Pattern)> {
        let source = self.expression()?;
        self.word("as")?;
        let pattern = self.pattern()?;
        self.sign("(")?;
        Ok((Box::new(source), pattern))
    }

    /// What follows `if` or `elif`.
    fn branches(&mut self) -> Parsed {
        self.enter()?;
        let condition = Box::new(self.query(PIPE)?);
        self.word("then")?;
        let then = Box::new(self.query(PIPE)?);
        let otherwise = if self.takes_word("elif") {
            Some(Box::new(self.branches()?))
        } else {
            let found = match self.takes_word("else") {
                true => Some(Box::new(self.query(PIPE)?)),
                false => None,
            };
            self.word("end")?;
            found
        };
        self.depth -= 1;
        Ok(Query::If(condition, then, otherwise))
    }

    fn text(&mut self, format: Option<String>) -> Parsed {
        if let Some(Token::Text(text)) = self.peek().cloned() {
            self.at += 1;
            return Ok(Query::Const(text.into()));
        }
        let Some(Token::TextStart) = self.next() else {
            self.at -= 1;
            return self.wrong();
        };
        let mut pieces = Vec::new();
        loop {
            match self.next() {
                Some(Token::Text(text)) => pieces.push(Piece::Text(text)),
                Some(Token::TextQuery) => {
                    pieces.push(Piece::Query(self.query(PIPE)?));
                    self.sign(")")?;
                }
                Some(Token::TextEnd) => return Ok(Query::Text(pieces, format)),
                _ => {
                    self.at -= 1;
                    return self.wrong();
                }
            }
        }
    }

    pub(super) fn object(&mut self) -> Parsed {
        let mut fields = Vec::new();
        while !self.takes("}") {
            let key = self.key()?;
            let needs_value = matches!(&key, (_, true));
            let value = if needs_value || self.is_sign(":") {
                self.sign(":")?;
                let mut value = self.expression()?;
                if self.takes("|") {
                    let mut parts = vec![value, self.expression()?];
                    while self.takes("|") {
                        parts.push(self.expression()?);
                    }
                    let join = |right, left| Query::Pipe(Box::new(left), Box::new(right));
                    value = parts
                        .into_iter()
                        .rev()
                        .reduce(join)
                        .unwrap_or(Query::Identity);
                }
                Some(value)
            } else {
                None
            };
            fields.push((key.0, value));
            if !self.takes(",") {
                self.sign("}")?;
                break;
            }
        }
        Ok(Query::Object(fields))
    }

    /// The key of a field, and whether a value has to follow.
    fn key(&mut self) -> Parsed<(Key, bool)> {
        Ok(match self.peek().cloned() {
            Some(Token::Name(name)) => {
                self.at += 1;
                (Key::Name(name), false)
            }
            Some(Token::Variable(name)) => {
                self.at += 1;
                (Key::Variable(name), false)
            }
            Some(Token::Text(_) | Token::TextStart) => match self.text(None)? {
                Query::Const(Value::String(text)) => (Key::Name(text.to_string()), false),
                text => (Key::Query(text), false),
            },
            Some(Token::Sign("(")) => {
                self.at += 1;
                let query = self.query(PIPE)?;
                self.sign(")")?;
                (Key::Query(query), true)
            }
            _ => return self.wrong(),
        })
    }

    pub(super) fn pattern(&mut self) -> Parsed<Pattern> {
        self.enter()?;
        let pattern = if self.takes("[") {
            let mut patterns = vec![self.pattern()?];
            while self.takes(",") {
                patterns.push(self.pattern()?);
            }
            self.sign("]")?;
            Pattern::Array(patterns)
        } else if self.takes("{") {
            let mut fields = Vec::new();
            loop {
                let (key, _) = self.key()?;
                let inner = match (&key, self.takes(":")) {
                    (_, true) => Some(self.pattern()?),
                    (Key::Variable(_), false) => None,
                    _ => return self.wrong(),
                };
                fields.push((key, inner));
                if !self.takes(",") {
                    break;
                }
            }
            self.sign("}")?;
            Pattern::Object(fields)
        } else {
            Pattern::Variable(self.variable()?)
        };
        self.depth -= 1;
        Ok(pattern)
    }
}
