//! `workflow`: branches that depend on one another.

use super::branch::{self, Branch, Part, Results};
use super::flow::{Flow, any_waits, fail, flow};
use crate::component::{BuildProcessor, Context, Processor};
use crate::message::{Batch, ComponentName, Message, MessageError};
use crate::value::{Array, Object, Value};
use anyhow::{bail, ensure};
use futures::future::join_all;
use std::collections::{BTreeMap, BTreeSet};

crate::fields! {
    /// Which branches there are, and in which order they run.
    pub struct Config {
        /// Where in each message it is noted which branches succeeded, were skipped and failed. Empty to note it nowhere; failures then flag the message.
        meta_path: String = "meta.workflow",
        /// The branches in tiers: those of a tier run at the same time, after the tiers before. Without it the order comes from what the branches read and write.
        order: Vec<Vec<String>> = "[]",
        /// Labels of `branch` processors under `processor_resources`.
        branch_resources: Vec<String> = "[]",
        /// Branches by name.
        branches: BTreeMap<String, branch::Config> = "{}",
    }
}

crate::spec! {
    /// Runs several branches on each message, in tiers of which each sees what those before it found. What became of each is noted in the message, and a message that
    /// comes in with such notes runs only what did not succeed before; a list under `apply` in the notes names the branches to run.
    dyn BuildProcessor, "workflow", Config
}

impl BuildProcessor for Config {
    fn build(&self, cx: &Context) -> anyhow::Result<Processor> {
        let mut branches = BTreeMap::new();
        for (name, config) in &self.branches {
            ensure!(
                name.bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-'),
                "workflow branch name '{name}' contains invalid characters"
            );
            branches.insert(name.clone(), Branch::new(config, cx)?);
        }
        let named = self
            .order
            .iter()
            .flatten()
            .filter(|n| !self.branches.contains_key(*n));
        for label in self.branch_resources.iter().chain(named) {
            if !branches.contains_key(label) {
                branches.insert(label.clone(), resource(label, cx)?);
            }
        }
        let order = if self.order.is_empty() {
            let order = infer(&branches)?;
            let tiers: Vec<String> = order.iter().map(|t| format!("[{}]", t.join(" "))).collect();
            let (label, path, tiers) = (&cx.name.label, &cx.name.path, tiers.join(" "));
            tracing::info!(target: "stream", %label, %path, "Automatically resolved workflow DAG: [{tiers}]");
            order
        } else {
            let named: BTreeSet<&String> = self.order.iter().flatten().collect();
            let missing: Vec<&str> = branches
                .keys()
                .filter(|n| !named.contains(n))
                .map(String::as_str)
                .collect();
            ensure!(
                missing.is_empty(),
                "the following branches were missing from order: [{}]",
                missing.join(" ")
            );
            let count = self.order.iter().flatten().count();
            ensure!(count == named.len(), "a branch stands twice in order");
            self.order.clone()
        };
        let path = self.meta_path.split('.').filter(|p| !p.is_empty());
        Ok(flow(Workflow {
            branches,
            order,
            path: path.map(str::to_owned).collect(),
            name: cx.name.clone(),
        }))
    }
}

fn resource(label: &str, cx: &Context) -> anyhow::Result<Branch> {
    let config = cx.wiring.processor_config(label)?;
    let Some(branch) = config.config.as_branch() else {
        bail!(
            "found resource named '{label}' with wrong type, expected a branch processor, found: {}",
            config.name
        );
    };
    Branch::new(branch, cx)
}

/// Tiers such that each branch comes after those that write what it reads.
fn infer(branches: &BTreeMap<String, Branch>) -> anyhow::Result<Vec<Vec<String>>> {
    let overlap = |a: &[_], b: &[_]| a.iter().zip(b).all(|(a, b)| a == b);
    // Who reads all of a message doesn't say what for.
    let depends = |reader: &Branch, writer: &Branch| {
        let reads = reader.reads();
        let mut reads = reads.iter().filter(|path| !path.is_empty());
        let writes = writer.writes();
        reads.any(|read| {
            writes
                .iter()
                .any(|written| !written.is_empty() && overlap(read, written))
        })
    };
    let mut left: BTreeMap<&String, &Branch> = branches.iter().collect();
    let mut tiers = Vec::new();
    while !left.is_empty() {
        let free = |(name, branch): &(&&String, &&Branch)| {
            !left
                .iter()
                .any(|(other, writer)| other != *name && depends(branch, writer))
        };
        let tier: Vec<String> = left
            .iter()
            .filter(free)
            .map(|(name, _)| (*name).clone())
            .collect();
        if tier.is_empty() {
            let names: Vec<&str> = left.keys().map(|n| n.as_str()).collect();
            bail!(
                "failed to automatically resolve DAG, circular dependencies detected for branches: [{}]",
                names.join(" ")
            );
        }
        left.retain(|name, _| !tier.contains(name));
        tiers.push(tier);
    }
    Ok(tiers)
}

struct Workflow {
    branches: BTreeMap<String, Branch>,
    order: Vec<Vec<String>>,
    path: Vec<String>,
    name: ComponentName,
}

/// What is noted about one message.
#[derive(Default)]
struct Notes {
    succeeded: BTreeSet<String>,
    skipped: BTreeSet<String>,
    failed: BTreeMap<String, String>,
    previous: Option<Value>,
}

