//! What a field's value may be: the types that read themselves from a node.

use super::{Data, Entry, Linter, Node, Shape};
use crate::bloblang::{Interpolated, Mapping};
use std::{collections::BTreeMap, fmt, time::Duration};

/// A type that reads itself from a node, and says what it takes.
pub trait Field: Sized {
    fn shape() -> Shape;

    /// Reads the value; none if it was wrong, which the linter then knows.
    fn read(node: &Node, linter: &mut Linter<'_>) -> Option<Self>;

    /// Reads the value of a field that may be left out. Where empty text says that there is none, this says so too.
    fn read_optional(node: &Node, linter: &mut Linter<'_>) -> Option<Option<Self>> {
        Self::read(node, linter).map(Some)
    }

    /// Whether a null is a value of its own. Elsewhere it stands for a field that is left out.
    const TAKES_NULL: bool = false;

    /// The value when the field is left out and has no default; none where that is an error.
    fn absent() -> Option<Self> {
        None
    }
}

/// One field of a group while it is read.
pub struct Required {
    pub name: &'static str,
    pub default: Option<&'static str>,
}

impl Required {
    /// Reads the field from the group's entries, or its default, or reports that it is missing.
    pub fn read<T: Field>(
        &self,
        group: &Node,
        entries: &[Entry],
        linter: &mut Linter<'_>,
    ) -> Option<T> {
        if let Some(entry) = entries.iter().rev().find(|e| e.key == self.name)
            && (!matches!(entry.node.data, Data::Null)
                || T::TAKES_NULL
                || self.default.is_none() && T::absent().is_none())
        {
            return linter.at(self.name, |linter| T::read(&entry.node, linter));
        }
        if let Some(default) = self.default {
            let node = Node::parse(default).expect("a default is valid YAML");
            let before = std::mem::replace(&mut linter.in_default, true);
            let value = linter.at(self.name, |linter| T::read(&node, linter));
            linter.in_default = before;
            return value;
        }
        let absent = T::absent();
        if absent.is_none() {
            linter.error(group.place, format!("field {} is required", self.name));
        }
        absent
    }
}

/// The entries of a group's node, with a report of each key that isn't `known`; a null counts as an empty map.
pub fn read_map<'n>(
    node: &'n Node,
    linter: &mut Linter<'_>,
    known: &[&str],
) -> Option<&'n [Entry]> {
    match &node.data {
        Data::Map(entries) => {
            for entry in entries.iter().filter(|e| !known.contains(&e.key.as_str())) {
                linter.unknown_field(entry, known);
            }
            Some(entries)
        }
        Data::Null => Some(&[]),
        // `drop: ''` is a common way to give no config where there is nothing to set.
        _ if known.is_empty() && node.as_list().is_none() => Some(&[]),
        _ => wrong(node, linter, "a map"),
    }
}

fn wrong<T>(node: &Node, linter: &mut Linter<'_>, wanted: &str) -> Option<T> {
    let shown = node
        .scalar_text()
        .filter(|t| t.len() <= 40)
        .map(|t| format!(" ({t})"))
        .unwrap_or_default();
    linter.error(
        node.place,
        format!("expected {wanted}, got {}{shown}", node.kind()),
    );
    None
}

impl Field for bool {
    fn shape() -> Shape {
        Shape::Bool
    }

    fn read(node: &Node, linter: &mut Linter<'_>) -> Option<bool> {
        match &node.data {
            Data::Bool(b) => Some(*b),
            Data::Text { text, .. } if text == "true" => Some(true),
            Data::Text { text, .. } if text == "false" => Some(false),
            _ => wrong(node, linter, "true or false"),
        }
    }
}

macro_rules! integers {
    ($($type:ty),*) => {$(
        impl Field for $type {
            fn shape() -> Shape {
                Shape::Int
            }

            fn read(node: &Node, linter: &mut Linter<'_>) -> Option<$type> {
                let number = match &node.data {
                    Data::Int(n) => Some(*n),
                    Data::Float(n) if n.fract() == 0.0 && n.abs() < 9e15 => Some(*n as i64),
                    Data::Text { text, .. } => text.trim().parse().ok(),
                    _ => None,
                };
                match number.map(<$type>::try_from) {
                    Some(Ok(n)) => Some(n),
                    Some(Err(_)) => {
                        linter.error(node.place, format!("expected a whole number from {} to {}, got {}", <$type>::MIN, <$type>::MAX, number.expect("it was one")));
                        None
                    }
                    None => wrong(node, linter, "a whole number"),
                }
            }
        }
    )*};
}
integers!(i64, i32, u64, u32, u16, usize);

