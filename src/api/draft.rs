//! From a config's text to the draft of a stream: linted, with what it says of its placement.
//!
//! The coordinator lints what it can know. `${VAR}` is filled in on the worker, so a variable without a default is no error here, and
//! what is wrong in a line that uses one is reported as a warning: the worker has the last word and says so in the stream's state.

use std::collections::BTreeSet;

use super::error::{Error, Result};
use crate::{
    bloblang::Environment,
    cluster::{self, OnPartition},
    config::{Field, Level, Linter, Node, Problem, interpolate},
    coordinator::Draft,
    engine::config::{Checks, OnPartition as ConfigOnPartition, Shards, read},
    ids::StreamName,
};

/// A config that may be run.
#[derive(Debug)]
pub struct Checked {
    /// The name that the config gives itself.
    pub name: Option<StreamName>,
    pub draft: Draft,
    pub warnings: Vec<Problem>,
}

/// Lints a config and reads its placement; an error holds every problem.
pub fn check(text: &str) -> Result<Checked> {
    let problems = lint(text);
    if problems.iter().any(|p| p.level == Level::Error) {
        return Err(Error::config(problems));
    }
    let environment: Environment = Default::default();
    let mut linter = Linter::new(&environment);
    let (filled, _) = interpolate(text, &shard_variables);
    let root = Node::parse(&filled).map_err(|e| Error::invalid(e.to_string()))?;
    let mut draft = Draft::new(text);
    // What can't be read here has a variable in it, or the lint would have told: the default stands in.
    if let Some(shards) = root
        .get("shards")
        .and_then(|n| Shards::read(n, &mut linter))
    {
        draft.shards = cluster::Shards::between(shards.min, shards.max);
    }
    if let Some(labels) = root
        .get("requires")
        .and_then(|n| Field::read(n, &mut linter))
    {
        draft.requires = labels;
    }
    if let Some(labels) = root
        .get("prefers")
        .and_then(|n| Field::read(n, &mut linter))
    {
        draft.prefers = labels;
    }
    if let Some(choice) = root
        .get("on_partition")
        .and_then(|n| ConfigOnPartition::read(n, &mut linter))
    {
        draft.on_partition = match choice {
            ConfigOnPartition::Stop => OnPartition::Stop,
            ConfigOnPartition::Continue => OnPartition::Continue,
        };
    }
    // Requests go to whoever runs it, so two at once do no harm and a move leaves no gap.
    draft.stateless = root
        .get("input")
        .is_some_and(|input| input.get("http_server").is_some());
    let name = root
        .get("name")
        .and_then(Node::as_text)
        .map(StreamName::new)
        .transpose();
    Ok(Checked {
        name: name.map_err(|e| Error::invalid(e.to_string()))?,
        draft,
        warnings: problems,
    })
}

/// Everything that is wrong with a config as far as the coordinator can tell, by place.
pub fn lint(text: &str) -> Vec<Problem> {
    let environment: Environment = Default::default();
    let mut problems = read(
        text,
        &Checks {
            allow_missing_variables: true,
            ..Checks::new(&environment, &shard_variables)
        },
    )
    .problems;
    let (_, missing) = interpolate(text, &shard_variables);
    let lines: BTreeSet<usize> = missing.iter().map(|m| m.place.line).collect();
    for problem in &mut problems {
        if problem.level == Level::Error && lines.contains(&problem.place.line) {
            problem.level = Level::Warning;
            problem
                .message
                .push_str(" (without the variable in this line, which only the worker knows)");
        }
    }
    problems
}

/// The variables that every stream of a cluster has.
fn shard_variables(name: &str) -> Option<String> {
    match name {
        "AIRTRUCT_STREAM" => Some("stream".into()),
        "AIRTRUCT_EPOCH" => Some("1".into()),
        "AIRTRUCT_SHARD" => Some("0".into()),
        "AIRTRUCT_SHARDS" => Some("1".into()),
        _ => None,
    }
}
