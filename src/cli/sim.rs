//! `airtruct sim`: plays whole clusters under faults, from seeds, and judges whether a promise was broken.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    process::ExitCode,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

use anyhow::Context;

use super::{
    show::Progress,
    streams::{expand, read, stream_name},
};
use crate::{
    api::check_config,
    cluster::{
        Stream,
        sim::{Fault, Options, Outcome, Sabotage, run as play, uniform},
    },
    ids::StreamName,
};

/// Play clusters under faults in a simulator, and check that every promise is kept
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  airtruct sim --schedules 10000 --vary               ten thousand worlds, on all cores
  airtruct sim --seed 42 --trace                      one run again, with everything that happens
  airtruct sim --kill w2 --partition 'c|w3' --pause w1 --trace streams/
                                                      what these streams would go through

Faults are written WHO[@AT[+FOR]], in milliseconds: `w2@5000+200` is worker 2, after 5 s, for 200 ms. With faults of your own, chance
brings none. Exit codes: 0 every promise was kept, 1 one was broken, 2 the command line is wrong")]
pub struct Args {
    /// Configs of the streams, or folders of them: their shards, labels and `on_partition` count; without any, see --streams
    #[arg(value_name = "FILE", conflicts_with = "streams")]
    files: Vec<PathBuf>,
    /// The first seed; the same seed and options give the same run
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// How many seeds are played
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..))]
    schedules: u64,
    /// Another world for each seed: 2 to 5 workers, 1 to 7 streams, with and without shards, 1 or 2 coordinators
    #[arg(long, conflicts_with_all = ["files", "workers", "streams", "coordinators", "label", "kill", "pause", "partition", "twin", "lose_store"])]
    vary: bool,
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u16).range(1..=1000))]
    workers: u16,
    /// How many streams without wishes there are
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..=10000))]
    streams: u16,
    /// One has an embedded database; more share one and have a leader
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=9))]
    coordinators: u16,
    /// Give a worker labels
    #[arg(long, value_name = "WORKER:K=V,...", value_parser = parse_labels)]
    label: Vec<(usize, BTreeMap<String, String>)>,
    /// Kill a worker (w2) or a coordinator (c1) and start it anew afterwards [for 500 ms]
    #[arg(long, value_name = "FAULT")]
    kill: Vec<String>,
    /// Stop a process and let it go on [for 4000 ms]
    #[arg(long, value_name = "FAULT")]
    pause: Vec<String>,
    /// Cut a worker off from the coordinators: `c|w3` both ways, `c>w3` what it is told, `w3>c` what it tells [for 4000 ms]
    #[arg(long, value_name = "FAULT")]
    partition: Vec<String>,
    /// Start another process elsewhere under a worker's id, which then is the newest
    #[arg(long, value_name = "FAULT")]
    twin: Vec<String>,
    /// Cut a coordinator off from the database [for 4000 ms]
    #[arg(long, value_name = "FAULT")]
    lose_store: Vec<String>,
    /// Break a promise on purpose, to see that it is found
    #[arg(long, value_name = "NAME", value_parser = parse_sabotage)]
    sabotage: Option<Sabotage>,
    /// Print everything that happens
    #[arg(long)]
    trace: bool,
}

/// A process, by its number from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Who {
    Worker(usize),
    Coordinator(usize),
}

/// When a fault happens that doesn't say.
const AT_MS: u64 = 3_000;

/// Far beyond any run, and it keeps the sums small.
const LONGEST_MS: u64 = 86_400_000;

/// `w2@3000+500`: what is hit, when, for how long.
fn parse_times(text: &str, for_ms: u64) -> Option<(&str, u64, u64)> {
    let time = |text: &str| text.parse().ok().filter(|ms| *ms <= LONGEST_MS);
    let Some((who, times)) = text.split_once('@') else {
        return Some((text, AT_MS, for_ms));
    };
    match times.split_once('+') {
        Some((at, ms)) => Some((who, time(at)?, time(ms)?)),
        None => Some((who, time(times)?, for_ms)),
    }
}

fn parse_who(text: &str) -> Option<Who> {
    let number = text.strip_prefix(['w', 'c'])?.parse::<usize>().ok()?.checked_sub(1)?;
    Some(match text.starts_with('w') {
        true => Who::Worker(number),
        false => Who::Coordinator(number),
    })
}

