//! Runs a template.

use super::call::{Callee, Function, Held, Type, is_true};
use super::node::{Branches, Command, Constant, Node, Pipe, Word, WordKind};
use super::{Call, Template};
use crate::codec::go_fmt;
use crate::formats::go_quote;
use crate::value::Value;

/// How deep templates may call each other.
const MAX_CALLS: usize = 100;
/// How many nodes one run may go through, and how long its result may be.
const MAX_STEPS: usize = 10_000_000;
const MAX_RESULT: usize = 64 << 20;

/// The run of one template.
pub(super) struct Run<'t> {
    pub template: &'t Template,
    /// The name of the template that runs, one of the whole.
    pub name: &'t str,
    pub call: &'t Call<'t>,
    pub variables: Vec<(&'t str, Held)>,
    /// What an error is about.
    pub at: At<'t>,
    pub calls: usize,
    pub steps: usize,
}

/// The part of a template that was reached last.
#[derive(Clone, Copy)]
pub(super) enum At<'t> {
    Node(&'t Node),
    Pipe(&'t Pipe),
    Command(&'t Command),
    Word(&'t Word),
}

/// How a list of nodes ended.
enum Flow {
    Next,
    Break,
    Continue,
}

impl<'t> Run<'t> {
    /// Writes what `nodes` give for `dot`.
    pub fn whole(
        &mut self,
        dot: &Held,
        nodes: &'t [Node],
        out: &mut Vec<u8>,
    ) -> Result<(), String> {
        self.list(dot, nodes, out).map(|_| ())
    }

    pub(super) fn fault<T>(&self, why: impl std::fmt::Display) -> Result<T, String> {
        let (at, context) = match self.at {
            At::Node(Node::Action { at, pipe }) => (*at, format!("{{{{{pipe}}}}}")),
            At::Node(Node::Template { at, name, pipe }) => {
                let pipe = pipe.as_ref().map_or(String::new(), |p| format!(" {p}"));
                let name = go_quote::quote(name);
                (*at, format!("{{{{template {name}{pipe}}}}}"))
            }
            At::Node(_) => (0, String::new()),
            At::Pipe(pipe) => (pipe.at, pipe.to_string()),
            At::Command(command) => (command.at, command.to_string()),
            At::Word(word) => (word.at, word.to_string()),
        };
        let name = go_quote::quote(self.name);
        let source = &self.template.bodies[self.name].source;
        let before = &source.text[..at.min(source.text.len())];
        let line = 1 + before.matches('\n').count();
        let column = before.len() - before.rfind('\n').map_or(0, |n| n + 1);
        let file = &source.name;
        Err(format!(
            "template: {file}:{line}:{column}: executing {name} at <{context}>: {why}"
        ))
    }

    fn list(&mut self, dot: &Held, nodes: &'t [Node], out: &mut Vec<u8>) -> Result<Flow, String> {
        for node in nodes {
            self.at = At::Node(node);
            self.steps += 1;
            if self.steps > MAX_STEPS || out.len() > MAX_RESULT {
                return self.fault("the template takes too long, or makes too much");
            }
            match node {
                Node::Text(text) => out.extend_from_slice(text.as_bytes()),
                Node::Action { pipe, .. } => {
                    let held = self.pipe(dot, pipe)?;
                    if pipe.variables.is_empty() {
                        self.at = At::Node(node);
                        match &held.value {
                            None => out.extend_from_slice(b"<no value>"),
                            Some(Value::String(text)) => out.extend_from_slice(text.as_bytes()),
                            Some(value) => out.extend_from_slice(go_fmt::show(value).as_bytes()),
                        }
                    }
                }
                Node::If(branches) | Node::With(branches) => {
                    let mark = self.variables.len();
                    let held = self.pipe(dot, &branches.pipe)?;
                    let flow = match is_true(held.get()) {
                        true if matches!(node, Node::With(_)) => {
                            self.list(&held, &branches.body, out)?
                        }
                        true => self.list(dot, &branches.body, out)?,
                        false => self.list(dot, &branches.otherwise, out)?,
                    };
                    self.variables.truncate(mark);
                    if !matches!(flow, Flow::Next) {
                        return Ok(flow);
                    }
                }
                Node::Range(branches) => {
                    let mark = self.variables.len();
                    let flow = self.range(dot, branches, out)?;
                    self.variables.truncate(mark);
                    if !matches!(flow, Flow::Next) {
                        return Ok(flow);
                    }
                }
                Node::Template { name, pipe, .. } => {
                    self.template(dot, name, pipe.as_ref(), out)?;
                }
                Node::Break => return Ok(Flow::Break),
                Node::Continue => return Ok(Flow::Continue),
            }
        }
        Ok(Flow::Next)
    }

    fn range(
        &mut self,
        dot: &Held,
        branches: &'t Branches,
        out: &mut Vec<u8>,
    ) -> Result<Flow, String> {
        let held = self.pipe(dot, &branches.pipe)?;
        let names = &branches.pipe.variables;
        let mark = self.variables.len();
        let mut one = |run: &mut Run<'t>, key: Held, item: Held| -> Result<bool, String> {
            match (&names[..], branches.pipe.assigns) {
                ([], _) => {}
                ([name], true) => run.assign(name, item.clone()),
                ([first, second, ..], true) => {
                    run.assign(first, key);
                    run.assign(second, item.clone());
                }
                // The variables were declared by the pipeline: the last is the element's.
                ([_], false) => run.variables[mark - 1].1 = item.clone(),
                ([..], false) => {
                    run.variables[mark - 1].1 = item.clone();
                    run.variables[mark - 2].1 = key;
                }
            }
            run.steps += 1;
            let flow = run.list(&item, &branches.body, out)?;
            run.variables.truncate(mark);
            if run.steps > MAX_STEPS {
                return run.fault("the template takes too long, or makes too much");
            }
            Ok(!matches!(flow, Flow::Break))
        };
        let is_empty = match held.get() {
            Value::Null => true,
            Value::Array(items) => {
                for (i, item) in items.iter().enumerate() {
                    if !one(self, Held::new(Value::Int(i as i64)), Held::element(item))? {
                        break;
                    }
                }
                items.is_empty()
            }
            Value::Object(fields) => {
                for (key, item) in fields.iter() {
                    if !one(self, Held::new(Value::String(key)), Held::element(item))? {
                        break;
                    }
                }
                fields.is_empty()
            }
            Value::Int(n) => {
                if names.len() > 1 {
                    let n = *n;
                    return self.fault(format_args!(
                        "can't use {n} to iterate over more than one variable"
                    ));
                }
                for i in 0..*n {
                    if !one(self, Held::default(), Held::new(Value::Int(i)))? {
                        break;
                    }
                }
                *n <= 0
            }
            other => {
                let shown = go_fmt::show(other);
                return self.fault(format_args!("range can't iterate over {shown}"));
            }
        };
        match is_empty {
            true => self.list(dot, &branches.otherwise, out),
            false => Ok(Flow::Next),
        }
    }

    fn template(
        &mut self,
        dot: &Held,
        name: &'t str,
        pipe: Option<&'t Pipe>,
        out: &mut Vec<u8>,
    ) -> Result<(), String> {
        let template = self.template;
        let Some((name, body)) = template.bodies.get_key_value(name) else {
            let name = go_quote::quote(name);
            return self.fault(format_args!("template {name} not defined"));
        };
        if self.calls >= MAX_CALLS {
            return self.fault(format_args!(
                "exceeded maximum template depth ({MAX_CALLS})"
            ));
        }
        let dot = match pipe {
            Some(pipe) => self.pipe(dot, pipe)?,
            None => Held::default(),
        };
        let mut inner = Run {
            name,
            variables: vec![("$", dot.clone())],
            calls: self.calls + 1,
            ..*self
        };
        inner.whole(&dot, &body.nodes, out)?;
        self.steps = inner.steps;
        Ok(())
    }

    fn assign(&mut self, name: &str, held: Held) {
        if let Some(variable) = self.variables.iter_mut().rev().find(|v| v.0 == name) {
            variable.1 = held;
        }
    }

    fn pipe(&mut self, dot: &Held, pipe: &'t Pipe) -> Result<Held, String> {
        self.at = At::Pipe(pipe);
        let mut held = None;
        for command in &pipe.commands {
            let mut value = self.command(dot, command, held)?;
            // Whatever was in an array or object is now what it is.
            if value.is_element {
                value.is_element = false;
            }
            if matches!(value.value, Some(Value::Null)) {
                value.value = None;
            }
            held = Some(value);
        }
        let held = held.unwrap_or_default();
        for name in &pipe.variables {
            match pipe.assigns {
                true => self.assign(name, held.clone()),
                false => self.variables.push((name, held.clone())),
            }
        }
        Ok(held)
    }

    /// A command; `last` is what came through the pipe, its last argument.
    fn command(
        &mut self,
        dot: &Held,
        command: &'t Command,
        last: Option<Held>,
    ) -> Result<Held, String> {
        let first = &command.words[0];
        let has_arguments = command.words.len() > 1 || last.is_some();
        match &first.kind {
            WordKind::Field(names) => {
                self.at = At::Word(first);
                return self.fields(dot.clone(), names, has_arguments);
            }
            WordKind::Chain(inner, names) => {
                self.at = At::Word(first);
                let held = self.argument(dot, Type::Any, inner)?;
                return self.fields(held, names, has_arguments);
            }
            WordKind::Function(name, callee) => {
                self.at = At::Word(first);
                return self.function(
                    dot,
                    name,
                    *callee,
                    At::Command(command),
                    &command.words[1..],
                    last,
                );
            }
            WordKind::Variable(name, names) if !names.is_empty() => {
                self.at = At::Word(first);
                let held = self.variable(name);
                return self.fields(held, names, has_arguments);
            }
            _ => {}
        }
        if !matches!(first.kind, WordKind::Pipe(_)) {
            self.at = At::Word(first);
        }
        if has_arguments {
            return self.fault(format_args!("can't give argument to non-function {first}"));
        }
        match &first.kind {
            WordKind::Pipe(pipe) => self.pipe(dot, pipe),
            WordKind::Variable(name, _) => Ok(self.variable(name)),
            WordKind::Dot => Ok(dot.clone()),
            WordKind::Nil => self.fault("nil is not a command"),
            _ => self.constant(first),
        }
    }

    fn variable(&self, name: &str) -> Held {
        let found = self.variables.iter().rev().find(|v| v.0 == name);
        found.map(|v| v.1.clone()).unwrap_or_default()
    }

    /// What a literal says by itself.
    fn constant(&mut self, word: &'t Word) -> Result<Held, String> {
        self.at = At::Word(word);
        Ok(Held::new(match &word.kind {
            WordKind::Bool(b) => Value::Bool(*b),
            WordKind::Text { text, .. } => text.as_str().into(),
            WordKind::Number { text, value } => match value {
                Constant::Int(n) => Value::Int(*n),
                Constant::Float(n, _) => Value::Float(*n),
                Constant::Huge => return self.fault(format_args!("{text} overflows int")),
            },
            _ => return self.fault(format_args!("can't evaluate command {word}")),
        }))
    }

    fn function(
        &mut self,
        dot: &Held,
        name: &str,
        callee: Callee,
        site: At<'t>,
        words: &'t [Word],
        last: Option<Held>,
    ) -> Result<Held, String> {
        let count = words.len() + usize::from(last.is_some());
        let (params, rest): (&[Type], _) = match callee {
            Callee::Table(Function { params, rest, .. }) => (params, *rest),
            Callee::Either(_) => (&[Type::Raw], Some(Type::Raw)),
            Callee::Metadata => (&[Type::Text], None),
            Callee::Own(_) => (&[Type::Any], None),
        };
        match rest {
            Some(_) if count < params.len() => {
                return self.fault(format_args!(
                    "wrong number of args for {name}: want at least {} got {}",
                    params.len(),
                    words.len()
                ));
            }
            None if count != params.len() => {
                return self.fault(format_args!(
                    "wrong number of args for {name}: want {} got {count}",
                    params.len()
                ));
            }
            _ => {}
        }
        if let Callee::Either(stop) = callee {
            let mut held = Held::default();
            for word in words {
                held = self.argument(dot, Type::Raw, word)?;
                if is_true(held.get()) == stop {
                    return Ok(held);
                }
            }
            return Ok(last.unwrap_or(held));
        }
        let of = |i: usize| params.get(i).copied().or(rest).unwrap_or(Type::Any);
        let mut args = Vec::with_capacity(count);
        for (i, word) in words.iter().enumerate() {
            args.push(self.argument(dot, of(i), word)?);
        }
        if let Some(last) = last {
            let checked = of(words.len()).check(last);
            args.push(checked.or_else(|why| self.fault(why))?);
        }
        let result = match callee {
            Callee::Table(function) => (function.run)(&args),
            Callee::Metadata => Ok((self.call.metadata)(args[0].text())),
            Callee::Own(index) => (self.template.own[index].1)(args[0].get().clone()),
            Callee::Either(_) => unreachable!("answered above"),
        };
        match result {
            Ok(value) => {
                // Templates see a dictionary that they change as the same one afterwards.
                if matches!(name, "set" | "unset" | "merge" | "mergeOverwrite")
                    && let Some(WordKind::Variable(variable, names)) =
                        words.first().map(|w| &w.kind)
                    && names.is_empty()
                {
                    self.assign(variable, Held::new(value.clone()));
                }
                Ok(Held::new(value))
            }
            Err(why) => {
                self.at = site;
                self.fault(format_args!("error calling {name}: {why}"))
            }
        }
    }

    /// A word as an argument of a type.
    fn argument(&mut self, dot: &Held, wanted: Type, word: &'t Word) -> Result<Held, String> {
        self.at = At::Word(word);
        let held = match &word.kind {
            WordKind::Dot => dot.clone(),
            WordKind::Nil => {
                return match wanted.can_be_nil() {
                    true => Ok(Held::new(Value::Null)),
                    false => self.fault(format_args!("cannot assign nil to {}", wanted.name())),
                };
            }
            WordKind::Field(names) => self.fields(dot.clone(), names, false)?,
            WordKind::Variable(name, names) => {
                let held = self.variable(name);
                self.fields(held, names, false)?
            }
            WordKind::Pipe(pipe) => self.pipe(dot, pipe)?,
            WordKind::Function(name, callee) => {
                self.function(dot, name, *callee, At::Word(word), &[], None)?
            }
            WordKind::Chain(inner, names) => {
                let held = self.argument(dot, Type::Any, inner)?;
                self.fields(held, names, false)?
            }
            _ => return self.literal(wanted, word),
        };
        wanted.check(held).or_else(|why| self.fault(why))
    }

    /// A literal as an argument of a type.
    fn literal(&mut self, wanted: Type, word: &'t Word) -> Result<Held, String> {
        match (wanted, &word.kind) {
            (Type::Any | Type::Raw, _)
            | (Type::Text, WordKind::Text { .. })
            | (Type::Bool, WordKind::Bool(_)) => self.constant(word),
            (Type::Int, WordKind::Number { value, .. }) => match value {
                Constant::Int(n) | Constant::Float(_, Some(n)) => Ok(Held::new(Value::Int(*n))),
                _ => self.fault(format_args!("expected integer; found {word}")),
            },
            (Type::Float, WordKind::Number { value, .. }) => {
                Ok(Held::new(Value::Float(match value {
                    Constant::Int(n) => *n as f64,
                    Constant::Float(n, _) => *n,
                    Constant::Huge => return self.fault(format_args!("{word} overflows int")),
                })))
            }
            (Type::Text, _) => self.fault(format_args!("expected string; found {word}")),
            (Type::Bool, _) => self.fault(format_args!("expected bool; found {word}")),
            (Type::Int, _) => self.fault(format_args!("expected integer; found {word}")),
            (Type::Float, _) => self.fault(format_args!("expected float; found {word}")),
            (Type::Dict | Type::Time, _) => self.fault(format_args!(
                "can't handle {word} for arg of type {}",
                wanted.name()
            )),
        }
    }
}
