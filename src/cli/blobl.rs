//! `airtruct blobl`: runs a mapping over lines.

use std::{
    io::{BufRead, Read, Write},
    path::PathBuf,
    process::ExitCode,
};

use anyhow::Context;

use crate::{
    bloblang::{Environment, Mapped, Mapping},
    codec::json_text::{self, Layout},
    message::Message,
    value::Value,
};

/// How long a line may be, in bytes.
const MAX_LINE: u64 = 64 << 20;

/// Runs a mapping over the lines of standard input
///
/// Each line is a JSON document, or any text with --raw; what the mapping makes of it is printed as a line. A line that fails is
/// reported to standard error, and the next one is read. Exit code 1 if the mapping can't be compiled.
#[derive(clap::Args)]
pub(super) struct Args {
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
    /// Takes lines as text instead of as JSON documents
    #[arg(short, long)]
    raw: bool,
    /// Lays documents out over several lines
    #[arg(short, long)]
    pretty: bool,
}

pub(super) async fn run(args: Args) -> anyhow::Result<ExitCode> {
    let source = match (&args.mapping, &args.file) {
        (Some(mapping), _) => mapping.clone(),
        (None, Some(file)) => std::fs::read_to_string(file)
            .with_context(|| format!("can't read `{}`", file.display()))?,
        (None, None) => anyhow::bail!("a mapping, or a file with one, is needed"),
    };
    let mapping = match Mapping::parse(&source, &Environment::default()) {
        Ok(mapping) => mapping,
        Err(error) => {
            eprintln!("{}", error.render(&source));
            return Ok(ExitCode::FAILURE);
        }
    };
    let mut input = std::io::stdin().lock();
    let mut output = std::io::stdout().lock();
    let mut line = Vec::new();
    loop {
        line.clear();
        let read = (&mut input).take(MAX_LINE).read_until(b'\n', &mut line)?;
        if read == 0 {
            return Ok(ExitCode::SUCCESS);
        }
        anyhow::ensure!(
            (read as u64) < MAX_LINE,
            "a line is longer than {MAX_LINE} bytes"
        );
        while line.last().is_some_and(|b| matches!(b, b'\n' | b'\r')) {
            line.pop();
        }
        if line.is_empty() && !args.raw {
            continue;
        }
        let made = made_of(&mapping, Message::new(line.clone()), &args);
        let written = match made {
            Ok(Some(mut bytes)) => {
                bytes.push(b'\n');
                output.write_all(&bytes)
            }
            Ok(None) => Ok(()),
            Err(why) => {
                eprintln!("{why}");
                Ok(())
            }
        };
        match written {
            // Nobody reads any more.
            Err(e) if e.kind() == std::io::ErrorKind::BrokenPipe => return Ok(ExitCode::SUCCESS),
            other => other?,
        }
    }
}

/// What to print for a line; none if the mapping deletes it.
fn made_of(mapping: &Mapping, message: Message, args: &Args) -> Result<Option<Vec<u8>>, String> {
    if !args.raw {
        message
            .value()
            .map_err(|e| format!("failed to parse the line as JSON: {e}"))?;
    }
    let mapped = mapping
        .map(std::slice::from_ref(&message), 0)
        .map_err(|e| e.to_string())?;
    let Mapped::Message(made) = mapped else {
        return Ok(None);
    };
    let layout = Layout {
        indent: Some("  ".to_owned()),
        escape_html: false,
    };
    Ok(Some(match (args.pretty, made.value()) {
        (true, Ok(value @ (Value::Object(_) | Value::Array(_)))) => {
            json_text::format(value, &layout)
        }
        _ => made.bytes().to_vec(),
    }))
}
