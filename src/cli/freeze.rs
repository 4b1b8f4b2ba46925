//! `airtruct freeze`: nothing is moved for balance until it is lifted.

use std::process::ExitCode;

use serde_json::json;

use super::{
    client::{Body, Client, EXIT_CODES, Format, Remote, report},
    show,
};

/// Move nothing for balance and recycle no worker until `airtruct unfreeze`; failures are still dealt with
#[derive(clap::Args)]
#[command(after_help = EXIT_CODES)]
pub struct Args {
    #[command(flatten)]
    remote: Remote,
    /// Why, for those who look
    #[arg(default_value = "asked for on the command line")]
    reason: String,
}

pub async fn run(args: Args) -> anyhow::Result<ExitCode> {
    let client = Client::new(&args.remote)?;
    let body = Body::Json(json!({ "reason": args.reason }));
    match client.post(&["cluster", "freeze"], body).await {
        Ok(answer) => {
            match args.remote.output {
                Format::Json => show::json(&answer),
                Format::Table => println!("moves for balance are frozen: {}", args.reason),
            }
            Ok(ExitCode::SUCCESS)
        }
        Err(failure) => report(failure.into()),
    }
}
