//! Streams spread over workers that join, die and leave, and a coordinator that goes away and comes back.

use std::{collections::BTreeMap, path::Path};

use serde_json::Value as Json;

use super::{Cluster, lines, now_ms, wait_for};

/// A stream that says who it is every 20 ms.
fn ticking(out: &Path, name: &str) -> String {
    format!(
        "input:
  generate:
    interval: 20ms
    mapping: |
      root.at = timestamp_unix_milli()
      root.worker = env(\"WORKER\")
output:
  file:
    path: {}/{name}.jsonl
    codec: lines
",
        out.display()
    )
}

fn apply_ticking(cluster: &Cluster, count: usize) -> Vec<String> {
    let names: Vec<String> = (0..count).map(|n| format!("tick-{n:02}")).collect();
    for name in &names {
        cluster.folder.write(
            &format!("streams/{name}.yaml"),
            &ticking(cluster.folder.path(), name),
        );
    }
    cluster.succeed(&["streams", "apply", "streams", "--wait"]);
    names
}

/// The times of a stream's lines, and the longest pause between two since `from`.
fn longest_pause(cluster: &Cluster, name: &str, from: u64) -> u64 {
    let times: Vec<u64> = lines(&cluster.folder.join(&format!("{name}.jsonl")))
        .iter()
        .map(|line| {
            let json: Json = serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"));
            json["at"].as_u64().expect("a time")
        })
        .collect();
    let recent: Vec<u64> = times.into_iter().filter(|at| *at >= from).collect();
    recent
        .windows(2)
        .map(|pair| pair[1].saturating_sub(pair[0]))
        .max()
        .unwrap_or(u64::MAX)
}

/// Waits until a stream has written something that is younger than a moment.
fn wait_for_line_after(cluster: &Cluster, name: &str, moment: u64) {
    wait_for(&format!("{name} to write"), || {
        let last = lines(&cluster.folder.join(&format!("{name}.jsonl"))).pop()?;
        let json: Json = serde_json::from_str(&last).ok()?;
        (json["at"].as_u64()? > moment).then_some(())
    });
}

#[test]
fn streams_spread_over_workers_that_join_die_and_leave() {
    let mut cluster = Cluster::start(&["-settle-time", "200ms"], 3);
    let names = apply_ticking(&cluster, 12);
    wait_for("4 streams on each of 3 workers", || {
        (cluster.spread() == [4, 4, 4]).then_some(())
    });
    let before = cluster.placement().expect("all run");
    assert_eq!(before.len(), 12);

    // A fourth worker gets its share with no more moves than that takes.
    cluster.add_worker();
    wait_for("3 streams on each of 4 workers", || {
        (cluster.spread() == [3, 3, 3, 3]).then_some(())
    });
    let joined = wait_for("all to run", || cluster.placement());
    let moved = names
        .iter()
        .filter(|name| joined[*name] != before[*name])
        .count();
    assert_eq!(moved, 3, "{before:?}\n{joined:?}");

    // One is killed: its streams go on elsewhere, the others don't notice.
    let victim = joined[&names[0]].0.clone();
    let of_victim = |placement: &BTreeMap<String, (String, u64)>| -> Vec<String> {
        placement
            .iter()
            .filter(|(_, place)| place.0 == victim)
            .map(|(name, _)| name.clone())
            .collect()
    };
    let orphans = of_victim(&joined);
    let killed_at = now_ms();
    cluster.worker(&victim).kill();
    let after = wait_for("the streams of the killed worker to run elsewhere", || {
        cluster.placement().filter(|now| of_victim(now).is_empty())
    });
    for name in &names {
        let was_orphan = orphans.contains(name);
        assert_eq!(
            after[name] != joined[name],
            was_orphan,
            "{name}: {:?} -> {:?}",
            joined[name],
            after[name]
        );
    }
    let mut pauses = Vec::new();
    for name in &orphans {
        wait_for_line_after(&cluster, name, killed_at + 500);
        pauses.push(longest_pause(&cluster, name, killed_at - 200));
    }
    eprintln!("killed: pauses of its streams in ms: {pauses:?}");
    assert!(
        pauses.iter().all(|pause| *pause < 2_500),
        "taken over on proof, not when the lease ended: {pauses:?}"
    );

    // One is asked to stop: it hands over and ends well.
    let leaver = after[&names[1]].0.clone();
    let asked_at = now_ms();
    cluster.worker(&leaver).signal(libc::SIGTERM);
    let status = cluster.worker(&leaver).wait();
    assert!(status.success(), "{status}");
    let left = wait_for(
        "the streams of the worker that left to run elsewhere",
        || {
            cluster
                .placement()
                .filter(|now| now.values().all(|(worker, _)| *worker != leaver))
        },
    );
    for name in names.iter().filter(|name| after[*name].0 == leaver) {
        wait_for_line_after(&cluster, name, asked_at + 500);
        let pause = longest_pause(&cluster, name, asked_at - 200);
        assert!(pause < 2_500, "{name} paused for {pause} ms");
    }
    assert_eq!(left.len(), 12);
    cluster.succeed(&["status"]);
    let events = cluster.succeed(&["events", "-n", "1000", "--worker", &victim]);
    assert!(events.contains("tick-"), "{events}");
    let workers = cluster.list("workers");
    let state = |id: &str| {
        workers
            .iter()
            .find(|w| w["id"] == id)
            .map(|w| w["state"].clone())
    };
    assert_eq!(state(&victim), Some("lost".into()));
    assert_eq!(state(&leaver), Some("left".into()));
    cluster.succeed(&["workers", "forget", &victim]);
}

#[test]
fn a_coordinator_that_goes_away_stops_no_stream() {
    // It stays away for much longer than a lease.
    let flags = [
        "-lease-ttl",
        "600ms",
        "-heartbeat-interval",
        "100ms",
        "-lease-margin",
        "100ms",
    ];
    let mut cluster = Cluster::start(&flags, 2);
    let names = apply_ticking(&cluster, 4);
    let before = wait_for("all to run", || cluster.placement());
    let killed_at = now_ms();
    cluster.coordinator.kill();
    for name in &names {
        wait_for_line_after(&cluster, name, killed_at + 2_000);
    }
    let unreachable = cluster.run(&["streams", "list"]);
    assert_eq!(unreachable.status.code(), Some(3));
    cluster.restart_coordinator();
    let back_at = now_ms();
    cluster.wait_for_workers(2);
    eprintln!(
        "workers were back {} ms after the coordinator",
        now_ms() - back_at
    );
    let after = wait_for("all to run", || cluster.placement());
    assert_eq!(before, after, "nothing moved and nothing was granted anew");
    let end = now_ms();
    for name in &names {
        wait_for_line_after(&cluster, name, end);
        let pause = longest_pause(&cluster, name, killed_at - 200);
        assert!(pause < 1_000, "{name} paused for {pause} ms");
    }
}

#[test]
fn a_worker_may_start_before_its_coordinator_and_come_back_elsewhere() {
    let mut cluster = Cluster::start(&[], 0);
    let (http, grpc) = (cluster.http.clone(), cluster.grpc.clone());
    cluster.coordinator.kill();
    let worker = |cluster: &Cluster, name: &str| {
        let mut command = super::program(&cluster.folder);
        command.args([
            "-role",
            "worker",
            "-discovery-uri",
            &grpc,
            "-grpc-port",
            "0",
            "-http-port",
            "0",
        ]);
        command.args(["-worker-id", "w"]).env("WORKER", name);
        super::Process::start(&cluster.folder, name, command)
    };
    let mut first = worker(&cluster, "first");
    first.listening("worker");
    cluster.restart_coordinator();
    assert_eq!(cluster.http, http);
    cluster.wait_for_workers(1);
    let names = apply_ticking(&cluster, 2);
    // It is killed, and comes back under its id on another port.
    first.kill();
    let second = worker(&cluster, "second");
    let address = second.listening("worker")["grpc"].clone();
    wait_for("the second start to run the streams", || {
        let last = lines(&cluster.folder.join(&format!("{}.jsonl", names[0]))).pop()?;
        last.contains("second").then_some(())
    });
    let workers = cluster.list("workers");
    assert_eq!(workers.len(), 1, "{workers:?}");
    assert_eq!(workers[0]["address"], address.as_str());
}

#[test]
fn what_a_stream_counts_is_asked_of_all_its_workers() {
    let cluster = Cluster::start(&[], 2);
    let config = "shards: 2\ninput: { generate: { mapping: 'root.n = 1', interval: 10ms } }\noutput: { drop: {} }";
    let file = cluster.folder.write("pair.yaml", config);
    cluster.succeed(&["streams", "apply", "--wait", &file.to_string_lossy()]);
    wait_for("both shards to have counted", || {
        let stats: serde_json::Value =
            serde_json::from_str(&cluster.get("/streams/pair/stats")).expect("JSON");
        let counted = |shard: u32| {
            let name = format!(
                "input_received{{label=\"\",path=\"root.input\",shard=\"{shard}\",stream=\"pair\"}}"
            );
            stats[&name].as_u64() > Some(0)
        };
        (counted(0) && counted(1) && stats["uptime_ns"].as_u64() > Some(0)).then_some(())
    });
}
