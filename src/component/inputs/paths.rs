//! Paths with patterns in them, and the metadata that tells which file a message came from.

use crate::component::metadata as shared;
use crate::message::Metadata;
use crate::value::Value;
use anyhow::Context as _;
use std::{
    collections::{HashSet, VecDeque},
    fs,
    path::PathBuf,
    time::UNIX_EPOCH,
};

/// The files that patterns match, in order and each once; a path without a pattern stands for itself, there or not.
pub(super) fn expand(paths: &[String]) -> anyhow::Result<VecDeque<PathBuf>> {
    let mut all = VecDeque::new();
    let mut seen = HashSet::new();
    let mut add = |path: PathBuf| {
        if seen.insert(path.clone()) {
            all.push_back(path);
        }
    };
    for path in paths {
        if !path.contains(['*', '?', '[']) {
            add(PathBuf::from(path));
            continue;
        }
        let found = glob::glob(path).with_context(|| format!("the pattern {path} is wrong"))?;
        for path in found {
            let path = path.context("look for files")?;
            if path.is_file() {
                add(path);
            }
        }
    }
    Ok(all)
}

/// The metadata of a file's messages.
pub(super) fn metadata(path: &str, file: &fs::Metadata) -> Metadata {
    let modified = file.modified().unwrap_or(UNIX_EPOCH);
    let since = modified.duration_since(UNIX_EPOCH).unwrap_or_default();
    let time = chrono::DateTime::<chrono::Local>::from(modified);
    shared([
        ("path", path.into()),
        ("mod_time_unix", Value::Int(since.as_secs() as i64)),
        (
            "mod_time",
            time.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)
                .into(),
        ),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_named_twice_is_read_once() {
        let paths = ["Cargo.toml", "src/lib.rs", "Cargo.tom?"].map(str::to_owned);
        let found = expand(&paths).expect("patterns");
        assert_eq!(
            found,
            [PathBuf::from("Cargo.toml"), PathBuf::from("src/lib.rs")]
        );
    }
}
