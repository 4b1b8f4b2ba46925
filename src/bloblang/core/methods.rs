//! Methods that steer evaluation: fallbacks, contexts, maps, other messages of the batch.

use super::{CoreMethod, iterate, order};
use crate::bloblang::context::{Context, This};
use crate::bloblang::environment::Environment;
use crate::bloblang::expr::{Arg, Expr, Method};
use crate::bloblang::fail::Fail;
use crate::bloblang::flow::Flow;
use crate::bloblang::methods::objects;
use crate::bloblang::program::{self, Program};
use crate::bloblang::{fallback, parse, path};
use crate::value::Value;
use std::sync::Arc;

/// How many segments a path may have along which something is set.
const MAX_PATH: usize = 1000;

/// The code of a method of the core.
pub(crate) fn method(name: &str) -> Option<CoreMethod> {
    Some(match name {
        "all" => iterate::all,
        "any" => iterate::any,
        "apply" => apply,
        "bloblang" => bloblang,
        "catch" => catch,
        "exists" => exists,
        "filter" => iterate::filter,
        "find_all_by" => iterate::find_all_by,
        "find_by" => iterate::find_by,
        "fold" => iterate::fold,
        "from" => from,
        "from_all" => from_all,
        "get" => get,
        "map" => map,
        "map_each" => iterate::map_each,
        "map_each_key" => iterate::map_each_key,
        "not" => not,
        "or" => or,
        "set" => set,
        "sort" => order::sort,
        "sort_by" => order::sort_by,
        "split_by" => iterate::split_by,
        "type" => type_of,
        "unique" => order::unique,
        _ => return None,
    })
}

fn catch(method: &Method, cx: &mut Context<'_>) -> Result<Flow, Fail> {
    match method.args.query(0) {
        Some(query) => fallback::catch(&method.target, query, cx, Expr::eval),
        None => method.target.eval(cx),
    }
}

fn or(method: &Method, cx: &mut Context<'_>) -> Result<Flow, Fail> {
    match method.args.query(0) {
        Some(query) => fallback::or(&method.target, query, cx, Expr::eval, Flow::is_empty),
        None => method.target.eval(cx),
    }
}

fn map(method: &Method, cx: &mut Context<'_>) -> Result<Flow, Fail> {
    let value = method.target.eval(cx)?;
    match method.args.query(0) {
        Some(query) => cx.with(value, |cx| query.eval(cx)),
        None => Ok(value),
    }
}

fn not(method: &Method, cx: &mut Context<'_>) -> Result<Flow, Fail> {
    match method.target.eval(cx)? {
        Flow::Value(Value::Bool(b)) => Ok((!b).into()),
        other => Err(Fail::wanted("bool", other).blaming(|| method.target.name())),
    }
}

fn type_of(method: &Method, cx: &mut Context<'_>) -> Result<Flow, Fail> {
    Ok(method.target.eval(cx)?.type_name().into())
}

/// A path given as an argument.
fn path_argument(method: &Method, cx: &mut Context<'_>) -> Result<path::Path, Fail> {
    match method.args.get(0, cx, "method", method.name)?.into_str() {
        Ok(text) => Ok(path::parse(&text)),
        Err(other) => Err(Fail::wanted("string", Flow::Value(other))),
    }
}

fn get(method: &Method, cx: &mut Context<'_>) -> Result<Flow, Fail> {
    let path = path_argument(method, cx)?;
    let flow = method.target.eval(cx)?;
    Ok(crate::bloblang::eval::read(&flow, &path))
}

fn exists(method: &Method, cx: &mut Context<'_>) -> Result<Flow, Fail> {
    let path = path_argument(method, cx)?;
    Ok(match method.target.eval(cx)? {
        Flow::Value(value) => path::exists(&value, &path),
        Flow::Deleted | Flow::Nothing => false,
    }
    .into())
}

