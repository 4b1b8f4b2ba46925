//! `/health/live`, `/health/ready`, `/health` and `/metrics` of a coordinator.

use axum::{
    Json, Router,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use serde_json::json;
use std::fmt::Write;

use super::{Api, error::Result};
use crate::{
    coordinator::{Role, ScalingStatus},
    telemetry::process,
};

pub(super) fn routes() -> Router<Api> {
    Router::new()
        .route("/health/live", get(live))
        .route("/health/ready", get(ready))
        .route("/health", get(health))
        .route("/metrics", get(metrics))
}

/// It answers, so it lives.
async fn live() -> Response {
    Json(json!({ "status": "ok" })).into_response()
}

async fn ready(State(api): State<Api>) -> Response {
    let readiness = api.coordinator.readiness().await;
    let (code, status) = status(readiness.ready);
    (
        code,
        Json(json!({ "status": status, "reason": readiness.reason })),
    )
        .into_response()
}

async fn health(State(api): State<Api>) -> Response {
    let readiness = api.coordinator.readiness().await;
    let (code, status) = status(readiness.ready);
    let count = |n: Option<usize>| n.map_or(json!(null), |n| json!(n));
    let body = json!({
        "status": status,
        "role": "coordinator",
        "version": env!("CARGO_PKG_VERSION"),
        "checks": { "coordinator": { "status": status, "reason": readiness.reason } },
        "workers": count(api.coordinator.workers().await.ok().map(|w| w.len())),
        "streams": count(api.coordinator.streams().await.ok().map(|s| s.len())),
    });
    (code, Json(body)).into_response()
}

fn status(ready: bool) -> (StatusCode, &'static str) {
    match ready {
        true => (StatusCode::OK, "ok"),
        false => (StatusCode::SERVICE_UNAVAILABLE, "unavailable"),
    }
}

/// Prometheus' text format: what the coordinator counts, its process, and the cluster as it is now.
async fn metrics(State(api): State<Api>) -> Result<Response> {
    let mut text = api.coordinator.metrics().prometheus(None);
    text.push_str(&process::prometheus());
    cluster(&api, &mut text).await;
    let content_type = (
        header::CONTENT_TYPE,
        "text/plain; version=0.0.4; charset=utf-8",
    );
    Ok(([content_type], text).into_response())
}

/// Appends what the coordinator's own counters don't say of the cluster; one that doesn't lead knows nothing of it.
async fn cluster(api: &Api, out: &mut String) {
    if !matches!(api.coordinator.role(), Role::Leading { .. }) {
        return;
    }
    let (Ok(workers), Ok(streams)) = (
        api.coordinator.workers().await,
        api.coordinator.streams().await,
    ) else {
        return;
    };
    let states = super::streams::STATES.iter().map(|state| {
        let count = streams.iter().filter(|s| s.state == *state).count();
        (format!("state=\"{}\"", state.as_str()), count as f64)
    });
    gauge(out, "airtruct_stream_states", "Streams by state", states);
    let open = workers
        .iter()
        .filter(|w| w.state == crate::cluster::WorkerState::Active);
    let assigned = workers.iter().map(|w| {
        let id = escape(w.id.as_str());
        (format!("worker=\"{id}\""), w.streams as f64)
    });
    gauge(
        out,
        "airtruct_worker_streams",
        "Shards that a worker has",
        assigned,
    );
    let capacity = workers.iter().filter_map(|w| {
        let id = escape(w.id.as_str());
        Some((format!("worker=\"{id}\""), f64::from(w.capacity?)))
    });
    gauge(
        out,
        "airtruct_worker_capacity",
        "The most shards that a worker takes, if it has a limit",
        capacity,
    );
    let shards = streams.iter().flat_map(|s| &s.shards);
    let wanted = shards.clone().count();
    let unplaced = shards
        .filter(|s| s.worker.is_none() && s.state == "pending")
        .count();
    gauge(
        out,
        "airtruct_shards",
        "Shards that are wanted or still run",
        [(String::new(), wanted as f64)],
    );
    gauge(
        out,
        "airtruct_shards_unplaced",
        "Shards that wait for a worker",
        [(String::new(), unplaced as f64)],
    );
    let scaled = |value: fn(&ScalingStatus) -> Option<f64>| {
        streams.iter().filter_map(move |s| {
            let value = value(s.scaling.as_ref()?)?;
            Some((format!("stream=\"{}\"", escape(s.name.as_str())), value))
        })
    };
    gauge(
        out,
        "airtruct_stream_shards",
        "Shards of a stream whose number of shards follows its backlog",
        scaled(|scaling| Some(f64::from(scaling.shards))),
    );
    gauge(
        out,
        "airtruct_stream_backlog",
        "Batches that a stream whose number of shards follows it has read and not yet dealt with",
        scaled(|scaling| scaling.backlog.map(|backlog| backlog as f64)),
    );
    let active = open.count().max(1) as f64;
    gauge(
        out,
        "airtruct_shards_per_worker",
        "Shards for each active worker, placed or not: what to scale by",
        [(String::new(), wanted as f64 / active)],
    );
}

fn gauge(
    out: &mut String,
    name: &str,
    help: &str,
    series: impl IntoIterator<Item = (String, f64)>,
) {
    let _ = writeln!(out, "# HELP {name} {help}\n# TYPE {name} gauge");
    for (labels, value) in series {
        let _ = match labels.is_empty() {
            true => writeln!(out, "{name} {value}"),
            false => writeln!(out, "{name}{{{labels}}} {value}"),
        };
    }
}

fn escape(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"")
}
