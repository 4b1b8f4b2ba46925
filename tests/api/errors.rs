//! What is wrong is said in one shape, with the place and the way out.

use axum::http::StatusCode;
use serde_json::json;

use super::{STREAM, Server};

#[tokio::test]
async fn every_error_has_the_same_shape() {
    let server = Server::start().await;
    let long = "x".repeat(5 << 20);
    for (method, path, body, status, code) in [
        ("GET", "/nowhere", "", StatusCode::NOT_FOUND, "not_found"),
        (
            "GET",
            "/api/v1/nowhere",
            "",
            StatusCode::NOT_FOUND,
            "not_found",
        ),
        (
            "PUT",
            "/api/v1/streams",
            "",
            StatusCode::METHOD_NOT_ALLOWED,
            "method_not_allowed",
        ),
        (
            "GET",
            "/api/v1/streams/none",
            "",
            StatusCode::NOT_FOUND,
            "not_found",
        ),
        (
            "GET",
            "/api/v1/streams/-bad",
            "",
            StatusCode::BAD_REQUEST,
            "invalid",
        ),
        (
            "GET",
            "/api/v1/streams?limit=0",
            "",
            StatusCode::BAD_REQUEST,
            "invalid",
        ),
        (
            "GET",
            "/api/v1/streams?limit=x",
            "",
            StatusCode::BAD_REQUEST,
            "invalid",
        ),
        (
            "PATCH",
            "/api/v1/streams/a",
            "{",
            StatusCode::BAD_REQUEST,
            "invalid",
        ),
        (
            "PATCH",
            "/api/v1/streams/a",
            "{\"wibble\":1}",
            StatusCode::BAD_REQUEST,
            "invalid",
        ),
        (
            "PUT",
            "/api/v1/streams/a",
            "a: [",
            StatusCode::UNPROCESSABLE_ENTITY,
            "invalid_config",
        ),
        (
            "PUT",
            "/api/v1/streams/a",
            long.as_str(),
            StatusCode::PAYLOAD_TOO_LARGE,
            "too_large",
        ),
        (
            "GET",
            "/api/v1/workers/none",
            "",
            StatusCode::NOT_FOUND,
            "not_found",
        ),
        (
            "POST",
            "/api/v1/workers/none/drain",
            "",
            StatusCode::NOT_FOUND,
            "not_found",
        ),
        (
            "GET",
            "/api/v1/components/input/none",
            "",
            StatusCode::NOT_FOUND,
            "not_found",
        ),
        (
            "POST",
            "/ingest/none/x",
            "",
            StatusCode::NOT_FOUND,
            "not_found",
        ),
    ] {
        let answer = server.call(method, path, &[], body).await;
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (status, code),
            "{method} {path}: {}",
            answer.text
        );
        let error = answer.json()["error"].clone();
        assert!(!error["message"].as_str().expect("a message").is_empty());
        assert!(error["problems"].is_array());
    }
}

#[tokio::test]
async fn a_config_error_has_a_place_and_a_hint() {
    let server = Server::start().await;
    let config = "input:\n  generatr:\n    mapping: root = 1\noutput:\n  drop: {}\n";
    let answer = server
        .json(
            "POST",
            "/api/v1/streams",
            json!({"name": "a", "config": config}),
        )
        .await;
    assert_eq!(
        answer.status,
        StatusCode::UNPROCESSABLE_ENTITY,
        "{}",
        answer.text
    );
    let problem = answer.json()["error"]["problems"][0].clone();
    assert_eq!(
        (problem["line"].as_u64(), problem["column"].as_u64()),
        (Some(2), Some(3)),
        "{problem}"
    );
    assert_eq!(problem["level"], "error");
    assert!(
        problem["message"]
            .as_str()
            .expect("a text")
            .contains("generate"),
        "{problem}"
    );

    let checked = server.yaml("POST", "/api/v1/validate", config).await;
    assert_eq!(checked.status, StatusCode::OK);
    assert_eq!(checked.json()["valid"], false);
    assert_eq!(checked.json()["problems"][0], problem);
    let fine = server
        .json("POST", "/api/v1/validate", json!({"config": STREAM}))
        .await
        .json();
    assert_eq!(fine, json!({"valid": true, "problems": []}));
}

#[tokio::test]
async fn a_variable_that_only_the_worker_knows_is_a_warning_at_most() {
    let server = Server::start().await;
    let config = STREAM.replace("root.n = 1", "root.n = 1\n    interval: ${PACE}");
    let checked = server
        .yaml("POST", "/api/v1/validate", &config)
        .await
        .json();
    assert_eq!(checked["valid"], true, "{checked}");
}

#[tokio::test]
async fn pages_of_other_sites_may_not_use_the_api() {
    let server = Server::start().await;
    for (headers, wanted) in [
        (vec!["host: 127.0.0.1:8080"], StatusCode::OK),
        (
            vec!["host: 127.0.0.1:8080", "origin: http://127.0.0.1:8080"],
            StatusCode::OK,
        ),
        (
            vec!["host: 127.0.0.1:8080", "origin: https://evil.example"],
            StatusCode::FORBIDDEN,
        ),
        (vec!["host: evil.example"], StatusCode::FORBIDDEN),
    ] {
        let answer = server.call("GET", "/api/v1/streams", &headers, "").await;
        assert_eq!(answer.status, wanted, "{headers:?}");
    }
}
