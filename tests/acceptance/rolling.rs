//! Not of the ancestor's list: five workers under load are restarted one after another, while clients post to a stream.

use std::{path::Path, time::Instant};

use serde_json::{Value as Json, json};

use super::{
    Extent,
    clients::{Posting, compare, hook},
    figures::Table,
    stage::Stage,
};
use crate::cli::wait_for;

const POINT: &str = "8";
const WORKERS: usize = 5;

/// Together 5,500 messages a second where nothing is in between: a batch of 11 every 20 ms in each shard.
const SHARDS: usize = 10;
const INTERVAL: &str = "20ms";
const BATCH: &str = "11";

pub fn measure(table: &mut Table, extent: Extent) {
    let history = ["-history", "history.jsonl"];
    let mut stage = Stage::start_with(WORKERS, &history, &history);
    let begun = Instant::now();
    stage.post("/api/v1/streams", &json!({ "config": numbered() }));
    stage.create("hook", &hook(&stage.file("hook")));
    stage.wait_even(WORKERS);
    let posting = Posting::begin(&stage, "hook");
    for _ in 0..extent.rounds {
        for number in 1..=WORKERS {
            restart(&mut stage, &format!("w{number}"), &history);
        }
    }
    stage.wait_even(WORKERS);
    let posted = posting.end(&stage);
    let took = begun.elapsed().as_secs_f64();
    let result = end(&mut stage);
    let rate = result["messages"].as_f64().unwrap_or(0.0) / took;

    let handovers = result["handovers"].as_array().cloned().unwrap_or_default();
    let pauses: Vec<u64> = handovers
        .iter()
        .filter_map(|h| h["pause_ms"].as_u64())
        .collect();
    let broken = result["violations"].as_array().map_or(1, Vec::len);
    let repeats = result["repeats"].as_u64().unwrap_or(u64::MAX) as usize;
    let title = format!("5 workers restarted in turn, {rate:.0} messages/s: pause of a stream");
    table.most_times(POINT, title, "-", 1_000, &pauses);
    let title = "… messages lost and other broken promises";
    table.none(POINT, title, "-", broken);
    let title = "… messages written twice";
    table.none(POINT, title, "-", repeats);
    let title = format!("… posts that failed, of {}", posted.times.len());
    table.none(POINT, title, "-", posted.failed.len());
    let title = "… time that a post took";
    table.most_times(POINT, title, "-", 1_000, &posted.times);
    let (lost, twice) = compare(&stage, "hook", &posted.accepted);
    let title = "… posts that were answered and lost, or written twice";
    table.none(POINT, title, "-", lost.len() + twice);
}

fn numbered() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/numbered.yaml");
    let text = std::fs::read_to_string(path).expect("the example");
    let text = text
        .replace("${INTERVAL:100ms}", INTERVAL)
        .replace("${BATCH:1}", BATCH);
    format!("{text}\nshards: {SHARDS}\n")
}

fn restart(stage: &mut Stage, id: &str, flags: &[&str]) {
    let leaver = stage.worker(id);
    leaver.signal(libc::SIGTERM);
    let status = leaver.wait();
    assert!(status.success(), "{id}: {status}");
    stage.start_worker(id, flags);
    stage.wait_workers(WORKERS);
    wait_for("all streams to run", || stage.placement());
}

/// Ends all workers in order and checks what everybody wrote down.
fn end(stage: &mut Stage) -> Json {
    for number in 1..=WORKERS {
        stage.worker(&format!("w{number}")).signal(libc::SIGTERM);
    }
    for worker in &mut stage.cluster.workers {
        worker.wait();
    }
    let mut arguments = vec![
        "verify".to_owned(),
        "--handovers".into(),
        "-o".into(),
        "json".into(),
    ];
    for shard in 0..SHARDS {
        arguments.extend(["--sink".into(), format!("numbered-{shard}.jsonl")]);
    }
    arguments.push("history.jsonl".into());
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let output = stage.cluster.run(&arguments);
    let errors = String::from_utf8_lossy(&output.stderr);
    let result: Json =
        serde_json::from_slice(&output.stdout).unwrap_or_else(|e| panic!("{e}: {errors}"));
    let violations = result["violations"].as_array().into_iter().flatten();
    violations
        .take(5)
        .for_each(|violation| println!("broken: {violation}"));
    result
}
