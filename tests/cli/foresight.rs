//! What people ask before and after a change: plan, freeze, explain, and a plan that is applied as it was shown.

use serde_json::Value as Json;

use super::{Cluster, wait_for};

const STREAM: &str =
    "input:\n  generate:\n    interval: 1s\n    mapping: root = {}\noutput:\n  drop: {}\n";

fn json(cluster: &Cluster, args: &[&str]) -> Json {
    let text = cluster.succeed(&[args, &["-o", "json"]].concat());
    serde_json::from_str(&text).unwrap_or_else(|e| panic!("{e}: {text}"))
}

/// Waits until all streams run, and gives the workers of each.
fn settled(cluster: &Cluster) -> Vec<(String, String)> {
    wait_for("the streams to run", || {
        let streams = cluster.list("streams");
        let pair = |s: &Json| {
            let worker = s["shards"][0]["worker"].as_str()?;
            (s["state"] == "running").then(|| (super::text(&s["name"]), worker.to_owned()))
        };
        streams.iter().map(pair).collect()
    })
}

#[test]
fn what_a_plan_shows_is_what_is_done_while_nothing_changes() {
    let cluster = Cluster::start(&["-settle-time", "50ms"], 2);
    for name in ["a", "b", "c", "d"] {
        cluster
            .folder
            .write(&format!("streams/{name}.yaml"), STREAM);
    }
    let plan = json(&cluster, &["plan", "apply", "streams"]);
    assert_eq!(plan["moves"].as_array().map(Vec::len), Some(4), "{plan}");
    let generation = super::text(&plan["generation"]);
    let table = cluster.succeed(&["plan", "apply", "streams"]);
    assert!(
        table.contains(&format!(
            "4 would move, 0 would stay; generation {generation}"
        )),
        "{table}"
    );
    let applied = cluster.succeed(&[
        "streams",
        "apply",
        "streams",
        "--plan",
        &generation,
        "--wait",
    ]);
    assert_eq!(applied.lines().count(), 4, "{applied}");
    let owners = settled(&cluster);
    for planned in plan["moves"].as_array().expect("moves") {
        let owner = owners.iter().find(|(name, _)| *name == planned["stream"]);
        assert_eq!(
            owner.map(|(_, worker)| worker.as_str()),
            planned["to"].as_str(),
            "{plan} {owners:?}"
        );
    }

    // The plan is used up: what it was made for is no more.
    let again = cluster.run(&["streams", "apply", "streams", "--plan", &generation]);
    assert!(!again.status.success());
    let error = String::from_utf8_lossy(&again.stderr).into_owned();
    assert!(
        error.contains("the cluster has changed since it was planned"),
        "{error}"
    );

    // A drain does what was foreseen, and explain says why nothing is left.
    let leaver = owners[0].1.clone();
    let plan = json(&cluster, &["plan", "drain", &leaver]);
    assert_eq!(plan["moves"].as_array().map(Vec::len), Some(2), "{plan}");
    let generation = super::text(&plan["generation"]);
    cluster.succeed(&["workers", "drain", &leaver, "--plan", &generation, "--wait"]);
    let owners = settled(&cluster);
    assert!(
        owners.iter().all(|(_, worker)| *worker != leaver),
        "{owners:?}"
    );

    // Frozen, nothing moves back for balance; both are told, and the end of it too.
    cluster.succeed(&["freeze", "a quiet night"]);
    cluster.succeed(&["workers", "undrain", &leaver]);
    let explained = json(&cluster, &["explain", "stream", "a"]);
    assert_eq!(explained["frozen"], "a quiet night", "{explained}");
    let plan = json(&cluster, &["plan", "lose", &leaver]);
    assert_eq!(plan["moves"].as_array().map(Vec::len), Some(0), "{plan}");
    assert_eq!(settled(&cluster), owners);
    cluster.succeed(&["unfreeze"]);
    wait_for("load to come back", || {
        let back = settled(&cluster)
            .into_iter()
            .filter(|(_, worker)| *worker == leaver);
        (back.count() == 2).then_some(())
    });
}

