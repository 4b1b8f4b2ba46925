//! HTTP: servers and clients, against real ones.

use super::{Folder, free_port};
use crate::engine::{run_stream, start, wait_until};
use airtruct::engine::Outcome;
use axum::{
    Router,
    http::{HeaderMap, StatusCode},
    routing::any,
};
use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

/// A client that needs no TLS.
pub(super) async fn ask(method: &str, address: &str, path: &str, head: &str, body: &str) -> String {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let mut stream = tokio::net::TcpStream::connect(address)
        .await
        .expect("connected");
    let length = body.len();
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: test\r\nConnection: close\r\nContent-Length: {length}\r\n{head}\r\n{body}"
    );
    stream.write_all(request.as_bytes()).await.expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("an answer");
    answer
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_of_its_own_answers_what_the_stream_says() {
    let address = format!("127.0.0.1:{}", free_port());
    let stream = start(&format!(
        "input:
  http_server:
    address: '{address}'
    path: /post/{{who}}
    cors: {{enabled: true, allowed_origins: ['http://a.test']}}
    sync_response: {{status: '${{! @code.or(\"201\") }}', headers: {{X-Who: '${{! @who }}'}}}}
pipeline:
  processors: [{{mapping: 'root = content().uppercase()'}}]
output: {{sync_response: {{}}}}"
    ));
    wait_until(|| stream.is_input_connected()).await;
    let answer = ask(
        "POST",
        &address,
        "/post/me",
        "Origin: http://a.test\r\n",
        "hi",
    )
    .await;
    let answer = answer.to_lowercase();
    assert!(answer.starts_with("http/1.1 201 "), "{answer}");
    assert!(answer.contains("\r\nx-who: me\r\n"), "{answer}");
    assert!(
        answer.contains("\r\naccess-control-allow-origin: http://a.test\r\n"),
        "{answer}"
    );
    assert!(answer.ends_with("\r\n\r\nhi"), "{answer}");
    let parts = "--zz\r\n\r\na\r\n--zz\r\n\r\nb\r\n--zz--\r\n";
    let kind = "Content-Type: multipart/mixed; boundary=zz\r\n";
    let answer = ask("POST", &address, "/post/me", kind, parts).await;
    assert!(
        answer.contains("\r\n\r\nA\r\n--") && answer.contains("\r\n\r\nB\r\n--"),
        "{answer}"
    );
    for (method, path, status) in [("GET", "/post/me", 405), ("POST", "/post/", 404)] {
        let answer = ask(method, &address, path, "", "").await;
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status} ")),
            "{answer}"
        );
    }
    stream.stop();
    stream.wait().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn replies_from_behind_a_buffer_go_nowhere_and_paths_are_read_as_they_mean() {
    let address = format!("127.0.0.1:{}", free_port());
    let stream = start(&format!(
        "input: {{http_server: {{address: '{address}', path: '/in/{{n:[0-9]+}}'}}}}
buffer: {{memory: {{}}}}
output: {{sync_response: {{}}}}"
    ));
    wait_until(|| stream.is_input_connected()).await;
    for (path, status) in [
        ("/in/1", 200),
        ("/%69n/12", 200),
        ("/in/x", 404),
        ("/in//1", 301),
        ("/in/%zz", 400),
    ] {
        let answer = ask("POST", &address, path, "", "hi").await;
        let wanted = format!("HTTP/1.1 {status} ");
        assert!(answer.starts_with(&wanted), "{path}: {answer}");
        assert!(!answer.ends_with("hi"), "{answer}");
    }
    let kind = "Content-Type: multipart/mixed\r\n";
    let answer = ask("POST", &address, "/in/1", kind, "hi").await;
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
    stream.stop();
    assert_eq!(stream.wait().await, airtruct::engine::Outcome::Stopped);
}

/// Serves on a free port until the test ends; the URL of its root.
async fn serve(app: Router) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move { axum::serve(listener, app).await });
    format!("http://{address}/")
}

/// A server that fails twice, and then says what it was sent.
async fn flaky_server() -> (String, Arc<AtomicUsize>) {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = asked.clone();
    let answer = move |headers: HeaderMap, body: String| {
        let number = count.fetch_add(1, Ordering::Relaxed);
        let who = headers.get("authorization").and_then(|v| v.to_str().ok());
        let who = who.unwrap_or_default().to_owned();
        async move {
            match number {
                0 => (StatusCode::TOO_MANY_REQUESTS, String::new()),
                1 => (StatusCode::INTERNAL_SERVER_ERROR, "oops\n".into()),
                _ => (StatusCode::OK, format!("{who} {body}")),
            }
        }
    };
    let app = Router::new().route("/", any(answer));
    (serve(app).await, asked)
}

