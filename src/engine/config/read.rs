//! From a text to a config, with everything that is wrong with it. Workers, the API and the command line all read through here.

use super::{Case, ErrorStrategy, StreamConfig, set};
use crate::bloblang::Environment;
use crate::component::{CacheConfig, InputConfig, OutputConfig, ProcessorConfig, RateLimitConfig};
use crate::config::{Data, Field, Level, Linter, Node, Problem, Templates, interpolate};
use std::sync::LazyLock;

/// For configs that have no template files around them.
static NO_TEMPLATES: LazyLock<Templates> = LazyLock::new(Templates::default);

/// What reading a config depends on besides its text.
#[derive(Clone, Copy)]
pub struct Checks<'a> {
    /// What mappings may use.
    pub bloblang: &'a Environment,
    /// The environment's variables.
    pub variables: &'a dyn Fn(&str) -> Option<String>,
    /// Changes as `path=value`.
    pub sets: &'a [String],
    /// Files with more resources: their names and texts.
    pub resources: &'a [(String, String)],
    /// The components that template files define.
    pub templates: &'a Templates,
    /// Whether the use of what is deprecated is an error.
    pub refuse_deprecated: bool,
    /// Whether every component must have a label.
    pub want_labels: bool,
    /// Whether variables that aren't set are fine.
    pub allow_missing_variables: bool,
    /// Sections that have no place in this text.
    pub refused: &'a [&'a str],
}

/// The sections that describe the process, where it runs many streams.
pub const PROCESS_SECTIONS: &[&str] = &["http", "logger", "metrics", "tracer"];
/// The sections that describe one stream, where a process runs many.
pub const STREAM_SECTIONS: &[&str] = &["input", "buffer", "pipeline", "output"];

impl<'a> Checks<'a> {
    /// The checks that a stream gets before it starts.
    pub fn new(
        bloblang: &'a Environment,
        variables: &'a dyn Fn(&str) -> Option<String>,
    ) -> Checks<'a> {
        Checks {
            bloblang,
            variables,
            sets: &[],
            resources: &[],
            templates: &NO_TEMPLATES,
            refuse_deprecated: false,
            want_labels: false,
            allow_missing_variables: false,
            refused: &[],
        }
    }
}

/// A config as far as it could be read, and what is wrong with it.
#[derive(Debug, Default)]
pub struct Reading {
    /// None where something stands in the way of reading it at all.
    pub config: Option<StreamConfig>,
    pub problems: Vec<Problem>,
    /// What is wrong with the resource files, each with the file's name.
    pub resource_problems: Vec<(String, Problem)>,
}

impl Reading {
    /// Whether anything is wrong that should keep the stream from starting.
    pub fn has_errors(&self) -> bool {
        let mut all = self
            .problems
            .iter()
            .chain(self.resource_problems.iter().map(|(_, p)| p));
        self.config.is_none() || all.any(|p| p.level == Level::Error)
    }

    /// The errors in one text, each with its place; none if there are none.
    pub fn error_text(&self) -> Option<String> {
        let own = self.problems.iter().map(|p| (None, p));
        let others = self
            .resource_problems
            .iter()
            .map(|(file, p)| (Some(file), p));
        let errors: Vec<String> = own
            .chain(others)
            .filter(|(_, p)| p.level == Level::Error)
            .map(|(file, p)| match file {
                Some(file) => format!("{file}:{}: {}", p.place, p.message),
                None => format!("{}: {}", p.place, p.message),
            })
            .collect();
        (!errors.is_empty()).then(|| errors.join("; "))
    }
}

/// Reports the resources of a config that have no label: nobody could refer to them.
macro_rules! want_labels {
    ($config:expr, $linter:expr) => {
        want_labels!(@ $config, $linter, input_resources processor_resources output_resources cache_resources rate_limit_resources)
    };
    (@ $config:expr, $linter:expr, $($list:ident)*) => {
        $(for resource in $config.$list.iter().filter(|r| r.label.is_empty()) {
            $linter.error(resource.place, "the label field for resources must be unique and not empty");
        })*
    };
}

