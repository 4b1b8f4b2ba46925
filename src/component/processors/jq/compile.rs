//! Looks up the names of a program.

use super::natives;
use super::parser::parse_definitions;
use super::prelude;
use super::program::{Alternative, Field, Function, Kind, Node, Pattern, Program};
use super::syntax::{self, Definition, Key, Piece, Query};
use crate::value::{Object, Value};
use std::collections::HashMap;

/// Compiles a query that may use these variables.
pub(super) fn compile(query: &Query, variables: &[&str]) -> Result<Program, String> {
    let mut compiler = Compiler::default();
    for name in variables {
        compiler.bind(Entry::Variable((*name).to_owned()));
    }
    compiler.globals = compiler.scope.len();
    let main = compiler.node(query)?;
    let functions = compiler.functions.into_iter().collect::<Option<Vec<_>>>();
    let functions = functions.ok_or("a function has no body")?;
    Ok(Program { main, functions })
}

/// What a name can stand for, in the order of its introduction. All but functions are bindings when the program runs.
#[derive(Clone)]
enum Entry {
    Variable(String),
    FilterParameter(String),
    Label(String),
    Function {
        name: String,
        arity: usize,
        number: usize,
    },
}

#[derive(Default)]
struct Compiler {
    scope: Vec<Entry>,
    /// How many entries every function of the prelude sees.
    globals: usize,
    functions: Vec<Option<Function>>,
    /// Functions of the prelude that were compiled, by name and number of parameters.
    known: HashMap<(String, usize), usize>,
}

type Compiled = Result<Node, String>;

impl Compiler {
    fn bind(&mut self, entry: Entry) {
        self.scope.push(entry);
    }

    /// Compiles something in a scope of its own.
    fn inside<T>(
        &mut self,
        entries: Vec<Entry>,
        compile: impl FnOnce(&mut Self) -> Result<T, String>,
    ) -> Result<T, String> {
        let before = self.scope.len();
        self.scope.extend(entries);
        let made = compile(self);
        self.scope.truncate(before);
        made
    }

    /// How many bindings there are after the entry at a place.
    fn since(&self, place: usize) -> usize {
        let binds = |entry: &&Entry| !matches!(entry, Entry::Function { .. });
        self.scope[place + 1..].iter().filter(binds).count()
    }

    fn find(&self, is: impl Fn(&Entry) -> bool) -> Option<usize> {
        self.scope.iter().rposition(is)
    }

    fn boxed(&mut self, query: &Query) -> Result<Box<Node>, String> {
        self.node(query).map(Box::new)
    }

    fn nodes<const N: usize>(&mut self, queries: [&Query; N]) -> Result<Box<[Node; N]>, String> {
        let mut made = Vec::with_capacity(N);
        for query in queries {
            made.push(self.node(query)?);
        }
        let made: Result<Box<[Node; N]>, _> = made.into_boxed_slice().try_into();
        made.map_err(|_| "a part of the program is missing".into())
    }

    fn optional(&mut self, query: Option<&Query>) -> Compiled {
        query.map_or_else(
            || Ok(Node::new(Kind::Const(Value::Null))),
            |query| self.node(query),
        )
    }

