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

/// Serves what `answer` makes of each request's number and text, byte for byte, one request for each connection; and the requests so far.
async fn raw_server(
    answer: impl Fn(usize, &str) -> String + Send + 'static,
) -> (String, Arc<std::sync::Mutex<Vec<String>>>) {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port");
    let address = listener.local_addr().expect("an address");
    let asked = Arc::new(std::sync::Mutex::new(Vec::new()));
    let requests = asked.clone();
    tokio::spawn(async move {
        for number in 0.. {
            let (mut stream, _) = listener.accept().await.expect("a connection");
            let (mut request, mut chunk) = (String::new(), [0; 65536]);
            while !is_whole(&request) {
                let read = stream.read(&mut chunk).await.expect("a request");
                assert!(read > 0, "a request breaks off: {request}");
                request += &String::from_utf8_lossy(&chunk[..read]);
            }
            let answer = answer(number, &request);
            requests.lock().expect("no panic").push(request);
            stream.write_all(answer.as_bytes()).await.expect("answered");
        }
    });
    (format!("http://{address}"), asked)
}

/// Whether a request has all of its body.
fn is_whole(request: &str) -> bool {
    let Some((head, body)) = request.split_once("\r\n\r\n") else {
        return false;
    };
    let length = head
        .to_lowercase()
        .lines()
        .find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
    body.len() >= length.unwrap_or(0)
}

fn answer(status: &str, head: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {length}\r\n{head}\r\n{body}"
    )
}

