//! `drop`: messages end here.

use crate::component::{BuildOutput, Context, Output, WriteError, Writer};
use crate::message::{Batch, Message};
use async_trait::async_trait;

crate::fields! {
    /// Nothing to set.
    pub struct Config {}
}

crate::spec! {
    /// Throws every message away and reports it as delivered.
    dyn BuildOutput, "drop", Config
}

impl BuildOutput for Config {
    fn build(&self, _: &Context) -> anyhow::Result<Output> {
        Ok(Output::Writer {
            writer: Box::new(Drop),
            max_in_flight: 1,
            batching: None,
        })
    }
}

struct Drop;

#[async_trait]
impl Writer for Drop {
    async fn connect(&self) -> anyhow::Result<()> {
        Ok(())
    }

    async fn write(&self, _: &[Message]) -> Result<(), WriteError> {
        Ok(())
    }

    async fn write_run(&self, _: &[Batch]) -> Result<(), (usize, WriteError)> {
        Ok(())
    }

    fn takes_runs(&self) -> bool {
        true
    }
}
