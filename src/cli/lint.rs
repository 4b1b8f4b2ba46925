//! `airtruct lint`: everything that is wrong with configs, with its place.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use super::config_files::{Sources, Surroundings, matching, problems};
use crate::config::Level;

/// Reports what is wrong with stream configs
///
/// A path may be a file, a folder (its YAML files), a folder followed by `/...` (those below it too), a pattern, or a Markdown file,
/// whose ```yaml fences are read. Warnings tell what is set without effect. Exit code 1 if anything is wrong.
#[derive(clap::Args)]
pub(super) struct Args {
    /// Files, folders, `folder/...`, patterns
    #[arg(value_name = "PATH")]
    paths: Vec<String>,
    /// A config, as Bento takes it
    #[arg(short = 'c', long = "config", value_name = "FILE")]
    config: Option<String>,
    #[command(flatten)]
    sources: Sources,
    /// Reports what is deprecated as an error
    #[arg(long)]
    deprecated: bool,
    /// Wants a label on every component
    #[arg(long)]
    labels: bool,
    /// Accepts variables that aren't set
    #[arg(long)]
    skip_env_var_check: bool,
}

pub(super) async fn run(args: Args) -> anyhow::Result<ExitCode> {
    let surroundings = args.sources.load()?;
    let mut found = Found::default();
    let mut files: Vec<PathBuf> = args.config.iter().map(PathBuf::from).collect();
    for path in &args.paths {
        files.extend(expand(path)?);
    }
    for file in files {
        let name = file.to_string_lossy();
        match std::fs::read_to_string(&file) {
            Ok(text) => {
                for part in parts(&file, text) {
                    lint(&args, &surroundings, &name, &part, &mut found);
                }
            }
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
                found
                    .errors
                    .push(format!("{name}(1,1) open {name}: no such file or directory"));
            }
            Err(e) => found.errors.push(format!("{name}(1,1) open {name}: {e}")),
        }
    }
    for line in found.warnings.iter().chain(&found.errors) {
        eprintln!("{line}");
    }
    Ok(match found.errors.is_empty() {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    })
}

/// What is wrong, and what is only to be known.
#[derive(Default)]
struct Found {
    errors: Vec<String>,
    warnings: Vec<String>,
}

fn lint(args: &Args, surroundings: &Surroundings, name: &str, text: &str, found: &mut Found) {
    let reading = surroundings.read(text, |checks| {
        checks.refuse_deprecated = args.deprecated;
        checks.want_labels = args.labels;
        checks.allow_missing_variables = args.skip_env_var_check;
    });
    found.errors.extend(problems(name, &reading, Level::Error));
    found.warnings.extend(problems(name, &reading, Level::Warning));
}

/// The files that an argument names.
pub(super) fn expand(path: &str) -> anyhow::Result<Vec<PathBuf>> {
    if let Some(folder) = path.strip_suffix("...") {
        let folder = folder.strip_suffix('/').unwrap_or(folder);
        let folder = if folder.is_empty() { "." } else { folder };
        let mut files = Vec::new();
        collect(Path::new(folder), true, &mut files);
        return Ok(files);
    }
    if Path::new(path).is_dir() {
        let mut files = Vec::new();
        collect(Path::new(path), false, &mut files);
        return Ok(files);
    }
    Ok(matching(path)?.into_iter().map(PathBuf::from).collect())
}

/// The YAML files of a folder, sorted; with `deep` those of the folders in it too.
fn collect(folder: &Path, deep: bool, files: &mut Vec<PathBuf>) {
    let entries = std::fs::read_dir(folder).into_iter().flatten();
    let mut paths: Vec<PathBuf> = entries.filter_map(|e| Some(e.ok()?.path())).collect();
    paths.sort();
    for path in paths {
        let is_yaml = path.extension().is_some_and(|e| e == "yaml" || e == "yml");
        // A link to a folder could lead back up.
        if path.is_dir() && !path.is_symlink() && deep {
            collect(&path, deep, files);
        } else if is_yaml && path.is_file() {
            files.push(path);
        }
    }
}

/// The configs in a file: itself, or the YAML fences of a Markdown file, each with blank lines before it so that lines count from
/// the file's first.
fn parts(file: &Path, text: String) -> Vec<String> {
    if file.extension().is_none_or(|e| e != "md") {
        return vec![text];
    }
    let mut parts = Vec::new();
    let mut fence: Option<String> = None;
    for (number, line) in text.lines().enumerate() {
        let mark = line.trim_start();
        match &mut fence {
            None if mark.starts_with("```yaml") || mark.starts_with("```yml") => {
                fence = Some("\n".repeat(number + 1));
            }
            Some(_) if mark.starts_with("```") => parts.extend(fence.take()),
            Some(part) => {
                part.push_str(line);
                part.push('\n');
            }
            None => {}
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fences_keep_their_lines() {
        let text = "# Title\n\n```yaml\na: 1\n```\ntext\n```sh\nls\n```\n```yaml\nb: 2\n```\n";
        let parts = parts(Path::new("x.md"), text.into());
        assert_eq!(parts, ["\n\n\na: 1\n", &format!("{}b: 2\n", "\n".repeat(10))]);
    }
}
