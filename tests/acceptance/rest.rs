//! Point 7: what a cluster costs that has nothing or little to do.

use std::time::Duration;

use serde_json::json;

use super::{
    Extent,
    figures::Table,
    stage::{Stage, pass_until},
};
use crate::cli::{now_ms, wait_for};

const POINT: &str = "7";

/// Streams that wait for requests, and into how many requests they go.
const IDLE: usize = 1_000;
const AT_ONCE: usize = 500;

/// For how long the use of processors is watched.
const WATCH: Duration = Duration::from_secs(10);

/// MiB to MB.
const MB: f64 = 1.048_576;

pub fn measure(table: &mut Table, _: Extent) {
    idle(table);
    thirteen_streams(table);
}

fn idle(table: &mut Table) {
    let mut stage = Stage::start(1);
    // What a start took is given back when it is over.
    pass_until(now_ms() + WATCH.as_millis() as u64);
    let coordinator = stage.cluster.coordinator.resident_mib();
    let worker = stage.worker("w1").resident_mib();
    let title = "at rest, no streams: resident memory of the coordinator";
    table.below(POINT, title, "276 MB", (30.0, "MB"), coordinator * MB);
    let title = "… of a worker";
    table.below(POINT, title, "272 MB", (30.0, "MB"), worker * MB);

    let took = create_idle(&stage);
    let title = format!("{IDLE} streams of `http_server` on one worker: until all run");
    table.times(POINT, title, "50: up to 4 s", 2_000, &[took]);
    let (coordinator_cpu, worker_cpu) = watch(&mut stage);
    let grown = stage.worker("w1").resident_mib() - worker;
    let each = grown / IDLE as f64;
    let title = "… memory of each on the worker";
    table.below(POINT, title, "1.04 MB", (0.05, "MiB"), each);
    let grown = stage.cluster.coordinator.resident_mib() - coordinator;
    let title = "… and on the coordinator";
    table.below(POINT, title, "0.064 MB", (0.05, "MiB"), grown / IDLE as f64);
    let title = "… use of a core by the worker";
    table.below(POINT, title, "3.4 % with 200", (3.0, "%"), worker_cpu);
    let title = "… by the coordinator";
    table.below(POINT, title, "3.7 % with 200", (3.0, "%"), coordinator_cpu);
}

/// Defines the idle streams; how long it took until all run, in milliseconds.
fn create_idle(stage: &Stage) -> u64 {
    let config = "input:\n  http_server: { path: /post }\noutput:\n  drop: {}\n";
    let all: Vec<usize> = (0..IDLE).collect();
    let begun = now_ms();
    for some in all.chunks(AT_ONCE) {
        let streams = some
            .iter()
            .map(|n| json!({ "name": format!("idle-{n:04}"), "config": config }));
        let body = json!({ "apply": streams.collect::<Vec<_>>() });
        stage.post("/api/v1/apply", &body);
    }
    wait_for("all idle streams to run", || {
        let placement = stage.placement()?;
        (placement.len() == IDLE).then_some(())
    });
    now_ms() - begun
}

/// What the coordinator and the worker use of a core, in percent.
fn watch(stage: &mut Stage) -> (f64, f64) {
    let used = |stage: &mut Stage| {
        let coordinator = stage.cluster.coordinator.cpu_seconds();
        (coordinator, stage.worker("w1").cpu_seconds())
    };
    let begun = now_ms();
    let before = used(stage);
    pass_until(begun + WATCH.as_millis() as u64);
    let after = used(stage);
    let percent = 100_000.0 / (now_ms() - begun) as f64;
    (
        (after.0 - before.0) * percent,
        (after.1 - before.1) * percent,
    )
}

/// 130 messages a second, as the ancestor was measured.
fn thirteen_streams(table: &mut Table) {
    let mut stage = Stage::start(1);
    for name in (0..13).map(|n| format!("tick-{n:02}")) {
        stage.create_ticking(&name, "100ms");
        stage.wait_after(&name, 0);
    }
    let (coordinator, worker) = watch(&mut stage);
    let title = "13 streams, 130 messages/s: use of a core by the coordinator";
    table.below(POINT, title, "25.8 %", (3.0, "%"), coordinator);
    let title = "… by the worker";
    table.below(POINT, title, "11.0 % (two workers)", (11.0, "%"), worker);
}
