//! Values out of Avro's binary and textual encodings.

use super::schema::{Named, Schema, Type, allowed};
use crate::value::{Array, Object, Str, Value};

/// How deep values may nest.
const MAX_DEPTH: usize = 500;
/// How many values a document may hold: elements of no size can be many in few bytes.
const MAX_VALUES: usize = 10_000_000;

/// Reads the binary encoding.
pub(crate) struct Binary<'b> {
    rest: &'b [u8],
    values: usize,
    /// Whether members of unions stand without their names.
    pub raw_unions: bool,
}

impl<'b> Binary<'b> {
    pub fn new(bytes: &'b [u8]) -> Binary<'b> {
        Binary {
            rest: bytes,
            values: 0,
            raw_unions: false,
        }
    }

    pub fn read(&mut self, schema: &Schema, kind: &Type, depth: usize) -> Result<Value, String> {
        self.values += 1;
        if depth > MAX_DEPTH || self.values > MAX_VALUES {
            return Err("the document holds too many values, or nests them too deep".into());
        }
        Ok(match kind {
            Type::Null => Value::Null,
            Type::Boolean => match self
                .take(1)
                .map_err(|e| format!("cannot decode binary boolean: {e}"))?[0]
            {
                0 => Value::Bool(false),
                1 => Value::Bool(true),
                other => {
                    return Err(format!(
                        "cannot decode binary boolean: expected: Go byte(0) or byte(1); received: byte({other})"
                    ));
                }
            },
            Type::Int => Value::Int(
                self.integer()
                    .map_err(|e| format!("cannot decode binary int: {e}"))?,
            ),
            Type::Long => Value::Int(
                self.integer()
                    .map_err(|e| format!("cannot decode binary long: {e}"))?,
            ),
            Type::Float => {
                let bytes = self
                    .take(4)
                    .map_err(|e| format!("cannot decode binary float: {e}"))?;
                Value::Float(f64::from(f32::from_le_bytes(
                    bytes.try_into().expect("it has four"),
                )))
            }
            Type::Double => {
                let bytes = self
                    .take(8)
                    .map_err(|e| format!("cannot decode binary double: {e}"))?;
                Value::Float(f64::from_le_bytes(bytes.try_into().expect("it has eight")))
            }
            Type::Bytes => Value::Bytes(self.bytes()?.to_vec().into()),
            Type::String => {
                let bytes = self
                    .bytes()
                    .map_err(|e| format!("cannot decode binary string: {e}"))?;
                Value::String(Str::from(String::from_utf8_lossy(bytes).into_owned()))
            }
            Type::Array(items) => {
                let mut array = Vec::new();
                while let Some(count) = self.block("array")? {
                    for _ in 0..count {
                        array.push(self.read(schema, items, depth + 1).map_err(|e| {
                            format!("cannot decode binary array item {}: {e}", array.len() + 1)
                        })?);
                    }
                }
                Value::Array(Array::from(array))
            }
            Type::Map(values) => {
                let mut object = Object::new();
                while let Some(count) = self.block("map")? {
                    for _ in 0..count {
                        let key = self
                            .bytes()
                            .map_err(|e| format!("cannot decode binary map key: {e}"))?;
                        let key = String::from_utf8_lossy(key).into_owned();
                        let value = self.read(schema, values, depth + 1).map_err(|e| {
                            format!("cannot decode binary map value for key {key:?}: {e}")
                        })?;
                        object.insert(key, value);
                    }
                }
                Value::Object(object)
            }
            Type::Union(members) => {
                let index = self
                    .integer()
                    .map_err(|e| format!("cannot decode binary union: {e}"))?;
                let member = usize::try_from(index).ok().and_then(|i| members.get(i));
                let (name, kind) = member.ok_or_else(|| {
                    format!("cannot decode binary union: index ought to be between 0 and {}; read index: {index}", members.len().saturating_sub(1))
                })?;
                let value = self
                    .read(schema, kind, depth + 1)
                    .map_err(|e| format!("cannot decode binary union item {}: {e}", index + 1))?;
                match self.raw_unions {
                    true => value,
                    false => in_union(name, value),
                }
            }
            Type::Named(number) => match schema.named(*number) {
                Named::Record { name, fields } => {
                    let mut object = Object::new();
                    for field in fields {
                        let value = self.read(schema, &field.kind, depth + 1).map_err(|e| {
                            format!(
                                "cannot decode binary record {name:?} field {:?}: {e}",
                                field.name
                            )
                        })?;
                        object.insert(field.name.as_str(), value);
                    }
                    Value::Object(object)
                }
                Named::Enum { name, symbols } => {
                    let index = self
                        .integer()
                        .map_err(|e| format!("cannot decode binary enum {name:?} index: {e}"))?;
                    let symbol = usize::try_from(index).ok().and_then(|i| symbols.get(i));
                    let symbol = symbol.ok_or_else(|| {
                        format!("cannot decode binary enum {name:?}: index ought to be between 0 and {}; read index: {index}", symbols.len().saturating_sub(1))
                    })?;
                    Value::from(symbol.as_str())
                }
                Named::Fixed { name, size } => {
                    let bytes = self.take(*size);
                    let bytes =
                        bytes.map_err(|e| format!("cannot decode binary fixed {name:?}: {e}"))?;
                    Value::Bytes(bytes.to_vec().into())
                }
            },
        })
    }

    fn take(&mut self, count: usize) -> Result<&'b [u8], String> {
        let (taken, rest) = self.rest.split_at_checked(count).ok_or("short buffer")?;
        self.rest = rest;
        Ok(taken)
    }

