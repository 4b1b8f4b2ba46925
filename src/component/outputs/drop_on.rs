//! `drop_on`: gives up on messages that an output doesn't take.

use crate::component::{Answer, BatchError, BuildOutput, Context, Output, OutputConfig, Sink};
use crate::config::Span;
use crate::message::Batch;
use anyhow::{Context as _, ensure};
use async_trait::async_trait;
use regex::Regex;
use std::{sync::Arc, time::Duration};

crate::fields! {
    /// The output, and which messages are dropped.
    pub struct Config {
        /// Whether to drop messages that fail.
        error: bool = "false",
        /// Drops messages that fail for a reason that one of these patterns matches.
        error_patterns: Option<Vec<String>>,
        /// How long the output may take for a batch. One that takes longer fails, or is dropped if `error` is set.
        back_pressure: Span,
        /// The output.
        output: OutputConfig,
    }
}

crate::spec! {
    /// Drops messages that an output fails on or is too slow for, so that they hold nothing up. They are lost.
    dyn BuildOutput, "drop_on", Config
}

impl BuildOutput for Config {
    fn build(&self, cx: &Context) -> anyhow::Result<Output> {
        let patterns = self.error_patterns.as_deref().unwrap_or_default();
        ensure!(
            !self.error || patterns.is_empty(),
            "field 'error_patterns' is ineffective when 'error' is set to `true`"
        );
        let regex = |p: &String| Regex::new(p).with_context(|| format!("error_patterns: {p}"));
        Ok(Output::Sink(Box::new(DropOn {
            sink: cx.output(&self.output)?,
            error: self.error,
            patterns: patterns.iter().map(regex).collect::<anyhow::Result<_>>()?,
            back_pressure: self.back_pressure.0,
            path: cx.name.path.to_string(),
        })))
    }
}

struct DropOn {
    sink: Arc<dyn Sink>,
    error: bool,
    patterns: Vec<Regex>,
    back_pressure: Option<Duration>,
    path: String,
}

impl DropOn {
    /// What becomes of an answer: failures that are dropped count as delivered.
    fn judge(&self, answer: Answer) -> Answer {
        let Err(error) = answer else {
            return Ok(());
        };
        if self.error {
            tracing::warn!(path = %self.path, %error, "a message was dropped");
            return Ok(());
        }
        let drops = |text: &str| self.patterns.iter().any(|p| p.is_match(text));
        if error.failed.is_empty() {
            if !drops(&error.text) {
                return Err(error);
            }
            tracing::warn!(path = %self.path, %error, "a message was dropped");
            return Ok(());
        }
        let left: Vec<_> = error
            .failed
            .iter()
            .filter(|(_, reason)| !drops(reason))
            .cloned()
            .collect();
        if left.len() < error.failed.len() {
            let dropped = error.failed.len() - left.len();
            tracing::warn!(path = %self.path, %error, dropped, "messages were dropped");
        }
        match left.first().map(|(_, reason)| reason.clone()) {
            None => Ok(()),
            Some(text) => Err(BatchError::new(text, left)),
        }
    }
}

#[async_trait]
impl Sink for DropOn {
    async fn send(&self, run: Vec<Batch>) -> Vec<Answer> {
        let Some(limit) = self.back_pressure else {
            let sent = self.sink.send(run).await;
            return sent.into_iter().map(|answer| self.judge(answer)).collect();
        };
        let mut answers = Vec::with_capacity(run.len());
        // One by one: the limit is for each batch, and not for a run of them.
        for batch in run {
            answers.push(match tokio::time::timeout(limit, self.sink.send(vec![batch])).await {
                Ok(mut sent) => self.judge(sent.pop().unwrap_or(Ok(()))),
                Err(_) if self.error => {
                    tracing::warn!(path = %self.path, ?limit, "a message was dropped for back-pressure");
                    Ok(())
                }
                Err(_) => Err(BatchError::whole(format!(
                    "experienced back pressure beyond: {limit:?}"
                ))),
            });
        }
        answers
    }

    async fn close(&self) {
        self.sink.close().await;
    }

    fn is_connected(&self) -> bool {
        self.sink.is_connected()
    }
}
