//! Passes HTTP requests on to the worker that runs a stream's `http_server`, bodies streamed both ways.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use axum::{
    body::{Body, Bytes, HttpBody},
    http::{HeaderMap, HeaderName, Request, Response, Uri, header, request::Parts},
};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use tokio::time::{Instant, timeout, timeout_at};

use super::{Error, Handle, event::Ledger};
use crate::{cluster::AssignmentState, ids::StreamName};

/// How long a request waits for a stream that runs nowhere at the moment.
const MOVE_WAIT: Duration = Duration::from_secs(10);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// How long a worker may take to tell what a stream counted, and how much it may tell.
const STATS_TIMEOUT: Duration = Duration::from_secs(3);
const STATS_BYTES: usize = 4 << 20;

/// A body of a known length up to this is kept, so that the request can be sent again where the first worker turns out not to
/// have the stream any more.
const KEPT_BYTES: u64 = 256 * 1024;

/// A worker answers with this header if it has no such stream: nothing was read of the request.
const MOVED: &str = "x-airtruct-moved";

/// Headers that are about a connection and not about a request.
const HOP_BY_HOP: &[HeaderName] = &[
    header::CONNECTION,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    header::PROXY_AUTHENTICATE,
    header::PROXY_AUTHORIZATION,
];

pub(super) struct Ingest {
    client: Client<HttpConnector, Body>,
    turn: AtomicUsize,
}

/// A request's body, kept or passed on once.
enum Payload {
    Kept(Bytes),
    Once(Option<Body>),
}

impl Payload {
    /// The body for one attempt, if there can be one.
    fn take(&mut self) -> Option<Body> {
        match self {
            Self::Kept(bytes) => Some(Body::from(bytes.clone())),
            Self::Once(body) => body.take(),
        }
    }
}

impl Ingest {
    pub(super) fn new() -> Self {
        let mut connector = HttpConnector::new();
        connector.set_connect_timeout(Some(CONNECT_TIMEOUT));
        connector.set_nodelay(true);
        Self {
            client: Client::builder(TokioExecutor::new())
                .pool_idle_timeout(Duration::from_secs(30))
                .build(connector),
            turn: AtomicUsize::new(0),
        }
    }

    pub(super) async fn forward(
        &self,
        handle: &Handle,
        stream: StreamName,
        request: Request<Body>,
    ) -> Result<Response<Body>, Error> {
        let deadline = Instant::now() + MOVE_WAIT;
        let mut changes = handle.changes();
        let (parts, body) = request.into_parts();
        let mut payload = keep(body).await?;
        loop {
            changes.mark_unchanged();
            let name = stream.clone();
            let (addresses, reason) = handle
                .read(move |ledger| addresses(ledger, &name))
                .await??;
            let mut failure = reason;
            for address in self.in_turn(addresses) {
                let Some(body) = payload.take() else {
                    return Err(Error::Unavailable(failure));
                };
                let path = format!("/ingest/{stream}{}", path_of(&parts.uri));
                match self.send_to(&address, &path, &parts, body).await {
                    Ok(response) if response.headers().contains_key(MOVED) => {
                        failure = format!("{address} has the stream no more");
                    }
                    Ok(response) => return Ok(response),
                    Err(Failed { error, was_sent }) => {
                        failure = format!("{address} can't be reached: {error}");
                        if was_sent {
                            return Err(Error::Unavailable(failure));
                        }
                    }
                }
            }
            // Woken by a change, or soon: a worker that is gone may not be known to be yet.
            let soon = deadline.min(Instant::now() + Duration::from_millis(100));
            let _ = timeout_at(soon, changes.changed()).await;
            if Instant::now() >= deadline {
                return Err(Error::Unavailable(failure));
            }
        }
    }

    /// What the workers that run a stream have counted of it: metrics by name and labels.
    pub(super) async fn stats(
        &self,
        handle: &Handle,
        stream: &StreamName,
    ) -> Result<serde_json::Map<String, serde_json::Value>, Error> {
        let name = stream.clone();
        let (mut addresses, _) = handle
            .read(move |ledger| addresses(ledger, &name))
            .await??;
        addresses.sort();
        addresses.dedup();
        let mut all = serde_json::Map::new();
        for address in addresses {
            let counted = timeout(STATS_TIMEOUT, self.stats_of(&address, stream)).await;
            let counted = counted.unwrap_or_else(|_| Err("it does not answer".to_owned()));
            all.extend(counted.map_err(|error| {
                Error::Unavailable(format!("{address} can't be asked what it counted: {error}"))
            })?);
        }
        Ok(all)
    }

