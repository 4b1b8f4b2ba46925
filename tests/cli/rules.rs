//! Rules of components, each by a whole stream whose output the real thing gives too.

use super::{Folder, program};
use std::{io::Write, process::Stdio};

/// Runs a stream over `input` to its end, and gives what it writes to standard output.
fn output_of(folder: &Folder, stream: &str, input: &str) -> String {
    let quiet = "http: {enabled: false}\nlogger: {level: 'OFF'}\nmetrics: {none: {}}\n";
    folder.write("stream.yaml", &format!("{quiet}{stream}"));
    let mut child = program(folder)
        .args(["-c", "stream.yaml"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the program runs");
    let mut stdin = child.stdin.take().expect("a pipe");
    let _ = stdin.write_all(input.as_bytes());
    drop(stdin);
    let output = child.wait_with_output().expect("the program ends");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// A pipeline of these processors that then shows each message's content, error and metadata.
fn pipeline(processors: &str) -> String {
    format!(
        "pipeline:\n  threads: 1\n  processors:\n{processors}    - mapping: 'root = [content().string(), error(), metadata()]'\n"
    )
}

#[test]
fn processors_fail_and_pass_as_there() {
    let folder = Folder::new();
    for (about, processors, input, wanted) in [
        (
            "insert_part: the new message has the error of the first",
            "    - mapping: 'root = throw(\"x\")'\n    - insert_part: {content: new}\n",
            "a\n",
            "[\"a\",\"failed assignment (line 1): x\",{}]\n[\"new\",\"failed assignment (line 1): x\",{}]\n",
        ),
        (
            "insert_part: a content that fails leaves the batch alone",
            "    - insert_part: {content: '${! this.x.uppercase() }'}\n",
            "{\"x\":1}\n",
            "[\"{\\\"x\\\":1}\",null,{}]\n",
        ),
        (
            "sleep: a duration that fails is no wait",
            "    - sleep: {duration: '${! this.x }'}\n",
            "a\n",
            "[\"a\",null,{}]\n",
        ),
        (
            "sync_response: with nobody waiting nothing happens",
            "    - sync_response: {}\n",
            "a\n",
            "[\"a\",null,{}]\n",
        ),
        (
            "archive: a name that fails is empty",
            "    - archive: {format: tar, path: '${! this.x.uppercase() }'}\n    - unarchive: {format: tar}\n",
            "{\"x\":1}\n",
            "[\"{\\\"x\\\":1}\",null,{}]\n",
        ),
        (
            "unarchive: rows of another length, and bare quotes",
            "    - mapping: 'root = \"a,b\\n\" + content().string()'\n    - unarchive: {format: csv}\n",
            "1\nx\"y,2\n",
            "[\"a,b\\n1\",\"failed to parse message as csv: record on line 2: wrong number of fields\",{}]\n[\"a,b\\nx\\\"y,2\",\"failed to parse message as csv: parse error on line 2, column 2: bare \\\" in non-quoted-field\",{}]\n",
        ),
        (
            "retry: the results say how many goes failed",
            "    - retry: {processors: [{mapping: 'root = [@retry_count, errored()]'}]}\n    - mutation: 'meta backoff_duration = @backoff_duration.type()'\n",
            "a\n",
            "[\"[null,false]\",null,{\"backoff_duration\":\"number\",\"retry_count\":0}]\n",
        ),
        (
            "branch: failures name no component",
            "    - branch: {processors: [{label: inner, mapping: 'root = throw(\"x\")'}]}\n    - mutation: 'meta source = [error_source_label(), error_source_name(), error_source_path()]'\n",
            "a\n",
            "[\"a\",\"processors failed: failed assignment (line 1): x\",{\"source\":[null,null,null]}]\n",
        ),
        (
            "branch: nothing left",
            "    - branch: {processors: [{mapping: 'root = deleted()'}]}\n",
            "a\n",
            "[\"a\",\"child processors resulted in zero messages\",{}]\n",
        ),
        (
            "workflow: what stands in the way of its notes stays",
            "    - workflow: {branches: {one: {request_map: 'root = this.id', processors: [{noop: {}}], result_map: 'root.a = this'}}}\n",
            "{\"id\":1,\"meta\":\"mine\"}\n",
            "[\"{\\\"a\\\":1,\\\"id\\\":1,\\\"meta\\\":\\\"mine\\\"}\",null,{}]\n",
        ),
        (
            "parallel: without processors",
            "    - parallel: {}\n",
            "a\n",
            "[\"a\",null,{}]\n",
        ),
        (
            "json_schema: what is no JSON",
            "    - json_schema: {schema: '{}'}\n",
            "nope\n",
            "[\"nope\",\"invalid character 'o' in literal null (expecting 'u')\",{}]\n",
        ),
        (
            "jmespath: a function that isn't there",
            "    - jmespath: {query: 'wat(a)'}\n",
            "{\"a\":1}\n",
            "[\"{\\\"a\\\":1}\",\"unknown function: wat\",{}]\n",
        ),
        (
            "log: a level in small letters",
            "    - log: {level: warn, message: x}\n",
            "a\n",
            "[\"a\",null,{}]\n",
        ),
    ] {
        let got = output_of(&folder, &pipeline(processors), input);
        assert_eq!(got, wanted, "{about}");
    }
}

#[test]
fn a_resource_is_named_by_its_list_and_label() {
    let folder = Folder::new();
    let stream = "processor_resources: [{label: mine, mapping: 'root = throw(\"x\")'}]\npipeline: {processors: [{resource: mine}, {mapping: 'root = [error_source_label(), error_source_path()]'}]}\n";
    let got = output_of(&folder, stream, "a\n");
    assert_eq!(got, "[\"mine\",\"processor_resources\"]\n");
}

#[test]
fn outputs_say_why_they_failed_in_the_words_of_there() {
    let folder = Folder::new();
    let resources = "cache_resources: [{label: mem, memory: {}}]\n";
    for (output, wanted) in [
        (
            "reject: '${! this.x.uppercase() }'",
            "reject message interpolation error: expected string value, got number from field `this.x` (1)\n",
        ),
        (
            "sync_response: {}",
            "result store not found within batch context\n",
        ),
        (
            "cache: {target: mem, key: '${! this.x.uppercase() }'}",
            "key interpolation error: expected string value, got number from field `this.x` (1)\n",
        ),
        ("file: {path: .}", "open .: is a directory\n"),
    ] {
        let stream = format!(
            "{resources}output:\n  fallback:\n    - {output}\n    - {{stdout: {{}}, processors: [{{mapping: 'root = @fallback_error'}}]}}\n"
        );
        assert_eq!(
            output_of(&folder, &stream, "{\"x\":1}\n"),
            wanted,
            "{output}"
        );
    }
}

#[test]
fn printed_defaults_and_older_fields_are_taken() {
    let folder = Folder::new();
    let stream = "input:\n  broker:\n    inputs: [{stdin: {codec: 'delim:|', max_buffer: 100}}]\n    batching: {count: 0, byte_size: 0, period: '', check: '', processors: []}\n";
    assert_eq!(output_of(&folder, stream, "a|b"), "a\nb\n");
}

#[test]
fn files_are_read_once_and_folders_not_at_all() {
    let folder = Folder::new();
    folder.write("in.csv", "a,b\n1\n1,2,3\n");
    let stream = "input: {csv: {paths: [., in.csv, 'in.*']}}\n";
    let got = output_of(&folder, stream, "");
    assert_eq!(got, "{\"a\":\"1\"}\n[\"1\",\"2\",\"3\"]\n");
}
