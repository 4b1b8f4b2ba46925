//! `airtruct verify`: whether what processes wrote down of what they did, and what arrived, keeps every promise.

use std::{
    fs::File,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::Context as _;
use serde_json::json;

use super::{
    client::Format,
    show::{self, Column, text},
};
use crate::cluster::history::{Record, SinkCheck, SinkLine, Timeline, handovers, pauses};

const AFTER_HELP: &str = "\
Start coordinators and workers with `-history FILE` (they may share one), let things happen, then:
  airtruct verify history.jsonl
  airtruct verify --sink out/numbered-0.jsonl --handovers history.jsonl
It tells where two workers acted for a stream at once, acted without a grant or under an epoch of another; with --sink also what
is missing, came late from a former owner, or came again without a hand-over that announces it.
Exit codes: 0 every promise was kept, 1 one was broken or a file can't be read.";

/// Check histories for overlap of owners, and what arrived for loss and repeats
#[derive(clap::Args)]
#[command(after_help = AFTER_HELP)]
pub struct Args {
    /// What processes wrote that were started with -history
    #[arg(required = true, value_name = "HISTORY")]
    histories: Vec<PathBuf>,
    /// A file with numbered messages, as examples/numbered.yaml writes it
    #[arg(long = "sink", value_name = "FILE")]
    sinks: Vec<PathBuf>,
    /// The number that each shard must have come to
    #[arg(long, value_name = "N", requires = "sinks")]
    last: Option<u64>,
    /// Show each change of owner with its pause and cause
    #[arg(long, requires = "sinks")]
    handovers: bool,
    /// How to show the result
    #[arg(short, long, value_enum, default_value_t = Format::Table)]
    output: Format,
}

const PAUSES: &[Column] = &[
    ("HANDED OVER BY", |p| match p["how"].is_null() {
        true => "unknown".to_owned(),
        false => text(&p["how"]),
    }),
    ("COUNT", |p| text(&p["count"])),
    ("P50", |p| format!("{} ms", p["p50_ms"])),
    ("P99", |p| format!("{} ms", p["p99_ms"])),
    ("LONGEST", |p| format!("{} ms", p["max_ms"])),
];

const HANDOVERS: &[Column] = &[
    ("SHARD", |h| format!("{}/{}", text(&h["stream"]), h["shard"])),
    ("EPOCHS", |h| format!("{} -> {}", h["from"], h["to"])),
    ("PAUSE", |h| format!("{} ms", h["pause_ms"])),
    ("BY", |h| text(&h["how"])),
    ("CAUSE", |h| text(&h["cause"])),
];

pub async fn run(args: Args) -> anyhow::Result<ExitCode> {
    let mut records: Vec<Record> = Vec::new();
    for path in &args.histories {
        lines(path, |record| records.push(record))?;
    }
    let timeline = Timeline::new(&records);
    let mut sink = SinkCheck::default();
    for path in &args.sinks {
        lines(path, |line: SinkLine| sink.line(&line))?;
    }
    let mut violations = timeline.violations();
    violations.extend(sink.violations(&timeline, args.last));
    let handovers = handovers(&sink, &timeline);
    let result = json!({
        "records": records.len(),
        "grants": timeline.grants(),
        "runs": timeline.runs(),
        "one_clock": timeline.one_clock,
        "lines": sink.lines(),
        "messages": sink.messages(),
        "repeats": sink.repeats(),
        "violations": violations,
        "pauses": pauses(&handovers),
        "handovers": if args.handovers { json!(handovers) } else { json!(null) },
    });
    match args.output {
        Format::Json => show::json(&result),
        Format::Table => {
            println!(
                "{} records, {} grants, {} times a worker began to act",
                result["records"], result["grants"], result["runs"]
            );
            if !timeline.one_clock {
                println!(
                    "they are of several machines, whose clocks can't be compared: whether two acted at once is judged by what arrived"
                );
            }
            if !args.sinks.is_empty() {
                println!(
                    "{} lines arrived: {} messages, {} of them again after a hand-over",
                    result["lines"], result["messages"], result["repeats"]
                );
            }
            let list = |name: &str| result[name].as_array().map_or(&[][..], Vec::as_slice);
            if !list("pauses").is_empty() {
                show::list(Format::Table, list("pauses"), PAUSES, "");
            }
            if args.handovers {
                show::list(
                    Format::Table,
                    list("handovers"),
                    HANDOVERS,
                    "nothing changed hands",
                );
            }
            for violation in &violations {
                println!("broken: {violation}");
            }
            if violations.is_empty() {
                println!("every promise was kept");
            }
        }
    }
    Ok(match violations.is_empty() {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    })
}

/// Reads a file of JSON lines. A last line without an end is what a process wrote when it was killed, and counts for nothing.
fn lines<T: serde::de::DeserializeOwned>(
    path: &Path,
    mut take: impl FnMut(T),
) -> anyhow::Result<()> {
    let file = File::open(path).with_context(|| format!("open {}", path.display()))?;
    let mut reader = BufReader::new(file);
    let mut line = String::new();
    for number in 1.. {
        line.clear();
        let count = reader
            .read_line(&mut line)
            .with_context(|| format!("read {}", path.display()))?;
        if count == 0 || !line.ends_with('\n') {
            break;
        }
        let parsed = serde_json::from_str(&line);
        take(parsed.with_context(|| format!("{}:{number}", path.display()))?);
    }
    Ok(())
}
