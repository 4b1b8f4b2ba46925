//! The nodes that give any number of results.

use super::bindings::{Bound, Env, bind};
use super::fail::{Result, Stop, error, typed, unfit};
use super::json;
use super::machine::{Flow, Machine, Out, key_of};
use super::numbers::{compare, num};
use super::operators::{add, apply, is_true};
use super::paths;
use super::place::Item;
use super::program::{Field, Kind, Node, Pattern};
use super::syntax::Operator;
use crate::value::{Object, Value};
use std::{cell::RefCell, cmp::Ordering};

/// Hands what becomes of a value on.
type Change<'c> = &'c mut dyn FnMut(Value, &mut dyn FnMut(Value) -> Flow) -> Flow;

impl<'p> Machine<'p> {
    /// Hands the results of a node on that is not looped over.
    pub fn generate(&self, node: &'p Node, env: &Env<'p>, input: Item, out: Out<'_>) -> Flow {
        let plain = || input.plain();
        match &node.kind {
            Kind::Empty => Ok(()),
            Kind::Native(native, arguments) => {
                let values = RefCell::new(vec![Value::Null; arguments.len()]);
                self.product(arguments, env, &input, &values, &mut |values| {
                    out(input.with((native.run)(self, &input.value, values)?))
                })
            }
            Kind::GetPath(path) => self.run(path, env, plain(), &mut |path| {
                out(self.get_path(&input, &path.value)?)
            }),
            Kind::Path(of) => self.run(of, env, Item::root(input.value.clone()), &mut |item| {
                item.check(false)?;
                out(input.with(item.path()))
            }),
            Kind::Range(ends) => {
                let [from, to, step] = &**ends;
                self.run(from, env, plain(), &mut |from| {
                    self.run(to, env, plain(), &mut |to| {
                        self.run(step, env, plain(), &mut |step| {
                            self.range(&input, from.value.clone(), &to.value, &step.value, out)
                        })
                    })
                })
            }
            Kind::Recurse => self.recurse(input, out),
            Kind::Text(pieces) => {
                let texts = RefCell::new(vec![Value::Null; pieces.len()]);
                self.product(pieces, env, &input, &texts, &mut |texts| {
                    let texts = texts.iter().filter_map(Value::as_str);
                    out(input.with(json::string(texts.collect())?))
                })
            }
            Kind::Object(fields) => self.object(fields, env, &input, Object::new(), out),
            Kind::And(left, right) => {
                self.run(left, env, plain(), &mut |left| match is_true(&left.value) {
                    false => out(input.with(false.into())),
                    true => self.run(right, env, plain(), &mut |right| {
                        out(input.with(is_true(&right.value).into()))
                    }),
                })
            }
            Kind::Or(left, right) => {
                self.run(left, env, plain(), &mut |left| match is_true(&left.value) {
                    true => out(input.with(true.into())),
                    false => self.run(right, env, plain(), &mut |right| {
                        out(input.with(is_true(&right.value).into()))
                    }),
                })
            }
            Kind::Binary(operator, sides) => {
                let [left, right] = &**sides;
                self.run(right, env, plain(), &mut |right| {
                    self.run(left, env, plain(), &mut |left| {
                        out(input.with(apply(*operator, &left.value, &right.value)?))
                    })
                })
            }
            Kind::Assign(path, value) => self.run(value, env, plain(), &mut |new| {
                let made = RefCell::new(input.value.clone());
                self.run(path, env, Item::root(input.value.clone()), &mut |item| {
                    item.check(false)?;
                    let old = made.replace(Value::Null);
                    made.replace(paths::set_path(old, &item.path(), new.value.clone())?);
                    Ok(())
                })?;
                out(input.with(made.into_inner()))
            }),
            Kind::AssignPath(path, value) => self.run(value, env, plain(), &mut |new| {
                out(input.with(paths::set_path(input.value.clone(), path, new.value)?))
            }),
            Kind::Modify(path, update) => {
                let made = self.modify(path, env, &input, &mut |old, then| {
                    self.run(update, env, Item::new(old), &mut |item| then(item.value))
                })?;
                out(input.with(made))
            }
            Kind::Update(operator, path, value) => self.run(value, env, plain(), &mut |new| {
                let made = self.modify(path, env, &input, &mut |old, then| {
                    then(updated(*operator, old, &new.value)?)
                })?;
                out(input.with(made))
            }),
            Kind::Index(both) => {
                let [value, key] = &**both;
                self.run(key, env, plain(), &mut |key| {
                    self.run(value, env, input.clone(), &mut |item| {
                        out(self.index(&item, key.value.clone())?)
                    })
                })
            }
            Kind::Slice(all) => {
                let [value, from, to] = &**all;
                self.run(from, env, plain(), &mut |from| {
                    self.run(to, env, plain(), &mut |to| {
                        self.run(value, env, input.clone(), &mut |item| {
                            out(self.slice(&item, from.value.clone(), to.value.clone())?)
                        })
                    })
                })
            }
            Kind::Iterate(value) => self.run(value, env, input.clone(), &mut |item| {
                self.iterate(&item, out)
            }),
            Kind::Try(body, handler) => {
                // What fails behind it is no failure of its body.
                let mut behind = false;
                let made = self.run(body, env, input.clone(), &mut |item| {
                    let flow = out(item);
                    behind |= flow.is_err();
                    flow
                });
                let caught = match made {
                    Err(Stop::Error(text)) if !behind => text.into(),
                    Err(Stop::Thrown(value)) if !behind => *value,
                    other => return other,
                };
                match handler {
                    Some(handler) => self.run(handler, env, input.with(caught), out),
                    None => Ok(()),
                }
            }
            Kind::Reduce(pattern, parts) => {
                let [source, start, update] = &**parts;
                self.run(start, env, input.clone(), &mut |start| {
                    let state = RefCell::new(start.value.clone());
                    self.run(source, env, start.with(input.value.clone()), &mut |item| {
                        self.take_apart(pattern, item.value.clone(), env, &mut |inner| {
                            // The state is taken out, so that it is not shared while it is changed, as long as one result is sure.
                            let old = match update.single {
                                true => state.replace(Value::Null),
                                false => state.borrow().clone(),
                            };
                            self.run(update, inner, item.with(old), &mut |item| {
                                state.replace(item.value);
                                Ok(())
                            })
                        })
                    })?;
                    out(start.with(state.into_inner()))
                })
            }
            Kind::Foreach(pattern, parts) => {
                let [source, start, update, extract] = &**parts;
                self.run(start, env, input.clone(), &mut |start| {
                    let state = RefCell::new(start.value.clone());
                    self.run(source, env, start.with(input.value.clone()), &mut |item| {
                        self.take_apart(pattern, item.value.clone(), env, &mut |inner| {
                            let old = state.borrow().clone();
                            self.run(update, inner, item.with(old), &mut |item| {
                                state.replace(item.value.clone());
                                self.run(extract, inner, item, out)
                            })
                        })
                    })
                })
            }
            Kind::Bind(source, alternatives) => self.run(source, env, plain(), &mut |item| {
                for (at, alternative) in alternatives.iter().enumerate() {
                    let null = |env, _| bind(&env, Bound::Value(Value::Null));
                    let nulls = (0..alternative.nulls).fold(env.clone(), null);
                    let made = self.take_apart(
                        &alternative.pattern,
                        item.value.clone(),
                        &nulls,
                        &mut |inner| self.run(&alternative.body, inner, input.clone(), out),
                    );
                    match made {
                        Err(Stop::Error(_) | Stop::Thrown(_)) if at + 1 < alternatives.len() => {}
                        other => return other,
                    }
                }
                Ok(())
            }),
            _ => self.run(node, env, input, out),
        }
    }

