//! Point 1: streams spread over the workers there are, and over one that joins.

use super::{
    Extent,
    figures::Table,
    stage::{Stage, TICK, handovers, late},
};
use crate::cli::{now_ms, wait_for};

const POINT: &str = "1";

/// Within which time a worker that joined must have its share.
const EVEN_MS: u64 = 10_000;

/// What all rounds have shown.
#[derive(Default)]
struct Seen {
    first: Vec<u64>,
    one_by_one: Vec<String>,
    burst: Vec<String>,
    joined: Vec<String>,
    next: Vec<String>,
    moved: Vec<String>,
    even: Vec<u64>,
    pauses: Vec<u64>,
    late: usize,
}

pub fn measure(table: &mut Table, extent: Extent) {
    let mut seen = Seen::default();
    for _ in 0..extent.rounds {
        round(&mut seen);
    }
    let title = "POST of a stream to its first message";
    table.times(POINT, title, "0.9-3.0 s", 1_000, &seen.first);
    let title = "6 streams one by one on 3 workers";
    table.same(POINT, title, "0 / 0 / 6", "2 / 2 / 2", &seen.one_by_one);
    let title = "6 more in one burst";
    table.same(POINT, title, "2 / 2 / 8", "4 / 4 / 4", &seen.burst);
    let title = "a 4th worker joins 12 streams";
    table.same(POINT, title, "0 / 2 / 2 / 8", "3 / 3 / 3 / 3", &seen.joined);
    let title = "… streams that move for it";
    table.same(POINT, title, "0", "3", &seen.moved);
    let title = "… until all are even";
    table.times(POINT, title, "never (60 s)", EVEN_MS, &seen.even);
    let title = "… pause of a stream that moves";
    table.times(POINT, title, "-", 1_000, &seen.pauses);
    let title = "… lines of a former owner after the new one's";
    table.none(POINT, title, "-", seen.late);
    let title = "1 stream more";
    table.same(POINT, title, "0 / 2 / 2 / 9", "3 / 3 / 3 / 4", &seen.next);
}

fn round(seen: &mut Seen) {
    let mut stage = Stage::start(3);
    let names: Vec<String> = (0..12).map(|n| format!("tick-{n:02}")).collect();
    for name in &names[..6] {
        let asked = stage.create_ticking(name, TICK);
        stage.wait_after(name, 0);
        seen.first
            .push(stage.written(name)[0].at.saturating_sub(asked));
    }
    seen.one_by_one.push(shown(&stage));
    for name in &names[6..] {
        stage.create_ticking(name, TICK);
    }
    for name in &names[6..] {
        stage.wait_after(name, 0);
    }
    seen.burst.push(shown(&stage));

    let before = stage.wait_even(3);
    let joins = now_ms();
    stage.start_worker("w4", &[]);
    stage.wait_workers(4);
    let after = stage.wait_even(4);
    seen.even.push(now_ms() - joins);
    seen.joined.push(shown(&stage));
    let moved: Vec<&String> = names
        .iter()
        .filter(|name| before[*name] != after[*name])
        .collect();
    seen.moved.push(moved.len().to_string());
    for name in moved {
        // A stream runs before its first line is there.
        let lines = wait_for("the moved stream to write", || {
            let lines = stage.written(name);
            (!handovers(&lines, joins).is_empty()).then_some(lines)
        });
        seen.pauses.extend(handovers(&lines, joins));
        seen.late += late(&lines);
    }
    stage.create_ticking("one-more", TICK);
    stage.wait_after("one-more", 0);
    seen.next.push(shown(&stage));
}

fn shown(stage: &Stage) -> String {
    let counts: Vec<String> = stage.spread().iter().map(u64::to_string).collect();
    counts.join(" / ")
}
