//! What the unit tests of a config say, as far as its form goes.

use crate::bloblang::Mapping;
use crate::config::{Field, Linter, Node, Shape};
use std::collections::BTreeMap;

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

/// A JSON value, if there is one; null is one too.
#[derive(Clone, Debug)]
pub struct Json(pub Option<Node>);

impl Field for Json {
    const TAKES_NULL: bool = true;

    fn shape() -> Shape {
        Shape::Any
    }

    fn read(node: &Node, _: &mut Linter<'_>) -> Option<Json> {
        Some(Json(Some(node.clone())))
    }

    fn absent() -> Option<Json> {
        Some(Json(None))
    }
}

crate::fields! {
    /// A message that goes in; its content is one of the three.
    pub struct InputPart {
        /// The content.
        content: Option<String>,
        /// The content as a JSON value.
        json_content: Json,
        /// A file with the content.
        file_content: Option<String>,
        /// Its metadata.
        metadata: BTreeMap<String, Node> = "{}",
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
        metadata_equals: BTreeMap<String, Node> = "{}",
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
