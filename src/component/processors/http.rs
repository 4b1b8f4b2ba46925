//! `http`: asks a server about each message.

use super::flow::{fail, put};
use crate::bloblang::Interpolated;
use crate::component::clients::http::{Content, HttpClient, HttpConfig, HttpError};
use crate::component::{BuildProcessor, Context, ProcessAsync, Processor};
use crate::message::{Batch, ComponentName, Message};
use crate::value::Str;
use anyhow::anyhow;
use async_trait::async_trait;
use futures::future::join_all;
use std::slice;

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
        let content = match &self.payload {
            Some(payload) => Content::Payload(Some(payload.clone())),
            None => Content::Messages,
        };
        Ok(Processor::Async(Box::new(Ask {
            client: HttpClient::new(&self.url, &self.verb, &self.http, content, cx)?,
            url: self.url.as_static().cloned().unwrap_or_default(),
            as_parts: self.batch_as_multipart,
            parallel: self.parallel,
            name: cx.name.clone(),
        })))
    }
}

struct Ask {
    client: HttpClient,
    /// What is asked, if that is always the same.
    url: Str,
    as_parts: bool,
    parallel: bool,
    name: ComponentName,
}

#[async_trait]
impl ProcessAsync for Ask {
    async fn process(&self, batch: Batch) -> Vec<Batch> {
        let answered = if self.as_parts || batch.len() == 1 {
            self.ask(&batch).await
        } else if self.parallel {
            let asked = batch.iter().map(|message| self.ask_one(message));
            join_all(asked).await.into_iter().flatten().collect()
        } else {
            let mut answered = Batch::with_capacity(batch.len());
            for message in &batch {
                answered.extend(self.ask(slice::from_ref(message)).await);
            }
            answered
        };
        let mut out = Vec::with_capacity(1);
        put(answered, &mut out);
        out
    }
}

impl Ask {
    /// What becomes of messages that are asked about in one request.
    async fn ask(&self, batch: &[Message]) -> Batch {
        match self.client.send_for(batch).await {
            Ok(answers) if answers.is_empty() => {
                let text = format!("HTTP response from '{}' was empty", self.url);
                self.failed(batch, &HttpError::new(anyhow!(text)))
            }
            Ok(answers) => answers,
            Err(error) => self.failed(batch, &error),
        }
    }

    /// The same where one message is to stay one.
    async fn ask_one(&self, message: &Message) -> Batch {
        let batch = slice::from_ref(message);
        match self.client.send_for(batch).await {
            Ok(answers) if answers.len() == 1 => answers,
            Ok(answers) => {
                let error = anyhow!("unexpected response size: {}", answers.len());
                self.failed(batch, &HttpError::new(error))
            }
            Err(error) => self.failed(batch, &error),
        }
    }

    fn failed(&self, batch: &[Message], error: &HttpError) -> Batch {
        tracing::error!(target: "stream", label = %self.name.label, path = %self.name.path, "HTTP request to '{}' failed: {error}", self.url);
        let flagged = batch.iter().map(|message| {
            let mut message = message.clone();
            if let Some(status) = error.status {
                let status = i64::from(status);
                message.metadata_mut().set("http_status_code", status);
            }
            fail(&mut message, &error.text);
            message
        });
        flagged.collect()
    }
}
