//! `/streams`: the cluster's streams as the peers' streams mode shows and takes them, for tools that were written for that.
//!
//! What they call active is a stream of which an instance runs; its uptime is that of the instance that has run longest.
//! `${}` stays in a config: it is the workers who fill it in. Unlike there, what is defined here is kept.

use axum::{
    Json, Router,
    extract::{Request, State},
    http::{Method, StatusCode, header},
    response::{IntoResponse, Response},
    routing::any,
};
use serde_json::{Map, Value};
use std::{collections::BTreeMap, time::Duration};

use super::{
    Api,
    draft::{self, Checked},
    extract,
};
use crate::{
    cluster::Desired,
    config::{Level, Node},
    coordinator::{self, StreamStatus},
    engine::many::wire,
    ids::StreamName,
};

pub(super) fn routes() -> Router<Api> {
    Router::new()
        .route("/streams", any(all))
        .route("/streams/{id}", any(one))
        .route("/streams/{id}/stats", any(stats))
}

/// Why a request isn't done.
enum Failure {
    /// The request is wrong.
    Request(String),
    /// It is right, but what it asks for can't be done now.
    Server(String),
    Lint(Vec<String>),
    NotFound,
    Exists,
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let sniff = [(header::X_CONTENT_TYPE_OPTIONS, "nosniff")];
        let (status, text) = match self {
            Failure::Request(e) => (StatusCode::BAD_REQUEST, format!("Error: {e}\n")),
            Failure::Server(e) => (StatusCode::BAD_GATEWAY, format!("Error: {e}\n")),
            Failure::Lint(e) => {
                let errors = Json(wire::lint_errors(&e));
                return (StatusCode::BAD_REQUEST, errors).into_response();
            }
            Failure::NotFound => (StatusCode::NOT_FOUND, "Stream not found\n".into()),
            Failure::Exists => (StatusCode::BAD_REQUEST, "Stream already exists\n".into()),
        };
        (status, sniff, text).into_response()
    }
}

impl From<coordinator::Error> for Failure {
    fn from(error: coordinator::Error) -> Failure {
        use coordinator::Error as E;
        match error {
            E::NotFound { .. } => Failure::NotFound,
            E::Exists { .. } => Failure::Exists,
            E::Invalid(_) | E::Refused(_) | E::Changed { .. } => {
                Failure::Request(error.to_string())
            }
            other => Failure::Server(other.to_string()),
        }
    }
}

type Result<T> = std::result::Result<T, Failure>;

/// Whether an instance of it runs, and for how long.
fn state(stream: &StreamStatus) -> (bool, Duration) {
    let running = stream.shards.iter().filter(|s| s.state == "running");
    let since = running.map(|s| s.since).min();
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let now = now.unwrap_or_default();
    let uptime = since.map(|since| now.saturating_sub(Duration::from_millis(since.0)));
    (since.is_some(), uptime.unwrap_or_default())
}

/// `/streams`.
async fn all(State(api): State<Api>, request: Request) -> Result<Response> {
    match *request.method() {
        Method::GET => {
            let all = present(&api).await?.into_iter().map(|stream| {
                let (is_active, uptime) = state(&stream);
                (
                    stream.name.to_string(),
                    wire::state(is_active, uptime).into(),
                )
            });
            Ok(Json(all.collect::<Map<String, Value>>()).into_response())
        }
        Method::POST => {
            replace_all(&api, &text(request).await?).await?;
            Ok(StatusCode::OK.into_response())
        }
        _ => Err(Failure::Request("method not supported".into())),
    }
}

/// The streams that aren't on their way out.
async fn present(api: &Api) -> Result<Vec<StreamStatus>> {
    let mut all = api.coordinator.streams().await?;
    all.retain(|stream| stream.desired != Desired::Deleted);
    Ok(all)
}

/// Makes the streams of a map from names to configs all the streams there are.
async fn replace_all(api: &Api, text: &str) -> Result<()> {
    let node = Node::parse(text).map_err(|e| Failure::Request(format!("yaml: {e}")))?;
    let entries = node.as_map().ok_or_else(|| {
        Failure::Request("expected a map from names to configs of streams".into())
    })?;
    let (mut wanted, mut lint) = (BTreeMap::new(), Vec::new());
    for entry in entries {
        match check(&entry.node.to_json().to_string()) {
            Ok(checked) => {
                wanted.insert(name(&entry.key)?, checked.draft);
            }
            Err(Failure::Lint(errors)) => {
                let named = |e| format!("stream '{}': {e}", entry.key);
                lint.extend(errors.into_iter().map(named));
            }
            Err(other) => return Err(other),
        }
    }
    if !lint.is_empty() {
        lint.sort();
        return Err(Failure::Lint(lint));
    }
    let mut errors = Vec::new();
    for stream in present(api).await? {
        if !wanted.contains_key(&stream.name)
            && let Err(e) = api.coordinator.delete_stream(stream.name, None).await
        {
            errors.push(format!("failed to delete stream: {e}"));
        }
    }
    for (name, draft) in wanted {
        if let Err(e) = api.coordinator.put_stream(name, draft, None).await {
            errors.push(format!("failed to update stream: {e}"));
        }
    }
    match errors.is_empty() {
        true => Ok(()),
        false => Err(Failure::Request(errors.join("\n"))),
    }
}