    /// All combinations of the arguments' values. Those of the first argument are gone through first.
    fn product(
        &self,
        arguments: &'p [Node],
        env: &Env<'p>,
        input: &Item,
        values: &RefCell<Vec<Value>>,
        then: &mut dyn FnMut(&[Value]) -> Flow,
    ) -> Flow {
        let Some((last, rest)) = arguments.split_last() else {
            let values = values.borrow().clone();
            return then(&values);
        };
        self.run(last, env, input.plain(), &mut |item| {
            values.borrow_mut()[rest.len()] = item.value;
            self.product(rest, env, input, values, then)
        })
    }

    /// All objects that the fields make. Those of the last field are gone through first.
    fn object(
        &self,
        fields: &'p [(Node, Option<Node>)],
        env: &Env<'p>,
        input: &Item,
        made: Object,
        out: Out<'_>,
    ) -> Flow {
        let Some(((key, value), rest)) = fields.split_first() else {
            return out(input.with(made.into()));
        };
        self.run(key, env, input.plain(), &mut |key| {
            let mut with = |value| {
                let mut made = made.clone();
                made.insert(key_of(key.value.clone())?, value);
                self.object(rest, env, input, made, out)
            };
            match value {
                Some(value) => self.run(value, env, input.plain(), &mut |item| with(item.value)),
                None => with(paths::index(&input.value, &key.value)?),
            }
        })
    }

    fn range(&self, input: &Item, from: Value, to: &Value, step: &Value, out: Out<'_>) -> Flow {
        for end in [&from, to, step] {
            if num(end).is_none() {
                return unfit("range", end, &[]);
            }
        }
        let direction = compare(step, &Value::Int(0));
        let mut at = from;
        while direction != Ordering::Equal && compare(&at, to) == direction.reverse() {
            let next = add(&at, step)?;
            self.step()?;
            out(input.with(at))?;
            at = next;
        }
        Ok(())
    }