impl Field for f64 {
    fn shape() -> Shape {
        Shape::Float
    }

    fn read(node: &Node, linter: &mut Linter<'_>) -> Option<f64> {
        match &node.data {
            Data::Int(n) => Some(*n as f64),
            Data::Float(n) => Some(*n),
            Data::Text { text, .. } if text.trim().parse::<f64>().is_ok() => {
                text.trim().parse().ok()
            }
            _ => wrong(node, linter, "a number"),
        }
    }
}

impl Field for String {
    fn shape() -> Shape {
        Shape::String
    }

    fn read(node: &Node, linter: &mut Linter<'_>) -> Option<String> {
        match node.scalar_text() {
            Some(text) if !matches!(node.data, Data::Null) => Some(text.into_owned()),
            _ => wrong(node, linter, "a string"),
        }
    }
}

/// A string that stays out of logs, answers and events.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Secret(pub String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl Field for Secret {
    fn shape() -> Shape {
        Shape::Secret
    }

    fn read(node: &Node, linter: &mut Linter<'_>) -> Option<Secret> {
        String::read(node, linter).map(Secret)
    }
}

/// A length of time, written as Go does: `300ms`, `1.5h`, `1h2m3s`. Empty text is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Span(pub Option<Duration>);

impl Field for Span {
    fn shape() -> Shape {
        Shape::Duration
    }

    fn read(node: &Node, linter: &mut Linter<'_>) -> Option<Span> {
        match &node.data {
            Data::Text { text, .. } if text.is_empty() => Some(Span(None)),
            _ => Duration::read(node, linter).map(|d| Span(Some(d))),
        }
    }

    fn absent() -> Option<Span> {
        Some(Span(None))
    }
}

impl Field for Duration {
    fn shape() -> Shape {
        Shape::Duration
    }

    fn read(node: &Node, linter: &mut Linter<'_>) -> Option<Duration> {
        let text = String::read(node, linter)?;
        match parse_duration(&text) {
            Some(d) => Some(d),
            None => wrong(node, linter, "a duration such as 500ms, 10s or 1h30m"),
        }
    }
}

/// Reads a Go duration that isn't negative; none where the text isn't one.
pub fn parse_duration(text: &str) -> Option<Duration> {
    let nanos = crate::formats::duration::parse(text).ok()?;
    u64::try_from(nanos).ok().map(Duration::from_nanos)
}

/// A number of bytes, written as a number or with a unit: `50MiB`, `1MB`, `64k`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ByteSize(pub u64);

impl Field for ByteSize {
    fn shape() -> Shape {
        Shape::String
    }

    fn read(node: &Node, linter: &mut Linter<'_>) -> Option<ByteSize> {
        let text = String::read(node, linter)?;
        let digits = text
            .find(|c: char| !c.is_ascii_digit() && c != '.')
            .unwrap_or(text.len());
        let unit = match text[digits..].trim().to_ascii_lowercase().as_str() {
            "" | "b" => Some(1u64),
            "k" | "kb" => Some(1_000),
            "m" | "mb" => Some(1_000_000),
            "g" | "gb" => Some(1_000_000_000),
            "t" | "tb" => Some(1_000_000_000_000),
            "ki" | "kib" => Some(1 << 10),
            "mi" | "mib" => Some(1 << 20),
            "gi" | "gib" => Some(1 << 30),
            "ti" | "tib" => Some(1 << 40),
            _ => None,
        };
        match (text[..digits].parse::<f64>(), unit) {
            (Ok(n), Some(unit)) => Some(ByteSize((n * unit as f64) as u64)),
            _ => wrong(node, linter, "a number of bytes such as 1000, 64KiB or 1MB"),
        }
    }
}

impl<T: Field> Field for Option<T> {
    fn shape() -> Shape {
        T::shape()
    }

    fn read(node: &Node, linter: &mut Linter<'_>) -> Option<Option<T>> {
        T::read_optional(node, linter)
    }

    fn absent() -> Option<Option<T>> {
        Some(None)
    }
}

impl<T: Field> Field for Box<T> {
    fn shape() -> Shape {
        T::shape()
    }

    fn read(node: &Node, linter: &mut Linter<'_>) -> Option<Box<T>> {
        T::read(node, linter).map(Box::new)
    }

