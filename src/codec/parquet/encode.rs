//! Rows to a file.

use super::schema::{Column, Kind, Leaf, root};
use super::shred::{Leaves, Shredder, Values};
use crate::value::Object;
use parquet::basic::{
    BrotliLevel, Compression as Codec, Encoding as ColumnEncoding, GzipLevel, ZstdLevel,
};
use parquet::column::writer::ColumnWriter;
use parquet::errors::ParquetError;
use parquet::file::properties::{WriterProperties, WriterPropertiesPtr};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::{ColumnPath, TypePtr};
use std::sync::Arc;

named! {
    /// How pages are compressed.
    Compression {
        Uncompressed = "uncompressed",
        Snappy = "snappy",
        Gzip = "gzip",
        Brotli = "brotli",
        Zstd = "zstd",
        Lz4Raw = "lz4raw",
    }
}

named! {
    /// How texts and bytes are written.
    Encoding {
        DeltaLengthByteArray = "DELTA_LENGTH_BYTE_ARRAY",
        Plain = "PLAIN",
        RleDictionary = "RLE_DICTIONARY",
    }
}

/// Writes files of one schema.
pub struct Encoder {
    columns: Vec<Column>,
    schema: TypePtr,
    properties: WriterPropertiesPtr,
}

impl Encoder {
    pub fn new(
        columns: Vec<Column>,
        compression: Compression,
        encoding: Encoding,
    ) -> Result<Encoder, String> {
        let schema = root(&columns)?;
        let mut properties = WriterProperties::builder()
            .set_created_by("airtruct".into())
            .set_dictionary_enabled(encoding == Encoding::RleDictionary)
            .set_compression(match compression {
                Compression::Uncompressed => Codec::UNCOMPRESSED,
                Compression::Snappy => Codec::SNAPPY,
                Compression::Gzip => Codec::GZIP(GzipLevel::default()),
                Compression::Brotli => Codec::BROTLI(BrotliLevel::default()),
                Compression::Zstd => Codec::ZSTD(ZstdLevel::default()),
                Compression::Lz4Raw => Codec::LZ4_RAW,
            });
        if encoding == Encoding::DeltaLengthByteArray {
            let mut paths = Vec::new();
            columns
                .iter()
                .for_each(|c| texts(c, &mut Vec::new(), &mut paths));
            for path in paths {
                properties = properties.set_column_encoding(
                    ColumnPath::new(path),
                    ColumnEncoding::DELTA_LENGTH_BYTE_ARRAY,
                );
            }
        }
        let properties = Arc::new(properties.build());
        Ok(Encoder {
            columns,
            schema,
            properties,
        })
    }

    /// A file with these rows.
    pub fn encode<'r>(&self, rows: impl Iterator<Item = &'r Object>) -> Result<Vec<u8>, String> {
        let mut shredder = Shredder::new(&self.columns);
        for row in rows {
            let added = shredder.row(&self.columns, row);
            added.map_err(|e| format!("conversion to struct failed, err: {e}"))?;
        }
        self.write(&shredder.leaves).map_err(|e| e.to_string())
    }

    fn write(&self, leaves: &[Leaves]) -> Result<Vec<u8>, ParquetError> {
        let mut file =
            SerializedFileWriter::new(Vec::new(), self.schema.clone(), self.properties.clone())?;
        let mut rows = file.next_row_group()?;
        for leaf in leaves {
            let Some(mut column) = rows.next_column()? else {
                break;
            };
            let levels = Some(&leaf.definitions[..]);
            let repeats = Some(&leaf.repetitions[..]);
            let descriptor = |levels: Option<&[i16]>, deepest: i16| {
                if deepest > 0 {
                    levels.map(<[i16]>::to_vec)
                } else {
                    None
                }
            };
            macro_rules! write {
                ($writer:expr, $values:expr) => {{
                    let (most, repeat) = (
                        $writer.get_descriptor().max_def_level(),
                        $writer.get_descriptor().max_rep_level(),
                    );
                    let (levels, repeats) = (descriptor(levels, most), descriptor(repeats, repeat));
                    $writer.write_batch($values, levels.as_deref(), repeats.as_deref())?
                }};
            }
            match (column.untyped(), &leaf.values) {
                (ColumnWriter::BoolColumnWriter(w), Values::Bool(v)) => write!(w, v),
                (ColumnWriter::Int32ColumnWriter(w), Values::Int32(v)) => write!(w, v),
                (ColumnWriter::Int64ColumnWriter(w), Values::Int64(v)) => write!(w, v),
                (ColumnWriter::FloatColumnWriter(w), Values::Float(v)) => write!(w, v),
                (ColumnWriter::DoubleColumnWriter(w), Values::Double(v)) => write!(w, v),
                (ColumnWriter::ByteArrayColumnWriter(w), Values::Bytes(v)) => write!(w, v),
                _ => {
                    return Err(ParquetError::General(
                        "a column has another type than its values".into(),
                    ));
                }
            };
            column.close()?;
        }
        rows.close()?;
        file.into_inner()
    }
}

/// The paths of the columns that hold texts or bytes.
fn texts(column: &Column, path: &mut Vec<String>, out: &mut Vec<Vec<String>>) {
    let length = path.len();
    path.push(column.name.clone());
    match &column.kind {
        Kind::Leaf(Leaf::Bytes | Leaf::Text) => out.push(path.clone()),
        Kind::Leaf(_) => {}
        Kind::Struct(columns) => columns.iter().for_each(|c| texts(c, path, out)),
        Kind::List(element) => {
            path.push("list".into());
            texts(element, path, out);
        }
        Kind::Map(columns) => {
            path.push("key_value".into());
            columns.iter().for_each(|c| texts(c, path, out));
        }
    }
    path.truncate(length);
}
