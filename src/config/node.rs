//! A YAML document as a tree in which each node knows its place.
//!
//! Aliases and merge keys (`<<`) are resolved here; the nodes they bring keep the place they were written at.
//! Only the first document of a text is read. Sizes are limited, so that aliases can't blow a small text up.

use saphyr_parser::{Event, Parser, ScalarStyle, Span};
use std::{borrow::Cow, collections::HashMap, fmt};

/// How many nodes a document may have once its aliases are resolved.
const MAX_NODES: usize = 1_000_000;
/// How deep nodes may nest.
const MAX_DEPTH: usize = 200;

/// Where something stands in a text; both count from 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
pub struct Place {
    pub line: usize,
    pub column: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

/// A value of a YAML document and where it starts.
#[derive(Clone, Debug)]
pub struct Node {
    pub place: Place,
    pub data: Data,
    /// How a number or a bool is written, where that isn't how it would be: `0o17`, `1e3`, `True`. A field that wants text gets this.
    pub written: Option<Box<str>>,
}

/// What a node holds.
#[derive(Clone, Debug)]
pub enum Data {
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    /// Text, and whether it stands in a block (`|` or `>`), so that its first line is the one after the node's place.
    Text {
        text: String,
        block: bool,
    },
    List(Vec<Node>),
    Map(Vec<Entry>),
}

/// A key of a map, its place, and its value.
#[derive(Clone, Debug)]
pub struct Entry {
    pub key: String,
    pub place: Place,
    pub node: Node,
}

/// Why a text isn't YAML.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{place}: {message}")]
pub struct YamlError {
    pub place: Place,
    pub message: String,
}

impl Node {
    /// Parses the first document of `text`; an empty text is a null.
    pub fn parse(text: &str) -> Result<Node, YamlError> {
        Builder {
            parser: Parser::new_from_str(text),
            anchors: HashMap::new(),
            nodes: 0,
            open_end: (!text.ends_with('\n')).then(|| text.chars().count()),
        }
        .document()
    }

    /// A text node for a value that was made and not read.
    pub fn text(text: impl Into<String>, place: Place) -> Node {
        let data = Data::Text {
            text: text.into(),
            block: false,
        };
        Node::new(place, data)
    }

    /// A node that was made and not read.
    pub fn new(place: Place, data: Data) -> Node {
        Node {
            place,
            data,
            written: None,
        }
    }

    /// The entries, if this is a map.
    pub fn as_map(&self) -> Option<&[Entry]> {
        match &self.data {
            Data::Map(entries) => Some(entries),
            _ => None,
        }
    }

    /// The elements, if this is a list.
    pub fn as_list(&self) -> Option<&[Node]> {
        match &self.data {
            Data::List(nodes) => Some(nodes),
            _ => None,
        }
    }

    /// The text, if this is one.
    pub fn as_text(&self) -> Option<&str> {
        match &self.data {
            Data::Text { text, .. } => Some(text),
            _ => None,
        }
    }

    /// The value under a key of a map; the last one if the key stands twice.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.as_map()?
            .iter()
            .rev()
            .find(|e| e.key == key)
            .map(|e| &e.node)
    }

    /// A scalar as the text that it would be read from; none for lists and maps.
    pub fn scalar_text(&self) -> Option<Cow<'_, str>> {
        if let (Some(text), Data::Bool(_) | Data::Int(_) | Data::Float(_)) =
            (&self.written, &self.data)
        {
            return Some(Cow::Borrowed(text));
        }
        Some(match &self.data {
            Data::Null => Cow::Borrowed("null"),
            Data::Bool(b) => Cow::Owned(b.to_string()),
            Data::Int(n) => Cow::Owned(n.to_string()),
            Data::Float(n) => Cow::Owned(n.to_string()),
            Data::Text { text, .. } => Cow::Borrowed(text),
            Data::List(_) | Data::Map(_) => return None,
        })
    }

    /// What the node is, for messages: `a map`, `a list`, `a string`, …
    pub fn kind(&self) -> &'static str {
        match &self.data {
            Data::Null => "null",
            Data::Bool(_) => "a bool",
            Data::Int(_) | Data::Float(_) => "a number",
            Data::Text { .. } => "a string",
            Data::List(_) => "a list",
            Data::Map(_) => "a map",
        }
    }

    /// The node as a JSON value; floats that JSON can't hold become null.
    pub fn to_json(&self) -> serde_json::Value {
        use serde_json::Value as Json;
        match &self.data {
            Data::Null => Json::Null,
            Data::Bool(b) => Json::Bool(*b),
            Data::Int(n) => Json::from(*n),
            Data::Float(n) => Json::from(*n),
            Data::Text { text, .. } => Json::String(text.clone()),
            Data::List(nodes) => Json::Array(nodes.iter().map(Node::to_json).collect()),
            Data::Map(entries) => Json::Object(
                entries
                    .iter()
                    .map(|e| (e.key.clone(), e.node.to_json()))
                    .collect(),
            ),
        }
    }

    fn count(&self) -> usize {
        match &self.data {
            Data::List(nodes) => 1 + nodes.iter().map(Node::count).sum::<usize>(),
            Data::Map(entries) => 1 + entries.iter().map(|e| e.node.count()).sum::<usize>(),
            _ => 1,
        }
    }
}

