//! Language-neutral cases with what the real thing does on them, read from the folder that `AIRTRUCT_CONFORMANCE` names.

mod bloblang;
mod bloblang_cases;
mod bloblang_differences;
mod bloblang_examples;
mod bloblang_vectors;
mod configs;
mod stream_tests;
mod streams;
mod streams_differences;

use std::path::PathBuf;

/// The rows of a file of cases; none, with a word on stderr, where there are no cases to be had.
fn rows(file: &str) -> Option<Vec<serde_json::Value>> {
    let folder = std::env::var_os("AIRTRUCT_CONFORMANCE")
        .map_or_else(|| PathBuf::from("../shared/conformance"), PathBuf::from);
    let path = folder.join(file);
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(e) => {
            eprintln!("skipped: {} can't be read ({e})", path.display());
            return None;
        }
    };
    let parse = |line| serde_json::from_str(line).expect("the cases are JSON lines");
    Some(text.lines().map(parse).collect())
}
