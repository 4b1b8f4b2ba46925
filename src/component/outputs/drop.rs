//! `drop`: messages end here.

use crate::component::{Answer, BuildOutput, Context, Output, Sink};
use crate::message::Batch;
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
        Ok(Output::Sink(Box::new(Drop)))
    }
}

struct Drop;

#[async_trait]
impl Sink for Drop {
    async fn send(&self, run: Vec<Batch>) -> Vec<Answer> {
        vec![Ok(()); run.len()]
    }
}
