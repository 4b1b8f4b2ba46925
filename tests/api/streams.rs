//! `/api/v1/streams`.

use axum::http::StatusCode;
use serde_json::json;

use super::{STREAM, Server};

#[tokio::test]
async fn a_stream_is_defined_read_changed_and_deleted() {
    let server = Server::start().await;
    let made = server
        .yaml("POST", "/api/v1/streams?name=orders", STREAM)
        .await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    assert_eq!(made.header("location"), "/api/v1/streams/orders");
    assert_eq!(made.header("etag"), "\"1\"");
    assert_eq!(made.json()["outcome"], "created");

    let read = server.get("/api/v1/streams/orders").await.json();
    assert_eq!(read["config"], STREAM);
    assert_eq!(read["desired"], "active");
    assert_eq!(read["state"], "pending");
    assert_eq!(read["reason"], "there is no worker: start one");
    assert_eq!(read["shards"][0]["worker"], json!(null));
    assert!(read["since"].as_str().expect("a time").ends_with('Z'));

    let again = server
        .yaml("POST", "/api/v1/streams?name=orders", STREAM)
        .await;
    assert_eq!(
        (again.status, again.code().as_str()),
        (StatusCode::CONFLICT, "exists")
    );

    let same = server.yaml("PUT", "/api/v1/streams/orders", STREAM).await;
    assert_eq!(same.status, StatusCode::OK);
    assert_eq!(
        (same.json()["outcome"].as_str(), same.header("etag")),
        (Some("unchanged"), "\"1\"")
    );

    let other = STREAM.replace("root.n = 1", "root.n = 2");
    let changed = server.yaml("PUT", "/api/v1/streams/orders", &other).await;
    assert_eq!(
        (changed.json()["outcome"].as_str(), changed.header("etag")),
        (Some("replaced"), "\"2\"")
    );

    let patched = server
        .json("PATCH", "/api/v1/streams/orders", json!({"shards": 3}))
        .await;
    assert_eq!(
        patched.json()["shards"].as_array().map(Vec::len),
        Some(3),
        "{}",
        patched.text
    );

    // A range is kept as it was given; the number that is in it stays.
    let ranged = server
        .json(
            "PATCH",
            "/api/v1/streams/orders",
            json!({"shards": {"min": 2, "max": 5}}),
        )
        .await
        .json();
    assert_eq!(
        ranged["scaling"],
        json!({"min": 2, "max": 5, "shards": 3, "backlog": null}),
        "{ranged}"
    );
    let kept = server
        .get("/api/v1/streams/orders/revisions/2")
        .await
        .json();
    assert_eq!(kept["shards"], json!({"min": 2, "max": 5}), "{kept}");
    let explained = server.get("/api/v1/streams/orders/explain").await.json();
    assert_eq!(
        explained["scaling"],
        "3 shards of 2 to 5; the number stays while not all of them run"
    );
    let metrics = server.get("/metrics").await.text;
    assert!(
        metrics.contains("airtruct_stream_shards{stream=\"orders\"} 3"),
        "{metrics}"
    );
    for (shards, problem) in [
        (json!({"min": 5, "max": 2}), "max must not be less than min"),
        (json!({"min": 0, "max": 2}), "can't have 0 to 2 shards"),
        (json!("many"), "a number of shards or a range such as"),
    ] {
        let body = json!({ "shards": shards });
        let refused = server.json("PATCH", "/api/v1/streams/orders", body).await;
        assert!(
            refused.status.is_client_error() && refused.text.contains(problem),
            "{}",
            refused.text
        );
    }
    let yaml = format!("shards: {{ min: 4, max: 6 }}\n{other}");
    let put = server
        .yaml("PUT", "/api/v1/streams/orders", &yaml)
        .await
        .json();
    assert_eq!(put["scaling"]["shards"], 4, "{put}");

    let deleted = server
        .call("DELETE", "/api/v1/streams/orders", &[], "")
        .await;
    assert_eq!(deleted.status, StatusCode::ACCEPTED);
    // Nothing of it runs, so it is gone at once or in a moment.
    let mut changes = server.handle.changes();
    while server.get("/api/v1/streams/orders").await.status != StatusCode::NOT_FOUND {
        changes.changed().await.expect("the coordinator runs");
    }
}

#[tokio::test]
async fn json_says_more_than_the_config() {
    let server = Server::start().await;
    let body = json!({"name": "a", "config": format!("shards: 2\n{STREAM}"), "requires": {"zone": "b"}, "paused": true});
    let made = server.json("POST", "/api/v1/streams", body).await.json();
    assert_eq!(made["desired"], "paused", "{made}");
    assert_eq!(made["state"], "paused");
    assert_eq!(made["requires"], json!({"zone": "b"}));
    let resumed = server
        .call("POST", "/api/v1/streams/a/resume", &[], "")
        .await
        .json();
    assert_eq!(resumed["desired"], "active");
    assert_eq!(resumed["shards"].as_array().map(Vec::len), Some(2));
    let named = server
        .yaml("POST", "/api/v1/streams", &format!("name: own\n{STREAM}"))
        .await;
    assert_eq!(named.json()["name"], "own");
    let nameless = server.yaml("POST", "/api/v1/streams", STREAM).await;
    assert_eq!(
        (nameless.status, nameless.code().as_str()),
        (StatusCode::BAD_REQUEST, "invalid")
    );
}

