//! Table: functions that need nothing but their arguments.

use crate::bloblang::spec::{
    CallError, Example, FunctionCall, FunctionSpec, Param, ParamKind, Status,
};
use crate::value::Value;

pub(super) static TABLE: &[FunctionSpec] = &[
    FunctionSpec {
        name: "pi",
        status: Status::Stable,
        about: "The number π.",
        params: &[],
        examples: &[Example {
            about: "Radians.",
            mapping: "root.radians = this.degrees * (pi() / 180)",
            cases: &[(r#"{"degrees":45}"#, r#"{"radians":0.7853981633974483}"#)],
        }],
        impure: false,
        call: FunctionCall::Plain(|_| Ok(Value::Float(std::f64::consts::PI))),
    },
    FunctionSpec {
        name: "cosine_similarity",
        status: Status::Experimental,
        about: "How alike the directions of two vectors are, from -1 to 1.",
        params: &[
            Param::new("a", ParamKind::Any, "An array of numbers."),
            Param::new("b", ParamKind::Any, "Another one, of the same length."),
        ],
        examples: &[Example {
            about: "The same direction.",
            mapping: "root.similarity = cosine_similarity([3, 4], [6, 8])",
            cases: &[("{}", r#"{"similarity":1}"#)],
        }],
        impure: false,
        call: FunctionCall::Plain(|args| cosine_similarity(&vector(&args[0])?, &vector(&args[1])?)),
    },
    FunctionSpec {
        name: "with_schema_registry_header",
        status: Status::Stable,
        about: "A message in the wire format of schema registries: a zero byte, the schema's id in four bytes, the message.",
        params: &[
            Param::new("schema_id", ParamKind::Any, "The schema's id."),
            Param::new("message", ParamKind::Any, "Text or bytes."),
        ],
        examples: &[Example {
            about: "In hexadecimal digits.",
            mapping: r#"root.hex = with_schema_registry_header(258, content()).encode("hex")"#,
            cases: &[("{}", r#"{"hex":"00000001027b7d"}"#)],
        }],
        impure: false,
        call: FunctionCall::Plain(|args| {
            let id = match &args[0] {
                Value::Int(id) => u32::try_from(*id).ok(),
                Value::Uint(id) => u32::try_from(*id).ok(),
                _ => None,
            };
            let id = id.ok_or("the id of a schema is a number of 32 bits")?;
            let message = match &args[1] {
                Value::String(text) => text.clone().into_bytes(),
                Value::Bytes(bytes) | Value::IllFormed(bytes) => bytes.clone(),
                other => return Err(CallError::wanted("bytes", other.clone())),
            };
            let mut framed = vec![0];
            framed.extend(id.to_be_bytes());
            framed.extend(&message[..]);
            Ok(Value::Bytes(framed.into()))
        }),
    },
];

fn vector(value: &Value) -> Result<Vec<f64>, CallError> {
    let wrong = || CallError::from("vector must be an array of numeric types");
    let Value::Array(items) = value else {
        return Err(wrong());
    };
    let number = |item: Value| match item {
        Value::Int(n) => Ok(n as f64),
        Value::Uint(n) => Ok(n as f64),
        Value::Float(n) => Ok(n),
        Value::Number(n) => Ok(n.as_f64()),
        _ => Err(wrong()),
    };
    items.iter().map(number).collect()
}

fn cosine_similarity(a: &[f64], b: &[f64]) -> Result<Value, CallError> {
    if a.len() != b.len() {
        return Err("vectors must be equal length".into());
    }
    if a.is_empty() {
        return Err("vectors cannot be empty".into());
    }
    let product = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(x, y)| x * y).sum::<f64>();
    let (square_a, square_b) = (product(a, a), product(b, b));
    if square_a == 0.0 || square_b == 0.0 {
        return Err("vectors must not be null (all zeros)".into());
    }
    Ok(Value::Float(product(a, b) / (square_a * square_b).sqrt()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vectors_are_compared_by_direction() {
        let similarity = |a: &[f64], b: &[f64]| match cosine_similarity(a, b) {
            Ok(Value::Float(n)) => n,
            other => panic!("{other:?}"),
        };
        assert_eq!(similarity(&[5.0], &[3.0]), 1.0);
        assert_eq!(similarity(&[1.0, 2.0, 3.0], &[-1.0, -2.0, -3.0]), -1.0);
        assert_eq!(
            similarity(&[1.0, 2.0, 3.0], &[4.0, 5.0, 6.0]),
            0.9746318461970762
        );
        assert!(cosine_similarity(&[], &[]).is_err());
        assert!(cosine_similarity(&[0.0], &[1.0]).is_err());
    }
}
