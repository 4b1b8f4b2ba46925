//! From text to compiled mapping, in one pass: expressions come out resolved, checked and folded.
//!
//! The parser descends recursively; how deep is bounded, and so is the height of what it makes, since evaluating and dropping it
//! recurse too. Where the stack of the caller wouldn't do, it goes on with one of its own.

mod calls;
mod expression;
mod fold;
mod literal;
mod scan;
mod scope;
mod statement;

use super::context::{here, on_new_stack};
use super::environment::Environment;
use super::expr::Expr;
use super::program::Program;
use super::{ParseError, program::MapBody};
use crate::value::Str;
use scope::Scope;
use std::collections::HashMap;
use std::sync::Arc;

/// How deep brackets, calls and blocks may stand in each other, and how many operators and methods may follow each other.
const MAX_HEIGHT: usize = 1000;

/// How much of the caller's stack parsing takes.
const STACK_SHARE: usize = 192 * 1024;
/// The same of a stack of its own.
const OWN_STACK_SHARE: usize = 24 * 1024 * 1024;

/// How many imports may stand in each other.
const MAX_IMPORTS: usize = 32;

/// Why a text can't be parsed, and at which byte that shows.
#[derive(Clone, Debug)]
pub(crate) struct Fault {
    pub(crate) at: usize,
    pub(crate) message: String,
    /// Whether no other reading of the text is worth telling of: a name is unknown, an argument is wrong.
    pub(crate) certain: bool,
}

pub(crate) type Parsed<T> = Result<T, Fault>;

/// A position in a text, and what names mean there.
pub(crate) struct Parser<'a> {
    pub(crate) text: &'a str,
    pub(crate) at: usize,
    env: &'a Environment,
    scope: Scope,
    maps: HashMap<Str, Arc<MapBody>>,
    imports: usize,
    /// Where lines end.
    line_ends: Vec<usize>,
    /// A byte, and how many characters there are before it.
    counted: (usize, usize),
    /// Whether an assignment, or what can't be anything else than a statement, was seen.
    assigns: bool,
    /// Names that lambdas in the row of expressions that is being read have given to their context.
    labels: Vec<Str>,
    /// Whether there was a `[]` so far.
    has_nil: bool,
    /// How deep the current place stands in brackets and blocks.
    depth: usize,
    /// The height of the expression that was parsed last.
    height: usize,
    stack_end: usize,
}

/// Parses a whole mapping.
pub(crate) fn mapping(text: &str, env: &Environment) -> Result<Program, ParseError> {
    mapping_within(text, env, 0).map_err(|fault| fault.locate(text))
}

fn mapping_within(text: &str, env: &Environment, imports: usize) -> Parsed<Program> {
    let mut parser = Parser::new(text, env);
    parser.imports = imports;
    if let Some(program) = parser.whole_import()? {
        return Ok(program);
    }
    let as_statements = match parser.statements() {
        Ok(statements) => return Ok(parser.finish(statements)),
        Err(fault) => fault,
    };
    let is_empty = text[parser.at.min(text.len())..].is_empty() && as_statements.at == 0;
    if is_empty || as_statements.certain {
        return Err(as_statements);
    }
    let is_assignment = parser.assigns;
    let mut parser = Parser::new(text, env);
    match parser.single_query() {
        Ok(statements) => Ok(parser.finish(statements)),
        // The reading that came further is more likely what was meant.
        Err(as_query) if as_query.at > as_statements.at || (as_query.certain && !is_assignment) => {
            Err(as_query)
        }
        Err(_) => Err(as_statements),
    }
}

/// Parses what a file to import has: statements, and no query alone.
fn statements_within(text: &str, env: &Environment, imports: usize) -> Parsed<Program> {
    let mut parser = Parser::new(text, env);
    parser.imports = imports;
    let statements = parser.statements()?;
    Ok(parser.finish(statements))
}

/// Parses a query that begins at `at`; returns it with where it ends and how many variables it mentions.
pub(crate) fn query(text: &str, at: usize, env: &Environment) -> Parsed<(Expr, usize, Vec<Str>)> {
    let mut parser = Parser::new(text, env);
    parser.at = at;
    parser.skip_blanks();
    let expr = parser.expression()?;
    Ok((expr, parser.at, parser.scope.variables))
}

/// The value of a literal.
pub(crate) fn constant(text: &str) -> Option<Expr> {
    let (expr, end, _) = query(text, 0, &Environment::default()).ok()?;
    (end == text.len() && expr.as_const().is_some()).then_some(expr)
}

impl Fault {
    /// The fault where a query has to be: the reader is told what is missing.
    fn requiring(mut self, what: &str) -> Fault {
        if self.message == "expected query" {
            self.message = format!("required: expected {what}");
        }
        self
    }

    /// The fault with line and column.
    pub(crate) fn locate(self, text: &str) -> ParseError {
        let before = &text[..self.at.min(text.len())];
        let start = before.rfind('\n').map_or(0, |n| n + 1);
        ParseError {
            line: memchr::memchr_iter(b'\n', before.as_bytes()).count() + 1,
            column: before[start..].chars().count() + 1,
            message: self.message,
        }
    }
}

impl<'a> Parser<'a> {
    /// An expression that has to be there.
    fn required(&mut self) -> Parsed<Expr> {
        self.nested(Self::expression)
            .map_err(|fault| fault.requiring("query"))
    }

    fn new(text: &'a str, env: &'a Environment) -> Parser<'a> {
        Parser {
            text,
            at: 0,
            env,
            scope: Scope::default(),
            maps: HashMap::new(),
            imports: 0,
            line_ends: memchr::memchr_iter(b'\n', text.as_bytes()).collect(),
            counted: (0, 0),
            assigns: false,
            labels: Vec::new(),
            has_nil: false,
            depth: 0,
            height: 0,
            stack_end: here().saturating_sub(STACK_SHARE),
        }
    }

    fn finish(self, statements: Vec<super::program::Statement>) -> Program {
        Program {
            statements,
            names: self.scope.variables,
            maps: self.maps,
        }
    }

    fn fault<T>(&self, at: usize, message: impl Into<String>) -> Parsed<T> {
        Err(Fault {
            at,
            message: message.into(),
            certain: false,
        })
    }

    /// A fault that stands whatever else the text could be.
    fn wrong<T>(&self, at: usize, message: impl Into<String>) -> Parsed<T> {
        Err(Fault {
            at,
            message: message.into(),
            certain: true,
        })
    }

    /// Parses something that may contain itself.
    fn nested<T: Send>(&mut self, parse: impl FnOnce(&mut Self) -> Parsed<T> + Send) -> Parsed<T> {
        if self.depth >= MAX_HEIGHT {
            return self.too_deep();
        }
        self.depth += 1;
        let parsed = if here() < self.stack_end {
            let outer_end = self.stack_end;
            let parsed = on_new_stack(|| {
                self.stack_end = here().saturating_sub(OWN_STACK_SHARE);
                parse(self)
            });
            self.stack_end = outer_end;
            parsed.unwrap_or_else(|| self.too_deep())
        } else {
            parse(self)
        };
        self.depth -= 1;
        parsed
    }

    /// Notes the height of an expression made of others.
    fn raise(&mut self, height: usize) -> Parsed<()> {
        self.height = height;
        match height > MAX_HEIGHT {
            true => self.too_deep(),
            false => Ok(()),
        }
    }

    fn too_deep<T>(&self) -> Parsed<T> {
        self.fault(
            self.at,
            format!("the expression is too deep: more than {MAX_HEIGHT} levels of brackets or operators in a row"),
        )
    }
}
