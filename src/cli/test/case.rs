//! What a unit test of a config says.

use super::target::Target;
use crate::bloblang::Mapping;
use crate::codec::serde::from_json;
use crate::config::{Field, Linter, Node, Place, Problem, Shape};
use crate::message::{Batch, Message};
use crate::value::Value;
use anyhow::{Context as _, bail};
use std::{collections::BTreeMap, path::Path};

crate::fields! {
    /// A test: what goes in, and what should come out.
    pub struct Case {
        /// What it is called.
        name: String,
        /// Variables that are set while it runs.
        environment: BTreeMap<String, String> = "{}",
        /// The processors that it is about: a JSON pointer, a label, or a file and a pointer (`other.yaml#/pipeline/processors`).
        target_processors: String = "/pipeline/processors",
        /// A file with a mapping that it is about, instead.
        target_mapping: String = "''",
        /// Processors to take the place of others, by label or JSON pointer.
        mocks: Mocks = "{}",
        /// A batch that goes in.
        input_batch: Vec<InputPart> = "[]",
        /// Several batches that go in.
        input_batches: Vec<Vec<InputPart>> = "[]",
        /// What should come out: for each message of each batch, conditions.
        output_batches: Vec<Vec<Conditions>> = "[]",
    }
}

crate::fields! {
    /// A message that goes in; its content is one of the three.
    pub struct InputPart {
        /// The content.
        content: Option<String>,
        /// The content as a JSON value.
        json_content: Option<Node>,
        /// A file with the content.
        file_content: Option<String>,
        /// Its metadata.
        metadata: Option<Node>,
    }
}

crate::fields! {
    /// What a message that comes out should be; all that are given.
    pub struct Conditions {
        /// A query that should be true.
        bloblang: Option<Mapping>,
        /// The content.
        content_equals: Option<String>,
        /// A regular expression for the content.
        content_matches: Option<String>,
        /// Metadata that it should have.
        metadata_equals: Option<Node>,
        /// A file with the content.
        file_equals: Option<String>,
        /// A file with the content as JSON.
        file_json_equals: Option<String>,
        /// A file with JSON that the content should contain.
        file_json_contains: Option<String>,
        /// The content as JSON.
        json_equals: Option<Node>,
        /// JSON that the content should contain.
        json_contains: Option<Node>,
    }
}

/// Processors by what they take the place of, in the order of the file.
#[derive(Clone, Debug)]
pub struct Mocks(pub Vec<(String, Node)>);

impl Field for Mocks {
    fn shape() -> Shape {
        Shape::Any
    }

    fn read(node: &Node, linter: &mut Linter<'_>) -> Option<Mocks> {
        let Some(entries) = node.as_map() else {
            linter.error(node.place, format!("expected a map, got {}", node.kind()));
            return None;
        };
        let mocks = entries.iter().map(|e| (e.key.clone(), e.node.clone()));
        Some(Mocks(mocks.collect()))
    }
}

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
        let all = single.into_iter().chain(&self.input_batches);
        all.map(|parts| parts.iter().map(|part| part.message(folder)).collect()).collect()
    }
}

impl InputPart {
    fn message(&self, folder: &Path) -> anyhow::Result<Message> {
        let mut message = match (&self.content, &self.json_content, &self.file_content) {
            (Some(text), _, _) => Message::new(text.clone()),
            (_, Some(node), _) => {
                // As bytes, as a message comes in.
                Message::new(from_json(&node.to_json()).to_json())
            }
            (_, _, Some(file)) => {
                let path = folder.join(file);
                let content = std::fs::read(&path);
                Message::new(content.with_context(|| format!("read {}", path.display()))?)
            }
            _ => Message::new(""),
        };
        let metadata = self.metadata.as_ref().map(Node::to_json);
        for (key, value) in metadata.iter().filter_map(|m| m.as_object()).flatten() {
            message.metadata_mut().set(key.as_str(), from_json(value));
        }
        Ok(message)
    }
}

/// A value of a test's YAML; a text that is JSON stands for that.
pub fn json_of(node: &Node) -> Value {
    if let Some(text) = node.as_text()
        && let Ok(value) = crate::value::parse(&text.to_owned().into())
    {
        return value;
    }
    from_json(&node.to_json())
}

/// A node at no particular place.
pub fn node_of(data: crate::config::Data) -> Node {
    Node::new(Place { line: 1, column: 1 }, data)
}
