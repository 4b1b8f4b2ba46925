//! The coordinator's REST interface, one file a resource.
//!
//! A handler takes what it needs from the request ([`extract`]), asks the coordinator's handle, and answers JSON; every error has
//! one shape ([`error`]). The OpenAPI document is made from the same declarations that route. A coordinator that follows
//! another passes requests about the cluster on to the one that leads.

mod assignments;
mod capacity;
mod cluster;
mod components;
mod draft;
mod error;
mod events;
mod explain;
mod extract;
mod guard;
mod health;
mod ingest;
mod server;
mod streams;
mod streams_mode;
mod validate;
mod workers;

use axum::{
    Router,
    extract::{DefaultBodyLimit, Request, State},
    http::{HeaderName, HeaderValue, StatusCode},
    middleware::{Next, from_fn_with_state},
    response::{IntoResponse, Response},
    routing::get,
};
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;

use crate::coordinator::{Draft, Handle, Role};

pub(crate) use guard::refusal_of;
pub use server::serve;

/// The stream that a config describes, checked as the API checks it; an error says in words what is wrong and where.
pub fn check_config(text: &str) -> anyhow::Result<Draft> {
    match draft::check(text) {
        Ok(checked) => Ok(checked.draft),
        Err(error) => anyhow::bail!("{}", error.message()),
    }
}

/// The largest body that the API takes; requests to streams (`/ingest`) have the stream's own limit.
pub const MAX_BODY_BYTES: usize = 4 * 1024 * 1024;

/// Marks a request that a follower has passed on, so that it is never passed on twice.
static FORWARDED: HeaderName = HeaderName::from_static("x-airtruct-forwarded");

/// What handlers share.
#[derive(Clone)]
pub(crate) struct Api {
    coordinator: Handle,
    /// Whether only this host can reach it.
    is_loopback: bool,
}

#[derive(OpenApi)]
#[openapi(
    info(
        title = "airtruct",
        description = "Streams, workers and assignments of a cluster. Lists are paged; errors have one shape; \
                       a stream's ETag is its revision and guards changes with If-Match. \
                       Tools written for Bento's streams mode find its requests at /streams, beside /api/v1."
    ),
    tags(
        (name = "streams", description = "What shall run, and how it goes"),
        (name = "workers", description = "Who runs it"),
        (name = "events", description = "What was decided, when and why"),
        (name = "components", description = "What configs may be made of"),
        (name = "cluster", description = "The coordinator itself"),
    )
)]
struct Document;

/// Everything that a coordinator answers over HTTP. `is_loopback` says that it is reached from this host only.
pub fn router(coordinator: Handle, is_loopback: bool) -> Router {
    let api = Api {
        coordinator,
        is_loopback,
    };
    let (of_cluster, of_binary, document) = parts();
    let of_cluster = of_cluster.layer(from_fn_with_state(api.clone(), to_leader));
    let document = axum::body::Bytes::from(document);
    let serve_document = move || {
        let json = (axum::http::header::CONTENT_TYPE, "application/json");
        std::future::ready(([json], document.clone()))
    };
    let v1 = of_cluster
        .merge(of_binary)
        .route("/openapi.json", get(serve_document))
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .layer(from_fn_with_state(api.clone(), guard::guard));
    let streams_mode = streams_mode::routes()
        .layer(from_fn_with_state(api.clone(), to_leader))
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .layer(from_fn_with_state(api.clone(), guard::guard));
    Router::new()
        .nest("/api/v1", v1)
        .merge(streams_mode)
        .merge(health::routes())
        .merge(ingest::routes().layer(from_fn_with_state(api.clone(), to_leader)))
        .fallback(not_found)
        .method_not_allowed_fallback(not_allowed)
        .with_state(api)
}

/// The OpenAPI document as it is served.
pub fn openapi() -> String {
    parts().2
}

/// The routes about the cluster, which only the leader can answer; those about this binary; and the document on both.
fn parts() -> (Router<Api>, Router<Api>, String) {
    let (of_cluster, cluster_paths) = OpenApiRouter::new()
        .merge(streams::routes())
        .merge(workers::routes())
        .merge(assignments::routes())
        .merge(events::routes())
        .merge(cluster::routes())
        .merge(capacity::routes())
        .merge(explain::routes())
        .split_for_parts();
    let (of_binary, binary_paths) = OpenApiRouter::new()
        .merge(components::routes())
        .merge(validate::routes())
        .split_for_parts();
    let paths = Document::openapi()
        .merge_from(cluster_paths)
        .merge_from(binary_paths);
    let mut document = utoipa::openapi::OpenApi::default().nest("/api/v1", paths.clone());
    document.info = paths.info;
    document.tags = paths.tags;
    let text = document
        .to_pretty_json()
        .expect("an OpenAPI document is JSON");
    (of_cluster, of_binary, text)
}

/// Has the coordinator that leads answer, if that is another one.
async fn to_leader(State(api): State<Api>, mut request: Request, next: Next) -> Response {
    let follows = matches!(api.coordinator.role(), Role::Following { .. });
    if !follows || request.headers().contains_key(&FORWARDED) {
        return next.run(request).await;
    }
    request
        .headers_mut()
        .insert(FORWARDED.clone(), HeaderValue::from_static("1"));
    // A nested router sees the path without its prefix; the leader needs all of it.
    if let Some(original) = request.extensions().get::<axum::extract::OriginalUri>() {
        *request.uri_mut() = original.0.clone();
    }
    match api.coordinator.forward_to_leader(request).await {
        Ok(response) => response,
        Err(error) => error::Error::from(error).into_response(),
    }
}

async fn not_found(request: Request) -> error::Error {
    let path = request.uri().path();
    error::Error::new(
        StatusCode::NOT_FOUND,
        "not_found",
        format!("there is nothing at {path}"),
    )
}

async fn not_allowed(request: Request) -> error::Error {
    let (method, path) = (request.method(), request.uri().path());
    let message = format!("{path} does not answer {method}");
    error::Error::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "method_not_allowed",
        message,
    )
}