    fn node(&mut self, query: &Query) -> Compiled {
        Ok(Node::new(match query {
            Query::Identity => Kind::Identity,
            Query::Recurse => Kind::Recurse,
            Query::Const(value) => Kind::Const(value.clone()),
            Query::Text(pieces, format) => self.text(pieces, format.as_deref())?,
            Query::Format(name) => self.format(name)?.kind,
            Query::Variable(name) => self.variable(name)?,
            Query::Call(name, arguments) => return self.call(name, arguments),
            Query::Object(fields) => {
                let mut made = Vec::with_capacity(fields.len());
                for (key, value) in fields {
                    made.push(self.field(key, value.as_ref())?);
                }
                Kind::Object(made)
            }
            Query::Array(None) => Kind::Const(Value::Array(Vec::new().into())),
            Query::Array(Some(items)) => Kind::Array(self.boxed(items)?),
            Query::Pipe(left, right) => Kind::Pipe(self.boxed(left)?, self.boxed(right)?),
            Query::Comma(left, right) => Kind::Comma(self.boxed(left)?, self.boxed(right)?),
            Query::Alternative(left, right) => {
                Kind::Alternative(self.boxed(left)?, self.boxed(right)?)
            }
            Query::And(left, right) => Kind::And(self.boxed(left)?, self.boxed(right)?),
            Query::Or(left, right) => Kind::Or(self.boxed(left)?, self.boxed(right)?),
            Query::Binary(operator, left, right) => {
                Kind::Binary(*operator, self.nodes([left, right])?)
            }
            Query::Assign(path, value) => match known_path(path) {
                Some(path) => Kind::AssignPath(path.into(), self.boxed(value)?),
                None => Kind::Assign(self.boxed(path)?, self.boxed(value)?),
            },
            Query::Modify(path, update) => Kind::Modify(self.boxed(path)?, self.boxed(update)?),
            Query::Update(operator, path, value) => {
                Kind::Update(*operator, self.boxed(path)?, self.boxed(value)?)
            }
            Query::Negate(of) => return self.applied(of, "_negate"),
            Query::Plus(of) => return self.applied(of, "_plus"),
            Query::Index(value, key) => Kind::Index(self.nodes([value, key])?),
            Query::Slice(value, from, to) => {
                let value = self.node(value)?;
                let from = self.optional(from.as_deref())?;
                Kind::Slice(Box::new([value, from, self.optional(to.as_deref())?]))
            }
            Query::Iterate(value) => Kind::Iterate(self.boxed(value)?),
            Query::If(condition, then, otherwise) => Kind::If(self.nodes([
                condition,
                then,
                otherwise.as_deref().unwrap_or(&Query::Identity),
            ])?),
            Query::Try(body, handler) => {
                let handler = handler
                    .as_ref()
                    .map(|handler| self.boxed(handler))
                    .transpose()?;
                Kind::Try(self.boxed(body)?, handler)
            }
            Query::Reduce(source, pattern, start, update) => {
                let [source, start] = *self.nodes([source, start])?;
                let (pattern, update) = self.matched(pattern, |c| c.node(update))?;
                Kind::Reduce(pattern, Box::new([source, start, update]))
            }
            Query::Foreach(source, pattern, start, update, extract) => {
                let [source, start] = *self.nodes([source, start])?;
                let extract = extract.as_deref().unwrap_or(&Query::Identity);
                let (pattern, both) = self.matched(pattern, |c| c.nodes([update, extract]))?;
                let [update, extract] = *both;
                Kind::Foreach(pattern, Box::new([source, start, update, extract]))
            }
            Query::Bind(source, patterns, body) => self.binding(source, patterns, body)?,
            Query::Label(name, body) => {
                let entry = Entry::Label(name.clone());
                Kind::Label(Box::new(self.inside(vec![entry], |c| c.node(body))?))
            }
            Query::Break(name) => {
                let label =
                    self.find(|entry| matches!(entry, Entry::Label(label) if label == name));
                let label = label.ok_or_else(|| format!("label not defined: {name}"))?;
                Kind::Break(self.since(label))
            }
            Query::Unable(why) => return Err(why.clone()),
            Query::Define(definition, body) => {
                let number = self.define(definition)?;
                let entry = function(definition, number);
                return self.inside(vec![entry], |c| c.node(body));
            }
        }))
    }

    fn applied(&mut self, query: &Query, native: &str) -> Compiled {
        let inner = self.boxed(query)?;
        Ok(Node::new(Kind::Pipe(
            inner,
            Box::new(self.call(native, &[])?),
        )))
    }

    fn text(&mut self, pieces: &[Piece], format: Option<&str>) -> Result<Kind, String> {
        let format = format.unwrap_or("@text");
        let mut nodes = Vec::with_capacity(pieces.len());
        for piece in pieces {
            nodes.push(match piece {
                Piece::Text(text) => Node::new(Kind::Const(text.as_str().into())),
                Piece::Query(query) => {
                    let inner = self.boxed(query)?;
                    Node::new(Kind::Pipe(inner, Box::new(self.format(format)?)))
                }
            });
        }
        Ok(Kind::Text(nodes))
    }

    /// A format that there isn't is an error when it is used.
    fn format(&mut self, name: &str) -> Compiled {
        match natives::find(name, 0) {
            Some(native) => Ok(Node::new(Kind::Native(native, Vec::new()))),
            None => self.call("format", &[Query::Const(name[1..].into())]),
        }
    }

    fn variable(&mut self, name: &str) -> Result<Kind, String> {
        let is = |entry: &Entry| matches!(entry, Entry::Variable(found) if found == name);
        match self.find(is) {
            Some(place) => Ok(Kind::Variable(self.since(place))),
            None if name == "$ENV" => Ok(Kind::Const(Object::new().into())),
            None => Err(format!("variable not defined: {name}")),
        }
    }