/// A worker and which of its ways is cut: up, down.
fn parse_cut(text: &str) -> Option<(Who, bool, bool)> {
    let worker = |text| parse_who(text).filter(|who| matches!(who, Who::Worker(_)));
    if let Some(name) = text.strip_prefix("c|").or(text.strip_suffix("|c")) {
        return Some((worker(name)?, true, true));
    }
    if let Some(name) = text.strip_suffix(">c") {
        return Some((worker(name)?, true, false));
    }
    match text.strip_prefix("c>") {
        Some(name) => Some((worker(name)?, false, true)),
        None => Some((worker(text)?, true, true)),
    }
}

fn parse_labels(text: &str) -> Result<(usize, BTreeMap<String, String>), String> {
    let wrong = || format!("`{text}` is not like w2:zone=a,disk=ssd");
    let (who, labels) = text.split_once(':').ok_or_else(wrong)?;
    let Some(Who::Worker(worker)) = parse_who(who) else {
        return Err(wrong());
    };
    let pair = |pair: &str| {
        let (key, value) = pair.split_once('=')?;
        Some((key.trim().to_owned(), value.trim().to_owned()))
    };
    let labels: Option<BTreeMap<String, String>> = labels.split(',').map(pair).collect();
    Ok((worker, labels.ok_or_else(wrong)?))
}

fn parse_sabotage(text: &str) -> Result<Sabotage, String> {
    let found = Sabotage::ALL.iter().find(|(name, _)| *name == text);
    found.map(|(_, sabotage)| *sabotage).ok_or_else(|| {
        let names: Vec<&str> = Sabotage::ALL.iter().map(|(name, _)| *name).collect();
        format!("known are {}", names.join(", "))
    })
}

/// The faults that the command line asks for, with their times; or what is wrong with them.
fn script(args: &Args) -> Result<Vec<(u64, Fault)>, String> {
    type Make = fn(&str, u64) -> Option<(Who, Fault)>;
    let kill: Make = |text, ms| {
        let who = parse_who(text)?;
        Some((who, match who {
            Who::Worker(n) => Fault::KillWorker(n, ms),
            Who::Coordinator(n) => Fault::KillCoordinator(n, ms),
        }))
    };
    let pause: Make = |text, ms| {
        let who = parse_who(text)?;
        Some((who, match who {
            Who::Worker(n) => Fault::PauseWorker(n, ms),
            Who::Coordinator(n) => Fault::PauseCoordinator(n, ms),
        }))
    };
    let partition: Make = |text, ms| {
        let (who, up, down) = parse_cut(text)?;
        let Who::Worker(worker) = who else { return None };
        Some((who, Fault::Partition { worker, up, down, ms }))
    };
    let lose_store: Make = |text, ms| {
        let who = parse_who(text)?;
        let Who::Coordinator(n) = who else { return None };
        Some((who, Fault::LoseStore(n, ms)))
    };
    let twin: Make = |text, _| {
        let who = parse_who(text)?;
        let Who::Worker(n) = who else { return None };
        Some((who, Fault::Twin(n)))
    };
    let kinds = [
        ("--twin", &args.twin, 0, "w2", twin),
        ("--kill", &args.kill, 500, "w2 or c1", kill),
        ("--pause", &args.pause, 4_000, "w2 or c1", pause),
        ("--partition", &args.partition, 4_000, "c|w3, c>w3 or w3>c", partition),
        ("--lose-store", &args.lose_store, 4_000, "c1", lose_store),
    ];
    let mut script = Vec::new();
    for (flag, texts, for_ms, like, make) in kinds {
        for text in texts {
            let read = parse_times(text, for_ms)
                .and_then(|(what, at, ms)| Some((at, make(what, ms)?)));
            let (at, (who, fault)) = read.ok_or_else(|| {
                format!("{flag} `{text}` is not like {like}, with @AT or @AT+FOR in milliseconds where it matters")
            })?;
            let (name, number, count) = match who {
                Who::Worker(n) => ('w', n, args.workers),
                Who::Coordinator(n) => ('c', n, args.coordinators),
            };
            if number >= usize::from(count) {
                return Err(format!("{flag} `{text}`: there is no {name}{} in this world, see --workers and --coordinators", number + 1));
            }
            script.push((at, fault));
        }
    }
    Ok(script)
}

