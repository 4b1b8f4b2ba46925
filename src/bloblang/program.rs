//! A compiled mapping: its statements and maps, and how they run.

use super::context::{Context, MAX_APPLY, This};
use super::expr::Expr;
use super::fail::Fail;
use super::flow::Flow;
use super::path::{self, Path, SetError};
use crate::value::{Object, Str, Value};
use std::collections::HashMap;
use std::sync::Arc;

/// A whole mapping.
#[derive(Default)]
pub(crate) struct Program {
    pub(crate) statements: Vec<Statement>,
    /// The variables' names, by slot.
    pub(crate) names: Vec<Str>,
    pub(crate) maps: HashMap<Str, Arc<MapBody>>,
}

/// A `map NAME { }`.
pub(crate) struct MapBody {
    pub(crate) statements: Vec<Statement>,
    pub(crate) names: Vec<Str>,
}

pub(crate) struct Statement {
    /// The line it begins in, from 1; within a map, from the map's first line.
    pub(crate) line: usize,
    pub(crate) action: Action,
}

pub(crate) enum Action {
    Assign(Target, Expr),
    /// Conditions with their statements; the last may have no condition.
    If(Vec<(Option<Expr>, Vec<Statement>)>),
}

/// What is assigned to.
pub(crate) enum Target {
    Root(Path),
    /// One metadata key, or all of it.
    Meta(Option<Str>),
    Variable(usize),
}

/// Runs statements in order; the failure names the line.
pub(crate) fn run(statements: &[Statement], cx: &mut Context<'_>) -> Result<(), Fail> {
    for statement in statements {
        statement.run(cx).map_err(|e| {
            let line = statement.line;
            cx.explain(e)
                .context(format_args!("failed assignment (line {line})"))
        })?;
    }
    Ok(())
}

/// The same for a map, whose failures are told of by the innermost map's line.
pub(crate) fn run_map(statements: &[Statement], cx: &mut Context<'_>) -> Result<(), Fail> {
    for statement in statements {
        statement.run(cx).map_err(|e| e.in_map(statement.line))?;
    }
    Ok(())
}

impl Statement {
    fn run(&self, cx: &mut Context<'_>) -> Result<(), Fail> {
        match &self.action {
            Action::Assign(target, expr) => match expr.eval(cx)? {
                Flow::Nothing => Ok(()),
                flow => target.assign(flow, cx),
            },
            Action::If(branches) => {
                for (i, (condition, statements)) in branches.iter().enumerate() {
                    let holds = match condition {
                        None => true,
                        Some(condition) => {
                            let flow = condition.eval(cx).map_err(|e| {
                                e.context(format_args!("failed to check if condition {}", i + 1))
                            })?;
                            match flow {
                                Flow::Value(Value::Bool(b)) => b,
                                other => return Err(super::eval::not_a_bool(condition, &other)),
                            }
                        }
                    };
                    if holds {
                        for statement in statements {
                            statement.run(cx)?;
                        }
                        return Ok(());
                    }
                }
                Ok(())
            }
        }
    }
}

impl Target {
    fn assign(&self, flow: Flow, cx: &mut Context<'_>) -> Result<(), Fail> {
        match self {
            Target::Variable(slot) => {
                cx.variables[*slot] = match flow {
                    Flow::Value(value) => Some(value),
                    Flow::Deleted | Flow::Nothing => None,
                };
                Ok(())
            }
            Target::Meta(key) => assign_metadata(key.as_ref(), flow, cx),
            Target::Root(path) if path.is_empty() => {
                if let Some(live) = cx.live.as_mut().filter(|live| !live.detached) {
                    live.detached = true;
                    if let (true, Flow::Value(before)) = (live.edited, &cx.root) {
                        live.before = Some(before.clone());
                    }
                }
                cx.root = flow;
                Ok(())
            }
            Target::Root(path) => assign_path(path, flow, cx),
        }
    }
}

/// For more fields than this no room is made beforehand.
const MANY: usize = 16;

