//! Why a stream is where it is, and what a change would move.

use axum::http::StatusCode;
use serde_json::json;

use super::Server;

const CONFIG: &str = "input: {generate: {mapping: 'root = 1'}}\noutput: {drop: {}}\n";

#[tokio::test]
async fn a_stream_without_workers_is_explained_with_what_would_help() {
    let server = Server::start().await;
    let yaml = ["content-type: application/yaml"];
    let put = server.call("PUT", "/api/v1/streams/s", &yaml, CONFIG).await;
    assert!(put.status.is_success(), "{}", put.text);
    let answer = server.get("/api/v1/streams/s/explain").await.json();
    assert_eq!(answer["shards"][0]["hold"], "no_worker", "{answer}");
    assert_eq!(answer["summary"], "no worker has come");
    assert!(answer["shards"][0]["help"][0].is_string());
    let missing = server.get("/api/v1/streams/nope/explain").await;
    assert_eq!(missing.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_plan_tells_what_would_move_and_changes_nothing() {
    let server = Server::start().await;
    let request = json!({"apply": [{"name": "s", "config": CONFIG}]});
    let plan = server
        .json("POST", "/api/v1/plan", request.clone())
        .await
        .json();
    assert_eq!(plan["moves"][0]["stream"], "s", "{plan}");
    assert!(plan["moves"][0]["to"].is_null());
    assert_eq!(plan["settled"], true);
    let again = server.json("POST", "/api/v1/plan", request).await.json();
    assert_eq!(plan["generation"], again["generation"]);
    let unknown = server
        .json("POST", "/api/v1/plan", json!({"drain": ["w9"]}))
        .await;
    assert_eq!(unknown.status, StatusCode::NOT_FOUND);
    let wrong = json!({"apply": [{"name": "s", "config": "input: {nope: {}}"}]});
    let wrong = server.json("POST", "/api/v1/plan", wrong).await;
    assert_eq!(wrong.code(), "invalid_config");
}
