//! `xml_documents`: XML documents as JSON.

use crate::codec::{xml, xml_ends::Ends};
use crate::component::{BuildScanner, Context, Scan, Scanner};
use crate::message::{Batch, Message};
use anyhow::{anyhow, ensure};
use bytes::Bytes;
use std::sync::Arc;

crate::choice! {
    /// What is done with a document.
    pub enum Operator {
        /// The same as `to_json`.
        None = "",
        /// It becomes a JSON object.
        ToJson = "to_json",
    }
}

crate::fields! {
    /// How documents are read.
    pub struct Config {
        /// What is done with a document.
        operator: Operator = "''",
        /// Whether text that looks like a number or a bool becomes one.
        cast: bool = "false",
    }
}

crate::spec! {
    /// Makes a message of each XML document, as a JSON object, as soon as it is there.
    dyn BuildScanner, "xml_documents", Config
}

/// The largest document.
const LIMIT: usize = 1 << 30;

impl BuildScanner for Config {
    fn build(&self, _: &Context) -> anyhow::Result<Arc<dyn Scanner>> {
        match self.operator {
            Operator::None | Operator::ToJson => Ok(Arc::new(XmlDocuments(self.cast))),
        }
    }
}

struct XmlDocuments(bool);

impl Scanner for XmlDocuments {
    fn open(&self, _: &str) -> Box<dyn Scan> {
        Box::new(Gathering {
            cast: self.0,
            held: Vec::new(),
            ends: Ends::default(),
        })
    }
}

struct Gathering {
    cast: bool,
    /// What came of a document that isn't at its end.
    held: Vec<u8>,
    ends: Ends,
}

impl Scan for Gathering {
    fn push(&mut self, bytes: Bytes, out: &mut Vec<Batch>) -> anyhow::Result<()> {
        self.held.extend_from_slice(&bytes);
        let mut done = 0;
        while let Some(length) = self.ends.find(&self.held[done..]) {
            read(&self.held[done..done + length], self.cast, out)?;
            done += length;
        }
        self.held.drain(..done);
        ensure!(
            self.held.len() <= LIMIT,
            "an XML document has more than {LIMIT} bytes"
        );
        Ok(())
    }

    fn finish(&mut self, out: &mut Vec<Batch>) -> anyhow::Result<()> {
        read(&std::mem::take(&mut self.held), self.cast, out)
    }
}

fn read(bytes: &[u8], cast: bool, out: &mut Vec<Batch>) -> anyhow::Result<()> {
    let documents = xml::parse_all(bytes, cast).map_err(|e| anyhow!("{e}"))?;
    let alone = |document| Batch::from_buf([Message::from_value(document)]);
    out.extend(documents.into_iter().map(alone));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::component::scanners::testing::scan;

    #[test]
    fn documents_become_json() {
        let wanted = [r#"{"a":"1"}"#, r#"{"b":{"c":"x"}}"#];
        scan(&XmlDocuments(false), b"<a>1</a>\n<b><c>x</c></b>", &wanted);
    }
}
