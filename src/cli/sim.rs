//! `airtruct sim`: plays whole clusters under faults, from seeds, and judges whether a promise was broken.

use std::{
    process::ExitCode,
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

use super::show::Progress;
use crate::cluster::sim::{Fault, Options, Outcome, Sabotage, run as play};

/// Play clusters under faults in a simulator, and check that every promise is kept
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  airtruct sim --schedules 10000                 ten thousand runs, on all cores
  airtruct sim --seed 42 --trace                 one run again, with everything that happens
  airtruct sim --kill w2@3000+500 --trace        worker 2 dies after 3 s and starts anew 500 ms later

With faults of your own, chance brings none. Exit codes: 0 every promise was kept, 1 one was broken, 2 the command line is wrong")]
pub struct Args {
    /// The first seed; the same seed and options give the same run
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// How many seeds are played
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..))]
    schedules: u64,
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u16).range(1..=1000))]
    workers: u16,
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..=10000))]
    streams: u16,
    /// One has an embedded database; more share one and have a leader
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=9))]
    coordinators: u16,
    /// Kill a worker (w2) or a coordinator (c1) at a time and start it anew after another, in milliseconds
    #[arg(long, value_name = "WHO@AT+FOR", value_parser = parse_at)]
    kill: Vec<At>,
    /// Stop a process and let it go on
    #[arg(long, value_name = "WHO@AT+FOR", value_parser = parse_at)]
    pause: Vec<At>,
    /// Cut a worker off from the coordinators
    #[arg(long, value_name = "WORKER@AT+FOR", value_parser = parse_at)]
    partition: Vec<At>,
    /// Break a promise on purpose, to see that it is found
    #[arg(long, value_name = "NAME", value_parser = parse_sabotage)]
    sabotage: Option<Sabotage>,
    /// Print everything that happens
    #[arg(long)]
    trace: bool,
}

/// `w2@3000+500`: who, when, for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct At {
    is_worker: bool,
    index: usize,
    at: u64,
    ms: u64,
}

fn parse_at(text: &str) -> Result<At, String> {
    let wrong = || format!("`{text}` is not like w2@3000+500: a worker or coordinator, when, for how many milliseconds");
    let (who, times) = text.split_once('@').ok_or_else(wrong)?;
    let (at, ms) = times.split_once('+').ok_or_else(wrong)?;
    let is_worker = who.starts_with('w');
    let number = who.strip_prefix(['w', 'c']).ok_or_else(wrong)?;
    let number: usize = number.parse().map_err(|_| wrong())?;
    // A day is far beyond any run, and keeps the sums small.
    let time = |text: &str| text.parse().ok().filter(|ms| *ms <= 86_400_000).ok_or_else(wrong);
    Ok(At {
        is_worker,
        index: number.checked_sub(1).ok_or_else(wrong)?,
        at: time(at)?,
        ms: time(ms)?,
    })
}

fn parse_sabotage(text: &str) -> Result<Sabotage, String> {
    let found = Sabotage::ALL.iter().find(|(name, _)| *name == text);
    found.map(|(_, sabotage)| *sabotage).ok_or_else(|| {
        let names: Vec<&str> = Sabotage::ALL.iter().map(|(name, _)| *name).collect();
        format!("known are {}", names.join(", "))
    })
}

/// The options of a run, or what is wrong with them.
fn options(args: &Args) -> Result<Options, String> {
    let mut script = Vec::new();
    let exists = |a: &At| match a.is_worker {
        true => a.index < usize::from(args.workers),
        false => a.index < usize::from(args.coordinators),
    };
    for a in args.kill.iter().chain(&args.pause).chain(&args.partition) {
        if !exists(a) {
            let kind = if a.is_worker { 'w' } else { 'c' };
            return Err(format!("there is no {kind}{} in this world", a.index + 1));
        }
    }
    script.extend(args.kill.iter().map(|a| {
        let fault = if a.is_worker { Fault::KillWorker } else { Fault::KillCoordinator };
        (a.at, fault(a.index, a.ms))
    }));
    script.extend(args.pause.iter().map(|a| {
        let fault = if a.is_worker { Fault::PauseWorker } else { Fault::PauseCoordinator };
        (a.at, fault(a.index, a.ms))
    }));
    for a in &args.partition {
        if !a.is_worker {
            return Err("--partition is for workers, such as w3@3000+500".to_owned());
        }
        let fault = Fault::Partition {
            worker: a.index,
            up: true,
            down: true,
            ms: a.ms,
        };
        script.push((a.at, fault));
    }
    let default = Options::default();
    let last = script.iter().map(|(at, _)| at + 1).max().unwrap_or(0);
    Ok(Options {
        workers: args.workers.into(),
        streams: args.streams.into(),
        coordinators: args.coordinators.into(),
        random: script.is_empty(),
        faults_ms: default.faults_ms.max(last),
        script,
        sabotage: args.sabotage,
        trace: args.trace && args.schedules == 1,
        ..default
    })
}

