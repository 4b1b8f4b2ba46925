//! Object container files (Avro specification, "Object Container Files"), as their bytes come.

use super::decode::Binary;
use super::schema::Schema;
use crate::formats::compression::Algorithm;
use crate::value::Value;

/// The largest block, in bytes.
const MAX_BLOCK: usize = 256 << 20;

/// Reads one file.
pub(crate) struct Container {
    /// Whether members of unions stand without their names.
    raw: bool,
    begun: Vec<u8>,
    header: Option<Header>,
}

struct Header {
    schema: Schema,
    codec: Codec,
    sync: [u8; 16],
}

#[derive(Clone, Copy)]
enum Codec {
    None,
    Compressed(Algorithm),
    /// Snappy, with a checksum after each block.
    Snappy,
}

impl Container {
    pub fn new(raw: bool) -> Container {
        Container {
            raw,
            begun: Vec::new(),
            header: None,
        }
    }

    /// Takes more bytes and appends the values of the blocks that are complete.
    pub fn push(&mut self, bytes: &[u8], out: &mut Vec<Value>) -> Result<(), String> {
        self.begun.extend_from_slice(bytes);
        let begun = std::mem::take(&mut self.begun);
        let mut rest = &begun[..];
        let result = self.read(&mut rest, out);
        self.begun = rest.to_vec();
        result?;
        match self.begun.len() <= MAX_BLOCK {
            true => Ok(()),
            false => Err(format!("a block is larger than {MAX_BLOCK} bytes")),
        }
    }

    /// Whether the file may end here.
    pub fn finish(&self) -> Result<(), String> {
        match (&self.header, self.begun.is_empty()) {
            (None, _) => Err("not an Avro container file, or one that is cut off".into()),
            (Some(_), false) => Err("the file ends in the middle of a block".into()),
            (Some(_), true) => Ok(()),
        }
    }

    /// Takes what is complete off the beginning of `rest`.
    fn read(&mut self, rest: &mut &[u8], out: &mut Vec<Value>) -> Result<(), String> {
        if self.header.is_none() {
            let mut bytes = *rest;
            match header(&mut bytes)? {
                None => return Ok(()),
                Some(header) => self.header = Some(header),
            }
            *rest = bytes;
        }
        let Some(header) = &self.header else {
            return Ok(());
        };
        loop {
            let mut bytes = *rest;
            let Some(count) = long(&mut bytes)? else {
                return Ok(());
            };
            let Some(size) = long(&mut bytes)? else {
                return Ok(());
            };
            let size = usize::try_from(size).map_err(|_| "a block has a negative size")?;
            if size > MAX_BLOCK {
                return Err(format!("a block is larger than {MAX_BLOCK} bytes"));
            }
            let Some((block, after)) = bytes.split_at_checked(size) else {
                return Ok(());
            };
            let Some((sync, after)) = after.split_first_chunk::<16>() else {
                return Ok(());
            };
            if *sync != header.sync {
                return Err("the mark after a block is wrong: the file is damaged".into());
            }
            *rest = after;
            header.block(block, count, self.raw, out)?;
        }
    }
}

impl Header {
    fn block(
        &self,
        block: &[u8],
        count: i64,
        raw: bool,
        out: &mut Vec<Value>,
    ) -> Result<(), String> {
        let unpacked;
        let bytes = match self.codec {
            Codec::None => block,
            Codec::Compressed(algorithm) => {
                unpacked = algorithm.decompress(block)?;
                &unpacked
            }
            Codec::Snappy => {
                let (packed, sum) = block.split_last_chunk::<4>().ok_or("a block is cut off")?;
                unpacked = Algorithm::Snappy.decompress(packed)?;
                if crc32fast::hash(&unpacked) != u32::from_be_bytes(*sum) {
                    return Err("the checksum of a block is wrong: the file is damaged".into());
                }
                &unpacked
            }
        };
        let mut binary = Binary::new(bytes);
        binary.raw_unions = raw;
        for _ in 0..count {
            out.push(binary.read(&self.schema, &self.schema.root, 0)?);
        }
        Ok(())
    }
}

