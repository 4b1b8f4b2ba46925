//! `batched`: gathers the messages of an input into batches.

use crate::component::{BatchPolicy, BuildInput, Context, Input, InputConfig};

crate::fields! {
    /// The input, and when a batch is complete.
    pub struct Config {
        /// The input.
        child: InputConfig,
        /// When a batch is complete.
        policy: BatchPolicy,
    }
}

crate::spec! {
    /// Gathers the messages of an input into batches. What is left at its end goes as a last, smaller batch.
    dyn BuildInput, "batched", Config
}

impl BuildInput for Config {
    fn build(&self, cx: &Context) -> anyhow::Result<Input> {
        let child = cx.input(&self.child)?;
        Ok(Input::Source(cx.batched_source(child, &self.policy)?))
    }
}
