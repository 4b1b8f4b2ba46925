//! What a test is about: part of a config's tree, with mocks in the place of some of it.

use super::case::node_of;
use crate::config::{Data, Entry, Group, Node, Shape};
use crate::engine::config::{Mocks, ResourceKind, StreamConfig};
use anyhow::{Context as _, bail};

/// What a test names as its target.
pub enum Target<'t> {
    Processors(&'t str),
    /// A file with a mapping.
    Mapping(&'t str),
}

/// The steps of a JSON pointer.
fn steps(pointer: &str) -> Vec<String> {
    let parts = pointer.split('/').skip(1);
    parts.map(|p| p.replace("~1", "/").replace("~0", "~")).collect()
}

/// The node that a JSON pointer leads to.
pub fn lookup<'n>(root: &'n Node, pointer: &str) -> anyhow::Result<&'n Node> {
    root.at(&steps(pointer)).map_err(anyhow::Error::msg)
}

/// The component with this label.
pub fn labelled<'n>(root: &'n Node, label: &str) -> Option<&'n Node> {
    if root.get("label").and_then(Node::as_text) == Some(label) {
        return Some(root);
    }
    match &root.data {
        Data::List(nodes) => nodes.iter().find_map(|n| labelled(n, label)),
        Data::Map(entries) => entries.iter().find_map(|e| labelled(&e.node, label)),
        _ => None,
    }
}

fn labelled_mut<'n>(root: &'n mut Node, label: &str) -> Option<&'n mut Node> {
    if root.get("label").and_then(Node::as_text) == Some(label) {
        return Some(root);
    }
    match &mut root.data {
        Data::List(nodes) => nodes.iter_mut().find_map(|n| labelled_mut(n, label)),
        Data::Map(entries) => entries.iter_mut().find_map(|e| labelled_mut(&mut e.node, label)),
        _ => None,
    }
}

/// Puts mocks in the place of what they name: first those that name it by its place, which labels of others may depend on. What
/// is replaced keeps its label, unless the mock has one.
pub fn mock(root: &mut Node, mocks: &Mocks) -> anyhow::Result<()> {
    let (by_place, by_label): (Vec<_>, Vec<_>) = mocks.0.iter().partition(|(name, _)| name.starts_with('/'));
    for (name, mock) in by_place {
        let label = lookup(root, name).ok().and_then(|node| node.get("label")).cloned();
        replace(root, name, &with_label(mock, label))
            .with_context(|| format!("mock for path '{name}' could not be applied"))?;
    }
    for (name, mock) in by_label {
        let Some(node) = labelled_mut(root, name) else {
            bail!(
                "mock for label '{name}' could not be applied as the label was not found in the test target file, it is not currently possible to mock resources imported separate to the test file"
            );
        };
        *node = with_label(mock, Some(Node::text(name.clone(), node.place)));
    }
    Ok(())
}

fn with_label(mock: &Node, label: Option<Node>) -> Node {
    let mut mock = mock.clone();
    if let (Data::Map(entries), Some(label)) = (&mut mock.data, label)
        && !entries.iter().any(|e| e.key == "label")
    {
        entries.push(Entry { key: "label".into(), place: label.place, node: label });
    }
    mock
}

/// Puts a node where a pointer leads; `-` as its last step appends to a list. A section that the config doesn't have is made, and in the
/// place of a list one component is a list of it.
fn replace(root: &mut Node, pointer: &str, new: &Node) -> anyhow::Result<()> {
    let steps = steps(pointer);
    let place = new.place;
    if let (Some(section), Data::Map(entries)) = (steps.first(), &mut root.data)
        && let Some(known) = StreamConfig::fields().iter().find(|f| f.name == section)
        && !entries.iter().any(|e| e.key == *section)
    {
        let data = match known.shape {
            Shape::List(_) => Data::List(Vec::new()),
            _ => Data::Map(Vec::new()),
        };
        entries.push(Entry { key: section.clone(), place, node: Node::new(place, data) });
    }
    let slot = root.at_mut(&steps).map_err(anyhow::Error::msg)?;
    *slot = match (&slot.data, &new.data) {
        (Data::List(_), Data::Map(_)) => Node::new(place, Data::List(vec![new.clone()])),
        _ => new.clone(),
    };
    Ok(())
}

/// A config that has only these processors in its pipeline, and the resources of `root` and of further files.
pub fn reduce(root: &Node, more: &[Node], processors: &Node) -> Node {
    let place = processors.place;
    let list = match &processors.data {
        Data::List(_) => processors.clone(),
        _ => Node::new(place, Data::List(vec![processors.clone()])),
    };
    let entry = |key: &str, node: Node| Entry { key: key.to_owned(), place: node.place, node };
    let pipeline = node_of(Data::Map(vec![entry("processors", list)]));
    let mut entries = vec![entry("pipeline", pipeline)];
    for key in ResourceKind::ALL.iter().map(|k| k.field()) {
        let lists = std::iter::once(root).chain(more).filter_map(|n| n.get(key)?.as_list());
        let all: Vec<Node> = lists.flatten().cloned().collect();
        if !all.is_empty() {
            entries.push(entry(key, node_of(Data::List(all))));
        }
    }
    if let Some(logger) = root.get("logger") {
        entries.push(entry("logger", logger.clone()));
    }
    node_of(Data::Map(entries))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mocks_take_the_place_of_what_they_name() {
        let mut root = Node::parse("p: [{label: a, http: {url: x}}, {noop: {}}]").expect("valid");
        let mock_of = |text: &str| Node::parse(text).expect("valid");
        let mocks = Mocks(vec![
            ("a".into(), mock_of("mapping: root = 1")),
            ("/p/0".into(), mock_of("mapping: root = 0")),
            ("/p/1".into(), mock_of("mapping: root = 2")),
            ("/p/-".into(), mock_of("mapping: root = 3")),
        ]);
        mock(&mut root, &mocks).expect("they are there");
        let wanted = serde_json::json!({"p": [{"mapping": "root = 1", "label": "a"}, {"mapping": "root = 2"}, {"mapping": "root = 3"}]});
        assert_eq!(root.to_json(), wanted);
        assert!(mock(&mut root, &Mocks(vec![("b".into(), mock_of("x"))])).is_err());
        let more = Mocks(vec![
            ("/p/-2".into(), mock_of("mapping: root = 4")),
            ("/cache_resources/-".into(), mock_of("{label: c, memory: {}}")),
        ]);
        mock(&mut root, &more).expect("they are there");
        assert_eq!(root.to_json()["p"][1], serde_json::json!({"mapping": "root = 4"}));
        assert_eq!(root.to_json()["cache_resources"][0]["label"], "c");
        mock(&mut root, &Mocks(vec![("/p".into(), mock_of("mapping: root = 5"))])).expect("a list");
        assert_eq!(root.to_json()["p"], serde_json::json!([{"mapping": "root = 5"}]));
        assert!(mock(&mut root, &Mocks(vec![("/p/9".into(), mock_of("x"))])).is_err());
    }

    #[test]
    fn pointers_lead_to_parts() {
        let root = Node::parse("pipeline: {processors: [{label: a, noop: {}}]}").expect("valid");
        assert!(lookup(&root, "/pipeline/processors/0").is_ok());
        assert!(lookup(&root, "/pipeline/processors/-1").is_ok());
        assert!(lookup(&root, "/pipeline/processors/").is_err());
        let error = lookup(&root, "/pipeline/processors/9").expect_err("it isn't there");
        assert_eq!(error.to_string(), "pipeline.processors.9: target index greater than array length");
        assert!(labelled(&root, "a").is_some());
    }
}