impl Flow for Workflow {
    fn waits(&self) -> bool {
        any_waits(self.branches.values().map(|b| &b.chain))
    }

    async fn run(&self, mut batch: Batch, out: &mut Vec<Batch>) {
        let mut notes: Vec<Notes> = batch.iter().map(|m| self.begin(m)).collect();
        for tier in &self.order {
            let ask = |name: &String| {
                let (branch, notes, batch) = (&self.branches[name], &notes, &batch);
                let name = name.clone();
                async move {
                    let wanted = |i: usize| !notes[i].skipped.contains(&name);
                    branch.ask(batch, wanted).await
                }
            };
            let results: Vec<Results> = join_all(tier.iter().map(ask)).await;
            for (name, results) in tier.iter().zip(results) {
                let branch = &self.branches[name];
                for (i, part) in results.of.into_iter().enumerate() {
                    let notes = &mut notes[i];
                    let answered = match part {
                        Part::Skipped => {
                            notes.skipped.insert(name.clone());
                            continue;
                        }
                        Part::Failed(reason) => Err(reason),
                        Part::Made(at) => branch.answer(&mut batch[i], &results.messages, at),
                    };
                    match answered {
                        Ok(()) => {
                            notes.succeeded.insert(name.clone());
                        }
                        Err(reason) => {
                            notes.failed.insert(name.clone(), reason);
                        }
                    }
                }
            }
        }
        for (message, notes) in batch.iter_mut().zip(notes) {
            self.end(message, notes);
        }
        out.push(batch);
    }

    async fn close(&self) {
        for branch in self.branches.values() {
            branch.chain.close().await;
        }
    }
}

impl Workflow {
    /// What the message's notes of an earlier run say.
    fn begin(&self, message: &Message) -> Notes {
        let mut notes = Notes::default();
        if self.path.is_empty() {
            return notes;
        }
        let found = message.value().ok().and_then(|v| v.get_path(&self.path));
        let Some(Value::Object(previous)) = found else {
            return notes;
        };
        let names = |key: &str| match previous.get(key) {
            Some(Value::Array(names)) => names
                .iter()
                .filter_map(|n| n.as_str().map(str::to_owned))
                .collect::<BTreeSet<_>>(),
            _ => BTreeSet::new(),
        };
        if previous.contains_key("apply") {
            let apply = names("apply");
            notes.skipped = self
                .branches
                .keys()
                .filter(|n| !apply.contains(*n))
                .cloned()
                .collect();
        } else {
            let done = names("succeeded");
            notes.skipped = self
                .branches
                .keys()
                .filter(|n| done.contains(*n))
                .cloned()
                .collect();
        }
        notes.previous = Some(Value::Object(previous));
        notes
    }

    /// Writes the notes into the message.
    fn end(&self, message: &mut Message, notes: Notes) {
        if self.path.is_empty() {
            if !notes.failed.is_empty() {
                let names: Vec<&str> = notes.failed.keys().map(String::as_str).collect();
                let reason = format!("workflow branches failed: [{}]", names.join(" "));
                message.set_error(Some(MessageError::anonymous(reason)));
            }
            return;
        }
        let list = |names: BTreeSet<String>| {
            Value::Array(names.into_iter().map(Value::from).collect::<Array>())
        };
        let mut written = Object::new();
        if !notes.succeeded.is_empty() {
            written.insert("succeeded", list(notes.succeeded));
        }
        if !notes.skipped.is_empty() {
            written.insert("skipped", list(notes.skipped));
        }
        if !notes.failed.is_empty() {
            let failed = notes.failed.into_iter();
            let failed = failed.map(|(name, why)| (name.into(), Value::from(why)));
            written.insert("failed", Value::Object(failed.collect()));
        }
        if let Some(previous) = notes.previous {
            written.insert("previous", previous);
        }
        match message.value() {
            // What the message has in the place of an object on the way is its own, and stays.
            Ok(Value::Object(document)) if is_blocked(document, &self.path) => {}
            Ok(Value::Object(document)) => {
                let mut document = document.clone();
                put(&mut document, &self.path, Value::Object(written));
                message.set_value(Value::Object(document));
            }
            // Neither has what isn't an object a place for it.
            Ok(_) => {}
            Err(error) => {
                let (label, path, reason) = (&self.name.label, &self.name.path, error.to_string());
                tracing::error!(target: "stream", %label, %path, "Failed to parse message for meta update: {reason}");
                fail(message, reason);
            }
        }
    }
}

/// Whether something that is no object stands on the way to a path's end.
fn is_blocked(object: &Object, path: &[String]) -> bool {
    match path.split_first() {
        Some((first, rest)) if !rest.is_empty() => match object.get(first) {
            Some(Value::Object(inner)) => is_blocked(&inner, rest),
            Some(_) => true,
            None => false,
        },
        _ => false,
    }
}

/// Sets a value at a path, with objects on the way to it.
fn put(object: &mut Object, path: &[String], value: Value) {
    let Some((first, rest)) = path.split_first() else {
        return;
    };
    if rest.is_empty() {
        object.insert(first.as_str(), value);
        return;
    }
    if !matches!(object.get(first), Some(Value::Object(_))) {
        object.insert(first.as_str(), Value::Object(Object::new()));
    }
    if let Some(Value::Object(inner)) = object.get_mut(first) {
        put(inner, rest, value);
    }
}
