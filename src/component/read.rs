//! Reads any component from a config: finds its type, its label, and the config of that type.

use super::{BuildProcessor, Kind, Spec, Status};
use crate::config::{Entry, Field, Linter, Node, Place, Shape, nearest};
use std::{fmt, sync::Arc};

/// A component of a config, read and checked but not yet built. Building it twice gives two instances.
pub struct Component<B: ?Sized> {
    /// The type: `kafka`, `mapping`, …
    pub name: &'static str,
    /// Empty where the config gives none.
    pub label: String,
    /// Where it stands in the config's tree: `root.pipeline.processors.0`.
    pub path: String,
    pub place: Place,
    pub config: Arc<B>,
    /// The processors beside an input or output; empty for other kinds.
    pub processors: Vec<Component<dyn BuildProcessor>>,
}

impl<B: ?Sized> Clone for Component<B> {
    fn clone(&self) -> Self {
        Component {
            name: self.name,
            label: self.label.clone(),
            path: self.path.clone(),
            place: self.place,
            config: self.config.clone(),
            processors: self.processors.clone(),
        }
    }
}

impl<B: ?Sized> fmt::Debug for Component<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at {}", self.name, self.place)
    }
}

impl<B: Kind + ?Sized> Field for Component<B> {
    fn shape() -> Shape {
        Shape::Component(B::NAME)
    }

    fn read(node: &Node, linter: &mut Linter<'_>) -> Option<Self> {
        let Some(entries) = node.as_map() else {
            linter.error(
                node.place,
                format!("expected {} (a map), got {}", B::NAME, node.kind()),
            );
            return None;
        };
        let (spec, entry) = find(node, entries, linter)?;
        let label = entries
            .iter()
            .find(|e| e.key == "label")
            .and_then(|e| e.node.as_text().map(|t| (t, e.place)));
        if let Some((label, place)) = label
            && !label.is_empty()
        {
            linter.label(label, place);
        } else if matches!(
            B::NAME,
            "input" | "output" | "processor" | "cache" | "rate_limit"
        ) {
            linter.label_missing(node.place, spec.name);
        }
        if spec.status == Status::Deprecated {
            let place = entry.map_or(node.place, |e| e.place);
            linter.deprecated(place, format!("component {} is deprecated", spec.name));
        }
        let path = linter.path().to_owned();
        // A type without a config of its own (`type: stdin`) reads as if its config were null.
        let absent = Node {
            place: node.place,
            data: crate::config::Data::Null,
        };
        let config = linter.at(spec.name, |linter| {
            (spec.read)(entry.map_or(&absent, |e| &e.node), linter)
        });
        let processors = match entries
            .iter()
            .find(|e| B::HAS_PROCESSORS && e.key == "processors")
        {
            Some(e) => linter.at("processors", |linter| Vec::read(&e.node, linter)),
            None => Some(Vec::new()),
        };
        Some(Component {
            name: spec.name,
            label: label.map(|(text, _)| text.to_owned()).unwrap_or_default(),
            path,
            place: node.place,
            config: config?,
            processors: processors?,
        })
    }
}

/// Which component this is: by `type:` if that is given, else by the one key that isn't reserved.
fn find<'n, B: Kind + ?Sized>(
    node: &Node,
    entries: &'n [Entry],
    linter: &mut Linter<'_>,
) -> Option<(&'static Spec<B>, Option<&'n Entry>)> {
    let lookup = |name: &str| B::table().iter().find(|s| s.name == name).copied();
    let is_reserved = |key: &str| {
        matches!(key, "label" | "type" | "plugin") || B::HAS_PROCESSORS && key == "processors"
    };
    let names: Vec<&str> = B::table().iter().map(|s| s.name).collect();
    let unknown = |name: &str| {
        let hint = nearest(name, &names)
            .map(|n| format!(" (did you mean `{n}`?)"))
            .unwrap_or_default();
        format!(
            "unable to infer {} type from candidates: [{name}]{hint}",
            B::NAME
        )
    };
    let candidates: Vec<&Entry> = entries.iter().filter(|e| !is_reserved(&e.key)).collect();
    if let Some(explicit) = entries.iter().find(|e| e.key == "type") {
        let name = explicit.node.as_text().unwrap_or_default();
        let Some(spec) = lookup(name) else {
            linter.error(explicit.node.place, unknown(name));
            return None;
        };
        for other in candidates.iter().filter(|e| e.key != name) {
            linter.error(
                other.place,
                format!(
                    "field {} is invalid when the component type is {name} ({})",
                    other.key,
                    B::NAME
                ),
            );
        }
        let own = entries.iter().find(|e| e.key == name || e.key == "plugin");
        return Some((spec, own));
    }
    match candidates.as_slice() {
        [] => {
            linter.error(
                node.place,
                format!(
                    "an {} needs a type, such as `{}: …`",
                    B::NAME,
                    names.first().unwrap_or(&"type")
                ),
            );
            None
        }
        [one] => match lookup(&one.key) {
            Some(spec) => Some((spec, Some(one))),
            None => {
                linter.error(one.place, unknown(&one.key));
                None
            }
        },
        several => {
            let known: Vec<&&Entry> = several
                .iter()
                .filter(|e| lookup(&e.key).is_some())
                .collect();
            if let [one] = known.as_slice() {
                for other in several.iter().filter(|e| e.key != one.key) {
                    linter.error(
                        other.place,
                        format!(
                            "field {} is invalid when the component type is {} ({})",
                            other.key,
                            one.key,
                            B::NAME
                        ),
                    );
                }
                return Some((lookup(&one.key)?, Some(one)));
            }
            let mut keys: Vec<String> = several.iter().map(|e| format!("'{}'", e.key)).collect();
            keys.sort();
            linter.error(
                node.place,
                format!(
                    "unable to infer {} type, multiple candidates {}",
                    B::NAME,
                    keys.join(" and ")
                ),
            );
            None
        }
    }
}
