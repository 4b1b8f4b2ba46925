//! `http_client`: asks a server for messages, again and again, or takes an answer that goes on.

use super::scanned::Cutter;
use super::scanning::Scanning;
use crate::bloblang::Interpolated;
use crate::component::clients::http::{HttpClient, HttpConfig, HttpError, Reply};
use crate::component::{
    Ack, BuildInput, Context, Input, ReadError, Reader, Run, Scanner, Transaction,
};
use crate::message::Message;
use anyhow::anyhow;
use async_trait::async_trait;
use bytes::Bytes;
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
        let client = HttpClient::new(&self.url, &self.verb, &self.http, cx)?;
        let request = Request {
            client: Arc::new(client),
            payload: self.payload.clone(),
            previous: Arc::new([Message::new("")]),
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
    payload: Option<Interpolated>,
    /// The latest message.
    previous: Arc<[Message; 1]>,
}

impl Request {
    fn body(&self) -> anyhow::Result<Bytes> {
        match &self.payload {
            Some(payload) => Ok(payload.bytes(&*self.previous, 0)?),
            None => Ok(Bytes::new()),
        }
    }
}

/// One request for each read.
struct Poll {
    request: Request,
    drop_empty: bool,
    /// The request that is under way; it goes on if a read is given up.
    pending: Option<BoxFuture<'static, Result<Reply, HttpError>>>,
}

impl Poll {
    /// The messages of an answer, if there are any.
    fn take(&mut self, reply: &Reply) -> anyhow::Result<Option<Run>> {
        let mut batch = self.request.client.messages(reply)?;
        if self.drop_empty {
            batch.retain(|message| !message.bytes().is_empty());
        }
        let Some(last) = batch.last() else {
            return Ok(None);
        };
        self.request.previous = Arc::new([last.clone()]);
        let ack = Ack::none();
        Ok(Some(vec![Transaction { batch, ack }]))
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
                    let body = self.request.body().map_err(ReadError::Failed)?;
                    let client = self.request.client.clone();
                    let previous = self.request.previous.clone();
                    let send = async move { client.send(&*previous, 0, body).await };
                    none.insert(Box::pin(send))
                }
            };
            let reply = pending.await;
            self.pending = None;
            let reply = reply.map_err(|error| ReadError::Failed(error.into()))?;
            if let Some(run) = self.take(&reply).map_err(ReadError::Failed)? {
                return Ok(run);
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
        self.take(&reply?).ok().flatten()
    }
}

/// One answer, as it comes.
struct Flow {
    request: Request,
    scanner: Arc<dyn Scanner>,
    reconnect: bool,
    open: Option<(reqwest::Response, Cutter)>,
    fault: Option<anyhow::Error>,
}

#[async_trait]
impl Reader for Flow {
    async fn connect(&mut self) -> anyhow::Result<()> {
        if self.open.is_none() {
            let body = self.request.body()?;
            let client = &self.request.client;
            let response = client.open(&*self.request.previous, 0, body).await?;
            let mut described = Message::default();
            client.describe_stream(&response, &mut described);
            let scan = self.scanner.open("");
            self.open = Some((response, Cutter::new(scan, described.metadata().clone())));
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
            let (cut, ended) = match response.chunk().await {
                Ok(Some(bytes)) => (cutter.push(bytes, Ack::none), false),
                Ok(None) => (cutter.finish(Ack::none), true),
                Err(error) => {
                    self.open = None;
                    self.fault = Some(anyhow!(error).context("read a stream over HTTP"));
                    continue;
                }
            };
            if ended || cut.fault.is_some() {
                self.open = None;
            }
            self.fault = cut.fault;
            if let Some(last) = cut.run.last().and_then(|t| t.batch.last()) {
                self.request.previous = Arc::new([last.clone()]);
                return Ok(cut.run);
            }
        }
    }
}