#[test]
fn explain_names_what_holds_a_stream_and_what_would_help() {
    let cluster = Cluster::start(&[], 1);
    cluster
        .folder
        .write("picky.yaml", &format!("requires: {{zone: b}}\n{STREAM}"));
    cluster.folder.write(
        "broken.yaml",
        &STREAM.replace("drop: {}", "file: {path: /proc/nowhere/x, codec: lines}"),
    );
    cluster.succeed(&["streams", "apply", "picky.yaml", "broken.yaml"]);
    let explained = wait_for("the picky stream to be looked at", || {
        let explained = json(&cluster, &["explain", "stream", "picky"]);
        (explained["shards"][0]["hold"] != "gathers").then_some(explained)
    });
    let told = explained.to_string();
    assert!(
        told.contains("zone=b") || told.contains("zone: b") || told.contains("\"zone\""),
        "{told}"
    );
    assert!(
        explained["shards"][0]["help"]
            .as_array()
            .is_some_and(|h| !h.is_empty()),
        "{told}"
    );
    let table = cluster.succeed(&["explain", "stream", "picky"]);
    assert!(table.contains("zone"), "{table}");
    let missing = cluster.run(&["explain", "stream", "nobody"]);
    assert_eq!(missing.status.code(), Some(4));
}

#[test]
fn capacity_tells_the_room_and_how_many_workers_there_should_be() {
    let mut cluster = Cluster::start(&["-min-workers", "1", "-max-workers", "9"], 0);
    for _ in 0..2 {
        cluster.add_worker_with(&["-max-streams", "2", "-labels", "zone=a"]);
    }
    for name in ["a", "b", "c"] {
        cluster
            .folder
            .write(&format!("streams/{name}.yaml"), STREAM);
    }
    cluster.succeed(&["streams", "apply", "streams", "--wait"]);
    let capacity = json(&cluster, &["capacity"]);
    assert_eq!(capacity["workers"], 2, "{capacity}");
    assert_eq!(capacity["free"], 1, "{capacity}");
    assert_eq!(capacity["waiting"], 0, "{capacity}");
    assert_eq!(capacity["groups"][0]["labels"]["zone"], "a", "{capacity}");
    assert_eq!(capacity["groups"][0]["slots"], 4, "{capacity}");
    let owner = settled(&cluster)[0].1.clone();
    let had = settled(&cluster)
        .iter()
        .filter(|(_, worker)| *worker == owner)
        .count();
    let less = json(&cluster, &["capacity", "--without", &owner]);
    assert_eq!(less["workers"], 1, "{less}");
    // The other one has room for two in all.
    assert_eq!(less["waiting"], 1, "{less} {had}");
    assert_eq!(
        cluster
            .run(&["capacity", "--without", "nobody"])
            .status
            .code(),
        Some(4)
    );

    let more = json(&cluster, &["capacity", "--with", "2"]);
    assert_eq!(
        (&more["workers"], &more["free"]),
        (&4.into(), &5.into()),
        "{more}"
    );
    assert_eq!(more["groups"].as_array().map(Vec::len), Some(1), "{more}");
    let kinds = [
        "capacity",
        "--with",
        "zone=b,max_streams=3",
        "--with",
        "2,zone=c,max_streams=1",
        "--without",
        &owner,
    ];
    let more = json(&cluster, &kinds);
    assert_eq!(
        (&more["workers"], &more["waiting"]),
        (&4.into(), &0.into()),
        "{more}"
    );
    // Room for two, three and twice one, less what runs.
    assert_eq!(more["free"], 4, "{more}");
    assert_eq!(more["groups"].as_array().map(Vec::len), Some(3), "{more}");
    let wrong = cluster.run(&["capacity", "--with", "many"]);
    let said = String::from_utf8_lossy(&wrong.stderr).into_owned();
    assert!(
        !wrong.status.success() && said.contains("is no number of 1 or more"),
        "{said}"
    );
    let wrong = cluster.run(&["capacity", "--with", "1001"]);
    assert!(String::from_utf8_lossy(&wrong.stderr).contains("at most 1000"));

    // More than there is room for: another worker is asked for, on the API and as a metric.
    for name in ["d", "e", "f"] {
        cluster
            .folder
            .write(&format!("streams/{name}.yaml"), STREAM);
    }
    cluster.succeed(&["streams", "apply", "streams"]);
    let wanted = wait_for("another worker to be asked for", || {
        let capacity = json(&cluster, &["capacity"]);
        (capacity["desired_workers"] == 3).then_some(capacity)
    });
    assert_eq!(
        wanted["reason"], "2 shards wait, and there is room for 0",
        "{wanted}"
    );
    let table = cluster.succeed(&["capacity"]);
    assert!(
        table.contains("6 shards, 2 without a place; room for 0 more"),
        "{table}"
    );
    let metrics = cluster.metrics();
    assert!(metrics.contains("airtruct_desired_workers 3"), "{metrics}");
}
