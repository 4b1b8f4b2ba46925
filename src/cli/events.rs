//! `airtruct events`: what was decided and why.

use std::{process::ExitCode, time::Duration};

use super::{
    client::{Client, EXIT_CODES, Format, Remote, report},
    show::{self, Column, text},
};

/// Show what was decided: who was given which stream, when and why
#[derive(clap::Args)]
#[command(after_help = EXIT_CODES)]
pub struct Args {
    #[command(flatten)]
    remote: Remote,
    /// Only those about this stream
    #[arg(long)]
    stream: Option<String>,
    /// Only those about this worker
    #[arg(long)]
    worker: Option<String>,
    /// How many of the newest
    #[arg(short = 'n', long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=1000))]
    limit: u32,
    /// Go on showing new ones until interrupted
    #[arg(short, long)]
    follow: bool,
}

const COLUMNS: &[Column] = &[
    ("AT", |e| text(&e["at"])),
    ("KIND", |e| text(&e["kind"])),
    ("STREAM", |e| match e["shard"].is_null() {
        true => text(&e["stream"]),
        false => format!("{}/{}", text(&e["stream"]), text(&e["shard"])),
    }),
    ("WORKER", |e| text(&e["worker"])),
    ("EPOCH", |e| text(&e["epoch"])),
    ("CAUSE", |e| text(&e["cause"])),
];

/// How often new events are asked for.
const POLL: Duration = Duration::from_millis(500);

pub async fn run(args: Args) -> anyhow::Result<ExitCode> {
    let client = Client::new(&args.remote)?;
    match show_events(&client, &args).await {
        Ok(()) => Ok(ExitCode::SUCCESS),
        Err(error) => report(error),
    }
}

async fn show_events(client: &Client, args: &Args) -> anyhow::Result<()> {
    let limit = args.limit.to_string();
    let mut query = vec![("limit", limit.as_str())];
    query.extend(args.stream.as_deref().map(|s| ("stream", s)));
    query.extend(args.worker.as_deref().map(|w| ("worker", w)));
    let mut last = 0;
    loop {
        let mut page = client.get(&["events"], &query).await?;
        let mut events = match page["items"].take() {
            serde_json::Value::Array(events) => events,
            _ => Vec::new(),
        };
        events.retain(|e| e["sequence"].as_u64().unwrap_or_default() > last);
        // The newest come first; people read downwards.
        events.reverse();
        if let Some(newest) = events.last() {
            last = newest["sequence"].as_u64().unwrap_or(last);
        }
        match (args.follow, args.remote.output) {
            (false, output) => {
                show::list(output, &events, COLUMNS, "nothing has been decided yet");
                return Ok(());
            }
            (true, Format::Json) => events.iter().for_each(|e| println!("{e}")),
            (true, Format::Table) => {
                for event in &events {
                    let cells: Vec<String> = COLUMNS.iter().map(|(_, text)| text(event)).collect();
                    println!("{}", cells.join("  "));
                }
            }
        }
        tokio::time::sleep(POLL).await;
    }
}
