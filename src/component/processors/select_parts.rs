//! `select_parts`: keeps some messages of a batch, by their place.

use super::flow::put;
use crate::component::{BuildProcessor, Context, Process, Processor};
use crate::message::Batch;

crate::fields! {
    /// Which messages are kept.
    pub struct Config {
        /// Their places, from 0; negative ones count from the end. The batch then has this order. Places that it doesn't have are left out.
        parts: Vec<i64> = "[]",
    }
}

crate::spec! {
    /// Makes a batch of chosen messages of the one that comes in. If none of them is there nothing goes on.
    dyn BuildProcessor, "select_parts", Config
}

impl BuildProcessor for Config {
    fn build(&self, _: &Context) -> anyhow::Result<Processor> {
        Ok(Processor::Sync(Box::new(Select(self.parts.clone()))))
    }
}

struct Select(Vec<i64>);

impl Process for Select {
    fn process(&self, batch: Batch, out: &mut Vec<Batch>) {
        let length = batch.len() as i64;
        let place = |at: &i64| if *at < 0 { length + at } else { *at };
        let selected = self
            .0
            .iter()
            .map(place)
            .filter(|at| (0..length).contains(at));
        put(selected.map(|at| batch[at as usize].clone()).collect(), out);
    }
}