struct Builder<'a> {
    parser: Parser<'a, saphyr_parser::StrInput<'a>>,
    anchors: HashMap<usize, Node>,
    nodes: usize,
    /// Where the text ends, in characters, if its last line has no end.
    open_end: Option<usize>,
}

impl<'a> Builder<'a> {
    fn document(mut self) -> Result<Node, YamlError> {
        loop {
            let (event, span) = self.next()?;
            match event {
                Event::StreamStart | Event::DocumentStart(_) | Event::Nothing => {}
                Event::StreamEnd | Event::DocumentEnd => {
                    return Ok(Node::new(Place { line: 1, column: 1 }, Data::Null));
                }
                other => return self.node(other, span, 0),
            }
        }
    }

    fn next(&mut self) -> Result<(Event<'a>, Span), YamlError> {
        match self.parser.next_event() {
            Some(Ok(next)) => Ok(next),
            Some(Err(e)) => Err(YamlError {
                place: Place {
                    line: e.marker().line(),
                    column: e.marker().col() + 1,
                },
                message: format!("not valid YAML: {}", e.info()),
            }),
            None => Err(YamlError {
                place: Place::default(),
                message: "not valid YAML: the text ends too early".into(),
            }),
        }
    }

    fn node(&mut self, event: Event<'a>, span: Span, depth: usize) -> Result<Node, YamlError> {
        let place = Place {
            line: span.start.line(),
            column: span.start.col() + 1,
        };
        let fail = |message: String| Err(YamlError { place, message });
        self.nodes += 1;
        if depth > MAX_DEPTH {
            return fail(format!("nested deeper than {MAX_DEPTH} levels"));
        }
        let mut written = None;
        let (data, anchor) = match event {
            Event::Scalar(text, style, anchor, tag) => {
                let as_text = tag.is_some_and(|t| t.is_yaml_core_schema() && t.suffix == "str");
                let data = if style == ScalarStyle::Plain && !as_text {
                    plain(&text)
                } else {
                    None
                };
                let block = matches!(style, ScalarStyle::Literal | ScalarStyle::Folded);
                let mut text = text;
                // The parser ends the last line of a block even where the file doesn't.
                if block
                    && self.open_end.is_some_and(|end| span.end.index() >= end)
                    && text.ends_with('\n')
                {
                    text.to_mut().pop();
                }
                if data.is_some() {
                    written = Some(text.as_ref().into());
                }
                (
                    data.unwrap_or_else(|| Data::Text {
                        text: text.into_owned(),
                        block,
                    }),
                    anchor,
                )
            }
            Event::SequenceStart(anchor, _) => {
                let mut nodes = Vec::new();
                loop {
                    match self.next()? {
                        (Event::SequenceEnd, _) => break,
                        (event, span) => nodes.push(self.node(event, span, depth + 1)?),
                    }
                }
                (Data::List(nodes), anchor)
            }
            Event::MappingStart(anchor, _) => (Data::Map(self.map(depth)?), anchor),
            Event::Alias(id) => {
                let Some(node) = self.anchors.get(&id) else {
                    return fail("this alias names an anchor that isn't complete yet".into());
                };
                self.nodes += node.count();
                if self.nodes > MAX_NODES {
                    return fail(format!(
                        "aliases make this document larger than {MAX_NODES} nodes"
                    ));
                }
                return Ok(node.clone());
            }
            other => return fail(format!("unexpected {other:?}")),
        };
        let mut node = Node::new(place, data);
        if node.scalar_text().as_deref() != written.as_deref() {
            node.written = written;
        }
        if anchor > 0 {
            self.anchors.insert(anchor, node.clone());
        }
        Ok(node)
    }

    fn map(&mut self, depth: usize) -> Result<Vec<Entry>, YamlError> {
        let mut entries = Vec::new();
        let mut merged = Vec::new();
        loop {
            let (event, span) = self.next()?;
            if event == Event::MappingEnd {
                break;
            }
            let key = self.node(event, span, depth + 1)?;
            let (event, span) = self.next()?;
            let node = self.node(event, span, depth + 1)?;
            let Some(text) = key.scalar_text() else {
                return Err(YamlError {
                    place: key.place,
                    message: format!("a key can't be {}", key.kind()),
                });
            };
            if text == "<<" {
                merged.push(node);
            } else {
                entries.push(Entry {
                    key: text.into_owned(),
                    place: key.place,
                    node,
                });
            }
        }
        for source in merged {
            merge(&mut entries, source)?;
        }
        Ok(entries)
    }
}

