//! When a fallback counts. Expressions are evaluated in two ways, with the size of the number that they give and without it: the rules
//! are the same for both.

use super::context::Context;
use super::expr::Expr;
use super::fail::Fail;
use super::flow::Flow;
use crate::value::Value;

/// `catch`: the first, or if it fails the fallback, in which `this` is the error's text.
#[inline(always)]
pub(super) fn catch<T>(
    first: &Expr,
    fallback: &Expr,
    cx: &mut Context<'_>,
    eval: impl Fn(&Expr, &mut Context<'_>) -> Result<T, Fail>,
) -> Result<T, Fail> {
    eval(first, cx).or_else(|fail| {
        let text = Flow::Value(Value::String(fail.message()));
        cx.with(text, |cx| eval(fallback, cx))
    })
}

/// `or` and `|`: the first, or the fallback if it fails or is empty.
#[inline(always)]
pub(super) fn or<T>(
    first: &Expr,
    fallback: &Expr,
    cx: &mut Context<'_>,
    eval: impl Fn(&Expr, &mut Context<'_>) -> Result<T, Fail>,
    is_empty: impl Fn(&T) -> bool,
) -> Result<T, Fail> {
    match eval(first, cx) {
        Ok(given) if !is_empty(&given) => Ok(given),
        _ => eval(fallback, cx),
    }
}
