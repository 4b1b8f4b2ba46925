//! Tokens to nodes.

use super::lex::{Kind, Token, tokens};
use super::node::{Branches, Node};
use super::{Body, Source};
use crate::formats::go_quote;
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

pub(super) struct Parser<'a> {
    pub(super) tokens: Vec<Token>,
    /// The token that is read next.
    pub(super) next: usize,
    pub(super) variables: Vec<String>,
    pub(super) depth: usize,
    /// How many loops there are around.
    ranges: usize,
    /// The functions that come with the template.
    pub(super) own: &'a [String],
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
    pub(super) fn fault<T>(&self, why: impl std::fmt::Display) -> Result<T, String> {
        let token = &self.tokens[self.next.saturating_sub(1).min(self.tokens.len() - 1)];
        let line = 1 + self.source.text[..token.at].matches('\n').count();
        Err(format!("template: {}:{line}: {why}", self.source.name))
    }

    pub(super) fn unexpected<T>(&self, token: &Token, context: &str) -> Result<T, String> {
        match token.kind {
            Kind::Bad => self.fault(&token.text),
            _ => self.fault(format_args!("unexpected {} in {context}", token.shown())),
        }
    }

    pub(super) fn take(&mut self) -> Token {
        let token = self.tokens[self.next.min(self.tokens.len() - 1)].clone();
        self.next += 1;
        token
    }

    pub(super) fn peek(&self) -> &Token {
        &self.tokens[self.next.min(self.tokens.len() - 1)]
    }

    pub(super) fn skip_space(&mut self) {
        while self.peek().kind == Kind::Space {
            self.next += 1;
        }
    }

    pub(super) fn take_solid(&mut self) -> Token {
        self.skip_space();
        self.take()
    }

    pub(super) fn deeper(&mut self) -> Result<(), String> {
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

    pub(super) fn unquote(&self, literal: &str) -> Result<String, String> {
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
}

/// What an action was.
enum Step {
    Node(Node),
    Nothing,
    End,
    Else,
}
