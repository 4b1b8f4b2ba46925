//! `http_client`: asks a server for messages, again and again, or takes an answer that goes on.

use super::scanned::Cutter;
use super::scanning::Scanning;
use crate::bloblang::Interpolated;
use crate::component::clients::http::{Content, HttpClient, HttpConfig, HttpError, cut_off};
use crate::component::{
    Ack, BuildInput, Context, Input, ReadError, Reader, Run, Scanner, Transaction,
};
use crate::message::{Batch, Message};
use anyhow::anyhow;
use async_trait::async_trait;
use futures::future::BoxFuture;
use std::sync::Arc;

crate::fields! {
    /// What is asked for.
    pub struct Config {
        ..http: HttpConfig,
        /// The URL. Queries see the latest message that was got, which is empty at first.
        url: Interpolated,
        /// The method.
        verb: String = "GET",
        /// The body of each request.
        payload: Option<Interpolated>,
        /// Whether answers with no body are left out.
        drop_empty_bodies: bool = "true",
        /// Whether one answer goes on and on.
        stream: Stream = "{}",
        /// Whether messages that weren't delivered are sent again.
        auto_replay_nacks: bool = "true",
    }
}

crate::fields! {
    /// An answer that goes on and on, cut into messages.
    pub struct Stream {
        ..scanning: Scanning,
        /// Whether to take answers so.
        enabled: bool = "false",
        /// Whether to ask again when an answer has ended, rather than to end.
        reconnect: bool = "true",
    }
}

crate::spec! {
    /// Sends a request again and again and makes a message of each answer (a batch, if it has several parts), as fast as
    /// they come or a rate limit allows. Messages have the metadata `http_status_code`, unless an answer goes on and on, and the headers that
    /// `extract_headers` names.
    dyn BuildInput, "http_client", Config
}

impl BuildInput for Config {
    fn build(&self, cx: &Context) -> anyhow::Result<Input> {
        let content = Content::Payload(self.payload.clone());
        let client = HttpClient::new(&self.url, &self.verb, &self.http, content, cx)?;
        let request = Request {
            client: Arc::new(client),
            previous: Batch::from_buf([Message::new("")]),
        };
        let reader: Box<dyn Reader> = match self.stream.enabled {
            false => Box::new(Poll {
                request,
                drop_empty: self.drop_empty_bodies,
                pending: None,
            }),
            true => Box::new(Flow {
                request,
                scanner: cx.scanner(&self.stream.scanning.scanner)?,
                reconnect: self.stream.reconnect,
                drop_empty: self.drop_empty_bodies,
                open: None,
                fault: None,
            }),
        };
        Ok(Input::Reader {
            reader,
            auto_replay: self.auto_replay_nacks,
        })
    }
}

/// The next request.
struct Request {
    client: Arc<HttpClient>,
    /// The latest messages.
    previous: Batch,
}

/// One request for each read.
struct Poll {
    request: Request,
    drop_empty: bool,
    /// The request that is under way; it goes on if a read is given up.
    pending: Option<BoxFuture<'static, Result<Batch, HttpError>>>,
}

impl Poll {
    /// The messages of an answer, if there are any.
    fn take(&mut self, batch: Batch) -> Option<Run> {
        let is_empty = match batch.as_slice() {
            [] => true,
            [only] => self.drop_empty && only.bytes().is_empty(),
            _ => false,
        };
        if is_empty {
            return None;
        }
        self.request.previous = batch.clone();
        let ack = Ack::none();
        Some(vec![Transaction { batch, ack }])
    }
}

#[async_trait]
impl Reader for Poll {
    async fn connect(&mut self) -> anyhow::Result<()> {
        Ok(())
    }

    async fn read(&mut self) -> Result<Run, ReadError> {
        loop {
            let pending = match &mut self.pending {
                Some(pending) => pending,
                none => {
                    let client = self.request.client.clone();
                    let previous = self.request.previous.clone();
                    let send = async move { client.send(&previous).await };
                    none.insert(Box::pin(send))
                }
            };
            let answer = pending.await;
            self.pending = None;
            match answer {
                Ok(batch) => {
                    if let Some(run) = self.take(batch) {
                        return Ok(run);
                    }
                }
                // A server that has nothing to say in time may have something next time.
                Err(error) if error.is_late => tracing::debug!(%error, "nothing came"),
                Err(error) => return Err(ReadError::Failed(error.into())),
            }
        }
    }

    async fn rest(&mut self) -> Option<Run> {
        let pending = self.pending.as_mut()?;
        // A request that fails now is not tried again.
        let reply = tokio::select! {
            biased;
            reply = pending => reply.ok(),
            () = self.request.client.until_idle() => None,
        };
        self.pending = None;
        self.take(reply?)
    }
}

/// One answer, as it comes.
struct Flow {
    request: Request,
    scanner: Arc<dyn Scanner>,
    reconnect: bool,
    drop_empty: bool,
    open: Option<(reqwest::Response, Cutter)>,
    fault: Option<anyhow::Error>,
}

#[async_trait]
impl Reader for Flow {
    async fn connect(&mut self) -> anyhow::Result<()> {
        if self.open.is_none() {
            let client = &self.request.client;
            let response = client.open(&self.request.previous).await?;
            let described = client.describe_stream(&response);
            self.request.previous = Batch::from_buf([told(&response)]);
            let scan = self.scanner.open("");
            self.open = Some((response, Cutter::new(scan, described)));
        }
        Ok(())
    }

    async fn read(&mut self) -> Result<Run, ReadError> {
        loop {
            if let Some(fault) = self.fault.take() {
                return Err(ReadError::Failed(fault));
            }
            let Some((response, cutter)) = &mut self.open else {
                return Err(match self.reconnect {
                    true => ReadError::NotConnected,
                    false => ReadError::End,
                });
            };
            let (cut, broken) = match response.chunk().await {
                Ok(Some(bytes)) => (cutter.push(bytes, Ack::none), None),
                // What came before an answer breaks off counts as its end.
                ended => (cutter.finish(Ack::none), Some(ended.err())),
            };
            if broken.is_some() || cut.fault.is_some() {
                self.open = None;
            }
            let broken = broken.flatten().map(|error| match cut_off(&error) {
                Some(text) => anyhow!(text),
                None => anyhow!(error).context("read a stream over HTTP"),
            });
            self.fault = broken.or(cut.fault);
            let mut run = cut.run;
            if self.drop_empty {
                run.retain(|read| !matches!(read.batch.as_slice(), [m] if m.bytes().is_empty()));
            }
            if let Some(last) = run.last() {
                self.request.previous = last.batch.clone();
                return Ok(run);
            }
        }
    }
}

/// An answer's headers as the metadata of a message, for the next request.
fn told(response: &reqwest::Response) -> Message {
    let mut message = Message::new("");
    for name in response.headers().keys() {
        let value = String::from_utf8_lossy(response.headers()[name].as_bytes());
        message.metadata_mut().set(name.as_str(), &*value);
    }
    message
}
