//! `json_documents`: JSON documents one after the other.

use crate::component::{BuildScanner, Context, Scan, Scanner};
use crate::message::{Batch, Message};
use crate::value;
use anyhow::{anyhow, ensure};
use bytes::Bytes;
use std::sync::Arc;

crate::fields! {
    /// Nothing to set.
    pub struct Config {}
}

crate::spec! {
    /// Makes a message of each JSON document. They need nothing between them.
    dyn BuildScanner, "json_documents", Config
}

/// The largest document, in bytes.
const LIMIT: usize = 1 << 30;

impl BuildScanner for Config {
    fn build(&self, _: &Context) -> anyhow::Result<Arc<dyn Scanner>> {
        Ok(Arc::new(JsonDocuments))
    }
}

struct JsonDocuments;

impl Scanner for JsonDocuments {
    fn open(&self, _: &str) -> Box<dyn Scan> {
        Box::new(Cutting::default())
    }
}

/// Follows brackets and quotes to find where a document ends.
#[derive(Default)]
struct Cutting {
    begun: Vec<u8>,
    depth: usize,
    inside: Inside,
}

#[derive(Clone, Copy, Default, PartialEq)]
enum Inside {
    /// Before a document, or between the parts of an array or object.
    #[default]
    Nothing,
    String,
    /// After a backslash in a string.
    Escape,
    /// A number that stands by itself.
    Number,
    /// `true`, `false` or `null` that stands by itself.
    Word,
}

impl Cutting {
    fn emit(&mut self, document: Bytes, out: &mut Vec<Batch>) -> anyhow::Result<()> {
        let value = value::parse(&document).map_err(|e| anyhow!("{e}"))?;
        out.push(Batch::from_buf([Message::from_value(value)]));
        Ok(())
    }

    /// Notes a byte; whether a document ends before it or with it.
    fn step(&mut self, byte: u8) -> End {
        match self.inside {
            Inside::Escape => self.inside = Inside::String,
            Inside::String => match byte {
                b'\\' => self.inside = Inside::Escape,
                b'"' => {
                    self.inside = Inside::Nothing;
                    if self.depth == 0 {
                        return End::With;
                    }
                }
                _ => {}
            },
            Inside::Number if matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E') => {}
            Inside::Word if byte.is_ascii_alphabetic() => {}
            Inside::Number | Inside::Word => {
                self.inside = Inside::Nothing;
                return End::Before;
            }
            Inside::Nothing => match byte {
                b'"' => self.inside = Inside::String,
                b'{' | b'[' => self.depth += 1,
                b'}' | b']' => {
                    self.depth = self.depth.saturating_sub(1);
                    if self.depth == 0 {
                        return End::With;
                    }
                }
                b' ' | b'\t' | b'\r' | b'\n' => {}
                b'0'..=b'9' | b'-' if self.depth == 0 => self.inside = Inside::Number,
                _ if self.depth == 0 => self.inside = Inside::Word,
                _ => {}
            },
        }
        End::No
    }
}

enum End {
    No,
    Before,
    With,
}

impl Scan for Cutting {
    fn push(&mut self, bytes: Bytes, out: &mut Vec<Batch>) -> anyhow::Result<()> {
        let mut start = 0;
        let mut at = 0;
        while at < bytes.len() {
            let end = match self.step(bytes[at]) {
                End::No => {
                    at += 1;
                    continue;
                }
                End::With => {
                    at += 1;
                    at
                }
                // The byte is looked at again, as the first of what follows.
                End::Before => at,
            };
            let document = match self.begun.is_empty() {
                true => bytes.slice(start..end),
                false => {
                    let mut whole = std::mem::take(&mut self.begun);
                    whole.extend_from_slice(&bytes[start..end]);
                    whole.into()
                }
            };
            start = end;
            self.emit(document, out)?;
        }
        self.begun.extend_from_slice(&bytes[start..]);
        ensure!(
            self.begun.len() <= LIMIT,
            "a document is larger than {LIMIT} bytes"
        );
        Ok(())
    }

    fn finish(&mut self, out: &mut Vec<Batch>) -> anyhow::Result<()> {
        let rest = std::mem::take(&mut self.begun);
        if rest.iter().all(u8::is_ascii_whitespace) {
            return Ok(());
        }
        self.emit(rest.into(), out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::component::scanners::testing::{batches, scan};

    #[test]
    fn documents_are_found_without_anything_between() {
        let table: &[(&str, &[&str])] = &[
            ("", &[]),
            (" \n", &[]),
            (r#"{"a":1}{"a":[{}]}"#, &[r#"{"a":1}"#, r#"{"a":[{}]}"#]),
            (
                "{\"b\": \"}\\\"\", \"a\": 1}\n[1, 2] ",
                &[r#"{"a":1,"b":"}\""}"#, "[1,2]"],
            ),
            ("1 2\ntrue\"x\"null", &["1", "2", "true", "\"x\"", "null"]),
        ];
        for (text, wanted) in table {
            scan(&JsonDocuments, text.as_bytes(), wanted);
        }
    }

    #[test]
    fn what_comes_before_a_fault_is_there() {
        for text in ["1a", "1,2", "1]", "true,", "1:x"] {
            let mut scan = JsonDocuments.open("");
            let mut out = Vec::new();
            let pushed = scan.push(Bytes::from(text), &mut out);
            let ended = pushed.and_then(|()| scan.finish(&mut out));
            assert!(ended.is_err(), "{text}");
            assert_eq!(out.len(), 1, "{text}");
        }
    }

    #[test]
    fn a_fault_is_an_error() {
        for text in ["{\"a\":1}{\"a\":", "nope ", "{]"] {
            assert!(
                batches(&JsonDocuments, text.as_bytes(), 3).is_err(),
                "{text}"
            );
        }
    }
}
