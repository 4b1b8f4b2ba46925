//! `airtruct workers`: who runs the cluster's streams.

use std::{
    process::ExitCode,
    time::{Duration, Instant},
};

use reqwest::Method;
use serde_json::{Value as Json, json};

use super::{
    client::{Body, Client, EXIT_CODES, Format, Remote, report},
    show::{self, Column, Progress, age, text},
};

/// List, drain and forget the cluster's workers
#[derive(clap::Args)]
#[command(after_help = EXIT_CODES)]
pub struct Args {
    #[command(flatten)]
    remote: Remote,
    #[command(subcommand)]
    action: Action,
}

#[derive(clap::Subcommand)]
enum Action {
    /// List all workers with their state
    List,
    /// Hand over what workers run and give them nothing new
    Drain {
        #[arg(required = true, value_name = "ID")]
        ids: Vec<String>,
        /// Why, for those who look
        #[arg(long, default_value = "asked for on the command line")]
        reason: String,
        /// Only if the cluster is still what `airtruct plan` was told of: all of the workers or none
        #[arg(long, value_name = "GENERATION")]
        plan: Option<String>,
        /// Wait until they run nothing, at most so long [default without a value: 60s]
        #[arg(long, value_name = "TIME", num_args = 0..=1, require_equals = true, default_missing_value = "60s", value_parser = super::duration)]
        wait: Option<Duration>,
    },
    /// Let drained workers take streams again
    Undrain {
        #[arg(required = true, value_name = "ID")]
        ids: Vec<String>,
    },
    /// Remove the records of workers that are gone
    Forget {
        #[arg(required = true, value_name = "ID")]
        ids: Vec<String>,
    },
}

const COLUMNS: &[Column] = &[
    ("ID", |w| text(&w["id"])),
    ("STATE", |w| text(&w["state"])),
    ("STREAMS", |w| text(&w["streams"])),
    ("CAPACITY", |w| match w["capacity"].is_null() {
        true => "unlimited".into(),
        false => text(&w["capacity"]),
    }),
    ("CPU", |w| format!("{:.0}%", w["cpu"].as_f64().unwrap_or_default() * 100.0)),
    ("MEMORY", |w| {
        let bytes = w["memory_bytes"].as_u64().unwrap_or_default();
        format!("{:.1} MiB", bytes as f64 / 1_048_576.0)
    }),
    ("LABELS", |w| show::labels(&w["labels"])),
    ("ADDRESS", |w| text(&w["address"])),
    ("UP", |w| age(&w["started"])),
    ("REASON", |w| text(&w["reason"])),
];

pub async fn run(args: Args) -> anyhow::Result<ExitCode> {
    let client = Client::new(&args.remote)?;
    match act(&client, args.remote.output, args.action).await {
        Ok(code) => Ok(code),
        Err(error) => report(error),
    }
}

async fn act(client: &Client, output: Format, action: Action) -> anyhow::Result<ExitCode> {
    let (ids, method, verb, body, done) = match &action {
        Action::List => {
            let workers = client.list(&["workers"], &[]).await?;
            show::list(output, &workers, COLUMNS, "there are no workers: `airtruct -role worker` starts one");
            return Ok(ExitCode::SUCCESS);
        }
        Action::Drain { ids, reason, .. } => {
            (ids, Method::POST, Some("drain"), Some(json!({ "reason": reason })), "drains")
        }
        Action::Undrain { ids } => (ids, Method::POST, Some("undrain"), None, "takes streams again"),
        Action::Forget { ids } => (ids, Method::DELETE, None, None, "is forgotten"),
    };
    let mut code = ExitCode::SUCCESS;
    let mut results = Vec::new();
    if let Action::Drain { ids, reason, plan: Some(plan), .. } = &action {
        let request = json!({ "generation": plan, "drain": ids, "reason": reason });
        client.post(&["apply"], Body::Json(request)).await?;
    }
    for id in ids {
        let path: Vec<&str> = ["workers", id.as_str()].into_iter().chain(verb).collect();
        let body = body.clone().map_or(Body::None, Body::Json);
        match client.call(method.clone(), &path, &[], body).await {
            Ok(worker) => {
                if !worker.is_null() {
                    results.push(worker);
                }
                if output == Format::Table {
                    println!("worker {id} {done}");
                }
            }
            Err(failure) => {
                eprintln!("airtruct: {failure}");
                code = failure.exit_code();
            }
        }
    }
    if let Action::Drain { ids, wait: Some(limit), .. } = &action {
        wait_until_empty(client, ids, *limit).await?;
    }
    if output == Format::Json {
        show::json(&Json::Array(results));
    }
    Ok(code)
}

async fn wait_until_empty(client: &Client, ids: &[String], limit: Duration) -> anyhow::Result<()> {
    let progress = Progress::new();
    let deadline = Instant::now() + limit;
    for id in ids {
        loop {
            let worker = client.get(&["workers", id], &[]).await?;
            let left = worker["streams"].as_u64().unwrap_or_default();
            if left == 0 {
                break;
            }
            progress.show(&format!("worker {id} still runs {left} streams"));
            if Instant::now() >= deadline {
                drop(progress);
                anyhow::bail!("worker {id} still runs {left} streams after {limit:?}");
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
    Ok(())
}