/// Reads a stream's config. A first line `# BENTO LINT DISABLE` keeps problems that don't stand in the way to itself.
pub fn read(text: &str, checks: &Checks<'_>) -> Reading {
    let mut reading = read_root(checks, |linter| root(text, checks, linter));
    if is_disabled(text) && reading.config.is_some() {
        reading.problems.clear();
    }
    reading
}

/// Reads a stream's config that is part of a larger text.
pub fn read_part(part: &Node, checks: &Checks<'_>) -> Reading {
    read_root(checks, |linter| sections(part.clone(), checks, linter))
}

fn read_root(
    checks: &Checks<'_>,
    root_of: impl FnOnce(&mut Linter<'_>) -> Option<Node>,
) -> Reading {
    let bloblang = checks.bloblang.with_own_caches();
    let mut linter = Linter::new(&bloblang);
    linter.refuse_deprecated = checks.refuse_deprecated;
    linter.want_labels = checks.want_labels;
    linter.templates = checks.templates.clone();
    let mut config = root_of(&mut linter).and_then(|node| {
        let mut config = StreamConfig::read(&node, &mut linter)?;
        want_labels!(config, &mut linter);
        warn_of_inert(&node, &mut linter);
        if deals_with_errors(&node) {
            config.error_handling.strategy = ErrorStrategy::None;
        }
        Some(config)
    });
    let problems = linter.take_problems();
    let mut resource_problems = Vec::new();
    for (name, text) in checks.resources {
        let checks = Checks {
            sets: &[],
            ..*checks
        };
        let more = root(text, &checks, &mut linter).and_then(|n| Resources::read(&n, &mut linter));
        if let Some(more) = &more {
            want_labels!(more, &mut linter);
        }
        let found = linter.take_problems();
        if !(is_disabled(text) && more.is_some()) {
            resource_problems.extend(found.into_iter().map(|p| (name.clone(), p)));
        }
        if let (Some(config), Some(more)) = (&mut config, more) {
            // They are linted, and run by nobody from here.
            let _ = more.tests;
            config.input_resources.extend(more.input_resources);
            config.processor_resources.extend(more.processor_resources);
            config.output_resources.extend(more.output_resources);
            config.cache_resources.extend(more.cache_resources);
            config
                .rate_limit_resources
                .extend(more.rate_limit_resources);
        }
    }
    Reading {
        config,
        problems,
        resource_problems,
    }
}

crate::fields! {
    /// What a resource file may hold.
    struct Resources {
        /// Inputs.
        input_resources: Vec<InputConfig> = "[]",
        /// Processors.
        processor_resources: Vec<ProcessorConfig> = "[]",
        /// Outputs.
        output_resources: Vec<OutputConfig> = "[]",
        /// Caches.
        cache_resources: Vec<CacheConfig> = "[]",
        /// Rate limits.
        rate_limit_resources: Vec<RateLimitConfig> = "[]",
        /// Unit tests, which are the test runner's.
        tests: Option<Vec<Case>>,
    }
}

/// The sections that a resource file may have.
pub fn resource_sections() -> Vec<&'static str> {
    use crate::config::Group;
    Resources::fields().iter().map(|f| f.name).collect()
}

/// The text as a tree: variables replaced, changes made, sections of another kind of file refused.
pub(super) fn root(text: &str, checks: &Checks<'_>, linter: &mut Linter<'_>) -> Option<Node> {
    let (text, missing) = interpolate(text, checks.variables);
    if !checks.allow_missing_variables {
        for variable in missing {
            let message = format!(
                "required environment variables were not set: [{}]",
                variable.name
            );
            linter.error(variable.place, message);
        }
    }
    match Node::parse(&text) {
        Ok(node) => sections(node, checks, linter),
        Err(e) => {
            linter.error(e.place, e.message);
            None
        }
    }
}

