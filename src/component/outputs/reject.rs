//! `reject`: no message arrives.

use crate::bloblang::Interpolated;
use crate::component::{BatchError, BuildOutput, Context, Output, WriteError, Writer};
use crate::message::Message;
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
        Ok(Output::Writer {
            writer: Box::new(Reject(self.0.clone())),
            max_in_flight: 1,
            batching: None,
        })
    }
}

struct Reject(Interpolated);

#[async_trait]
impl Writer for Reject {
    async fn connect(&self) -> anyhow::Result<()> {
        Ok(())
    }

    async fn write(&self, batch: &[Message]) -> Result<(), WriteError> {
        let reason = match self.0.text(batch, 0) {
            Ok(text) => BatchError::whole(&*text),
            Err(error) => BatchError::whole(format!("reject message interpolation error: {error}")),
        };
        Err(WriteError::Failed(reason))
    }

    fn fails_on_purpose(&self) -> bool {
        true
    }
}
