//! The examples of the original's documentation.

use super::{bloblang_differences, rows};
use airtruct::bloblang::{Environment, Mapped, Mapping};
use airtruct::message::Message;
use serde_json::Value as Json;

/// How many cases may differ.
const DIFFERING: usize = 2;

/// Runs the cases of every row on its mapping, in order; `same` says whether a result is as wanted.
fn run(file: &str, same: fn(&Json, &Result<String, String>) -> bool) {
    let Some(rows) = rows(file) else { return };
    let folder =
        std::env::temp_dir().join(format!("airtruct-examples-{}-{file}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("the temporary folder can be written");
    let place = |name: &str, content: &str| {
        let path = folder.join(name);
        std::fs::write(&path, content).expect("the temporary folder can be written");
        format!("{:?}", path.display().to_string())
    };
    let document = place("document.json", r#"{"foo":"bar"}"#);
    let schema = place(
        "schema.json",
        r#"{"type":"object","properties":{"foo":{"type":"string"}}}"#,
    );
    let (mut all, mut wrong) = (0, Vec::new());
    for row in &rows {
        let mapping = row["mapping"].as_str().expect("a row has a mapping");
        if row["skip_testing"] == true || bloblang_differences::is_reasoned(mapping) {
            continue;
        }
        // Files are named by variables there; here by their paths, since a test can't set variables for itself alone.
        let mapping = mapping
            .replace("env(\"BENTO_TEST_BLOBLANG_FILE\")", &document)
            .replace("env(\"BENTO_TEST_BLOBLANG_SCHEMA_FILE\")", &schema);
        let compiled = Mapping::parse(&mapping, &Environment::default());
        for case in row["cases"].as_array().into_iter().flatten() {
            all += 1;
            let input = case["in"].as_str().unwrap_or("").to_string();
            let got = match &compiled {
                Err(e) => Err(format!("refused: {e}")),
                Ok(compiled) => match compiled.map(&[Message::new(input)], 0) {
                    Ok(Mapped::Message(m)) => Ok(String::from_utf8_lossy(m.bytes()).into_owned()),
                    Ok(Mapped::Deleted) => Err("deleted".into()),
                    Err(e) => Err(e.to_string()),
                },
            };
            if !same(case, &got) {
                wrong.push(format!("{mapping}\n    want {case}\n    got  {got:?}"));
            }
        }
    }
    let _ = std::fs::remove_dir_all(&folder);
    println!(
        "{file}: {:.2} % of {all}",
        100.0 * (all - wrong.len()) as f64 / all as f64
    );
    for why in &wrong {
        println!("  {why}");
    }
    assert!(
        wrong.len() <= DIFFERING,
        "{} cases of {file} differ",
        wrong.len()
    );
}

#[test]
fn examples() {
    run("bloblang_examples.jsonl", |case, got| {
        match (case["expect"].as_str(), got) {
            (Some("bytes"), Ok(got)) => case["out"] == got.as_str(),
            (Some("error"), Err(got)) => case["error"] == got.as_str(),
            (Some("deleted"), Err(got)) => got == "deleted",
            _ => false,
        }
    });
}

#[test]
fn guide() {
    run("bloblang_guide.jsonl", |case, got| {
        let (Some(want), Ok(got)) = (case["out"].as_str(), got) else {
            return false;
        };
        let parsed = |text: &str| serde_json::from_str::<Json>(text).ok();
        want == got || (parsed(want).is_some() && parsed(want) == parsed(got))
    });
}