    async fn stats_of(
        &self,
        address: &str,
        stream: &StreamName,
    ) -> Result<serde_json::Map<String, serde_json::Value>, String> {
        let uri = format!("http://{address}/streams/{stream}/stats");
        let uri: Uri = uri.parse().map_err(|error| format!("{error}"))?;
        let response = self.client.get(uri).await.map_err(|e| causes(&e))?;
        let body = axum::body::to_bytes(Body::new(response.into_body()), STATS_BYTES).await;
        let body = body.map_err(|error| causes(&error))?;
        serde_json::from_slice(&body).map_err(|error| error.to_string())
    }

    /// Passes a request on as it is.
    pub(super) async fn send(
        &self,
        address: &str,
        request: Request<Body>,
    ) -> Result<Response<Body>, Error> {
        let (parts, body) = request.into_parts();
        let path = path_of(&parts.uri);
        let sent = self.send_to(address, &path, &parts, body).await;
        sent.map_err(|failed| {
            Error::Unavailable(format!("{address} can't be reached: {}", failed.error))
        })
    }

    async fn send_to(
        &self,
        address: &str,
        path: &str,
        parts: &Parts,
        body: Body,
    ) -> Result<Response<Body>, Failed> {
        let not_sent = |error: String| Failed {
            error,
            was_sent: false,
        };
        let uri: Uri = format!("http://{address}{path}")
            .parse()
            .map_err(|error: axum::http::uri::InvalidUri| not_sent(error.to_string()))?;
        let mut request = Request::new(body);
        *request.method_mut() = parts.method.clone();
        *request.uri_mut() = uri;
        *request.headers_mut() = end_to_end(&parts.headers);
        match self.client.request(request).await {
            Ok(response) => {
                let (mut parts, body) = response.into_parts();
                parts.headers = end_to_end(&parts.headers);
                Ok(Response::from_parts(parts, Body::new(body)))
            }
            Err(error) => Err(Failed {
                was_sent: !error.is_connect(),
                error: causes(&error),
            }),
        }
    }

    /// The addresses, begun with another one each time.
    fn in_turn(&self, mut addresses: Vec<String>) -> Vec<String> {
        if addresses.len() > 1 {
            let turn = self.turn.fetch_add(1, Ordering::Relaxed);
            let count = addresses.len();
            addresses.rotate_left(turn % count);
        }
        addresses
    }
}

struct Failed {
    error: String,
    was_sent: bool,
}

/// Where the stream runs, best first, and why it does not.
fn addresses(ledger: &Ledger, stream: &StreamName) -> Result<(Vec<String>, String), Error> {
    let view = &ledger.view;
    let known = view
        .streams
        .get(stream)
        .ok_or_else(|| Error::no_stream(stream))?;
    let mut running = Vec::new();
    let mut draining = Vec::new();
    for assignment in view
        .shards_of(stream)
        .flat_map(|(_, shard)| &shard.assignments)
    {
        let worker = view.workers.get(&assignment.worker);
        let worker = worker.filter(|worker| {
            worker.incarnation == assignment.incarnation && !worker.presence.is_gone()
        });
        match (worker, assignment.state) {
            (Some(worker), AssignmentState::Running) => running.push(worker.address.clone()),
            (Some(worker), AssignmentState::Draining) => draining.push(worker.address.clone()),
            _ => {}
        }
    }
    running.extend(draining);
    let reason = match running.is_empty() {
        true => {
            let status = super::StreamStatus::of(view, &ledger.policy, known, ledger.now);
            format!(
                "the stream `{stream}` is {}: {}",
                status.state.as_str(),
                status.reason
            )
        }
        false => String::new(),
    };
    Ok((running, reason))
}

async fn keep(body: Body) -> Result<Payload, Error> {
    match body.size_hint().exact() {
        Some(length) if length <= KEPT_BYTES => {
            let bytes = axum::body::to_bytes(body, KEPT_BYTES as usize).await;
            let bytes = bytes.map_err(|error| {
                Error::Invalid(format!("the request's body broke off: {error}"))
            })?;
            Ok(Payload::Kept(bytes))
        }
        _ => Ok(Payload::Once(Some(body))),
    }
}

fn path_of(uri: &Uri) -> String {
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    match path.starts_with('/') {
        true => path.to_owned(),
        false => format!("/{path}"),
    }
}

fn end_to_end(headers: &HeaderMap) -> HeaderMap {
    let mut headers = headers.clone();
    for name in HOP_BY_HOP {
        headers.remove(name);
    }
    headers.remove("keep-alive");
    headers
}

/// An error with all that caused it.
fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        next = cause.source();
    }
    text
}
