//! A stream's or a resource's config as somebody gave it, read and checked.

use super::super::config::{Checks, PROCESS_SECTIONS, StreamConfig, read};
use super::super::resources::{ResourceConfig, ResourceKind};
use super::super::stream::Variables;
use crate::bloblang::Environment;
use crate::component::{Component, Kind};
use crate::config::{Field, Level, Linter, Node, Problem, interpolate};
use serde_json::Value as Json;

/// What a stream was made of.
pub struct Definition {
    pub config: StreamConfig,
    /// The config as it was given, with its variables replaced.
    pub source: Json,
}

/// Why a config is not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refused {
    /// It can't be read.
    Unreadable(String),
    /// What the lint found, each with its place.
    Lint(Vec<String>),
}

/// How a config is read.
#[derive(Clone, Copy)]
pub struct Reader<'a> {
    pub bloblang: &'a Environment,
    pub variables: &'a Variables,
    /// Whether what the lint finds doesn't matter, as long as the config can be read.
    pub chilled: bool,
    /// Whether `${}` stands for itself.
    pub is_literal: bool,
}

impl Reader<'_> {
    /// Reads a stream's config.
    pub fn stream(&self, text: &str) -> Result<Definition, Refused> {
        let variables = |name: &str| (self.variables)(name);
        let mut checks = Checks::new(self.bloblang, &variables);
        (checks.is_literal, checks.refused) = (self.is_literal, PROCESS_SECTIONS);
        let source = self.tree(text)?.to_json();
        let reading = read(text, &checks);
        let config = self.judge(reading.config, &reading.problems)?;
        Ok(Definition { config, source })
    }

    /// Reads a resource's config.
    pub fn resource(&self, kind: ResourceKind, text: &str) -> Result<ResourceConfig, Refused> {
        let node = self.tree(text)?;
        Ok(match kind {
            ResourceKind::Input => ResourceConfig::Input(self.component(&node, "input")?),
            ResourceKind::Processor => {
                ResourceConfig::Processor(self.component(&node, "processor")?)
            }
            ResourceKind::Output => ResourceConfig::Output(self.component(&node, "output")?),
            ResourceKind::Cache => ResourceConfig::Cache(self.component(&node, "cache")?),
            ResourceKind::RateLimit => {
                ResourceConfig::RateLimit(self.component(&node, "rate_limit")?)
            }
        })
    }

    fn component<B: Kind + ?Sized>(
        &self,
        node: &Node,
        kind: &str,
    ) -> Result<Component<B>, Refused> {
        let mut linter = Linter::new(self.bloblang);
        let component = linter.at(&format!("{kind}_resources"), |l| Component::read(node, l));
        self.judge(component, &linter.into_problems())
    }

    fn tree(&self, text: &str) -> Result<Node, Refused> {
        let variables = |name: &str| (self.variables)(name);
        let text = match self.is_literal {
            true => text.to_owned(),
            false => interpolate(text, &variables).0,
        };
        let problem = |e: crate::config::YamlError| Refused::Unreadable(format!("yaml: {e}"));
        Node::parse(&text).map_err(problem)
    }

    fn judge<T>(&self, read: Option<T>, problems: &[Problem]) -> Result<T, Refused> {
        let errors: Vec<&Problem> = problems
            .iter()
            .filter(|p| p.level == Level::Error)
            .collect();
        // Without its type nothing can be said about a component; like what isn't YAML, that isn't a matter of lint.
        if let Some(unknown) = errors
            .iter()
            .find(|p| p.message.starts_with("unable to infer"))
        {
            // The peers know the line only.
            let (line, message) = (unknown.place.line, &unknown.message);
            return Err(Refused::Unreadable(format!("({line},1) {message}")));
        }
        let shown = || errors.iter().map(|p| shown(p)).collect();
        match read {
            Some(read) if errors.is_empty() || self.chilled => Ok(read),
            _ => Err(Refused::Lint(shown())),
        }
    }
}

fn shown(problem: &Problem) -> String {
    let place = problem.place;
    format!("({},{}) {}", place.line, place.column, problem.message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    #[test]
    fn what_cant_be_read_and_what_the_lint_finds_are_told_apart() {
        let variables: Variables = Arc::new(|name| (name == "A").then(|| "root = 1".into()));
        let reader = Reader {
            bloblang: &Environment::default(),
            variables: &variables,
            chilled: false,
            is_literal: false,
        };
        let refused = |text: &str| reader.stream(text).err();
        let lint = |e: &str| Some(Refused::Lint(vec![e.to_owned()]));
        let unreadable = |e: &str| Some(Refused::Unreadable(e.to_owned()));
        assert_eq!(refused("input: {generate: {mapping: '${A}'}}"), None);
        assert_eq!(
            refused("output: {drop: {a: 1}}"),
            lint("(1,17) field a not recognised")
        );
        let unknown = "(1,1) unable to infer input type from candidates: [nope]";
        assert_eq!(refused("input: {nope: {}}"), unreadable(unknown));
        assert!(matches!(refused("http: {}"), Some(Refused::Lint(_))));
        assert!(matches!(refused("a: ["), Some(Refused::Unreadable(_))));
        let chilled = Reader {
            chilled: true,
            ..reader
        };
        assert!(chilled.stream("output: {drop: {a: 1}}").is_ok());
        assert!(reader.resource(ResourceKind::Cache, "memory: {}").is_ok());
    }
}