    fn integer(&mut self) -> Result<i64, String> {
        let mut zigzag = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = self.take(1)?[0];
            zigzag |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok((zigzag >> 1) as i64 ^ -((zigzag & 1) as i64));
            }
        }
        Err("integer overflow".into())
    }

    fn bytes(&mut self) -> Result<&'b [u8], String> {
        let fail = |e: String| format!("cannot decode binary bytes: {e}");
        let size = self.integer().map_err(fail)?;
        let count = usize::try_from(size).map_err(|_| fail(format!("negative size: {size}")))?;
        self.take(count).map_err(fail)
    }

    /// The number of items in the next block of an array or map; none at the end.
    fn block(&mut self, what: &str) -> Result<Option<i64>, String> {
        let fail = |e: String| format!("cannot decode binary {what} block count: {e}");
        let count = self.integer().map_err(fail)?;
        if count < 0 {
            // The size in bytes stands before the items then.
            self.integer().map_err(fail)?;
        }
        Ok((count != 0).then_some(count.saturating_abs()))
    }
}

fn in_union(name: &str, value: Value) -> Value {
    match value {
        Value::Null if name == "null" => Value::Null,
        value => Value::Object(Object::from_iter([(Str::from(name), value)])),
    }
}

/// Checks a JSON document that is the textual encoding, and takes its bytes as such.
pub(crate) fn textual(
    schema: &Schema,
    kind: &Type,
    value: Value,
    depth: usize,
) -> Result<Value, String> {
    if depth > MAX_DEPTH {
        return Err(format!(
            "the document is nested deeper than {MAX_DEPTH} levels"
        ));
    }
    let wrong = |wanted: &str| {
        Err(format!(
            "cannot decode textual {wanted}: unexpected {}",
            value.type_name()
        ))
    };
    Ok(match kind {
        Type::Null => match value {
            Value::Null => Value::Null,
            _ => return wrong("null"),
        },
        Type::Boolean => match value {
            Value::Bool(b) => Value::Bool(b),
            _ => return wrong("boolean"),
        },
        Type::Int | Type::Long => match value.as_i64() {
            Some(n) => Value::Int(n),
            None => {
                return wrong(if matches!(kind, Type::Int) {
                    "int"
                } else {
                    "long"
                });
            }
        },
        Type::Float | Type::Double => match value.as_f64() {
            Some(n) => Value::Float(n),
            None => {
                return wrong(if matches!(kind, Type::Float) {
                    "float"
                } else {
                    "double"
                });
            }
        },
        Type::String => match value {
            Value::String(s) => Value::String(s),
            _ => return wrong("string"),
        },
        Type::Bytes => match &value {
            Value::String(s) => Value::Bytes(characters(s)),
            _ => return wrong("bytes"),
        },
        Type::Array(items) => match value {
            Value::Array(array) => {
                let read = array
                    .iter()
                    .map(|item| textual(schema, items, item, depth + 1));
                Value::Array(Array::from(read.collect::<Result<Vec<_>, _>>()?))
            }
            _ => return wrong("array"),
        },
        Type::Map(values) => match value {
            Value::Object(object) => {
                let read = object
                    .iter()
                    .map(|(k, v)| Ok((k, textual(schema, values, v, depth + 1)?)));
                Value::Object(read.collect::<Result<Object, String>>()?)
            }
            _ => return wrong("map"),
        },
        Type::Union(members) => match value {
            Value::Null if members.iter().any(|(_, k)| matches!(k, Type::Null)) => Value::Null,
            Value::Object(object) if object.len() == 1 => {
                let (name, inner) = object.iter().next().expect("it has one");
                let member = members.iter().find(|(n, _)| **n == *name);
                let (name, kind) = member.ok_or_else(|| {
                    format!("cannot decode textual union: no member schema types support datum: allowed types: {}; received: {:?}", allowed(members), &*name)
                })?;
                in_union(name, textual(schema, kind, inner, depth + 1)?)
            }
            _ => return wrong("union"),
        },
        Type::Named(number) => match schema.named(*number) {
            Named::Record { name, fields } => {
                let Value::Object(given) = value else {
                    return Err(format!(
                        "cannot decode textual record {name:?}: unexpected {}",
                        value.type_name()
                    ));
                };
                let mut object = Object::new();
                for field in fields {
                    let value = given.get(&field.name).ok_or_else(|| {
                        format!(
                            "cannot decode textual record {name:?}: only found {} of {} fields",
                            given.len(),
                            fields.len()
                        )
                    })?;
                    let read = textual(schema, &field.kind, value, depth + 1);
                    object.insert(field.name.as_str(), read.map_err(|e| {
                        format!("cannot decode textual record {name:?}: cannot decode textual map: key {:?}: {e}", field.name)
                    })?);
                }
                Value::Object(object)
            }
            Named::Enum { name, symbols } => match value {
                Value::String(s) if symbols.iter().any(|symbol| **symbol == *s) => Value::String(s),
                _ => {
                    return Err(format!(
                        "cannot decode textual enum {name:?}: value ought to be member of symbols: [{}]",
                        symbols.join(" ")
                    ));
                }
            },
            Named::Fixed { .. } => match &value {
                Value::String(s) => Value::Bytes(characters(s)),
                _ => return wrong("fixed"),
            },
        },
    })
}

/// Text that has a character for each byte.
fn characters(text: &str) -> bytes::Bytes {
    text.chars()
        .map(|c| c as u32 as u8)
        .collect::<Vec<u8>>()
        .into()
}
