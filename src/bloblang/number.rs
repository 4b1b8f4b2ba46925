//! What counts as a number, and how numbers are read from values.

use super::fail::Fail;
use super::flow::Flow;
use crate::value::{Read, Value};
use std::cmp::Ordering;

/// A number as arithmetic sees it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Num {
    Int(i64),
    Uint(u64),
    Float(f64),
}

impl Num {
    /// Reads a value; a number from JSON text is an integer if it is written as one and fits, else a float,
    /// and none if it is too large for that.
    pub(crate) fn of(value: &Value) -> Option<Num> {
        Some(match value {
            Value::Int(n) => Num::Int(*n),
            Value::Uint(n) => Num::Uint(*n),
            Value::Float(n) => Num::Float(*n),
            Value::Number(n) => Some(n.read()).filter(|n| n.is_in_range())?.into(),
            _ => return None,
        })
    }

    pub(crate) fn float(self) -> f64 {
        match self {
            Num::Int(n) => n as f64,
            Num::Uint(n) => n as f64,
            Num::Float(n) => n,
        }
    }

    /// As an integer: decimals are cut off, what doesn't fit wraps or becomes the smallest.
    pub(crate) fn int(self) -> i64 {
        match self {
            Num::Int(n) => n,
            Num::Uint(n) => n as i64,
            Num::Float(n) => float_to_int(n),
        }
    }

    pub(crate) fn equals(self, other: Num) -> bool {
        match (self, other) {
            (Num::Int(l), Num::Int(r)) => l == r,
            (l, r) => l.float() == r.float(),
        }
    }

    /// None where one isn't a number at all.
    pub(crate) fn order(self, other: Num) -> Option<Ordering> {
        match (self, other) {
            (Num::Int(l), Num::Int(r)) => Some(l.cmp(&r)),
            (l, r) => l.float().partial_cmp(&r.float()),
        }
    }

    pub(crate) fn is_zero(self) -> bool {
        match self {
            Num::Int(n) => n == 0,
            Num::Uint(n) => n == 0,
            Num::Float(n) => n == 0.0,
        }
    }
}

impl From<Read> for Num {
    fn from(n: Read) -> Num {
        match n {
            Read::Int(n) => Num::Int(n),
            Read::Float(n) => Num::Float(n),
        }
    }
}

impl From<Num> for Value {
    fn from(n: Num) -> Value {
        match n {
            Num::Int(n) => Value::Int(n),
            Num::Uint(n) => Value::Uint(n),
            Num::Float(n) => Value::Float(n),
        }
    }
}

fn float_to_int(n: f64) -> i64 {
    // 2^63 is the first float that doesn't fit.
    if (-9_223_372_036_854_775_808.0..9_223_372_036_854_775_808.0).contains(&n) {
        n as i64
    } else {
        i64::MIN
    }
}

/// The flow as an integer, as parameters take it.
pub(crate) fn int(flow: &Flow) -> Result<i64, Fail> {
    number(flow).map(Num::int)
}

/// The flow as a number.
pub(crate) fn number(flow: &Flow) -> Result<Num, Fail> {
    match flow {
        Flow::Value(value) => Num::of(value),
        Flow::Deleted | Flow::Nothing => None,
    }
    .ok_or_else(|| Fail::wanted("number", flow.clone()))
}

/// The flow as a yes or no: a bool, or a number that isn't zero.
pub(crate) fn truth(flow: &Flow) -> Result<bool, Fail> {
    match flow {
        Flow::Value(value) => truth_of(value),
        Flow::Deleted | Flow::Nothing => None,
    }
    .ok_or_else(|| Fail::wanted("bool", flow.clone()))
}

/// A bool, or a number that isn't zero, as a yes or no. In JSON text nothing but `0` is a zero in this sense.
pub(crate) fn truth_of(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(b) => Some(*b),
        Value::Number(number) => Some(number.as_str() != "0"),
        other => Num::of(other).map(|n| !n.is_zero()),
    }
}
