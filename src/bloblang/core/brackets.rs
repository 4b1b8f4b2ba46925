//! `value[index]` and `value[from:to:step]`.

use super::CoreMethod;
use crate::bloblang::context::Context;
use crate::bloblang::expr::Method;
use crate::bloblang::fail::Fail;
use crate::bloblang::flow::Flow;
use crate::bloblang::number;
use crate::value::{Array, Value};

pub(crate) const INDEX: CoreMethod = index;
pub(crate) const SLICE: CoreMethod = slice;

/// A number in brackets; none if it was left out.
fn part(method: &Method, i: usize, what: &str, cx: &mut Context<'_>) -> Result<Option<i64>, Fail> {
    let Some(query) = method.args.query(i) else {
        return Ok(None);
    };
    let flow = query.eval(cx)?;
    number::int(&flow).map(Some).map_err(|e| e.context(what))
}

fn index(method: &Method, cx: &mut Context<'_>) -> Result<Flow, Fail> {
    let target = method.target.eval(cx)?;
    let index = part(method, 0, "index", cx)?.unwrap_or(0);
    let resolve = |len: usize| -> Result<usize, Fail> {
        let at = match index < 0 {
            true => index + len as i64,
            false => index,
        };
        usize::try_from(at)
            .ok()
            .filter(|at| *at < len)
            .ok_or_else(|| {
                method.blame(Fail::text(format!(
                    "index {index} out of bounds for length {len}"
                )))
            })
    };
    match target {
        Flow::Value(Value::Array(array)) => {
            let at = resolve(array.len())?;
            Ok(Flow::Value(array.get(at).unwrap_or(Value::Null)))
        }
        Flow::Value(Value::String(text)) => {
            let at = resolve(text.len())?;
            Ok(Flow::Value(Value::text(text.into_bytes().slice(at..=at))))
        }
        Flow::Value(Value::Bytes(bytes)) => {
            let at = resolve(bytes.len())?;
            Ok(Flow::Value(Value::Int(bytes[at].into())))
        }
        other => Err(method.blame(Fail::wanted("array or string", other))),
    }
}

fn slice(method: &Method, cx: &mut Context<'_>) -> Result<Flow, Fail> {
    let target = method.target.eval(cx)?;
    let low = part(method, 0, "slice start", cx)?;
    let high = part(method, 1, "slice end", cx)?;
    let step = part(method, 2, "slice step", cx)?.unwrap_or(1);
    let resolve =
        |len: usize| positions(len, low, high, step).map_err(|text| method.blame(Fail::text(text)));
    match target {
        Flow::Value(Value::Array(array)) => {
            let picked = resolve(array.len())?;
            let items: Array = picked.filter_map(|at| array.get(at)).collect();
            Ok(Flow::Value(Value::Array(items)))
        }
        Flow::Value(Value::String(text)) => {
            let picked: Vec<u8> = resolve(text.len())?.map(|at| text.as_bytes()[at]).collect();
            Ok(Flow::Value(Value::text(picked)))
        }
        Flow::Value(Value::Bytes(bytes)) => {
            let picked: Vec<u8> = resolve(bytes.len())?.map(|at| bytes[at]).collect();
            Ok(Flow::Value(Value::Bytes(picked.into())))
        }
        other => Err(method.blame(Fail::wanted("array or string", other))),
    }
}

/// Which positions a slice picks, in order. Negative bounds count from the end; what is out of reach is cut off.
fn positions(
    len: usize,
    low: Option<i64>,
    high: Option<i64>,
    step: i64,
) -> Result<impl Iterator<Item = usize>, String> {
    if step == 0 {
        return Err("slice step cannot be zero".into());
    }
    let size = len as i64;
    let from_end = |n: i64| if n < 0 { n.saturating_add(size) } else { n };
    let (start, end) = if step > 0 {
        let start = low.map_or(0, from_end);
        let end = high.map_or(size, from_end);
        if start > end && high.is_some() {
            return Err(format!(
                "lower slice bound ({}) must be lower than upper ({})",
                low.unwrap_or(0),
                high.unwrap_or(size)
            ));
        }
        (start.clamp(0, size), end.clamp(0, size))
    } else {
        let start = low.map_or(size - 1, from_end);
        let end = high.map_or(-1, |n| from_end(n).max(-1));
        (start.clamp(-1, size - 1), end.min(size - 1))
    };
    let mut at = start;
    Ok(std::iter::from_fn(move || {
        let within = if step > 0 { at < end } else { at > end };
        if !within {
            return None;
        }
        let picked = at as usize;
        at = at.saturating_add(step);
        Some(picked)
    }))
}
