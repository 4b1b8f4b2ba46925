//! A document that is nested as deep as documents may be: what follows the nesting by recursion has the stack for it.

use super::{Folder, program};

const DEPTH: usize = 9_990;

const CONFIG: &str = r#"
input: { file: { paths: [in.jsonl], scanner: { lines: {} } } }
pipeline:
  threads: 1
  processors:
    - jmespath: { query: "@" }
    - jq: { query: ". == ." }
    - json_schema: { schema: '{"type":["array","object"]}' }
    - awk: { codec: json, program: '{ print }' }
    - msgpack: { operator: from_json }
    - branch: { processors: [ { mapping: 'root = this.format_msgpack()' } ] }
    - branch: { processors: [ { mapping: 'root = this.format_yaml()' } ] }
    - branch: { processors: [ { mapping: 'root = this.infer_schema()' } ] }
    - branch: { processors: [ { mapping: 'root = this.collapse()' } ] }
    - branch: { processors: [ { mapping: 'root = "%v".format(this)' } ] }
    - branch: { processors: [ { mapping: 'root = this.json_path("$..b")' } ] }
    - branch: { processors: [ { mapping: 'root = content().string().parse_json() == this' } ] }
    - mapping: 'root = "passed"'
output: { file: { path: out, codec: lines } }
"#;

#[test]
fn a_document_of_ten_thousand_levels_ends_no_process() {
    let folder = Folder::new();
    let arrays = format!("{}1{}", "[".repeat(DEPTH), "]".repeat(DEPTH));
    let objects = format!("{}1{}", r#"{"a":"#.repeat(DEPTH), "}".repeat(DEPTH));
    folder.write("in.jsonl", &format!("{arrays}\n{objects}\n"));
    folder.write("deep.yaml", CONFIG);
    let ran = program(&folder)
        .args(["run", "deep.yaml"])
        .output()
        .expect("the program starts");
    let log = String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success(), "{}: {log}", ran.status);
    let out = std::fs::read_to_string(folder.join("out")).expect("what was written");
    assert_eq!(out, "passed\npassed\n", "{log}");
}
