//! Values into Avro's binary and textual encodings. Errors are worded as configs match on them.

use super::schema::{Field, Named, Schema, Type, allowed};
use crate::codec::{go_fmt::type_of, serde::from_json};
use crate::value::{Object, Value};

/// An encoding while a value is written in it.
pub(crate) trait Encoding {
    /// What errors call it.
    const NAME: &'static str;
    fn null(&mut self);
    fn boolean(&mut self, b: bool);
    fn integer(&mut self, n: i64);
    fn float(&mut self, n: f32);
    fn double(&mut self, n: f64);
    fn bytes(&mut self, b: &[u8]);
    fn fixed(&mut self, b: &[u8]);
    fn text(&mut self, s: &str);
    fn symbol(&mut self, index: usize, name: &str);
    fn begin_member(&mut self, index: usize, name: &str, is_null: bool);
    fn end_member(&mut self, is_null: bool);
    /// A record, map (`keyed`) or array of this many begins.
    fn begin(&mut self, shape: Shape, count: usize);
    /// One of them comes next, under this key.
    fn item(&mut self, shape: Shape, index: usize, key: &str);
    fn end(&mut self, shape: Shape, count: usize);
}

#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Shape {
    Record,
    Map,
    Array,
}

/// How deep values may nest.
const MAX_DEPTH: usize = 500;

pub(crate) fn encode<E: Encoding>(
    schema: &Schema,
    kind: &Type,
    value: &Value,
    depth: usize,
    out: &mut E,
) -> Result<(), String> {
    if depth > MAX_DEPTH {
        return Err(format!(
            "the value is nested deeper than {MAX_DEPTH} levels"
        ));
    }
    let how = E::NAME;
    let got = type_of(value);
    match kind {
        Type::Null => match value {
            Value::Null => out.null(),
            _ => {
                return Err(format!(
                    "cannot encode {how} null: expected: Go nil; received: {got}"
                ));
            }
        },
        Type::Boolean => match value {
            Value::Bool(b) => out.boolean(*b),
            _ if how == "textual" => {
                return Err(format!("boolean: expected: Go bool; received: {got}"));
            }
            _ => {
                return Err(format!(
                    "cannot encode {how} boolean: expected: Go bool; received: {got}"
                ));
            }
        },
        Type::Int | Type::Long => {
            let (name, bounds) = match kind {
                Type::Int => ("int", i64::from(i32::MIN)..=i64::from(i32::MAX)),
                _ => ("long", i64::MIN..=i64::MAX),
            };
            let whole = value.as_i64().or_else(|| whole(value)).ok_or_else(|| {
                format!("cannot encode {how} {name}: expected: Go numeric; received: {got}")
            })?;
            if !bounds.contains(&whole) {
                return Err(format!(
                    "cannot encode {how} {name}: provided Go numeric would lose precision: {whole}"
                ));
            }
            out.integer(whole);
        }
        Type::Float | Type::Double => {
            let name = if matches!(kind, Type::Float) {
                "float"
            } else {
                "double"
            };
            let number = value.as_f64().ok_or_else(|| {
                format!("cannot encode {how} {name}: expected: Go numeric; received: {got}")
            })?;
            match kind {
                Type::Float => out.float(number as f32),
                _ => out.double(number),
            }
        }
        Type::Bytes => match value {
            Value::Bytes(b) => out.bytes(b),
            Value::String(s) => out.bytes(&latin1(s)),
            _ => {
                return Err(format!(
                    "cannot encode {how} bytes: expected: []byte or string; received: {got}"
                ));
            }
        },
        Type::String => match value {
            Value::String(s) => out.text(s),
            Value::Bytes(b) | Value::IllFormed(b) => out.text(&String::from_utf8_lossy(b)),
            _ if how == "textual" => {
                return Err(format!(
                    "cannot encode textual string: expected: []byte or string; received: {got}"
                ));
            }
            _ => {
                return Err(format!(
                    "cannot encode binary bytes: expected: string; received: {got}"
                ));
            }
        },
        Type::Array(items) => {
            let Value::Array(array) = value else {
                return Err(format!(
                    "cannot encode {how} array: expected: []interface{{}}; received: {got}"
                ));
            };
            out.begin(Shape::Array, array.len());
            for (i, item) in array.iter().enumerate() {
                out.item(Shape::Array, i, "");
                encode(schema, items, &item, depth + 1, out).map_err(|e| {
                    format!("cannot encode {how} array item {}; {item:?}: {e}", i + 1)
                })?;
            }
            out.end(Shape::Array, array.len());
        }
        Type::Map(values) => {
            let Value::Object(object) = value else {
                return Err(format!(
                    "cannot encode {how} map: expected: map[string]interface{{}}; received: {got}"
                ));
            };
            out.begin(Shape::Map, object.len());
            for (i, (key, item)) in object.iter().enumerate() {
                out.item(Shape::Map, i, &key);
                encode(schema, values, &item, depth + 1, out).map_err(|e| {
                    format!(
                        "cannot encode {how} map: value for {:?} does not match its schema: {e}",
                        &*key
                    )
                })?;
            }
            out.end(Shape::Map, object.len());
        }
        Type::Union(members) => union(schema, members, value, depth, out)?,
        Type::Named(number) => match schema.named(*number) {
            Named::Record { name, fields } => record(schema, name, fields, value, depth, out)?,
            Named::Enum { name, symbols } => {
                let Value::String(symbol) = value else {
                    return Err(format!(
                        "cannot encode {how} enum {name:?}: expected string; received: {got}"
                    ));
                };
                let index = symbols.iter().position(|s| **s == **symbol);
                let index = index.ok_or_else(|| {
                    format!("cannot encode {how} enum {name:?}: value ought to be member of symbols: [{}]; {:?}", symbols.join(" "), &**symbol)
                })?;
                out.symbol(index, symbol);
            }
            Named::Fixed { name, size } => {
                let bytes = match value {
                    Value::Bytes(b) => b.to_vec(),
                    Value::String(s) => latin1(s),
                    _ => {
                        return Err(format!(
                            "cannot encode {how} fixed {name:?}: expected []byte; received: {got}"
                        ));
                    }
                };
                if bytes.len() != *size {
                    return Err(format!(
                        "cannot encode {how} fixed {name:?}: datum size ought to equal schema size: {} != {size}",
                        bytes.len()
                    ));
                }
                out.fixed(&bytes);
            }
        },
    }
    Ok(())
}