/// Sets or, with `deleted()`, removes what the receiver holds at a path.
fn set(method: &Method, cx: &mut Context<'_>) -> Result<Flow, Fail> {
    let path = match method.args.get(0, cx, "method", method.name)?.into_str() {
        Ok(text) => text,
        Err(other) => return Err(Fail::wanted("string", Flow::Value(other))),
    };
    if memchr::memchr_iter(b'.', path.as_bytes()).count() > MAX_PATH {
        return Err(Fail::text(format!(
            "the path has more than {MAX_PATH} segments"
        )));
    }
    let value = match method.args.list.get(1) {
        Some(Arg::Dynamic(Expr::Const(c))) if matches!(c.flow, Flow::Deleted) => None,
        _ => Some(method.args.get(1, cx, "method", method.name)?),
    };
    match method.target.eval(cx)? {
        Flow::Value(receiver) => Ok(Flow::Value(objects::set(receiver, &path, value)?)),
        Flow::Deleted | Flow::Nothing => Err(Fail::text(
            "encountered value collision whilst building path",
        )),
    }
}

fn apply(method: &Method, cx: &mut Context<'_>) -> Result<Flow, Fail> {
    let name = match method.args.list.first() {
        // The usual case has nothing to evaluate or to copy.
        Some(Arg::Const(Value::String(name))) => name.clone(),
        _ => match method.args.get(0, cx, "method", method.name)?.into_str() {
            Ok(name) => name,
            Err(other) => return Err(Fail::wanted("string", Flow::Value(other))),
        },
    };
    let target = method.target.eval(cx)?;
    cx.apply_map(&name, target)
}

/// Evaluates the receiver as for another message of the batch.
fn from(method: &Method, cx: &mut Context<'_>) -> Result<Flow, Fail> {
    let index = match method.args.get(0, cx, "method", method.name)? {
        Value::Int(n) => n,
        other => return Err(Fail::wanted("number", Flow::Value(other))),
    };
    let index = match index < 0 {
        true => index + cx.batch.len() as i64,
        false => index,
    };
    let outer = std::mem::replace(&mut cx.index, usize::try_from(index).unwrap_or(usize::MAX));
    let result = method.target.eval(cx);
    cx.index = outer;
    result
}

fn from_all(method: &Method, cx: &mut Context<'_>) -> Result<Flow, Fail> {
    let outer = cx.index;
    let mut out = Vec::with_capacity(cx.batch.len());
    let mut failure = None;
    for index in 0..cx.batch.len() {
        cx.index = index;
        match method.target.eval(cx) {
            Ok(flow) => out.push(flow.into_value()),
            Err(e) => {
                failure = Some(e);
                break;
            }
        }
    }
    cx.index = outer;
    match failure {
        Some(e) => Err(e),
        None => Ok(Flow::Value(Value::Array(out.into()))),
    }
}

/// Runs a mapping given as text, which sees nothing but the receiver.
fn bloblang(method: &Method, cx: &mut Context<'_>) -> Result<Flow, Fail> {
    let program = match &method.inner {
        Some(program) => program.clone(),
        None => match method.args.get(0, cx, "method", method.name)? {
            Value::String(text) => inner_program(&text).map_err(Fail::text)?,
            other => return Err(Fail::wanted("string", Flow::Value(other))),
        },
    };
    let target = method.target.eval(cx)?;
    let mut inner = Context::new(&program, &[], 0);
    inner.this = This::Value(target);
    inner.applied = cx.applied + 1;
    program::run_map(&program.statements, &mut inner)?;
    Ok(inner.root)
}

/// Compiles the text of a mapping for `bloblang`.
pub(crate) fn inner_program(text: &str) -> Result<Arc<Program>, String> {
    match parse::mapping(text, &Environment::pure()) {
        Ok(program) => Ok(Arc::new(program)),
        Err(e) => Err(format!("failed to parse bloblang mapping: {e}")),
    }
}
