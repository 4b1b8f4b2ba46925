//! What a unit test of a config says.

use super::target::Target;
use crate::codec::serde::from_json;
use crate::codec::json_text::{Layout, format};
use crate::config::{Field, Linter, Node, Place, Problem};
use crate::engine::config::{Case, InputPart};
use crate::message::{Batch, Message};
use crate::value::Value;
use anyhow::{Context as _, bail};
use serde_json::value::RawValue;
use std::path::Path;

/// The tests of a file.
pub struct Tests {
    /// The tests, each with the line that it begins in.
    pub cases: Vec<(usize, Case)>,
    /// What is wrong with them that doesn't keep them from running.
    pub problems: Vec<Problem>,
}

/// Reads the tests of a file.
pub fn read(tests: &Node) -> anyhow::Result<Tests> {
    let environment = crate::bloblang::Environment::default();
    let mut linter = Linter::new(&environment);
    let nodes = tests.as_list().context("tests should be a list")?;
    let read = nodes.iter().map(|node| Some((node.place.line, Case::read(node, &mut linter)?)));
    let cases: Option<Vec<_>> = read.collect();
    let problems = linter.into_problems();
    match (cases, problems.first()) {
        (Some(cases), _) => Ok(Tests { cases, problems }),
        (None, Some(problem)) => bail!("{}: {}", problem.place, problem.message),
        (None, None) => bail!("the tests can't be read"),
    }
}

impl Case {
    pub fn target(&self) -> Target<'_> {
        match self.target_mapping.as_str() {
            "" => Target::Processors(&self.target_processors),
            file => Target::Mapping(file),
        }
    }

    /// The batches that go in.
    pub fn batches(&self, folder: &Path) -> anyhow::Result<Vec<Batch>> {
        let single = (!self.input_batch.is_empty()).then_some(&self.input_batch);
        let all = self.input_batches.iter().chain(single);
        all.map(|parts| parts.iter().map(|part| part.message(folder)).collect()).collect()
    }
}

impl InputPart {
    fn message(&self, folder: &Path) -> anyhow::Result<Message> {
        let file = self.file_content.as_ref().filter(|file| !file.is_empty());
        let mut message = match (file, &self.json_content.0, &self.content) {
            (Some(file), _, _) => {
                let path = folder.join(file);
                let content = std::fs::read(&path);
                Message::new(content.with_context(|| format!("read {}", path.display()))?)
            }
            // As bytes, as a message comes in.
            (_, Some(node), _) => Message::new(json_text(node)),
            (_, _, Some(text)) => Message::new(text.clone()),
            _ => Message::new(""),
        };
        for (key, value) in &self.metadata {
            message.metadata_mut().set(key.as_str(), from_json(&value.to_json()));
        }
        Ok(message)
    }
}

/// A value of a test's YAML as JSON, written as Go does.
fn json_text(node: &Node) -> Vec<u8> {
    let layout = Layout { indent: None, escape_html: true };
    format(&from_json(&node.to_json()), &layout)
}

/// A value that a test expects; a text is JSON by itself.
pub fn json_of(node: &Node) -> Result<Value, String> {
    let text = node.as_text().map_or_else(|| json_text(node), |text| text.as_bytes().to_vec());
    document(&text).map_err(|e| format!("what is expected is no JSON: {e}"))
}

/// The first JSON document of a text, whatever follows it. Its numbers stay as they are written: 1 isn't 1.0.
pub fn document(text: &[u8]) -> Result<Value, String> {
    let mut documents = serde_json::Deserializer::from_slice(text).into_iter::<&RawValue>();
    match documents.next() {
        Some(Ok(first)) => {
            let parsed = crate::value::parse(&first.get().to_owned().into());
            parsed.map_err(|e| e.to_string())
        }
        Some(Err(e)) => Err(e.to_string()),
        None => Err("there is nothing".into()),
    }
}

/// A node at no particular place.
pub fn node_of(data: crate::config::Data) -> Node {
    Node::new(Place { line: 1, column: 1 }, data)
}
