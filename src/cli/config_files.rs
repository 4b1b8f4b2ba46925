//! What the commands that read stream configs share: the files that a command line names, the environment, and the report of problems.

use std::{collections::HashMap, path::Path};

use anyhow::Context;

use crate::bloblang::Environment;
use crate::config::{Level, Node, Problem, Template, Templates};
use crate::engine::config::{Checks, Reading, normal, read};

/// Where configs find what they refer to.
#[derive(clap::Args, Clone, Debug, Default)]
pub(super) struct Sources {
    /// A file with more resources, or a pattern that names several
    #[arg(short = 'r', long = "resources", value_name = "FILE")]
    pub resources: Vec<String>,
    /// Sets a value of the config, such as `pipeline.threads=1`
    #[arg(short = 's', long = "set", value_name = "PATH=VALUE")]
    pub sets: Vec<String>,
    /// A file with variables for `${}`
    #[arg(short = 'e', long = "env-file", value_name = "FILE")]
    pub env_files: Vec<String>,
    /// A file that defines a component by a template, or a pattern that names several
    #[arg(short = 't', long = "templates", value_name = "FILE")]
    pub templates: Vec<String>,
}

/// Everything beside the config itself, read.
#[derive(Clone, Default)]
pub(super) struct Surroundings {
    pub bloblang: Environment,
    pub variables: HashMap<String, String>,
    pub sets: Vec<String>,
    pub resources: Vec<(String, String)>,
    pub templates: Templates,
}

impl Sources {
    pub fn load(&self) -> anyhow::Result<Surroundings> {
        let mut variables = HashMap::new();
        for file in &self.env_files {
            let text = read_file(Path::new(file))?;
            variables.extend(text.lines().filter_map(variable));
        }
        let mut resources = Vec::new();
        for pattern in &self.resources {
            for path in matching(pattern)? {
                resources.push((path.clone(), read_file(Path::new(&path))?));
            }
        }
        Ok(Surroundings {
            bloblang: Environment::default(),
            variables,
            sets: self.sets.clone(),
            resources,
            templates: load_templates(&self.templates)?,
        })
    }
}

/// The templates of the files that the patterns name. A template with problems is an error that tells all of them.
pub(super) fn load_templates(patterns: &[String]) -> anyhow::Result<Templates> {
    let mut templates = Vec::new();
    for pattern in patterns {
        for path in matching(pattern)? {
            let text = read_file(Path::new(&path))?;
            let (template, problems) = Template::parse(&text, &Environment::default());
            let errors = problems.iter().filter(|p| p.level == Level::Error);
            let errors: Vec<String> = errors.map(|p| shown(&path, p)).collect();
            anyhow::ensure!(errors.is_empty(), "template {}", errors.join("; "));
            for warning in &problems {
                eprintln!("{}", shown(&path, warning));
            }
            templates.extend(template);
        }
    }
    Ok(Templates::new(templates))
}

impl Surroundings {
    /// A variable of `-e` files, else of the process.
    pub fn variable(&self, name: &str) -> Option<String> {
        let own = self.variables.get(name).cloned();
        own.or_else(|| std::env::var(name).ok())
    }

    /// A config with these around it, and the defaults of its sections written out.
    pub fn normal(&self, text: &str) -> Result<Node, Vec<Problem>> {
        let variables = |name: &str| self.variable(name);
        let mut checks = Checks::new(&self.bloblang, &variables);
        (checks.sets, checks.resources) = (&self.sets, &self.resources);
        normal(text, &checks)
    }

    /// Reads a config with these around it.
    pub fn read(&self, text: &str, adjust: impl FnOnce(&mut Checks<'_>)) -> Reading {
        let variables = |name: &str| self.variable(name);
        let mut checks = Checks::new(&self.bloblang, &variables);
        (checks.sets, checks.resources) = (&self.sets, &self.resources);
        checks.templates = &self.templates;
        adjust(&mut checks);
        read(text, &checks)
    }
}

/// A file's text; the error names the file.
pub(super) fn read_file(path: &Path) -> anyhow::Result<String> {
    std::fs::read_to_string(path).with_context(|| format!("open {}", path.display()))
}

/// The files that a pattern names, sorted; a name without wildcards is itself.
pub(super) fn matching(pattern: &str) -> anyhow::Result<Vec<String>> {
    if !pattern.contains(['*', '?', '[']) {
        return Ok(vec![pattern.to_owned()]);
    }
    let paths = glob::glob(pattern).with_context(|| format!("the pattern {pattern}"))?;
    let mut paths: Vec<String> = paths
        .filter_map(Result::ok)
        .map(|p| p.to_string_lossy().into_owned())
        .collect();
    paths.sort();
    Ok(paths)
}

/// A line of an env file: `NAME=value`, with or without `export` and quotes; none for comments and blank lines.
fn variable(line: &str) -> Option<(String, String)> {
    let line = line.trim();
    if line.starts_with('#') {
        return None;
    }
    let (name, value) = line
        .strip_prefix("export ")
        .unwrap_or(line)
        .split_once('=')?;
    let value = value.trim();
    let value = match value.chars().next().filter(|c| matches!(c, '"' | '\'')) {
        // Behind the closing quote there may be a comment.
        Some(quote) => match value[1..].split_once(quote) {
            Some((inner, after)) if after.is_empty() || after.trim_start().starts_with('#') => {
                inner
            }
            _ => value
                .strip_prefix(quote)?
                .strip_suffix(quote)
                .unwrap_or(value),
        },
        None => value.split(" #").next().unwrap_or_default().trim_end(),
    };
    Some((name.trim().to_owned(), value.to_owned()))
}

/// A problem as commands print it: `file(line,column) message`.
pub(super) fn shown(file: &str, problem: &Problem) -> String {
    let place = problem.place;
    format!(
        "{file}({},{}) {}",
        place.line, place.column, problem.message
    )
}

/// The problems of a reading of a level, each with its file.
pub(super) fn problems(file: &str, reading: &Reading, level: Level) -> Vec<String> {
    let own = reading.problems.iter().map(|p| (file, p));
    let others = reading
        .resource_problems
        .iter()
        .map(|(f, p)| (f.as_str(), p));
    own.chain(others)
        .filter(|(_, p)| p.level == level)
        .map(|(file, p)| shown(file, p))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn env_files_are_read_line_by_line() {
        for (line, want) in [
            ("A=one", Some(("A", "one"))),
            ("export B=\"two words\"", Some(("B", "two words"))),
            ("C = 'x=y'", Some(("C", "x=y"))),
            ("D=x # comment", Some(("D", "x"))),
            ("E=x#y", Some(("E", "x#y"))),
            ("F=\"a # b\" # c", Some(("F", "a # b"))),
            ("# no", None),
            ("", None),
        ] {
            let want = want.map(|(n, v)| (n.to_owned(), v.to_owned()));
            assert_eq!(variable(line), want, "{line}");
        }
    }
}