    fn field(&mut self, key: &Key, value: Option<&Query>) -> Result<(Node, Option<Node>), String> {
        let value = value.map(|value| self.node(value)).transpose()?;
        Ok(match key {
            Key::Name(name) => (Node::new(Kind::Const(name.as_str().into())), value),
            Key::Query(query) => (self.node(query)?, value),
            Key::Variable(name) => {
                let found = Node::new(self.variable(name)?);
                match value {
                    Some(_) => (found, value),
                    None => (Node::new(Kind::Const(name[1..].into())), Some(found)),
                }
            }
        })
    }

    fn binding(
        &mut self,
        source: &Query,
        patterns: &[syntax::Pattern],
        body: &Query,
    ) -> Result<Kind, String> {
        let source = self.boxed(source)?;
        let mut names = Vec::new();
        if patterns.len() > 1 {
            patterns
                .iter()
                .for_each(|pattern| names_of(pattern, &mut names));
        }
        let mut alternatives = Vec::with_capacity(patterns.len());
        for pattern in patterns {
            let entries = names.iter().cloned().map(Entry::Variable).collect();
            let matched = |c: &mut Self| c.matched(pattern, |c| c.node(body));
            let (pattern, body) = self.inside(entries, matched)?;
            alternatives.push(Alternative {
                nulls: names.len(),
                pattern,
                body,
            });
        }
        Ok(Kind::Bind(source, alternatives))
    }

    /// A pattern, and what is compiled with its variables.
    fn matched<T>(
        &mut self,
        pattern: &syntax::Pattern,
        compile: impl FnOnce(&mut Self) -> Result<T, String>,
    ) -> Result<(Pattern, T), String> {
        self.inside(Vec::new(), |c| {
            let pattern = c.pattern(pattern)?;
            Ok((pattern, compile(c)?))
        })
    }

    /// A pattern. Its variables stay in the scope.
    fn pattern(&mut self, pattern: &syntax::Pattern) -> Result<Pattern, String> {
        Ok(match pattern {
            syntax::Pattern::Variable(name) => {
                self.bind(Entry::Variable(name.clone()));
                Pattern::Variable
            }
            syntax::Pattern::Array(patterns) => {
                let patterns = patterns.iter().map(|pattern| self.pattern(pattern));
                Pattern::Array(patterns.collect::<Result<_, _>>()?)
            }
            syntax::Pattern::Object(fields) => {
                let mut made = Vec::with_capacity(fields.len());
                for (key, inner) in fields {
                    let (key, binds) = match key {
                        Key::Name(name) => (Kind::Const(name.as_str().into()), None),
                        Key::Variable(name) => (Kind::Const(name[1..].into()), Some(name)),
                        Key::Query(query) => (self.node(query)?.kind, None),
                    };
                    if let Some(name) = binds {
                        self.bind(Entry::Variable(name.clone()));
                    }
                    let inner = inner
                        .as_ref()
                        .map(|inner| self.pattern(inner))
                        .transpose()?;
                    made.push(Field {
                        key: Node::new(key),
                        binds: binds.is_some(),
                        inner,
                    });
                }
                Pattern::Object(made)
            }
        })
    }

    /// Compiles a function, and says its number.
    fn define(&mut self, definition: &Definition) -> Result<usize, String> {
        let number = self.functions.len();
        self.functions.push(None);
        let mut entries = vec![function(definition, number)];
        for name in &definition.parameters {
            // A parameter that is a value can be called as a filter as well.
            let filter = name.strip_prefix('$').unwrap_or(name);
            entries.push(Entry::FilterParameter(filter.to_owned()));
            if name.starts_with('$') {
                entries.push(Entry::Variable(name.clone()));
            }
        }
        let body = self.inside(entries, |c| c.node(&definition.body))?;
        let values = definition
            .parameters
            .iter()
            .map(|name| name.starts_with('$'))
            .collect();
        self.functions[number] = Some(Function { values, body });
        Ok(number)
    }

    fn call(&mut self, name: &str, arguments: &[Query]) -> Compiled {
        let arity = arguments.len();
        let is = |entry: &Entry| match entry {
            Entry::Function {
                name: found,
                arity: takes,
                ..
            } => found == name && *takes == arity,
            Entry::FilterParameter(found) => found == name && arity == 0,
            _ => false,
        };
        if let Some(place) = self.find(is) {
            let since = self.since(place);
            return match self.scope[place] {
                Entry::Function { number, .. } => self.called(number, since, arguments),
                _ => Ok(Node::new(Kind::Filter(since))),
            };
        }
        if let Some(node) = self.special(name, arguments)? {
            return Ok(node);
        }
        if let Some(native) =
            natives::find(name, arity).filter(|native| !native.name.starts_with('@'))
        {
            let arguments = arguments.iter().map(|argument| self.node(argument));
            return Ok(Node::new(Kind::Native(
                native,
                arguments.collect::<Result<_, _>>()?,
            )));
        }
        match self.prelude(name, arity)? {
            Some(number) => {
                let since = match self.globals {
                    0 => self.bindings(),
                    globals => self.since(globals - 1),
                };
                self.called(number, since, arguments)
            }
            None => Err(format!("function not defined: {name}/{arity}")),
        }
    }

