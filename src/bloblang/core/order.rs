//! Methods that order elements or leave out equal ones.

use crate::bloblang::context::Context;
use crate::bloblang::expr::Method;
use crate::bloblang::fail::Fail;
use crate::bloblang::flow::Flow;
use crate::bloblang::number::Num;
use crate::bloblang::operators::text_bytes;
use crate::value::{Array, Object, Str, Value};
use bytes::Bytes;
use std::cmp::Ordering;
use std::collections::HashSet;

fn array(method: &Method, cx: &mut Context<'_>) -> Result<Array, Fail> {
    match method.target.eval(cx)? {
        Flow::Value(Value::Array(array)) => Ok(array),
        other => Err(Fail::wanted("array", other).blaming(|| method.target.name())),
    }
}

/// Sorts positions by `less`, which may fail; then nothing is less any more, and the first failure is the result. Short
/// lists are sorted by insertion, so that it is always the same pair that fails first.
fn sort_positions(
    len: usize,
    mut less: impl FnMut(usize, usize) -> Result<bool, Fail>,
) -> Result<Vec<usize>, Fail> {
    const SHORT: usize = 12;
    let mut failure = None;
    let mut less = |a: usize, b: usize| match failure {
        Some(_) => false,
        None => less(a, b).unwrap_or_else(|e| {
            failure = Some(e);
            false
        }),
    };
    let mut order: Vec<usize> = (0..len).collect();
    if len <= SHORT {
        for i in 1..len {
            let mut j = i;
            while j > 0 && less(order[j], order[j - 1]) {
                order.swap(j, j - 1);
                j -= 1;
            }
        }
    } else {
        order = merge_sort(order, &mut less);
    }
    match failure {
        Some(e) => Err(e),
        None => Ok(order),
    }
}

/// Sorts stably; unlike the standard library's, never minds a comparison that contradicts itself.
fn merge_sort(mut order: Vec<usize>, less: &mut impl FnMut(usize, usize) -> bool) -> Vec<usize> {
    let mut width = 1;
    while width < order.len() {
        let mut merged = Vec::with_capacity(order.len());
        for pair in order.chunks(width * 2) {
            let (left, right) = pair.split_at(width.min(pair.len()));
            let (mut l, mut r) = (0, 0);
            while l < left.len() && r < right.len() {
                if less(right[r], left[l]) {
                    merged.push(right[r]);
                    r += 1;
                } else {
                    merged.push(left[l]);
                    l += 1;
                }
            }
            merged.extend_from_slice(&left[l..]);
            merged.extend_from_slice(&right[r..]);
        }
        order = merged;
        width *= 2;
    }
    order
}

fn pick(items: &[Value], order: Vec<usize>) -> Flow {
    let sorted: Array = order.into_iter().map(|at| items[at].clone()).collect();
    Flow::Value(Value::Array(sorted))
}

pub(super) fn sort(method: &Method, cx: &mut Context<'_>) -> Result<Flow, Fail> {
    let mut items: Vec<Value> = array(method, cx)?.iter().collect();
    if method.args.query(0).is_none() && items.iter().all(|item| item.as_str().is_some()) {
        items.sort_by(|a, b| a.as_str().cmp(&b.as_str()));
        return Ok(Flow::Value(Value::Array(items.into())));
    }
    let order = match method.args.query(0) {
        Some(query) => sort_positions(items.len(), |a, b| {
            let mut pair = Object::new();
            pair.insert(Str::from_static("left"), items[a].clone());
            pair.insert(Str::from_static("right"), items[b].clone());
            match cx.with(Flow::Value(Value::Object(pair)), |cx| query.eval(cx))? {
                Flow::Value(Value::Bool(less)) => Ok(less),
                other => Err(Fail::wanted("bool", other).blaming(|| "sort argument".into())),
            }
        })?,
        None => sort_positions(items.len(), |a, b| {
            let flow = |at: usize| Flow::Value(items[at].clone());
            compare("sort", (a, flow(a)), (b, flow(b)), None).map(Ordering::is_lt)
        })?,
    };
    Ok(pick(&items, order))
}

