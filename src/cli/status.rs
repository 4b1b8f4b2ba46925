//! `airtruct status`: the cluster at a glance.

use std::{collections::BTreeMap, process::ExitCode};

use serde_json::{Value as Json, json};

use super::{
    client::{Client, Format, Remote, report},
    show::{self, Column, age, text},
};

/// Show the cluster at a glance: who leads, which workers there are, which streams don't run and why
#[derive(clap::Args)]
#[command(
    after_help = "Exit codes: 0 every stream that should run does, 1 some don't or no worker is there, 3 the coordinator can't be reached"
)]
pub struct Args {
    #[command(flatten)]
    remote: Remote,
}

pub async fn run(args: Args) -> anyhow::Result<ExitCode> {
    let client = Client::new(&args.remote)?;
    match status(&client, args.remote.output).await {
        Ok(code) => Ok(code),
        Err(error) => report(error),
    }
}

async fn status(client: &Client, output: Format) -> anyhow::Result<ExitCode> {
    let cluster = client.get(&["cluster"], &[]).await?;
    let workers = client.list(&["workers"], &[]).await?;
    let streams = client.list(&["streams"], &[]).await?;
    let ill: Vec<Json> = streams.iter().filter(|s| !is_well(s)).cloned().collect();
    let is_fine = ill.is_empty() && (workers.iter().any(|w| w["state"] == "active") || streams.is_empty());
    if output == Format::Json {
        show::json(&json!({
            "fine": is_fine,
            "coordinator": cluster,
            "workers": by_state(&workers),
            "streams": by_state(&streams),
            "not_running": ill,
        }));
    } else {
        println!("coordinator  {} ({}, version {})", text(&cluster["role"]), text(&cluster["reason"]), text(&cluster["version"]));
        if let Some(why) = cluster["frozen"].as_str() {
            println!("frozen       {why}");
        }
        println!("workers      {}", counts(&workers));
        println!("streams      {}", counts(&streams));
        if !ill.is_empty() {
            println!();
            let columns: &[Column] = &[
                ("STREAM", |s| text(&s["name"])),
                ("STATE", |s| text(&s["state"])),
                ("SINCE", |s| age(&s["since"])),
                ("REASON", |s| text(&s["reason"])),
            ];
            show::list(Format::Table, &ill, columns, "");
        }
    }
    Ok(if is_fine { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Whether a stream is where its owner wants it.
fn is_well(stream: &Json) -> bool {
    matches!(stream["state"].as_str(), Some("running" | "completed" | "paused" | "deleting"))
}

fn by_state(items: &[Json]) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for item in items {
        *counts.entry(text(&item["state"])).or_default() += 1;
    }
    counts
}

fn counts(items: &[Json]) -> String {
    let parts: Vec<String> = by_state(items)
        .iter()
        .map(|(state, count)| format!("{count} {state}"))
        .collect();
    match parts.is_empty() {
        true => "none".into(),
        false => parts.join(", "),
    }
}