/// The streams of these files, as far as placement cares.
fn streams(files: &[PathBuf]) -> anyhow::Result<Vec<Stream>> {
    let mut streams: BTreeMap<StreamName, Stream> = BTreeMap::new();
    for file in expand(files)? {
        let config = read(&file)?;
        let name = StreamName::new(&stream_name(&file, &config)?)?;
        let draft = check_config(&config).with_context(|| file.display().to_string())?;
        let stream = Stream {
            shards: draft.shards.min(),
            range: draft.shards.range(),
            requires: draft.requires,
            prefers: draft.prefers,
            stateless: draft.stateless,
            on_partition: draft.on_partition,
            ..Stream::new(name.clone())
        };
        if streams.insert(name.clone(), stream).is_some() {
            anyhow::bail!("two files are the stream {name}");
        }
    }
    Ok(streams.into_values().collect())
}

/// The options of the runs.
fn options(args: &Args) -> anyhow::Result<Options> {
    let script = script(args).map_err(anyhow::Error::msg)?;
    let default = Options::default();
    let last = script.iter().map(|(at, _)| at + 1).max().unwrap_or(0);
    Ok(Options {
        workers: args.workers.into(),
        labels: args.label.iter().cloned().collect(),
        streams: match args.files.is_empty() {
            true => uniform(args.streams.into()),
            false => streams(&args.files)?,
        },
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
            eprintln!("airtruct: {why:#}");
            return Ok(ExitCode::from(2));
        }
    };
    let (first, count) = (args.seed, args.schedules);
    let world = Arc::new(World { options, vary: args.vary });
    let all = tokio::task::spawn_blocking({
        let world = world.clone();
        move || play_all(&world, first, count)
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
    let traced = play(&Options { trace: true, ..world.of(seed) }, seed);
    if !world.options.trace {
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

/// What is played.
struct World {
    options: Options,
    /// Whether each seed has a shape of its own.
    vary: bool,
}

impl World {
    fn of(&self, seed: u64) -> Options {
        match self.vary {
            true => Options {
                sabotage: self.options.sabotage,
                trace: self.options.trace,
                ..Options::varied(seed)
            },
            false => self.options.clone(),
        }
    }
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

fn play_all(world: &World, first: u64, count: u64) -> All {
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
                    let outcome = play(&world.of(seed), seed);
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

    fn args(line: &[&str]) -> Args {
        let command = <Args as clap::Args>::augment_args(clap::Command::new("sim"));
        let matches = command.get_matches_from([&["sim"], line].concat());
        <Args as clap::FromArgMatches>::from_arg_matches(&matches).expect("arguments")
    }

    #[test]
    fn faults_are_read_and_wrong_ones_refused() {
        let line = ["--kill=w2", "--pause", "c1@5", "--partition", "c>w3@7+8", "--partition=c|w1"];
        let cut = |worker, up, ms| Fault::Partition { worker, up, down: true, ms };
        let expected = vec![
            (3_000, Fault::KillWorker(1, 500)),
            (5, Fault::PauseCoordinator(0, 4_000)),
            (7, cut(2, false, 8)),
            (3_000, cut(0, true, 4_000)),
        ];
        assert_eq!(script(&args(&line)), Ok(expected));
        for wrong in ["", "w@1+1", "w0", "x1", "w1@", "w1+1@1", "w1@-1+2", "w1@1+99999999999", "w4", "c2"] {
            let found = script(&args(&["--kill", wrong])).expect_err("it is refused");
            assert!(found.starts_with(&format!("--kill `{wrong}`")), "{found}");
        }
        assert!(script(&args(&["--partition", "c1"])).is_err());
        assert!(script(&args(&["--lose-store", "w1"])).is_err());
    }

    #[test]
    fn the_lowest_broken_seed_is_found_and_a_sound_build_has_none() {
        let world = |sabotage| World {
            options: Options {
                sabotage,
                ..Options::default()
            },
            vary: false,
        };
        let sound = play_all(&world(None), 0, 5);
        assert_eq!(sound.broken, None);
        let broken = world(Some(Sabotage::NoLeaseCheck));
        let found = play_all(&broken, 0, 2_000).broken.expect("a broken seed");
        assert!(!play(&broken.of(found), found).violations.is_empty());
        assert_eq!(play_all(&broken, 0, 2_000).broken, Some(found));
    }
}
