//! Point 4: a worker that is asked to stop, with streams of each kind.

use serde_json::json;

use super::{
    Extent,
    clients::{Numbers, Posting, compare, hook, pull},
    figures::Table,
    stage::{Stage, TICK, handovers, late},
};
use crate::cli::{now_ms, wait_for};

const POINT: &str = "4";
const GAP_MS: u64 = 1_000;

/// For how long the streams work in each round before.
const WORKS_MS: u64 = 1_000;

/// A way to ask, and what the ancestor made of it.
struct Way {
    name: &'static str,
    signal: i32,
    gap: &'static str,
    exit: &'static str,
    failed: &'static str,
    repeats: &'static str,
}

const TERMINATE: Way = Way {
    name: "SIGTERM",
    signal: libc::SIGTERM,
    gap: "19.7-54.8 s",
    exit: "killed by the signal",
    failed: "500-534",
    repeats: "3-4 (redis)",
};

const INTERRUPT: Way = Way {
    name: "SIGINT",
    signal: libc::SIGINT,
    gap: "16.5-23.7 s",
    exit: "code 0",
    failed: "200-231",
    repeats: "5 (redis)",
};

pub fn measure(table: &mut Table, extent: Extent) {
    leave(table, extent.rounds, &TERMINATE);
    leave(table, extent.rounds.min(2), &INTERRUPT);
}

/// Six streams on one worker, another one that has nothing: the first is asked to stop, and in the next round the other.
fn leave(table: &mut Table, rounds: usize, way: &Way) {
    let mut stage = Stage::start(1);
    // Else the other one would get its share before.
    stage.post("/api/v1/cluster/freeze", &json!({}));
    let numbers = Numbers::serve(&stage);
    stage.create("pull", &pull(&numbers.url, &stage.file("pull")));
    stage.create("hook", &hook(&stage.file("hook")));
    let ticking: Vec<String> = ["a", "b", "c", "d"]
        .map(|name| format!("tick-{name}"))
        .into();
    for name in &ticking {
        stage.create_ticking(name, TICK);
    }
    wait_all_on(&stage, "w1");
    let posting = Posting::begin(&stage, "hook");
    stage.wait_after("hook", 0);
    let (mut gaps, mut pull_gaps, mut exits) = (vec![], vec![], vec![]);
    for round in 0..rounds {
        let (leaver, other) = [("w1", "w2"), ("w2", "w1")][round % 2];
        wait_all_on(&stage, leaver);
        let begun = now_ms();
        for name in ticking.iter().map(String::as_str).chain(["pull", "hook"]) {
            stage.wait_after(name, begun + WORKS_MS);
        }
        stage.start_worker(other, &[]);
        stage.wait_workers(2);
        let before = stage.epochs(&["pull".to_owned()])[0];
        let epochs = stage.epochs(&ticking);
        let asked = now_ms();
        stage.worker(leaver).signal(way.signal);
        for (name, epoch) in ticking.iter().zip(epochs) {
            stage.wait_taken_over(name, epoch);
            gaps.extend(handovers(&stage.written(name), asked));
        }
        stage.wait_taken_over("pull", before);
        pull_gaps.extend(handovers(&stage.written("pull"), asked));
        let left = stage.cluster.workers.iter_mut().rev().nth(1);
        exits.push(left.expect("the leaver").wait().to_string());
    }
    let posted = posting.end(&stage);
    stage.post("/api/v1/streams/pull/pause", &json!({}));
    wait_for("the stream to have finished", || {
        let stream = stage.get("/api/v1/streams/pull")?;
        let shards = stream["shards"].as_array()?;
        (stream["state"] == "paused" && shards.is_empty()).then_some(())
    });
    let (lost, repeats) = compare(&stage, "pull", &numbers.given());
    let (unwritten, twice) = compare(&stage, "hook", &posted.accepted);
    let title = format!("{}: pause of each stream that generates", way.name);
    table.times(POINT, title, way.gap, GAP_MS, &gaps);
    let title = "… of the one that asks a server";
    table.times(POINT, title, way.gap, GAP_MS, &pull_gaps);
    let title = format!("… posts that failed, of {}", posted.times.len());
    table.none(POINT, title, way.failed, posted.failed.len());
    let title = "… time that a post took";
    table.times(POINT, title, way.gap, GAP_MS, &posted.times);
    let title = format!(
        "… lost of {} numbers from the server",
        numbers.given().len()
    );
    table.none(POINT, title, "1 each time", lost.len());
    let title = "… lost of the posts that were answered";
    table.none(POINT, title, "0", unwritten.len());
    let title = "… written twice";
    table.none(POINT, title, way.repeats, repeats + twice);
    let late_lines = ticking.iter().map(|name| late(&stage.written(name)));
    let title = "… lines of a former owner after the new one's";
    table.none(POINT, title, "-", late_lines.sum());
    let title = "… how the process ends";
    table.same(POINT, title, way.exit, "exit status: 0", &exits);
}

/// Waits until a worker runs all six streams.
fn wait_all_on(stage: &Stage, worker: &str) {
    wait_for(&format!("all streams to run on {worker}"), || {
        let placement = stage.placement()?;
        let all_there = placement.values().all(|owner| owner == worker);
        (all_there && placement.len() == 6).then_some(())
    });
}