fn record<E: Encoding>(
    schema: &Schema,
    name: &str,
    fields: &[Field],
    value: &Value,
    depth: usize,
    out: &mut E,
) -> Result<(), String> {
    let how = E::NAME;
    let Value::Object(object) = value else {
        return Err(format!(
            "cannot encode {how} record {name:?}: expected map[string]interface{{}}; received: {}",
            type_of(value)
        ));
    };
    out.begin(Shape::Record, fields.len());
    for (i, field) in fields.iter().enumerate() {
        out.item(Shape::Record, i, &field.name);
        let given = object.get(&field.name);
        let value = match (given, &field.default) {
            (Some(value), _) => value,
            (None, Some(default)) => default_value(&field.kind, default),
            (None, None) => {
                return Err(format!(
                    "cannot encode {how} record {name:?} field {:?}: schema does not specify default value and no value provided",
                    field.name
                ));
            }
        };
        encode(schema, &field.kind, &value, depth + 1, out).map_err(|e| match how {
            "textual" => format!("cannot encode textual map: value for {:?} does not match its schema: {e}", field.name),
            _ => format!("cannot encode binary record {name:?} field {:?}: value does not match its schema: {e}", field.name),
        })?;
    }
    out.end(Shape::Record, fields.len());
    Ok(())
}

/// A default as a value; that of a union is of its first member.
fn default_value(kind: &Type, default: &serde_json::Value) -> Value {
    let value = from_json(default);
    match kind {
        Type::Union(members) if !matches!(value, Value::Null) => match members.first() {
            Some((name, _)) => Value::Object(Object::from_iter([(name.as_str().into(), value)])),
            None => value,
        },
        _ => value,
    }
}

fn union<E: Encoding>(
    schema: &Schema,
    members: &[(String, Type)],
    value: &Value,
    depth: usize,
    out: &mut E,
) -> Result<(), String> {
    let how = E::NAME;
    if matches!(value, Value::Null) {
        let index = members
            .iter()
            .position(|(_, kind)| matches!(kind, Type::Null));
        let index = index.ok_or_else(|| {
            format!("cannot encode {how} union: no member schema types support datum: allowed types: {}; received: <nil>", allowed(members))
        })?;
        out.begin_member(index, "null", true);
        out.end_member(true);
        return Ok(());
    }
    let single = match value {
        Value::Object(object) if object.len() == 1 => object.iter().next(),
        _ => None,
    };
    let Some((name, inner)) = single else {
        let values = if how == "textual" {
            "values"
        } else {
            "Union values"
        };
        return Err(format!(
            "cannot encode {how} union: non-nil {values} ought to be specified with Go map[string]interface{{}}, with single key equal to type name, and value equal to datum value: {}; received: {}",
            allowed(members),
            type_of(value)
        ));
    };
    let named = |wanted: &str| {
        members
            .iter()
            .position(|(name, _)| name == wanted || name.split('.').next() == Some(wanted))
    };
    let index = named(&name).ok_or_else(|| {
        format!("cannot encode {how} union: no member schema types support datum: allowed types: {}; received: {:?}", allowed(members), &*name)
    })?;
    out.begin_member(index, &members[index].0, false);
    encode(schema, &members[index].1, &inner, depth + 1, out)?;
    out.end_member(false);
    Ok(())
}