    fn bindings(&self) -> usize {
        let binds = |entry: &&Entry| !matches!(entry, Entry::Function { .. });
        self.scope.iter().filter(binds).count()
    }

    fn called(&mut self, number: usize, since: usize, arguments: &[Query]) -> Compiled {
        let nodes = arguments.iter().map(|argument| self.node(argument));
        let nodes = nodes.collect::<Result<Vec<_>, _>>()?;
        // A function that is being compiled calls itself: what it gives isn't known yet.
        let single = self.functions[number].as_ref().is_some_and(|function| {
            let values = function.values.iter().zip(&nodes);
            let mut values = values.filter(|(is_value, _)| **is_value);
            function.body.single && values.all(|(_, node)| node.single)
        });
        let kind = Kind::Call(number, since, nodes);
        Ok(Node { kind, single })
    }

    /// Functions that are more than a value made of values.
    fn special(&mut self, name: &str, arguments: &[Query]) -> Result<Option<Node>, String> {
        let zero = Query::Const(Value::Int(0));
        let one = Query::Const(Value::Int(1));
        Ok(Some(Node::new(match (name, arguments) {
            ("empty", []) => Kind::Empty,
            ("recurse", []) => Kind::Recurse,
            ("path", [of]) => Kind::Path(self.boxed(of)?),
            ("getpath", [path]) => Kind::GetPath(self.boxed(path)?),
            ("range", [to]) => Kind::Range(self.nodes([&zero, to, &one])?),
            ("range", [from, to]) => Kind::Range(self.nodes([from, to, &one])?),
            ("range", [from, to, step]) => Kind::Range(self.nodes([from, to, step])?),
            ("env", []) => Kind::Const(Object::new().into()),
            ("input", []) => return Err("input(s)/0 is not allowed".into()),
            _ => return Ok(None),
        })))
    }

    /// The number of a function of the prelude, which is compiled when it is first needed.
    fn prelude(&mut self, name: &str, arity: usize) -> Result<Option<usize>, String> {
        let key = (name.to_owned(), arity);
        if let Some(number) = self.known.get(&key) {
            return Ok(Some(*number));
        }
        let Some(text) = prelude::find(name, arity) else {
            return Ok(None);
        };
        let definitions = parse_definitions(text)?;
        let Some(definition) = definitions.first() else {
            return Ok(None);
        };
        let outer = self.scope.split_off(self.globals);
        let number = self.define(definition);
        self.scope.extend(outer);
        let number = number?;
        self.known.insert(key, number);
        Ok(Some(number))
    }
}

fn function(definition: &Definition, number: usize) -> Entry {
    let (name, arity) = (definition.name.clone(), definition.parameters.len());
    Entry::Function {
        name,
        arity,
        number,
    }
}

/// The names of a pattern's variables.
fn names_of(pattern: &syntax::Pattern, names: &mut Vec<String>) {
    match pattern {
        syntax::Pattern::Variable(name) => names.push(name.clone()),
        syntax::Pattern::Array(patterns) => {
            patterns.iter().for_each(|pattern| names_of(pattern, names))
        }
        syntax::Pattern::Object(fields) => {
            for (key, inner) in fields {
                if let Key::Variable(name) = key {
                    names.push(name.clone());
                }
                if let Some(inner) = inner {
                    names_of(inner, names);
                }
            }
        }
    }
}

/// The path of a query that is nothing but constant indexes.
fn known_path(query: &Query) -> Option<Vec<Value>> {
    fn add(query: &Query, path: &mut Vec<Value>) -> Option<()> {
        let number = |query: &Option<Box<Query>>| match query.as_deref() {
            None => Some(Value::Null),
            Some(Query::Const(value @ Value::Int(_))) => Some(value.clone()),
            _ => None,
        };
        let (inner, key) = match query {
            Query::Index(inner, key) => match &**key {
                Query::Const(key @ (Value::String(_) | Value::Int(_))) => (inner, key.clone()),
                _ => return None,
            },
            Query::Slice(inner, from, to) => (
                inner,
                super::json::object([("start", number(from)?), ("end", number(to)?)]),
            ),
            _ => return None,
        };
        if !matches!(**inner, Query::Identity) {
            add(inner, path)?;
        }
        path.push(key);
        Some(())
    }
    let mut path = Vec::new();
    add(query, &mut path)?;
    Some(path)
}
