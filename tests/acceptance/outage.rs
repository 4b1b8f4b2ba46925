//! Point 5: a coordinator that is away for a while, workers that are there before it, and a whole cluster that starts anew.

use super::{
    Extent,
    figures::Table,
    stage::{Stage, late, longest_pause, pass_until},
};
use crate::cli::now_ms;

const POINT: &str = "5";

/// Within which time workers must be back.
const BACK_MS: u64 = 5_000;

/// For how long a wrong take-over is waited for: a coordinator that starts waits a lease, then the leases and the margin run out, which
/// is 5.25 s; the ancestor's second copies came after 10 to 12 s.
const WATCH_MS: u64 = 15_000;

pub fn measure(table: &mut Table, extent: Extent) {
    outages(table, extent);
    worker_first(table, extent);
    let title = "whole cluster killed and started on its ports: until each stream writes";
    table.times(
        POINT,
        title,
        "27.2-27.4 s",
        3_000,
        &whole_cluster(extent, true),
    );
    // That no former process acts any more is then known by its lease only.
    let title = "… its workers on other ports";
    table.times(
        POINT,
        title,
        "27.2-27.4 s",
        3_000,
        &whole_cluster(extent, false),
    );
}

fn outages(table: &mut Table, extent: Extent) {
    let lasts: &[u64] = match extent.is_long {
        true => &[1, 10, 30, 120],
        false => &[1, 10, 30],
    };
    let mut stage = Stage::start(3);
    let names = stage.create_many(6);
    stage.wait_even(3);
    for seconds in lasts {
        outage(table, &mut stage, &names, *seconds);
    }

    // Afterwards it still decides as before.
    let asked = stage.create_ticking("new", super::stage::TICK);
    stage.wait_after("new", 0);
    let first = stage.written("new")[0].at.saturating_sub(asked);
    let title = "afterwards a new stream: POST to first message";
    table.times(POINT, title, "never", 1_000, &[first]);
    let joins = now_ms();
    stage.start_worker("w4", &[]);
    stage.wait_workers(4);
    stage.wait_even(4);
    for name in &names {
        stage.wait_after(name, joins + BACK_MS);
    }
    let copies = names.iter().filter(|name| late(&stage.written(name)) > 0);
    let title = "afterwards a 4th worker joins: streams that run twice";
    table.none(POINT, title, "all, three times", copies.count());
}

fn outage(table: &mut Table, stage: &mut Stage, names: &[String], seconds: u64) {
    let epochs = stage.epochs(names);
    let killed = now_ms();
    stage.cluster.coordinator.kill();
    pass_until(killed + seconds * 1_000);
    let begun = now_ms();
    stage.cluster.restart_coordinator();
    stage.wait_workers(3);
    let back = now_ms() - begun;
    let until = begun + WATCH_MS;
    for name in names {
        stage.wait_after(name, until);
    }
    let (mut pauses, mut copies) = (vec![], 0);
    for (name, epoch) in names.iter().zip(epochs) {
        let mut lines = stage.written(name);
        lines.retain(|line| line.at >= killed.saturating_sub(1_000));
        pauses.push(longest_pause(&lines, killed, until));
        copies += usize::from(lines.iter().any(|line| line.epoch != epoch));
    }
    let (fate, twice) = match seconds {
        1 => ("at once", "0"),
        _ => ("never", "all, for ever"),
    };
    let title = format!("coordinator down {seconds} s: longest pause of each stream");
    table.times(POINT, title, "0.21-0.27 s", 1_000, &pauses);
    let title = "… streams that moved or run twice";
    table.none(POINT, title, twice, copies);
    let title = "… workers are back, from its start";
    table.times(POINT, title, fate, BACK_MS, &[back]);
}

/// A worker that has looked for its coordinator for a while.
fn worker_first(table: &mut Table, extent: Extent) {
    let mut times = vec![];
    for _ in 0..extent.rounds.min(2) {
        let mut stage = Stage::start(0);
        stage.cluster.coordinator.kill();
        let begun = now_ms();
        stage.start_worker("w1", &[]);
        stage.cluster.workers[0].listening("worker");
        pass_until(begun + 10_000);
        let begun = now_ms();
        stage.cluster.restart_coordinator();
        stage.wait_workers(1);
        times.push(now_ms() - begun);
    }
    let title = "a worker starts 10 s before the coordinator: until it is there";
    table.times(POINT, title, "never", BACK_MS, &times);
}

/// All processes are killed and all are started; from then until each stream writes.
fn whole_cluster(extent: Extent, on_same_ports: bool) -> Vec<u64> {
    let mut stage = Stage::start(3);
    let names = stage.create_many(6);
    let mut times = vec![];
    for _ in 0..extent.rounds {
        stage.wait_even(3);
        let epochs = stage.epochs(&names);
        stage.cluster.coordinator.kill();
        let ids = ["w1", "w2", "w3"];
        let ports = ids.map(|id| {
            let port = stage.port_of(id);
            stage.worker(id).kill();
            port
        });
        let begun = now_ms();
        stage.cluster.restart_coordinator();
        for (id, port) in ids.iter().zip(&ports) {
            match on_same_ports {
                true => stage.start_worker(id, &["-grpc-port", port]),
                false => stage.start_worker(id, &[]),
            }
        }
        for (name, epoch) in names.iter().zip(epochs) {
            stage.wait_taken_over(name, epoch);
            let lines = stage.written(name);
            let first = lines.iter().find(|line| line.epoch > epoch);
            times.push(first.expect("a line").at.saturating_sub(begun));
        }
    }
    times
}
