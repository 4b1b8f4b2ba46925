//! `avro`: Avro to JSON and back.

use super::flow::each;
use super::json_schema::read;
use crate::codec::avro::{
    decode, encode,
    schema::{Named, Schema, Type},
};
use crate::component::{BuildProcessor, Context, Processor};
use crate::value::Value;
use anyhow::{anyhow, bail};

crate::fields! {
    /// What is made of what.
    pub struct Config {
        /// The direction.
        operator: Operator,
        /// How Avro is encoded.
        encoding: Encoding = "textual",
        /// The schema itself.
        schema: String = "''",
        /// Where the schema is, instead: a path, or `file://` and a path.
        schema_path: String = "''",
    }
}

crate::choice! {
    /// What is done.
    pub enum Operator {
        /// Makes JSON of Avro. Members of unions are named: `{"string": "x"}`.
        ToJson = "to_json",
        /// Makes Avro of JSON. Members of unions are named, `null` aside.
        FromJson = "from_json",
    }
}

crate::choice! {
    /// How Avro is encoded.
    pub enum Encoding {
        /// Avro's JSON.
        Textual = "textual",
        /// The bytes alone.
        Binary = "binary",
        /// The bytes behind a fingerprint of the schema.
        Single = "single",
    }
}

crate::spec! {
    /// Makes JSON of messages that are Avro documents, or Avro of messages that are JSON, by a schema. For files with many records there is a scanner.
    dyn BuildProcessor, "avro", Config, Beta
}

impl BuildProcessor for Config {
    fn build(&self, _: &Context) -> anyhow::Result<Processor> {
        let text = match (self.schema.as_str(), self.schema_path.as_str()) {
            ("", "") => {
                bail!("a schema must be specified with either the `schema` or `schema_path` fields")
            }
            ("", path) => read(path)?,
            (schema, _) => schema.to_owned(),
        };
        let codec =
            Codec::new(&text, self.encoding).map_err(|e| anyhow!("failed to parse schema: {e}"))?;
        Ok(match self.operator {
            Operator::ToJson => each(move |message| {
                let value = codec.decode(message.bytes());
                message.set_value(
                    value.map_err(|e| format!("failed to convert Avro document to JSON: {e}"))?,
                );
                Ok(())
            }),
            Operator::FromJson => each(move |message| {
                let value = message.value();
                let value = value.map_err(|e| format!("failed to parse message as JSON: {e}"))?;
                let encoded = codec.encode(value);
                message.set_bytes(
                    encoded.map_err(|e| format!("failed to convert JSON to Avro schema: {e}"))?,
                );
                Ok(())
            }),
        })
    }
}

struct Codec {
    schema: Schema,
    encoding: Encoding,
    /// What stands before a document in the `single` encoding.
    header: Vec<u8>,
}

impl Codec {
    fn new(text: &str, encoding: Encoding) -> Result<Codec, String> {
        let schema = Schema::parse(text)?;
        let mut header = Vec::new();
        if encoding == Encoding::Single {
            let parsed = apache_avro::Schema::parse_str(text).map_err(|e| e.to_string())?;
            header.extend_from_slice(&[0xc3, 0x01]);
            header
                .extend_from_slice(&fingerprint(parsed.canonical_form().as_bytes()).to_le_bytes());
        }
        Ok(Codec {
            schema,
            encoding,
            header,
        })
    }

    fn encode(&self, value: &Value) -> Result<Vec<u8>, String> {
        if self.encoding == Encoding::Textual {
            let mut out = encode::Textual::default();
            encode::encode(&self.schema, &self.schema.root, value, 0, &mut out)?;
            return Ok(out.0);
        }
        let mut out = encode::Binary(self.header.clone());
        encode::encode(&self.schema, &self.schema.root, value, 0, &mut out)?;
        Ok(out.0)
    }

    fn decode(&self, bytes: &bytes::Bytes) -> Result<Value, String> {
        if self.encoding == Encoding::Textual {
            self.check_begin(bytes)?;
            let value = crate::value::parse(bytes).map_err(|e| e.to_string())?;
            return decode::textual(&self.schema, &self.schema.root, value, 0);
        }
        let Some(body) = bytes.strip_prefix(self.header.as_slice()) else {
            return Err(match bytes.get(..2) {
                Some([0xc3, 0x01]) => "the document was written with another schema".into(),
                _ => "the document isn't in the single-object encoding".into(),
            });
        };
        decode::Binary::new(body).read(&self.schema, &self.schema.root, 0)
    }

