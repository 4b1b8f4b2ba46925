//! Tokens to nodes.

use super::call::find;
use super::lex::{Kind, Token, tokens};
use super::node::{Branches, Command, Constant, Node, Pipe, Word, WordKind};
use super::{Body, Source};
use crate::formats::{go_num, go_quote};
use std::collections::BTreeMap;
use std::sync::Arc;

/// How deep expressions and blocks may be nested.
const MAX_DEPTH: usize = 200;

/// Reads a source, and adds it and what it defines to `bodies`.
pub(super) fn parse(
    source: Arc<Source>,
    own: &[String],
    bodies: &mut BTreeMap<String, Body>,
) -> Result<(), String> {
    let mut parser = Parser {
        tokens: tokens(&source.text),
        next: 0,
        variables: vec!["$".into()],
        depth: 0,
        ranges: 0,
        own,
        source,
        defined: BTreeMap::new(),
    };
    let nodes = parser.whole()?;
    parser.define(parser.source.name.clone(), nodes)?;
    for (name, body) in parser.defined {
        // What is defined anew, but with nothing in it, doesn't count.
        if !body.is_empty() || !bodies.contains_key(&name) {
            bodies.insert(name, body);
        }
    }
    Ok(())
}

struct Parser<'a> {
    tokens: Vec<Token>,
    /// The token that is read next.
    next: usize,
    variables: Vec<String>,
    depth: usize,
    /// How many loops there are around.
    ranges: usize,
    /// The functions that come with the template.
    own: &'a [String],
    source: Arc<Source>,
    defined: BTreeMap<String, Body>,
}

/// How a list of nodes ended.
enum Ending {
    End,
    Else,
    Eof,
}

