//! The HTTP routes of the streams that run here, their metrics, and the pages of the worker itself.

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    Router,
    body::Body,
    extract::{Path, Request, State},
    http::{HeaderValue, StatusCode, Uri},
    response::{IntoResponse, Response},
    routing::{any, get},
};
use parking_lot::RwLock;

use crate::{
    engine::{HttpMux, not_found},
    ids::AssignmentId,
    telemetry::{metrics::Metrics, process},
};

/// Tells the coordinator that the stream is not here, and that nothing was read of the request.
const MOVED: &str = "x-airtruct-moved";

/// Who answers for which stream, shared by the loop and the servers.
#[derive(Clone, Default)]
pub(super) struct Routes(Arc<Inner>);

#[derive(Default)]
struct Inner {
    streams: RwLock<BTreeMap<String, Vec<Entry>>>,
    metrics: RwLock<BTreeMap<(AssignmentId, u64), Metrics>>,
}

struct Entry {
    id: AssignmentId,
    run: u64,
    mux: HttpMux,
    /// Whether it is connected and goes on: only then a path that it does not know is a wrong one.
    is_whole: bool,
}

impl Routes {
    pub(super) fn add(&self, id: &AssignmentId, run: u64, mux: HttpMux, metrics: Metrics) {
        let name = id.shard.stream.to_string();
        let entry = Entry {
            id: id.clone(),
            run,
            mux,
            is_whole: false,
        };
        self.0.streams.write().entry(name).or_default().push(entry);
        self.0.metrics.write().insert((id.clone(), run), metrics);
    }

    pub(super) fn remove(&self, id: &AssignmentId, run: u64) {
        let mut streams = self.0.streams.write();
        if let Some(entries) = streams.get_mut(id.shard.stream.as_str()) {
            entries.retain(|entry| entry.id != *id || entry.run != run);
            if entries.is_empty() {
                streams.remove(id.shard.stream.as_str());
            }
        }
        self.0.metrics.write().remove(&(id.clone(), run));
    }

    /// Notes whether a run is connected and goes on. While it starts or drains its routes come and go.
    pub(super) fn set_whole(&self, id: &AssignmentId, run: u64, is_whole: bool) {
        let mut streams = self.0.streams.write();
        let entries = streams.get_mut(id.shard.stream.as_str());
        for entry in entries.into_iter().flatten() {
            if entry.id == *id && entry.run == run {
                entry.is_whole = is_whole;
            }
        }
    }

    /// The newest run of a stream.
    fn find(&self, stream: &str) -> Option<HttpMux> {
        let streams = self.0.streams.read();
        streams.get(stream)?.last().map(|entry| entry.mux.clone())
    }

    /// Whether a stream's newest run is connected and goes on.
    fn is_whole(&self, stream: &str) -> bool {
        let streams = self.0.streams.read();
        let newest = streams.get(stream).and_then(|entries| entries.last());
        newest.is_some_and(|entry| entry.is_whole)
    }

    /// What the shards of a stream that run here have counted.
    fn stats(&self, stream: &str) -> serde_json::Value {
        let mut all = serde_json::Map::new();
        for ((id, _), metrics) in self.0.metrics.read().iter() {
            if id.shard.stream.as_str() == stream
                && let serde_json::Value::Object(counted) = metrics.json()
            {
                all.extend(counted);
            }
        }
        all.into()
    }

    /// What the coordinator and others ask of this worker over HTTP: `/ingest/{stream}/...`, `/streams/{stream}/stats`.
    pub(super) fn ingest(&self) -> Router {
        let stats = async |State(routes): State<Routes>, Path(stream): Path<String>| {
            axum::Json(routes.stats(&stream))
        };
        Router::new()
            .route("/streams/{stream}/stats", get(stats))
            .route("/ingest/{stream}", any(ingest))
            .route("/ingest/{stream}/", any(ingest))
            .route("/ingest/{stream}/{*path}", any(ingest))
            .with_state(self.clone())
    }

    /// The worker's own port: its streams' routes, health and metrics. `is_ready` tells whether a coordinator is heard.
    pub(super) fn pages(&self, is_ready: Arc<dyn Fn() -> bool + Send + Sync>) -> Router {
        let routes = self.clone();
        let ready = move || {
            let (code, status, reason) = match is_ready() {
                true => (StatusCode::OK, "ok", "a coordinator is heard"),
                false => (
                    StatusCode::SERVICE_UNAVAILABLE,
                    "unavailable",
                    "no coordinator is heard",
                ),
            };
            let body = serde_json::json!({
                "status": status,
                "role": "worker",
                "version": env!("CARGO_PKG_VERSION"),
                "reason": reason,
            });
            async move { (code, axum::Json(body)) }
        };
        let live = || async { axum::Json(serde_json::json!({ "status": "ok" })) };
        self.ingest()
            .route("/health/live", get(live))
            .route("/health/ready", get(ready.clone()))
            .route("/health", get(ready))
            .route(
                "/metrics",
                get(move || {
                    let text = routes.prometheus() + &process::prometheus();
                    async move { ([("content-type", "text/plain; version=0.0.4")], text) }
                }),
            )
    }

