//! Sending again what failed, with growing pauses.

use super::parts::failed;
use crate::component::{Answer, Sink};
use crate::message::Batch;
use async_trait::async_trait;
use std::{sync::Arc, time::Duration};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// How long to wait between attempts, and when to give up.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience {
    pub first: Duration,
    pub longest: Duration,
    /// None for no limit.
    pub max_retries: Option<u64>,
    pub max_elapsed: Option<Duration>,
}

impl Patience {
    /// For outputs that must have every message in the end.
    pub const ENDLESS: Patience = Patience {
        first: Duration::from_millis(500),
        longest: Duration::from_secs(3),
        max_retries: None,
        max_elapsed: None,
    };
}

/// A sink that sends what failed again until it arrives, or patience or the stream is at its end.
pub(super) struct Retrying {
    pub sink: Arc<dyn Sink>,
    pub patience: Patience,
    pub stop: CancellationToken,
}

#[async_trait]
impl Sink for Retrying {
    async fn send(&self, run: Vec<Batch>) -> Vec<Answer> {
        let mut answers: Vec<Answer> = vec![Ok(()); run.len()];
        let mut pending: Vec<(usize, Batch)> = run.into_iter().enumerate().collect();
        let (started, mut wait) = (Instant::now(), self.patience.first);
        for retries in 0.. {
            let batches = pending.iter().map(|(_, batch)| batch.clone()).collect();
            let sent = self.sink.send(batches).await;
            pending = pending
                .into_iter()
                .zip(sent)
                .filter_map(|((index, batch), sent)| {
                    let error = sent.err()?;
                    let batch = failed(batch, &error);
                    answers[index] = Err(error);
                    (!batch.is_empty()).then_some((index, batch))
                })
                .collect();
            if pending.is_empty() {
                return vec![Ok(()); answers.len()];
            }
            for (index, answer) in answers.iter_mut().enumerate() {
                if pending.binary_search_by_key(&index, |(i, _)| *i).is_err() {
                    *answer = Ok(());
                }
            }
            let late = self
                .patience
                .max_elapsed
                .is_some_and(|limit| started.elapsed() + wait > limit);
            if late
                || self
                    .patience
                    .max_retries
                    .is_some_and(|limit| retries >= limit)
            {
                give_up(&mut answers, "message failed to reach a target destination");
                return answers;
            }
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = self.stop.cancelled() => return answers,
            }
            wait = (wait + wait / 2).min(self.patience.longest);
        }
        unreachable!("retries are counted without end")
    }

    async fn close(&self) {
        self.sink.close().await;
    }

    fn is_connected(&self) -> bool {
        self.sink.is_connected()
    }
}

/// Puts a text in the place of each error's.
fn give_up(answers: &mut [Answer], text: &str) {
    let text: Arc<str> = text.into();
    for error in answers.iter_mut().filter_map(|a| a.as_mut().err()) {
        error.text = text.clone();
        for (_, reason) in &mut error.failed {
            *reason = text.clone();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::component::BatchError;
    use crate::message::Message;
    use parking_lot::Mutex;

    /// Fails messages by what is left in their content: `2` fails twice.
    struct Flaky(Mutex<Vec<String>>);

    #[async_trait]
    impl Sink for Flaky {
        async fn send(&self, run: Vec<Batch>) -> Vec<Answer> {
            let mut seen = self.0.lock();
            let mut answer = |batch: Batch| {
                let mut failed = Vec::new();
                for message in &batch {
                    let text = String::from_utf8_lossy(message.bytes()).into_owned();
                    let times = seen.iter().filter(|s| **s == text).count();
                    seen.push(text.clone());
                    if times < text.parse().expect("a number") {
                        failed.push((message, Arc::from("flaky")));
                    }
                }
                match failed.is_empty() {
                    true => Ok(()),
                    false => Err(BatchError::of_messages(failed)),
                }
            };
            run.into_iter().map(&mut answer).collect()
        }
    }

    fn batch(texts: &[&'static str]) -> Batch {
        let messages = texts.iter().enumerate().map(|(i, text)| {
            let mut message = Message::new(*text);
            message.set_origin(i as u32);
            message
        });
        messages.collect()
    }

    async fn send(max_retries: Option<u64>) -> (Vec<Answer>, Vec<String>) {
        let flaky = Arc::new(Flaky(Mutex::default()));
        let retrying = Retrying {
            sink: flaky.clone(),
            patience: Patience {
                first: Duration::from_millis(1),
                max_retries,
                ..Patience::ENDLESS
            },
            stop: CancellationToken::new(),
        };
        let answers = retrying.send(vec![batch(&["0", "2"]), batch(&["0"])]).await;
        let seen = flaky.0.lock().clone();
        (answers, seen)
    }

    #[tokio::test]
    async fn only_what_failed_is_sent_again() {
        let (answers, seen) = send(None).await;
        assert_eq!(answers, [Ok(()), Ok(())]);
        assert_eq!(seen, ["0", "2", "0", "2", "2"]);
    }

    #[tokio::test]
    async fn it_gives_up_with_a_text_of_its_own() {
        let (answers, _) = send(Some(1)).await;
        let error = answers[0].clone().expect_err("given up");
        assert_eq!(&*error.text, "message failed to reach a target destination");
        assert_eq!(error.failed.len(), 1);
        assert_eq!(answers[1], Ok(()));
    }
}
