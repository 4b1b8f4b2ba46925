//! `http_client`: sends messages to a server.

use crate::bloblang::Interpolated;
use crate::component::clients::http::{HttpClient, HttpConfig, Part, Reply};
use crate::component::{BatchError, BatchPolicy, BuildOutput, Context, Output, WriteError, Writer};
use crate::message::Message;
use async_trait::async_trait;
use bytes::Bytes;
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

crate::fields! {
    /// A part of a request.
    pub struct PartConfig {
        /// What kind of content it is.
        content_type: Interpolated = "''",
        /// How it is named.
        content_disposition: Interpolated = "''",
        /// The content.
        body: Interpolated = "''",
    }
}

crate::spec! {
    /// Sends each message as the body of an HTTP request, and again until the server takes it or patience ends.
    dyn BuildOutput, "http_client", Config
}

impl BuildOutput for Config {
    fn build(&self, cx: &Context) -> anyhow::Result<Output> {
        let client = HttpClient::new(&self.url, &self.verb, &self.http, cx)?;
        Ok(Output::Writer {
            writer: Box::new(Requests {
                client,
                payload: self.payload.clone(),
                parts: self.multipart.clone(),
                as_parts: self.batch_as_multipart,
                propagate: self.propagate_response,
            }),
            max_in_flight: self.max_in_flight,
            batching: Some(self.batching.clone()),
        })
    }
}

struct Requests {
    client: HttpClient,
    payload: Option<Interpolated>,
    parts: Vec<PartConfig>,
    as_parts: bool,
    propagate: bool,
}

impl Requests {
    fn body(&self, batch: &[Message], index: usize) -> anyhow::Result<Bytes> {
        match &self.payload {
            Some(payload) => Ok(payload.bytes(batch, index)?),
            None => Ok(batch[index].bytes().clone()),
        }
    }

    /// Sends one message.
    async fn send(&self, batch: &[Message], index: usize) -> anyhow::Result<()> {
        let reply = if self.parts.is_empty() {
            let body = self.body(batch, index)?;
            self.client.send(batch, index, body).await?
        } else {
            let mut parts = Vec::with_capacity(self.parts.len());
            for part in &self.parts {
                let mut headers = Vec::new();
                let named = [
                    ("Content-Type", &part.content_type),
                    ("Content-Disposition", &part.content_disposition),
                ];
                for (name, value) in named {
                    let value = value.text(batch, index)?.to_string();
                    if !value.is_empty() {
                        headers.push((name, value));
                    }
                }
                let content = part.body.bytes(batch, index)?;
                parts.push(Part { headers, content });
            }
            self.client.send_parts(&batch[index..], &parts).await?
        };
        self.propagate(&reply, &batch[index])
    }

    /// Sends a batch as one request.
    async fn send_batch(&self, batch: &[Message]) -> anyhow::Result<()> {
        let mut parts = Vec::with_capacity(batch.len());
        for index in 0..batch.len() {
            parts.push(Part {
                headers: vec![("Content-Type", self.client.content_type(batch, index)?)],
                content: self.body(batch, index)?,
            });
        }
        let reply = self.client.send_parts(batch, &parts).await?;
        self.propagate(&reply, &batch[0])
    }

    /// Gives the answer back to whoever sent the message.
    fn propagate(&self, reply: &Reply, message: &Message) -> anyhow::Result<()> {
        if self.propagate
            && let Some(replies) = message.replies()
        {
            replies.push(self.client.messages(reply)?);
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
        if self.as_parts && batch.len() > 1 {
            return Ok(self.send_batch(batch).await?);
        }
        if batch.len() == 1 {
            return Ok(self.send(batch, 0).await?);
        }
        let mut failed = Vec::new();
        for (index, message) in batch.iter().enumerate() {
            if let Err(error) = self.send(batch, index).await {
                failed.push((message, Arc::from(format!("{error:#}"))));
            }
        }
        match failed.is_empty() {
            true => Ok(()),
            false => Err(WriteError::Failed(BatchError::of_messages(failed))),
        }
    }
}
