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

#[tokio::test]
async fn a_plan_is_applied_whole_and_only_while_it_holds() {
    let server = Server::start().await;
    let streams = json!([{"name": "a", "config": CONFIG}, {"name": "b", "config": CONFIG}]);
    let plan = server
        .json("POST", "/api/v1/plan", json!({ "apply": streams }))
        .await
        .json();
    let pinned = json!({"apply": streams, "generation": plan["generation"], "paused": true});
    let answer = server.json("POST", "/api/v1/apply", pinned.clone()).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    assert_eq!(answer.json()["streams"][1]["name"], "b");
    let stream = server.get("/api/v1/streams/a").await.json();
    assert_eq!(stream["desired"], "paused", "{stream}");

    // The cluster has changed by that: the same plan holds no more, and nothing is made of it.
    let more =
        json!({"apply": [{"name": "c", "config": CONFIG}], "generation": plan["generation"]});
    let refused = server.json("POST", "/api/v1/apply", more).await;
    assert_eq!(refused.status, StatusCode::CONFLICT, "{}", refused.text);
    assert_eq!(refused.code(), "outdated");
    let missing = server.get("/api/v1/streams/c").await;
    assert_eq!(missing.status, StatusCode::NOT_FOUND);

    // All or none: a worker that isn't there spoils the rest. The same stream twice is changed twice.
    let half = json!({"apply": [{"name": "c", "config": CONFIG}], "drain": ["w9"]});
    let refused = server.json("POST", "/api/v1/apply", half).await;
    assert_eq!(refused.status, StatusCode::NOT_FOUND, "{}", refused.text);
    let missing = server.get("/api/v1/streams/c").await;
    assert_eq!(missing.status, StatusCode::NOT_FOUND);
    let other = CONFIG.replace("root = 1", "root = 2");
    let twice = json!({"apply": [{"name": "c", "config": CONFIG}, {"name": "c", "config": other}]});
    let answer = server.json("POST", "/api/v1/apply", twice).await;
    assert_eq!(
        answer.json()["streams"][1]["revision"],
        2,
        "{}",
        answer.text
    );
    let revisions = server.get("/api/v1/streams/c/revisions").await.json();
    assert_eq!(
        revisions["items"].as_array().map(Vec::len),
        Some(2),
        "{revisions}"
    );
}
