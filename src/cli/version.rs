//! `airtruct version`: which build this is.

use std::process::ExitCode;

/// Print the version
#[derive(clap::Args)]
pub struct Args {}

pub async fn run(_: Args) -> anyhow::Result<ExitCode> {
    println!("airtruct {}", env!("CARGO_PKG_VERSION"));
    Ok(ExitCode::SUCCESS)
}