pub async fn run(args: Args) -> anyhow::Result<ExitCode> {
    let options = match options(&args) {
        Ok(options) => options,
        Err(why) => {
            eprintln!("airtruct: {why}");
            return Ok(ExitCode::from(2));
        }
    };
    let (first, count) = (args.seed, args.schedules);
    let all = tokio::task::spawn_blocking({
        let options = options.clone();
        move || play_all(&options, first, count)
    });
    let all = all.await?;
    if let Some(outcome) = &all.last {
        for line in &outcome.trace {
            println!("{line}");
        }
    }
    let Some(seed) = all.broken else {
        println!(
            "{} schedules from seed {first}: 0 broken promises; {} events, {} writes, longest gap {} ms",
            count, all.events, all.writes, all.longest_gap_ms
        );
        return Ok(ExitCode::SUCCESS);
    };
    let traced = play(&Options { trace: true, ..options.clone() }, seed);
    if !options.trace {
        for line in &traced.trace {
            println!("{line}");
        }
    }
    println!("seed {seed} breaks a promise:");
    for violation in &traced.violations {
        println!("  {violation}");
    }
    Ok(ExitCode::FAILURE)
}

/// What came of all runs.
#[derive(Default)]
struct All {
    /// The lowest seed that breaks a promise.
    broken: Option<u64>,
    events: u64,
    writes: u64,
    longest_gap_ms: u64,
    /// The outcome, if there was one run only.
    last: Option<Outcome>,
}

fn play_all(options: &Options, first: u64, count: u64) -> All {
    let next = AtomicU64::new(0);
    // Seeds beyond the lowest broken one need not be played.
    let end = AtomicU64::new(count);
    let all = Mutex::new(All::default());
    let progress = Progress::new();
    let threads = std::thread::available_parallelism().map_or(2, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    if at >= end.load(Ordering::Relaxed) {
                        return;
                    }
                    let seed = first.wrapping_add(at);
                    let outcome = play(options, seed);
                    let mut all = all.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                    all.events += outcome.events;
                    all.writes += outcome.writes;
                    all.longest_gap_ms = all.longest_gap_ms.max(outcome.longest_gap_ms);
                    if !outcome.violations.is_empty() && at < end.fetch_min(at, Ordering::Relaxed) {
                        all.broken = Some(seed);
                    }
                    if at.is_multiple_of(100) {
                        progress.show(&format!("{at} of {count} schedules"));
                    }
                    if count == 1 {
                        all.last = Some(outcome);
                    }
                }
            });
        }
    });
    drop(progress);
    all.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_are_read_and_wrong_ones_refused() {
        let at = At { is_worker: true, index: 1, at: 3_000, ms: 500 };
        assert_eq!(parse_at("w2@3000+500"), Ok(at));
        for wrong in ["", "w@1+1", "w0@1+1", "x1@1+1", "w1@1", "w1+1@1", "w1@-1+2", "w1@1+99999999999"] {
            assert!(parse_at(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_lowest_broken_seed_is_found_and_a_sound_build_has_none() {
        let sound = play_all(&Options::default(), 0, 5);
        assert_eq!(sound.broken, None);
        let broken = Options {
            sabotage: Some(Sabotage::NoLeaseCheck),
            ..Options::default()
        };
        let found = play_all(&broken, 0, 2_000).broken.expect("a broken seed");
        assert!(!play(&broken, found).violations.is_empty());
        assert_eq!(play_all(&broken, 0, 2_000).broken, Some(found));
    }
}
