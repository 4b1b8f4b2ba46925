//! `sync_response`: answers whoever sent the message.

use crate::component::{BatchError, BuildOutput, Context, Output, WriteError, Writer};
use crate::message::Message;
use async_trait::async_trait;

crate::fields! {
    /// Nothing to set.
    pub struct Config {}
}

crate::spec! {
    /// Gives the messages back to the input that they came from, as its answer, where that is an input that waits for one,
    /// such as `http_server`. Messages of other inputs fail.
    dyn BuildOutput, "sync_response", Config
}

impl BuildOutput for Config {
    fn build(&self, _: &Context) -> anyhow::Result<Output> {
        Ok(Output::Writer {
            writer: Box::new(SyncResponse),
            max_in_flight: 1,
            batching: None,
        })
    }
}

struct SyncResponse;

#[async_trait]
impl Writer for SyncResponse {
    async fn connect(&self) -> anyhow::Result<()> {
        Ok(())
    }

    async fn write(&self, batch: &[Message]) -> Result<(), WriteError> {
        match batch.first().and_then(Message::replies) {
            Some(replies) => {
                replies.push(batch.iter().cloned().collect());
                Ok(())
            }
            None => Err(WriteError::Failed(BatchError::whole(
                "result store not found within batch context",
            ))),
        }
    }
}
