//! `sync_response`: answers whoever sent a message.

use crate::component::{BuildProcessor, Context, Process, Processor};
use crate::message::Batch;

crate::fields! {
    /// Nothing to set.
    pub struct Config {}
}

crate::spec! {
    /// Sends the batch as it is now back to the input that it came from, if that waits for an answer (`http_server`), and
    /// goes on with it. The answer is given when the original message is delivered or dropped. Where nobody waits, nothing happens.
    dyn BuildProcessor, "sync_response", Config
}

impl BuildProcessor for Config {
    fn build(&self, _: &Context) -> anyhow::Result<Processor> {
        Ok(Processor::Sync(Box::new(Answer)))
    }
}

struct Answer;

impl Process for Answer {
    fn process(&self, batch: Batch, out: &mut Vec<Batch>) {
        if let Some(replies) = batch.first().and_then(|m| m.replies().cloned()) {
            replies.push(batch.clone());
        }
        out.push(batch);
    }
}
