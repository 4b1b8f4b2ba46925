//! The requests that read and change the streams of a process, as the peers' streams mode answers them.

use super::{ChangeError, Definition, Reader, Refused, ResourceKind, Streams, wire};
use crate::component::clients::http::plain_error;
use crate::component::{HttpCall, HttpHandler, HttpMux, HttpRoute};
use crate::config::{Data, Node};
use crate::engine::{measured, server};
use crate::formats::duration;
use axum::{
    body::Body,
    http::{Method, Request, Response, StatusCode},
};
use serde_json::{Map, Value as Json};
use std::{collections::BTreeMap, sync::Arc, time::Duration};

/// The largest config that is taken.
const MAX_BODY: usize = 16 << 20;

/// The routes of the process, for as long as this lives.
pub struct Rest {
    _routes: Vec<HttpRoute>,
}

impl Rest {
    /// Answers `/ping`, `/ready`, `/version`, `/endpoints`, what the metrics' config adds, and with `editable` what reads and
    /// changes the streams.
    pub fn add(mux: &HttpMux, streams: &Streams, editable: bool) -> Rest {
        let mut routes: Vec<HttpRoute> = server::of_process(mux).into();
        let ready = streams.clone();
        routes.push(mux.route(
            "/ready",
            "Whether the inputs and outputs of all streams are connected.",
            server::answer(move || readiness(&ready)),
        ));
        let measured = streams.clone();
        let metrics = move || measured.metrics();
        if let Some(publish) = measured::publisher(&streams.house().config.metrics, metrics) {
            for path in ["/metrics", "/stats"] {
                routes.push(mux.route(path, "What was counted.", publish.clone()));
            }
        }
        if editable {
            let mut add = |path: &str, about: &str, handler: HttpHandler| {
                routes.push(mux.route(path, about, handler));
            };
            add(
                "/streams",
                "GET: all streams; POST: makes these all the streams there are.",
                handler(streams, all),
            );
            add(
                "/streams/{id}",
                "GET, POST, PUT, PATCH, DELETE: one stream.",
                handler(streams, one),
            );
            add(
                "/streams/{id}/stats",
                "GET: what a stream counted.",
                handler(streams, stats),
            );
            add(
                "/resources/{type}/{id}",
                "POST: puts a resource in the place of the one with this label.",
                handler(streams, resource),
            );
        }
        Rest { _routes: routes }
    }
}

fn handler<F>(streams: &Streams, answer: fn(Streams, HttpCall) -> F) -> HttpHandler
where
    F: Future<Output = Result<Response<Body>, Failure>> + Send + 'static,
{
    let streams = streams.clone();
    Arc::new(move |call| {
        let answer = answer(streams.clone(), call);
        Box::pin(async move { answer.await.unwrap_or_else(Failure::response) })
    })
}

/// Why a request isn't done.
enum Failure {
    /// The request is wrong.
    Request(String),
    /// It is right, but what it asks for can't be done.
    Server(String),
    Lint(Vec<String>),
    NotFound,
    Exists,
}

impl Failure {
    fn response(self) -> Response<Body> {
        match self {
            Failure::Request(e) => plain_error(StatusCode::BAD_REQUEST, &format!("Error: {e}")),
            Failure::Server(e) => plain_error(StatusCode::BAD_GATEWAY, &format!("Error: {e}")),
            Failure::Lint(errors) => {
                let mut response = server::json(&wire::lint_errors(&errors));
                *response.status_mut() = StatusCode::BAD_REQUEST;
                response
            }
            Failure::NotFound => plain_error(StatusCode::NOT_FOUND, "Stream not found"),
            Failure::Exists => plain_error(StatusCode::BAD_REQUEST, "Stream already exists"),
        }
    }

    fn verb(method: &Method) -> Failure {
        Failure::Request(format!("verb not supported: {method}"))
    }
}

