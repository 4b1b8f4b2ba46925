//! `/streams`: the cluster for tools that know streams mode.

use axum::http::StatusCode;
use serde_json::json;

use super::{STREAM, Server};

#[tokio::test]
async fn streams_are_made_read_changed_and_deleted_as_in_streams_mode() {
    let server = Server::start().await;
    let call = async |method: &str, path: &str, body: &str| {
        let answer = server.call(method, path, &[], body).await;
        (answer.status.as_u16(), answer.text)
    };
    let ok = (200, String::new());
    assert_eq!(call("GET", "/streams", "").await, (200, "{}".into()));
    assert_eq!(call("POST", "/streams/a", STREAM).await, ok);
    assert_eq!(
        call("POST", "/streams/a", STREAM).await,
        (400, "Stream already exists\n".into())
    );
    let read = server.get("/streams/a").await.json();
    assert_eq!(read["active"], false);
    assert_eq!(read["uptime_str"], "0s");
    assert_eq!(
        read["config"]["input"],
        json!({"generate": {"mapping": "root.n = 1"}})
    );
    assert_eq!(
        server.get("/streams/a/stats").await.json(),
        json!({"uptime_ns": 0})
    );
    assert_eq!(
        call(
            "PATCH",
            "/streams/a",
            "{\"input\": {\"generate\": {\"mapping\": \"root.n = 2\"}}}"
        )
        .await,
        ok
    );
    let both = server.get("/streams/a").await.json();
    assert_eq!(both["config"]["input"]["generate"]["mapping"], "root.n = 2");
    assert_eq!(both["config"]["output"], json!({"drop": {}}));
    assert_eq!(call("PUT", "/streams/a", STREAM).await, ok);
    // The same stream, seen the other way.
    assert_eq!(
        server.get("/api/v1/streams/a").await.json()["config"],
        STREAM
    );
    let (status, body) = call("PUT", "/streams/a", "output: {drop: {wat: 1}}").await;
    assert_eq!(status, 400);
    assert_eq!(
        body,
        "{\"lint_errors\":[\"(1,17) field wat not recognised\"]}"
    );
    let (status, body) = call("POST", "/streams", "{\"b\": {\"input\": {\"nope\": {}}}}").await;
    let want = "Error: (1,1) unable to infer input type from candidates: [nope]\n";
    assert_eq!((status, body.as_str()), (400, want));
    for (method, path) in [
        ("GET", "/streams/x"),
        ("PUT", "/streams/x"),
        ("PATCH", "/streams/x"),
        ("DELETE", "/streams/x"),
        ("GET", "/streams/x/stats"),
    ] {
        assert_eq!(
            call(method, path, STREAM).await,
            (404, "Stream not found\n".into()),
            "{method} {path}"
        );
    }
    assert_eq!(call("PATCH", "/streams", "").await.0, 400);
    assert_eq!(call("POST", "/streams/a", "").await.0, 400);
    let set = "{\"b\": {\"input\": {\"generate\": {\"mapping\": \"root = 1\"}}, \"output\": {\"drop\": {}}}}";
    assert_eq!(call("POST", "/streams", set).await, ok);
    let all = server.get("/streams").await.json();
    assert_eq!(
        all,
        json!({"b": {"active": false, "uptime": 0.0, "uptime_str": "0s"}})
    );
    assert_eq!(call("DELETE", "/streams/b", "").await, ok);
    assert_eq!(server.get("/streams").await.json(), json!({}));
}

#[tokio::test]
async fn web_pages_are_kept_away() {
    let server = Server::start().await;
    let page = ["origin: https://evil.example", "host: 127.0.0.1:1"];
    let answer = server.call("POST", "/streams/a", &page, STREAM).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
}
