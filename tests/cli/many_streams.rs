//! Many streams in one process, as Bento's streams mode runs them.

use super::{Folder, Process, client, program, wait_for};
use reqwest::Method;
use serde_json::Value as Json;

/// A process in streams mode, and where it listens.
struct Many {
    process: Process,
    runtime: tokio::runtime::Runtime,
    url: String,
}

impl Many {
    fn start(folder: &Folder, args: &[&str]) -> Many {
        let main = "http: {address: '127.0.0.1:0', debug_endpoints: true, basic_auth: {password_hash: abc}}\ncache_resources: [{label: shared, memory: {}}]\n";
        folder.write("main.yaml", main);
        let mut command = program(folder);
        command.args(["-c", "main.yaml", "streams"]).args(args);
        let process = Process::start(folder, "many", command);
        let url = wait_for("the process to listen", || {
            let text = process.output();
            let (_, rest) = text.split_once("Listening for HTTP requests at: ")?;
            Some(rest.split('"').next()?.to_owned())
        });
        Many {
            process,
            runtime: tokio::runtime::Runtime::new().expect("a runtime"),
            url,
        }
    }

    fn ask(&self, method: Method, path: &str, body: &str) -> (u16, String) {
        let request = client().request(method, format!("{}{path}", self.url));
        let request = request.body(body.to_owned());
        self.runtime.block_on(async {
            let response = request.send().await.expect("an answer");
            (
                response.status().as_u16(),
                response.text().await.expect("a body"),
            )
        })
    }

    fn get(&self, path: &str) -> Json {
        let (status, body) = self.ask(Method::GET, path, "");
        assert_eq!(status, 200, "{path}: {body}");
        serde_json::from_str(&body).expect("JSON")
    }

    fn stop(mut self) {
        self.process.signal(libc::SIGTERM);
        assert!(self.process.wait().success(), "{}", self.process.output());
    }
}

fn echo(operator: &str) -> String {
    format!(
        "input: {{http_server: {{path: /p}}}}
pipeline:
  processors:
    - cache: {{resource: shared, operator: {operator}, key: k, value: '${{! content() }}'}}
output: {{sync_response: {{}}}}
"
    )
}

#[test]
fn streams_of_a_folder_share_resources_and_each_lives_on_its_own() {
    let folder = Folder::new();
    folder.write("s/write.yaml", &echo("set"));
    folder.write("s/sub/read.yaml", &echo("get"));
    folder.write(
        "s/short.yaml",
        "input: {generate: {count: 1, interval: '', mapping: 'root = 1'}}\noutput: {drop: {}}\n",
    );
    folder.write("s/write_bento_test.yaml", "tests: []\n");
    let many = Many::start(&folder, &["s"]);
    wait_for("the streams to be ready", || {
        (many.ask(Method::GET, "/ready", "").0 == 200).then_some(())
    });
    wait_for("the short one to end", || {
        (many.get("/streams")["short"]["active"] == false).then_some(())
    });
    let all = many.get("/streams");
    assert_eq!(all.as_object().map(|a| a.len()), Some(3), "{all}");
    assert_eq!(all["sub_read"]["active"], true);
    assert_eq!(
        many.ask(Method::POST, "/write/p", "hello"),
        (200, "hello".into())
    );
    assert_eq!(
        many.ask(Method::POST, "/sub_read/p", "x"),
        (200, "hello".into())
    );
    let text = many.ask(Method::GET, "/metrics", "").1;
    assert!(
        text.contains("input_received{label=\"\",path=\"root.input\",stream=\"sub_read\"} 1"),
        "{text}"
    );
    many.stop();
}

