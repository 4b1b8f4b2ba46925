//! From a text to a program: rules, functions and statements.

use super::lexer::{At, Lexer, Token};
use super::syntax::{Block, Expr, Function, Pattern, Place, Program, Rule, Statement, special};
use std::collections::HashMap;

/// How deep statements and expressions may nest.
const MAX_DEPTH: usize = 150;

pub(super) fn parse(text: &str) -> Result<Program, String> {
    let mut lexer = Lexer::new(text);
    let (token, at) = lexer.token()?;
    let mut parser = Parser {
        lexer,
        token,
        at,
        program: Program {
            globals: special::NAMES.iter().map(|n| (*n).to_owned()).collect(),
            ..Program::default()
        },
        first_call: Vec::new(),
        calls: Vec::new(),
        locals: Vec::new(),
        arrays: Vec::new(),
        kinds: HashMap::new(),
        passed: Vec::new(),
        inside: None,
        loops: 0,
        depth: 0,
        no_greater: false,
        no_in: false,
    };
    parser.program()?;
    parser.finish()
}

pub(super) struct Parser<'p> {
    pub lexer: Lexer<'p>,
    pub token: Token,
    pub at: At,
    pub program: Program,
    /// Where each callee was called first.
    pub first_call: Vec<At>,
    /// Which function calls which.
    pub calls: Vec<(usize, usize)>,
    /// The parameters of the function that is read, and which of them are arrays.
    pub locals: Vec<String>,
    pub arrays: Vec<bool>,
    /// Whether a global is an array, as far as known.
    pub kinds: HashMap<usize, bool>,
    /// Parameters handed on: (function, parameter, callee, argument).
    pub passed: Vec<(usize, usize, usize, usize)>,
    /// The callee whose body is read.
    pub inside: Option<usize>,
    loops: usize,
    depth: usize,
    /// Set where `>` is a redirection.
    pub no_greater: bool,
    /// Set where `in` belongs to a `for`.
    pub no_in: bool,
}