const PATIENT: &str =
    "retry_period: 1ms, basic_auth: {enabled: true, username: me, password: secret}";

#[tokio::test(flavor = "multi_thread")]
async fn a_client_tries_again_and_says_who_it_is() {
    let (folder, (url, asked)) = (Folder::new(), flaky_server().await);
    let to = folder.path("out");
    let config = format!(
        "input: {{read_until: {{check: 'true', input: {{http_client: {{url: '{url}', verb: POST, payload: x, {PATIENT}}}}}}}}}
output: {{file: {{path: '{to}'}}}}"
    );
    assert_eq!(run_stream(&config).await, Outcome::Completed);
    assert_eq!(folder.read("out"), "Basic bWU6c2VjcmV0 x\n");
    assert!(asked.load(Ordering::Relaxed) >= 3);
}

/// A server that hands out each number once, and takes its time; and how many it has handed out.
async fn slow_server() -> (String, Arc<AtomicUsize>) {
    let given = Arc::new(AtomicUsize::new(0));
    let count = given.clone();
    let answer = move || {
        let number = count.fetch_add(1, Ordering::Relaxed);
        async move {
            tokio::time::sleep(Duration::from_millis(30)).await;
            number.to_string()
        }
    };
    let app = Router::new().route("/", any(answer));
    (serve(app).await, given)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_a_client_waits_for_when_it_stops_is_not_lost() {
    let (folder, (url, given)) = (Folder::new(), slow_server().await);
    let to = folder.path("out");
    for run in 1..=3 {
        let stream = start(&format!(
            "input: {{http_client: {{url: '{url}'}}}}\noutput: {{file: {{path: '{to}'}}}}"
        ));
        wait_until(|| given.load(Ordering::Relaxed) >= 3 * run).await;
        stream.stop();
        stream.wait().await;
        let all: String = (0..given.load(Ordering::Relaxed))
            .map(|number| format!("{number}\n"))
            .collect();
        assert_eq!(folder.read("out"), all, "run {run}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_stops_does_not_try_again() {
    let stream = start(&format!(
        "input: {{http_client: {{url: 'http://127.0.0.1:{}/', retry_period: 1h}}}}\noutput: {{drop: {{}}}}",
        free_port()
    ));
    wait_until(|| stream.is_input_connected()).await;
    let begun = Instant::now();
    stream.stop();
    stream.wait().await;
    let took = begun.elapsed();
    assert!(took < Duration::from_secs(4), "it took {took:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_server_never_takes_fails_with_its_answer() {
    let (folder, (url, asked)) = (Folder::new(), flaky_server().await);
    let to = folder.path("out");
    let config = format!(
        "input: {{generate: {{count: 1, interval: '', mapping: 'root = \"x\"'}}}}
output:
  fallback:
    - http_client: {{url: '{url}', retries: 1, {PATIENT}}}
    - file: {{path: '{to}'}}
      processors: [{{mapping: 'root = @fallback_error'}}]"
    );
    assert_eq!(run_stream(&config).await, Outcome::Completed);
    let error = "HTTP request returned unexpected response code (500): 500 Internal Server Error, Error: oops";
    assert_eq!(folder.read("out"), format!("{url}: {error}\n"));
    assert_eq!(asked.load(Ordering::Relaxed), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_wait_for_those_who_ask() {
    let address = format!("127.0.0.1:{}", free_port());
    let stream = start(&format!(
        "input: {{generate: {{count: 3, interval: '', mapping: 'root = \"m%v\".format(counter())'}}}}
output: {{http_server: {{address: '{address}', timeout: 100ms}}}}"
    ));
    let first = ask("GET", &address, "/get", "", "").await;
    assert!(first.ends_with("\r\n\r\nm1"), "{first}");
    let rest = ask("GET", &address, "/get/stream", "", "").await;
    assert!(rest.contains("m2\n") && rest.contains("m3\n"), "{rest}");
    assert_eq!(stream.wait().await, Outcome::Completed);
}
