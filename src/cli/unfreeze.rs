//! `airtruct unfreeze`: moves for balance go on.

use std::process::ExitCode;

use super::{
    client::{Body, Client, EXIT_CODES, Format, Remote, report},
    show,
};

/// Let streams be moved for balance again, after `airtruct freeze`
#[derive(clap::Args)]
#[command(after_help = EXIT_CODES)]
pub struct Args {
    #[command(flatten)]
    remote: Remote,
}

pub async fn run(args: Args) -> anyhow::Result<ExitCode> {
    let client = Client::new(&args.remote)?;
    match client.post(&["cluster", "unfreeze"], Body::None).await {
        Ok(answer) => {
            match args.remote.output {
                Format::Json => show::json(&answer),
                Format::Table => println!("moves for balance go on"),
            }
            Ok(ExitCode::SUCCESS)
        }
        Err(failure) => report(failure.into()),
    }
}
