//! `airtruct streams`: what the cluster runs.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    time::{Duration, Instant},
};

use anyhow::Context;
use reqwest::Method;
use serde_json::{Value as Json, json};

use super::{
    client::{Body, Client, EXIT_CODES, Failure, Format, Remote, problem_line, report},
    show::{self, Column, Progress, age, text},
};
use crate::config::Node;

/// Define, list, pause and delete the cluster's streams
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
    /// Create streams from YAML files, or replace them where the files differ
    Apply {
        /// Files, or folders whose .yaml and .yml files are taken; - reads standard input
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
        /// The stream's name; else the file's `name:`, else its name without the extension
        #[arg(long)]
        name: Option<String>,
        /// Define the streams without running them
        #[arg(long)]
        paused: bool,
        /// Only if the cluster is still what `airtruct plan` was told of: all of the files or none
        #[arg(long, value_name = "GENERATION")]
        plan: Option<String>,
        #[command(flatten)]
        wait: Wait,
    },
    /// List all streams with their state
    List,
    /// Show one stream
    Get {
        name: String,
        /// Print its config as it was given, at its current or another revision
        #[arg(long)]
        config: bool,
        #[arg(long, requires = "config", value_name = "N")]
        revision: Option<u64>,
    },
    /// Stop streams and forget them
    Delete {
        #[arg(required = true, value_name = "NAME")]
        names: Vec<String>,
        #[command(flatten)]
        wait: Wait,
    },
    /// Stop streams and keep them defined
    Pause {
        #[arg(required = true, value_name = "NAME")]
        names: Vec<String>,
    },
    /// Run paused streams again
    Resume {
        #[arg(required = true, value_name = "NAME")]
        names: Vec<String>,
    },
    /// Stop streams and start them anew, those too that failed or completed
    Restart {
        #[arg(required = true, value_name = "NAME")]
        names: Vec<String>,
    },
    /// List the revisions of a stream
    Revisions { name: String },
    /// Make an old revision of a stream the current one
    Rollback {
        name: String,
        /// The revision to go back to
        #[arg(value_name = "REVISION")]
        to: u64,
    },
}

#[derive(clap::Args, Clone, Copy)]
struct Wait {
    /// Wait until it is done, at most so long [default without a value: 60s]
    #[arg(long, value_name = "TIME", num_args = 0..=1, require_equals = true, default_missing_value = "60s", value_parser = super::duration)]
    wait: Option<Duration>,
}

const COLUMNS: &[Column] = &[
    ("NAME", |s| text(&s["name"])),
    ("DESIRED", |s| text(&s["desired"])),
    ("STATE", |s| text(&s["state"])),
    ("SHARDS", |s| {
        let shards = s["shards"].as_array().map_or(&[][..], Vec::as_slice);
        let running = shards.iter().filter(|s| s["state"] == "running").count();
        match s["scaling"].is_null() {
            true => format!("{running}/{}", shards.len()),
            false => format!("{running}/{} ({}-{})", shards.len(), s["scaling"]["min"], s["scaling"]["max"]),
        }
    }),
    ("WORKERS", workers),
    ("SINCE", |s| age(&s["since"])),
    ("REASON", |s| text(&s["reason"])),
];

fn workers(stream: &Json) -> String {
    let shards = stream["shards"].as_array().into_iter().flatten();
    let mut names: Vec<String> = shards
        .filter(|s| !s["worker"].is_null())
        .map(|s| text(&s["worker"]))
        .collect();
    names.sort();
    names.dedup();
    match names.is_empty() {
        true => "-".into(),
        false => names.join(","),
    }
}

pub async fn run(args: Args) -> anyhow::Result<ExitCode> {
    let client = Client::new(&args.remote)?;
    match act(&client, args.remote.output, args.action).await {
        Ok(code) => Ok(code),
        Err(error) => report(error),
    }
}

