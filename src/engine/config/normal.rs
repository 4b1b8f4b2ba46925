//! A config with the defaults of its sections written out.

use super::{StreamConfig, read::Checks};
use serde_yaml::{Mapping, Value};

use crate::config::{Data, Entry, FieldSpec, Group, Level, Linter, Node, Problem, Shape};

/// The config that a text stands for: variables filled in, values set, resource files added, and what a section leaves out at its
/// default. Components stay as they are written. An error holds what is wrong with the text.
pub fn normal(text: &str, checks: &Checks<'_>) -> Result<Node, Vec<Problem>> {
    let mut linter = Linter::new(checks.bloblang);
    let Some(mut root) = super::read::root(text, checks, &mut linter) else {
        return Err(linter.take_problems());
    };
    for (_, text) in checks.resources {
        let checks = Checks {
            sets: &[],
            ..*checks
        };
        let Some(more) = super::read::root(text, &checks, &mut linter) else {
            return Err(linter.take_problems());
        };
        add_lists(&mut root, more);
    }
    let problems = linter.take_problems();
    match problems.iter().any(|p| p.level == Level::Error) {
        true => Err(problems),
        false => Ok(filled(Some(&root), &StreamConfig::fields())),
    }
}

/// A config as YAML.
pub fn yaml(node: &Node) -> String {
    serde_yaml::to_string(&value(node)).expect("YAML has a form for all of it")
}

fn value(node: &Node) -> Value {
    match &node.data {
        Data::Null => Value::Null,
        Data::Bool(b) => Value::Bool(*b),
        Data::Int(n) => Value::from(*n),
        Data::Float(n) => Value::from(*n),
        Data::Text { text, .. } => Value::from(text.as_str()),
        Data::List(nodes) => Value::Sequence(nodes.iter().map(value).collect()),
        Data::Map(entries) => {
            let pair = |e: &Entry| (Value::from(e.key.as_str()), value(&e.node));
            Value::Mapping(entries.iter().map(pair).collect::<Mapping>())
        }
    }
}

/// Adds to the lists of a config those of another one.
fn add_lists(root: &mut Node, more: Node) {
    let (Data::Map(entries), Data::Map(others)) = (&mut root.data, more.data) else {
        return;
    };
    for other in others {
        match entries.iter_mut().find(|e| e.key == other.key) {
            Some(entry) => {
                if let (Data::List(list), Data::List(added)) =
                    (&mut entry.node.data, other.node.data)
                {
                    list.extend(added);
                }
            }
            None if matches!(other.node.data, Data::List(_)) => entries.push(other),
            None => {}
        }
    }
}

/// A map of these fields, in their order, from what is given of them.
fn filled(given: Option<&Node>, fields: &[FieldSpec]) -> Node {
    let place = given.map(|node| node.place).unwrap_or_default();
    let field = |spec: &FieldSpec| {
        let own = given.and_then(|node| node.get(spec.name));
        let node = match (&spec.shape, own, spec.default) {
            (Shape::Group(fields), own, Some(_))
                if own.is_none_or(|own| own.as_map().is_some()) =>
            {
                filled(own, &fields())
            }
            (_, Some(own), _) => own.clone(),
            (_, None, Some(default)) => Node::parse(default).expect("defaults are YAML"),
            (_, None, None) => return None,
        };
        Some(Entry {
            key: spec.name.to_owned(),
            place,
            node,
        })
    };
    Node::new(place, Data::Map(fields.iter().filter_map(field).collect()))
}
