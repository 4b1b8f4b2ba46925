//! Valid configs lint clean and fit the JSON Schema; broken ones don't.

use super::rows;
use airtruct::bloblang::Environment;
use airtruct::config::{Level, Node};
use airtruct::engine::config::{Checks, json_schema, read};
use serde_json::Value as Json;

/// How many configs must lint clean: what was reached last. Only ever raised.
const CLEAN: usize = 72;

/// What is said of configs that need something this build doesn't have: connectors, drivers, metrics services, schema registries.
const NOT_BUILT: &[&str] = &[
    " is known from Bento and Redpanda Connect and not built here yet",
    "it takes sqlite, postgres",
    "field statsd not recognised",
    "field aws_cloudwatch not recognised",
    "field bsr not recognised",
];

/// What is wrong with a config. Variables all have values.
fn errors(text: &str) -> Vec<String> {
    let environment = Environment::default();
    let reading = read(text, &Checks::new(&environment, &|_| Some("1".into())));
    let errors = reading
        .problems
        .into_iter()
        .filter(|p| p.level == Level::Error);
    errors
        .map(|p| format!("{} {}", p.place, p.message))
        .collect()
}

/// The config with its first key of this path spelled wrong; none where it has no such path.
fn misspelt(config: &Json, path: &[&str]) -> Option<Json> {
    let mut config = config.clone();
    let mut at = &mut config;
    for step in path {
        at = match *step {
            // The component's own key, whatever its type is.
            "*" => {
                at.as_object_mut()?
                    .iter_mut()
                    .find(|(k, v)| *k != "processors" && v.is_object())?
                    .1
            }
            step => at.get_mut(step)?,
        };
    }
    let object = at.as_object_mut()?;
    let key = object.keys().next()?.clone();
    let value = object.remove(&key)?;
    object.insert(format!("{key}_x"), value);
    Some(config)
}

#[test]
fn valid_configs_are_clean_and_broken_ones_are_not() {
    let Some(rows) = rows("configs.jsonl") else {
        return;
    };
    let schema = jsonschema::validator_for(&json_schema()).expect("a valid schema");
    let (mut clean, mut unknown, mut odd) = (0, 0, Vec::new());
    for row in &rows {
        let (text, source) = (row["config"].as_str().unwrap_or_default(), &row["source"]);
        let found = errors(text);
        let is_known = |e: &String| NOT_BUILT.iter().any(|n| e.contains(n));
        if found.iter().any(is_known) {
            unknown += 1;
            continue;
        }
        if let Some(error) = found.first() {
            odd.push(format!("{source}: {error}"));
            continue;
        }
        clean += 1;
        let config = Node::parse(text).expect("YAML").to_json();
        if let Some(error) = schema.iter_errors(&config).next() {
            odd.push(format!(
                "{source}: schema: {} {error}",
                error.instance_path()
            ));
        }
        for path in [
            &[][..],
            &["input", "*"],
            &["output", "*"],
            &["pipeline"],
            &["buffer", "*"],
            &["http"],
            &["metrics"],
        ] {
            let Some(broken) = misspelt(&config, path) else {
                continue;
            };
            if errors(&broken.to_string()).is_empty() {
                odd.push(format!(
                    "{source}: broken at {path:?}, and nothing was found"
                ));
            }
            if schema.is_valid(&broken) {
                odd.push(format!("{source}: broken at {path:?}, and fits the schema"));
            }
        }
    }
    println!(
        "{clean} clean, {unknown} need a service that isn't built, of {}",
        rows.len()
    );
    odd.iter().for_each(|line| println!("{line}"));
    assert!(
        clean >= CLEAN,
        "only {clean} configs lint clean, {CLEAN} did before"
    );
    assert!(odd.is_empty());
}

#[test]
fn examples_fit_the_schema() {
    let schema = jsonschema::validator_for(&json_schema()).expect("a valid schema");
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    for entry in std::fs::read_dir(folder).expect("the examples") {
        let path = entry.expect("an entry").path();
        if path.extension().is_none_or(|e| e != "yaml") {
            continue;
        }
        let text = std::fs::read_to_string(&path).expect("an example");
        let config = Node::parse(&text).expect("YAML").to_json();
        let error = schema.iter_errors(&config).next().map(|e| e.to_string());
        assert_eq!(error, None, "{}", path.display());
    }
    for broken in [
        "input: {wat: {}}",
        "output: {drop: []}",
        "pipeline: {threads: []}",
        "wat: 1",
    ] {
        let config = Node::parse(broken).expect("YAML").to_json();
        assert!(!schema.is_valid(&config), "{broken}");
    }
}
