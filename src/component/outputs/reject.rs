//! `reject`: no message arrives.

use crate::bloblang::Interpolated;
use crate::component::{Answer, BatchError, BuildOutput, Context, Output, Sink};
use crate::message::Batch;
use async_trait::async_trait;

crate::single! {
    /// The reason.
    pub struct Config(Interpolated);
}

crate::spec! {
    /// Fails every message, for the reason given. Of use under `fallback` or `switch`; most inputs send a message that
    /// failed again, for ever.
    dyn BuildOutput, "reject", Config
}

impl BuildOutput for Config {
    fn build(&self, _: &Context) -> anyhow::Result<Output> {
        Ok(Output::Sink(Box::new(Reject(self.0.clone()))))
    }
}

struct Reject(Interpolated);

#[async_trait]
impl Sink for Reject {
    async fn send(&self, run: Vec<Batch>) -> Vec<Answer> {
        let reason = |batch: Batch| match self.0.text(&batch, 0) {
            Ok(text) => Err(BatchError::whole(&*text)),
            Err(error) => Err(BatchError::whole(format!(
                "reject message interpolation error: {error}"
            ))),
        };
        run.into_iter().map(reason).collect()
    }
}