#[tokio::test]
async fn changes_are_guarded_by_the_etag() {
    let server = Server::start().await;
    server.yaml("PUT", "/api/v1/streams/a", STREAM).await;
    let other = STREAM.replace("root.n = 1", "root.n = 2");
    let yaml = "content-type: application/yaml";
    for (headers, wanted) in [
        (
            vec![yaml, "if-match: \"7\""],
            StatusCode::PRECONDITION_FAILED,
        ),
        (
            vec![yaml, "if-none-match: *"],
            StatusCode::PRECONDITION_FAILED,
        ),
        (vec![yaml, "if-match: x"], StatusCode::BAD_REQUEST),
        (vec![yaml, "if-match: \"1\""], StatusCode::OK),
        (
            vec![yaml, "if-match: \"1\""],
            StatusCode::PRECONDITION_FAILED,
        ),
    ] {
        let answer = server
            .call("PUT", "/api/v1/streams/a", &headers, &other)
            .await;
        assert_eq!(answer.status, wanted, "{headers:?}: {}", answer.text);
    }
    let missing = server
        .call("PUT", "/api/v1/streams/b", &[yaml, "if-match: *"], STREAM)
        .await;
    assert_eq!(missing.status, StatusCode::PRECONDITION_FAILED);
    for (method, path) in [
        ("DELETE", "/api/v1/streams/a"),
        ("POST", "/api/v1/streams/a/restart"),
    ] {
        let answer = server.call(method, path, &["if-match: \"1\""], "").await;
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (StatusCode::PRECONDITION_FAILED, "changed")
        );
    }
}

#[tokio::test]
async fn revisions_are_kept_and_come_back() {
    let server = Server::start().await;
    for n in 1..=3 {
        let config = STREAM.replace("root.n = 1", &format!("root.n = {n}"));
        server.yaml("PUT", "/api/v1/streams/a", &config).await;
    }
    let listed = server.get("/api/v1/streams/a/revisions").await.json();
    let numbers: Vec<u64> = listed["items"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|r| r["revision"].as_u64())
        .collect();
    assert_eq!(numbers, [3, 2, 1]);
    let first = server.get("/api/v1/streams/a/revisions/1").await.json();
    assert_eq!(first["config"], STREAM);
    let back = server
        .json("POST", "/api/v1/streams/a/rollback", json!({"revision": 1}))
        .await;
    assert_eq!(
        (back.status, back.header("etag")),
        (StatusCode::OK, "\"4\""),
        "{}",
        back.text
    );
    assert_eq!(
        server.get("/api/v1/streams/a").await.json()["config"],
        STREAM
    );
    let restarted = server
        .call("POST", "/api/v1/streams/a/restart", &[], "")
        .await;
    assert_eq!(restarted.header("etag"), "\"5\"");
    let missing = server
        .json(
            "POST",
            "/api/v1/streams/a/rollback",
            json!({"revision": 99}),
        )
        .await;
    assert_eq!(missing.status, StatusCode::NOT_FOUND, "{}", missing.text);
}

#[tokio::test]
async fn lists_come_in_pages_and_by_state() {
    let server = Server::start().await;
    for n in 0..5 {
        let paused = if n == 4 { "?paused=true" } else { "" };
        server
            .yaml("PUT", &format!("/api/v1/streams/s{n}{paused}"), STREAM)
            .await;
    }
    let (mut names, mut path) = (Vec::new(), "/api/v1/streams?limit=2".to_owned());
    loop {
        let page = server.get(&path).await.json();
        let items = page["items"].as_array().expect("a list").clone();
        assert!(items.len() <= 2);
        names.extend(
            items
                .iter()
                .map(|s| s["name"].as_str().expect("a name").to_owned()),
        );
        match page["next"].as_str() {
            Some(next) => path = format!("/api/v1/streams?limit=2&after={next}"),
            None => break,
        }
    }
    assert_eq!(names, ["s0", "s1", "s2", "s3", "s4"]);
    let paused = server.get("/api/v1/streams?state=paused").await.json();
    assert_eq!(paused["items"].as_array().map(Vec::len), Some(1));
    let events = server.get("/api/v1/events?stream=s4").await.json();
    assert!(
        !events["items"].as_array().expect("a list").is_empty(),
        "{events}"
    );
}