impl From<ChangeError> for Failure {
    fn from(error: ChangeError) -> Failure {
        match error {
            ChangeError::Exists => Failure::Exists,
            ChangeError::NotFound => Failure::NotFound,
            ChangeError::Failed(error) => Failure::Server(format!("{error:#}")),
        }
    }
}

impl From<Refused> for Failure {
    fn from(refused: Refused) -> Failure {
        match refused {
            Refused::Unreadable(error) => Failure::Request(error),
            Refused::Unmakeable(error) => Failure::Server(error),
            Refused::Lint(errors) => Failure::Lint(errors),
        }
    }
}

fn done() -> Response<Body> {
    Response::new(Body::empty())
}

fn readiness(streams: &Streams) -> Response<Body> {
    let all = streams.list();
    let waiting: Vec<&str> = all
        .iter()
        .filter(|(_, entry)| !entry.is_ready())
        .map(|(id, _)| id.as_str())
        .collect();
    match waiting.is_empty() {
        true => server::text(StatusCode::OK, "OK"),
        false => {
            let waiting = format!("streams {} are not connected\n", waiting.join(", "));
            server::text(StatusCode::SERVICE_UNAVAILABLE, waiting)
        }
    }
}

/// `/streams`.
async fn all(streams: Streams, call: HttpCall) -> Result<Response<Body>, Failure> {
    match *call.request.method() {
        Method::GET => {
            let all = streams.list().into_iter();
            let state = |e: &super::Entry| wire::state(e.is_active(), e.stream.uptime());
            let all: Map<String, Json> = all.map(|(id, e)| (id, state(&e).into())).collect();
            Ok(server::json(&all.into()))
        }
        Method::POST => {
            let chilled = is_chilled(&call.request);
            let text = body(call.request).await?;
            let node = Node::parse(&text).map_err(|e| Failure::Request(format!("yaml: {e}")))?;
            let wanted = definitions(&streams, &node, chilled)?;
            let errors = streams.replace_all(wanted).await;
            match errors.is_empty() {
                true => Ok(done()),
                false => Err(Failure::Request(errors.join("\n"))),
            }
        }
        _ => Err(Failure::Request("method not supported".into())),
    }
}

/// The streams of a set: a map from ids to configs, in which `${}` stands for itself. Nothing is an empty set.
fn definitions(
    streams: &Streams,
    node: &Node,
    chilled: bool,
) -> Result<BTreeMap<String, Definition>, Failure> {
    let entries = match &node.data {
        Data::Map(entries) => entries.as_slice(),
        Data::Null => &[],
        _ => {
            let message = "expected a map from ids to configs of streams";
            return Err(Failure::Request(message.into()));
        }
    };
    let mut wanted = BTreeMap::new();
    let mut lint = Vec::new();
    for entry in entries {
        match reader(streams, chilled).part(&entry.node) {
            Ok(definition) => {
                if wanted.insert(entry.key.clone(), definition).is_some() {
                    let message = format!("the stream {:?} is there twice", entry.key);
                    return Err(Failure::Request(message));
                }
            }
            Err(Refused::Lint(errors)) => lint.extend(errors.into_iter().map(|e| (&entry.key, e))),
            Err(refused) => return Err(refused.into()),
        }
    }
    match lint.is_empty() {
        true => Ok(wanted),
        false => {
            let named = lint.iter().map(|(id, e)| format!("stream '{id}': {e}"));
            Err(Failure::Lint(named.collect()))
        }
    }
}

