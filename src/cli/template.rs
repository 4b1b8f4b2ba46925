//! `airtruct template lint`: whether templates can be used, and make what their tests expect.

use std::process::ExitCode;

use super::{config_files::shown, lint::expand, test::diff::diff};
use crate::bloblang::Environment;
use crate::codec::serde::from_json;
use crate::component::{
    BuildBuffer, BuildCache, BuildInput, BuildOutput, BuildProcessor, BuildRateLimit, BuildScanner,
    Component, Kind,
};
use crate::config::{Field, Level, Linter, Node, Template, TemplateTest, Templates};

/// Check templates, the components that files define
#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(clap::Subcommand)]
enum Action {
    /// Report what is wrong with templates, and run the tests in them; exit code 1 if anything is wrong
    Lint {
        /// Files, folders, `folder/...`, patterns
        #[arg(required = true, value_name = "PATH")]
        paths: Vec<String>,
    },
}

pub async fn run(args: Args) -> anyhow::Result<ExitCode> {
    let Action::Lint { paths } = args.action;
    let mut found = Vec::new();
    for path in paths {
        for file in expand(&path)? {
            let name = file.to_string_lossy();
            match std::fs::read_to_string(&file) {
                Ok(text) => found.extend(lint(&name, &text)),
                Err(e) => found.push(format!("{name}(1,1) open {name}: {e}")),
            }
        }
    }
    for line in &found {
        eprintln!("{line}");
    }
    Ok(match found.is_empty() {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    })
}

/// Everything that is wrong with a template's file.
fn lint(file: &str, text: &str) -> Vec<String> {
    let environment = Environment::default();
    let (template, problems) = Template::parse(text, &environment);
    let mut found: Vec<String> = problems.iter().map(|p| shown(file, p)).collect();
    let Some(template) = template else {
        return found;
    };
    let all = Templates::new([template.clone()]);
    for test in &template.tests {
        for failure in run_test(&template, &all, test, &environment) {
            found.push(format!("{file}(1,1) test '{}': {failure}", test.name));
        }
    }
    found
}

/// What is wrong with what the template makes of the test's config.
fn run_test(template: &Template, all: &Templates, test: &TemplateTest, environment: &Environment) -> Vec<String> {
    let mut linter = Linter::new(environment);
    linter.templates = all.clone();
    // Fields that the template doesn't have make no difference to what it makes.
    let config = known_fields(template, &test.config);
    let made = template.expand(&config, &test.label, &mut linter);
    let mut failures: Vec<String> = linter.take_problems().into_iter().map(|p| p.message).collect();
    let Some(made) = made else {
        return failures;
    };
    read(template.r#type.name(), &made, &mut linter);
    let errors = linter.into_problems().into_iter().filter(|p| p.level == Level::Error);
    failures.extend(errors.map(|p| format!("lint error in resulting config: {}", p.message)));
    if let Some(expected) = &test.expected.0 {
        let (expected, made) = (from_json(&expected.to_json()), from_json(&made.to_json()));
        let (_, shown) = diff(&expected, &made);
        if expected.to_json() != made.to_json() {
            failures.push(format!("mismatch between expected and actual resulting config: {shown}"));
        }
    }
    failures
}

fn known_fields(template: &Template, config: &Node) -> Node {
    let mut config = config.clone();
    if let crate::config::Data::Map(entries) = &mut config.data {
        entries.retain(|e| template.fields.iter().any(|f| f.name == e.key));
    }
    config
}

/// Reads a config as a component of a kind, for the problems that it has.
fn read(kind: &str, node: &Node, linter: &mut Linter<'_>) {
    fn of<B: Kind + ?Sized>(node: &Node, linter: &mut Linter<'_>) {
        Component::<B>::read(node, linter);
    }
    match kind {
        "buffer" => of::<dyn BuildBuffer>(node, linter),
        "cache" => of::<dyn BuildCache>(node, linter),
        "input" => of::<dyn BuildInput>(node, linter),
        "output" => of::<dyn BuildOutput>(node, linter),
        "rate_limit" => of::<dyn BuildRateLimit>(node, linter),
        "scanner" => of::<dyn BuildScanner>(node, linter),
        _ => of::<dyn BuildProcessor>(node, linter),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tests_of_templates_are_run() {
        let head = "name: shout\ntype: processor\nfields: [{name: word, type: string}]\nmapping: 'root.mapping = this.word'\ntests:\n";
        for (tests, wanted) in [
            ("- {name: a, config: {word: root = 1}}", None),
            ("- {name: a, config: {word: root = 1}, expected: {mapping: root = 1}}", None),
            ("- {name: b, config: {word: root = 1}, expected: {mapping: x}}", Some("mismatch")),
            ("- {name: c, config: {word: 'root = '}}", Some("lint error in resulting config: expected query")),
            ("- {name: d, config: {}}", Some("field word is required")),
        ] {
            let found = lint("t.yaml", &format!("{head}{tests}\n"));
            assert_eq!(found.len(), usize::from(wanted.is_some()), "{found:?}");
            assert!(found.iter().zip(wanted).all(|(f, w)| f.contains(w)), "{found:?}");
        }
    }
}