    /// A document whose first character is wrong is named after the schema.
    fn check_begin(&self, bytes: &[u8]) -> Result<(), String> {
        let Type::Named(number) = &self.schema.root else {
            return Ok(());
        };
        let Named::Record { name, .. } = self.schema.named(*number) else {
            return Ok(());
        };
        match String::from_utf8_lossy(bytes).trim_start().chars().next() {
            Some('{') => Ok(()),
            Some(other) => Err(format!(
                "cannot decode textual record {name:?}: expected: '{{'; actual: {other:?}"
            )),
            None => Err(format!(
                "cannot decode textual record {name:?}: short buffer"
            )),
        }
    }
}

/// CRC-64-AVRO, by which documents name their schema (Avro specification, "Schema Fingerprints").
fn fingerprint(bytes: &[u8]) -> u64 {
    const EMPTY: u64 = 0xc15d_213a_a4d7_a795;
    let step = |n: u64| n >> 1 ^ EMPTY & (n & 1).wrapping_neg();
    let table = |n: u64| (0..8).fold(n, |n, _| step(n));
    bytes
        .iter()
        .fold(EMPTY, |f, b| f >> 8 ^ table((f ^ u64::from(*b)) & 0xff))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value;

    const NOTE: &str = r#"{"type":"record","name":"Note","fields":[{"name":"t","type":"string"},{"name":"ok","type":"boolean"},{"name":"by","type":["null","string"],"default":null}]}"#;

    fn json(text: &str) -> Value {
        value::parse(&text.to_owned().into()).expect("valid")
    }

    #[test]
    fn documents_come_back() {
        let deep = r#"{"type":"record","name":"N","namespace":"a.b","fields":[
            {"name":"n","type":["null","N"],"default":null},{"name":"l","type":{"type":"array","items":"long"}},
            {"name":"m","type":{"type":"map","values":"double"}},{"name":"e","type":{"type":"enum","name":"E","symbols":["X","Y"]}}]}"#;
        let document = r#"{"e":"Y","l":[1,-2,300],"m":{"k":1.5},"n":{"a.b.N":{"e":"X","l":[],"m":{},"n":null}}}"#;
        for encoding in [Encoding::Textual, Encoding::Binary, Encoding::Single] {
            let codec = Codec::new(deep, encoding).expect("it parses");
            let encoded = codec.encode(&json(document)).expect("it fits");
            let decoded = codec.decode(&encoded.clone().into()).expect("it is valid");
            assert_eq!(
                String::from_utf8(decoded.to_json()).expect("text"),
                document
            );
            for cut in 0..encoded.len() {
                let _ = codec.decode(&encoded[..cut].to_vec().into());
            }
        }
    }

    #[test]
    fn the_single_encoding_has_the_fingerprint_of_its_schema() {
        let codec = Codec::new(NOTE, Encoding::Single).expect("it parses");
        let encoded = codec
            .encode(&json(r#"{"t":"hi","ok":true,"by":{"string":"me"}}"#))
            .expect("it fits");
        let hex: String = encoded.iter().map(|b| format!("{b:02x}")).collect();
        assert_eq!(hex, "c30173675a8c977954f30468690102046d65");
    }

    #[test]
    fn errors_are_worded_as_people_match_on_them() {
        for (encoding, document, wanted) in [
            (
                Encoding::Binary,
                r#"{"t":"x"}"#,
                "cannot encode binary record \"Note\" field \"ok\": schema does not specify default value and no value provided",
            ),
            (
                Encoding::Textual,
                r#"{"t":"a","ok":5}"#,
                "cannot encode textual map: value for \"ok\" does not match its schema: boolean: expected: Go bool; received: json.Number",
            ),
            (
                Encoding::Textual,
                "[]",
                "cannot encode textual record \"Note\": expected map[string]interface{}; received: []interface {}",
            ),
        ] {
            let codec = Codec::new(NOTE, encoding).expect("it parses");
            assert_eq!(codec.encode(&json(document)), Err(wanted.to_owned()));
        }
    }
}
