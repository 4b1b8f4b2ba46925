//! `http`: asks a server about each message.

use super::flow::{fail, put};
use crate::bloblang::Interpolated;
use crate::component::clients::http::{HttpClient, HttpConfig, HttpError, Part, Reply};
use crate::component::{BuildProcessor, Context, ProcessAsync, Processor};
use crate::message::{Batch, Message};
use async_trait::async_trait;
use bytes::Bytes;
use futures::future::join_all;

crate::fields! {
    /// What is asked, and how.
    pub struct Config {
        ..http: HttpConfig,
        /// The URL.
        url: Interpolated,
        /// The method.
        verb: String = "POST",
        /// The body; without it, the message's content. It is sent with any method.
        payload: Option<Interpolated>,
        /// Whether a batch goes as one request of several parts, rather than a request for each message.
        batch_as_multipart: bool = "false" [advanced],
        /// Whether the messages of a batch are asked about at the same time.
        parallel: bool = "false",
    }
}

crate::spec! {
    /// Sends each message as an HTTP request and replaces it by the answer. The metadata stays, and `http_status_code` is set. An answer of several parts becomes several messages.
    /// A message whose request fails, after the retries that are set, keeps its content and is flagged.
    ///
    /// To keep the message and add something of the answer, put it into a `branch`.
    dyn BuildProcessor, "http", Config
}

impl BuildProcessor for Config {
    fn build(&self, cx: &Context) -> anyhow::Result<Processor> {
        Ok(Processor::Async(Box::new(Ask {
            client: HttpClient::new(&self.url, &self.verb, &self.http, cx)?,
            payload: self.payload.clone(),
            as_parts: self.batch_as_multipart,
            parallel: self.parallel,
        })))
    }
}

struct Ask {
    client: HttpClient,
    payload: Option<Interpolated>,
    as_parts: bool,
    parallel: bool,
}

#[async_trait]
impl ProcessAsync for Ask {
    async fn process(&self, batch: Batch) -> Vec<Batch> {
        let mut answered = Batch::with_capacity(batch.len());
        if self.as_parts && batch.len() > 1 {
            let reply = self.ask_together(&batch).await;
            match reply.and_then(|reply| self.client.messages(&reply)) {
                Ok(answers) => {
                    for (i, answer) in answers.into_iter().enumerate() {
                        let original = batch.get(i).unwrap_or(&batch[0]);
                        answered.push(replace(original, answer));
                    }
                }
                Err(error) => {
                    for mut message in batch {
                        fail(&mut message, format_args!("{error:#}"));
                        answered.push(message);
                    }
                }
            }
        } else if self.parallel {
            let asked = (0..batch.len()).map(|i| self.ask(&batch, i));
            answered.extend(join_all(asked).await.into_iter().flatten());
        } else {
            for i in 0..batch.len() {
                answered.extend(self.ask(&batch, i).await);
            }
        }
        let mut out = Vec::with_capacity(1);
        put(answered, &mut out);
        out
    }
}

impl Ask {
    fn body(&self, batch: &[Message], index: usize) -> anyhow::Result<Bytes> {
        match &self.payload {
            Some(payload) => Ok(payload.bytes(batch, index)?),
            None => Ok(batch[index].bytes().clone()),
        }
    }

    /// What becomes of one message.
    async fn ask(&self, batch: &[Message], index: usize) -> Batch {
        let original = &batch[index];
        let reply = match self.body(batch, index) {
            Ok(body) => self.client.send(batch, index, body).await,
            Err(error) => Err(HttpError::new(error)),
        };
        let failed = match reply {
            Ok(reply) => match self.client.messages(&reply) {
                Ok(answers) => return answers.into_iter().map(|a| replace(original, a)).collect(),
                Err(error) => HttpError::new(error),
            },
            Err(error) => error,
        };
        let mut message = original.clone();
        if let Some(status) = failed.status {
            message
                .metadata_mut()
                .set("http_status_code", i64::from(status));
        }
        fail(&mut message, failed.text);
        super::flow::alone(message)
    }

    async fn ask_together(&self, batch: &[Message]) -> anyhow::Result<Reply> {
        let mut parts = Vec::with_capacity(batch.len());
        for index in 0..batch.len() {
            parts.push(Part {
                headers: vec![("Content-Type", self.client.content_type(batch, index)?)],
                content: self.body(batch, index)?,
            });
        }
        Ok(self.client.send_parts(batch, &parts).await?)
    }
}

/// The message with the answer's content, and its metadata added.
fn replace(original: &Message, answer: Message) -> Message {
    let mut message = original.clone();
    message.set_bytes(answer.bytes().clone());
    for (key, value) in answer.metadata().iter() {
        message.metadata_mut().set(key.clone(), value.clone());
    }
    message
}
