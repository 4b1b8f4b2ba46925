//! What the API says of workers, assignments, the cluster and its health when there is nobody.

use axum::http::StatusCode;
use serde_json::json;

use super::{STREAM, Server};

#[tokio::test]
async fn an_empty_cluster_answers() {
    let server = Server::start().await;
    for path in ["/api/v1/workers", "/api/v1/assignments", "/api/v1/streams"] {
        assert_eq!(
            server.get(path).await.json(),
            json!({"items": [], "next": null}),
            "{path}"
        );
    }
    let cluster = server.get("/api/v1/cluster").await.json();
    assert_eq!(
        (cluster["role"].as_str(), cluster["strategy"].as_str()),
        (Some("leading"), Some("least_loaded"))
    );
    let frozen = server
        .json(
            "POST",
            "/api/v1/cluster/freeze",
            json!({"reason": "maintenance"}),
        )
        .await;
    assert_eq!(frozen.json()["frozen"], "maintenance", "{}", frozen.text);
    let thawed = server
        .call("POST", "/api/v1/cluster/unfreeze", &[], "")
        .await;
    assert_eq!(thawed.json()["frozen"], json!(null));
}

#[tokio::test]
async fn health_and_metrics_are_told() {
    let server = Server::start().await;
    server.yaml("PUT", "/api/v1/streams/a", STREAM).await;
    for path in ["/health/live", "/health/ready", "/health"] {
        let answer = server.get(path).await;
        assert_eq!(
            (answer.status, answer.json()["status"].as_str()),
            (StatusCode::OK, Some("ok")),
            "{path}"
        );
    }
    let metrics = server.get("/metrics").await;
    assert!(metrics.header("content-type").starts_with("text/plain"));
    for line in [
        "airtruct_leading 1",
        "airtruct_workers{state=\"active\"} 0",
        "airtruct_stream_states{state=\"pending\"} 1",
        "airtruct_shards_unplaced 1",
    ] {
        assert!(
            metrics.text.lines().any(|l| l == line),
            "{line}:\n{}",
            metrics.text
        );
    }
    assert!(metrics.text.contains("process_resident_memory_bytes "));
    let mut families: Vec<&str> = metrics
        .text
        .lines()
        .filter(|l| l.starts_with("# TYPE "))
        .collect();
    families.sort_unstable();
    let count = families.len();
    families.dedup();
    assert_eq!(families.len(), count, "no family stands twice");
}
