//! `-s path=value`: changes a config before it is read.

use crate::config::{Data, Entry, Node, Place, path};

/// Why a change can't be made.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{0}")]
pub struct SetError(String);

/// The path and the value of `path=value`, neither of which may be empty.
pub fn split_set(expression: &str) -> Result<(&str, &str), SetError> {
    let parts = expression.split_once('=');
    let parts = parts.filter(|(path, value)| !path.is_empty() && !value.is_empty());
    parts.ok_or_else(|| {
        SetError(format!(
            "invalid set expression '{expression}': expected foo=bar syntax"
        ))
    })
}

/// Applies `a.b.0.c=value` to the tree. Steps name keys or count elements from 0, or from the end if they are negative; `-` appends an
/// element, and a key that isn't there is made. The value is a YAML scalar.
pub fn set(root: &mut Node, expression: &str) -> Result<(), SetError> {
    let (path, value) = split_set(expression)?;
    let place = Place { line: 1, column: 1 };
    let scalar = Node::parse(value)
        .ok()
        .filter(|n| n.scalar_text().is_some());
    let value = scalar.unwrap_or_else(|| Node::text(value, place));
    let mut at = root;
    for step in path.split('.') {
        at = down(at, step)
            .map_err(|e| SetError(format!("failed to set config field override {path}: {e}")))?;
    }
    at.data = value.data;
    at.written = value.written;
    Ok(())
}

/// The node one step down, made if it isn't there.
fn down<'n>(node: &'n mut Node, step: &str) -> Result<&'n mut Node, String> {
    let (place, kind) = (node.place, node.kind());
    if matches!(node.data, Data::Null) {
        node.data = match step {
            "-" => Data::List(Vec::new()),
            _ => Data::Map(Vec::new()),
        };
    }
    match &mut node.data {
        Data::List(nodes) => path::element(nodes, step, place),
        Data::Map(entries) => {
            let index = match entries.iter().rposition(|e| e.key == step) {
                Some(index) => index,
                None => {
                    entries.push(Entry {
                        key: step.to_owned(),
                        place,
                        node: Node::new(place, Data::Null),
                    });
                    entries.len() - 1
                }
            };
            Ok(&mut entries[index].node)
        }
        _ => Err(format!("{step}: stands below {kind}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_elements_and_new_ones_are_set() {
        let mut root = Node::parse("a: {b: 1}\nl: [{x: 1}, {y: 2}]").expect("valid");
        for change in ["a.b=2", "l.-1.y=true", "l.-.z=root = 1", "n.m=x"] {
            set(&mut root, change).expect(change);
        }
        let want = serde_json::json!({"a": {"b": 2}, "l": [{"x": 1}, {"y": true}, {"z": "root = 1"}], "n": {"m": "x"}});
        assert_eq!(root.to_json(), want);
        for wrong in ["a", "a=", "=1", "l.-9=1", "l.3=1"] {
            assert!(set(&mut root, wrong).is_err(), "{wrong}");
        }
        assert!(set(&mut root, "l.9=1").is_err());
        assert!(set(&mut root, "a.b.c=1").is_err());
    }
}