/// `/streams/{id}`.
async fn one(
    State(api): State<Api>,
    axum::extract::Path(id): axum::extract::Path<String>,
    request: Request,
) -> Result<Response> {
    let name = name(&id)?;
    match request.method().clone() {
        Method::GET => {
            let stream = find(&api, &name).await?;
            let config = source(&api, &stream).await?;
            let (is_active, uptime) = state(&stream);
            return Ok(Json(wire::detail(is_active, uptime, config)).into_response());
        }
        Method::POST => {
            let checked = check(&text(request).await?)?;
            api.coordinator.create_stream(name, checked.draft).await?;
        }
        Method::PUT => {
            let stream = find(&api, &name).await?;
            let checked = check(&text(request).await?)?;
            put(&api, stream, checked).await?;
        }
        Method::PATCH => {
            let stream = find(&api, &name).await?;
            let patch = Node::parse(&text(request).await?);
            let patch = patch.map_err(|e| Failure::Request(format!("yaml: {e}")))?;
            let mut config = source(&api, &stream).await?;
            wire::merge(&mut config, patch.to_json());
            put(&api, stream, check(&config.to_string())?).await?;
        }
        Method::DELETE => {
            find(&api, &name).await?;
            api.coordinator.delete_stream(name, None).await?;
        }
        method => return Err(Failure::Request(format!("verb not supported: {method}"))),
    }
    Ok(StatusCode::OK.into_response())
}

/// Replaces a stream's config; that it is paused stays so.
async fn put(api: &Api, stream: StreamStatus, checked: Checked) -> Result<()> {
    let mut draft = checked.draft;
    draft.paused = stream.desired == Desired::Paused;
    let revision = Some(stream.revision);
    api.coordinator
        .put_stream(stream.name, draft, revision)
        .await?;
    Ok(())
}

/// `/streams/{id}/stats`: what it counted since it started where it runs, and for how long that is.
async fn stats(
    State(api): State<Api>,
    axum::extract::Path(id): axum::extract::Path<String>,
    request: Request,
) -> Result<Response> {
    if request.method() != Method::GET {
        return Err(Failure::Request(format!(
            "verb not supported: {}",
            request.method()
        )));
    }
    let stream = find(&api, &name(&id)?).await?;
    let counted = api.coordinator.stream_stats(&stream.name).await?;
    Ok(Json(wire::stats(counted.into(), state(&stream).1)).into_response())
}

async fn find(api: &Api, name: &StreamName) -> Result<StreamStatus> {
    let stream = api.coordinator.stream(name.clone()).await?;
    match stream.desired {
        Desired::Deleted => Err(Failure::NotFound),
        _ => Ok(stream),
    }
}

/// A stream's config as a value, with its `${}` still in it.
async fn source(api: &Api, stream: &StreamStatus) -> Result<Value> {
    let revision = Some(stream.revision);
    let name = stream.name.clone();
    let text = api.coordinator.definition(name, revision).await?.config;
    let node = Node::parse(&text).map_err(|e| Failure::Server(e.to_string()))?;
    Ok(node.to_json())
}

fn name(id: &str) -> Result<StreamName> {
    StreamName::new(id).map_err(|e| Failure::Request(e.to_string()))
}

async fn text(request: Request) -> Result<String> {
    let text = extract::text(request, &()).await;
    text.map_err(|_| Failure::Request("the body is too large or not text".into()))
}

fn check(text: &str) -> Result<Checked> {
    let errors: Vec<_> = draft::lint(text)
        .into_iter()
        .filter(|p| p.level == Level::Error)
        .collect();
    if let Some(why) = wire::untyped(&errors) {
        return Err(Failure::Request(why));
    }
    if !errors.is_empty() {
        return Err(Failure::Lint(errors.iter().map(wire::problem).collect()));
    }
    draft::check(text).map_err(|_| Failure::Request("the config can't be read".into()))
}
