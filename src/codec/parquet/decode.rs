//! A file to rows.

use crate::formats::go_quote;
use crate::value::{Array, Object, Str, Value};
use bytes::Bytes;
use parquet::basic::{ConvertedType, LogicalType};
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::{Field, Row};
use parquet::schema::types::Type;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// The most rows that one file may hold here.
const MAX_ROWS: i64 = 10_000_000;

/// How columns of Parquet's `LIST` type are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lists {
    /// As the format nests them: `{"list":[{"element":1}]}`.
    Nested,
    /// As arrays.
    Plain,
}

/// Gives `each` the rows of a file, one by one.
pub fn decode(file: &Bytes, lists: Lists, mut each: impl FnMut(Value)) -> Result<(), String> {
    let quoted = |part: &[u8]| go_quote::quote_bytes(part);
    let head = &file[..file.len().min(4)];
    if head != b"PAR1" {
        return Err(format!(
            "invalid magic header of parquet file: {}",
            quoted(head)
        ));
    }
    let tail = &file[file.len() - 4..];
    if file.len() < 12 || tail != b"PAR1" {
        return Err(format!(
            "invalid magic footer of parquet file: {}",
            quoted(tail)
        ));
    }
    // The library trusts the files more than it should: a fault in one must not end the stream.
    let read = catch_unwind(AssertUnwindSafe(|| read(file, lists, &mut each)));
    read.unwrap_or_else(|_| Err("the parquet file is damaged".into()))
}

fn read(file: &Bytes, lists: Lists, each: &mut dyn FnMut(Value)) -> Result<(), String> {
    let reader = SerializedFileReader::new(file.clone()).map_err(|e| e.to_string())?;
    let metadata = reader.metadata().file_metadata();
    if metadata.num_rows() > MAX_ROWS {
        return Err(format!("the parquet file has more than {MAX_ROWS} rows"));
    }
    let schema = metadata.schema_descr().root_schema().clone();
    for row in reader.get_row_iter(None).map_err(|e| e.to_string())? {
        let row = row.map_err(|e| e.to_string())?;
        each(object(row, schema.get_fields(), lists));
    }
    Ok(())
}

fn object(row: Row, types: &[std::sync::Arc<Type>], lists: Lists) -> Value {
    let mut object = Object::new();
    for (name, field) in row.into_columns() {
        let kind = types.iter().find(|t| t.name() == name);
        let value = match kind {
            Some(kind) if lists == Lists::Nested && is_list(kind) => {
                nested(value(field, None, Lists::Plain))
            }
            kind => value(field, kind.map(|k| &**k), lists),
        };
        object.insert(name, value);
    }
    Value::Object(object)
}

fn is_list(kind: &Type) -> bool {
    let info = kind.get_basic_info();
    kind.is_group()
        && (info.logical_type_ref() == Some(&LogicalType::List)
            || info.converted_type() == ConvertedType::LIST)
}

/// A list as the format nests it.
fn nested(list: Value) -> Value {
    let Value::Array(items) = list else {
        return list;
    };
    let wrap = |item: Value| {
        let mut element = Object::new();
        element.insert(Str::from_static("element"), item);
        Value::Object(element)
    };
    let mut object = Object::new();
    object.insert(
        Str::from_static("list"),
        Value::Array(items.iter().map(wrap).collect()),
    );
    Value::Object(object)
}

fn value(field: Field, kind: Option<&Type>, lists: Lists) -> Value {
    let types = match kind {
        Some(kind) if kind.is_group() => kind.get_fields(),
        _ => &[],
    };
    match field {
        Field::Null => Value::Null,
        Field::Bool(b) => Value::Bool(b),
        Field::Byte(n) => Value::Int(n.into()),
        Field::Short(n) => Value::Int(n.into()),
        Field::Int(n) | Field::Date(n) | Field::TimeMillis(n) => Value::Int(n.into()),
        Field::Long(n)
        | Field::TimeMicros(n)
        | Field::TimestampMillis(n)
        | Field::TimestampMicros(n) => Value::Int(n),
        Field::UByte(n) => Value::Int(n.into()),
        Field::UShort(n) => Value::Int(n.into()),
        Field::UInt(n) => Value::Int(n.into()),
        Field::ULong(n) => Value::Uint(n),
        Field::Float16(n) => Value::Float(n.to_f64()),
        // The shortest text of the small float, and not that of the large one that equals it.
        Field::Float(n) => Value::Float(n.to_string().parse().unwrap_or(f64::NAN)),
        Field::Double(n) => Value::Float(n),
        Field::Decimal(n) => {
            let digits = n.data();
            let negative = digits.first().is_some_and(|b| b & 0x80 != 0);
            match digits.len() {
                0..=8 => {
                    let start = if negative { -1i64 } else { 0 };
                    Value::Int(digits.iter().fold(start, |n, b| n << 8 | i64::from(*b)))
                }
                _ => Value::Bytes(Bytes::copy_from_slice(digits)),
            }
        }
        Field::Str(text) => text.into(),
        // Texts are often written without being declared as such.
        Field::Bytes(bytes) => match std::str::from_utf8(bytes.data()) {
            Ok(text) => text.into(),
            Err(_) => Value::Bytes(Bytes::copy_from_slice(bytes.data())),
        },
        Field::Group(row) => object(row, types, lists),
        Field::ListInternal(list) => {
            let items = list.elements().iter().cloned();
            // What is inside of lists is shown plain.
            Value::Array(
                items
                    .map(|item| value(item, None, Lists::Plain))
                    .collect::<Array>(),
            )
        }
        Field::MapInternal(map) => {
            let mut object = Object::new();
            for (key, inner) in map.entries().iter().cloned() {
                let key = match value(key, None, lists) {
                    Value::String(key) => key,
                    other => String::from_utf8_lossy(&other.to_json()).as_ref().into(),
                };
                object.insert(key, value(inner, None, Lists::Plain));
            }
            Value::Object(object)
        }
    }
}