#[test]
fn streams_are_made_changed_and_removed_by_request() {
    let folder = Folder::new();
    let many = Many::start(&folder, &[]);
    let (post, put) = (Method::POST, Method::PUT);
    let upper = "input: {http_server: {path: /p}}\npipeline: {processors: [{mapping: 'root = content().uppercase()'}]}\noutput: {sync_response: {}}\n";
    let ok = (200, String::new());
    assert_eq!(many.ask(post.clone(), "/streams/a", upper), ok);
    let (status, text) = many.ask(post.clone(), "/streams/a", upper);
    assert_eq!((status, text.as_str()), (400, "Stream already exists\n"));
    assert_eq!(many.ask(post.clone(), "/a/p", "hi"), (200, "HI".into()));
    // A config with a fault changes nothing, nor does one that can't be built.
    let (status, body) = many.ask(put.clone(), "/streams/a", "output: {drop: {wat: 1}}");
    assert_eq!(
        (status, body.contains("lint_errors")),
        (400, true),
        "{body}"
    );
    let (status, body) = many.ask(put.clone(), "/streams/a", "output: {switch: {cases: []}}");
    assert_eq!(status, 502, "{body}");
    assert_eq!(many.ask(post.clone(), "/a/p", "hi"), (200, "HI".into()));
    let patch = "{\"pipeline\": {\"processors\": [{\"mapping\": \"root = content().length()\"}]}}";
    assert_eq!(many.ask(Method::PATCH, "/streams/a", patch), ok);
    assert_eq!(many.ask(post.clone(), "/a/p", "hi"), (200, "2".into()));
    assert_eq!(
        many.get("/streams/a")["config"]["input"]["http_server"]["path"],
        "/p"
    );
    assert_eq!(
        many.get("/streams/a/stats")["input_received{label=\"\",path=\"root.input\",stream=\"a\"}"],
        1
    );
    // A resource takes the place of another, and who uses it goes on with the new one.
    assert_eq!(
        many.ask(
            post.clone(),
            "/resources/cache/fresh",
            "memory: {init_values: {k: one}}"
        ),
        ok
    );
    let read = echo("get").replace("shared", "fresh");
    assert_eq!(many.ask(post.clone(), "/streams/b", &read), ok);
    assert_eq!(many.ask(post.clone(), "/b/p", "x"), (200, "one".into()));
    assert_eq!(
        many.ask(
            post.clone(),
            "/resources/cache/fresh",
            "memory: {init_values: {k: two}}"
        ),
        ok
    );
    assert_eq!(many.ask(post.clone(), "/b/p", "x"), (200, "two".into()));
    let (status, body) = many.ask(post.clone(), "/resources/cache/fresh", "memory: {wat: 1}");
    assert_eq!(
        (status, body.contains("lint_errors")),
        (400, true),
        "{body}"
    );
    assert_eq!(many.ask(post.clone(), "/streams", "{\"c\": {\"input\": {\"generate\": {\"mapping\": \"root = 1\", \"interval\": \"1h\"}}, \"output\": {\"drop\": {}}}}"), ok);
    let all = many.get("/streams");
    assert_eq!(all.as_object().map(|a| a.len()), Some(1), "{all}");
    assert_eq!(many.ask(post, "/a/p", "hi").0, 503);
    assert_eq!(many.ask(Method::DELETE, "/streams/c", ""), ok);
    assert_eq!(many.ask(Method::GET, "/streams/c", "").0, 404);
    many.stop();
}

#[test]
fn files_are_followed_and_faults_at_the_start_are_told() {
    let folder = Folder::new();
    let stream = |n: u32| {
        format!(
            "input: {{http_server: {{path: /p}}}}\npipeline: {{processors: [{{mapping: 'root = {n}'}}]}}\noutput: {{sync_response: {{}}}}\n"
        )
    };
    folder.write("s/one.yaml", &stream(1));
    let many = Many::start(&folder, &["-w", "s"]);
    assert_eq!(many.ask(Method::POST, "/one/p", "").1, "1");
    folder.write("s/one.yaml", &stream(2));
    folder.write("s/two.yaml", &stream(3));
    wait_for("the changes to be taken", || {
        let one = many.ask(Method::POST, "/one/p", "").1;
        let two = many.ask(Method::POST, "/two/p", "").1;
        (one == "2" && two == "3").then_some(())
    });
    std::fs::remove_file(folder.join("s/two.yaml")).expect("it was there");
    wait_for("the file's stream to go", || {
        (many.ask(Method::GET, "/streams/two", "").0 == 404).then_some(())
    });
    many.stop();
    folder.write("s/bad.yaml", "input: {nope: {}}\n");
    let output = program(&folder)
        .args(["streams", "s"])
        .output()
        .expect("it runs");
    let text = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(
        text.contains("s/bad.yaml(1,1) unable to infer input type from candidates: [nope]"),
        "{text}"
    );
}

