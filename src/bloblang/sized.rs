//! Numbers of fewer than 64 bits. Values don't tell them apart; the real thing does, and some of its operators and methods refuse them.
//! What counts here is which method a number comes from.

use super::context::Context;
use super::expr::{Expr, Method};
use super::fail::Fail;
use super::fallback;
use super::flow::Flow;
use super::spec::CallError;
use crate::value::Value;

/// What a number's size comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Size {
    /// 64 bits.
    Usual,
    /// That of the machine, as positions in arrays have it.
    Machine,
    /// That of the method which was called for it.
    Asked,
}

impl Size {
    /// That of what a method gives.
    fn of(method: &Method) -> Size {
        match method.name {
            "find" | "find_by" => Size::Machine,
            "float32" | "int16" | "int32" | "int8" | "uint16" | "uint32" | "uint8" => Size::Asked,
            _ => Size::Usual,
        }
    }
}

impl Expr {
    /// Evaluates, and says of which size it is if it is a number.
    pub(crate) fn eval_sized(&self, cx: &mut Context<'_>) -> Result<(Flow, Size), Fail> {
        if cx.stack_is_low() {
            return cx.on_new_stack(|cx| self.eval_sized(cx));
        }
        match self {
            Expr::Method(method) => match (method.name, method.args.query(0)) {
                ("catch", Some(second)) => {
                    fallback::catch(&method.target, second, cx, Self::eval_sized)
                }
                ("or", Some(second)) => either(&method.target, second, cx),
                _ => Ok((self.eval(cx)?, Size::of(method))),
            },
            Expr::Coalesce(pair) => either(&pair.0, &pair.1, cx),
            _ => Ok((self.eval(cx)?, Size::Usual)),
        }
    }

    /// What it gave as operators compute with it: a 32-bit float as what it is, and not as its shortest text says.
    pub(crate) fn widened(&self, gave: Flow) -> Flow {
        match (self, gave) {
            (Expr::Method(method), Flow::Value(Value::Number(n))) if method.name == "float32" => {
                Flow::Value(Value::Float(f64::from(n.as_f64() as f32)))
            }
            (_, gave) => gave,
        }
    }

    /// Whether it may give a number of another size than the usual.
    pub(crate) fn may_be_sized(&self) -> bool {
        match self {
            Expr::Method(method) => match (method.name, method.args.query(0)) {
                ("catch" | "or", Some(fallback)) => {
                    method.target.may_be_sized() || fallback.may_be_sized()
                }
                _ => Size::of(method) != Size::Usual,
            },
            Expr::Coalesce(pair) => pair.0.may_be_sized() || pair.1.may_be_sized(),
            _ => false,
        }
    }
}

fn either(first: &Expr, second: &Expr, cx: &mut Context<'_>) -> Result<(Flow, Size), Fail> {
    fallback::or(first, second, cx, Expr::eval_sized, |sized| {
        sized.0.is_empty()
    })
}

/// Whether a method takes numbers of the usual size only.
pub(crate) fn minds(method: &str) -> bool {
    matches!(method, "ceil" | "floor" | "log" | "log10" | "round")
}

/// Such a method on a receiver that may be of another size.
pub(crate) fn call(
    method: &Method,
    run: fn(Value, &[Value]) -> Result<Value, CallError>,
    cx: &mut Context<'_>,
) -> Result<Flow, Fail> {
    match method.target.eval_sized(cx)? {
        (Flow::Value(number), Size::Usual) => match run(number, &[]) {
            Ok(value) => Ok(Flow::Value(value)),
            Err(error) => Err(method.failed(error)),
        },
        (got, _) => Err(method.blame(Fail::wanted("number", got))),
    }
}
