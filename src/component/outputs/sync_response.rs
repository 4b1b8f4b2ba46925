//! `sync_response`: answers whoever sent the message.

use crate::component::{Answer, BatchError, BuildOutput, Context, Output, Sink};
use crate::message::Batch;
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
        Ok(Output::Sink(Box::new(SyncResponse)))
    }
}

struct SyncResponse;

#[async_trait]
impl Sink for SyncResponse {
    async fn send(&self, run: Vec<Batch>) -> Vec<Answer> {
        run.into_iter().map(reply).collect()
    }
}

fn reply(batch: Batch) -> Answer {
    let replies = batch.first().and_then(|m| m.replies().cloned());
    match replies {
        Some(replies) => {
            replies.push(batch);
            Ok(())
        }
        None => Err(BatchError::whole(
            "result store not found within batch context: nobody waits for an answer to this message",
        )),
    }
}
