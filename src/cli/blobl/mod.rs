//! `airtruct blobl`: runs a mapping over lines, or a playground for mappings.

mod lines;
mod server;

use std::{path::PathBuf, process::ExitCode};

use anyhow::Context;

use crate::bloblang::{Environment, Mapping};

/// Runs a mapping over the lines of standard input
///
/// Each line is a JSON document, or any text with --raw; what the mapping makes of it is printed as a line, in the order of the
/// lines. A line that fails is reported to standard error, and the next one is read. Exit code 1 if the mapping can't be compiled.
#[derive(clap::Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Option<Command>,
    /// The mapping
    #[arg(
        value_name = "MAPPING",
        required_unless_present = "file",
        conflicts_with = "file"
    )]
    mapping: Option<String>,
    /// Reads the mapping from a file
    #[arg(short, long, value_name = "FILE")]
    file: Option<PathBuf>,
    #[command(flatten)]
    lines: lines::Options,
}

#[derive(clap::Subcommand)]
enum Command {
    Server(server::Args),
}

pub(super) async fn run(args: Args) -> anyhow::Result<ExitCode> {
    if let Some(Command::Server(args)) = args.command {
        return server::run(args).await;
    }
    let (source, environment) = match (&args.mapping, &args.file) {
        (Some(mapping), _) => (mapping.clone(), Environment::default()),
        (None, Some(file)) => {
            let source = std::fs::read_to_string(file)
                .with_context(|| format!("can't read `{}`", file.display()))?;
            (source, Environment::default().beside(file))
        }
        (None, None) => anyhow::bail!("a mapping, or a file with one, is needed"),
    };
    let mapping = match Mapping::parse(&source, &environment) {
        Ok(mapping) => mapping,
        Err(error) => {
            eprintln!("failed to parse mapping: {}", error.render(&source));
            return Ok(ExitCode::FAILURE);
        }
    };
    tokio::task::spawn_blocking(move || lines::run(&mapping, &args.lines)).await??;
    Ok(ExitCode::SUCCESS)
}
