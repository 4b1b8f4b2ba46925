//! What columns a file has.

use parquet::basic::{ConvertedType, LogicalType, Repetition, Type as Physical};
use parquet::schema::types::{Type, TypePtr};
use std::sync::Arc;

/// How deep columns may nest.
const MAX_DEPTH: usize = 30;

/// A column, or a group of them.
#[derive(Clone, Debug)]
pub struct Column {
    pub name: String,
    pub kind: Kind,
    pub repetition: Repeats,
}

/// How often a column's value is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repeats {
    Once,
    Optional,
    Many,
}

/// What a column holds.
#[derive(Clone, Debug)]
pub enum Kind {
    Leaf(Leaf),
    Struct(Vec<Column>),
    List(Box<Column>),
    /// Keys and values.
    Map(Box<[Column; 2]>),
}

/// A single value's type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leaf {
    Boolean,
    Int8,
    Int16,
    Int32,
    Int64,
    Decimal32(i32, i32),
    Decimal64(i32, i32),
    Float,
    Double,
    Bytes,
    Text,
}

named! {
    /// The types that a column may be declared as.
    ColumnType {
        Boolean = "BOOLEAN",
        Int8 = "INT8",
        Int16 = "INT16",
        Int32 = "INT32",
        Int64 = "INT64",
        Decimal64 = "DECIMAL64",
        Decimal32 = "DECIMAL32",
        Float = "FLOAT",
        Double = "DOUBLE",
        ByteArray = "BYTE_ARRAY",
        Utf8 = "UTF8",
        Map = "MAP",
        List = "LIST",
        Struct = "STRUCT",
    }
}

impl Column {
    /// A column of what a config says. `decimal` is precision and scale.
    pub fn new(
        name: &str,
        kind: Option<ColumnType>,
        decimal: (i32, i32),
        repetition: Repeats,
        mut fields: Vec<Column>,
    ) -> Result<Column, String> {
        let leaf = |leaf| Ok(Kind::Leaf(leaf));
        let (precision, scale) = decimal;
        let kind = match kind {
            Some(ColumnType::Boolean) => leaf(Leaf::Boolean),
            Some(ColumnType::Int8) => leaf(Leaf::Int8),
            Some(ColumnType::Int16) => leaf(Leaf::Int16),
            Some(ColumnType::Int32) => leaf(Leaf::Int32),
            Some(ColumnType::Int64) => leaf(Leaf::Int64),
            Some(ColumnType::Decimal32) => leaf(Leaf::Decimal32(precision, scale)),
            Some(ColumnType::Decimal64) => leaf(Leaf::Decimal64(precision, scale)),
            Some(ColumnType::Float) => leaf(Leaf::Float),
            Some(ColumnType::Double) => leaf(Leaf::Double),
            Some(ColumnType::ByteArray) => leaf(Leaf::Bytes),
            Some(ColumnType::Utf8) => leaf(Leaf::Text),
            Some(ColumnType::List) => match (fields.pop(), fields.len()) {
                (Some(element), 0) => Ok(Kind::List(Box::new(Column {
                    name: "element".into(),
                    ..element
                }))),
                (_, left) => Err(format!(
                    "list type must have exactly one field (element), got {left}"
                )),
            },
            Some(ColumnType::Map) => match <[Column; 2]>::try_from(fields) {
                Ok([key, value]) if matches!(key.kind, Kind::Leaf(Leaf::Text)) => {
                    let key = Column {
                        name: "key".into(),
                        repetition: Repeats::Once,
                        ..key
                    };
                    Ok(Kind::Map(Box::new([
                        key,
                        Column {
                            name: "value".into(),
                            ..value
                        },
                    ])))
                }
                Ok(_) => Err("only string keys are supported for maps".into()),
                Err(fields) => Err(format!(
                    "map type must have exactly two fields (key and value), got {}",
                    fields.len()
                )),
            },
            Some(ColumnType::Struct) if fields.is_empty() => {
                Err("struct type requires at least one field in 'fields'".into())
            }
            None if fields.is_empty() => Err("field has neither type nor fields".into()),
            Some(ColumnType::Struct) | None => Ok(Kind::Struct(fields)),
        };
        let kind = kind.map_err(|e: String| format!("generating type for field {name:?}: {e}"))?;
        Ok(Column {
            name: name.to_owned(),
            kind,
            repetition,
        })
    }
}