pub(super) fn sort_by(method: &Method, cx: &mut Context<'_>) -> Result<Flow, Fail> {
    let items: Vec<Value> = array(method, cx)?.iter().collect();
    let Some(query) = method.args.query(0) else {
        return Ok(Flow::NULL);
    };
    // Keys are made when they are first compared: a list of one is never looked at.
    let mut keys: Vec<Option<Flow>> = vec![None; items.len()];
    let mut key = |at: usize| -> Result<Flow, Fail> {
        if let Some(key) = &keys[at] {
            return Ok(key.clone());
        }
        let made = cx.with(Flow::Value(items[at].clone()), |cx| query.eval(cx))?;
        keys[at] = Some(made.clone());
        Ok(made)
    };
    let order = sort_positions(items.len(), |a, b| {
        let (left, right) = (key(a)?, key(b)?);
        let name = || query.name();
        compare("sort_by", (a, left), (b, right), Some(&name)).map(Ordering::is_lt)
    })?;
    Ok(pick(&items, order))
}

/// Orders two numbers or two strings. The left one says which it is.
fn compare(
    what: &str,
    (a, left): (usize, Flow),
    (b, right): (usize, Flow),
    name: Option<&dyn Fn() -> String>,
) -> Result<Ordering, Fail> {
    let wrong = |wanted: &'static str, at: usize, got: Flow| {
        let fail = Fail::wanted(wanted, got);
        let fail = match name {
            Some(name) => fail.blaming(name),
            None => fail,
        };
        fail.context(format_args!("{what} element {at}"))
    };
    match &left {
        Flow::Value(text @ (Value::String(_) | Value::IllFormed(_))) => match &right {
            Flow::Value(other @ (Value::String(_) | Value::IllFormed(_))) => {
                Ok(text_bytes(text).cmp(&text_bytes(other)))
            }
            _ => Err(wrong("string", b, right)),
        },
        Flow::Value(value) if Num::of(value).is_some() => {
            let (l, r) = (Num::of(value), right_number(&right));
            match (l, r) {
                (Some(Num::Int(l)), Some(Num::Int(r))) => Ok(l.cmp(&r)),
                (Some(l), Some(r)) => {
                    Ok(l.float().partial_cmp(&r.float()).unwrap_or(Ordering::Equal))
                }
                _ => Err(wrong("number", b, right)),
            }
        }
        _ => Err(wrong("number or string", a, left)),
    }
}

fn right_number(flow: &Flow) -> Option<Num> {
    match flow {
        Flow::Value(value) => Num::of(value),
        _ => None,
    }
}

pub(super) fn unique(method: &Method, cx: &mut Context<'_>) -> Result<Flow, Fail> {
    let array = array(method, cx)?;
    let mut strings: HashSet<Str> = HashSet::new();
    let mut ill_formed: HashSet<Bytes> = HashSet::new();
    let mut numbers: HashSet<u64> = HashSet::new();
    let mut out = Vec::new();
    for (i, item) in array.iter().enumerate() {
        let key = match method.args.query(0) {
            None => Flow::Value(item.clone()),
            Some(query) => cx
                .with(Flow::Value(item.clone()), |cx| query.eval(cx))
                .map_err(|e| {
                    e.context(format_args!("index {i}"))
                        .blaming(|| method.target.name())
                })?,
        };
        let fresh = match &key {
            Flow::Value(Value::String(text)) => strings.insert(text.clone()),
            Flow::Value(Value::IllFormed(text)) => ill_formed.insert(text.clone()),
            Flow::Value(value) if let Some(n) = Num::of(value) => {
                // Zero has two signs and one value.
                let n = n.float();
                numbers.insert(if n == 0.0 { 0 } else { n.to_bits() })
            }
            _ => {
                return Err(Fail::wanted("string or number", key)
                    .context(format_args!("index {i}"))
                    .blaming(|| method.target.name()));
            }
        };
        if fresh {
            out.push(item);
        }
    }
    Ok(Flow::Value(Value::Array(out.into())))
}