/// What a stream of `http` processors makes of `a` and `b`, a batch: contents, errors, and a header.
async fn asked_about(url: &str, settings: &str) -> String {
    let folder = Folder::new();
    let to = folder.path("out");
    let config = format!(
        "input:
  generate:
    count: 2
    batch_size: 2
    interval: ''
    mapping: |
      root = if counter() == 1 {{ \"a\" }} else {{ \"b\" }}
      meta \"Content-Length\" = \"99\"
      meta k = \"v\"
pipeline:
  processors:
    - http: {{url: '{url}/x', retry_period: 1ms, retries: 2, {settings}}}
    - mapping: 'root = [content().string(), error(), metadata(\"x-l\")]'
output: {{file: {{path: '{to}'}}}}"
    );
    assert_eq!(run_stream(&config).await, Outcome::Completed);
    folder.read("out")
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_become_messages_or_errors_by_what_they_are() {
    let parts = "Content-Type: multipart/mixed; boundary=zz\r\n";
    let two = "--zz\r\n\r\n1\r\n--zz\r\n\r\n2--zz\r\n--zz--\r\n";
    let lists = "X-L: 1\r\nX-L: 2\r\n";
    let extract = "extract_headers: {include_prefixes: [x-]}";
    let cut = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc".to_owned();
    for (settings, reply, wanted) in [
        (
            "",
            answer("200 OK", parts, two),
            r#"["1",null,null]|["2--zz",null,null]|["1",null,null]|["2--zz",null,null]"#,
        ),
        (
            "parallel: true",
            answer("200 OK", parts, two),
            r#"["a","unexpected response size: 2",null]|["b","unexpected response size: 2",null]"#,
        ),
        (
            "",
            answer("200 OK", parts, "--zz--"),
            r#"["a","HTTP response from 'URL/x' was empty",null]|["b","HTTP response from 'URL/x' was empty",null]"#,
        ),
        (
            "batch_as_multipart: true",
            answer("200 OK", parts, "--zz\r\n"),
            r#"["a","unexpected EOF",null]|["b","unexpected EOF",null]"#,
        ),
        (
            extract,
            answer("200 OK", lists, "c"),
            r#"["c",null,["1","2"]]|["c",null,["1","2"]]"#,
        ),
        (
            "",
            cut,
            r#"["a","unexpected EOF",null]|["b","unexpected EOF",null]"#,
        ),
        (
            "",
            String::new(),
            r#"["a","URL/x: Post \"URL/x\": EOF",null]|["b","URL/x: Post \"URL/x\": EOF",null]"#,
        ),
        (
            "drop_on: [500]",
            answer("500 Own Words", "", "no\n"),
            r#"["a","URL/x: HTTP request returned unexpected response code (500): 500 Own Words, Error: no",null]|["b","URL/x: HTTP request returned unexpected response code (500): 500 Own Words, Error: no",null]"#,
        ),
        (
            "follow_redirects: false",
            answer("302 Found", "Location: /y\r\n", "r"),
            r#"["r",null,null]|["r",null,null]"#,
        ),
        (
            "successful_on: [404], drop_on: [404]",
            answer("404 Not Found", "", ""),
            r#"["a","URL/x: HTTP request returned unexpected response code (404): 404 Not Found, Error: ",null]|["b","URL/x: HTTP request returned unexpected response code (404): 404 Not Found, Error: ",null]"#,
        ),
    ] {
        let (url, _) = raw_server(move |_, _| reply.clone()).await;
        let got = asked_about(&url, settings).await;
        let got = got.trim_end().replace('\n', "|").replace(&url, "URL");
        assert_eq!(got, wanted, "{settings}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_are_made_anew_for_each_attempt_of_each_message() {
    let reply = |number, _: &str| match number {
        0 => answer("503 Later", "", ""),
        _ => answer("200 OK", "", "ok"),
    };
    let (url, asked) = raw_server(reply).await;
    let headers = "verb: PUT, payload: '', headers: {X-N: '${! count(\"attempts_of_requests\") } ${! batch_index() }'}, metadata: {include_patterns: [.]}";
    let got = asked_about(&url, headers).await;
    assert_eq!(got, "[\"ok\",null,null]\n[\"ok\",null,null]\n");
    let asked = asked.lock().expect("no panic");
    for (request, number) in asked.iter().zip(1..) {
        let request = request.to_lowercase();
        assert!(request.starts_with("put /x "), "{request}");
        assert!(
            request.contains(&format!("\r\nx-n: {number} 0\r\n")),
            "{request}"
        );
        assert!(request.contains("\r\nk: v\r\n"), "{request}");
        // How long the body is, is no matter of metadata.
        assert!(request.contains("\r\ncontent-length: 0\r\n"), "{request}");
    }
    assert_eq!(asked.len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_of_tokens_may_take_credentials_in_the_form() {
    let reply = |_, request: &str| match request.split(' ').nth(1) {
        Some("/token") if request.to_lowercase().contains("\r\nauthorization:") => {
            answer("401 Unauthorized", "", "{}")
        }
        Some("/token") => answer("200 OK", "", r#"{"access_token":"t","expires_in":"3600"}"#),
        _ => answer("200 OK", "", "ok"),
    };
    let (url, asked) = raw_server(reply).await;
    let settings = format!(
        "headers: {{Authorization: mine}}, oauth2: {{enabled: true, client_key: 'k:1', client_secret: 's&', token_url: '{url}/token', endpoint_params: {{grant_type: [password], b: [x, y]}}}}"
    );
    let got = asked_about(&url, &settings).await;
    assert_eq!(got, "[\"ok\",null,null]\n[\"ok\",null,null]\n");
    let asked = asked.lock().expect("no panic");
    let [first, second, rest @ ..] = &asked[..] else {
        panic!("{asked:?}");
    };
    // base64 of `k%3A1:s%26`
    assert!(first.contains("Basic ayUzQTE6cyUyNg=="), "{first}");
    assert!(
        second.ends_with("\r\n\r\nb=x&b=y&client_id=k%3A1&client_secret=s%26&grant_type=password"),
        "{second}"
    );
    assert_eq!(rest.len(), 2);
    for request in rest {
        assert_eq!(request.matches("uthorization: ").count(), 1, "{request}");
        assert!(request.contains("uthorization: Bearer t\r\n"), "{request}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_of_a_server_have_what_their_messages_say() {
    let address = format!("127.0.0.1:{}", free_port());
    let stream = start(&format!(
        "input:
  http_server:
    address: '{address}'
    sync_response: {{status: '${{! @st.or(\"200\") }}', headers: {{}}, metadata_headers: {{include_prefixes: [r_]}}}}
pipeline:
  processors: [{{mutation: 'meta r_a = content()'}}]
output: {{sync_response: {{}}}}"
    ));
    wait_until(|| stream.is_input_connected()).await;
    let plain = ask("POST", &address, "/post", "", "hi")
        .await
        .to_lowercase();
    assert!(
        plain.contains("\r\ncontent-type: text/plain; charset=utf-8\r\n"),
        "{plain}"
    );
    assert!(plain.contains("\r\nr_a: hi\r\n"), "{plain}");
    let nothing = ask("POST", &address, "/post?st=204", "", "hi")
        .await
        .to_lowercase();
    assert!(nothing.starts_with("http/1.1 204 "), "{nothing}");
    assert!(!nothing.contains("\r\ncontent-length:"), "{nothing}");
    let parts = "--zz\r\n\r\na\r\n--zz\r\n\r\nb\r\n--zz--\r\n";
    let kind = "Content-Type: multipart/mixed; boundary=zz\r\n";
    let several = ask("POST", &address, "/post", kind, parts)
        .await
        .to_lowercase();
    assert!(several.contains("\r\nr_a: b\r\n"), "{several}");
    let wrong = ask("POST", &address, "/post", "Content-Type: a b\r\n", "hi").await;
    assert!(wrong.starts_with("HTTP/1.1 400 "), "{wrong}");
    stream.stop();
    stream.wait().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_came_before_an_answer_broke_off_is_read() {
    let reply =
        |_, _: &str| "HTTP/1.1 200 OK\r\nContent-Length: 99\r\nX-Next: n\r\n\r\na\n\nb".to_owned();
    let (url, asked) = raw_server(reply).await;
    let folder = Folder::new();
    let to = folder.path("out");
    let config = format!(
        "input: {{read_until: {{check: 'count(\"broken_answers\") >= 3', input: {{http_client: {{url: '{url}/?${{! content() }}', stream: {{enabled: true}}}}}}}}}}
output: {{file: {{path: '{to}'}}}}"
    );
    assert_eq!(run_stream(&config).await, Outcome::Completed);
    assert_eq!(folder.read("out"), "a\nb\na\n");
    let asked = asked.lock().expect("no panic");
    assert!(asked[1].starts_with("GET /?b "), "{asked:?}");
}
