//! Text with queries in it: `a ${! this.b } c`.

use super::context::Context;
use super::environment::Environment;
use super::expr::Expr;
use super::fail::Fail;
use super::flow::Flow;
use super::parse::{self, Fault};
use super::program::Program;
use super::{EvalError, ParseError, text};
use crate::message::Message;
use crate::value::{Str, Value};
use bytes::{Bytes, BytesMut};
use std::fmt;
use std::sync::Arc;

/// A string with `${! }` queries, ready to run. Cloning shares it.
#[derive(Clone)]
pub struct Interpolated(Arc<Inner>);

struct Inner {
    parts: Vec<Part>,
    /// Holds what variables there are: none is ever set, but a query may mention one.
    program: Program,
}

enum Part {
    Text(Str),
    Query(Expr),
}

impl Interpolated {
    /// Reads a text. `${{! }}` stands for `${! }` as it is.
    pub fn parse(text: &str, env: &Environment) -> Result<Interpolated, ParseError> {
        let located = |fault: Fault| fault.locate(text);
        let mut parts = Vec::new();
        let mut names = Vec::new();
        let mut plain = String::new();
        let mut at = 0;
        while let Some(n) = memchr::memchr(b'$', &text.as_bytes()[at..]) {
            plain.push_str(&text[at..at + n]);
            at += n;
            let rest = &text[at..];
            if let Some(inner) = rest.strip_prefix("${{!") {
                let Some(end) = inner.find("}}") else {
                    return Err(located(Fault {
                        at: at + "${{!".len(),
                        message: "required: expected end of escaped expression".into(),
                        certain: true,
                    }));
                };
                plain.push_str("${!");
                plain.push_str(&inner[..end]);
                plain.push('}');
                at += "${{!".len() + end + "}}".len();
                continue;
            }
            if !rest.starts_with("${!") {
                plain.push('$');
                at += 1;
                continue;
            }
            if !plain.is_empty() {
                parts.push(Part::Text(std::mem::take(&mut plain).into()));
            }
            let (expr, end, variables) =
                parse::query(text, at + "${!".len(), env).map_err(located)?;
            if variables.len() > names.len() {
                names = variables;
            }
            let after = text[end..].trim_start_matches([' ', '\t']);
            if !after.starts_with('}') {
                return Err(located(Fault {
                    at: text.len() - after.len(),
                    message: "required: expected end of expression".into(),
                    certain: true,
                }));
            }
            parts.push(Part::Query(expr));
            at = text.len() - after.len() + 1;
        }
        plain.push_str(&text[at..]);
        if !plain.is_empty() {
            parts.push(Part::Text(plain.into()));
        }
        let program = Program {
            names,
            ..Program::default()
        };
        Ok(Interpolated(Arc::new(Inner { parts, program })))
    }

    /// The text, if it has no queries in it.
    pub fn as_static(&self) -> Option<&Str> {
        const EMPTY: &Str = &Str::from_static("");
        match &self.0.parts[..] {
            [] => Some(EMPTY),
            [Part::Text(text)] => Some(text),
            _ => None,
        }
    }

    /// The text for `batch[index]`.
    pub fn text(&self, batch: &[Message], index: usize) -> Result<Str, EvalError> {
        match &self.0.parts[..] {
            [] => Ok(Str::default()),
            [Part::Text(text)] => Ok(text.clone()),
            [Part::Query(query)] => Ok(text::of(&self.run(query, batch, index)?)),
            _ => Ok(Str::from_utf8_lossy(self.bytes(batch, index)?)),
        }
    }

    /// The same as bytes, where a query may give bytes that aren't text.
    pub fn bytes(&self, batch: &[Message], index: usize) -> Result<Bytes, EvalError> {
        match &self.0.parts[..] {
            [] => Ok(Bytes::new()),
            [Part::Text(text)] => Ok(text.clone().into_bytes()),
            [Part::Query(query)] => Ok(text::bytes_of(&self.run(query, batch, index)?)),
            parts => {
                let mut out = BytesMut::new();
                for part in parts {
                    match part {
                        Part::Text(text) => out.extend_from_slice(text.as_bytes()),
                        Part::Query(query) => {
                            let value = self.run(query, batch, index)?;
                            out.extend_from_slice(&text::bytes_of(&value));
                        }
                    }
                }
                Ok(out.freeze())
            }
        }
    }

    fn run(&self, query: &Expr, batch: &[Message], index: usize) -> Result<Value, EvalError> {
        let mut cx = Context::new(&self.0.program, batch, index);
        cx.is_lone = true;
        query
            .eval(&mut cx)
            .map(Flow::into_value)
            .map_err(|fail: Fail| EvalError(fail.message()))
    }
}

impl fmt::Debug for Interpolated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.as_static() {
            Some(text) => write!(f, "Interpolated({text:?})"),
            None => f.write_str("Interpolated(..)"),
        }
    }
}