    /// The metrics of all streams in one text: each family's head once, then the lines of every stream.
    fn prometheus(&self) -> String {
        let mut families: BTreeMap<String, (String, String)> = BTreeMap::new();
        for metrics in self.0.metrics.read().values() {
            let text = metrics.prometheus(None);
            let mut family = String::new();
            for line in text.lines() {
                if let Some(head) = line.strip_prefix("# HELP ") {
                    family = head.split(' ').next().unwrap_or_default().to_owned();
                    let entry = families.entry(family.clone()).or_default();
                    entry.0 = format!("{line}\n");
                } else if line.starts_with('#') {
                    let entry = families.entry(family.clone()).or_default();
                    entry.0.push_str(line);
                    entry.0.push('\n');
                } else {
                    let entry = families.entry(family.clone()).or_default();
                    entry.1.push_str(line);
                    entry.1.push('\n');
                }
            }
        }
        families
            .into_values()
            .map(|(head, lines)| head + &lines)
            .collect()
    }
}

/// A request for a stream, with the path as the stream's own components name it.
async fn ingest(
    State(routes): State<Routes>,
    Path(params): Path<BTreeMap<String, String>>,
    mut request: Request,
) -> Response {
    let stream = params.get("stream").map(String::as_str).unwrap_or_default();
    let whole = request
        .uri()
        .path_and_query()
        .map_or("/", |path| path.as_str());
    // `/ingest/`, then the stream's name as it was written, then what is the stream's own.
    let rest = whole.trim_start_matches("/ingest/");
    let at = rest.find(['/', '?']).unwrap_or(rest.len());
    let own = match &rest[at..] {
        own if own.starts_with('/') => own.to_owned(),
        own => format!("/{own}"),
    };
    match own.parse::<Uri>() {
        Ok(uri) => *request.uri_mut() = uri,
        Err(error) => return (StatusCode::BAD_REQUEST, error.to_string()).into_response(),
    }
    let Some(mux) = routes.find(stream) else {
        return moved(stream);
    };
    let answered = mux.try_call(request.map(Body::new)).await;
    // Asked only now: one that begins to drain is not whole before its routes go.
    answered.unwrap_or_else(|| match routes.is_whole(stream) {
        true => not_found(),
        false => moved(stream),
    })
}

/// The answer that makes whoever asked look for the stream elsewhere.
fn moved(stream: &str) -> Response {
    let text = format!("the stream `{stream}` does not run on this worker\n");
    let mut response = (StatusCode::SERVICE_UNAVAILABLE, text).into_response();
    response
        .headers_mut()
        .insert(MOVED, HeaderValue::from_static("1"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::{Epoch, ShardId, StreamName};
    use tower::ServiceExt;

    fn id(stream: &str, epoch: u64) -> AssignmentId {
        AssignmentId {
            shard: ShardId::new(StreamName::new(stream).expect("a name"), 0),
            epoch: Epoch(epoch),
        }
    }

    #[tokio::test]
    async fn a_stream_answers_below_its_name_with_path_and_query() {
        let routes = Routes::default();
        let mux = HttpMux::default();
        let _route = mux.route(
            "/post/{x}",
            "",
            Arc::new(|call| {
                let text = format!("{} {:?}", call.request.uri(), call.params);
                Box::pin(async move { Response::new(Body::from(text)) })
            }),
        );
        routes.add(&id("s", 1), 1, mux, Metrics::off());
        let call = async |path: &str| {
            let request = Request::builder()
                .uri(path)
                .body(Body::empty())
                .expect("a request");
            let response = routes.ingest().oneshot(request).await.expect("an answer");
            let moved = response.headers().contains_key(MOVED);
            let status = response.status().as_u16();
            let body = axum::body::to_bytes(response.into_body(), 1_000)
                .await
                .expect("a body");
            (status, moved, String::from_utf8_lossy(&body).into_owned())
        };
        let (status, _, text) = call("/ingest/s/post/a%20b?c=d").await;
        assert_eq!(
            (status, text.as_str()),
            (200, "/post/a%20b?c=d [(\"x\", \"a b\")]")
        );
        let (status, moved, _) = call("/ingest/s").await;
        assert_eq!((status, moved), (503, true), "it may still get that route");
        routes.set_whole(&id("s", 1), 1, true);
        assert_eq!(call("/ingest/s").await.0, 404);
        let (status, moved, _) = call("/ingest/other/post/x").await;
        assert_eq!((status, moved), (503, true));
        routes.remove(&id("s", 1), 1);
        assert!(call("/ingest/s/post/a").await.1);
    }

    #[test]
    fn the_metrics_of_two_streams_are_one_text() {
        let routes = Routes::default();
        for name in ["a", "b"] {
            let metrics = Metrics::new(vec![("stream".to_owned(), name.to_owned())], None);
            metrics.counter("input_received", &[]).add(1);
            routes.add(&id(name, 1), 1, HttpMux::default(), metrics);
        }
        assert_eq!(
            routes.stats("a"),
            serde_json::json!({ "input_received{stream=\"a\"}": 1 })
        );
        let text = routes.prometheus();
        assert_eq!(
            text.matches("# TYPE input_received counter").count(),
            1,
            "{text}"
        );
        assert!(text.contains("input_received{stream=\"a\"} 1\n"), "{text}");
        assert!(text.contains("input_received{stream=\"b\"} 1\n"), "{text}");
    }
}