#[test]
fn requests_that_are_odd_are_answered_as_in_streams_mode() {
    let folder = Folder::new();
    let many = Many::start(&folder, &[]);
    let generate = "input: {generate: {interval: 1h, mapping: 'root = 1'}}\noutput: {drop: {}}\n";
    let set = "a:\n  output: {drop: {wat: 1}}\nb:\n  input: {nope: {}}\n";
    let in_set = "{\"lint_errors\":[\"stream 'a': (2,19) field wat not recognised\",\"stream 'b': (4,1) unable to infer input type from candidates: [nope]\"]}";
    let broken = "input: {generate: {mapping: 'root = ['}}";
    for (method, path, body, status, answer) in [
        ("POST", "/streams", "", 200, ""),
        ("POST", "/streams", set, 400, in_set),
        (
            "POST",
            "/streams",
            "a: {}\na: {}\n",
            400,
            "Error: the stream \"a\" is there twice\n",
        ),
        (
            "POST",
            "/streams/a?chilled=true",
            broken,
            502,
            "Error: (1,38) expected query\n",
        ),
        (
            "POST",
            "/streams/a",
            "output: {drop: {}} # ${NOT_SET_ANYWHERE}",
            400,
            "Error: required environment variables were not set: [NOT_SET_ANYWHERE]\n",
        ),
        ("POST", "/streams/a", generate, 200, ""),
        // What is patched isn't linted, and what isn't a map changes nothing.
        ("PATCH", "/streams/a", "[]", 200, ""),
        ("PATCH", "/streams/a", "{\"wat\": 1}", 200, ""),
        (
            "POST",
            "/resources/cache/c",
            "nope: {}",
            400,
            "{\"lint_errors\":[\"(1,1) unable to infer cache type from candidates: [nope] (did you mean `noop`?)\"]}",
        ),
        (
            "POST",
            "/resources/cache/c",
            "[]",
            400,
            "Error: invalid type a list, expected an object\n",
        ),
        (
            "POST",
            "/resources/cache/c",
            "memory: {} # ${NOT_SET_ANYWHERE}",
            400,
            "Error: required environment variables were not set: [NOT_SET_ANYWHERE]\n",
        ),
    ] {
        let method = Method::from_bytes(method.as_bytes()).expect("a method");
        let got = many.ask(method, path, body);
        assert_eq!(got, (status, answer.to_owned()), "{path} {body}");
    }
    assert_eq!(many.get("/streams/a")["config"]["wat"], 1);
    // An output that is never there keeps its stream no longer than who deletes it wants to wait.
    let stuck = "input: {generate: {mapping: 'root = 1'}}\noutput: {socket: {network: unix, address: ./nobody.sock}}\n";
    assert_eq!(many.ask(Method::POST, "/streams/stuck", stuck).0, 200);
    std::thread::sleep(std::time::Duration::from_millis(100));
    let since = std::time::Instant::now();
    let deleted = many.ask(Method::DELETE, "/streams/stuck?timeout=200ms", "");
    assert_eq!(deleted, (200, String::new()));
    assert!(since.elapsed().as_secs() < 8, "{:?}", since.elapsed());
    many.stop();
}

#[test]
fn debug_endpoints_show_what_runs() {
    let folder = Folder::new();
    let many = Many::start(&folder, &[]);
    let config = many.get("/debug/config/json");
    assert_eq!(config["cache_resources"][0]["label"], "shared");
    let secret = "!!!SECRET_SCRUBBED!!!";
    assert_eq!(config["http"]["basic_auth"]["password_hash"], secret);
    for (path, wanted) in [
        ("/debug/config/yaml", "debug_endpoints: true\n"),
        ("/debug/stack", "tasks: "),
        ("/debug/memory", "VmRSS:"),
    ] {
        let (status, text) = many.ask(Method::GET, path, "");
        assert_eq!((status, text.contains(wanted)), (200, true), "{text}");
    }
    many.stop();
}