    /// A value and all that is in it, outer ones first.
    fn recurse(&self, input: Item, out: Out<'_>) -> Flow {
        let mut open: Vec<std::vec::IntoIter<(Value, Value)>> = Vec::new();
        let mut above: Vec<Item> = Vec::new();
        let mut next = input;
        loop {
            self.step()?;
            out(next.clone())?;
            if let Some(inner) = children(&next.value) {
                next.check(true)?;
                open.push(inner.into_iter());
                above.push(next);
            }
            loop {
                let (Some(rest), Some(item)) = (open.last_mut(), above.last()) else {
                    return Ok(());
                };
                if let Some((key, value)) = rest.next() {
                    next = item.step(key, value)?;
                    break;
                }
                open.pop();
                above.pop();
            }
        }
    }

    fn iterate(&self, item: &Item, out: Out<'_>) -> Flow {
        let Some(inner) = children(&item.value) else {
            return error(format!("cannot iterate over: {}", typed(&item.value)));
        };
        item.check(true)?;
        for (key, value) in inner {
            out(item.step(key, value)?)?;
        }
        Ok(())
    }

    /// Changes what paths lead to: to the first result of the update; without a result it is deleted.
    fn modify(&self, path: &'p Node, env: &Env<'p>, input: &Item, update: Change<'_>) -> Result {
        let state = RefCell::new((input.value.clone(), Vec::new()));
        self.run(path, env, Item::root(input.value.clone()), &mut |item| {
            item.check(false)?;
            let path = item.path();
            let old = paths::get_path(&state.borrow().0, &path)?;
            let label = self.label();
            let mut new = None;
            match update(old, &mut |value| {
                new = Some(value);
                Err(Stop::Break(label))
            }) {
                Err(Stop::Break(found)) if found == label => {}
                other => other?,
            }
            let (made, gone) = &mut *state.borrow_mut();
            match new {
                Some(new) => {
                    let old = std::mem::replace(made, Value::Null);
                    *made = paths::set_path(old, &path, new)?;
                    Ok(())
                }
                None => self.collect(gone, path),
            }
        })?;
        let (made, gone) = state.into_inner();
        match gone.is_empty() {
            true => Ok(made),
            false => paths::delete_paths(&made, &gone.into()),
        }
    }

    /// Binds the variables of a pattern, in every way that there is.
    fn take_apart(
        &self,
        pattern: &'p Pattern,
        value: Value,
        env: &Env<'p>,
        then: &mut dyn FnMut(&Env<'p>) -> Flow,
    ) -> Flow {
        match pattern {
            Pattern::Variable => then(&bind(env, Bound::Value(value))),
            Pattern::Array(patterns) => {
                if !matches!(value, Value::Null | Value::Array(_)) {
                    return super::fail::no_array(&value);
                }
                self.take_items(patterns, 0, &value, env, then)
            }
            Pattern::Object(fields) => self.take_fields(fields, &value, env, then),
        }
    }

    fn take_items(
        &self,
        patterns: &'p [Pattern],
        at: usize,
        value: &Value,
        env: &Env<'p>,
        then: &mut dyn FnMut(&Env<'p>) -> Flow,
    ) -> Flow {
        let Some(pattern) = patterns.get(at) else {
            return then(env);
        };
        let item = paths::index(value, &Value::Int(at as i64))?;
        self.take_apart(pattern, item, env, &mut |env| {
            self.take_items(patterns, at + 1, value, env, then)
        })
    }

    fn take_fields(
        &self,
        fields: &'p [Field],
        value: &Value,
        env: &Env<'p>,
        then: &mut dyn FnMut(&Env<'p>) -> Flow,
    ) -> Flow {
        let Some((field, rest)) = fields.split_first() else {
            return then(env);
        };
        self.run(&field.key, env, Item::new(value.clone()), &mut |key| {
            let found = paths::index(value, &key.value)?;
            let env = match field.binds {
                true => bind(env, Bound::Value(found.clone())),
                false => env.clone(),
            };
            match &field.inner {
                Some(inner) => self.take_apart(inner, found, &env, &mut |env| {
                    self.take_fields(rest, value, env, then)
                }),
                None => self.take_fields(rest, value, &env, then),
            }
        })
    }
}

/// Keys and values of what is directly in a value.
fn children(value: &Value) -> Option<Vec<(Value, Value)>> {
    match value {
        Value::Array(array) => Some(
            array
                .iter()
                .enumerate()
                .map(|(n, v)| (Value::Int(n as i64), v))
                .collect(),
        ),
        Value::Object(object) => Some(object.iter().map(|(k, v)| (Value::String(k), v)).collect()),
        _ => None,
    }
}

/// What `+=` and the like make of a value; without an operator `//=`.
fn updated(operator: Option<Operator>, old: Value, new: &Value) -> Result {
    match operator {
        Some(operator) => apply(operator, &old, new),
        None if is_true(&old) => Ok(old),
        None => Ok(new.clone()),
    }
}
