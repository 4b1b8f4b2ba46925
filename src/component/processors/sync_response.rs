//! `sync_response`: answers whoever sent a message.

use super::flow::fail;
use crate::component::{BuildProcessor, Context, Process, Processor};
use crate::message::Batch;

crate::fields! {
    /// Nothing to set.
    pub struct Config {}
}

crate::spec! {
    /// Sends the batch as it is now back to the input that it came from, if that waits for an answer (`http_server`), and
    /// goes on with it. The answer is given when the original message is delivered or dropped.
    dyn BuildProcessor, "sync_response", Config
}

impl BuildProcessor for Config {
    fn build(&self, _: &Context) -> anyhow::Result<Processor> {
        Ok(Processor::Sync(Box::new(Answer)))
    }
}

struct Answer;

impl Process for Answer {
    fn process(&self, mut batch: Batch, out: &mut Vec<Batch>) {
        match batch.first().and_then(|m| m.replies().cloned()) {
            Some(replies) => replies.push(batch.clone()),
            None => {
                for message in &mut batch {
                    fail(message, "result store not found within batch context");
                }
            }
        }
        out.push(batch);
    }
}
