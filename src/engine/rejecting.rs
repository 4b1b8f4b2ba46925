//! The root's `error_handling`: what becomes of messages that come out of the pipeline flagged as failed.

use super::{
    config::{ErrorHandling, ErrorLog, ErrorStrategy},
    log::Log,
    settle::Duties,
    wiring::Shop,
};
use crate::component::{Answer, BatchError, Sink};
use crate::message::{Batch, ComponentName, Message};
use async_trait::async_trait;
use std::sync::Arc;

/// Hands on what did not fail. What failed is answered as such: the input sends it again, or hands the failure to its source.
pub(super) struct Rejecting {
    sink: Arc<dyn Sink>,
    rejects: bool,
    logs: ErrorLog,
    log: Log,
}

impl Rejecting {
    /// Puts it around the stream's output, if it has anything to do.
    pub fn around(sink: Arc<dyn Sink>, shop: &Arc<Shop>, config: &ErrorHandling) -> Arc<dyn Sink> {
        let rejects = config.strategy != ErrorStrategy::None;
        if !rejects && !config.log.enabled {
            return sink;
        }
        let name = ComponentName {
            kind: "error_handling".into(),
            label: "".into(),
            path: "root.error_handling".into(),
        };
        Arc::new(Rejecting {
            sink,
            rejects,
            logs: config.log.clone(),
            log: shop.log(name),
        })
    }

    fn note(&self, message: &Message, reason: &str) {
        if !self.logs.enabled || rand::random::<f64>() >= self.logs.sampling_ratio {
            return;
        }
        if self.logs.add_payload {
            let payload = String::from_utf8_lossy(message.bytes());
            self.log
                .error(format_args!("Message failed: {reason}: {payload}"));
        } else {
            self.log.error(format_args!("Message failed: {reason}"));
        }
    }
}

#[async_trait]
impl Sink for Rejecting {
    async fn send(&self, run: Vec<Batch>) -> Vec<Answer> {
        let mut duties = Duties::with_capacity(run.len());
        let mut passing = Vec::with_capacity(run.len());
        for mut batch in run {
            let mut failed = Vec::new();
            for message in batch.iter().filter(|m| m.error().is_some()) {
                let reason = message.error().map_or("", |e| &*e.text);
                self.note(message, reason);
                failed.push((message.clone(), Arc::<str>::from(reason)));
            }
            let mut error = None;
            if self.rejects && !failed.is_empty() {
                let named = failed.iter().map(|(m, reason)| (m, reason.clone()));
                error = Some(BatchError::of_messages(named));
                batch.retain(|m| m.error().is_none());
            }
            let before = passing.len();
            if !batch.is_empty() {
                passing.push(batch);
            }
            duties.push(error, &passing[before..]);
        }
        let answers = match passing.is_empty() {
            true => Vec::new(),
            false => self.sink.send(passing).await,
        };
        let both = |(own, answer): (Option<BatchError>, Answer)| match (own, answer) {
            (None, answer) => answer,
            (Some(own), Ok(())) => Err(own),
            (Some(own), Err(_)) if own.failed.is_empty() => Err(own),
            (Some(mut own), Err(mut error)) => {
                if error.failed.is_empty() {
                    return Err(error);
                }
                own.failed.append(&mut error.failed);
                Err(own)
            }
        };
        duties.settle(answers).map(both).collect()
    }

    async fn close(&self) {
        self.sink.close().await;
    }

    fn is_connected(&self) -> bool {
        self.sink.is_connected()
    }
}
