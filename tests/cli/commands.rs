//! What commands print and how they exit.

use std::process::Output;

use serde_json::Value as Json;

use super::{Cluster, Folder, Process, program};

fn run(folder: &Folder, args: &[&str]) -> Output {
    program(folder)
        .args(args)
        .output()
        .expect("the program runs")
}

fn errors(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn a_wrong_command_line_says_what_to_change() {
    let folder = Folder::new();
    for (args, wanted) in [
        (
            &["-role", "boss"][..],
            "roles are coordinator, worker and standalone",
        ),
        (
            &["-role", "coordinator", "-lease-ttl", "1s"],
            "set the lease to more than 1000 ms",
        ),
        (
            &["-role", "worker", "-discovery-uri", "nowhere"],
            "not of the form host:port",
        ),
        (
            &["-role", "worker", "-config", "none.yaml"],
            "can't read `none.yaml`",
        ),
        (&["-wibble"], "unexpected argument"),
        (&["streams", "list", "--nope"], "--nope"),
        (&["workers", "list", "-o", "xml"], "xml"),
    ] {
        let output = run(&folder, args);
        assert_eq!(
            output.status.code(),
            Some(2),
            "{args:?}: {}",
            errors(&output)
        );
        assert!(
            errors(&output).contains(wanted),
            "{args:?}: {}",
            errors(&output)
        );
    }
    let help = run(&folder, &["-help"]);
    assert!(help.status.success());
    assert!(String::from_utf8_lossy(&help.stdout).contains("-role standalone"));
    let unreachable = run(
        &folder,
        &["streams", "list", "--coordinator", "127.0.0.1:1"],
    );
    assert_eq!(
        unreachable.status.code(),
        Some(3),
        "{}",
        errors(&unreachable)
    );
    assert!(
        errors(&unreachable).contains("is it running?"),
        "{}",
        errors(&unreachable)
    );
}

#[test]
fn commands_print_tables_for_people_and_json_for_scripts() {
    let cluster = Cluster::start(&[], 1);
    let good =
        "input:\n  generate:\n    interval: 1s\n    mapping: root = {}\noutput:\n  drop: {}\n";
    cluster.folder.write("a.yaml", good);
    cluster
        .folder
        .write("b.yaml", &format!("name: named\n{good}"));
    cluster.folder.write("bad.yaml", "input:\n  generatr: {}\n");
    let applied = cluster.succeed(&["streams", "apply", "a.yaml", "b.yaml", "--wait"]);
    assert_eq!(
        applied,
        "stream a created (revision 1)\nstream named created (revision 1)\n"
    );
    assert_eq!(
        cluster.succeed(&["streams", "apply", "a.yaml"]),
        "stream a unchanged (revision 1)\n"
    );

    let bad = cluster.run(&["streams", "apply", "bad.yaml"]);
    assert_eq!(bad.status.code(), Some(5));
    assert!(
        errors(&bad).contains("bad.yaml:2:3: error: "),
        "{}",
        errors(&bad)
    );
    for args in [
        &["streams", "get", "none"][..],
        &["workers", "drain", "none"],
        &["streams", "delete", "none"],
    ] {
        assert_eq!(cluster.run(args).status.code(), Some(4), "{args:?}");
    }

    let streams = cluster.list("streams");
    let keys = |json: &Json| {
        json.as_object()
            .expect("an object")
            .keys()
            .cloned()
            .collect::<Vec<_>>()
    };
    for key in ["name", "desired", "state", "reason", "since", "shards"] {
        assert!(
            keys(&streams[0]).iter().any(|k| k == key),
            "{key}: {}",
            streams[0]
        );
    }
    for key in ["shard", "worker", "epoch", "state"] {
        assert!(
            keys(&streams[0]["shards"][0]).iter().any(|k| k == key),
            "{key}: {}",
            streams[0]
        );
    }
    let workers = cluster.list("workers");
    for key in ["id", "state", "streams", "capacity", "labels"] {
        assert!(
            keys(&workers[0]).iter().any(|k| k == key),
            "{key}: {}",
            workers[0]
        );
    }
    let table = cluster.succeed(&["streams", "list"]);
    assert!(
        table.lines().next().expect("a line").starts_with("NAME"),
        "{table}"
    );
    assert_eq!(table.lines().count(), 3, "{table}");
    assert_eq!(cluster.succeed(&["streams", "get", "a", "--config"]), good);

    cluster.succeed(&["streams", "pause", "a"]);
    let paused = cluster.list("streams")[0].clone();
    assert_eq!(
        (paused["desired"].as_str(), paused["state"].as_str()),
        (Some("paused"), Some("paused"))
    );
    cluster.succeed(&["streams", "resume", "a"]);
    cluster.succeed(&["streams", "restart", "a"]);
    assert!(
        cluster
            .succeed(&["streams", "revisions", "a"])
            .contains("restart")
    );
    cluster.succeed(&["streams", "delete", "a", "named", "--wait"]);
    assert!(cluster.list("streams").is_empty());
    let status: Json =
        serde_json::from_str(&cluster.succeed(&["status", "-o", "json"])).expect("JSON");
    assert_eq!(status["workers"]["active"], 1, "{status}");
}

#[test]
fn standalone_runs_streams_and_ends_on_one_signal() {
    let folder = Folder::new();
    let mut command = program(&folder);
    command.args(["-role", "standalone", "-grpc-port", "0", "-http-port", "0"]);
    let mut standalone = Process::start(&folder, "standalone", command);
    let http = standalone.listening("coordinator")["http"].clone();
    standalone.listening("worker");
    folder.write("a.yaml", "input:\n  generate:\n    count: 3\n    interval: ''\n    mapping: root.n = count(\"n\")\noutput:\n  file:\n    path: out.jsonl\n    codec: lines\n");
    let applied = program(&folder)
        .args([
            "streams",
            "apply",
            "a.yaml",
            "--wait",
            "--coordinator",
            &http,
        ])
        .output()
        .expect("the program runs");
    assert!(applied.status.success(), "{}", errors(&applied));
    super::wait_for("three lines", || {
        (super::lines(&folder.join("out.jsonl")).len() == 3).then_some(())
    });
    eprintln!(
        "standalone with one stream: {:.1} MiB resident",
        standalone.resident_mib()
    );
    standalone.signal(libc::SIGINT);
    let status = standalone.wait();
    assert!(status.success(), "{status}");
}

#[test]
fn blobl_runs_a_mapping_over_lines() {
    let folder = Folder::new();
    let over = |args: &[&str], input: &str| {
        use std::{io::Write, process::Stdio};
        let mut child = program(&folder)
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program runs");
        let mut stdin = child.stdin.take().expect("a pipe");
        // One that refuses its mapping reads nothing.
        let _ = stdin.write_all(input.as_bytes());
        drop(stdin);
        child.wait_with_output().expect("the program ends")
    };
    let upper = over(
        &["blobl", "root = this.a.uppercase()"],
        "{\"a\":\"x\"}\nnope\n{\"a\":\"y\"}\n",
    );
    assert_eq!(String::from_utf8_lossy(&upper.stdout), "X\nY\n");
    assert!(errors(&upper).contains("failed to parse the line as JSON"));
    let pretty = over(
        &["blobl", "--raw", "--pretty", "root.c = content().string()"],
        "plain\n",
    );
    assert_eq!(
        String::from_utf8_lossy(&pretty.stdout),
        "{\n  \"c\": \"plain\"\n}\n"
    );
    let bad = over(&["blobl", "root = this.uppercas()"], "");
    assert_eq!(bad.status.code(), Some(1));
    assert!(
        errors(&bad).contains("did you mean `uppercase`"),
        "{}",
        errors(&bad)
    );
}

#[test]
fn lint_tells_what_has_no_effect_and_fails_for_errors_only() {
    let folder = Folder::new();
    let config = "tracer: {jaeger: {}}\ninput: {stdin: {}}\noutput: {drop: {}}\n";
    folder.write("warned.yaml", config);
    let output = run(&folder, &["lint", "warned.yaml"]);
    let told = errors(&output);
    assert!(output.status.success(), "{told}");
    let wanted = "warned.yaml(1,10) field tracer.jaeger has no effect";
    assert!(told.contains(wanted), "{told}");
    folder.write("wrong.yaml", "output: {nope: {}}\n");
    assert_eq!(run(&folder, &["lint", "wrong.yaml"]).status.code(), Some(1));
}

#[test]
fn list_names_what_configs_may_use() {
    let folder = Folder::new();
    let output = run(&folder, &["list", "inputs", "rate-limits", "-o", "json"]);
    let listed: Json = serde_json::from_slice(&output.stdout).expect("JSON");
    let listed = listed.as_array().expect("an array");
    assert!(
        listed
            .iter()
            .any(|c| c["kind"] == "rate_limit" && c["name"] == "local")
    );
    assert!(
        listed
            .iter()
            .all(|c| c["kind"] == "input" || c["kind"] == "rate_limit")
    );
    let generate = listed
        .iter()
        .find(|c| c["name"] == "generate")
        .expect("it is there");
    assert!(generate["schema"]["properties"]["mapping"].is_object());
    let methods = run(&folder, &["list", "bloblang-methods"]);
    assert!(String::from_utf8_lossy(&methods.stdout).contains("uppercase"));
    assert_eq!(run(&folder, &["list", "wibbles"]).status.code(), Some(1));
}
