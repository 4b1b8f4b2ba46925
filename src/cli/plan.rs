//! `airtruct plan`: what a change would move, before it is made.

use std::{path::PathBuf, process::ExitCode};

use serde_json::json;

use super::{
    client::{Body, Client, EXIT_CODES, Format, Remote, report},
    show::{self, Column, text},
    streams::streams_of,
};

/// Show which streams a change would move where, and why, without making it
///
/// The generation that it names may be given to `streams apply --plan` and `workers drain --plan`: they then do nothing if the cluster has
/// changed since.
#[derive(clap::Args)]
#[command(after_help = EXIT_CODES)]
pub struct Args {
    #[command(flatten)]
    remote: Remote,
    #[command(subcommand)]
    what: What,
}

#[derive(clap::Subcommand)]
enum What {
    /// If these streams were applied
    Apply {
        /// Files, or folders whose .yaml and .yml files are taken; - reads standard input
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
    },
    /// If these workers were drained
    Drain {
        #[arg(required = true, value_name = "WORKER")]
        workers: Vec<String>,
    },
    /// If the processes of these workers died
    Lose {
        #[arg(required = true, value_name = "WORKER")]
        workers: Vec<String>,
    },
}

const COLUMNS: &[Column] = &[
    ("STREAM", |m| text(&m["stream"])),
    ("SHARD", |m| text(&m["shard"])),
    ("FROM", |m| text(&m["from"])),
    ("TO", |m| match m["to"].is_null() {
        true => "nowhere".into(),
        false => text(&m["to"]),
    }),
    ("WHY", |m| text(&m["why"])),
];

pub async fn run(args: Args) -> anyhow::Result<ExitCode> {
    let client = Client::new(&args.remote)?;
    let request = match args.what {
        What::Apply { files } => json!({ "apply": streams_of(&files, None)? }),
        What::Drain { workers } => json!({ "drain": workers }),
        What::Lose { workers } => json!({ "lose": workers }),
    };
    let answer = match client.post(&["plan"], Body::Json(request)).await {
        Ok(answer) => answer,
        Err(failure) => return report(failure.into()),
    };
    match args.remote.output {
        Format::Json => show::json(&answer),
        Format::Table => {
            let moves = answer["moves"].as_array().map_or(&[][..], Vec::as_slice);
            show::list(Format::Table, moves, COLUMNS, "nothing would move");
            println!(
                "{} would move, {} would stay; generation {}",
                moves.len(),
                answer["stay"],
                text(&answer["generation"])
            );
            if answer["settled"] == false {
                println!("the forecast was cut: the cluster had not come to rest");
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}