/// Adds what `source` has and `entries` lacks: the keys of a map, or of each map in a list.
fn merge(entries: &mut Vec<Entry>, source: Node) -> Result<(), YamlError> {
    match source.data {
        Data::Map(more) => {
            for entry in more {
                if !entries.iter().any(|e| e.key == entry.key) {
                    entries.push(entry);
                }
            }
            Ok(())
        }
        Data::List(nodes) => nodes.into_iter().try_for_each(|node| merge(entries, node)),
        _ => Err(YamlError {
            place: source.place,
            message: format!("`<<` takes a map or a list of maps, not {}", source.kind()),
        }),
    }
}

/// What a plain scalar means by YAML's core schema, with the integer forms that YAML 1.1 readers take; none for text.
fn plain(text: &str) -> Option<Data> {
    Some(match text {
        "" | "~" | "null" | "Null" | "NULL" => Data::Null,
        "true" | "True" | "TRUE" => Data::Bool(true),
        "false" | "False" | "FALSE" => Data::Bool(false),
        ".inf" | ".Inf" | ".INF" | "+.inf" => Data::Float(f64::INFINITY),
        "-.inf" | "-.Inf" | "-.INF" => Data::Float(f64::NEG_INFINITY),
        ".nan" | ".NaN" | ".NAN" => Data::Float(f64::NAN),
        _ => {
            let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
            if !digits.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
                return None;
            }
            let (sign, grouped) = (
                if text.starts_with('-') { -1 } else { 1 },
                digits.replace('_', ""),
            );
            let radix = |prefix: &str, radix| {
                grouped
                    .strip_prefix(prefix)
                    .and_then(|d| i64::from_str_radix(d, radix).ok())
            };
            if let Some(n) = radix("0x", 16)
                .or_else(|| radix("0o", 8))
                .or_else(|| radix("0b", 2))
            {
                return Some(Data::Int(sign * n));
            }
            match text.replace('_', "").parse::<i64>() {
                Ok(n) => Data::Int(n),
                Err(_)
                    if grouped
                        .bytes()
                        .all(|b| b.is_ascii_digit() || b".eE+-".contains(&b)) =>
                {
                    Data::Float(text.replace('_', "").parse().ok()?)
                }
                Err(_) => return None,
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_know_their_places() {
        let root =
            Node::parse("a: 1\nb:\n  - x\n  - c: |\n      two\n      lines\n").expect("valid");
        let list = root.get("b").and_then(Node::as_list).expect("a list");
        assert_eq!(list[0].place, Place { line: 3, column: 5 });
        let text = list[1].get("c").expect("c");
        assert_eq!(text.as_text(), Some("two\nlines\n"));
        assert_eq!(
            root.as_map().expect("a map")[1].place,
            Place { line: 2, column: 1 }
        );
    }

    #[test]
    fn aliases_and_merge_keys_are_resolved() {
        let root = Node::parse("base: &b {x: 1, y: 2}\nmore:\n  <<: *b\n  y: 3\n").expect("valid");
        let json = root.to_json();
        assert_eq!(json["more"], serde_json::json!({"x": 1, "y": 3}));
    }

    #[test]
    fn an_alias_bomb_is_refused() {
        let mut text = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
        for i in 1..9 {
            let last = format!("*a{}", i - 1);
            text.push_str(&format!("a{i}: &a{i} [{}]\n", vec![last; 10].join(", ")));
        }
        assert!(
            Node::parse(&text)
                .expect_err("too large")
                .message
                .contains("larger than")
        );
    }

    #[test]
    fn scalars_have_their_types() {
        let json = Node::parse("[1, -2, 0x10, 1.5, 1e3, true, ~, 'true', 1s, 1.2.3, 10_000]")
            .expect("valid")
            .to_json();
        assert_eq!(
            json,
            serde_json::json!([
                1, -2, 16, 1.5, 1000.0, true, null, "true", "1s", "1.2.3", 10000
            ])
        );
    }

    #[test]
    fn a_block_at_the_end_has_the_line_ends_of_the_file() {
        for (text, wanted) in [
            ("a: |\n  x\n", "x\n"),
            ("a: |\n  x", "x"),
            ("a: |+\n  x\n\n", "x\n\n"),
        ] {
            let root = Node::parse(text).expect("valid");
            assert_eq!(root.get("a").and_then(Node::as_text), Some(wanted));
        }
    }

    #[test]
    fn faults_have_a_place() {
        let error = Node::parse("input:\n\tstdin: {}\n").expect_err("a tab");
        assert_eq!(error.place.line, 2);
    }
}
