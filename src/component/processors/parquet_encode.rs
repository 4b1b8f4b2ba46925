//! `parquet_encode`: a batch of rows to a Parquet file.

use super::flow::{alone, fail};
use crate::codec::go_fmt;
use crate::codec::parquet::{Column, ColumnType, Compression, Encoder, Encoding, Repeats};
use crate::component::{BuildProcessor, Context, Process, Processor};
use crate::config::{Field, Linter, Node, Shape, nearest};
use crate::message::{Batch, Message};
use crate::value::{Object, Value};
use anyhow::{anyhow, ensure};

crate::fields! {
    /// The columns, and how they are written.
    pub struct Config {
        /// The columns.
        schema: Vec<ColumnConfig>,
        /// How columns are compressed.
        default_compression: Compression = "uncompressed",
        /// How texts and bytes are written: another one than the default is for readers that don't know it.
        default_encoding: Encoding = "DELTA_LENGTH_BYTE_ARRAY" [advanced],
    }
}

crate::fields! {
    /// A column.
    pub struct ColumnConfig {
        /// Its name.
        name: String,
        /// Its type; may be left out where there are `fields`.
        r#type: Option<ColumnType>,
        /// How many digits a decimal has.
        decimal_precision: i32 = "0",
        /// How many of them stand behind the point.
        decimal_scale: i32 = "0",
        /// Whether it holds any number of values.
        repeated: bool = "false",
        /// Whether it may hold none.
        optional: bool = "false",
        /// The columns in this one: the element of a `LIST`, key and value of a `MAP`, those of a `STRUCT`.
        fields: Vec<ColumnConfig> = "[]",
    }
}

/// Lets configs name the variants of the format's enums.
macro_rules! by_name {
    ($($type:ty),*) => {$(
        impl Field for $type {
            fn shape() -> Shape {
                Shape::Choice(<$type>::NAMES)
            }

            fn read(node: &Node, linter: &mut Linter<'_>) -> Option<$type> {
                let text = String::read(node, linter)?;
                let found = <$type>::from_name(&text);
                if found.is_none() {
                    let hint = match nearest(&text, <$type>::NAMES) {
                        Some(near) => format!("did you mean `{near}`?"),
                        None => format!("it takes {}", <$type>::NAMES.join(", ")),
                    };
                    linter.error(node.place, format!("value {text} is not a valid option for this field ({hint})"));
                }
                found
            }
        }
    )*};
}
by_name!(ColumnType, Compression, Encoding);

crate::spec! {
    /// Makes one message of a batch of JSON documents: a Parquet file with a row for each. It has the metadata of the first.
    ///
    /// What a document lacks is the column's empty value (0, false, no text), or nothing if the column is optional. Decimals are given as whole
    /// numbers, without their point.
    dyn BuildProcessor, "parquet_encode", Config, Experimental
}

