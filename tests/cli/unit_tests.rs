//! `airtruct test`, and what `airtruct lint` says of tests.

use super::{Folder, program};

/// The exit code of a command, and all that it says.
fn run(folder: &Folder, args: &[&str]) -> (Option<i32>, String) {
    let output = program(folder).args(args).output().expect("it starts");
    let text = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8_lossy(&text).into())
}

/// A config with one test, of which the message that goes in and what is expected are given.
fn config(processor: &str, input: &str, expected: &str) -> String {
    format!(
        "pipeline:\n  processors:\n    - {processor}\ntests:\n  - name: it\n    input_batch: [{input}]\n    output_batches: [[{expected}]]\n"
    )
}

#[test]
fn messages_and_conditions_are_read_as_they_are_written() {
    let folder = Folder::new();
    folder.write("f.txt", "file");
    for (input, expected, passes) in [
        // The last of content, json_content and file_content that is given.
        (
            "{content: a, json_content: {b: 1}}",
            "{json_equals: {b: 1}}",
            true,
        ),
        (
            "{json_content: 1, file_content: ./f.txt}",
            "{content_equals: file}",
            true,
        ),
        (
            "{json_content: '<'}",
            r#"{content_equals: '"\u003c"'}"#,
            true,
        ),
        // Metadata has types, and numbers of JSON their text.
        (
            "{content: a, metadata: {n: 5}}",
            "{metadata_equals: {n: 5.0}}",
            true,
        ),
        (
            "{content: a, metadata: {n: 5}}",
            "{metadata_equals: {n: '5'}}",
            false,
        ),
        (
            "{content: a, metadata: {n: {a: [1]}}}",
            "{metadata_equals: {n: {a: [1]}}}",
            true,
        ),
        ("{content: '1.0'}", "{json_equals: 1}", false),
        ("{content: '1.0'}", "{json_equals: '1.0'}", true),
        (r#"{content: '"x"'}"#, "{json_equals: x}", false),
        (
            r#"{content: '{"a":1} more'}"#,
            "{json_contains: {a: 1}}",
            true,
        ),
        ("{content: a}", r#"{bloblang: '"true"'}"#, true),
        // Variables aren't replaced in tests.
        (
            "{content: '${HOME}'}",
            "{content_matches: '^.{HOME}$'}",
            true,
        ),
    ] {
        folder.write("c.yaml", &config("noop: {}", input, expected));
        let (code, said) = run(&folder, &["test", "c.yaml"]);
        assert_eq!(code, Some(i32::from(!passes)), "{input} {expected}: {said}");
    }
}

#[test]
fn mocks_by_place_come_before_those_by_label_and_keep_labels() {
    let folder = Folder::new();
    let text = config(
        "{label: far, http: {url: 'http://127.0.0.1:1'}}",
        "{content: a}",
        "{content_equals: z}",
    );
    let mocks = "    mocks:\n      far: {mapping: root = \"z\"}\n      /pipeline/processors/0: {noop: {}}\n";
    folder.write("c.yaml", &format!("{text}{mocks}"));
    let (code, said) = run(&folder, &["test", "c.yaml"]);
    assert_eq!(code, Some(0), "{said}");
}

#[test]
fn batches_of_both_kinds_go_in_and_patterns_name_files() {
    let folder = Folder::new();
    folder.write(
        "c.yaml",
        "pipeline: {processors: [{noop: {}}]}
tests:
  - name: it
    input_batch: [{content: last}]
    input_batches: [[{content: first}]]
    output_batches: [[{content_equals: first}], [{content_equals: last}]]
",
    );
    let (code, said) = run(&folder, &["test", "c*.yaml"]);
    assert_eq!(code, Some(0), "{said}");
}

#[test]
fn lint_looks_into_tests() {
    let folder = Folder::new();
    for (input, expected, said) in [
        ("{content: a}", "{content_equals: a}", ""),
        (
            "{contant: a}",
            "{}",
            "c.yaml(6,20) field contant not recognised (did you mean `content`?)\n",
        ),
        (
            "{}",
            "{bloblang: root = nope()}",
            "c.yaml(7,42) unrecognised function 'nope'\n",
        ),
        (
            "{}",
            "{metadata_equals: [a]}",
            "c.yaml(7,41) expected a map, got a list\n",
        ),
    ] {
        folder.write("c.yaml", &config("noop: {}", input, expected));
        let code = Some(i32::from(!said.is_empty()));
        assert_eq!(
            run(&folder, &["lint", "c.yaml"]),
            (code, said.to_owned()),
            "{input} {expected}"
        );
    }
    // What a file of tests has too much is told, and fails nothing, as it never did.
    folder.write("d.yaml", "pipeline: {processors: [{noop: {}}]}\n");
    let test = "tests: [{name: it, wat: 1, input_batch: [{content: a}], output_batches: [[{content_equals: a}]]}]";
    folder.write("d_bento_test.yaml", test);
    let (code, said) = run(&folder, &["test", "d.yaml"]);
    assert_eq!(code, Some(0), "{said}");
    assert!(
        said.contains("d_bento_test.yaml(1,20) field wat not recognised"),
        "{said}"
    );
}
