//! `airtruct test` over configs that bring their own unit tests.

use std::{path::PathBuf, process::Command};

/// Files whose tests don't pass yet, and why.
const DIFFERENCES: &[(&str, &str)] = &[
    ("awk.yaml", "there is no awk processor"),
    ("cache_resource.yaml", "mappings have no access to caches"),
    (
        "structured_metadata.yaml",
        "stdin has no deprecated `codec`",
    ),
];

#[test]
fn configs_pass_their_own_tests() {
    let folder = std::env::var_os("AIRTRUCT_CONFORMANCE")
        .map_or_else(|| PathBuf::from("../shared/conformance"), PathBuf::from)
        .join("stream_tests");
    let Ok(folder) = folder.canonicalize() else {
        eprintln!("skipped: {} can't be read", folder.display());
        return;
    };
    // Some of them name files by their path from where the cases were taken.
    let root = std::env::temp_dir().join(format!("airtruct-stream-tests-{}", std::process::id()));
    std::fs::create_dir_all(root.join("config")).expect("a temporary folder");
    std::os::unix::fs::symlink(&folder, root.join("config/test")).expect("a link");
    let junit = root.join("junit.xml");
    let output = Command::new(env!("CARGO_BIN_EXE_airtruct"))
        .args([
            "test",
            "--junit",
            &junit.to_string_lossy(),
            "./config/test/...",
        ])
        .current_dir(&root)
        .output()
        .expect("the binary runs");
    let text = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    let xml = std::fs::read_to_string(&junit).expect("a report");
    std::fs::remove_dir_all(&root).expect("the temporary folder");
    let expected = |line: &str| DIFFERENCES.iter().any(|(file, _)| line.contains(file));
    let is_bad = |line: &&str| {
        line.starts_with("Test '") && line.ends_with("failed")
            || line.starts_with("Failed to execute")
    };
    let bad: Vec<&str> = text
        .lines()
        .chain(errors.lines())
        .filter(is_bad)
        .filter(|l| !expected(l))
        .collect();
    assert!(bad.is_empty(), "{}\n{text}{errors}", bad.join("\n"));
    let passed = text.lines().filter(|l| l.ends_with("succeeded")).count();
    assert!(passed >= 30, "{text}{errors}");
    assert_eq!(
        xml.matches("<testsuite ").count(),
        xml.matches("</testsuite>").count()
    );
}
