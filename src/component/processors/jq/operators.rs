//! The operators.

use super::fail::{Result, error, limit, typed};
use super::json;
use super::numbers::{Pair, big, compare, float, float_int, pair, same, total};
use super::syntax::Operator;
use crate::value::{Object, Value};
use std::cmp::Ordering;

/// How deep objects are put into each other by `*`.
const MAX_DEPTH: usize = 1_000;
/// The longest text that `*` makes; of a longer one it makes null.
const LONGEST_REPEAT: usize = 0x1000_0000;

pub(super) fn apply(operator: Operator, left: &Value, right: &Value) -> Result {
    match operator {
        Operator::Add => add(left, right),
        Operator::Subtract => subtract(left, right),
        Operator::Multiply => multiply(left, right, 0),
        Operator::Divide => divide(left, right),
        Operator::Modulo => modulo(left, right),
        comparison => {
            let order = compare(left, right);
            Ok(Value::Bool(match comparison {
                Operator::Equal => order == Ordering::Equal,
                Operator::NotEqual => order != Ordering::Equal,
                Operator::Less => order == Ordering::Less,
                Operator::LessOrEqual => order != Ordering::Greater,
                Operator::Greater => order == Ordering::Greater,
                _ => order != Ordering::Less,
            }))
        }
    }
}

fn unfit<T>(what: &str, left: &Value, right: &Value) -> Result<T> {
    error(format!(
        "cannot {what}: {} and {}",
        typed(left),
        typed(right)
    ))
}

pub(super) fn add(left: &Value, right: &Value) -> Result {
    if let Some(pair) = pair(left, right) {
        return Ok(match pair {
            Pair::Ints(l, r) => match l.checked_add(r) {
                Some(n) => Value::Int(n),
                None => big(num_bigint::BigInt::from(l) + r),
            },
            Pair::Bigs(l, r) => big(l + r),
            Pair::Floats(l, r) => Value::Float(l + r),
        });
    }
    match (left, right) {
        (Value::Null, other) | (other, Value::Null) => Ok(other.clone()),
        (Value::String(l), Value::String(r)) => {
            if l.len() + r.len() > json::MAX_TEXT {
                return limit(format!(
                    "a text of the program is longer than {} MiB",
                    json::MAX_TEXT >> 20
                ));
            }
            let mut text = String::with_capacity(l.len() + r.len());
            text.push_str(l);
            text.push_str(r);
            Ok(text.into())
        }
        (Value::Array(l), Value::Array(r)) if l.is_empty() => Ok(r.clone().into()),
        (Value::Array(l), Value::Array(r)) if r.is_empty() => Ok(l.clone().into()),
        (Value::Array(l), Value::Array(r)) => {
            if l.len() + r.len() > json::MAX_ITEMS {
                return limit(format!(
                    "an array of the program has more than {} elements",
                    json::MAX_ITEMS
                ));
            }
            json::array(l.iter().chain(r.iter()).collect())
        }
        (Value::Object(l), Value::Object(r)) => {
            let mut all = l.clone();
            all.extend(r.iter());
            Ok(all.into())
        }
        _ => unfit("add", left, right),
    }
}

fn subtract(left: &Value, right: &Value) -> Result {
    if let Some(pair) = pair(left, right) {
        return Ok(match pair {
            Pair::Ints(l, r) => match l.checked_sub(r) {
                Some(n) => Value::Int(n),
                None => big(num_bigint::BigInt::from(l) - r),
            },
            Pair::Bigs(l, r) => big(l - r),
            Pair::Floats(l, r) => Value::Float(l - r),
        });
    }
    match (left, right) {
        (Value::Array(l), Value::Array(r)) => {
            let mut gone: Vec<Value> = r.iter().collect();
            gone.sort_by(total);
            let is_gone = |item: &Value| match gone.binary_search_by(|other| total(other, item)) {
                Ok(at) => same(&gone[at], item),
                Err(_) => false,
            };
            json::array(l.iter().filter(|item| !is_gone(item)).collect())
        }
        _ => unfit("subtract", left, right),
    }
}

fn multiply(left: &Value, right: &Value, depth: usize) -> Result {
    if let Some(pair) = pair(left, right) {
        return Ok(match pair {
            Pair::Ints(l, r) => match l.checked_mul(r) {
                Some(n) => Value::Int(n),
                None => big(num_bigint::BigInt::from(l) * r),
            },
            Pair::Bigs(l, r) if l.bits() + r.bits() > 1 << 20 => {
                return limit("a number of the program has more than a million bits");
            }
            Pair::Bigs(l, r) => big(l * r),
            Pair::Floats(l, r) => Value::Float(l * r),
        });
    }
    match (left, right) {
        (Value::Object(l), Value::Object(r)) => Ok(merge(l, r, depth)?.into()),
        (Value::String(text), times) | (times, Value::String(text)) => match float(times) {
            Some(times) => repeat(text, times),
            None => unfit("multiply", left, right),
        },
        _ => unfit("multiply", left, right),
    }
}

