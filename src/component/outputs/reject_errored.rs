//! `reject_errored`: an output for the messages that no processor failed on.

use super::parts::Parts;
use crate::component::{Answer, BatchError, BuildOutput, Context, Output, OutputConfig, Sink};
use crate::message::Batch;
use async_trait::async_trait;
use std::sync::Arc;

crate::single! {
    /// The output.
    pub struct Config(Box<OutputConfig>);
}

crate::spec! {
    /// Fails the messages that a processor has failed on, and sends the others to an output.
    dyn BuildOutput, "reject_errored", Config
}

impl BuildOutput for Config {
    fn build(&self, cx: &Context) -> anyhow::Result<Output> {
        Ok(Output::Sink(Box::new(RejectErrored(cx.output(&self.0)?))))
    }
}

struct RejectErrored(Arc<dyn Sink>);

#[async_trait]
impl Sink for RejectErrored {
    async fn send(&self, run: Vec<Batch>) -> Vec<Answer> {
        let mut answers: Vec<Answer> = Vec::with_capacity(run.len());
        let mut parts = Parts::default();
        for (index, batch) in run.into_iter().enumerate() {
            let failed: Vec<_> = batch
                .iter()
                .filter_map(|m| Some((m, reason(&m.error()?.text))))
                .collect();
            if failed.is_empty() {
                parts.add_whole(index, batch);
                answers.push(Ok(()));
                continue;
            }
            answers.push(Err(match batch.len() == 1 {
                true => BatchError::whole(failed[0].1.clone()),
                false => BatchError::of_messages(failed),
            }));
            let good: Batch = batch.into_iter().filter(|m| m.error().is_none()).collect();
            if !good.is_empty() {
                parts.add_some(index, good);
            }
        }
        if !parts.is_empty() {
            parts.send(&self.0).await.note(&mut answers);
        }
        answers
    }

    async fn close(&self) {
        self.0.close().await;
    }

    fn is_connected(&self) -> bool {
        self.0.is_connected()
    }
}

fn reason(error: &str) -> Arc<str> {
    format!("rejecting due to failed processing: {error}").into()
}
