//! From a duty to what a worker is sent for it: the config, with the secrets and shared resources that it names.

use std::collections::BTreeMap;

use super::{Error, Resource, secrets::Secrets};
use crate::{
    ids::{Revision, StreamName},
    store::Store,
};

/// What a stream needs to run.
#[derive(Clone, Default, PartialEq, Eq)]
pub(super) struct Rendered {
    pub(super) config: String,
    pub(super) secrets: BTreeMap<String, String>,
    /// Names and texts of resource files.
    pub(super) resources: BTreeMap<String, String>,
}

/// Renders many at once: what they share is read once.
pub(super) struct Renderer<'a> {
    store: &'a Store,
    secrets: BTreeMap<String, Result<String, Error>>,
    resources: Vec<Resource>,
}

impl<'a> Renderer<'a> {
    pub(super) async fn new(store: &'a Store, secrets: &Secrets) -> Result<Self, Error> {
        let rows = store.secrets().await?;
        let resources = store.resources().await?.into_iter();
        Ok(Self {
            store,
            secrets: rows
                .into_iter()
                .map(|row| (row.name.clone(), secrets.open(&row)))
                .collect(),
            resources: resources
                .map(Resource::try_from)
                .collect::<Result<_, _>>()?,
        })
    }

    /// Renders a revision. An error of the kind `Refused` or `NotFound` will not go away by trying again.
    pub(super) async fn render(
        &self,
        stream: &StreamName,
        revision: Revision,
    ) -> Result<Rendered, Error> {
        let row = self.store.revision(stream, revision).await?;
        let row = row.ok_or_else(|| Error::NotFound {
            kind: "revision",
            name: format!("{stream} {revision}"),
        })?;
        let mut rendered = Rendered {
            config: row.config,
            ..Rendered::default()
        };
        self.add_resources(&mut rendered);
        let texts = std::iter::once(&rendered.config).chain(rendered.resources.values());
        let names: Vec<&str> = texts.flat_map(|text| variables(text)).collect();
        for name in names {
            if let Some(value) = self.secrets.get(name) {
                rendered.secrets.insert(name.to_owned(), value.clone()?);
            }
        }
        Ok(rendered)
    }

    /// Adds the resources whose labels the config mentions, and those that they mention in turn.
    fn add_resources(&self, rendered: &mut Rendered) {
        loop {
            let before = rendered.resources.len();
            for resource in &self.resources {
                let file = format!("{}_{}.yaml", resource.kind, resource.label);
                let is_named = |text: &str| mentions(text, &resource.label);
                let texts: Vec<&String> = std::iter::once(&rendered.config)
                    .chain(rendered.resources.values())
                    .collect();
                if !rendered.resources.contains_key(&file)
                    && texts.iter().any(|text| is_named(text))
                {
                    rendered.resources.insert(file, resource.as_file());
                }
            }
            if rendered.resources.len() == before {
                return;
            }
        }
    }
}

/// The names that are asked for with `${NAME}` or `${NAME:default}` anywhere in a text.
fn variables(text: &str) -> impl Iterator<Item = &str> {
    text.match_indices("${").filter_map(|(at, _)| {
        let rest = &text[at + 2..];
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '_' | '.'))?;
        (end > 0).then_some(&rest[..end])
    })
}

/// Whether a text has the label as a word. A label too many costs a few bytes, one too few a stream.
fn mentions(text: &str, label: &str) -> bool {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    text.match_indices(label).any(|(at, _)| {
        let before = text[..at].chars().next_back().is_some_and(is_word);
        let after = text[at + label.len()..].chars().next().is_some_and(is_word);
        !before && !after
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_found_with_and_without_a_default() {
        let text = "a: ${ONE} b: '${TWO:${THREE}}' c: ${secrets.FOUR} d: ${ } e: ${five";
        let found: Vec<&str> = variables(text).collect();
        assert_eq!(found, ["ONE", "TWO", "THREE", "secrets.FOUR"]);
    }

    #[test]
    fn labels_are_found_as_words() {
        assert!(mentions("resource: seen\n", "seen"));
        assert!(mentions("seen", "seen"));
        assert!(!mentions("seen_before, unseen", "seen"));
    }
}
