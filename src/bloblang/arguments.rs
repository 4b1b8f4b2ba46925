//! How the arguments of a call in the text become arguments in the order of its parameters.

use super::expr::{Arg, Args, Expr};
use super::fail::Fail;
use super::flow::Flow;
use super::methods::timestamp;
use super::number;
use super::spec::{Param, ParamKind};
use crate::value::Value;
use parking_lot::Mutex;

/// The arguments as written: all positional, or all by name.
pub(crate) enum Given {
    Positional(Vec<Expr>),
    Named(Vec<(String, Expr)>),
}

/// Puts arguments in the order of `params`, and checks what can be checked: their number, their names, constants' types.
pub(crate) fn bind(params: &'static [Param], given: Given) -> Result<Args, String> {
    let variadic = params.iter().any(|p| p.kind == ParamKind::Variadic);
    let mut slots: Vec<Option<Expr>> = match given {
        Given::Positional(list) => {
            if !variadic && list.len() > params.len() {
                return Err(format!(
                    "wrong number of arguments, expected {}, got {}",
                    params.len(),
                    list.len()
                ));
            }
            list.into_iter().map(Some).collect()
        }
        Given::Named(list) => by_name(params, list)?,
    };
    let fixed = params.len() - usize::from(variadic);
    while slots.len() < fixed {
        slots.push(None);
    }
    // Of arguments that are there but wrong the real thing tells first.
    let missing = missing(params, &slots);
    let mut list = Vec::with_capacity(slots.len());
    for (i, slot) in slots.into_iter().enumerate() {
        let param = params.get(i).or(params.last());
        let kind = param.map_or(ParamKind::Variadic, |p| p.kind);
        list.push(match (slot, kind) {
            (Some(expr), ParamKind::Query) => Arg::Query(expr),
            // A marker among the arguments is the method's to see.
            (Some(Expr::Const(c)), ParamKind::Any) if !matches!(c.flow, Flow::Value(_)) => {
                Arg::Dynamic(Expr::Const(c))
            }
            (Some(Expr::Const(c)), kind) => {
                let name = match kind {
                    ParamKind::Variadic => i.to_string(),
                    _ => param.map_or("", |p| p.name).to_string(),
                };
                let value =
                    convert(kind, c.flow).map_err(|e| format!("field {name}: {}", e.message()))?;
                Arg::Const(value)
            }
            (Some(expr), _) => Arg::Dynamic(expr),
            (None, kind) => match param.and_then(|p| p.default) {
                Some(text) if kind == ParamKind::Query => Arg::Query(default(text)),
                Some(text) => Arg::Const(match default(text) {
                    Expr::Const(c) => convert(kind, c.flow).map_err(|e| e.message().to_string())?,
                    _ => return Err(format!("the default `{text}` isn't a constant")),
                }),
                None => Arg::Absent,
            },
        });
    }
    if let Some(why) = missing {
        return Err(why);
    }
    let constant = |arg: &Arg| match arg {
        Arg::Const(value) => Some(value.clone()),
        Arg::Absent => Some(Value::Null),
        Arg::Dynamic(_) | Arg::Query(_) => None,
    };
    Ok(Args {
        ready: list.iter().map(constant).collect(),
        list,
        params,
        state: Mutex::default(),
    })
}

/// Which parameters have no argument and need one, if any.
fn missing(params: &[Param], slots: &[Option<Expr>]) -> Option<String> {
    let missing: Vec<&str> = std::iter::zip(params, slots)
        .filter(|(p, slot)| {
            slot.is_none() && p.default.is_none() && !p.optional && p.kind != ParamKind::Variadic
        })
        .map(|(p, _)| p.name)
        .collect();
    match &missing[..] {
        [] => None,
        [one] => Some(format!("missing parameter: {one}")),
        many => Some(format!("missing parameters: {}", many.join(", "))),
    }
}

/// Arguments of a call that isn't written as one.
pub(crate) fn raw(list: Vec<Arg>) -> Args {
    Args {
        list,
        ready: None,
        params: &[],
        state: Mutex::default(),
    }
}

fn by_name(
    params: &'static [Param],
    list: Vec<(String, Expr)>,
) -> Result<Vec<Option<Expr>>, String> {
    if params.iter().any(|p| p.kind == ParamKind::Variadic) {
        return Err("named arguments are not supported by this call".into());
    }
    let mut slots: Vec<Option<Expr>> = params.iter().map(|_| None).collect();
    for (name, expr) in list {
        let Some(at) = params.iter().position(|p| p.name == name) else {
            return Err(match params.len() {
                0 => format!("unknown parameter {name}"),
                _ => {
                    // The names not yet given are what may have been meant.
                    let open: Vec<&str> = std::iter::zip(params, &slots)
                        .filter(|(_, slot)| slot.is_none())
                        .map(|(p, _)| p.name)
                        .collect();
                    match open.len() {
                        0 => format!("unknown parameter {name}"),
                        _ => format!(
                            "unknown parameter {name}, did you mean {}?",
                            open.join(" or ")
                        ),
                    }
                }
            });
        };
        if slots[at].is_some() {
            return Err(format!("duplicate named arg: {name}"));
        }
        slots[at] = Some(expr);
    }
    Ok(slots)
}

/// The value of a default's text. Defaults are written by us: literals.
fn default(text: &str) -> Expr {
    super::parse::constant(text).unwrap_or_else(|| Expr::literal(text))
}

/// Makes of a value what a parameter of this kind takes.
pub(crate) fn convert(kind: ParamKind, flow: Flow) -> Result<Value, Fail> {
    match (kind, flow) {
        (ParamKind::Int, flow) => Ok(Value::Int(number::int(&flow)?)),
        (ParamKind::Float, flow) => Ok(Value::Float(number::number(&flow)?.float())),
        (ParamKind::Any | ParamKind::Variadic | ParamKind::Query, flow) => Ok(flow.into_value()),
        (ParamKind::String, Flow::Value(text @ (Value::String(_) | Value::IllFormed(_)))) => {
            Ok(text)
        }
        (ParamKind::String, Flow::Value(Value::Bytes(b))) => Ok(Value::text(b)),
        (ParamKind::Bool, flow) => Ok(Value::Bool(number::truth(&flow)?)),
        (ParamKind::Array, Flow::Value(Value::Array(a))) => Ok(Value::Array(a)),
        (ParamKind::Object, Flow::Value(Value::Object(o))) => Ok(Value::Object(o)),
        (ParamKind::Timestamp, Flow::Value(value)) => Ok(Value::Timestamp(timestamp(&value)?)),
        (ParamKind::Timestamp, marker) => Err(Fail::wanted("number or string", marker)),
        (kind, flow) => Err(Fail::text(format!(
            "wrong argument type, expected {}, got {}",
            wanted(kind),
            flow.type_name()
        ))),
    }
}

fn wanted(kind: ParamKind) -> &'static str {
    match kind {
        ParamKind::String => "string",
        ParamKind::Int | ParamKind::Float => "number",
        ParamKind::Bool => "bool",
        ParamKind::Array => "array",
        ParamKind::Object => "object",
        ParamKind::Timestamp => "timestamp",
        ParamKind::Any | ParamKind::Query | ParamKind::Variadic => "unknown",
    }
}
