//! Whole streams, run by the binary, against what the real thing did.

use super::{rows, streams_differences::DIFFERENCES};
use serde_json::{Map, Value as Json, json};
use std::{
    collections::{BTreeMap, HashMap},
    path::PathBuf,
    process::Command,
};

/// How many cases must come out equal, or be in the list of differences. All did; some wait for a time that a busy machine may not keep.
const REACHED: usize = 505;

#[test]
fn streams_do_what_the_real_thing_did() {
    let (Some(cases), Some(wanted)) = (rows("streams_cases.jsonl"), rows("streams_results.jsonl"))
    else {
        return;
    };
    let folder = std::env::var_os("AIRTRUCT_CONFORMANCE")
        .map_or_else(|| PathBuf::from("../shared/conformance"), PathBuf::from);
    let results = std::env::temp_dir().join(format!("airtruct-streams-{}", std::process::id()));
    let status = Command::new("python3")
        .arg(folder.join("streams_run.py"))
        .arg(format!("{} -c {{config}}", env!("CARGO_BIN_EXE_airtruct")))
        .arg(folder.join("streams_cases.jsonl"))
        .arg(&results)
        .args(["--jobs", "6"])
        .status();
    let Ok(status) = status else {
        eprintln!("skipped: there is no python3 to run the cases");
        return;
    };
    assert!(status.success(), "the runner of the cases failed");
    let text = std::fs::read_to_string(&results).expect("results");
    let _ = std::fs::remove_file(&results);
    let got: HashMap<String, Json> = text
        .lines()
        .map(|line| serde_json::from_str::<Json>(line).expect("a result"))
        .map(|row| (id(&row), row))
        .collect();
    let traps: Vec<String> = cases.iter().filter(|c| c["trap"] == true).map(id).collect();
    let mut groups: BTreeMap<String, (usize, usize, Vec<String>)> = BTreeMap::new();
    for want in &wanted {
        let id = id(want);
        let group = want["group"].as_str().unwrap_or_default().to_owned();
        let counts = groups.entry(group).or_default();
        counts.1 += 1;
        let is_equal = got.get(&id).is_some_and(|got| normal(got) == normal(want));
        let is_listed = DIFFERENCES.iter().any(|(listed, _)| *listed == id);
        // What hangs or dies there must come to an end here.
        let is_mended =
            traps.contains(&id) && got.get(&id).is_some_and(|g| g["timed_out"] == false);
        if is_equal || is_listed || is_mended {
            counts.0 += 1;
        } else {
            counts.2.push(id);
        }
    }
    let mut equal = 0;
    for (group, (same, all, others)) in &groups {
        equal += same;
        println!("{group}: {same} of {all} {}", others.join(" "));
    }
    println!(
        "{equal} of {} as the real thing, or differ for a reason",
        wanted.len()
    );
    assert!(
        equal >= REACHED,
        "only {equal} cases, {REACHED} were reached before"
    );
}

fn id(row: &Json) -> String {
    row["id"].as_str().unwrap_or_default().to_owned()
}

/// A result in the form in which results are compared: JSON as values, bags sorted, of lint reports only the places.
fn normal(row: &Json) -> Json {
    let is_bag = row["compare"] == "bag";
    let text = |value: &Json| {
        let Some(text) = value.as_str() else {
            return value.clone();
        };
        let mut lines: Vec<String> = text.split('\n').map(line).collect();
        if is_bag {
            lines.sort();
        }
        json!(lines)
    };
    let mut out = Map::new();
    for key in ["rc", "timed_out"] {
        out.insert(key.into(), row[key].clone());
    }
    for key in ["stdout", "stderr"] {
        if let Some(value) = row.get(key) {
            out.insert(key.into(), text(value));
        }
    }
    let files = row["files"].as_object().cloned().unwrap_or_default();
    let files: Map<String, Json> = files.iter().map(|(k, v)| (k.clone(), text(v))).collect();
    out.insert("files".into(), files.into());
    let responses = row["responses"].as_array().cloned().unwrap_or_default();
    let response = |mut r: Json| {
        r["body"] = text(&r["body"]);
        r
    };
    out.insert(
        "responses".into(),
        responses.into_iter().map(response).collect(),
    );
    out.into()
}

fn line(line: &str) -> String {
    if let Ok(value) = serde_json::from_str::<Json>(line) {
        return value.to_string();
    }
    if line.contains("Shutting down due to linter errors") {
        return "refused".into();
    }
    match place(line) {
        Some(place) => place,
        None => line.to_owned(),
    }
}

/// `file(line` of a line that reports a problem as `file(line,column) what`.
fn place(line: &str) -> Option<String> {
    let at = line.find(".yaml(")? + ".yaml".len();
    let inside = line[at + 1..].split_once(')')?.0;
    let (number, _) = inside.split_once(',')?;
    let start = line[..at].rfind(['"', ' ']).map_or(0, |i| i + 1);
    // The real thing counts the line of an empty file as 0.
    let number = number.parse::<usize>().ok()?.max(1);
    Some(format!("{}({number}", &line[start..at]))
}