/// The schema of a file with these columns.
pub(super) fn root(columns: &[Column]) -> Result<TypePtr, String> {
    let fields = columns
        .iter()
        .map(|c| c.to_type(0))
        .collect::<Result<Vec<_>, _>>()?;
    let root = Type::group_type_builder("root").with_fields(fields).build();
    root.map(Arc::new).map_err(|e| e.to_string())
}

impl Column {
    fn to_type(&self, depth: usize) -> Result<TypePtr, String> {
        if depth > MAX_DEPTH {
            return Err(format!("columns nest deeper than {MAX_DEPTH} levels"));
        }
        let repetition = match self.repetition {
            Repeats::Once => Repetition::REQUIRED,
            Repeats::Optional => Repetition::OPTIONAL,
            Repeats::Many => Repetition::REPEATED,
        };
        let group = |fields: Vec<TypePtr>| {
            Type::group_type_builder(&self.name)
                .with_repetition(repetition)
                .with_fields(fields)
        };
        let repeated = |name: &str, fields: Vec<TypePtr>| {
            let inner = Type::group_type_builder(name).with_repetition(Repetition::REPEATED);
            inner
                .with_fields(fields)
                .build()
                .map(Arc::new)
                .map_err(|e| e.to_string())
        };
        let built = match &self.kind {
            Kind::Leaf(leaf) => return leaf.to_type(&self.name, repetition),
            Kind::Struct(columns) => {
                let fields = columns.iter().map(|c| c.to_type(depth + 1));
                group(fields.collect::<Result<_, _>>()?).build()
            }
            Kind::List(element) => {
                let list = repeated("list", vec![element.to_type(depth + 1)?])?;
                let list = group(vec![list]).with_logical_type(Some(LogicalType::List));
                list.with_converted_type(ConvertedType::LIST).build()
            }
            Kind::Map(columns) => {
                let [key, value] = &**columns;
                let fields = vec![key.to_type(depth + 1)?, value.to_type(depth + 1)?];
                let entries = repeated("key_value", fields)?;
                let map = group(vec![entries]).with_logical_type(Some(LogicalType::Map));
                map.with_converted_type(ConvertedType::MAP).build()
            }
        };
        built.map(Arc::new).map_err(|e| e.to_string())
    }
}

impl Leaf {
    fn to_type(self, name: &str, repetition: Repetition) -> Result<TypePtr, String> {
        let int = |bits| Some(LogicalType::integer(bits, true));
        let (physical, logical) = match self {
            Leaf::Boolean => (Physical::BOOLEAN, None),
            Leaf::Int8 => (Physical::INT32, int(8)),
            Leaf::Int16 => (Physical::INT32, int(16)),
            Leaf::Int32 => (Physical::INT32, int(32)),
            Leaf::Int64 => (Physical::INT64, int(64)),
            Leaf::Decimal32(precision, scale) => (
                Physical::INT32,
                Some(LogicalType::decimal(scale, precision)),
            ),
            Leaf::Decimal64(precision, scale) => (
                Physical::INT64,
                Some(LogicalType::decimal(scale, precision)),
            ),
            Leaf::Float => (Physical::FLOAT, None),
            Leaf::Double => (Physical::DOUBLE, None),
            Leaf::Bytes => (Physical::BYTE_ARRAY, None),
            Leaf::Text => (Physical::BYTE_ARRAY, Some(LogicalType::String)),
        };
        let mut builder = Type::primitive_type_builder(name, physical)
            .with_repetition(repetition)
            .with_logical_type(logical);
        if let Leaf::Decimal32(precision, scale) | Leaf::Decimal64(precision, scale) = self {
            builder = builder.with_precision(precision).with_scale(scale);
        }
        builder.build().map(Arc::new).map_err(|e| e.to_string())
    }
}
