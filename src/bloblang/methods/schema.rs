//! What type a value has, all the way down: `infer_schema`.

use super::common::writable;
use crate::bloblang::spec::CallError;
use crate::value::{Array, Object, Value};

/// How deep a value may be nested.
const MAX_DEPTH: usize = 1_000;

/// The schema of a value as an object: its `type`, for an object's fields also their `name`, and `children` for what has parts.
/// All elements of an array must have the same schema.
pub(super) fn infer(value: Value, _: &[Value]) -> Result<Value, CallError> {
    schema(writable(&value)?, None, 0)
}

fn schema(value: &Value, name: Option<Value>, depth: usize) -> Result<Value, CallError> {
    if depth > MAX_DEPTH {
        return Err(format!("the value is nested more than {MAX_DEPTH} levels deep").into());
    }
    let mut schema = Object::new();
    let mut children = Array::default();
    let kind = match value {
        Value::Null => "NULL",
        Value::Bool(_) => "BOOLEAN",
        Value::Int(_) | Value::Uint(_) => "INT64",
        Value::Number(n) if !n.as_str().contains(['.', 'e', 'E']) => "INT64",
        Value::Float(_) | Value::Number(_) => "FLOAT64",
        Value::String(_) | Value::IllFormed(_) => "STRING",
        Value::Bytes(_) => "BYTE_ARRAY",
        Value::Timestamp(_) => "TIMESTAMP",
        Value::Array(items) => {
            children = element(items, depth)?.into_iter().collect();
            "ARRAY"
        }
        Value::Object(fields) => {
            let field = |(key, field)| self::schema(&field, Some(Value::String(key)), depth + 1);
            children = fields.iter().map(field).collect::<Result<_, _>>()?;
            "OBJECT"
        }
    };
    if !children.is_empty() {
        schema.insert("children", Value::Array(children));
    }
    schema.insert("type", kind.into());
    if let Some(name) = name {
        schema.insert("name", name);
    }
    Ok(Value::Object(schema))
}

/// The schema that all elements have; none without elements.
fn element(items: &Array, depth: usize) -> Result<Option<Value>, CallError> {
    let mut common = None;
    for (index, item) in items.iter().enumerate() {
        let schema = schema(&item, None, depth + 1)?;
        match &common {
            None => common = Some(schema),
            Some(first) if *first == schema => {}
            Some(_) => {
                return Err(format!(
                    "element {index} of an array has another schema than those before it"
                )
                .into());
            }
        }
    }
    Ok(common)
}