fn assign_path(path: &Path, flow: Flow, cx: &mut Context<'_>) -> Result<(), Fail> {
    if matches!(cx.root, Flow::Deleted) {
        return match flow {
            Flow::Value(_) => Err(Fail::text(format!(
                "unable to set target path {} as the value of the root was a non-object type (delete)",
                path::show(path)
            ))),
            Flow::Deleted | Flow::Nothing => Ok(()),
        };
    }
    if matches!(cx.root, Flow::Nothing) {
        // Most statements set a field of their own.
        let fields = cx.program.statements.len().min(MANY);
        cx.root = Flow::Value(Value::Object(Object::with_capacity(fields)));
    }
    let Flow::Value(root) = &mut cx.root else {
        return Ok(());
    };
    if let Value::Null = root {
        *root = Value::Object(Object::new());
    }
    match flow {
        Flow::Value(value) => path::set(root, path, value).map_err(|e| {
            let target = path::show(path);
            Fail::text(match e {
                SetError::Text(text) => format!("unable to set target path {target}: {text}"),
                SetError::Collision => match blocker(root, path) {
                    Some((at, kind)) => format!(
                        "unable to set target path {target} as the value of {at} was a non-object type ({kind})"
                    ),
                    None => format!("unable to set target path {target}"),
                },
            })
        })?,
        Flow::Deleted | Flow::Nothing => {
            path::remove(root, path);
        }
    }
    if let Some(live) = cx.live.as_mut().filter(|live| !live.detached) {
        live.edited = true;
    }
    Ok(())
}

/// The first value on the way along `path` that isn't an object, with its type.
fn blocker(root: &Value, path: &[path::Segment]) -> Option<(String, &'static str)> {
    (0..path.len()).find_map(|n| {
        let value = path::get(root, &path[..n])?;
        let at = match n {
            0 => "the root".to_string(),
            n => path::show(&path[..n]),
        };
        match value {
            Value::Object(_) => None,
            other => Some((at, other.type_name())),
        }
    })
}

fn assign_metadata(key: Option<&Str>, flow: Flow, cx: &mut Context<'_>) -> Result<(), Fail> {
    // A map sees the metadata that is being made, but has no part in making it.
    let Some(metadata) = cx.metadata.as_deref_mut().filter(|_| cx.applied == 0) else {
        return Err(Fail::text(
            "unable to assign metadata in the current context",
        ));
    };
    match (key, flow) {
        (Some(key), Flow::Value(value)) => metadata.set(key.clone(), value),
        (Some(key), _) => {
            metadata.remove(key);
        }
        (None, Flow::Value(Value::Object(object))) => {
            metadata.clear();
            for (key, value) in object.iter() {
                metadata.set(key, value);
            }
        }
        (None, Flow::Value(other)) => {
            return Err(Fail::text(format!(
                "setting root meta object requires object value, received: {}",
                crate::codec::go_fmt::type_of(&other)
            )));
        }
        (None, _) => metadata.clear(),
    }
    Ok(())
}

impl Context<'_> {
    /// Replaces the failure to read `this` by why the message has no value.
    fn explain(&self, fail: Fail) -> Fail {
        let (This::Message(index), Some(path)) = (&self.this, fail.missing_context()) else {
            return fail;
        };
        let Err(why) = self.document(*index) else {
            return fail;
        };
        Fail::text(match &**path {
            "" => format!("unable to reference message as structured (with 'this'): {why}"),
            path => {
                format!("unable to reference message as structured (with 'this.{path}'): {why}")
            }
        })
    }

    /// Applies the map of this name to a value.
    pub(crate) fn apply_map(&mut self, name: &str, target: Flow) -> Result<Flow, Fail> {
        let program = self.program;
        if self.is_lone {
            return Err(Fail::text("no maps were found"));
        }
        let Some(map) = program.maps.get(name) else {
            return Err(Fail::text(format!("map {name} was not found")));
        };
        let run = |cx: &mut Self| run_map(&map.statements, cx);
        if self.applied >= MAX_APPLY {
            return Err(Fail::too_deep(format!(
                "entering map {name} exceeded maximum allowed stacks of {MAX_APPLY}, this could be due to unbounded recursion"
            )));
        }
        let ((), made) = self.apply(target, &map.names, run)?;
        Ok(made)
    }
}

/// Whether any of the statements may assign to root.
pub(crate) fn assign_root(statements: &[Statement]) -> bool {
    statements.iter().any(|s| match &s.action {
        Action::Assign(target, _) => matches!(target, Target::Root(_)),
        Action::If(branches) => branches.iter().any(|(_, inner)| assign_root(inner)),
    })
}
