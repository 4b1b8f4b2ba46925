//! Numbers: integers of any size, exactly, and floats.

use crate::value::{Number, Value};
use num_bigint::BigInt;
use std::cmp::Ordering;

#[derive(Clone, Debug)]
pub(super) enum Num {
    Int(i64),
    Big(BigInt),
    Float(f64),
}

/// A value as a number, if it is one.
pub(super) fn num(value: &Value) -> Option<Num> {
    Some(match value {
        Value::Int(n) => Num::Int(*n),
        Value::Uint(n) => i64::try_from(*n).map_or_else(|_| Num::Big((*n).into()), Num::Int),
        Value::Float(n) => Num::Float(*n),
        Value::Number(n) => {
            let text = n.as_str();
            if let Ok(n) = text.parse() {
                Num::Int(n)
            } else if text.contains(['.', 'e', 'E']) {
                Num::Float(n.as_f64())
            } else {
                text.parse().map_or(Num::Float(n.as_f64()), Num::Big)
            }
        }
        _ => return None,
    })
}

/// An integer as a value.
pub(super) fn big(n: BigInt) -> Value {
    match i64::try_from(&n) {
        Ok(n) => Value::Int(n),
        Err(_) => Value::Number(Number::from_json_text(n.to_string().into())),
    }
}

impl Num {
    pub fn float(&self) -> f64 {
        match self {
            Num::Int(n) => *n as f64,
            Num::Big(n) => n.to_string().parse().unwrap_or(f64::NAN),
            Num::Float(n) => *n,
        }
    }

    /// As an index: without its fraction, and the nearest that there is if it is out of range.
    pub fn int(&self) -> i64 {
        match self {
            Num::Int(n) => *n,
            Num::Big(n) => match i64::try_from(n) {
                Ok(n) => n,
                Err(_) if *n > BigInt::ZERO => i64::MAX,
                Err(_) => i64::MIN,
            },
            Num::Float(n) => float_int(*n),
        }
    }
}

/// A float without its fraction.
pub(super) fn float_int(n: f64) -> i64 {
    if n.is_nan() { i64::MIN } else { n as i64 }
}

pub(super) fn float(value: &Value) -> Option<f64> {
    num(value).map(|n| n.float())
}

pub(super) fn int(value: &Value) -> Option<i64> {
    num(value).map(|n| n.int())
}

/// Two numbers that are to be put together, in the form in which that is done.
pub(super) enum Pair {
    Ints(i64, i64),
    Bigs(BigInt, BigInt),
    Floats(f64, f64),
}

pub(super) fn pair(left: &Value, right: &Value) -> Option<Pair> {
    Some(match (num(left)?, num(right)?) {
        (Num::Int(l), Num::Int(r)) => Pair::Ints(l, r),
        (Num::Big(l), Num::Big(r)) => Pair::Bigs(l, r),
        (Num::Big(l), Num::Int(r)) => Pair::Bigs(l, r.into()),
        (Num::Int(l), Num::Big(r)) => Pair::Bigs(l.into(), r),
        (l, r) => Pair::Floats(l.float(), r.float()),
    })
}

/// NaN stands before all numbers; before itself as well, unless a total order is asked for.
fn compare_numbers(left: &Value, right: &Value, total: bool) -> Option<Ordering> {
    Some(match pair(left, right)? {
        Pair::Ints(l, r) => l.cmp(&r),
        Pair::Bigs(l, r) => l.cmp(&r),
        Pair::Floats(l, r) if total && l.is_nan() && r.is_nan() => Ordering::Equal,
        Pair::Floats(l, r) if l < r || l.is_nan() => Ordering::Less,
        Pair::Floats(l, r) if l == r => Ordering::Equal,
        Pair::Floats(..) => Ordering::Greater,
    })
}

fn rank(value: &Value) -> u8 {
    match value {
        Value::Null => 0,
        Value::Bool(false) => 1,
        Value::Bool(true) => 2,
        Value::Int(_) | Value::Uint(_) | Value::Float(_) | Value::Number(_) => 3,
        Value::String(_) | Value::IllFormed(_) | Value::Bytes(_) | Value::Timestamp(_) => 4,
        Value::Array(_) => 5,
        Value::Object(_) => 6,
    }
}

/// Pairs that are still to be compared, and what counts if they are all equal.
struct Open(std::vec::IntoIter<(Value, Value)>, Ordering);

/// The order of all values.
pub(super) fn compare(left: &Value, right: &Value) -> Ordering {
    order(left, right, false)
}

/// The same as an order that values can be sorted by: NaN equals itself.
pub(super) fn total(left: &Value, right: &Value) -> Ordering {
    order(left, right, true)
}

/// Values can be nested without limit, so they are not followed by recursion.
fn order(left: &Value, right: &Value, total: bool) -> Ordering {
    let mut open: Vec<Open> = Vec::new();
    let (mut left, mut right) = (left.clone(), right.clone());
    loop {
        let order = match (&left, &right) {
            (Value::Array(l), Value::Array(r)) => {
                let pairs: Vec<_> = l.iter().zip(r.iter()).collect();
                open.push(Open(pairs.into_iter(), l.len().cmp(&r.len())));
                Ordering::Equal
            }
            (Value::Object(l), Value::Object(r)) => {
                let keys = l.keys().cmp(r.keys());
                if keys == Ordering::Equal {
                    let pairs: Vec<_> = l.values().zip(r.values()).collect();
                    open.push(Open(pairs.into_iter(), Ordering::Equal));
                }
                keys
            }
            (Value::String(l), Value::String(r)) => l.cmp(r),
            (l, r) => compare_numbers(l, r, total).unwrap_or_else(|| rank(l).cmp(&rank(r))),
        };
        if order != Ordering::Equal {
            return order;
        }
        loop {
            let Some(Open(pairs, at_end)) = open.last_mut() else {
                return Ordering::Equal;
            };
            if let Some(pair) = pairs.next() {
                (left, right) = pair;
                break;
            }
            let order = *at_end;
            if order != Ordering::Equal {
                return order;
            }
            open.pop();
        }
    }
}

pub(super) fn same(left: &Value, right: &Value) -> bool {
    compare(left, right) == Ordering::Equal
}
