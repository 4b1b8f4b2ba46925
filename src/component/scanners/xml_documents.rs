//! `xml_documents`: XML documents as JSON.

use crate::codec::xml;
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
    /// Makes a message of each XML document, as a JSON object. All of them have to fit into memory.
    dyn BuildScanner, "xml_documents", Config
}

/// How many bytes may come, in all.
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
            all: Vec::new(),
        })
    }
}

struct Gathering {
    cast: bool,
    all: Vec<u8>,
}

impl Scan for Gathering {
    fn push(&mut self, bytes: Bytes, _: &mut Vec<Batch>) -> anyhow::Result<()> {
        self.all.extend_from_slice(&bytes);
        ensure!(self.all.len() <= LIMIT, "more than {LIMIT} bytes of XML");
        Ok(())
    }

    fn finish(&mut self, out: &mut Vec<Batch>) -> anyhow::Result<()> {
        let all = std::mem::take(&mut self.all);
        let documents = xml::parse_all(&all, self.cast).map_err(|e| anyhow!("{e}"))?;
        out.extend(
            documents
                .into_iter()
                .map(|d| Batch::from_buf([Message::from_value(d)])),
        );
        Ok(())
    }
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