impl Parser<'_> {
    pub fn advance(&mut self) -> Result<(), String> {
        (self.token, self.at) = self.lexer.token()?;
        Ok(())
    }

    pub fn is(&self, sign: &str) -> bool {
        matches!(self.token, Token::Sign(s) if s == sign)
    }

    /// Reads a sign if it is next.
    pub fn take(&mut self, sign: &str) -> Result<bool, String> {
        let is = self.is(sign);
        if is {
            self.advance()?;
        }
        Ok(is)
    }

    pub fn expect(&mut self, sign: &str) -> Result<(), String> {
        if !self.take(sign)? {
            return Err(self.fault(format!("expected {sign} instead of {}", self.token.show())));
        }
        Ok(())
    }

    pub fn fault(&self, what: impl std::fmt::Display) -> String {
        self.at.fault(what)
    }

    /// Reads something that nests, unless that goes too deep.
    pub fn deeper<T>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<T, String>,
    ) -> Result<T, String> {
        if self.depth >= MAX_DEPTH {
            return Err(self.fault(format!("nested deeper than {MAX_DEPTH} levels")));
        }
        self.depth += 1;
        let result = read(self);
        self.depth -= 1;
        result
    }

    pub fn skip_newlines(&mut self) -> Result<(), String> {
        while self.token == Token::Newline {
            self.advance()?;
        }
        Ok(())
    }

    fn skip_ends(&mut self) -> Result<(), String> {
        while self.token == Token::Newline || self.is(";") {
            self.advance()?;
        }
        Ok(())
    }

    fn program(&mut self) -> Result<(), String> {
        loop {
            self.skip_ends()?;
            if self.token == Token::End {
                return Ok(());
            }
            if self.take("BEGIN")? {
                let block = self.block()?;
                self.program.begin.push(block);
            } else if self.take("END")? {
                let block = self.block()?;
                self.program.end.push(block);
            } else if self.take("function")? {
                self.function()?;
            } else {
                self.rule()?;
            }
            if !matches!(self.token, Token::Newline | Token::End) && !self.is(";") && !self.is("}")
            {
                // `{ … } { … }` needs nothing between.
                continue;
            }
        }
    }

    fn rule(&mut self) -> Result<(), String> {
        let pattern = if self.is("{") {
            Pattern::Always
        } else {
            let first = self.expr()?;
            if self.take(",")? {
                self.skip_newlines()?;
                Pattern::Range(first, self.expr()?)
            } else {
                Pattern::When(first)
            }
        };
        let action = match self.is("{") {
            true => Some(self.block()?),
            false => None,
        };
        if action.is_none() && !matches!(self.token, Token::Newline | Token::End) && !self.is(";") {
            return Err(self.fault(format!(
                "expected ; or newline between items, not {}",
                self.token.show()
            )));
        }
        self.program.rules.push(Rule { pattern, action });
        Ok(())
    }

    fn function(&mut self) -> Result<(), String> {
        let at = self.at;
        let (Token::Name(name) | Token::Callee(name)) = self.token.clone() else {
            return Err(self.fault(format!("expected name instead of {}", self.token.show())));
        };
        self.advance()?;
        let callee = self.callee(&name, at);
        if self.program.callees[callee].function.is_some() {
            return Err(at.fault(format!("function {name:?} already defined")));
        }
        self.expect("(")?;
        while !self.is(")") {
            if !self.locals.is_empty() {
                self.expect(",")?;
                self.skip_newlines()?;
            }
            let Token::Name(parameter) = self.token.clone() else {
                return Err(self.fault(format!("expected name instead of {}", self.token.show())));
            };
            if parameter == name || self.locals.contains(&parameter) {
                return Err(self.fault(format!("duplicate parameter name {parameter:?}")));
            }
            self.locals.push(parameter);
            self.advance()?;
        }
        self.expect(")")?;
        self.skip_newlines()?;
        self.arrays = vec![false; self.locals.len()];
        self.inside = Some(callee);
        // Calls of the function in its own body find it defined.
        self.program.callees[callee].function = Some(Function::default());
        let body = self.block()?;
        self.inside = None;
        self.locals.clear();
        let arrays = std::mem::take(&mut self.arrays);
        self.program.callees[callee].function = Some(Function { body, arrays });
        Ok(())
    }

    /// `{ … }`
    fn block(&mut self) -> Result<Block, String> {
        self.skip_newlines()?;
        self.expect("{")?;
        let mut block = Vec::new();
        loop {
            self.skip_ends()?;
            if self.take("}")? {
                return Ok(block);
            }
            if self.token == Token::End {
                return Err(self.fault("expected } instead of EOF"));
            }
            block.push(self.statement()?);
        }
    }

    /// A statement below `if`, `for` and the like.
    fn body(&mut self) -> Result<Block, String> {
        self.skip_newlines()?;
        if self.is("{") {
            return self.deeper(Self::block);
        }
        if self.take(";")? {
            return Ok(Vec::new());
        }
        Ok(vec![self.statement()?])
    }

    fn looped(&mut self) -> Result<Block, String> {
        self.loops += 1;
        let body = self.body();
        self.loops -= 1;
        body
    }

    fn statement(&mut self) -> Result<Statement, String> {
        self.deeper(Self::statement_inner)
    }

    fn statement_inner(&mut self) -> Result<Statement, String> {
        if self.is("{") {
            return Ok(Statement::Block(self.block()?));
        }
        if self.take("if")? {
            let condition = self.condition()?;
            let then = self.body()?;
            // `else` may stand behind line ends and one semicolon.
            self.skip_ends()?;
            let otherwise = match self.take("else")? {
                true => self.body()?,
                false => Vec::new(),
            };
            return Ok(Statement::If(condition, then, otherwise));
        }
        if self.take("while")? {
            let condition = self.condition()?;
            return Ok(Statement::While(condition, self.looped()?));
        }
        if self.take("for")? {
            return self.for_loop();
        }
        let statement = if self.take("do")? {
            let body = self.looped()?;
            self.skip_ends()?;
            self.expect("while")?;
            Statement::Do(body, self.condition()?)
        } else if self.is("break") || self.is("continue") {
            if self.loops == 0 {
                return Err(self.fault(format!("{} must be inside a loop body", self.token.show())));
            }
            let is_break = self.is("break");
            self.advance()?;
            if is_break {
                Statement::Break
            } else {
                Statement::Continue
            }
        } else if self.take("next")? {
            Statement::Next
        } else if self.take("nextfile")? {
            Statement::NextFile
        } else if self.take("exit")? {
            Statement::Exit(self.optional()?)
        } else if self.is("return") {
            if self.inside.is_none() {
                return Err(self.fault("return must be inside a function"));
            }
            self.advance()?;
            Statement::Return(self.optional()?)
        } else {
            self.simple()?
        };
        if !matches!(self.token, Token::Newline | Token::End) && !self.is(";") && !self.is("}") {
            let shown = self.token.show();
            return Err(self.fault(format!(
                "expected ; or newline or }} between statements, not {shown}"
            )));
        }
        Ok(statement)
    }

    /// An expression, unless the statement ends here.
    fn optional(&mut self) -> Result<Option<Expr>, String> {
        if matches!(self.token, Token::Newline | Token::End) || self.is(";") || self.is("}") {
            return Ok(None);
        }
        self.expr().map(Some)
    }

    fn condition(&mut self) -> Result<Expr, String> {
        self.expect("(")?;
        let condition = self.expr()?;
        self.expect(")")?;
        Ok(condition)
    }

    fn for_loop(&mut self) -> Result<Statement, String> {
        self.expect("(")?;
        let named = matches!(self.token, Token::Name(_));
        let first = match self.is(";") {
            true => None,
            false => Some(self.simple()?),
        };
        if named
            && self.is(")")
            && let Some(Statement::Expr(Expr::In(keys, array))) = &first
            && let [Expr::Read(Place::Var(var))] = keys.as_slice()
        {
            let (var, array) = (*var, *array);
            self.advance()?;
            return Ok(Statement::ForIn(var, array, self.looped()?));
        }
        self.expect(";")?;
        self.skip_newlines()?;
        let condition = match self.is(";") {
            true => None,
            false => Some(self.expr()?),
        };
        self.expect(";")?;
        self.skip_newlines()?;
        let step = match self.is(")") {
            true => None,
            false => Some(self.simple()?),
        };
        self.expect(")")?;
        let body = self.looped()?;
        Ok(Statement::For(
            first.map(Box::new),
            condition,
            step.map(Box::new),
            body,
        ))
    }

    /// An expression, `print`, `printf` or `delete`.
    fn simple(&mut self) -> Result<Statement, String> {
        if self.take("print")? {
            let (args, to) = self.print()?;
            return Ok(Statement::Print(args, to));
        }
        if self.is("printf") {
            let at = self.at;
            self.advance()?;
            let (args, to) = self.print()?;
            if args.is_empty() {
                return Err(at.fault("expected printf args, got none"));
            }
            return Ok(Statement::Printf(args, to));
        }
        if self.take("delete")? {
            let Token::Name(name) = self.token.clone() else {
                return Err(self.fault(format!("expected name instead of {}", self.token.show())));
            };
            let var = self.array(&name)?;
            self.advance()?;
            let mut keys = Vec::new();
            if self.take("[")? {
                keys = self.list("]")?;
                if keys.is_empty() {
                    return Err(self.fault("expected expression instead of ]"));
                }
            }
            return Ok(Statement::Delete(var, keys));
        }
        Ok(Statement::Expr(self.expr()?))
    }

    /// What `print` is given, and where it goes.
    fn print(&mut self) -> Result<(Vec<Expr>, Option<Expr>), String> {
        let outer = std::mem::replace(&mut self.no_greater, true);
        let mut args = Vec::new();
        while !matches!(self.token, Token::Newline | Token::End)
            && ![";", "}", ">", ">>", "|"].iter().any(|s| self.is(s))
        {
            if !args.is_empty() {
                self.expect(",")?;
                self.skip_newlines()?;
            }
            args.push(self.ternary()?);
        }
        self.no_greater = outer;
        if let [Expr::List(_)] = args.as_slice()
            && let Some(Expr::List(list)) = args.pop()
        {
            args = list;
        }
        self.no_lists(&args)?;
        if self.is("|") {
            return Err(self.fault("output can't be piped into a command here, use the `command` or `subprocess` processor"));
        }
        if self.is(">") || self.is(">>") {
            self.advance()?;
            return Ok((args, Some(self.concat()?)));
        }
        Ok((args, None))
    }

    /// Expressions up to a closing bracket.
    pub fn list(&mut self, end: &str) -> Result<Vec<Expr>, String> {
        let outer = (self.no_greater, self.no_in);
        (self.no_greater, self.no_in) = (false, false);
        let mut list = Vec::new();
        self.skip_newlines()?;
        while !self.is(end) {
            if !list.is_empty() {
                self.expect(",")?;
                self.skip_newlines()?;
            }
            list.push(self.expr()?);
            self.skip_newlines()?;
        }
        (self.no_greater, self.no_in) = outer;
        self.expect(end)?;
        Ok(list)
    }

    pub fn no_lists(&self, exprs: &[Expr]) -> Result<(), String> {
        match exprs.iter().any(|e| matches!(e, Expr::List(_))) {
            true => Err(self.fault("unexpected comma-separated expression")),
            false => Ok(()),
        }
    }
}
