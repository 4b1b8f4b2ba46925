//! Metrics and logs that go where the config says.

use std::sync::{Arc, Mutex};

use axum::{Router, body::Bytes, http::HeaderMap, routing::put};

use super::{Folder, Process, program, wait_for};

/// A push gateway, as far as a client sees one: what was put where, by whom.
struct Gateway {
    address: String,
    puts: Arc<Mutex<Vec<(String, String)>>>,
    _runtime: tokio::runtime::Runtime,
}

impl Gateway {
    fn start() -> Gateway {
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        let puts: Arc<Mutex<Vec<(String, String)>>> = Arc::default();
        let seen = puts.clone();
        let answer = async move |headers: HeaderMap, body: Bytes| {
            let who = headers
                .get("authorization")
                .map(|v| v.to_str().unwrap_or_default());
            let text = String::from_utf8_lossy(&body).into_owned();
            let mut seen = seen.lock().expect("no test panics in it");
            seen.push((who.unwrap_or_default().to_owned(), text));
        };
        let routes = Router::new().route("/base/metrics/job/my%20job", put(answer));
        let listener = runtime
            .block_on(tokio::net::TcpListener::bind("127.0.0.1:0"))
            .expect("a port");
        let address = listener.local_addr().expect("its address").to_string();
        runtime.spawn(async move { axum::serve(listener, routes).await });
        Gateway {
            address,
            puts,
            _runtime: runtime,
        }
    }
}

#[test]
fn metrics_are_pushed_from_time_to_time_and_at_the_end() {
    let gateway = Gateway::start();
    let folder = Folder::new();
    let config = format!(
        "http: {{ enabled: false }}
input: {{ generate: {{ mapping: 'root.n = 1', interval: 20ms, count: 30 }} }}
output: {{ drop: {{}} }}
logger: {{ level: INFO, file: {{ path: stream.log, rotate: true, rotate_max_age_days: 1 }} }}
metrics:
  prometheus:
    push_url: http://{}/base
    push_interval: 50ms
    push_job_name: my job
    push_basic_auth: {{ username: u, password: p }}
",
        gateway.address
    );
    folder.write("stream.yaml", &config);
    let mut command = program(&folder);
    command.args(["run", "stream.yaml"]);
    let mut process = Process::start(&folder, "run", command);
    let status = process.wait();
    assert!(status.success(), "{status}");
    let puts = gateway.puts.lock().expect("no test panics in it").clone();
    assert!(puts.len() > 2, "{} pushes", puts.len());
    assert_eq!(puts[0].0, "Basic dTpw");
    let (_, last) = puts.last().expect("there are some");
    assert!(
        last.contains("input_received{label=\"\",path=\"root.input\"} 30"),
        "{last}"
    );
    wait_for("the log to be there", || {
        let log = std::fs::read_to_string(folder.join("stream.log")).ok()?;
        log.contains("Input type generate is now active")
            .then_some(())
    });
}
