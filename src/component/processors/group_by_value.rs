//! `group_by_value`: makes a batch of the messages that give the same value.

use super::flow::fail;
use crate::bloblang::Interpolated;
use crate::component::{BuildProcessor, Context, Process, Processor};
use crate::message::Batch;
use crate::value::Str;
use std::collections::HashMap;

crate::fields! {
    /// What messages are grouped by.
    pub struct Config {
        /// The value, for each message. One that can't be made flags its message; such messages are a group of their own.
        value: Interpolated,
    }
}

crate::spec! {
    /// Splits a batch into batches of messages that have a value in common, in the order in which the values are first seen.
    dyn BuildProcessor, "group_by_value", Config
}

impl BuildProcessor for Config {
    fn build(&self, _: &Context) -> anyhow::Result<Processor> {
        Ok(Processor::Sync(Box::new(ByValue(self.value.clone()))))
    }
}

struct ByValue(Interpolated);

impl Process for ByValue {
    fn process(&self, mut batch: Batch, out: &mut Vec<Batch>) {
        let mut values: Vec<Option<Str>> = Vec::with_capacity(batch.len());
        for i in 0..batch.len() {
            values.push(match self.0.text(&batch, i) {
                Ok(value) => Some(value),
                Err(error) => {
                    fail(
                        &mut batch[i],
                        format_args!("group value interpolation error: {error}"),
                    );
                    None
                }
            });
        }
        if values.iter().all(|v| *v == values[0]) {
            out.push(batch);
            return;
        }
        let first = out.len();
        let mut groups = HashMap::new();
        for (message, value) in batch.into_iter().zip(values) {
            let group = *groups.entry(value).or_insert_with(|| {
                out.push(Batch::new());
                out.len() - 1 - first
            });
            out[first + group].push(message);
        }
    }
}
