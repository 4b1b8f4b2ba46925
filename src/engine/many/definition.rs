//! A stream's or a resource's config as somebody gave it, read and checked.

use super::super::config::{
    Checks, PROCESS_SECTIONS, Reading, ResourceKind, StreamConfig, read, read_part,
};
use super::super::resources::ResourceConfig;
use super::super::stream::Variables;
use super::wire;
use crate::bloblang::Environment;
use crate::component::{Component, Kind};
use crate::config::{Data, Field, Level, Linter, Node, Problem, interpolate};
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
    /// It can be read, and nothing can be made of it.
    Unmakeable(String),
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
}

impl Reader<'_> {
    /// Reads a stream's config.
    pub fn stream(&self, text: &str) -> Result<Definition, Refused> {
        let source = self.tree(text)?.to_json();
        self.definition(source, |checks| read(text, checks))
    }

    /// Reads a stream's config that is part of a larger text, in which `${}` stands for itself.
    pub fn part(&self, part: &Node) -> Result<Definition, Refused> {
        let read = self.definition(part.to_json(), |checks| read_part(part, checks));
        read.map_err(|e| self.as_lint(e))
    }

    fn definition(
        &self,
        source: Json,
        read: impl FnOnce(&Checks<'_>) -> Reading,
    ) -> Result<Definition, Refused> {
        let variables = |name: &str| (self.variables)(name);
        let mut checks = Checks::new(self.bloblang, &variables);
        checks.refused = PROCESS_SECTIONS;
        checks.allow_missing_variables = self.chilled;
        let reading = read(&checks);
        let config = self.judge(reading.config, &reading.problems)?;
        Ok(Definition { config, source })
    }

    /// Reads a resource's config.
    pub fn resource(&self, kind: ResourceKind, text: &str) -> Result<ResourceConfig, Refused> {
        let node = self.tree(text)?;
        if !matches!(node.data, Data::Map(_)) {
            let message = format!("invalid type {}, expected an object", node.kind());
            return Err(Refused::Unreadable(message));
        }
        Ok(match kind {
            ResourceKind::Input => ResourceConfig::Input(self.component(&node, kind)?),
            ResourceKind::Processor => ResourceConfig::Processor(self.component(&node, kind)?),
            ResourceKind::Output => ResourceConfig::Output(self.component(&node, kind)?),
            ResourceKind::Cache => ResourceConfig::Cache(self.component(&node, kind)?),
            ResourceKind::RateLimit => ResourceConfig::RateLimit(self.component(&node, kind)?),
        })
    }

    fn component<B: Kind + ?Sized>(
        &self,
        node: &Node,
        kind: ResourceKind,
    ) -> Result<Component<B>, Refused> {
        let mut linter = Linter::new(self.bloblang);
        let component = linter.at(kind.field(), |l| Component::read(node, l));
        let judged = self.judge(component, &linter.into_problems());
        judged.map_err(|e| self.as_lint(e))
    }

    /// A component without a known type is a matter of lint everywhere but in a stream that is posted alone.
    fn as_lint(&self, refused: Refused) -> Refused {
        match refused {
            Refused::Unreadable(error) if !self.chilled => Refused::Lint(vec![error]),
            refused => refused,
        }
    }

    fn tree(&self, text: &str) -> Result<Node, Refused> {
        let variables = |name: &str| (self.variables)(name);
        let (text, missing) = interpolate(text, &variables);
        if !missing.is_empty() && !self.chilled {
            let mut names: Vec<String> = missing.into_iter().map(|m| m.name).collect();
            names.sort();
            names.dedup();
            let names = names.join(" ");
            return Err(Refused::Unreadable(format!(
                "required environment variables were not set: [{names}]"
            )));
        }
        let problem = |e: crate::config::YamlError| Refused::Unreadable(format!("yaml: {e}"));
        Node::parse(&text).map_err(problem)
    }

    fn judge<T>(&self, read: Option<T>, problems: &[Problem]) -> Result<T, Refused> {
        let errors: Vec<&Problem> = problems
            .iter()
            .filter(|p| p.level == Level::Error)
            .collect();
        if let Some(why) = wire::untyped(errors.iter().copied()) {
            return Err(Refused::Unreadable(why));
        }
        let shown = errors.iter().map(|p| wire::problem(p));
        match read {
            Some(read) if errors.is_empty() || self.chilled => Ok(read),
            None if self.chilled => Err(Refused::Unmakeable(shown.collect::<Vec<_>>().join("; "))),
            _ => Err(Refused::Lint(shown.collect())),
        }
    }
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
        let unset = "required environment variables were not set: [B C]";
        assert_eq!(
            refused("output: {drop: {}} # ${C} ${B} ${C}"),
            unreadable(unset)
        );
        assert!(chilled.stream("output: {drop: {}} # ${B}").is_ok());
        let broken = chilled
            .stream("input: {generate: {mapping: 'root = ['}}")
            .err();
        assert!(matches!(broken, Some(Refused::Unmakeable(_))), "{broken:?}");
        assert!(reader.resource(ResourceKind::Cache, "memory: {}").is_ok());
    }
}
