//! `noop`: changes nothing.

use crate::component::{BuildProcessor, Context, Process, Processor};
use crate::message::Batch;

crate::fields! {
    /// Nothing to set.
    pub struct Config {}
}

crate::spec! {
    /// Changes nothing: stands where a processor has to be and nothing is to be done.
    dyn BuildProcessor, "noop", Config
}

impl BuildProcessor for Config {
    fn build(&self, _: &Context) -> anyhow::Result<Processor> {
        Ok(Processor::Sync(Box::new(Noop)))
    }
}

struct Noop;

impl Process for Noop {
    fn process(&self, batch: Batch, out: &mut Vec<Batch>) {
        out.push(batch);
    }
}
