//! `group_by`: makes a batch of the messages that a condition holds for.

use super::flow::{Flow, any_waits, flow, put};
use super::reading::single;
use crate::bloblang::Mapping;
use crate::component::{BuildProcessor, Chain, Context, Processor, ProcessorConfig};
use crate::message::{Batch, ComponentName};

single! {
    /// The groups, in the order in which they are tried.
    Vec<Group>
}

crate::fields! {
    /// A condition and what is done with the messages that it holds for.
    pub struct Group {
        /// A query that says whether a message is in the group.
        check: Mapping,
        /// Processors for the group, as a batch.
        processors: Vec<ProcessorConfig> = "[]",
    }
}

crate::spec! {
    /// Splits a batch by conditions: each message goes to the first group whose check holds, and what no group takes is the last batch.
    /// Groups come out in the order of the config. A check that fails counts as false, and is logged.
    dyn BuildProcessor, "group_by", Config
}

impl BuildProcessor for Config {
    fn build(&self, cx: &Context) -> anyhow::Result<Processor> {
        let group = |g: &Group| Ok((g.check.clone(), cx.processors(&g.processors)?));
        Ok(flow(GroupBy {
            groups: self.0.iter().map(group).collect::<anyhow::Result<_>>()?,
            name: cx.name.clone(),
        }))
    }
}

struct GroupBy {
    groups: Vec<(Mapping, Chain)>,
    name: ComponentName,
}

impl Flow for GroupBy {
    fn waits(&self) -> bool {
        any_waits(self.groups.iter().map(|(_, chain)| chain))
    }

    async fn run(&self, batch: Batch, out: &mut Vec<Batch>) {
        let of: Vec<usize> = (0..batch.len()).map(|i| self.group(&batch, i)).collect();
        let mut batches = vec![Batch::new(); self.groups.len() + 1];
        for (message, group) in batch.into_iter().zip(of) {
            batches[group].push(message);
        }
        let rest = batches.pop().expect("there is one more than groups");
        for (batch, (_, chain)) in batches.into_iter().zip(&self.groups) {
            if !batch.is_empty() {
                chain.run_into(batch, out).await;
            }
        }
        put(rest, out);
    }

    async fn close(&self) {
        for (_, chain) in &self.groups {
            chain.close().await;
        }
    }
}

impl GroupBy {
    fn group(&self, batch: &Batch, index: usize) -> usize {
        let fits = |(i, (check, _)): (usize, &(Mapping, Chain))| match check.check(batch, index) {
            Ok(fits) => fits.then_some(i),
            Err(error) => {
                tracing::error!(target: "stream", label = %self.name.label, path = %self.name.path, "Failed to test group {i}: {error}");
                None
            }
        };
        let first = self.groups.iter().enumerate().find_map(fits);
        first.unwrap_or(self.groups.len())
    }
}