impl Parser<'_> {
    fn fault<T>(&self, why: impl std::fmt::Display) -> Result<T, String> {
        let token = &self.tokens[self.next.saturating_sub(1).min(self.tokens.len() - 1)];
        let line = 1 + self.source.text[..token.at].matches('\n').count();
        Err(format!("template: {}:{line}: {why}", self.source.name))
    }

    fn unexpected<T>(&self, token: &Token, context: &str) -> Result<T, String> {
        match token.kind {
            Kind::Bad => self.fault(&token.text),
            _ => self.fault(format_args!("unexpected {} in {context}", token.shown())),
        }
    }

    fn take(&mut self) -> Token {
        let token = self.tokens[self.next.min(self.tokens.len() - 1)].clone();
        self.next += 1;
        token
    }

    fn peek(&self) -> &Token {
        &self.tokens[self.next.min(self.tokens.len() - 1)]
    }

    fn skip_space(&mut self) {
        while self.peek().kind == Kind::Space {
            self.next += 1;
        }
    }

    fn take_solid(&mut self) -> Token {
        self.skip_space();
        self.take()
    }

    fn deeper(&mut self) -> Result<(), String> {
        self.depth += 1;
        match self.depth > MAX_DEPTH {
            true => self.fault("max expression depth exceeded"),
            false => Ok(()),
        }
    }

    fn define(&mut self, name: String, nodes: Vec<Node>) -> Result<(), String> {
        let body = Body {
            nodes,
            source: self.source.clone(),
        };
        match self.defined.get(&name) {
            Some(before) if !before.is_empty() => match body.is_empty() {
                true => Ok(()),
                false => self.fault(format_args!(
                    "template: multiple definition of template {}",
                    go_quote::quote(&name)
                )),
            },
            _ => {
                self.defined.insert(name, body);
                Ok(())
            }
        }
    }

    /// The whole source.
    fn whole(&mut self) -> Result<Vec<Node>, String> {
        let (nodes, ending) = self.list(true)?;
        match ending {
            Ending::Eof => Ok(nodes),
            Ending::End => self.fault("unexpected {{end}}"),
            Ending::Else => self.fault("unexpected {{else}}"),
        }
    }

    /// Nodes up to `{{end}}`, `{{else}}` or the end of the source.
    fn list(&mut self, is_top: bool) -> Result<(Vec<Node>, Ending), String> {
        let mut nodes = Vec::new();
        loop {
            let token = self.take_solid();
            match token.kind {
                Kind::Text => nodes.push(Node::Text(token.text)),
                Kind::Open => match self.action(is_top)? {
                    Step::Node(node) => nodes.push(node),
                    Step::Nothing => {}
                    Step::End => return Ok((nodes, Ending::End)),
                    Step::Else => return Ok((nodes, Ending::Else)),
                },
                Kind::End => return Ok((nodes, Ending::Eof)),
                _ => return self.unexpected(&token, "input"),
            }
        }
    }

    fn action(&mut self, is_top: bool) -> Result<Step, String> {
        self.skip_space();
        let token = self.peek().clone();
        if token.kind != Kind::Keyword {
            let pipe = self.pipe("command", Kind::Close)?;
            let at = token.at;
            return Ok(Step::Node(Node::Action { at, pipe }));
        }
        self.take();
        Ok(match token.text.as_str() {
            "if" => Step::Node(Node::If(self.control("if")?)),
            "with" => Step::Node(Node::With(self.control("with")?)),
            "range" => Step::Node(Node::Range(self.control("range")?)),
            "end" => {
                self.expect_close("end")?;
                Step::End
            }
            "else" => {
                self.skip_space();
                let is_chained =
                    |t: &Token| t.kind == Kind::Keyword && (t.text == "if" || t.text == "with");
                if !is_chained(self.peek()) {
                    self.expect_close("else")?;
                }
                Step::Else
            }
            word @ ("break" | "continue") => {
                let close = self.take_solid();
                if close.kind != Kind::Close {
                    return self.unexpected(&close, &format!("{{{{{word}}}}}"));
                }
                if self.ranges == 0 {
                    return self.fault(format_args!("{{{{{word}}}}} outside {{{{range}}}}"));
                }
                Step::Node(if word == "break" {
                    Node::Break
                } else {
                    Node::Continue
                })
            }
            "template" => {
                let (at, name) = self.template_name("template clause")?;
                self.skip_space();
                let pipe = if self.peek().kind == Kind::Close {
                    self.take();
                    None
                } else {
                    Some(self.pipe("template clause", Kind::Close)?)
                };
                Step::Node(Node::Template { at, name, pipe })
            }
            "block" => {
                let (at, name) = self.template_name("block clause")?;
                let pipe = Some(self.pipe("block clause", Kind::Close)?);
                self.definition(name.clone(), "block clause")?;
                Step::Node(Node::Template { at, name, pipe })
            }
            _ if is_top && self.depth == 0 => {
                let (_, name) = self.template_name("define clause")?;
                self.expect_close("define clause")?;
                self.definition(name, "define clause")?;
                Step::Nothing
            }
            _ => return self.unexpected(&token, "command"),
        })
    }

    /// The body of a template that is defined here.
    fn definition(&mut self, name: String, context: &str) -> Result<(), String> {
        let variables = std::mem::replace(&mut self.variables, vec!["$".into()]);
        let ranges = std::mem::take(&mut self.ranges);
        self.deeper()?;
        let (nodes, ending) = self.list(false)?;
        self.depth -= 1;
        match ending {
            Ending::End => {}
            Ending::Else => {
                return self.fault(format_args!("unexpected {{{{else}}}} in {context}"));
            }
            Ending::Eof => return self.fault("unexpected EOF"),
        }
        self.variables = variables;
        self.ranges = ranges;
        self.define(name, nodes)
    }

    fn template_name(&mut self, context: &str) -> Result<(usize, String), String> {
        let token = self.take_solid();
        match token.kind {
            Kind::String | Kind::RawString => Ok((token.at, self.unquote(&token.text)?)),
            _ => self.unexpected(&token, context),
        }
    }

    fn unquote(&self, literal: &str) -> Result<String, String> {
        match go_quote::unquote(literal) {
            Some(bytes) => Ok(String::from_utf8_lossy(&bytes).into_owned()),
            None => self.fault("invalid syntax"),
        }
    }

    fn expect_close(&mut self, context: &str) -> Result<(), String> {
        let token = self.take_solid();
        match token.kind {
            Kind::Close => Ok(()),
            _ => self.unexpected(&token, context),
        }
    }

    /// What follows `if`, `with` or `range`.
    fn control(&mut self, context: &str) -> Result<Branches, String> {
        self.deeper()?;
        let before = self.variables.len();
        let pipe = self.pipe(context, Kind::Close)?;
        self.ranges += usize::from(context == "range");
        let (body, ending) = self.list(false)?;
        self.ranges -= usize::from(context == "range");
        let otherwise = match ending {
            Ending::End => Vec::new(),
            Ending::Eof => return self.fault("unexpected EOF"),
            Ending::Else => {
                let next = self.peek();
                let is_chained = next.kind == Kind::Keyword && next.text == context;
                if is_chained && context != "range" {
                    self.take();
                    let inner = self.control(context)?;
                    vec![match context {
                        "if" => Node::If(inner),
                        _ => Node::With(inner),
                    }]
                } else {
                    let (nodes, ending) = self.list(false)?;
                    match ending {
                        Ending::End => nodes,
                        Ending::Else => return self.fault("expected end; found {{else}}"),
                        Ending::Eof => return self.fault("unexpected EOF"),
                    }
                }
            }
        };
        self.variables.truncate(before);
        self.depth -= 1;
        Ok(Branches {
            pipe,
            body,
            otherwise,
        })
    }

    /// A pipeline up to `end`.
    fn pipe(&mut self, context: &str, end: Kind) -> Result<Pipe, String> {
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

/// What an action was.
enum Step {
    Node(Node),
    Nothing,
    End,
    Else,
}