/// The tree of a config: changes made, sections of another kind of file refused.
fn sections(mut node: Node, checks: &Checks<'_>, linter: &mut Linter<'_>) -> Option<Node> {
    let start = node.place;
    if !matches!(node.data, Data::Map(_)) && !checks.sets.is_empty() {
        node.data = Data::Map(Vec::new());
    }
    if !matches!(node.data, Data::Map(_)) {
        let message = format!("expected a map of sections, got {}", node.kind());
        linter.error(start, message);
        return None;
    }
    for change in checks.sets {
        if let Err(e) = set(&mut node, change) {
            linter.error(start, e.to_string());
        }
    }
    for entry in node.as_map().unwrap_or_default() {
        if checks.refused.contains(&entry.key.as_str()) {
            let message = format!(
                "field {} not recognised: where many streams run, streams and process have configs of their own",
                entry.key
            );
            linter.error(entry.place, message);
        }
    }
    Some(node)
}

/// Warns of what is set in the config and has no effect.
fn warn_of_inert(root: &Node, linter: &mut Linter<'_>) {
    let tracers = root
        .get("tracer")
        .and_then(Node::as_map)
        .unwrap_or_default();
    for tracer in tracers
        .iter()
        .filter(|e| matches!(e.key.as_str(), "jaeger" | "gcp_cloudtrace"))
    {
        let text = format!(
            "field tracer.{} has no effect: use open_telemetry_collector",
            tracer.key
        );
        linter.warn(tracer.place, text);
    }
}

/// Whether a config deals with failed messages itself: the strategy for all of them would only be in its way.
fn deals_with_errors(node: &Node) -> bool {
    match &node.data {
        Data::Map(entries) => entries.iter().any(|e| {
            matches!(
                e.key.as_str(),
                "try" | "catch" | "retry" | "switch" | "reject_errored"
            ) || deals_with_errors(&e.node)
        }),
        Data::List(nodes) => nodes.iter().any(deals_with_errors),
        Data::Text { text, .. } => text.contains("errored(") || text.contains("error("),
        _ => false,
    }
}

/// Whether the first line turns the linter off, by either name of it.
fn is_disabled(text: &str) -> bool {
    let first = text.lines().next().unwrap_or_default();
    ["# BENTO LINT DISABLE", "# BENTHOS LINT DISABLE"]
        .iter()
        .any(|line| first.starts_with(line))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(text: &str) -> Vec<String> {
        let environment: Environment = Default::default();
        let reading = read(text, &Checks::new(&environment, &|_| None));
        let show = |p: &Problem| format!("{} {}", p.place, p.message);
        reading.problems.iter().map(show).collect()
    }

    #[test]
    fn problems_have_places() {
        for (text, want) in [
            (
                "output: {drop: {}}\nwibble: 1\n",
                "2:1 field wibble not recognised",
            ),
            ("output:\n  drop:\n    a: 1\n", "3:5 field a not recognised"),
            ("", "1:1 expected a map of sections, got null"),
            (
                "output: {drop: {}, label: '${NOPE}'}",
                "1:28 required environment variables were not set: [NOPE]",
            ),
            (
                "cache_resources:\n  - memory: {}\n",
                "2:5 the label field for resources must be unique and not empty",
            ),
            (
                "cache_resources:\n  - label: a\n    wat: {}\n",
                "2:5 unable to infer cache type from candidates: [wat]",
            ),
            (
                "shards: 0\noutput: {drop: {}}",
                "1:9 shards must be at least 1, and max not less than min",
            ),
        ] {
            let found = problems(text);
            assert!(found.iter().any(|p| p == want), "{text}: {found:?}");
        }
    }

    #[test]
    fn what_has_no_effect_is_warned_of() {
        for (text, want) in [
            ("http: {debug_endpoints: true}", None),
            ("metrics: {logger: {flush_metrics: true}}", None),
            (
                "tracer: {jaeger: {}}",
                Some("field tracer.jaeger has no effect"),
            ),
            ("tracer: {none: {}}\nshutdown_delay: ''", None),
        ] {
            let found = problems(text);
            assert_eq!(found.len(), usize::from(want.is_some()), "{found:?}");
            assert!(
                found.iter().zip(want).all(|(f, w)| f.contains(w)),
                "{found:?}"
            );
        }
    }
}
