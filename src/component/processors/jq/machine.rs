//! Runs a program. A node hands each of its results to a continuation; one that gives exactly one result returns it instead, and
//! what follows it then takes its place in the loop, so that such programs loop without using up the stack.

use super::bindings::{Bound, Env, bind, lookup, passed, without};
use super::fail::{Result, Stop, error, limit};
use super::json::{self, MAX_ITEMS};
use super::natives::Regexes;
use super::operators::{apply, is_true};
use super::paths;
use super::place::Item;
use super::program::{Alternative, Kind, Node, Pattern, Program};
use crate::bloblang::here;
use crate::value::{Object, Str, Value};
use std::cell::{Cell, RefCell};

/// The most elements that a program may put into arrays on a message, all in all.
const MAX_COLLECTED: usize = 5 * MAX_ITEMS;

pub(super) type Flow = Result<()>;
pub(super) type Out<'o> = &'o mut dyn FnMut(Item) -> Flow;

pub(super) struct Machine<'p> {
    pub program: &'p Program,
    pub regexes: &'p Regexes,
    /// The address that the stack must not grow beyond.
    stack_end: usize,
    most_steps: u64,
    steps: Cell<u64>,
    collected: Cell<usize>,
    labels: Cell<u64>,
}

impl<'p> Machine<'p> {
    pub fn new(
        program: &'p Program,
        regexes: &'p Regexes,
        stack_end: usize,
        most_steps: u64,
    ) -> Machine<'p> {
        Machine {
            program,
            regexes,
            stack_end,
            most_steps,
            steps: Cell::new(0),
            collected: Cell::new(0),
            labels: Cell::new(0),
        }
    }

    /// Runs the program on a value with the values of its variables.
    pub fn start(
        &self,
        input: Value,
        variables: Vec<Value>,
        out: &mut dyn FnMut(Value) -> Flow,
    ) -> Flow {
        let start = |env, value| bind(&env, Bound::Value(value));
        let env = variables.into_iter().fold(None, start);
        self.run(&self.program.main, &env, Item::new(input), &mut |item| {
            out(item.value)
        })
    }

    pub fn step(&self) -> Flow {
        let steps = self.steps.get() + 1;
        self.steps.set(steps);
        if steps > self.most_steps {
            return limit(format!(
                "the program takes more than {} steps",
                self.most_steps
            ));
        }
        if here() < self.stack_end {
            return Err(Stop::Stack);
        }
        Ok(())
    }

    pub fn label(&self) -> u64 {
        let label = self.labels.get() + 1;
        self.labels.set(label);
        label
    }

    /// Notes that an array gets one more element.
    pub fn collect(&self, items: &mut Vec<Value>, value: Value) -> Flow {
        let collected = self.collected.get() + 1;
        self.collected.set(collected);
        if items.len() >= MAX_ITEMS {
            return limit(format!(
                "an array of the program has more than {MAX_ITEMS} elements"
            ));
        }
        if collected > MAX_COLLECTED {
            return limit(format!(
                "the program puts more than {MAX_COLLECTED} elements into arrays"
            ));
        }
        items.push(value);
        Ok(())
    }

    /// Whether a node gives exactly one result, which for a filter that is passed in depends on what was passed.
    fn is_single(&self, node: &Node, env: &Env<'p>) -> bool {
        match &node.kind {
            _ if node.single => true,
            Kind::Filter(since) => match lookup(env, *since) {
                Some(Bound::Filter(node, env)) => self.is_single(node, env),
                _ => false,
            },
            _ => false,
        }
    }

    /// Hands the results of a node on.
    pub fn run(&self, node: &'p Node, env: &Env<'p>, input: Item, out: Out<'_>) -> Flow {
        let (mut node, mut env, mut input) = (node, env.clone(), input);
        loop {
            self.step()?;
            if node.single && !matches!(node.kind, Kind::Pipe(..) | Kind::If(_) | Kind::Call(..)) {
                return out(self.one(node, &env, input)?);
            }
            match &node.kind {
                Kind::Pipe(left, right) => {
                    input = match self.is_single(left, &env) {
                        true => self.one(left, &env, input)?,
                        false => match self.all_but_last(left, right, &env, input, out)? {
                            Some(last) => last,
                            None => return Ok(()),
                        },
                    };
                    node = right;
                }
                Kind::Comma(left, right) => {
                    self.run(left, &env, input.clone(), out)?;
                    node = right;
                }
                Kind::If(parts) => {
                    let [condition, then, otherwise] = &**parts;
                    if !self.is_single(condition, &env) {
                        let test = input.plain();
                        return self.run(condition, &env, test, &mut |found| {
                            let branch = if is_true(&found.value) {
                                then
                            } else {
                                otherwise
                            };
                            self.run(branch, &env, input.clone(), out)
                        });
                    }
                    let found = self.one(condition, &env, input.plain())?;
                    node = if is_true(&found.value) {
                        then
                    } else {
                        otherwise
                    };
                }
                Kind::Alternative(left, right) => {
                    let mut found = false;
                    self.run(left, &env, input.clone(), &mut |item| {
                        if !is_true(&item.value) {
                            return Ok(());
                        }
                        found = true;
                        out(item)
                    })?;
                    if found {
                        return Ok(());
                    }
                    node = right;
                }
                Kind::Filter(since) => match lookup(&env, *since) {
                    Some(Bound::Filter(body, inner)) => {
                        let inner = inner.clone();
                        node = body;
                        env = inner;
                    }
                    _ => return error("a filter is missing"),
                },
                Kind::Call(number, since, arguments) => {
                    let function = &self.program.functions[*number];
                    let several = function
                        .values
                        .iter()
                        .zip(arguments)
                        .any(|(value, node)| *value && !node.single);
                    let outer = without(&env, *since).clone();
                    if several {
                        return self.bind_all(
                            *number,
                            arguments,
                            &env,
                            outer,
                            &input,
                            &mut |inner| self.run(&function.body, &inner, input.clone(), out),
                        );
                    }
                    env = self.bind_each(*number, arguments, &env, outer, &input)?;
                    node = &function.body;
                }
                Kind::Bind(source, alternatives) if self.is_single(source, &env) => {
                    match alternatives.as_slice() {
                        [
                            Alternative {
                                pattern: Pattern::Variable,
                                body,
                                ..
                            },
                        ] => {
                            let value = self.one(source, &env, input.plain())?.value;
                            env = bind(&env, Bound::Value(value));
                            node = body;
                        }
                        _ => return self.generate(node, &env, input, out),
                    }
                }
                Kind::Label(body) => {
                    let label = self.label();
                    let inner = bind(&env, Bound::Label(label));
                    return match self.run(body, &inner, input, out) {
                        Err(Stop::Break(found)) if found == label => Ok(()),
                        other => other,
                    };
                }
                Kind::Break(since) => {
                    return match lookup(&env, *since) {
                        Some(Bound::Label(label)) => Err(Stop::Break(*label)),
                        _ => error("a label is missing"),
                    };
                }
                _ => return self.generate(node, &env, input, out),
            }
        }
    }

    /// Hands all results of a node but the last one to the node behind it, and gives the last one back: what is done with that
    /// one needs no room on the stack then. Each is held until the next one is there, and none is lost to an error in between.
    fn all_but_last(
        &self,
        node: &'p Node,
        then: &'p Node,
        env: &Env<'p>,
        input: Item,
        out: Out<'_>,
    ) -> Result<Option<Item>> {
        let mut held: Option<Item> = None;
        let mut behind = false;
        let done = self.run(node, env, input, &mut |item| match held.replace(item) {
            Some(before) => {
                let flow = self.run(then, env, before, out);
                behind |= flow.is_err();
                flow
            }
            None => Ok(()),
        });
        match done {
            Ok(()) => Ok(held),
            Err(stop @ (Stop::Limit(_) | Stop::Stack)) => Err(stop),
            Err(stop) if behind => Err(stop),
            Err(stop) => {
                if let Some(last) = held {
                    self.run(then, env, last, out)?;
                }
                Err(stop)
            }
        }
    }

    /// The bindings of a function whose arguments have one value each.
    fn bind_each(
        &self,
        number: usize,
        arguments: &'p [Node],
        env: &Env<'p>,
        outer: Env<'p>,
        input: &Item,
    ) -> Result<Env<'p>> {
        let mut inner = outer;
        for (is_value, node) in self.program.functions[number].values.iter().zip(arguments) {
            inner = bind(&inner, passed(node, env));
            if *is_value {
                inner = bind(
                    &inner,
                    Bound::Value(self.one(node, env, input.plain())?.value),
                );
            }
        }
        Ok(inner)
    }

    /// All bindings of a function, where arguments have several values. The values of the last one are gone through first.
    fn bind_all(
        &self,
        number: usize,
        arguments: &'p [Node],
        env: &Env<'p>,
        inner: Env<'p>,
        input: &Item,
        then: &mut dyn FnMut(Env<'p>) -> Flow,
    ) -> Flow {
        let values = &self.program.functions[number].values;
        let Some((node, rest)) = arguments.split_first() else {
            return then(inner);
        };
        let inner = bind(&inner, passed(node, env));
        if !values[values.len() - arguments.len()] {
            return self.bind_all(number, rest, env, inner, input, then);
        }
        self.run(node, env, input.plain(), &mut |item| {
            let inner = bind(&inner, Bound::Value(item.value));
            self.bind_all(number, rest, env, inner, input, then)
        })
    }

    /// The result of a node that gives exactly one.
    pub fn one(&self, node: &'p Node, env: &Env<'p>, input: Item) -> Result<Item> {
        self.step()?;
        Ok(match &node.kind {
            Kind::Identity => input,
            Kind::Const(value) => input.with(value.clone()),
            Kind::Variable(since) => match lookup(env, *since) {
                Some(Bound::Value(value)) => input.with(value.clone()),
                _ => return error("a variable is missing"),
            },
            Kind::Pipe(left, right) => {
                let item = self.one(left, env, input)?;
                self.one(right, env, item)?
            }
            Kind::If(parts) => {
                let [condition, then, otherwise] = &**parts;
                let found = self.one(condition, env, input.plain())?;
                self.one(
                    if is_true(&found.value) {
                        then
                    } else {
                        otherwise
                    },
                    env,
                    input,
                )?
            }
            Kind::And(left, right) => {
                let both = self.truth(left, env, &input)? && self.truth(right, env, &input)?;
                input.with(both.into())
            }
            Kind::Or(left, right) => {
                let any = self.truth(left, env, &input)? || self.truth(right, env, &input)?;
                input.with(any.into())
            }
            Kind::Alternative(left, right) => {
                let item = self.one(left, env, input.clone())?;
                if is_true(&item.value) {
                    item
                } else {
                    self.one(right, env, input)?
                }
            }
            Kind::Binary(operator, sides) => {
                let [left, right] = &**sides;
                let right = self.one(right, env, input.plain())?.value;
                let left = self.one(left, env, input.plain())?.value;
                input.with(apply(*operator, &left, &right)?)
            }
            Kind::Native(native, arguments) => {
                let mut values = Vec::with_capacity(arguments.len());
                for argument in arguments.iter().rev() {
                    values.push(self.one(argument, env, input.plain())?.value);
                }
                values.reverse();
                let value = (native.run)(self, &input.value, &values)?;
                input.with(value)
            }
            Kind::Index(both) => {
                let [value, key] = &**both;
                let key = self.one(key, env, input.plain())?.value;
                self.index(&self.one(value, env, input)?, key)?
            }
            Kind::Slice(all) => {
                let [value, from, to] = &**all;
                let from = self.one(from, env, input.plain())?.value;
                let to = self.one(to, env, input.plain())?.value;
                self.slice(&self.one(value, env, input)?, from, to)?
            }
            Kind::GetPath(path) => {
                let path = self.one(path, env, input.plain())?.value;
                self.get_path(&input, &path)?
            }
            Kind::Text(pieces) => {
                let mut text = String::new();
                for piece in pieces {
                    if let Value::String(piece) = self.one(piece, env, input.plain())?.value {
                        text.push_str(&piece);
                    }
                }
                input.with(json::string(text)?)
            }
            Kind::Object(fields) => {
                let mut object = Object::with_capacity(fields.len());
                for (key, value) in fields {
                    let key = self.one(key, env, input.plain())?.value;
                    let value = match value {
                        Some(value) => self.one(value, env, input.plain())?.value,
                        None => paths::index(&input.value, &key)?,
                    };
                    object.insert(key_of(key)?, value);
                }
                input.with(object.into())
            }
            Kind::Array(items) => {
                let found = RefCell::new(Vec::new());
                self.run(items, env, input.plain(), &mut |item| {
                    self.collect(&mut found.borrow_mut(), item.value)
                })?;
                input.with(Value::from(found.into_inner()))
            }
            Kind::Filter(since) => match lookup(env, *since) {
                Some(Bound::Filter(body, inner)) => self.one(body, inner, input)?,
                _ => return error("a filter is missing"),
            },
            Kind::Call(number, since, arguments) => {
                let outer = without(env, *since).clone();
                let inner = self.bind_each(*number, arguments, env, outer, &input)?;
                self.one(&self.program.functions[*number].body, &inner, input)?
            }
            _ => {
                let mut last = None;
                self.generate(node, env, input, &mut |item| {
                    last = Some(item);
                    Ok(())
                })?;
                match last {
                    Some(item) => item,
                    None => return error("a result is missing"),
                }
            }
        })
    }

    fn truth(&self, node: &'p Node, env: &Env<'p>, input: &Item) -> Result<bool> {
        Ok(is_true(&self.one(node, env, input.plain())?.value))
    }

    pub fn index(&self, item: &Item, key: Value) -> Result<Item> {
        let value = paths::index(&item.value, &key)?;
        item.check(false)?;
        item.step(key, value)
    }

    pub fn slice(&self, item: &Item, from: Value, to: Value) -> Result<Item> {
        let value = paths::slice(&item.value, &from, &to)?;
        item.check(false)?;
        if item.place.is_none() {
            return Ok(Item::new(value));
        }
        item.step(json::object([("start", from), ("end", to)]), value)
    }

    pub fn get_path(&self, item: &Item, path: &Value) -> Result<Item> {
        let value = paths::get_path(&item.value, path)?;
        item.check(false)?;
        let Value::Array(steps) = path else {
            return Ok(item.with(value));
        };
        let mut item = item.clone();
        for step in steps
            .iter()
            .take_while(|_| item.place.is_some())
            .collect::<Vec<_>>()
        {
            item = item.step(step, value.clone())?;
        }
        Ok(Item {
            value,
            place: item.place,
        })
    }
}

/// The key of an object's field.
pub(super) fn key_of(key: Value) -> Result<Str> {
    match key {
        Value::String(key) => Ok(key),
        other => error(format!(
            "expected a string for object key but got: {}",
            super::fail::typed(&other)
        )),
    }
}