fn merge(left: &Object, right: &Object, depth: usize) -> Result<Object> {
    if depth > MAX_DEPTH {
        return limit(format!(
            "objects that are multiplied are nested deeper than {MAX_DEPTH}"
        ));
    }
    let mut all = left.clone();
    for (key, value) in right.iter() {
        let merged = match (all.get(&key), &value) {
            (Some(Value::Object(l)), Value::Object(r)) => merge(&l, r, depth + 1)?.into(),
            _ => value,
        };
        all.insert(key, merged);
    }
    Ok(all)
}

fn repeat(text: &str, times: f64) -> Result {
    if times < 0.0
        || times.is_nan()
        || !text.is_empty() && times > (LONGEST_REPEAT / text.len()) as f64
    {
        return Ok(Value::Null);
    }
    if text.is_empty() {
        return Ok("".into());
    }
    let times = times as usize;
    if text.len() * times > json::MAX_TEXT {
        return limit(format!(
            "a text of the program is longer than {} MiB",
            json::MAX_TEXT >> 20
        ));
    }
    Ok(text.repeat(times).into())
}

fn divide(left: &Value, right: &Value) -> Result {
    let zero = || {
        error(format!(
            "cannot divide {} by: {}",
            typed(left),
            typed(right)
        ))
    };
    if let Some(pair) = pair(left, right) {
        return Ok(match pair {
            Pair::Ints(_, 0) => return zero(),
            Pair::Ints(l, r) => match l.checked_rem(r) {
                Some(0) => Value::Int(l / r),
                Some(_) => Value::Float(l as f64 / r as f64),
                None => big(num_bigint::BigInt::from(l) / r),
            },
            Pair::Bigs(_, r) if r == num_bigint::BigInt::ZERO => return zero(),
            Pair::Bigs(l, r) if &l % &r == num_bigint::BigInt::ZERO => big(l / r),
            Pair::Bigs(..) => {
                let of = |value| float(value).unwrap_or(f64::NAN);
                Value::Float(of(left) / of(right))
            }
            Pair::Floats(_, 0.0) => return zero(),
            Pair::Floats(l, r) => Value::Float(l / r),
        });
    }
    match (left, right) {
        (Value::String(l), Value::String(r)) => Ok(split(l, r)),
        _ => unfit("divide", left, right),
    }
}

/// The parts of a text between separators; without a separator its characters.
pub(super) fn split(text: &str, separator: &str) -> Value {
    let parts: Vec<Value> = match (text, separator) {
        ("", _) => Vec::new(),
        (text, "") => text
            .chars()
            .map(|c| c.encode_utf8(&mut [0; 4]).to_owned().into())
            .collect(),
        (text, separator) => text.split(separator).map(Value::from).collect(),
    };
    parts.into()
}

fn modulo(left: &Value, right: &Value) -> Result {
    let zero = || {
        error(format!(
            "cannot modulo {} by: {}",
            typed(left),
            typed(right)
        ))
    };
    match pair(left, right) {
        Some(Pair::Ints(_, 0)) => zero(),
        Some(Pair::Ints(l, r)) => Ok(Value::Int(l.checked_rem(r).unwrap_or(0))),
        Some(Pair::Bigs(_, r)) if r == num_bigint::BigInt::ZERO => zero(),
        Some(Pair::Bigs(l, r)) => Ok(big(l % r)),
        Some(Pair::Floats(l, r)) => match float_int(r) {
            0 => zero(),
            _ if l.is_nan() || r.is_nan() => Ok(Value::Float(f64::NAN)),
            r => Ok(Value::Int(float_int(l).checked_rem(r).unwrap_or(0))),
        },
        None => unfit("modulo", left, right),
    }
}

/// Whether a value holds another, in the sense of `contains`. None where the two can't be compared.
pub(super) fn contains(left: &Value, right: &Value, depth: usize) -> Result<Option<bool>> {
    if depth > MAX_DEPTH {
        return limit(format!(
            "values that are looked through are nested deeper than {MAX_DEPTH}"
        ));
    }
    if pair(left, right).is_some() {
        return Ok(Some(same(left, right)));
    }
    let holds = |l: &Value, r: &Value| Ok(contains(l, r, depth + 1)? == Some(true));
    Ok(Some(match (left, right) {
        (Value::String(l), Value::String(r)) => l.contains(&**r),
        (Value::Array(l), Value::Array(r)) => {
            for r in r.iter() {
                let mut found = false;
                for l in l.iter() {
                    if holds(&l, &r)? {
                        found = true;
                        break;
                    }
                }
                if !found {
                    return Ok(Some(false));
                }
            }
            true
        }
        (Value::Object(l), Value::Object(r)) => {
            for (key, r) in r.iter() {
                match l.get(&key) {
                    Some(l) if holds(&l, &r)? => {}
                    _ => return Ok(Some(false)),
                }
            }
            true
        }
        (Value::Null, Value::Null) => true,
        (Value::Bool(l), Value::Bool(r)) if l == r => true,
        _ => return Ok(None),
    }))
}

pub(super) fn is_true(value: &Value) -> bool {
    !matches!(value, Value::Null | Value::Bool(false))
}
