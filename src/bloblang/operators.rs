//! Arithmetic and comparison. The texts of mismatches name both operands, so callers hand over how to name them.

use super::fail::Fail;
use super::flow::Flow;
use super::number::Num;
use crate::value::Value;
use bytes::{BufMut, BytesMut};
use std::borrow::Cow;
use std::cmp::Ordering;

/// A binary operator but `&&`, `||` and `|`, which don't always evaluate their right side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Op {
    Add,
    Sub,
    Mul,
    Div,
    Rem,
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
}

impl Op {
    fn verb(self) -> &'static str {
        match self {
            Op::Add => "add",
            Op::Sub => "subtract",
            Op::Mul => "multiply",
            Op::Div => "divide",
            Op::Rem => "modulo",
            Op::Eq | Op::Ne | Op::Lt | Op::Le | Op::Gt | Op::Ge => "compare",
        }
    }

    /// Applies the operator; `names` gives the names of left and right, if it fails.
    pub(crate) fn apply(
        self,
        left: &Flow,
        right: &Flow,
        names: &dyn Fn() -> (String, String),
    ) -> Result<Value, Fail> {
        let done = match self {
            Op::Eq | Op::Ne => {
                if is_endless(left) && is_endless(right) {
                    return Err(Fail::text("the values are too large to be compared"));
                }
                return Ok(Value::Bool(equal(left, right) == (self == Op::Eq)));
            }
            Op::Lt | Op::Le | Op::Gt | Op::Ge => {
                order(left, right).map(|o| Value::Bool(self.holds(o)))
            }
            Op::Add => add(left, right),
            Op::Sub | Op::Mul | Op::Div | Op::Rem => match numbers(left, right) {
                Some((l, r)) => {
                    if matches!(self, Op::Div | Op::Rem) && self.divisor_is_zero(r) {
                        return Err(Fail::text("attempted to divide by zero").blaming(|| names().1));
                    }
                    Some(self.compute(l, r))
                }
                None => None,
            },
        };
        done.ok_or_else(|| self.mismatch(left, right, names()))
    }

    /// The failure on operands that don't go together; `names` are theirs.
    pub(crate) fn mismatch(self, left: &Flow, right: &Flow, names: (String, String)) -> Fail {
        let show = |kind: &str, name: String| match name.is_empty() {
            true => kind.to_string(),
            false => format!("{kind} (from {name})"),
        };
        // Times, and numbers that are too large, count as text to what takes numbers of any kind, and with a number on the left to all that doesn't divide.
        let computes = matches!(self, Op::Sub | Op::Mul);
        let divides = matches!(self, Op::Div | Op::Rem);
        let beside_number = !divides && numbers(left, left).is_some();
        let kind = |flow: &Flow, as_text: bool| match flow {
            Flow::Value(Value::Timestamp(_)) if as_text => "string",
            Flow::Value(Value::Number(n)) if as_text && n.is_out_of_range() => "string",
            flow => flow.type_name(),
        };
        Fail::mismatch(format!(
            "cannot {} types {} and {}",
            self.verb(),
            show(kind(left, computes), names.0),
            show(kind(right, computes || beside_number), names.1)
        ))
    }

    /// The operator on two numbers; none where that fails.
    pub(crate) fn on_numbers(self, left: Num, right: Num) -> Option<Value> {
        Some(match self {
            Op::Eq => Value::Bool(left.equals(right)),
            Op::Ne => Value::Bool(!left.equals(right)),
            Op::Lt | Op::Le | Op::Gt | Op::Ge => Value::Bool(self.holds(left.order(right))),
            Op::Div | Op::Rem if self.divisor_is_zero(right) => return None,
            _ => self.compute(left, right),
        })
    }

    fn divisor_is_zero(self, divisor: Num) -> bool {
        match self {
            Op::Rem => divisor.int() == 0,
            _ => divisor.is_zero(),
        }
    }

    /// The operator on numbers: floats if one is a float, else signed if one is signed; integers wrap.
    fn compute(self, left: Num, right: Num) -> Value {
        match (self, left, right) {
            (Op::Div, l, r) => Value::Float(l.float() / r.float()),
            (Op::Rem, l, r) => Value::Int(l.int().wrapping_rem(r.int())),
            (_, Num::Float(_), _) | (_, _, Num::Float(_)) => {
                let (l, r) = (left.float(), right.float());
                Value::Float(match self {
                    Op::Add => l + r,
                    Op::Sub => l - r,
                    _ => l * r,
                })
            }
            (_, Num::Uint(l), Num::Uint(r)) => Value::Uint(match self {
                Op::Add => l.wrapping_add(r),
                Op::Sub => l.wrapping_sub(r),
                _ => l.wrapping_mul(r),
            }),
            (_, l, r) => {
                let (l, r) = (l.int(), r.int());
                Value::Int(match self {
                    Op::Add => l.wrapping_add(r),
                    Op::Sub => l.wrapping_sub(r),
                    _ => l.wrapping_mul(r),
                })
            }
        }
    }

    fn holds(self, order: Option<Ordering>) -> bool {
        match (self, order) {
            (_, None) => false,
            (Op::Lt, Some(o)) => o.is_lt(),
            (Op::Le, Some(o)) => o.is_le(),
            (Op::Gt, Some(o)) => o.is_gt(),
            (_, Some(o)) => o.is_ge(),
        }
    }
}

