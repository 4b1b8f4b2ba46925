//! `airtruct list`: what configs and mappings may be made of.

use std::process::ExitCode;

use serde_json::{Value as Json, json};

use super::{
    client::Format,
    show::{self, Column, text},
};
use crate::{
    bloblang::{functions::FUNCTIONS, methods::METHODS, spec::Status},
    component::describe,
    engine::config::json_schema,
};

/// Lists the components that configs may use, and the functions and methods of mappings
#[derive(clap::Args)]
pub(super) struct Args {
    /// Only these: inputs, processors, outputs, buffers, caches, rate-limits, scanners, bloblang-functions, bloblang-methods
    #[arg(value_name = "KIND")]
    kinds: Vec<String>,
    /// As a table for people, as JSON with each component's fields and JSON Schema, or the JSON Schema of whole configs for editors
    #[arg(short, long, visible_alias = "format", value_name = "FORMAT", default_value = "table")]
    output: ListFormat,
}

#[derive(clap::ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
enum ListFormat {
    Table,
    Json,
    #[value(alias = "jsonschema")]
    JsonSchema,
}

const COLUMNS: &[Column] = &[
    ("KIND", |c| text(&c["kind"])),
    ("NAME", |c| text(&c["name"])),
    ("STATUS", |c| text(&c["status"])),
    ("ABOUT", |c| text(&c["summary"])),
];

pub(super) async fn run(args: Args) -> anyhow::Result<ExitCode> {
    let format = match args.output {
        ListFormat::Table => Format::Table,
        ListFormat::Json => Format::Json,
        ListFormat::JsonSchema => {
            show::json(&json_schema());
            return Ok(ExitCode::SUCCESS);
        }
    };
    let mut all = everything(format == Format::Json);
    for kind in &args.kinds {
        let known = |c: &Json| c["kind"].as_str() == Some(&singular(kind));
        anyhow::ensure!(
            all.iter().any(known),
            "there is no kind `{kind}`: `airtruct list --help` names them"
        );
    }
    let wanted: Vec<String> = args.kinds.iter().map(|kind| singular(kind)).collect();
    all.retain(|c| wanted.is_empty() || wanted.iter().any(|kind| c["kind"] == kind.as_str()));
    show::list(format, &all, COLUMNS, "nothing is of these kinds");
    Ok(ExitCode::SUCCESS)
}

/// A kind as components name it: `rate-limits` is `rate_limit`.
fn singular(kind: &str) -> String {
    let kind = kind.replace('-', "_");
    kind.strip_suffix('s').unwrap_or(&kind).to_owned()
}

fn everything(whole: bool) -> Vec<Json> {
    let mut all: Vec<Json> = describe::all()
        .iter()
        .map(|c| {
            let mut row = json!({"kind": c.kind, "name": c.name, "status": c.status, "summary": c.summary()});
            if whole {
                row["about"] = c.about.into();
                row["fields"] = c.fields().into();
                row["schema"] = c.schema();
            }
            row
        })
        .collect();
    let row = |kind: &str, name: &str, status: Status, about: &str| json!({"kind": kind, "name": name, "status": word(status), "summary": about});
    let functions = FUNCTIONS.iter().flat_map(|(_, table)| table.iter());
    let methods = METHODS.iter().flat_map(|(_, table)| table.iter());
    let mut of_mappings: Vec<Json> = functions
        .filter(|f| f.status != Status::Hidden)
        .map(|f| row("bloblang_function", f.name, f.status, f.about))
        .chain(
            methods
                .filter(|m| m.status != Status::Hidden)
                .map(|m| row("bloblang_method", m.name, m.status, m.about)),
        )
        .collect();
    of_mappings.sort_by_key(|c| (text(&c["kind"]), text(&c["name"])));
    all.extend(of_mappings);
    all
}

fn word(status: Status) -> &'static str {
    match status {
        Status::Stable => "stable",
        Status::Beta => "beta",
        Status::Experimental => "experimental",
        Status::Deprecated => "deprecated",
        Status::Hidden => "hidden",
    }
}
