//! Rows taken apart into columns: each value with how often it repeats and how much of its path is there.

use super::schema::{Column, Kind, Leaf, Repeats};
use crate::value::{Object, Value};
use parquet::data_type::ByteArray;

/// The values of a leaf column, in the order of the rows.
#[derive(Debug)]
pub(super) struct Leaves {
    pub values: Values,
    pub definitions: Vec<i16>,
    pub repetitions: Vec<i16>,
}

#[derive(Debug)]
pub(super) enum Values {
    Bool(Vec<bool>),
    Int32(Vec<i32>),
    Int64(Vec<i64>),
    Float(Vec<f32>),
    Double(Vec<f64>),
    Bytes(Vec<ByteArray>),
}

/// Where in a row a value is: the levels that it is written with, and how deep repetition goes there.
#[derive(Clone, Copy, Default)]
struct Level {
    repetition: i16,
    definition: i16,
    depth: i16,
}

/// Adds one of several values.
type Add<'a> = dyn FnMut(&mut Shredder, &Value, Level, &mut usize) -> Result<(), String> + 'a;

/// Rows on their way into columns.
pub(super) struct Shredder {
    pub leaves: Vec<Leaves>,
}

impl Shredder {
    pub(super) fn new(columns: &[Column]) -> Shredder {
        let mut leaves = Vec::new();
        columns.iter().for_each(|c| add_leaves(c, &mut leaves));
        Shredder { leaves }
    }

    /// Adds a row. What it lacks is the type's empty value, or nothing where the column is optional.
    pub(super) fn row(&mut self, columns: &[Column], row: &Object) -> Result<(), String> {
        let mut at = 0;
        self.fields(columns, row, Level::default(), &mut at)
    }

    fn fields(
        &mut self,
        columns: &[Column],
        row: &Object,
        level: Level,
        at: &mut usize,
    ) -> Result<(), String> {
        for column in columns {
            let value = row.get(&column.name).unwrap_or(Value::Null);
            self.column(column, &value, level, at)
                .map_err(|e| format!("failed to set field {}: {e}", exported(&column.name)))?;
        }
        Ok(())
    }

    /// Adds a value to the leaves of `column`, which begin at `at`; moves `at` behind them.
    fn column(
        &mut self,
        column: &Column,
        value: &Value,
        level: Level,
        at: &mut usize,
    ) -> Result<(), String> {
        let deeper = Level {
            definition: level.definition + 1,
            ..level
        };
        match column.repetition {
            Repeats::Once => self.value(&column.kind, value, level, at),
            Repeats::Optional if matches!(value, Value::Null) => {
                self.nothing(&column.kind, level, at);
                Ok(())
            }
            Repeats::Optional => self.value(&column.kind, value, deeper, at),
            Repeats::Many => self.each(
                list(value)?,
                level,
                at,
                &mut |this, item, level, at| this.value(&column.kind, item, level, at),
                &|this, level, at| this.nothing(&column.kind, level, at),
            ),
        }
    }

    /// Adds several values in the place of one, or the note that there are none.
    fn each(
        &mut self,
        items: Vec<Value>,
        level: Level,
        at: &mut usize,
        add: &mut Add<'_>,
        none: &dyn Fn(&mut Self, Level, &mut usize),
    ) -> Result<(), String> {
        if items.is_empty() {
            none(self, level, at);
            return Ok(());
        }
        let start = *at;
        for (i, item) in items.iter().enumerate() {
            *at = start;
            let inner = Level {
                repetition: if i == 0 {
                    level.repetition
                } else {
                    level.depth + 1
                },
                definition: level.definition + 1,
                depth: level.depth + 1,
            };
            add(self, item, inner, at)
                .map_err(|e| format!("error setting slice element {i}: {e}"))?;
        }
        Ok(())
    }

    fn value(
        &mut self,
        kind: &Kind,
        value: &Value,
        level: Level,
        at: &mut usize,
    ) -> Result<(), String> {
        match kind {
            Kind::Leaf(leaf) => {
                let leaves = &mut self.leaves[*at];
                *at += 1;
                leaves.values.push(*leaf, value)?;
                leaves.definitions.push(level.definition);
                leaves.repetitions.push(level.repetition);
                Ok(())
            }
            Kind::Struct(columns) => match value {
                Value::Object(row) => self.fields(columns, row, level, at),
                Value::Null => self.fields(columns, &Object::new(), level, at),
                other => Err(mismatch(other, "struct")),
            },
            Kind::List(element) => self.each(
                list(value)?,
                level,
                at,
                &mut |this, item, level, at| this.column(element, item, level, at),
                &|this, level, at| this.nothing(&element.kind, level, at),
            ),
            Kind::Map(columns) => {
                let [key, inner] = &**columns;
                let entries = match value {
                    Value::Object(entries) => entries.clone(),
                    Value::Null => Object::new(),
                    other => return Err(mismatch(other, "map")),
                };
                let keys = entries.keys().map(Value::String).collect();
                self.each(
                    keys,
                    level,
                    at,
                    &mut |this, name, level, at| {
                        this.column(key, name, level, at)?;
                        let value = name
                            .as_str()
                            .and_then(|n| entries.get(n))
                            .unwrap_or(Value::Null);
                        this.column(inner, &value, level, at)
                    },
                    &|this, level, at| {
                        this.nothing(&key.kind, level, at);
                        this.nothing(&inner.kind, level, at);
                    },
                )
            }
        }
    }