async fn act(client: &Client, output: Format, action: Action) -> anyhow::Result<ExitCode> {
    match action {
        Action::Apply { files, name, paused, plan: None, wait } => {
            return apply(client, output, &files, name, paused, wait).await;
        }
        Action::Apply { files, name, paused, plan, wait } => {
            let streams = streams_of(&files, name)?;
            let names: Vec<String> = streams.iter().filter_map(|s| s["name"].as_str().map(str::to_owned)).collect();
            let request = json!({ "generation": plan, "apply": streams, "paused": paused });
            let answer = client.post(&["apply"], Body::Json(request)).await?;
            if output == Format::Table {
                for stream in answer["streams"].as_array().into_iter().flatten() {
                    println!("stream {} applied (revision {})", text(&stream["name"]), text(&stream["revision"]));
                }
            }
            wait_running(client, &names, wait).await?;
            if output == Format::Json {
                show::json(&answer);
            }
        }
        Action::List => {
            let streams = client.list(&["streams"], &[]).await?;
            show::list(output, &streams, COLUMNS, "there are no streams: `airtruct streams apply FILE` makes one");
        }
        Action::Get { name, config: true, revision } => {
            let revision = revision.map(|n| n.to_string());
            let path = match &revision {
                Some(n) => vec!["streams", &name, "revisions", n],
                None => vec!["streams", &name],
            };
            let stream = client.get(&path, &[]).await?;
            match output {
                Format::Json => show::json(&stream),
                Format::Table => print!("{}", stream["config"].as_str().unwrap_or_default()),
            }
        }
        Action::Get { name, .. } => {
            let stream = client.get(&["streams", &name], &[]).await?;
            match output {
                Format::Json => show::json(&stream),
                Format::Table => detail(&stream),
            }
        }
        Action::Delete { names, wait } => {
            return each(client, output, &names, Method::DELETE, &[], "is being deleted", wait).await;
        }
        Action::Pause { names } => {
            let wait = Wait { wait: None };
            return each(client, output, &names, Method::POST, &["pause"], "is paused", wait).await;
        }
        Action::Resume { names } => {
            let wait = Wait { wait: None };
            return each(client, output, &names, Method::POST, &["resume"], "is resumed", wait).await;
        }
        Action::Restart { names } => {
            let wait = Wait { wait: None };
            return each(client, output, &names, Method::POST, &["restart"], "is restarted", wait).await;
        }
        Action::Revisions { name } => {
            let revisions = client.list(&["streams", &name, "revisions"], &[]).await?;
            let columns: &[Column] = &[
                ("REVISION", |r| text(&r["revision"])),
                ("CREATED", |r| text(&r["created"])),
                ("CAUSE", |r| text(&r["cause"])),
            ];
            show::list(output, &revisions, columns, "no revision is kept");
        }
        Action::Rollback { name, to } => {
            let body = Body::Json(json!({ "revision": to }));
            let stream = client.post(&["streams", &name, "rollback"], body).await?;
            match output {
                Format::Json => show::json(&stream),
                Format::Table => println!("stream {name} is rolled back to revision {to}"),
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Does the same to several streams; goes on where one fails, and fails in the end if one did.
async fn each(
    client: &Client,
    output: Format,
    names: &[String],
    method: Method,
    action: &[&str],
    done: &str,
    wait: Wait,
) -> anyhow::Result<ExitCode> {
    let mut code = ExitCode::SUCCESS;
    let mut results = Vec::new();
    for name in names {
        let path = [&["streams", name.as_str()], action].concat();
        match client.call(method.clone(), &path, &[], Body::None).await {
            Ok(stream) => {
                results.push(stream);
                if output == Format::Table {
                    println!("stream {name} {done}");
                }
            }
            Err(failure) => {
                eprintln!("airtruct: {failure}");
                code = failure.exit_code();
            }
        }
    }
    if let Some(limit) = wait.wait {
        let gone = async |name: &str| match client.get(&["streams", name], &[]).await {
            Err(failure) if failure.is_not_found() => Ok(None),
            Ok(stream) => Ok(Some(format!("{name}: {}", text(&stream["reason"])))),
            Err(failure) => Err(failure),
        };
        wait_for(names, limit, gone).await?;
    }
    if output == Format::Json {
        show::json(&Json::Array(results));
    }
    Ok(code)
}

async fn apply(
    client: &Client,
    output: Format,
    files: &[PathBuf],
    name: Option<String>,
    paused: bool,
    wait: Wait,
) -> anyhow::Result<ExitCode> {
    let files = expand(files)?;
    anyhow::ensure!(
        name.is_none() || files.len() == 1,
        "--name is for one file, and there are {}",
        files.len()
    );
    let mut code = ExitCode::SUCCESS;
    let mut applied = Vec::new();
    let mut names = Vec::new();
    for file in &files {
        let config = read(file)?;
        let name = match &name {
            Some(name) => name.clone(),
            None => stream_name(file, &config)?,
        };
        let query: &[(&str, &str)] = if paused { &[("paused", "true")] } else { &[] };
        let path = ["streams", name.as_str()];
        match client.call(Method::PUT, &path, query, Body::Yaml(config)).await {
            Ok(stream) => {
                for problem in stream["problems"].as_array().into_iter().flatten() {
                    eprintln!("{}:{}", file.display(), problem_line(problem));
                }
                if output == Format::Table {
                    let (revision, outcome) = (text(&stream["revision"]), text(&stream["outcome"]));
                    println!("stream {name} {outcome} (revision {revision})");
                }
                applied.push(stream);
                names.push(name);
            }
            Err(failure) => {
                code = failure.exit_code();
                refused(file, &failure);
            }
        }
    }
    wait_running(client, &names, wait).await?;
    if output == Format::Json {
        show::json(&Json::Array(applied));
    }
    Ok(code)
}

/// The streams of files, as requests name them; `name` is that of the only file's stream.
pub(super) fn streams_of(files: &[PathBuf], name: Option<String>) -> anyhow::Result<Vec<Json>> {
    let files = expand(files)?;
    anyhow::ensure!(
        name.is_none() || files.len() == 1,
        "--name is for one file, and there are {}",
        files.len()
    );
    let stream = |file: &PathBuf| {
        let config = read(file)?;
        let name = match &name {
            Some(name) => name.clone(),
            None => stream_name(file, &config)?,
        };
        Ok(json!({ "name": name, "config": config }))
    };
    files.iter().map(stream).collect()
}

/// Waits until streams run, if that is wanted.
async fn wait_running(client: &Client, names: &[String], wait: Wait) -> anyhow::Result<()> {
    let Some(limit) = wait.wait else {
        return Ok(());
    };
    let running = async |name: &str| {
        let stream = client.get(&["streams", name], &[]).await?;
        Ok(match stream["state"].as_str() {
            Some("running" | "completed" | "paused") => None,
            state => Some(format!(
                "{name} is {}: {}",
                state.unwrap_or_default(),
                text(&stream["reason"])
            )),
        })
    };
    wait_for(names, limit, running).await
}

/// Says what is wrong with a file: each problem with its place in it.
fn refused(file: &Path, failure: &Failure) {
    if let Failure::Refused { error, .. } = failure
        && let Some(problems) = error["problems"].as_array().filter(|p| !p.is_empty())
    {
        for problem in problems {
            eprintln!("{}:{}", file.display(), problem_line(problem));
        }
        return;
    }
    eprintln!("airtruct: {}: {failure}", file.display());
}

/// Waits until `left` says of every stream that nothing is left to wait for; what it says else is shown.
async fn wait_for(
    names: &[String],
    limit: Duration,
    left: impl AsyncFn(&str) -> Result<Option<String>, Failure>,
) -> anyhow::Result<()> {
    let progress = Progress::new();
    let deadline = Instant::now() + limit;
    for (done, name) in names.iter().enumerate() {
        while let Some(waits_for) = left(name).await? {
            progress.show(&format!("{done} of {} done; {waits_for}", names.len()));
            if Instant::now() >= deadline {
                drop(progress);
                anyhow::bail!("not done after {limit:?}: {waits_for}");
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
    Ok(())
}

/// The files among the arguments, and those in the folders among them.
pub(super) fn expand(files: &[PathBuf]) -> anyhow::Result<Vec<PathBuf>> {
    let mut all = Vec::new();
    for file in files {
        if !file.is_dir() {
            all.push(file.clone());
            continue;
        }
        let context = || format!("read the folder {}", file.display());
        let mut inside = Vec::new();
        for entry in std::fs::read_dir(file).with_context(context)? {
            let path = entry.with_context(context)?.path();
            let extension = path.extension().and_then(|e| e.to_str());
            if path.is_file() && matches!(extension, Some("yaml" | "yml")) {
                inside.push(path);
            }
        }
        anyhow::ensure!(!inside.is_empty(), "{} has no .yaml file", file.display());
        inside.sort();
        all.extend(inside);
    }
    Ok(all)
}

pub(super) fn read(file: &Path) -> anyhow::Result<String> {
    if file == Path::new("-") {
        return std::io::read_to_string(std::io::stdin()).context("read standard input");
    }
    std::fs::read_to_string(file).with_context(|| format!("read {}", file.display()))
}

/// The `name:` that a config gives itself, else its file's stem.
pub(super) fn stream_name(file: &Path, config: &str) -> anyhow::Result<String> {
    // A text that isn't YAML gets its error, with the place, from the coordinator.
    let given = Node::parse(config)
        .ok()
        .and_then(|root| Some(root.get("name")?.as_text()?.to_owned()));
    if let Some(name) = given {
        return Ok(name);
    }
    let stem = file.file_stem().and_then(|s| s.to_str());
    match stem {
        Some(stem) if stem != "-" => Ok(stem.to_owned()),
        _ => anyhow::bail!("what is read from standard input has no name: give --name, or `name:` in the config"),
    }
}

fn detail(stream: &Json) {
    for key in ["name", "desired", "state", "reason", "since", "revision", "on_partition"] {
        println!("{:<13} {}", format!("{key}:"), text(&stream[key]));
    }
    for key in ["requires", "prefers"] {
        println!("{:<13} {}", format!("{key}:"), show::labels(&stream[key]));
    }
    if let Some(scaling) = stream["scaling"].as_object() {
        println!("{:<13} {} to {}, backlog {}", "shards:", scaling["min"], scaling["max"], text(&scaling["backlog"]));
    }
    let shards = stream["shards"].as_array().map_or(&[][..], Vec::as_slice);
    let columns: &[Column] = &[
        ("SHARD", |s| text(&s["shard"])),
        ("WORKER", |s| text(&s["worker"])),
        ("EPOCH", |s| text(&s["epoch"])),
        ("STATE", |s| text(&s["state"])),
        ("SINCE", |s| age(&s["since"])),
        ("ATTEMPTS", |s| text(&s["attempts"])),
        ("NEXT RETRY", |s| text(&s["next_retry"])),
        ("REASON", |s| text(&s["reason"])),
    ];
    println!();
    show::list(Format::Table, shards, columns, "no shard of it is wanted or runs");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_is_named_by_its_config_or_its_file() {
        let name = |file: &str, config: &str| stream_name(Path::new(file), config);
        assert_eq!(name("a/orders.yaml", "input: {}").expect("a name"), "orders");
        assert_eq!(name("a/orders.yaml", "name: x").expect("a name"), "x");
        assert_eq!(name("-", "name: x").expect("a name"), "x");
        assert!(name("-", "input: {}").is_err());
    }
}
