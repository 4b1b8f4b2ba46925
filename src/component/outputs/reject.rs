//! `reject`: no message arrives.

use crate::bloblang::Interpolated;
use crate::component::{BatchError, BuildOutput, Context, Output, WriteError, Writer};
use crate::message::{ComponentName, Message};
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
    fn build(&self, cx: &Context) -> anyhow::Result<Output> {
        Ok(Output::Writer {
            writer: Box::new(Reject {
                reason: self.0.clone(),
                name: cx.name.clone(),
            }),
            max_in_flight: 1,
            batching: None,
        })
    }
}

struct Reject {
    reason: Interpolated,
    name: ComponentName,
}

#[async_trait]
impl Writer for Reject {
    async fn connect(&self) -> anyhow::Result<()> {
        Ok(())
    }

    async fn write(&self, batch: &[Message]) -> Result<(), WriteError> {
        let ComponentName { label, path, .. } = &self.name;
        let reason = match self.reason.text(batch, 0) {
            Ok(text) => {
                tracing::debug!(target: "stream", %label, %path, "Rejecting message: {text}");
                BatchError::whole(&*text)
            }
            Err(error) => BatchError::whole(format!("reject message interpolation error: {error}")),
        };
        Err(WriteError::Failed(reason))
    }

    fn fails_on_purpose(&self) -> bool {
        true
    }
}
