//! `http_server`: requests and websocket messages.

mod answer;
mod request;
mod websocket;

use crate::bloblang::Interpolated;
use crate::component::clients::http::{CorsConfig, Listener, Listening, plain_error};
use crate::component::clients::metadata_filter::MetadataFilterConfig;
use crate::component::route_path::RoutePath;
use crate::component::{
    Ack, Answer, BatchError, BuildInput, Context, HttpCall, HttpHandler, HttpMux, HttpRoute, Input,
    RateLimit, ReadError, Reader, Run, Transaction,
};
use crate::message::{Batch, ComponentName, Replies};
use answer::Responder;
use anyhow::ensure;
use async_trait::async_trait;
use axum::{
    body::Body,
    http::{HeaderName, HeaderValue, Response, StatusCode, header},
};
use futures::future::BoxFuture;
use std::{collections::BTreeMap, sync::Arc, time::Duration};
use tokio::sync::{mpsc, oneshot};

crate::fields! {
    /// Where to listen, and how requests are answered.
    pub struct Config {
        /// The address to listen on, for a server of its own; without one it shares the server of the process.
        address: String = "''",
        /// The path for messages. Parts in braces become metadata: `/post/{user}`.
        path: String = "/post",
        /// The path for websockets, each message of which is a message here; empty for none.
        ws_path: String = "/post/ws",
        /// What a websocket is told at its beginning.
        ws_welcome_message: String = "''" [advanced],
        /// What a websocket is told when its message is over the rate limit; empty for making it wait.
        ws_rate_limit_message: String = "''" [advanced],
        /// The methods that requests may have.
        allowed_verbs: Vec<String> = "[POST]",
        /// How long a request waits for its message to be delivered.
        timeout: Duration = "5s",
        /// The label of a rate limit for requests; those over it get the status 429.
        rate_limit: String = "''",
        /// A file with the server's certificate, for TLS with an address of its own.
        cert_file: String = "''" [advanced],
        /// A file with the certificate's key.
        key_file: String = "''" [advanced],
        /// Which pages of other sites may send requests, with an address of its own.
        cors: CorsConfig = "{}" [advanced],
        /// How requests are answered when there are messages to answer with.
        sync_response: SyncResponse = "{}" [advanced],
    }
}

crate::fields! {
    /// The answer, where `sync_response` gave messages for one. Queries see the first of them.
    pub struct SyncResponse {
        /// The status code.
        status: Interpolated = "'200'",
        /// The headers.
        headers: BTreeMap<String, Interpolated> = "{Content-Type: application/octet-stream}",
        /// Which metadata becomes headers.
        metadata_headers: MetadataFilterConfig = "{}",
    }
}

crate::spec! {
    /// Takes messages from HTTP requests: a body is a message, one of several parts (`multipart/…`) a batch.
    ///
    /// A request is answered when its message is delivered: with 200, or with what `sync_response` says; 502 if delivery
    /// failed, 408 if it takes too long, 429 over the rate limit, 405 for another method. The headers, query, cookies and
    /// parts of the path become metadata, as do `http_server_user_agent`, `http_server_request_path`, `http_server_verb`
    /// and `http_server_remote_ip`. Failed messages aren't sent again from here: that is up to the client.
    dyn BuildInput, "http_server", Config
}

/// How many requests may wait to be taken; more wait in their connections.
const WAITING: usize = 64;

/// What requests are told that come too late.
const CLOSING: &str = "Server closing";

/// How many requests are taken at once.
const RUN: usize = 64;

impl BuildInput for Config {
    fn build(&self, cx: &Context) -> anyhow::Result<Input> {
        let listener = Listener {
            address: self.address.clone(),
            cert_file: self.cert_file.clone(),
            key_file: self.key_file.clone(),
            cors: self.cors.clone(),
        };
        listener.check()?;
        RoutePath::parse(&self.path)?;
        RoutePath::parse(&self.ws_path)?;
        ensure!(
            !self.allowed_verbs.is_empty(),
            "must provide at least one allowed verb"
        );
        let (sender, receiver) = mpsc::channel(WAITING);
        let gate = Gate {
            sender,
            verbs: self.allowed_verbs.clone(),
            timeout: self.timeout,
            rate_limit: match self.rate_limit.as_str() {
                "" => None,
                label => Some(cx.rate_limit(label)?),
            },
            responder: Responder::new(&self.sync_response, cx.name.clone())?,
            name: cx.name.clone(),
            welcome: self.ws_welcome_message.clone(),
            limited: self.ws_rate_limit_message.clone(),
        };
        let mut server = Server {
            receiver,
            gate: Arc::new(gate),
            path: self.path.clone(),
            ws_path: self.ws_path.clone(),
            listener: (!self.address.is_empty()).then_some(listener),
            routes: Vec::new(),
            listening: None,
        };
        if server.listener.is_none() {
            // Requests that come before the stream reads wait, as those do that come while it's busy.
            server.route(cx.wiring.http());
        }
        Ok(Input::Reader {
            reader: Box::new(server),
            auto_replay: false,
        })
    }
}

