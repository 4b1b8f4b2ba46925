//! `unarchive`: makes a batch of one message.

use super::flow::{Outcome, expand};
use crate::codec::go_fmt::type_of;
use crate::component::{BuildProcessor, Context, Processor};
use crate::config::{Field, Linter, Node, Shape};
use crate::formats::{
    csv::{Dialect, Rows},
    zip,
};
use crate::message::{Batch, Message};
use crate::value::{self, Str, Value};
use bytes::Bytes;
use std::io::Read;

crate::fields! {
    /// What is taken apart.
    pub struct Config {
        /// The format.
        format: Format,
    }
}

/// A format for several contents in one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// What `archive` writes as `binary`.
    Binary,
    /// Rows below a header row, each an object, with this between columns.
    Csv(u8),
    /// The elements of an array.
    JsonArray,
    /// Documents one after the other, with any space between.
    JsonDocuments,
    /// The values of an object; the key is in the metadata `archive_key`.
    JsonMap,
    /// The lines.
    Lines,
    /// The files; the name is in the metadata `archive_filename`.
    Tar,
    /// XML documents one after the other, each made into an object; numbers and bools as such if `cast`.
    Xml { cast: bool },
    /// The files; the name is in the metadata `archive_filename`.
    Zip,
}

const FORMATS: &[&str] = &[
    "binary",
    "csv",
    "csv:x",
    "json_array",
    "json_documents",
    "json_map",
    "lines",
    "tar",
    "xml_documents_to_json",
    "xml_documents_to_json:cast",
    "zip",
];

impl Field for Format {
    fn shape() -> Shape {
        Shape::Choice(FORMATS)
    }

    fn read(node: &Node, linter: &mut Linter<'_>) -> Option<Format> {
        let text = String::read(node, linter)?;
        let format = match text.as_str() {
            "binary" => Some(Format::Binary),
            "csv" => Some(Format::Csv(b',')),
            "json_array" => Some(Format::JsonArray),
            "json_documents" => Some(Format::JsonDocuments),
            "json_map" => Some(Format::JsonMap),
            "lines" => Some(Format::Lines),
            "tar" => Some(Format::Tar),
            "xml_documents_to_json" => Some(Format::Xml { cast: false }),
            "xml_documents_to_json:cast" => Some(Format::Xml { cast: true }),
            "zip" => Some(Format::Zip),
            other => match other.strip_prefix("csv:").map(str::as_bytes) {
                Some([delimiter]) => Some(Format::Csv(*delimiter)),
                _ => None,
            },
        };
        if format.is_none() {
            let hint = crate::config::nearest(&text, FORMATS)
                .map(|n| format!("did you mean `{n}`?"))
                .unwrap_or_else(|| format!("it takes {}", FORMATS.join(", ")));
            linter.error(
                node.place,
                format!("value {text} is not a valid option for this field ({hint})"),
            );
        }
        format
    }
}

crate::spec! {
    /// Takes each message apart into several, which all go on in one batch and keep its metadata. A message that isn't in the format goes on as it was, flagged.
    /// After `csv:` stands another separator than the comma, one character: `csv:;`.
    dyn BuildProcessor, "unarchive", Config
}

impl BuildProcessor for Config {
    fn build(&self, _: &Context) -> anyhow::Result<Processor> {
        let format = self.format;
        Ok(expand(move |message, made| {
            unarchive(format, message, made)
        }))
    }
}

fn unarchive(format: Format, message: &Message, made: &mut Batch) -> Outcome {
    match format {
        Format::Binary => binary(message, made),
        Format::Csv(delimiter) => csv(delimiter, message, made),
        Format::JsonArray => match structured(message, "JSON array")? {
            Value::Array(items) => {
                made.extend(items.iter().map(|item| with_value(message, item)));
                Ok(())
            }
            other => Err(wrong_type("JSON array", other)),
        },
        Format::JsonDocuments => json_documents(message, made),
        Format::JsonMap => match structured(message, "JSON map")? {
            Value::Object(fields) => {
                made.extend(fields.iter().map(|(key, value)| {
                    let mut part = with_value(message, value);
                    part.metadata_mut()
                        .set(Str::from_static("archive_key"), key);
                    part
                }));
                Ok(())
            }
            other => Err(wrong_type("JSON map", other)),
        },
        Format::Lines => {
            let content = message.bytes();
            let mut from = 0;
            for at in memchr::memchr_iter(b'\n', content) {
                made.push(with_bytes(message, content.slice(from..at)));
                from = at + 1;
            }
            made.push(with_bytes(message, content.slice(from..)));
            Ok(())
        }
        Format::Tar => tar(message, made),
        Format::Xml { cast } => {
            for document in crate::codec::xml::parse_all(message.bytes(), cast)? {
                made.push(with_value(message, document));
            }
            Ok(())
        }
        Format::Zip => {
            for file in zip::read(message.bytes())? {
                made.push(with_file(message, &file.name, file.content));
            }
            Ok(())
        }
    }
}

