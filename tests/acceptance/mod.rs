//! The acceptance list: what was measured of the ancestor, measured of this program in the same way and shown beside it.
//!
//! `make acceptance` runs it on the optimised binary, with the daemon's default settings, for some minutes; plain `cargo test` leaves it
//! out, since the tests of `cli/` and `cluster/` hold each promise in short. Everything is judged by what arrived: the lines of files,
//! which name who wrote them and when, and the answers that clients got.
//!
//! AIRTRUCT_BIN is the program. ACCEPTANCE_POINTS=2,4 is for these points only, ACCEPTANCE_ROUNDS how often each thing is done (5), and
//! ACCEPTANCE_LONG=1 adds what takes minutes: a worker that is stopped for 150 s, a coordinator that is down for 120 s.

mod clients;
mod death;
mod figures;
mod identity;
mod leave;
mod outage;
mod rest;
mod rolling;
mod spread;
mod stage;

use figures::Table;

/// How much is done.
#[derive(Clone, Copy, Debug)]
pub struct Extent {
    pub rounds: usize,
    /// Whether what takes minutes is done, too.
    pub is_long: bool,
}

type Measure = fn(&mut Table, Extent);

const POINTS: &[(&str, Measure)] = &[
    ("1", spread::measure),
    ("2", death::measure_kills),
    ("3", death::measure_stops),
    ("4", leave::measure),
    ("5", outage::measure),
    ("6", identity::measure),
    ("7", rest::measure),
    ("8", rolling::measure),
];

#[test]
#[ignore = "takes minutes: make acceptance"]
fn the_acceptance_list() {
    let variable = |name: &str| std::env::var(name).ok().filter(|text| !text.is_empty());
    let rounds = variable("ACCEPTANCE_ROUNDS").map_or(5, |text| {
        text.parse()
            .unwrap_or_else(|e| panic!("ACCEPTANCE_ROUNDS: {e}"))
    });
    let extent = Extent {
        rounds,
        is_long: variable("ACCEPTANCE_LONG").is_some(),
    };
    let wanted = variable("ACCEPTANCE_POINTS");
    let is_wanted = |point: &str| {
        let wanted = wanted.as_deref();
        wanted.is_none_or(|wanted| wanted.split(',').any(|name| name == point))
    };
    let mut table = Table::default();
    for (point, measure) in POINTS.iter().filter(|(point, _)| is_wanted(point)) {
        println!("point {point}");
        measure(&mut table, extent);
    }
    println!("\ntimes are p50 / p99 / longest\n\n{}", table.text());
    let misses = table.misses();
    assert!(misses.is_empty(), "goals missed:\n{}", misses.join("\n"));
}