/// Reads the header of a file; none if it isn't all there.
fn header(bytes: &mut &[u8]) -> Result<Option<Header>, String> {
    const MAGIC: &[u8] = b"Obj\x01";
    if !MAGIC.starts_with(&bytes[..bytes.len().min(4)]) {
        return Err("not an Avro container file".into());
    }
    let Some(mut rest) = bytes.strip_prefix(MAGIC) else {
        return Ok(None);
    };
    let (mut schema, mut codec) = (None, Codec::None);
    loop {
        let Some(count) = long(&mut rest)? else {
            return Ok(None);
        };
        if count == 0 {
            break;
        }
        // The size in bytes stands before the entries then.
        if count < 0 && long(&mut rest)?.is_none() {
            return Ok(None);
        }
        for _ in 0..count.unsigned_abs() {
            let Some(key) = part(&mut rest)? else {
                return Ok(None);
            };
            let Some(value) = part(&mut rest)? else {
                return Ok(None);
            };
            let text = String::from_utf8_lossy(value);
            match key {
                b"avro.schema" => schema = Some(Schema::parse(&text)?),
                b"avro.codec" => codec = codec_named(&text)?,
                _ => {}
            }
        }
    }
    let Some((sync, after)) = rest.split_first_chunk::<16>() else {
        return Ok(None);
    };
    *bytes = after;
    Ok(Some(Header {
        schema: schema.ok_or("the file names no schema")?,
        codec,
        sync: *sync,
    }))
}

fn codec_named(name: &str) -> Result<Codec, String> {
    Ok(match name {
        "" | "null" => Codec::None,
        "deflate" => Codec::Compressed(Algorithm::Flate),
        "bzip2" => Codec::Compressed(Algorithm::Bzip2),
        "zstandard" => Codec::Compressed(Algorithm::Zstd),
        "snappy" => Codec::Snappy,
        other => {
            return Err(format!(
                "the file is compressed with {other}, which isn't supported"
            ));
        }
    })
}

/// A number of variable length; none if it isn't all there.
fn long(bytes: &mut &[u8]) -> Result<Option<i64>, String> {
    let mut zigzag = 0u64;
    for (at, byte) in bytes.iter().enumerate() {
        if at == 10 {
            return Err("a number is too long".into());
        }
        zigzag |= u64::from(byte & 0x7f) << (7 * at);
        if *byte < 0x80 {
            *bytes = &bytes[at + 1..];
            return Ok(Some((zigzag >> 1) as i64 ^ -((zigzag & 1) as i64)));
        }
    }
    Ok(None)
}

/// Bytes behind their length; none if they aren't all there.
fn part<'b>(bytes: &mut &'b [u8]) -> Result<Option<&'b [u8]>, String> {
    let Some(length) = long(bytes)? else {
        return Ok(None);
    };
    let length = usize::try_from(length).map_err(|_| "a length is negative")?;
    let Some((part, after)) = bytes.split_at_checked(length) else {
        return Ok(None);
    };
    *bytes = after;
    Ok(Some(part))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCHEMA: &str = r#"{"type":"record","name":"R","fields":[{"name":"t","type":"string"},{"name":"n","type":["null","long"]}]}"#;

    fn file(codec: apache_avro::Codec) -> Vec<u8> {
        use apache_avro::types::{Record, Value};
        let schema = apache_avro::Schema::parse_str(SCHEMA).expect("a schema");
        let writer = apache_avro::Writer::with_codec(&schema, Vec::new(), codec);
        let mut writer = writer.expect("a writer");
        for (text, number) in [
            ("one", Value::Union(0, Box::new(Value::Null))),
            ("two", Value::Union(1, Box::new(Value::Long(7)))),
        ] {
            let mut record = Record::new(&schema).expect("a record");
            record.put("t", text);
            record.put("n", number);
            writer.append_value(record).expect("appended");
        }
        writer.into_inner().expect("a file")
    }

    fn read(bytes: &[u8], size: usize, raw: bool) -> Result<Vec<String>, String> {
        let mut container = Container::new(raw);
        let mut out = Vec::new();
        for piece in bytes.chunks(size) {
            container.push(piece, &mut out)?;
        }
        container.finish()?;
        let text = |v: &Value| String::from_utf8_lossy(&v.to_json()).into_owned();
        Ok(out.iter().map(text).collect())
    }

    #[test]
    fn records_are_read_however_they_come() {
        for codec in [
            apache_avro::Codec::Null,
            apache_avro::Codec::Deflate(Default::default()),
            apache_avro::Codec::Snappy,
        ] {
            let bytes = file(codec);
            for size in [1, 7, bytes.len()] {
                let named = read(&bytes, size, false).expect("records");
                assert_eq!(
                    named,
                    [r#"{"n":null,"t":"one"}"#, r#"{"n":{"long":7},"t":"two"}"#]
                );
                let raw = read(&bytes, size, true).expect("records");
                assert_eq!(raw, [r#"{"n":null,"t":"one"}"#, r#"{"n":7,"t":"two"}"#]);
            }
        }
    }

    #[test]
    fn damage_is_an_error() {
        let bytes = file(apache_avro::Codec::Null);
        assert!(read(b"nope", 4, false).is_err());
        assert!(read(&bytes[..bytes.len() - 1], 9, false).is_err());
        let mut damaged = bytes.clone();
        *damaged.last_mut().expect("bytes") ^= 1;
        assert!(read(&damaged, 9, false).is_err());
    }
}
