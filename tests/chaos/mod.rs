//! Real processes on hosts of their own, and everything that can go wrong with them, by chance; then the histories are checked.
//!
//! A short run with short leases is part of the tests. `make chaos` runs for longer, on the optimised binary with default settings.
//! CHAOS_SECONDS is for how long things go wrong, CHAOS_LONGEST_MS for how long one thing, CHAOS_SEED which things, CHAOS_BINARY the
//! program. CHAOS_FAULTS=kill,drain is for those only (`Fault::name`), one after another and each after all is well again: so pauses are
//! those of one thing. CHAOS_KEEP=1 leaves logs, history and output where they are.

mod arena;
mod network;

use std::{
    path::PathBuf,
    sync::{
        Mutex,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use arena::{Arena, Fault, Kind};

/// How a run is set up.
#[derive(Clone, Debug)]
pub struct Settings {
    pub binary: PathBuf,
    pub flags: Vec<String>,
    pub workers: usize,
    /// Between the batches of each shard, and the messages of one.
    pub interval: &'static str,
    pub batch: usize,
    pub duration: Duration,
    /// The longest time for which one thing goes wrong.
    pub longest_fault: Duration,
    pub seed: u64,
    /// Names of the only faults that may happen; all if there are none.
    pub only: Vec<String>,
    /// Whether logs, history and output stay there afterwards.
    pub keeps: bool,
}

impl Settings {
    fn from_environment() -> Settings {
        let variable = |name: &str| std::env::var(name).ok().filter(|text| !text.is_empty());
        let number = |name: &str| -> Option<u64> {
            variable(name).map(|text| text.parse().unwrap_or_else(|e| panic!("{name}: {e}")))
        };
        let binary =
            variable("CHAOS_BINARY").unwrap_or_else(|| env!("CARGO_BIN_EXE_airtruct").to_owned());
        let only = variable("CHAOS_FAULTS").unwrap_or_default();
        let only = only.split(',').filter(|name| !name.is_empty());
        let keeps = variable("CHAOS_KEEP").is_some();
        let only: Vec<String> = only.map(str::to_owned).collect();
        let seed = number("CHAOS_SEED").unwrap_or_else(|| u64::from(rand::random::<u32>()));
        let binary = std::fs::canonicalize(&binary).unwrap_or_else(|e| panic!("{binary}: {e}"));
        match number("CHAOS_SECONDS") {
            Some(seconds) => Settings {
                binary,
                // Workers are killed so often that streams would be suspected of it.
                flags: ["-quarantine-time", "5s"].map(str::to_owned).to_vec(),
                workers: 5,
                interval: "20ms",
                // Together 5,100 messages a second.
                batch: 17,
                duration: Duration::from_secs(seconds),
                longest_fault: Duration::from_millis(number("CHAOS_LONGEST_MS").unwrap_or(6_000)),
                seed,
                only,
                keeps,
            },
            None => {
                let flags = [
                    "-lease-ttl",
                    "1s",
                    "-heartbeat-interval",
                    "200ms",
                    "-lease-margin",
                    "200ms",
                    "-settle-time",
                    "300ms",
                    "-quarantine-time",
                    "1s",
                ];
                Settings {
                    binary,
                    flags: flags.map(str::to_owned).to_vec(),
                    workers: 3,
                    interval: "20ms",
                    batch: 3,
                    duration: Duration::from_secs(8),
                    longest_fault: Duration::from_millis(2_000),
                    seed,
                    only,
                    keeps,
                }
            }
        }
    }
}

/// A number that no other run on this machine has.
fn number() -> u32 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    std::process::id() * 10 + NEXT.fetch_add(1, Ordering::Relaxed) % 10
}

/// Numbers by chance below a limit, the same for the same seed.
fn dice(seed: u64) -> impl FnMut(usize) -> usize {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    move |below| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 33) as usize % below
    }
}

fn run(kind: Kind) {
    // Two at once would starve each other on a small machine.
    static ALONE: Mutex<()> = Mutex::new(());
    let _turn = ALONE
        .lock()
        .unwrap_or_else(|poisoned| poisoned.into_inner());
    let settings = Settings::from_environment();
    let Some(mut arena) = Arena::start(kind, settings.clone()) else {
        eprintln!("not run: hosts of its own need root and iproute2");
        return;
    };
    arena.wait_progress();
    println!("{kind:?}, seed {}", settings.seed);
    let mut dice = dice(settings.seed);
    let longest = settings.longest_fault.as_millis() as usize;
    let begun = Instant::now();
    let mut under_way: Vec<(Instant, Fault)> = Vec::new();
    let mut next = begun;
    let mut count = 0;
    while begun.elapsed() < settings.duration || !under_way.is_empty() {
        let now = Instant::now();
        for (_, fault) in under_way.extract_if(.., |(until, _)| *until <= now) {
            println!("{:>7} ms: {fault:?} is mended", begun.elapsed().as_millis());
            arena.end(fault);
        }
        let at_once = if settings.only.is_empty() { 2 } else { 1 };
        if now >= next && under_way.len() < at_once && begun.elapsed() < settings.duration {
            if at_once == 1 {
                arena.wait_settled();
            }
            let fault = arena.fault(&mut dice);
            let now = Instant::now();
            let lasts = Duration::from_millis((100 + dice(longest)) as u64);
            let host = Arena::host_of(fault);
            next = now + Duration::from_millis(dice(longest) as u64);
            if under_way
                .iter()
                .all(|(_, other)| Arena::host_of(*other) != host)
            {
                println!("{:>7} ms: {fault:?}", begun.elapsed().as_millis());
                arena.begin(fault);
                under_way.push((now + lasts, fault));
                count += 1;
            }
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    arena.wait_progress();
    arena.stop();
    let (is_kept, result) = arena.verify();
    println!(
        "{count} faults: {} messages in {} lines, {} repeats, {} grants",
        result["messages"], result["lines"], result["repeats"], result["grants"]
    );
    for kind in result["pauses"].as_array().into_iter().flatten() {
        println!("  {kind}");
    }
    let mut longest = result["handovers"].as_array().cloned().unwrap_or_default();
    longest.sort_by_key(|handover| std::cmp::Reverse(handover["pause_ms"].as_u64()));
    for handover in longest.iter().take(5) {
        println!("  {handover}");
    }
    assert!(
        is_kept,
        "seed {}: {:#}\n(in {})",
        settings.seed,
        result["violations"],
        arena.folder().display()
    );
    assert!(result["grants"].as_u64() >= Some(arena::SHARDS as u64));
    for (shard, sink) in arena.sinks().iter().enumerate() {
        let position = sink.with_file_name(format!("numbered-{shard}.position"));
        let position = std::fs::read_to_string(&position).expect("a position");
        let text = std::fs::read_to_string(sink).expect("what arrived");
        let highest = text.lines().filter_map(|line| {
            serde_json::from_str::<serde_json::Value>(line).ok()?["number"].as_u64()
        });
        let position: u64 = position.parse().expect("a number");
        assert!(
            highest.max() >= Some(position),
            "shard {shard} counts {position} as delivered"
        );
    }
}

#[test]
fn one_coordinator_on_sqlite_keeps_every_promise() {
    run(Kind::Sqlite);
}

#[test]
fn two_coordinators_on_postgresql_keep_every_promise() {
    run(Kind::Postgres);
}
