//! `broker`: several inputs at the same time.

use super::joined::Joined;
use crate::component::{BatchPolicy, BuildInput, Context, Input, InputConfig};
use anyhow::ensure;

crate::fields! {
    /// The inputs.
    pub struct Config {
        /// How many of each input there are.
        copies: usize = "1",
        /// The inputs.
        inputs: Vec<InputConfig>,
        /// Gathers messages of all of them into batches.
        batching: BatchPolicy = "{}",
    }
}

crate::spec! {
    /// Reads several inputs at the same time, and ends when all of them have ended.
    dyn BuildInput, "broker", Config
}

impl BuildInput for Config {
    fn build(&self, cx: &Context) -> anyhow::Result<Input> {
        ensure!(
            !self.inputs.is_empty(),
            "attempting to create broker input type with no inputs"
        );
        ensure!(self.copies > 0, "copies must be at least 1");
        let mut sources = Vec::new();
        for _ in 0..self.copies {
            for input in &self.inputs {
                sources.push(cx.input(input)?);
            }
        }
        let source = match sources.len() {
            1 => sources.remove(0),
            _ => Box::new(Joined::new(sources)),
        };
        Ok(Input::Source(match self.batching.is_noop() {
            true => source,
            false => cx.batched_source(source, &self.batching)?,
        }))
    }
}
