//! Pipelines, commands and operands: what stands within `{{ }}`.

use super::call::find;
use super::lex::{Kind, Token};
use super::node::{Command, Constant, Pipe, Word, WordKind};
use super::parse::Parser;
use crate::formats::{go_num, go_quote};

impl Parser<'_> {
    /// A pipeline up to `end`.
    pub(super) fn pipe(&mut self, context: &str, end: Kind) -> Result<Pipe, String> {
        self.skip_space();
        let mut pipe = Pipe {
            at: self.peek().at,
            assigns: false,
            variables: Vec::new(),
            commands: Vec::new(),
        };
        self.declarations(&mut pipe, context)?;
        loop {
            self.skip_space();
            let token = self.peek().clone();
            match token.kind {
                kind if kind == end => {
                    self.take();
                    break;
                }
                Kind::Bool
                | Kind::Char
                | Kind::Dot
                | Kind::Field
                | Kind::Word
                | Kind::Number
                | Kind::Nil
                | Kind::RawString
                | Kind::String
                | Kind::Variable
                | Kind::Left => {
                    let command = self.command()?;
                    pipe.commands.push(command);
                }
                _ => {
                    self.take();
                    return self.unexpected(&token, context);
                }
            }
        }
        if pipe.commands.is_empty() {
            return self.fault(format_args!("missing value for {context}"));
        }
        for (i, command) in pipe.commands.iter().enumerate().skip(1) {
            if matches!(
                command.words[0].kind,
                WordKind::Bool(_)
                    | WordKind::Dot
                    | WordKind::Nil
                    | WordKind::Number { .. }
                    | WordKind::Text { .. }
            ) {
                return self.fault(format_args!(
                    "non executable command in pipeline stage {}",
                    i + 1
                ));
            }
        }
        Ok(pipe)
    }

    /// `$x :=`, `$x =` or `$i, $x :=` at a pipeline's beginning.
    fn declarations(&mut self, pipe: &mut Pipe, context: &str) -> Result<(), String> {
        loop {
            self.skip_space();
            let start = self.next;
            if self.peek().kind != Kind::Variable {
                return Ok(());
            }
            let variable = self.take();
            self.skip_space();
            let token = self.peek().clone();
            match token.kind {
                Kind::Assign | Kind::Declare => {
                    self.take();
                    pipe.assigns = token.kind == Kind::Assign;
                    pipe.variables.push(variable.text.clone());
                    self.variables.push(variable.text);
                    return Ok(());
                }
                Kind::Sign if token.text == "," => {
                    self.take();
                    pipe.variables.push(variable.text.clone());
                    self.variables.push(variable.text);
                    if context != "range" || pipe.variables.len() >= 2 {
                        return self.fault(format_args!("too many declarations in {context}"));
                    }
                    self.skip_space();
                    if !matches!(self.peek().kind, Kind::Variable | Kind::Close | Kind::Right) {
                        return self.fault("range can only initialize variables");
                    }
                }
                _ => {
                    self.next = start;
                    return Ok(());
                }
            }
        }
    }

    fn command(&mut self) -> Result<Command, String> {
        self.skip_space();
        let mut command = Command {
            at: self.peek().at,
            words: Vec::new(),
        };
        loop {
            self.skip_space();
            if let Some(word) = self.operand()? {
                command.words.push(word);
            }
            let token = self.take();
            match token.kind {
                Kind::Space => continue,
                Kind::Close | Kind::Right => self.next -= 1,
                Kind::Pipe => {}
                _ => return self.unexpected(&token, "operand"),
            }
            break;
        }
        match command.words.is_empty() {
            true => self.fault("empty command"),
            false => Ok(command),
        }
    }

    /// A term and the fields that follow it.
    fn operand(&mut self) -> Result<Option<Word>, String> {
        let Some(mut word) = self.term()? else {
            return Ok(None);
        };
        if self.peek().kind != Kind::Field {
            return Ok(Some(word));
        }
        let at = self.peek().at;
        let mut names = Vec::new();
        while self.peek().kind == Kind::Field {
            names.push(self.take().text[1..].to_owned());
        }
        match &mut word.kind {
            WordKind::Field(fields) | WordKind::Variable(_, fields) => {
                fields.append(&mut names);
                word.at = at;
            }
            WordKind::Function(..) | WordKind::Pipe(_) | WordKind::Chain(..) => {
                let kind = WordKind::Chain(Box::new(word), names);
                word = Word { at, kind };
            }
            _ => {
                let shown = go_quote::quote(&word.to_string());
                return self.fault(format_args!("unexpected . after term {shown}"));
            }
        }
        Ok(Some(word))
    }

    fn term(&mut self) -> Result<Option<Word>, String> {
        let token = self.take_solid();
        let kind = match token.kind {
            Kind::Word => match find(&token.text, self.own) {
                Some(callee) => WordKind::Function(token.text, callee),
                None => {
                    let shown = go_quote::quote(&token.text);
                    return self.fault(format_args!("function {shown} not defined"));
                }
            },
            Kind::Dot => WordKind::Dot,
            Kind::Nil => WordKind::Nil,
            Kind::Variable => {
                if !self.variables.contains(&token.text) {
                    let shown = go_quote::quote(&token.text);
                    return self.fault(format_args!("undefined variable {shown}"));
                }
                WordKind::Variable(token.text, Vec::new())
            }
            Kind::Field => WordKind::Field(vec![token.text[1..].to_owned()]),
            Kind::Bool => WordKind::Bool(token.text == "true"),
            Kind::Number | Kind::Char => {
                let value = self.number(&token)?;
                let text = token.text;
                WordKind::Number { text, value }
            }
            Kind::Left => {
                self.deeper()?;
                let pipe = self.pipe("parenthesized pipeline", Kind::Right)?;
                self.depth -= 1;
                return Ok(Some(Word {
                    at: pipe.at,
                    kind: WordKind::Pipe(Box::new(pipe)),
                }));
            }
            Kind::String | Kind::RawString => {
                let text = self.unquote(&token.text)?;
                let quoted = token.text;
                WordKind::Text { quoted, text }
            }
            _ => {
                self.next -= 1;
                return Ok(None);
            }
        };
        Ok(Some(Word { at: token.at, kind }))
    }

    fn number(&self, token: &Token) -> Result<Constant, String> {
        let text = &token.text;
        if token.kind == Kind::Char {
            let text = self.unquote(text)?;
            return match text.chars().next() {
                Some(c) if text.chars().count() == 1 => Ok(Constant::Int(i64::from(c as u32))),
                _ => self.fault(format_args!("malformed character constant: {}", token.text)),
            };
        }
        if let Ok(n) = go_num::parse_int(text) {
            return Ok(Constant::Int(n));
        }
        if go_num::parse_uint(text).is_ok() {
            return Ok(Constant::Huge);
        }
        match go_num::parse_float(text) {
            Ok(_) if !text.contains(['.', 'e', 'E', 'p', 'P']) => {
                self.fault(format_args!("integer overflow: {}", go_quote::quote(text)))
            }
            Ok(n) if n.fract() == 0.0 && n.abs() < 9e15 => Ok(Constant::Float(n, Some(n as i64))),
            Ok(n) => Ok(Constant::Float(n, None)),
            Err(_) => self.fault(format_args!(
                "illegal number syntax: {}",
                go_quote::quote(text)
            )),
        }
    }
}