    /// Notes in all leaves of `kind` that there is nothing.
    fn nothing(&mut self, kind: &Kind, level: Level, at: &mut usize) {
        match kind {
            Kind::Leaf(_) => {
                let leaves = &mut self.leaves[*at];
                leaves.definitions.push(level.definition);
                leaves.repetitions.push(level.repetition);
                *at += 1;
            }
            Kind::Struct(columns) => columns
                .iter()
                .for_each(|c| self.nothing(&c.kind, level, at)),
            Kind::List(element) => self.nothing(&element.kind, level, at),
            Kind::Map(columns) => columns
                .iter()
                .for_each(|c| self.nothing(&c.kind, level, at)),
        }
    }
}

fn add_leaves(column: &Column, out: &mut Vec<Leaves>) {
    match &column.kind {
        Kind::Leaf(leaf) => out.push(Leaves {
            values: match leaf {
                Leaf::Boolean => Values::Bool(Vec::new()),
                Leaf::Int8 | Leaf::Int16 | Leaf::Int32 | Leaf::Decimal32(..) => {
                    Values::Int32(Vec::new())
                }
                Leaf::Int64 | Leaf::Decimal64(..) => Values::Int64(Vec::new()),
                Leaf::Float => Values::Float(Vec::new()),
                Leaf::Double => Values::Double(Vec::new()),
                Leaf::Bytes | Leaf::Text => Values::Bytes(Vec::new()),
            },
            definitions: Vec::new(),
            repetitions: Vec::new(),
        }),
        Kind::Struct(columns) => columns.iter().for_each(|c| add_leaves(c, out)),
        Kind::List(element) => add_leaves(element, out),
        Kind::Map(columns) => columns.iter().for_each(|c| add_leaves(c, out)),
    }
}

impl Values {
    /// Adds a value as a column's type has it; a null is the type's empty value.
    fn push(&mut self, leaf: Leaf, value: &Value) -> Result<(), String> {
        match self {
            Values::Bool(all) => all.push(match value {
                Value::Bool(b) => *b,
                Value::Null => false,
                other => return Err(mismatch(other, "bool")),
            }),
            Values::Int32(all) => {
                let (name, wrong, range) = match leaf {
                    Leaf::Int8 => ("int8", "int8", i64::from(i8::MIN)..=i64::from(i8::MAX)),
                    Leaf::Int16 => ("int16", "int16", i64::from(i16::MIN)..=i64::from(i16::MAX)),
                    _ => ("int32", "int64", i64::from(i32::MIN)..=i64::from(i32::MAX)),
                };
                let number = integer(value, name, wrong)?;
                if !range.contains(&number) {
                    return Err(format!("cannot represent {number} as {name}"));
                }
                all.push(number as i32);
            }
            Values::Int64(all) => all.push(integer(value, "int64", "int64")?),
            Values::Float(all) => all.push(float(value)? as f32),
            Values::Double(all) => all.push(float(value)?),
            Values::Bytes(all) => all.push(match value {
                Value::String(text) => ByteArray::from(text.clone().into_bytes()),
                Value::Bytes(bytes) | Value::IllFormed(bytes) => ByteArray::from(bytes.clone()),
                Value::Null => ByteArray::from(Vec::new()),
                other if leaf == Leaf::Text => return Err(mismatch(other, "string")),
                other => return Err(mismatch(other, "slice")),
            }),
        }
        Ok(())
    }
}

/// A number without what is behind its point.
fn integer(value: &Value, name: &str, wrong: &str) -> Result<i64, String> {
    if let Value::Null = value {
        return Ok(0);
    }
    if let Some(number) = value.as_i64() {
        return Ok(number);
    }
    let number = value.as_f64().ok_or_else(|| mismatch(value, wrong))?;
    match (i64::MIN as f64..i64::MAX as f64).contains(&number) {
        true => Ok(number as i64),
        false => Err(format!("cannot represent {number} as {name}")),
    }
}

fn float(value: &Value) -> Result<f64, String> {
    match value {
        Value::Null => Ok(0.0),
        other => other.as_f64().ok_or_else(|| mismatch(other, "float64")),
    }
}

fn list(value: &Value) -> Result<Vec<Value>, String> {
    match value {
        Value::Array(items) => Ok(items.iter().collect()),
        Value::Null => Ok(Vec::new()),
        other => Err(mismatch(other, "slice")),
    }
}

fn mismatch(value: &Value, wanted: &str) -> String {
    format!(
        "cannot convert {} to {wanted}",
        crate::codec::go_fmt::type_of(&value.clone().sanitised())
    )
}

/// A column's name as faults have it.
fn exported(name: &str) -> String {
    let mut chars = name.chars();
    let first = chars.next().map(|c| c.to_uppercase().collect::<String>());
    first.unwrap_or_default() + chars.as_str()
}
