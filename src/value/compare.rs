//! When values are the same.

use super::Value;
use std::cmp::Ordering;

/// Values are equal if they are of the same type and have the same content, at every depth. Numbers are compared by their value,
/// whatever form they are held in; integers exactly.
impl PartialEq for Value {
    fn eq(&self, other: &Value) -> bool {
        // Trees can be nested without limit, so what is left to compare stands in a list.
        let mut pairs = vec![];
        if !shallow(self, other, &mut pairs) {
            return false;
        }
        while let Some((a, b)) = pairs.pop() {
            if !shallow(&a, &b, &mut pairs) {
                return false;
            }
        }
        true
    }
}

/// Compares two values except for the containers in them, which are appended to `pairs`.
fn shallow(a: &Value, b: &Value, pairs: &mut Vec<(Value, Value)>) -> bool {
    let mut child = |a: Value, b: Value| match (&a, &b) {
        (Value::Array(_), Value::Array(_)) | (Value::Object(_), Value::Object(_)) => {
            pairs.push((a, b));
            true
        }
        _ => scalars(&a, &b),
    };
    match (a, b) {
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b.iter()).all(|(a, b)| child(a, b))
        }
        (Value::Object(a), Value::Object(b)) => {
            let mut others = b.iter();
            let are_equal = a.iter().all(|(key, a)| match others.next() {
                Some((other, b)) => key == other && child(a, b),
                None => false,
            });
            are_equal && others.next().is_none()
        }
        _ => scalars(a, b),
    }
}

fn scalars(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Null, Value::Null) => true,
        (Value::Bool(a), Value::Bool(b)) => a == b,
        (Value::String(a), Value::String(b)) => a == b,
        (Value::Bytes(a), Value::Bytes(b)) | (Value::IllFormed(a), Value::IllFormed(b)) => a == b,
        (Value::Timestamp(a), Value::Timestamp(b)) => a == b,
        _ => numbers(a, b) == Some(Ordering::Equal),
    }
}

/// The order of two numbers: exact if both are integers, else as floats. None if one of them isn't a number.
pub(super) fn numbers(a: &Value, b: &Value) -> Option<Ordering> {
    if let (Some(a), Some(b)) = (a.as_integer(), b.as_integer()) {
        return Some(a.cmp(&b));
    }
    a.as_f64()?.partial_cmp(&b.as_f64()?)
}

impl Value {
    /// The value of a number that is held or written as an integer.
    fn as_integer(&self) -> Option<i128> {
        match self {
            Value::Int(n) => Some((*n).into()),
            Value::Uint(n) => Some((*n).into()),
            Value::Number(n) => n
                .as_i64()
                .map(i128::from)
                .or_else(|| n.as_u64().map(i128::from)),
            _ => None,
        }
    }

    /// A number as a signed integer, if it is held or written as an integer and fits.
    pub fn as_i64(&self) -> Option<i64> {
        match self {
            Value::Int(n) => Some(*n),
            Value::Uint(n) => i64::try_from(*n).ok(),
            Value::Number(n) => n.as_i64(),
            _ => None,
        }
    }

    /// A number as an unsigned integer, if it is held or written as an integer and fits.
    pub fn as_u64(&self) -> Option<u64> {
        match self {
            Value::Int(n) => u64::try_from(*n).ok(),
            Value::Uint(n) => Some(*n),
            Value::Number(n) => n.as_u64(),
            _ => None,
        }
    }

    /// A number as the nearest float.
    pub fn as_f64(&self) -> Option<f64> {
        match self {
            Value::Int(n) => Some(*n as f64),
            Value::Uint(n) => Some(*n as f64),
            Value::Float(n) => Some(*n),
            Value::Number(n) => Some(n.as_f64()),
            _ => None,
        }
    }

    /// The order of two numbers, exact if both are integers; none if one of them isn't a number, or not one that can be compared.
    pub fn compare_numbers(&self, other: &Value) -> Option<Ordering> {
        numbers(self, other)
    }

    /// A number that is held as text becomes what arithmetic takes it for (see [`super::Number::sanitised`]); other values stay.
    pub fn sanitised(self) -> Value {
        match self {
            Value::Number(n) => n.sanitised(),
            other => other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Object, parse};
    use super::*;
    use bytes::Bytes;

    #[test]
    fn content_counts_and_form_does_not() {
        let parsed = |text: &'static str| parse(&Bytes::from_static(text.as_bytes())).unwrap();
        let object: Object = [
            ("a".into(), Value::Int(1)),
            ("b".into(), vec![2.0.into()].into()),
        ]
        .into_iter()
        .collect();
        for (a, b, same) in [
            (parsed("1"), Value::Int(1), true),
            (parsed("1.0"), Value::Uint(1), true),
            (parsed("1"), parsed("2"), false),
            (
                parsed("9007199254740993"),
                Value::Int(9007199254740992),
                false,
            ),
            (parsed("18446744073709551615"), Value::Uint(u64::MAX), true),
            (f64::NAN.into(), f64::NAN.into(), false),
            (parsed("null"), Value::Null, true),
            (parsed("\"\\u0061\""), "a".into(), true),
            ("a".into(), Bytes::from_static(b"a").into(), false),
            (Value::Int(1), true.into(), false),
            (parsed("{\"b\":[2],\"a\":1}"), object.clone().into(), true),
            (parsed("{\"b\":[3],\"a\":1}"), object.clone().into(), false),
            (parsed("{\"a\":1}"), object.into(), false),
            (parsed("{\"a\":0,\"a\":1}"), parsed("{\"a\":1}"), true),
            (parsed("[[],{}]"), parsed("[[],[]]"), false),
        ] {
            assert_eq!(a == b, same, "{a:?} {b:?}");
        }
    }
}