fn numbers(left: &Flow, right: &Flow) -> Option<(Num, Num)> {
    match (left, right) {
        (Flow::Value(l), Flow::Value(r)) => Some((Num::of(l)?, Num::of(r)?)),
        _ => None,
    }
}

/// Adds numbers, or joins text and bytes.
fn add(left: &Flow, right: &Flow) -> Option<Value> {
    let (Flow::Value(left), Flow::Value(right)) = (left, right) else {
        return None;
    };
    match (left, right) {
        (Value::String(l), Value::String(r)) => {
            let mut text = String::with_capacity(l.len() + r.len());
            text.push_str(l);
            text.push_str(r);
            Some(Value::String(text.into()))
        }
        (Value::String(_) | Value::IllFormed(_) | Value::Bytes(_), _) => {
            let (l, r) = (as_text(left)?, as_text(right)?);
            let mut joined = BytesMut::with_capacity(l.len() + r.len());
            joined.put_slice(&l);
            joined.put_slice(&r);
            Some(Value::text(joined))
        }
        (l, r) => Some(Op::Add.compute(Num::of(l)?, Num::of(r)?)),
    }
}

/// The bytes of a string or of bytes.
pub(crate) fn text_bytes(value: &Value) -> Option<&[u8]> {
    match value {
        Value::String(s) => Some(s.as_bytes()),
        Value::Bytes(b) | Value::IllFormed(b) => Some(b),
        _ => None,
    }
}

/// The same, and the text of a time: that is what a time is compared and joined as.
fn as_text(value: &Value) -> Option<Cow<'_, [u8]>> {
    match value {
        Value::Timestamp(time) => Some(Cow::Owned(time.to_string().into_bytes())),
        value => text_bytes(value).map(Cow::Borrowed),
    }
}

/// How two values of the same kind are ordered; none if they can't be compared.
fn order(left: &Flow, right: &Flow) -> Option<Option<Ordering>> {
    let (Flow::Value(left), Flow::Value(right)) = (left, right) else {
        return None;
    };
    if let (Some(l), Some(r)) = (as_text(left), as_text(right)) {
        return Some(Some(l.cmp(&r)));
    }
    Some(Num::of(left)?.order(Num::of(right)?))
}

/// Whether looking at all of a value would take too long: parts that are shared over and over are looked at each time.
fn is_endless(value: &Flow) -> bool {
    const MOST: usize = 256 << 20;
    matches!(value, Flow::Value(value @ (Value::Array(_) | Value::Object(_))) if value.exceeds(MOST))
}

fn equal(left: &Flow, right: &Flow) -> bool {
    match (left, right) {
        (Flow::Value(l), Flow::Value(r)) => values_equal(l, r),
        // A marker isn't even what another of its kind is.
        _ => false,
    }
}

/// Whether two values are the same: numbers by value whatever their kind, text, bytes and times by bytes, a bool on the left also
/// with a number that isn't zero.
pub(crate) fn values_equal(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Null, Value::Null) => true,
        (Value::Bool(l), r) => super::number::truth_of(r) == Some(*l),
        (Value::Array(l), Value::Array(r)) => {
            l.len() == r.len() && l.iter().zip(r.iter()).all(|(l, r)| values_equal(&l, &r))
        }
        (Value::Object(l), Value::Object(r)) => {
            l.len() == r.len()
                && l.iter()
                    .zip(r.iter())
                    .all(|((lk, lv), (rk, rv))| lk == rk && values_equal(&lv, &rv))
        }
        (l, r) => match (as_text(l), as_text(r)) {
            (Some(l), Some(r)) => l == r,
            (None, None) => match (Num::of(l), Num::of(r)) {
                (Some(l), Some(r)) => l.equals(r),
                _ => matches!((l, r), (Value::Number(l), Value::Number(r)) if l == r),
            },
            _ => false,
        },
    }
}
