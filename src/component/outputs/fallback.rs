//! `fallback`: the next output for what the one before it didn't take.

use super::parts::{TellApart, close, failed};
use crate::component::{Answer, BuildOutput, Context, Output, OutputConfig, Sink};
use crate::message::Batch;
use anyhow::{Context as _, ensure};
use async_trait::async_trait;
use std::sync::Arc;

crate::single! {
    /// The outputs, in the order in which they are tried.
    pub struct Config(Vec<OutputConfig>);
}

crate::spec! {
    /// Sends messages to the first output, those that fail there to the second, and so on. Messages that come to another
    /// than the first have the reason as metadata `fallback_error`. What fails at the last has failed.
    dyn BuildOutput, "fallback", Config
}

impl BuildOutput for Config {
    fn build(&self, cx: &Context) -> anyhow::Result<Output> {
        ensure!(!self.0.is_empty(), "fallback needs at least one output");
        let sink = |(i, output)| cx.output(output).with_context(|| format!("output {i}"));
        let sinks = self.0.iter().enumerate().map(sink);
        Ok(Output::Sink(Box::new(Fallback(
            sinks.collect::<anyhow::Result<_>>()?,
        ))))
    }
}

struct Fallback(Vec<Arc<dyn Sink>>);

#[async_trait]
impl Sink for Fallback {
    async fn send(&self, run: Vec<Batch>) -> Vec<Answer> {
        let mut answers: Vec<Answer> = vec![Ok(()); run.len()];
        let mut run = run;
        let apart: Vec<TellApart> = run.iter_mut().map(TellApart::new).collect();
        let mut pending: Vec<(usize, Batch)> = run.into_iter().enumerate().collect();
        for (tier, sink) in self.0.iter().enumerate() {
            let is_last = tier + 1 == self.0.len();
            // Batches are kept only if there is another output for them.
            let (kept, batches): (Vec<_>, Vec<_>) = pending
                .into_iter()
                .map(|(index, batch)| match is_last {
                    true => ((index, Batch::new()), batch),
                    false => ((index, batch.clone()), batch),
                })
                .unzip();
            let sent = sink.send(batches).await;
            pending = Vec::new();
            for ((index, batch), sent) in kept.into_iter().zip(sent) {
                answers[index] = sent;
                let Err(error) = &answers[index] else {
                    continue;
                };
                let mut batch = failed(batch, error);
                for message in &mut batch {
                    let reason = error.reason(message).map_or("", |r| r).to_owned();
                    message.metadata_mut().set("fallback_error", reason);
                }
                if !batch.is_empty() {
                    pending.push((index, batch));
                }
            }
            if pending.is_empty() {
                break;
            }
        }
        let answers = answers.into_iter().zip(apart);
        answers
            .map(|(answer, apart)| apart.answer(answer))
            .collect()
    }

    async fn close(&self) {
        close(&self.0).await;
    }

    fn is_connected(&self) -> bool {
        self.0.iter().all(|s| s.is_connected())
    }
}
