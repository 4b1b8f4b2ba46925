//! Every file in `examples/` runs as it is, and so does `make run`'s script.

use std::path::{Path, PathBuf};

use serde_json::Value as Json;

use super::{Folder, Process, binary, lines, program, wait_for};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Examples leave the port of `http` as it is, which only one of two tests at a time can have.
const WITHOUT_SERVER: [&str; 2] = ["-s", "http.enabled=false"];

fn jsonl(path: &Path) -> Vec<Json> {
    let parse =
        |line: &String| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"));
    lines(path).iter().map(parse).collect()
}

#[test]
fn every_example_lints_clean_and_is_run_by_a_test() {
    let here = include_str!("examples.rs");
    let folder = Folder::new();
    for entry in std::fs::read_dir(root().join("examples")).expect("examples") {
        let path: PathBuf = entry.expect("an entry").path();
        if path.extension().is_none_or(|e| e != "yaml") {
            continue;
        }
        let stem = path.file_stem().and_then(|s| s.to_str()).expect("a name");
        assert!(
            here.contains(&format!("examples/{stem}.yaml")),
            "no test runs {}",
            path.display()
        );
        let linted = program(&folder)
            .arg("lint")
            .arg(&path)
            .output()
            .expect("the program runs");
        let output = String::from_utf8_lossy(&linted.stdout).into_owned()
            + &String::from_utf8_lossy(&linted.stderr);
        assert!(linted.status.success(), "{}: {output}", path.display());
    }
}

#[test]
fn the_access_log_is_taken_apart() {
    let folder = Folder::new();
    let mut command = program(&folder);
    command
        .current_dir(root())
        .args(["run", "examples/access_log.yaml"])
        .args(WITHOUT_SERVER)
        .env("OUT", folder.path());
    let mut process = Process::start(&folder, "run", command);
    let status = process.wait();
    assert!(status.success(), "{status}");
    let requests = jsonl(&folder.join("access.jsonl"));
    assert_eq!(requests.len(), 5);
    assert_eq!(
        requests[0],
        serde_json::json!({"ip": "192.0.2.10", "at": "2026-03-12T10:15:32+01:00", "method": "GET", "path": "/shop/books", "status": 200, "bytes": 5120})
    );
    assert_eq!(
        lines(&folder.join("access_unreadable.log")),
        ["this line is broken"]
    );
}

#[test]
fn orders_are_made_up() {
    let folder = Folder::new();
    let mut command = program(&folder);
    // As Bento is called.
    command
        .current_dir(root())
        .args(["-c", "examples/orders.yaml"])
        .args(WITHOUT_SERVER);
    command
        .env("OUT", folder.path())
        .env("COUNT", "5")
        .env("INTERVAL", "1ms");
    let status = Process::start(&folder, "run", command).wait();
    assert!(status.success(), "{status}");
    let orders = jsonl(&folder.join("orders.jsonl"));
    assert_eq!(orders.len(), 5);
    for order in orders {
        let cents: u64 = order["items"]
            .as_array()
            .expect("items")
            .iter()
            .filter_map(|i| i["cents"].as_u64())
            .sum();
        assert_eq!(order["total_cents"].as_u64(), Some(cents), "{order}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn make_run_starts_a_cluster_that_ends_on_ctrl_c() {
    let folder = Folder::new();
    let mut command = program(&folder);
    let data = folder.join("data");
    command = {
        let mut script = std::process::Command::new(root().join("deploy/run.sh"));
        script.arg(binary()).env_clear().envs(
            command
                .get_envs()
                .filter_map(|(k, v)| Some((k.to_owned(), v?.to_owned()))),
        );
        script
            .env("HTTP_PORT", "0")
            .env("GRPC_PORT", "0")
            .env("RUN_DIR", &data);
        script
    };
    let mut script = Process::start(&folder, "run.sh", command);
    let output = wait_for("the cluster to be up", || {
        let output = script.output();
        output.contains("Ctrl-C ends it all.").then_some(output)
    });
    wait_for("an order", || {
        (!lines(&data.join("out/orders.jsonl")).is_empty()).then_some(())
    });
    // What it says can be tried can be: examples/webhook.yaml answers.
    let url = output
        .split_whitespace()
        .find(|word| word.ends_with("/ingest/webhook/payments"))
        .expect("the URL of the webhook");
    let client = super::client();
    let answer = client
        .post(url)
        .body("{\"user\":\"Ada\",\"cents\":2599}")
        .send()
        .await
        .expect("an answer");
    let body: Json = answer.json().await.expect("JSON");
    assert_eq!(
        body,
        serde_json::json!({"user": "ada", "cents": 2599, "is_large": true})
    );
    assert_eq!(jsonl(&data.join("out/large_payments.jsonl")).len(), 1);
    script.signal(libc::SIGINT);
    script.wait();
    let said = script.output();
    assert!(
        said.contains("stopped; the output is in"),
        "{said}{}",
        script.log()
    );
}

#[test]
fn numbers_go_on_where_they_were() {
    let folder = Folder::new();
    for _ in 0..2 {
        let mut command = program(&folder);
        command
            .current_dir(root())
            .args(["run", "examples/numbered.yaml"])
            .env("OUT", folder.path())
            .env("COUNT", "100")
            .env("BATCH", "7")
            .env("INTERVAL", "1ms");
        let status = Process::start(&folder, "run", command).wait();
        assert!(status.success(), "{status}");
    }
    let sink = folder.join("numbered-0.jsonl");
    let numbers: Vec<u64> = jsonl(&sink)
        .iter()
        .map(|line| line["number"].as_u64().expect("a number"))
        .collect();
    assert_eq!(numbers, (1..=200).collect::<Vec<u64>>());

    let verify = |last: &str| {
        let mut command = program(&folder);
        command.args(["verify", "/dev/null", "--last", last, "--sink"]);
        command.arg(&sink).output().expect("the program runs")
    };
    assert!(verify("200").status.success());
    let short = verify("201");
    assert_eq!(short.status.code(), Some(1));
    let said = String::from_utf8_lossy(&short.stdout).into_owned();
    assert!(
        said.contains("messages 201 to 201 of numbered/0 are missing"),
        "{said}"
    );
}
