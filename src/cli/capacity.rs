//! `airtruct capacity`: how much room the cluster has.

use std::process::ExitCode;

use serde_json::Value as Json;

use super::{
    client::{Client, EXIT_CODES, Format, Remote, report},
    show::{self, Column, text},
};

/// Show how much room the workers have, by their labels, and how many workers there should be
#[derive(clap::Args)]
#[command(after_help = EXIT_CODES)]
pub struct Args {
    #[command(flatten)]
    remote: Remote,
    /// Think these workers away
    #[arg(long, value_name = "WORKER", value_delimiter = ',')]
    without: Vec<String>,
    /// Think of more workers: 3 like most of those that are there, zone=a,max_streams=4, or 3,zone=a
    #[arg(long, value_name = "[N][,LABEL=VALUE...][,max_streams=N]")]
    with: Vec<String>,
}

fn number(value: &Json) -> String {
    match value.is_null() {
        true => "unlimited".into(),
        false => text(value),
    }
}

const COLUMNS: &[Column] = &[
    ("LABELS", |g| show::labels(&g["labels"])),
    ("WORKERS", |g| text(&g["workers"])),
    ("SLOTS", |g| number(&g["slots"])),
    ("USED", |g| text(&g["used"])),
    ("FREE", |g| number(&g["free"])),
    ("CPU", |g| format!("{:.0}%", g["cpu"].as_f64().unwrap_or_default() * 100.0)),
];

pub async fn run(args: Args) -> anyhow::Result<ExitCode> {
    let client = Client::new(&args.remote)?;
    let (without, with) = (args.without.join(","), args.with.join(";"));
    let query: Vec<(&str, &str)> = [("without", &without), ("with", &with)]
        .into_iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(key, value)| (key, value.as_str()))
        .collect();
    let capacity = match client.get(&["capacity"], &query).await {
        Ok(capacity) => capacity,
        Err(failure) => return report(failure.into()),
    };
    match args.remote.output {
        Format::Json => show::json(&capacity),
        Format::Table => {
            let groups = capacity["groups"].as_array().map_or(&[][..], Vec::as_slice);
            show::list(Format::Table, groups, COLUMNS, "no worker takes streams");
            println!(
                "{} shards, {} without a place; room for {} more; backlog {}; {} workers, {} wanted: {}",
                capacity["shards"],
                capacity["waiting"],
                number(&capacity["free"]),
                capacity["backlog"],
                capacity["workers"],
                text(&capacity["desired_workers"]),
                text(&capacity["reason"]),
            );
        }
    }
    Ok(ExitCode::SUCCESS)
}