fn with_bytes(message: &Message, bytes: Bytes) -> Message {
    let mut part = message.clone();
    part.set_bytes(bytes);
    part
}

fn with_value(message: &Message, value: Value) -> Message {
    let mut part = message.clone();
    part.set_value(value);
    part
}

fn with_file(message: &Message, name: &str, content: Bytes) -> Message {
    let mut part = with_bytes(message, content);
    if !name.is_empty() {
        part.metadata_mut()
            .set(Str::from_static("archive_filename"), name);
    }
    part
}

fn structured<'m>(message: &'m Message, wanted: &str) -> Result<&'m Value, String> {
    message
        .value()
        .map_err(|e| format!("failed to parse message into {wanted}: {e}"))
}

fn wrong_type(wanted: &str, got: &Value) -> String {
    format!(
        "failed to parse message into {wanted}: invalid type '{}'",
        type_of(got)
    )
}

fn json_documents(message: &Message, made: &mut Batch) -> Outcome {
    let mut rest = message.bytes().clone();
    loop {
        let space = rest.iter().take_while(|b| b.is_ascii_whitespace()).count();
        let text = rest.slice(space..);
        if text.is_empty() {
            return Ok(());
        }
        let (value, used) = value::parse_prefix(&text).map_err(|e| e.to_string())?;
        made.push(with_value(message, value));
        rest = text.slice(used..);
    }
}

fn binary(message: &Message, made: &mut Batch) -> Outcome {
    let wrong = || "serialised message bytes were in unexpected format".to_owned();
    let content = message.bytes();
    let number = |at: usize| {
        let bytes = content.get(at..at + 4)?.try_into().ok()?;
        Some(u32::from_be_bytes(bytes) as usize)
    };
    let count = number(0).ok_or_else(wrong)?;
    let mut at = 4;
    for _ in 0..count {
        let length = number(at).ok_or_else(wrong)?;
        let end = (at + 4)
            .checked_add(length)
            .filter(|end| *end <= content.len());
        let end = end.ok_or_else(wrong)?;
        made.push(with_bytes(message, content.slice(at + 4..end)));
        at = end;
    }
    Ok(())
}

fn csv(delimiter: u8, message: &Message, made: &mut Batch) -> Outcome {
    let text = String::from_utf8_lossy(message.bytes());
    let dialect = Dialect {
        delimiter: delimiter.into(),
        ..Dialect::default()
    };
    let wrong = |error| format!("failed to parse message as csv: {error}");
    let mut rows = Rows::new(&text, dialect);
    let Some(header) = rows.next() else {
        return Ok(());
    };
    let header: Vec<Str> = header.map_err(wrong)?.into_iter().map(Str::from).collect();
    for row in rows {
        let values = row.map_err(wrong)?.into_iter().map(Str::from);
        let fields = header.iter().cloned().zip(values.map(Value::String));
        made.push(with_value(message, Value::Object(fields.collect())));
    }
    Ok(())
}

fn tar(message: &Message, made: &mut Batch) -> Outcome {
    let content = message.bytes();
    if !content.is_empty() && content.len() < 512 {
        return Err("unexpected EOF".into());
    }
    let mut archive = tar::Archive::new(&content[..]);
    let invalid = |e: std::io::Error| match e.kind() {
        std::io::ErrorKind::UnexpectedEof => "unexpected EOF".to_owned(),
        _ => "archive/tar: invalid tar header".to_owned(),
    };
    for entry in archive.entries().map_err(invalid)? {
        let mut entry = entry.map_err(invalid)?;
        let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        // The content is in memory: its position there is known, so it is shared and not copied.
        let from = entry.raw_file_position() as usize;
        let to = from
            .checked_add(entry.size() as usize)
            .filter(|to| *to <= content.len());
        let bytes = match to {
            Some(to) if !entry.header().entry_type().is_gnu_sparse() => content.slice(from..to),
            _ => {
                let mut bytes = Vec::new();
                let limit = content.len() as u64 + 1;
                entry
                    .by_ref()
                    .take(limit)
                    .read_to_end(&mut bytes)
                    .map_err(invalid)?;
                bytes.into()
            }
        };
        made.push(with_file(message, &name, bytes));
    }
    Ok(())
}