impl ColumnConfig {
    fn column(&self) -> Result<Column, String> {
        let repeats = match (self.repeated, self.optional) {
            (true, true) => {
                return Err(format!(
                    "column {} cannot be both repeated and optional",
                    self.name
                ));
            }
            (true, false) => Repeats::Many,
            (false, true) => Repeats::Optional,
            (false, false) => Repeats::Once,
        };
        let fields = self
            .fields
            .iter()
            .map(ColumnConfig::column)
            .collect::<Result<_, _>>()?;
        let decimal = (self.decimal_precision, self.decimal_scale);
        Column::new(&self.name, self.r#type, decimal, repeats, fields)
    }
}

impl BuildProcessor for Config {
    fn build(&self, _: &Context) -> anyhow::Result<Processor> {
        ensure!(
            !self.schema.is_empty(),
            "the schema needs at least one column"
        );
        let columns = self
            .schema
            .iter()
            .map(ColumnConfig::column)
            .collect::<Result<_, _>>();
        let encoder =
            columns.and_then(|c| Encoder::new(c, self.default_compression, self.default_encoding));
        Ok(Processor::Sync(Box::new(Encode(
            encoder.map_err(|e| anyhow!(e))?,
        ))))
    }
}

struct Encode(Encoder);

impl Process for Encode {
    fn process(&self, mut batch: Batch, out: &mut Vec<Batch>) {
        match self.encode(&batch) {
            Ok(file) => {
                let mut message = batch[0].without_content();
                if batch.len() > 1 {
                    message.set_merged();
                }
                message.set_bytes(file);
                out.push(alone(message));
            }
            Err(reason) => {
                for message in &mut batch {
                    fail(message, &reason);
                }
                out.push(batch);
            }
        }
    }
}

impl Encode {
    fn encode(&self, batch: &[Message]) -> Result<Vec<u8>, String> {
        let row = |message: &Message| -> Result<Object, String> {
            match message.value().map_err(ToString::to_string)? {
                Value::Object(row) => Ok(row.clone()),
                other => {
                    let kind = go_fmt::type_of(other);
                    Err(format!(
                        "unable to encode message type {kind} as parquet row"
                    ))
                }
            }
        };
        let rows: Vec<Object> = batch.iter().map(row).collect::<Result<_, _>>()?;
        self.0.encode(rows.iter())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::parquet::{Lists, decode};

    const SCHEMA: &str = "
- {name: id, type: INT64}
- {name: name, type: UTF8, optional: true}
- {name: w, type: FLOAT}
- {name: ok, type: BOOLEAN}
- {name: small, type: INT8, optional: true}
- {name: tags, type: UTF8, repeated: true}
- {name: list, type: LIST, optional: true, fields: [{name: e, type: INT32, optional: true}]}
- {name: map, type: MAP, fields: [{name: k, type: UTF8}, {name: v, type: DOUBLE}]}
- {name: inner, optional: true, fields: [{name: a, type: BYTE_ARRAY}, {name: b, type: DECIMAL64, decimal_precision: 10, decimal_scale: 2}]}
- {name: many, type: STRUCT, repeated: true, fields: [{name: x, type: INT16}, {name: ys, type: INT32, repeated: true}]}
";

    fn encoder(schema: &str, compression: Compression, encoding: Encoding) -> Encoder {
        let environment = Default::default();
        let mut linter = Linter::new(&environment);
        let node = Node::parse(schema).expect("YAML");
        let columns = Vec::<ColumnConfig>::read(&node, &mut linter).expect("columns");
        let columns: Vec<Column> = columns
            .iter()
            .map(|c| c.column().expect("a column"))
            .collect();
        Encoder::new(columns, compression, encoding).expect("an encoder")
    }

    fn rows(texts: &[&str]) -> Vec<Object> {
        let row = |text: &&str| match Message::new(text.to_string()).value() {
            Ok(Value::Object(row)) => row.clone(),
            other => panic!("{other:?}"),
        };
        texts.iter().map(row).collect()
    }

    #[test]
    fn rows_come_back_as_they_were() {
        let texts = [
            r#"{"id":1,"inner":{"a":"xy","b":125},"list":[1,null,3],"many":[{"x":1,"ys":[1,2]},{"x":2,"ys":[]}],"map":{"k":1.5,"l":2},"name":"a","ok":true,"small":-5,"tags":["x","y"],"w":0.1}"#,
            r#"{"id":2,"inner":null,"list":null,"many":[],"map":{},"name":null,"ok":false,"small":null,"tags":[],"w":2}"#,
            r#"{"id":-3,"inner":{"a":"","b":-1},"list":[],"many":[{"x":0,"ys":[7]}],"map":{"":0},"name":"","ok":false,"small":0,"tags":["z"],"w":-1.5}"#,
        ];
        for compression in Compression::NAMES {
            for encoding in Encoding::NAMES {
                let (c, e) = (
                    Compression::from_name(compression),
                    Encoding::from_name(encoding),
                );
                let encoder = encoder(SCHEMA, c.expect("known"), e.expect("known"));
                let file = encoder.encode(rows(&texts).iter()).expect("a file");
                let mut back = Vec::new();
                decode(&file.into(), Lists::Plain, |row| back.push(row)).expect("rows");
                let back: Vec<String> = back
                    .iter()
                    .map(|r| String::from_utf8_lossy(&r.to_json()).into_owned())
                    .collect();
                assert_eq!(back, texts, "{compression} {encoding}");
            }
        }
    }

    #[test]
    fn lists_may_be_shown_as_the_format_nests_them() {
        let schema = "- {name: l, type: LIST, fields: [{name: e, type: INT32}]}";
        let file = encoder(schema, Compression::Zstd, Encoding::Plain)
            .encode(rows(&[r#"{"l":[1,2]}"#]).iter());
        let mut back = Vec::new();
        decode(&file.expect("a file").into(), Lists::Nested, |row| {
            back.push(row)
        })
        .expect("rows");
        assert_eq!(
            back[0].to_json(),
            br#"{"l":{"list":[{"element":1},{"element":2}]}}"#
        );
    }

    #[test]
    fn documents_that_do_not_fit_are_refused() {
        for (schema, text, wanted) in [
            (
                "- {name: id, type: INT64}",
                r#"{"id":"x"}"#,
                "failed to set field Id: cannot convert string to int64",
            ),
            (
                "- {name: id, type: INT8}",
                r#"{"id":300}"#,
                "failed to set field Id: cannot represent 300 as int8",
            ),
            (
                "- {name: s, type: UTF8}",
                r#"{"s":1}"#,
                "failed to set field S: cannot convert int64 to string",
            ),
            (
                "- {name: t, type: UTF8, repeated: true}",
                r#"{"t":["a",true]}"#,
                "failed to set field T: error setting slice element 1: cannot convert bool to string",
            ),
            (
                "- {name: o, fields: [{name: b, type: BOOLEAN}]}",
                r#"{"o":{"b":1.5}}"#,
                "failed to set field O: failed to set field B: cannot convert float64 to bool",
            ),
        ] {
            let encoded =
                encoder(schema, Compression::Snappy, Encoding::Plain).encode(rows(&[text]).iter());
            assert_eq!(
                encoded,
                Err(format!("conversion to struct failed, err: {wanted}"))
            );
        }
    }

    #[test]
    fn damaged_files_are_refused() {
        let encoder = encoder(SCHEMA, Compression::Snappy, Encoding::DeltaLengthByteArray);
        let file = encoder
            .encode(rows(&[r#"{"id":1,"tags":["abc"],"map":{"k":1}}"#]).iter())
            .expect("a file");
        let read = |bytes: Vec<u8>| decode(&bytes.into(), Lists::Plain, |_| {});
        assert_eq!(
            read(b"nope".to_vec()),
            Err("invalid magic header of parquet file: \"nope\"".into())
        );
        assert!(read(file[..file.len() / 2].to_vec()).is_err());
        for at in 4..file.len() - 4 {
            let mut damaged = file.clone();
            damaged[at] ^= 0xff;
            let _ = read(damaged);
        }
    }
}