struct Server {
    receiver: mpsc::Receiver<Transaction>,
    gate: Arc<Gate>,
    path: String,
    ws_path: String,
    /// None where it shares the process's server.
    listener: Option<Listener>,
    routes: Vec<HttpRoute>,
    listening: Option<Listening>,
}

/// What requests pass through.
struct Gate {
    sender: mpsc::Sender<Transaction>,
    verbs: Vec<String>,
    timeout: Duration,
    rate_limit: Option<Arc<dyn RateLimit>>,
    responder: Responder,
    name: ComponentName,
    welcome: String,
    limited: String,
}

impl Server {
    fn route(&mut self, mux: &HttpMux) {
        let post = handler(self.gate.clone(), request::answer);
        let about = "Post a message into the stream.";
        self.routes.push(mux.route(&self.path, about, post));
        if !self.ws_path.is_empty() {
            let socket = handler(self.gate.clone(), websocket::answer);
            let about = "Post messages via websocket into the stream.";
            self.routes.push(mux.route(&self.ws_path, about, socket));
        }
    }
}

fn handler<F>(gate: Arc<Gate>, answer: fn(Arc<Gate>, HttpCall) -> F) -> HttpHandler
where
    F: Future<Output = Response<Body>> + Send + 'static,
{
    Arc::new(move |call| -> BoxFuture<'static, Response<Body>> {
        Box::pin(answer(gate.clone(), call))
    })
}

#[async_trait]
impl Reader for Server {
    async fn connect(&mut self) -> anyhow::Result<()> {
        if self.routes.is_empty()
            && let Some(listener) = self.listener.take()
        {
            let mux = HttpMux::default();
            let listening = listener.listen(mux.clone());
            // It is tried again where the address is taken.
            self.listener = Some(listener);
            let listening = listening?;
            tracing::info!(address = %listening.address, "an HTTP server listens");
            self.listening = Some(listening);
            self.route(&mux);
        }
        Ok(())
    }

    fn has_connection(&self) -> bool {
        false
    }

    async fn read(&mut self) -> Result<Run, ReadError> {
        let mut run = Run::new();
        match self.receiver.recv_many(&mut run, RUN).await {
            0 => Err(ReadError::End),
            _ => Ok(run),
        }
    }

    async fn close(&mut self) {
        self.receiver.close();
        // What nobody has taken yet may be sent again, to whoever runs the stream next.
        while let Ok(waiting) = self.receiver.try_recv() {
            waiting.ack.answer(Err(BatchError::whole(CLOSING)));
        }
        self.routes.clear();
        self.listening = None;
    }
}

/// Tells a coordinator that passed the request on that nothing came of it here, so that it may send it elsewhere.
static MOVED: HeaderName = HeaderName::from_static("x-airtruct-moved");

/// The answer to a request whose messages the stream didn't take, since it stops.
fn closing() -> Response<Body> {
    let mut response = plain_error(StatusCode::SERVICE_UNAVAILABLE, CLOSING);
    response
        .headers_mut()
        .insert(MOVED.clone(), HeaderValue::from_static("1"));
    response
}

/// What became of a request's messages.
enum Outcome {
    /// They were delivered; these are the answers to them.
    Delivered(Vec<Batch>),
    Failed(String),
    Late,
    Closing,
}

impl Gate {
    /// Whether the rate limit lets a request of this size through; else how long to wait.
    async fn access(&self, bytes: usize) -> Result<(), Response<Body>> {
        let Some(limit) = &self.rate_limit else {
            return Ok(());
        };
        match limit.access(bytes).await {
            Ok(None) => Ok(()),
            Ok(Some(wait)) => {
                let mut response = plain_error(StatusCode::TOO_MANY_REQUESTS, "Too Many Requests");
                let seconds = HeaderValue::from(wait.as_secs());
                response.headers_mut().insert(header::RETRY_AFTER, seconds);
                Err(response)
            }
            Err(error) => {
                tracing::error!(%error, "a rate limit failed");
                Err(plain_error(
                    StatusCode::BAD_GATEWAY,
                    &format!("the rate limit failed: {error}"),
                ))
            }
        }
    }

    /// Hands messages to the stream, and waits for what becomes of them.
    async fn deliver(&self, mut batch: Batch) -> Outcome {
        let replies = Arc::new(Replies::default());
        for message in &mut batch {
            message.set_replies(Some(replies.clone()));
        }
        let (sender, receiver) = oneshot::channel::<Answer>();
        let ack = Ack::once(move |answer| {
            // The request may have been given up.
            let _ = sender.send(answer);
        });
        let wait = async {
            if self.sender.send(Transaction { batch, ack }).await.is_err() {
                return Outcome::Closing;
            }
            match receiver.await {
                Ok(Ok(())) => Outcome::Delivered(replies.take()),
                Ok(Err(error)) if &*error.text == CLOSING => Outcome::Closing,
                Ok(Err(error)) => Outcome::Failed(error.to_string()),
                Err(_) => Outcome::Closing,
            }
        };
        let result = tokio::time::timeout(self.timeout, wait).await;
        result.unwrap_or(Outcome::Late)
    }
}
