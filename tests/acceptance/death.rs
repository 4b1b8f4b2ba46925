//! Points 2 and 3: a worker that is killed, and one that is stopped and goes on later.

use serde_json::Value as Json;

use super::{
    Extent,
    figures::Table,
    stage::{Stage, TICK, handovers, late, longest_pause, pass_until, streams_of},
};
use crate::cli::{now_ms, wait_for};

/// Within which time what a dead worker ran must be written elsewhere.
const TAKEOVER_MS: u64 = 6_000;

/// Point 2.
pub fn measure_kills(table: &mut Table, extent: Extent) {
    const POINT: &str = "2";
    let mut stage = Stage::start(3);
    stage.create_many(6);
    let (mut gaps, mut slowest, mut offers, mut late_lines) = (vec![], vec![], 0, 0);
    for round in 0..extent.rounds {
        let placement = stage.wait_even(3);
        let victim = victim(round);
        let names = streams_of(&placement, &victim);
        let epochs = stage.epochs(&names);
        let killed = now_ms();
        stage.worker(&victim).kill();
        let of_round = wait_takeover(&stage, &names, &epochs, killed);
        slowest.extend(of_round.iter().max());
        gaps.extend(of_round);
        wait_for("the worker's end to be known", || {
            (!stage.active().contains(&victim)).then_some(())
        });
        offers += grants_since(&stage, &victim, killed);
        stage.start_worker(&victim, &[]);
        stage.wait_workers(3);
        late_lines += names.iter().map(|n| late(&stage.written(n))).sum::<usize>();
    }
    let title = "kill -9: until each stream writes elsewhere";
    let ancestor = "median 23.9 s, max 59.4 s";
    table.times(POINT, title, ancestor, TAKEOVER_MS, &gaps);
    let title = "… the slowest stream of each round";
    table.times(POINT, title, "median 55.5 s", TAKEOVER_MS, &slowest);
    let title = "… times that the dead worker was given a stream";
    table.none(POINT, title, "6 of 17", offers);
    let title = "… lines of a former owner after the new one's";
    table.none(POINT, title, "-", late_lines);
}

/// Each worker in turn.
fn victim(round: usize) -> String {
    format!("w{}", 1 + round % 3)
}

/// Waits until others write some streams; the pause of each.
fn wait_takeover(stage: &Stage, names: &[String], epochs: &[u64], since: u64) -> Vec<u64> {
    for (name, epoch) in names.iter().zip(epochs) {
        stage.wait_taken_over(name, *epoch);
    }
    let pauses = |name: &String| handovers(&stage.written(name), since);
    names.iter().flat_map(pauses).collect()
}

/// How often a worker was given something since a moment.
fn grants_since(stage: &Stage, worker: &str, since: u64) -> usize {
    let events = stage.list(&format!("events?limit=1000&worker={worker}"));
    let is_grant = |event: &&Json| {
        let at = event["at"].as_str().unwrap_or_default();
        let at = chrono::DateTime::parse_from_rfc3339(at).expect("a time");
        event["kind"] == "assign" && at.timestamp_millis() >= since.cast_signed()
    };
    events.iter().filter(is_grant).count()
}

/// What all stops of one length have shown.
#[derive(Default)]
struct Stops {
    gaps: Vec<u64>,
    late: usize,
    others: Vec<u64>,
    at_once: Vec<u64>,
    new: Vec<u64>,
}

/// Point 3.
pub fn measure_stops(table: &mut Table, extent: Extent) {
    let lasts: &[(u64, usize)] = match extent.is_long {
        true => &[(30, 5), (150, 1)],
        false => &[(30, 2)],
    };
    for (seconds, most) in lasts {
        let mut stage = Stage::start(3);
        stage.create_many(6);
        let mut stops = Stops::default();
        for round in 0..extent.rounds.min(*most) {
            stop(&mut stage, round, *seconds, &mut stops);
        }
        report(table, *seconds, &stops);
    }
}

fn report(table: &mut Table, seconds: u64, stops: &Stops) {
    const POINT: &str = "3";
    let (taken, new) = match seconds {
        150 => ("150 s, none taken over", "115 s"),
        _ => ("22.4-30.1 s, 6 of 16 never", "-"),
    };
    let title = format!("SIGSTOP {seconds} s: until each stream writes elsewhere");
    table.times(POINT, title, taken, TAKEOVER_MS, &stops.gaps);
    let title = "… lines of the old owner after the take-over";
    table.none(POINT, title, "10 streams, 1-2 each", stops.late);
    let title = "… longest pause of each other stream meanwhile";
    table.times(POINT, title, "-", 1_000, &stops.others);
    let title = "… streams posted right after the stop, to their first message";
    table.times(POINT, title, "-", TAKEOVER_MS, &stops.at_once);
    let title = "… one posted while the worker is stopped";
    table.times(POINT, title, new, 1_000, &stops.new);
}

fn stop(stage: &mut Stage, round: usize, seconds: u64, stops: &mut Stops) {
    let placement = stage.wait_even(3);
    let victim = victim(round);
    let orphans = streams_of(&placement, &victim);
    let epochs = stage.epochs(&orphans);
    let stopped = now_ms();
    stage.worker(&victim).signal(libc::SIGSTOP);
    // Nobody can know yet: one of these is given to the worker that is stopped.
    let post = |name: String| (stage.create_ticking(&name, TICK), name);
    let posted = ["a", "b", "c"].map(|letter| post(format!("at-once-{round}-{letter}")));
    let gaps = wait_takeover(stage, &orphans, &epochs, stopped);
    stops.gaps.extend(gaps);
    for (asked, name) in &posted {
        stops.at_once.push(first_message(stage, name, *asked));
    }
    let (asked, name) = post(format!("new-{round}"));
    stops.new.push(first_message(stage, &name, asked));
    pass_until(stopped + seconds * 1_000);
    let continued = now_ms();
    stage.worker(&victim).signal(libc::SIGCONT);
    for (name, worker) in &placement {
        if *worker != victim {
            stage.wait_after(name, continued);
            let pause = longest_pause(&stage.written(name), stopped, continued);
            stops.others.push(pause);
        }
    }
    // What it would still write it has written once it takes part again.
    stage.wait_even(3);
    let all = placement.keys().chain(posted.iter().map(|(_, name)| name));
    let late_lines = all.map(|name| late(&stage.written(name)));
    stops.late += late_lines.sum::<usize>();
}

/// From the request for a stream to the first line of it.
fn first_message(stage: &Stage, name: &str, asked: u64) -> u64 {
    stage.wait_after(name, 0);
    stage.written(name)[0].at.saturating_sub(asked)
}
