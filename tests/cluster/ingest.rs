//! Requests that reach a stream through the coordinator.

use std::time::Duration;

use airtruct::coordinator::{Draft, Error};
use axum::{body::Body, http::Request};

use super::{Cluster, stream};

const ECHO: &str = r#"
input:
  http_server:
    path: /post/{id}
    allowed_verbs: [POST]
    sync_response:
      headers: {x-echo: '${! meta("X-Told") }'}
pipeline:
  processors:
    - mapping: 'root = content().uppercase() + " " + meta("http_server_request_path") + " " + meta("q").or("")'
output:
  sync_response: {}
"#;

async fn post(cluster: &Cluster, path: &str, body: Body) -> Result<(u16, String, String), Error> {
    let request = Request::builder()
        .method("POST")
        .uri(path)
        .header("x-told", "again")
        .body(body)
        .expect("a request");
    let response = cluster.handle().ingest(stream("echo"), request).await?;
    let echo = response
        .headers()
        .get("x-echo")
        .map(|value| value.to_str().expect("text").to_owned());
    let status = response.status().as_u16();
    let body = axum::body::to_bytes(response.into_body(), 1 << 20)
        .await
        .expect("a body");
    Ok((
        status,
        echo.unwrap_or_default(),
        String::from_utf8_lossy(&body).into_owned(),
    ))
}

async fn create(cluster: &Cluster) {
    let draft = Draft {
        stateless: true,
        ..Draft::new(ECHO)
    };
    cluster
        .handle()
        .create_stream(stream("echo"), draft)
        .await
        .expect("a stream");
}

#[tokio::test(flavor = "multi_thread")]
async fn headers_query_and_body_reach_the_stream_and_its_answer_comes_back() {
    let cluster = Cluster::started().await;
    let _w1 = cluster.worker("w1");
    create(&cluster).await;
    // It waits for a stream that is about to run.
    let answer = post(&cluster, "/post/7?q=42", Body::from("hello"))
        .await
        .expect("an answer");
    assert_eq!(
        answer,
        (200, "again".to_owned(), "HELLO /post/7 42".to_owned())
    );
    assert_eq!(
        post(&cluster, "/other", Body::empty())
            .await
            .expect("an answer")
            .0,
        404
    );

    let chunks = futures::stream::iter(["a", "b", "c"].map(Ok::<_, std::io::Error>));
    let streamed = post(&cluster, "/post/7", Body::from_stream(chunks))
        .await
        .expect("an answer");
    assert_eq!(streamed.2, "ABC /post/7 ");

    let request = Request::new(Body::empty());
    let missing = cluster
        .handle()
        .ingest(stream("nobody"), request)
        .await
        .expect_err("no stream");
    assert!(matches!(missing, Error::NotFound { .. }), "{missing}");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_request_fails_while_its_stream_moves() {
    let cluster = Cluster::started().await;
    let w1 = cluster.worker("w1");
    create(&cluster).await;
    cluster.wait_running(1).await;
    let _w2 = cluster.worker("w2");
    cluster.wait_workers(2).await;
    w1.shutdown.stop();
    let leaves = w1.wait();
    tokio::pin!(leaves);
    let mut answers = 0;
    let mut has_left = false;
    while !has_left || answers < 20 {
        let answer = post(&cluster, "/post/1", Body::from("x"))
            .await
            .expect("an answer");
        assert_eq!(answer.0, 200, "{answer:?}");
        answers += 1;
        if !has_left
            && let Ok(left) = tokio::time::timeout(Duration::from_millis(1), &mut leaves).await
        {
            left.expect("it ends well");
            has_left = true;
        }
    }
    assert_eq!(cluster.counts().await, [("w2".to_owned(), 1)].into());
}
