//! Many seeds, and the proof that a broken build does not survive them.

use std::sync::atomic::{AtomicU64, Ordering};

use super::{Options, Outcome, Sabotage, run};

/// Plays the seeds from `from` on, on all cores, until one breaks a promise.
fn first_broken(options: &(dyn Fn(u64) -> Options + Sync), seeds: u64) -> Option<(u64, Outcome)> {
    let next = AtomicU64::new(0);
    let found = std::sync::Mutex::new(None);
    let threads = std::thread::available_parallelism().map_or(2, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= seeds {
                        return;
                    }
                    let outcome = run(&options(seed), seed);
                    if !outcome.violations.is_empty() {
                        next.store(seeds, Ordering::Relaxed);
                        *found.lock().expect("no thread panics") = Some((seed, outcome));
                    }
                }
            });
        }
    });
    found.into_inner().expect("no thread panics")
}

#[test]
fn no_schedule_breaks_a_promise() {
    let seeds =
        std::env::var("AIRTRUCT_SIM_SCHEDULES").map_or(1_000, |n| n.parse().expect("a number"));
    if let Some((seed, _)) = first_broken(&Options::varied, seeds) {
        let options = Options {
            trace: true,
            ..Options::varied(seed)
        };
        let traced = run(&options, seed);
        let broken: Vec<String> = traced.violations.iter().map(ToString::to_string).collect();
        panic!(
            "seed {seed}:\n{}\n{}",
            traced.trace.join("\n"),
            broken.join("\n")
        );
    }
}

#[test]
fn the_same_seed_is_the_same_run() {
    let options = Options {
        trace: true,
        ..Options::default()
    };
    let (first, second) = (run(&options, 7), run(&options, 7));
    assert_eq!(first.trace, second.trace);
    assert!(first.writes > 100);
}

#[test]
fn every_sabotage_is_found() {
    for (name, sabotage) in Sabotage::ALL {
        let options = |seed| Options {
            sabotage: Some(*sabotage),
            coordinators: if *sabotage == Sabotage::DeposedLeads {
                2
            } else {
                Options::varied(seed).coordinators
            },
            ..Options::varied(seed)
        };
        let found = first_broken(&options, 10_000);
        assert!(found.is_some(), "{name} survived");
    }
}
