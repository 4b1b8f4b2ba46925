//! `http_client`: sends messages to a server.

use crate::bloblang::Interpolated;
use crate::component::clients::http::{Content, HttpClient, HttpConfig, PartConfig};
use crate::component::{BatchError, BatchPolicy, BuildOutput, Context, Output, WriteError, Writer};
use crate::message::{ComponentName, Message};
use async_trait::async_trait;
use std::sync::Arc;

crate::fields! {
    /// Where messages are sent, and how.
    pub struct Config {
        ..http: HttpConfig,
        /// The URL.
        url: Interpolated,
        /// The method.
        verb: String = "POST",
        /// The body; without it, the message's content.
        payload: Option<Interpolated>,
        /// Whether a batch goes as one request of several parts, rather than a request for each message.
        batch_as_multipart: bool = "false" [advanced],
        /// Whether the server's answer becomes the answer to whoever sent the message (see `sync_response`).
        propagate_response: bool = "false" [advanced],
        /// How many batches are sent at the same time.
        max_in_flight: usize = "64",
        /// Gathers messages into batches.
        batching: BatchPolicy = "{}",
        /// Makes each message a request of these parts.
        multipart: Vec<PartConfig> = "[]" [advanced],
    }
}

crate::spec! {
    /// Sends each message as the body of an HTTP request, and again until the server takes it or patience ends.
    dyn BuildOutput, "http_client", Config
}

impl BuildOutput for Config {
    fn build(&self, cx: &Context) -> anyhow::Result<Output> {
        let content = match (&self.payload, self.multipart.is_empty()) {
            (Some(payload), _) => Content::Payload(Some(payload.clone())),
            (None, true) => Content::Messages,
            (None, false) => Content::Parts(self.multipart.clone()),
        };
        Ok(Output::Writer {
            writer: Box::new(Requests {
                client: HttpClient::new(&self.url, &self.verb, &self.http, content, cx)?,
                as_parts: self.batch_as_multipart,
                propagate: self.propagate_response,
                name: cx.name.clone(),
            }),
            max_in_flight: self.max_in_flight,
            batching: Some(self.batching.clone()),
        })
    }
}

struct Requests {
    client: HttpClient,
    as_parts: bool,
    propagate: bool,
    name: ComponentName,
}

impl Requests {
    /// Sends messages as one request.
    async fn send(&self, batch: &[Message]) -> anyhow::Result<()> {
        let answers = self.client.send_for(batch).await?;
        if self.propagate {
            // The answer goes back to whoever sent the messages.
            match batch[0].replies() {
                Some(replies) => replies.push(answers),
                None => {
                    tracing::warn!(target: "stream", label = %self.name.label, path = %self.name.path, "Unable to propagate response to input: result store not found within batch context")
                }
            }
        }
        Ok(())
    }
}

#[async_trait]
impl Writer for Requests {
    async fn connect(&self) -> anyhow::Result<()> {
        Ok(())
    }

    async fn write(&self, batch: &[Message]) -> Result<(), WriteError> {
        if self.as_parts || batch.len() == 1 {
            return Ok(self.send(batch).await?);
        }
        let mut failed = Vec::new();
        for message in batch {
            if let Err(error) = self.send(std::slice::from_ref(message)).await {
                failed.push((message, Arc::from(format!("{error:#}"))));
            }
        }
        match failed.is_empty() {
            true => Ok(()),
            false => Err(WriteError::Failed(BatchError::of_messages(failed))),
        }
    }
}