/// `/streams/{id}`.
async fn one(streams: Streams, call: HttpCall) -> Result<Response<Body>, Failure> {
    let id = param(&call, "id");
    let chilled = is_chilled(&call.request);
    let limit = query(&call.request, "timeout").and_then(|text| {
        let nanoseconds = duration::parse(text).ok()?;
        Some(Duration::from_nanos(nanoseconds.try_into().ok()?))
    });
    match call.request.method().clone() {
        Method::GET => {
            let entry = streams.get(&id).ok_or(Failure::NotFound)?;
            let config = entry.definition.source.clone();
            let detail = wire::detail(entry.is_active(), entry.stream.uptime(), config);
            Ok(server::json(&detail))
        }
        Method::POST => {
            let text = body(call.request).await?;
            let definition = reader(&streams, chilled).stream(&text)?;
            streams.create(&id, definition).await?;
            Ok(done())
        }
        Method::PUT => {
            let text = body(call.request).await?;
            let definition = reader(&streams, chilled).stream(&text)?;
            streams.update(&id, definition, limit).await?;
            Ok(done())
        }
        Method::PATCH => {
            let entry = streams.get(&id).ok_or(Failure::NotFound)?;
            let text = body(call.request).await?;
            let patch = Node::parse(&text).map_err(|e| Failure::Request(format!("yaml: {e}")))?;
            let mut source = entry.definition.source.clone();
            if matches!(patch.data, Data::Map(_)) {
                wire::merge(&mut source, patch.to_json());
            }
            // What is patched is never linted, as with the peers.
            let whole = Node::parse(&source.to_string());
            let whole = whole.map_err(|e| Failure::Request(format!("yaml: {e}")))?;
            let definition = reader(&streams, true).part(&whole)?;
            streams.update(&id, definition, limit).await?;
            Ok(done())
        }
        Method::DELETE => {
            streams.delete(&id, limit).await?;
            Ok(done())
        }
        method => Err(Failure::verb(&method)),
    }
}

/// `/streams/{id}/stats`.
async fn stats(streams: Streams, call: HttpCall) -> Result<Response<Body>, Failure> {
    if call.request.method() != Method::GET {
        return Err(Failure::verb(call.request.method()));
    }
    let entry = streams.get(&param(&call, "id")).ok_or(Failure::NotFound)?;
    let stats = wire::stats(entry.stream.metrics().json(), entry.stream.uptime());
    Ok(server::json(&stats))
}

/// `/resources/{type}/{id}`.
async fn resource(streams: Streams, call: HttpCall) -> Result<Response<Body>, Failure> {
    if call.request.method() != Method::POST {
        return Err(Failure::verb(call.request.method()));
    }
    let Ok(kind) = param(&call, "type").parse::<ResourceKind>() else {
        let kinds = "Var `type` must be set to one of `cache`, `input`, `output`, `processor` or `rate_limit`";
        return Ok(plain_error(StatusCode::BAD_REQUEST, kinds));
    };
    let label = param(&call, "id");
    let chilled = is_chilled(&call.request);
    let text = body(call.request).await?;
    let config = reader(&streams, chilled).resource(kind, &text)?;
    let put = streams.put_resource(kind, &label, config).await;
    put.map_err(|e| Failure::Server(format!("{e:#}")))?;
    Ok(done())
}

fn reader(streams: &Streams, chilled: bool) -> Reader<'_> {
    let house = streams.house();
    Reader {
        bloblang: &house.bloblang,
        variables: &house.variables,
        chilled,
    }
}

fn param(call: &HttpCall, name: &str) -> String {
    let param = call.params.iter().find(|(key, _)| key == name);
    param.map(|(_, value)| value.clone()).unwrap_or_default()
}

/// Whether the request wants the lint left out.
fn is_chilled(request: &Request<Body>) -> bool {
    query(request, "chilled") == Some("true")
}

fn query<'r>(request: &'r Request<Body>, name: &str) -> Option<&'r str> {
    let mut pairs = request.uri().query()?.split('&');
    pairs.find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))
}

async fn body(request: Request<Body>) -> Result<String, Failure> {
    let bytes = axum::body::to_bytes(request.into_body(), MAX_BODY).await;
    let bytes = bytes.map_err(|e| Failure::Request(e.to_string()))?;
    String::from_utf8(bytes.into()).map_err(|_| Failure::Request("the body is not UTF-8".into()))
}
