//! `batched`: gathers what another input reads into batches.

use crate::component::{BatchPolicy, BuildInput, Context, Input, InputConfig};

crate::fields! {
    /// The input, and when a batch of its messages is complete.
    pub struct Config {
        /// The input.
        child: InputConfig,
        /// When a batch is complete. What is left when the input ends goes on as the last batch.
        policy: BatchPolicy,
    }
}

crate::spec! {
    /// Reads from another input, and hands its messages on in batches.
    dyn BuildInput, "batched", Config
}

impl BuildInput for Config {
    fn build(&self, cx: &Context) -> anyhow::Result<Input> {
        let child = cx.input(&self.child)?;
        Ok(Input::Source(cx.batched_source(child, &self.policy)?))
    }
}
