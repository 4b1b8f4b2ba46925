//! Reads any component from a config: finds its type, its label, and the config of that type.

use super::{BuildProcessor, Kind, Spec, Status, not_built::not_built};
use crate::config::{Entry, Field, Linter, MetricsRename, Node, Place, Shape, Template, nearest};
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
    /// How the templates that made it rename its metrics, and those of all that is in it, the innermost first.
    pub renames: Vec<MetricsRename>,
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
            renames: self.renames.clone(),
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
        if let Some((template, entry)) = template_of::<B>(entries, linter) {
            return expand(node, entries, &template, entry, linter);
        }
        let (spec, entry) = find(node, entries, linter)?;
        let label = label_of(entries);
        if let Some((_, place)) = label
            && spec.name == "resource"
        {
            linter.error(
                place,
                "label field should be omitted when pointing to a resource",
            );
        }
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
        let absent = Node::new(node.place, crate::config::Data::Null);
        let config = linter.at(spec.name, |linter| {
            (spec.read)(entry.map_or(&absent, |e| &e.node), linter)
        });
        let processors = processors_of::<B>(entries, linter);
        Some(Component {
            name: spec.name,
            label: label.map(|(text, _)| text.to_owned()).unwrap_or_default(),
            path,
            place: node.place,
            config: config?,
            processors: processors?,
            renames: Vec::new(),
        })
    }
}

fn label_of(entries: &[Entry]) -> Option<(&str, Place)> {
    let entry = entries.iter().find(|e| e.key == "label")?;
    Some((entry.node.as_text()?, entry.place))
}

/// The processors beside an input or output.
fn processors_of<B: Kind + ?Sized>(
    entries: &[Entry],
    linter: &mut Linter<'_>,
) -> Option<Vec<Component<dyn BuildProcessor>>> {
    let list = entries.iter().find(|e| e.key == "processors");
    match list.filter(|_| B::HAS_PROCESSORS) {
        Some(e) => linter.at("processors", |linter| Vec::read(&e.node, linter)),
        None => Some(Vec::new()),
    }
}

/// Whether `key` stands beside a component's type without being one.
fn is_reserved<B: Kind + ?Sized>(key: &str) -> bool {
    matches!(key, "label" | "type" | "plugin") || B::HAS_PROCESSORS && key == "processors"
}

/// The template that the entries name instead of a component, and its config.
fn template_of<'n, B: Kind + ?Sized>(
    entries: &'n [Entry],
    linter: &Linter<'_>,
) -> Option<(Arc<Template>, Option<&'n Entry>)> {
    if let Some(explicit) = entries.iter().find(|e| e.key == "type") {
        let name = explicit.node.as_text()?;
        let template = linter.templates.get(B::NAME, name)?;
        let own = entries.iter().find(|e| e.key == name || e.key == "plugin");
        return Some((template, own));
    }
    let mut candidates = entries.iter().filter(|e| !is_reserved::<B>(&e.key));
    candidates.find_map(|e| Some((linter.templates.get(B::NAME, &e.key)?, Some(e))))
}

/// Reads the component that a template makes.
fn expand<B: Kind + ?Sized>(
    node: &Node,
    entries: &[Entry],
    template: &Template,
    entry: Option<&Entry>,
    linter: &mut Linter<'_>,
) -> Option<Component<B>> {
    let label = label_of(entries).filter(|(text, _)| !text.is_empty());
    if let Some((label, place)) = label {
        linter.label(label, place);
    } else {
        linter.label_missing(node.place, &template.name);
    }
    let others = entries
        .iter()
        .filter(|e| !is_reserved::<B>(&e.key) && entry.is_none_or(|own| own.key != e.key));
    for other in others {
        linter.error(
            other.place,
            invalid_beside(&other.key, &template.name, B::NAME),
        );
    }
    let absent = Node::new(node.place, crate::config::Data::Null);
    let config = entry.map_or(&absent, |e| &e.node);
    let label = label.map(|(text, _)| text.to_owned()).unwrap_or_default();
    let made = linter.at(&template.name, |linter| {
        template.expand(config, &label, linter)
    });
    let beside = processors_of::<B>(entries, linter);
    let made = made?;
    let mut component = linter.in_template(&template.name, config.place, |linter| {
        Component::<B>::read(&made, linter)
    })?;
    component.place = node.place;
    if let Some(mapping) = &template.metrics_mapping {
        component.renames.push(MetricsRename {
            label: label.clone(),
            mapping: mapping.clone(),
        });
    }
    // A label that the template gives, even an empty one, takes the place of the one beside it.
    if made.get("label").is_none() {
        component.label = label;
    }
    // Messages pass an output's processors before it, and an input's after it: those of the template are the nearer ones.
    let beside = beside?;
    match B::NAME {
        "output" => {
            component.processors.splice(0..0, beside);
        }
        _ => component.processors.extend(beside),
    }
    Some(component)
}

fn invalid_beside(key: &str, name: &str, kind: &str) -> String {
    format!("field {key} is invalid when the component type is {name} ({kind})")
}

/// Which component this is: by `type:` if that is given, else by the one key that isn't reserved.
fn find<'n, B: Kind + ?Sized>(
    node: &Node,
    entries: &'n [Entry],
    linter: &mut Linter<'_>,
) -> Option<(&'static Spec<B>, Option<&'n Entry>)> {
    let lookup = |name: &str| B::table().iter().find(|s| s.name == name).copied();
    let mut names: Vec<&str> = B::table().iter().map(|s| s.name).collect();
    let templates = linter.templates.clone();
    names.extend(templates.names(B::NAME));
    let unknown = |name: &str| {
        if let Some(why) = not_built(B::NAME, name) {
            return why;
        }
        let hint = nearest(name, &names)
            .map(|n| format!(" (did you mean `{n}`?)"))
            .unwrap_or_default();
        format!(
            "unable to infer {} type from candidates: [{name}]{hint}",
            B::NAME
        )
    };
    let candidates: Vec<&Entry> = entries
        .iter()
        .filter(|e| !is_reserved::<B>(&e.key))
        .collect();
    if let Some(explicit) = entries.iter().find(|e| e.key == "type") {
        let name = explicit.node.as_text().unwrap_or_default();
        let Some(spec) = lookup(name) else {
            linter.error(explicit.node.place, unknown(name));
            return None;
        };
        for other in candidates.iter().filter(|e| e.key != name) {
            linter.error(other.place, invalid_beside(&other.key, name, B::NAME));
        }
        let own = entries.iter().find(|e| e.key == name || e.key == "plugin");
        if own.is_none() && !candidates.is_empty() {
            // The config is under another type's name: what it lacks under its own says nothing.
            return None;
        }
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
                linter.error(node.place, unknown(&one.key));
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
                    linter.error(other.place, invalid_beside(&other.key, &one.key, B::NAME));
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