/// A float that is a whole number.
fn whole(value: &Value) -> Option<i64> {
    let n = value.as_f64()?;
    (n.fract() == 0.0 && n.abs() < 9e15).then_some(n as i64)
}

/// Text as bytes, as Avro's JSON has them: a character for each byte.
fn latin1(text: &str) -> Vec<u8> {
    if text.chars().all(|c| (c as u32) < 256) {
        text.chars().map(|c| c as u32 as u8).collect()
    } else {
        text.as_bytes().to_vec()
    }
}

/// The binary encoding.
#[derive(Default)]
pub(crate) struct Binary(pub Vec<u8>);

impl Encoding for Binary {
    const NAME: &'static str = "binary";
    fn null(&mut self) {}
    fn boolean(&mut self, b: bool) {
        self.0.push(b.into());
    }
    fn integer(&mut self, n: i64) {
        let mut zigzag = (n << 1 ^ n >> 63) as u64;
        while zigzag >= 0x80 {
            self.0.push(zigzag as u8 | 0x80);
            zigzag >>= 7;
        }
        self.0.push(zigzag as u8);
    }
    fn float(&mut self, n: f32) {
        self.0.extend_from_slice(&n.to_le_bytes());
    }
    fn double(&mut self, n: f64) {
        self.0.extend_from_slice(&n.to_le_bytes());
    }
    fn bytes(&mut self, b: &[u8]) {
        self.integer(b.len() as i64);
        self.0.extend_from_slice(b);
    }
    fn fixed(&mut self, b: &[u8]) {
        self.0.extend_from_slice(b);
    }
    fn text(&mut self, s: &str) {
        self.bytes(s.as_bytes());
    }
    fn symbol(&mut self, index: usize, _: &str) {
        self.integer(index as i64);
    }
    fn begin_member(&mut self, index: usize, _: &str, _: bool) {
        self.integer(index as i64);
    }
    fn end_member(&mut self, _: bool) {}
    fn begin(&mut self, shape: Shape, count: usize) {
        if shape != Shape::Record && count > 0 {
            self.integer(count as i64);
        }
    }
    fn item(&mut self, shape: Shape, _: usize, key: &str) {
        if shape == Shape::Map {
            self.text(key);
        }
    }
    fn end(&mut self, shape: Shape, _: usize) {
        if shape != Shape::Record {
            self.integer(0);
        }
    }
}

/// The textual encoding: JSON in which members of unions are named.
#[derive(Default)]
pub(crate) struct Textual(pub Vec<u8>);

impl Textual {
    fn value(&mut self, value: &Value) {
        self.0.extend_from_slice(&value.to_json());
    }
    /// Bytes as text with a character for each.
    fn characters(&mut self, b: &[u8]) {
        let text: String = b.iter().map(|b| char::from(*b)).collect();
        self.value(&Value::from(text));
    }
}

impl Encoding for Textual {
    const NAME: &'static str = "textual";
    fn null(&mut self) {
        self.0.extend_from_slice(b"null");
    }
    fn boolean(&mut self, b: bool) {
        self.value(&Value::Bool(b));
    }
    fn integer(&mut self, n: i64) {
        self.value(&Value::Int(n));
    }
    fn float(&mut self, n: f32) {
        self.0.extend_from_slice(n.to_string().as_bytes());
    }
    fn double(&mut self, n: f64) {
        self.value(&Value::Float(n));
    }
    fn bytes(&mut self, b: &[u8]) {
        self.characters(b);
    }
    fn fixed(&mut self, b: &[u8]) {
        self.characters(b);
    }
    fn text(&mut self, s: &str) {
        self.value(&Value::from(s));
    }
    fn symbol(&mut self, _: usize, name: &str) {
        self.text(name);
    }
    fn begin_member(&mut self, _: usize, name: &str, is_null: bool) {
        if is_null {
            self.null();
        } else {
            self.0.push(b'{');
            self.text(name);
            self.0.push(b':');
        }
    }
    fn end_member(&mut self, is_null: bool) {
        if !is_null {
            self.0.push(b'}');
        }
    }
    fn begin(&mut self, shape: Shape, _: usize) {
        self.0.push(if shape == Shape::Array { b'[' } else { b'{' });
    }
    fn item(&mut self, shape: Shape, index: usize, key: &str) {
        if index > 0 {
            self.0.push(b',');
        }
        if shape != Shape::Array {
            self.text(key);
            self.0.push(b':');
        }
    }
    fn end(&mut self, shape: Shape, _: usize) {
        self.0.push(if shape == Shape::Array { b']' } else { b'}' });
    }
}