    fn absent() -> Option<Box<T>> {
        T::absent().map(Box::new)
    }
}

impl<T: Field> Field for Vec<T> {
    fn shape() -> Shape {
        Shape::List(Box::new(T::shape()))
    }

    fn read(node: &Node, linter: &mut Linter<'_>) -> Option<Vec<T>> {
        let Some(nodes) = node.as_list() else {
            return wrong(node, linter, "a list");
        };
        // Every element is read, so that each one's problems are reported.
        let read: Vec<Option<T>> = nodes
            .iter()
            .enumerate()
            .map(|(i, n)| linter.at(&i.to_string(), |l| T::read(n, l)))
            .collect();
        read.into_iter().collect()
    }
}

impl<T: Field> Field for BTreeMap<String, T> {
    fn shape() -> Shape {
        Shape::Map(Box::new(T::shape()))
    }

    fn read(node: &Node, linter: &mut Linter<'_>) -> Option<BTreeMap<String, T>> {
        let Some(entries) = node.as_map() else {
            return wrong(node, linter, "a map");
        };
        let read: Vec<Option<(String, T)>> = entries
            .iter()
            .map(|e| {
                linter
                    .at(&e.key, |l| T::read(&e.node, l))
                    .map(|v| (e.key.clone(), v))
            })
            .collect();
        read.into_iter().collect()
    }
}

/// Any value, kept as it was written.
impl Field for Node {
    fn shape() -> Shape {
        Shape::Any
    }

    fn read(node: &Node, _: &mut Linter<'_>) -> Option<Node> {
        Some(node.clone())
    }
}

impl Field for Mapping {
    fn shape() -> Shape {
        Shape::Mapping
    }

    fn read(node: &Node, linter: &mut Linter<'_>) -> Option<Mapping> {
        let text = String::read(node, linter)?;
        Mapping::parse(&text, linter.bloblang)
            .map_err(|e| bloblang_problem(node, linter, &e))
            .ok()
    }

    /// Empty text is the default of every mapping that may be left out, and printed configs spell it out.
    fn read_optional(node: &Node, linter: &mut Linter<'_>) -> Option<Option<Mapping>> {
        match node.as_text() {
            Some("") => Some(None),
            _ => Mapping::read(node, linter).map(Some),
        }
    }
}

impl Field for Interpolated {
    fn shape() -> Shape {
        Shape::Interpolated
    }

    fn read(node: &Node, linter: &mut Linter<'_>) -> Option<Interpolated> {
        let text = String::read(node, linter)?;
        Interpolated::parse(&text, linter.bloblang)
            .map_err(|e| bloblang_problem(node, linter, &e))
            .ok()
    }
}

/// Reports a fault inside a mapping at its own place in the file.
fn bloblang_problem(node: &Node, linter: &mut Linter<'_>, error: &crate::bloblang::ParseError) {
    let mut place = node.place;
    match &node.data {
        // A block's node starts where its first line with anything in it does, and its text with the blank lines before that.
        Data::Text { text, block: true } => {
            let blank = text.len() - text.trim_start_matches('\n').len();
            place.line = (place.line + error.line).saturating_sub(1 + blank);
            place.column += error.column - 1;
        }
        // Line breaks of a text that isn't a block are written as escapes: it stays on its line.
        _ if error.line > 1 => {}
        _ => place.column += error.column,
    }
    linter.error(place, error.message.clone());
}

/// A value, or a list of them: `x` means `[x]`.
#[derive(Clone, Debug)]
pub struct OneOrMany<T>(pub Vec<T>);

impl<T: Field> Field for OneOrMany<T> {
    fn shape() -> Shape {
        Shape::List(Box::new(T::shape()))
    }

    fn read(node: &Node, linter: &mut Linter<'_>) -> Option<OneOrMany<T>> {
        match node.as_list() {
            Some(_) => Vec::read(node, linter).map(OneOrMany),
            None => T::read(node, linter).map(|v| OneOrMany(vec![v])),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_text_is_no_mapping_where_one_may_be_left_out() {
        let environment = crate::bloblang::Environment::default();
        let mut linter = Linter::new(&environment);
        let empty = Node::parse("''").expect("valid");
        assert!(matches!(
            Option::<Mapping>::read(&empty, &mut linter),
            Some(None)
        ));
        assert!(!linter.has_errors());
        assert!(Mapping::read(&empty, &mut linter).is_none());
        assert!(linter.has_errors());
    }
}
