//! Rules of components, each by a whole stream whose output the real thing gives too.

use super::{Folder, program, wait_for};
use std::{
    io::{BufRead, BufReader, Write},
    process::Stdio,
};

/// Runs a stream over `input` to its end, and gives what it writes to standard output.
fn output_of(folder: &Folder, stream: &str, input: &str) -> String {
    let quiet = "http: {enabled: false}\nlogger: {level: 'OFF'}\nmetrics: {none: {}}\n";
    folder.write("stream.yaml", &format!("{quiet}{stream}"));
    let mut child = program(folder)
        // Several threads keep no order.
        .args(["-c", "stream.yaml", "-s", "pipeline.threads=1"])
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
        "cache_resources: [{{label: c, memory: {{init_values: {{other: ' njf'}}}}}}]\npipeline:\n  threads: 1\n  processors:\n{processors}    - mapping: 'root = [content().string(), error(), metadata()]'\n"
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
            "branch: of a request that fails it is told why, whatever became of the others",
            "    - archive: {format: lines}\n    - mapping: 'root = \"a\\n1\\n2\"'\n    - unarchive: {format: lines}\n    - branch: {request_map: 'root = this', processors: [{archive: {format: lines}}]}\n    - catch: [{mapping: 'root = error().slice(0, 22)'}]\n",
            "x\n",
            "[\"request mapping failed\",null,{}]\n[\"message count from bra\",null,{}]\n[\"message count from bra\",null,{}]\n",
        ),
        (
            "workflow: what stands in the way of its notes stays",
            "    - workflow: {branches: {one: {request_map: 'root = this.id', processors: [{noop: {}}], result_map: 'root.a = this'}}}\n",
            "{\"id\":1,\"meta\":\"mine\"}\n",
            "[\"{\\\"a\\\":1,\\\"id\\\":1,\\\"meta\\\":\\\"mine\\\"}\",null,{}]\n",
        ),
        (
            "workflow: no JSON, no object",
            "    - workflow: {branches: {one: {processors: [{noop: {}}]}}}\n    - catch: [{mapping: 'root = error()'}]\n",
            "x\n5\n",
            "[\"invalid character 'x' looking for beginning of value\",null,{}]\n[\"5\",null,{}]\n",
        ),
        (
            "jmespath: an empty message",
            "    - mapping: 'root = \"\"'\n    - jmespath: {query: a}\n",
            "a\n",
            "[\"\",\"target message part does not exist\",{}]\n",
        ),
        (
            "cache: what isn't needed fails too",
            "    - cache: {resource: c, operator: exists, key: k, value: '${! this.x.uppercase() }'}\n",
            "{\"x\":1}\n",
            "[\"{\\\"x\\\":1}\",\"value interpolation error: expected string value, got number from field `this.x` (1)\",{}]\n",
        ),
        (
            "cached: a known result has the metadata of who asks, and what is no result fails",
            "    - mapping: 'meta m = content().string()'\n    - cached: {cache: c, key: k, processors: [{mapping: 'root = \"made\"'}]}\n    - cached: {cache: c, key: other, processors: []}\n",
            "a\nb\n",
            "[\"made\",\"failed to parse cached result, this indicates the data was not set by this processor: invalid format version: 544107110\",{\"m\":\"a\"}]\n[\"made\",\"failed to parse cached result, this indicates the data was not set by this processor: invalid format version: 544107110\",{\"m\":\"b\"}]\n",
        ),
        (
            "switch: checks that are no yes or no",
            "    - switch: [{check: this.a, processors: [{noop: {}}]}]\n",
            "{}\n{\"a\":\"true\"}\n",
            "[\"{}\",\"expected bool value, got null from mapping\",{}]\n[\"{\\\"a\\\":\\\"true\\\"}\",null,{}]\n",
        ),
        (
            "grok: patterns within patterns, and types that aren't there",
            "    - grok: {expressions: ['%{WORD:a:bool}', '%{NUMBER:n:int}'], named_captures_only: false}\n",
            "12\n",
            "[\"{\\\"BASE10NUM\\\":\\\"12\\\",\\\"n\\\":12}\",null,{}]\n",
        ),
        (
            "parse_log: a time has six digits of a second's parts at most",
            "    - parse_log: {format: syslog_rfc5424}\n    - catch: [{mapping: 'root = error()'}]\n",
            "<34>1 2003-10-11T22:14:15.1234567Z h a - - - m\n<34>1 2003-13-11T22:14:15Z h a - - - m\n",
            "[\"expecting a RFC3339MICRO timestamp or a nil value [col 32]\",null,{}]\n[\"expecting a RFC3339MICRO timestamp or a nil value [col 12]\",null,{}]\n",
        ),
        (
            "parse_log: and none in the older format",
            "    - parse_log: {format: syslog_rfc3164}\n    - catch: [{mapping: 'root = error()'}]\n",
            "<34>2003-10-11T22:14:15.123Z host app: msg\n<34>Oct  1 22:14:15.1 host app: msg\n",
            "[\"expecting a Stamp or a RFC3339 timestamp [col 23]\",null,{}]\n[\"{\\\"facility\\\":4,\\\"priority\\\":34,\\\"severity\\\":2}\",null,{}]\n",
        ),
        (
            "json_schema: a whole number is an integer",
            "    - mapping: 'root = \"5\".number()'\n    - json_schema: {schema: '{\"type\":\"string\"}'}\n",
            "a\n",
            "[\"5\",\"(root) invalid type. expected: string, given: integer\",{}]\n",
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
        (
            "processors: [{archive: {format: lines}}, {unarchive: {format: lines}}, {mapping: 'root = throw(content())'}]\n      reject_errored: {drop: {}}",
            "rejecting due to failed processing: failed assignment (line 1): {\"x\":1}\n",
        ),
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
fn a_process_whose_output_nobody_reads_any_more_ends() {
    let folder = Folder::new();
    let stream = "http: {enabled: false}\ninput: {generate: {interval: 1ms, mapping: 'root.id = 1'}}\noutput: {stdout: {}}\n";
    folder.write("stream.yaml", stream);
    let mut child = program(&folder)
        .args(["run", "stream.yaml"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the program runs");
    let mut first = String::new();
    let mut reader = BufReader::new(child.stdout.take().expect("a pipe"));
    reader.read_line(&mut first).expect("a line");
    assert_eq!(first, "{\"id\":1}\n");
    drop(reader);
    let status = wait_for("it to end", || child.try_wait().expect("a child"));
    assert_eq!(status.code(), Some(128 + libc::SIGPIPE));
}

#[test]
fn rows_with_faults_have_the_fields_before_them_and_blame_nobody() {
    let folder = Folder::new();
    folder.write("in.csv", "a,b\n1,2\nz,x\"y\n3,\"4\n");
    let stream = "input: {file: {paths: [in.csv], scanner: {csv: {continue_on_error: true}}}}
pipeline: {processors: [{mapping: 'root = [content().string(), error()]'}]}
";
    let wanted = "[\"{\\\"a\\\":\\\"1\\\",\\\"b\\\":\\\"2\\\"}\",null]
[\"{\\\"a\\\":\\\"z\\\"}\",\"parse error on line 3, column 4: bare \\\" in non-quoted-field\"]
[\"{\\\"a\\\":\\\"3\\\"}\",\"parse error on line 4, column 6: extraneous or missing \\\" in quoted-field\"]
";
    assert_eq!(output_of(&folder, stream, ""), wanted);
}

#[test]
fn files_are_read_once_and_folders_not_at_all() {
    let folder = Folder::new();
    folder.write("in.csv", "a,b\n1\n1,2,3\n");
    let stream = "input: {csv: {paths: [., in.csv, 'in.*']}}\n";
    let got = output_of(&folder, stream, "");
    assert_eq!(got, "{\"a\":\"1\"}\n[\"1\",\"2\",\"3\"]\n");
}

#[test]
fn the_next_output_gets_only_what_failed_of_messages_made_of_one() {
    let folder = Folder::new();
    let stream = "pipeline: {threads: 1, processors: [{unarchive: {format: json_array}}]}
output:
  fallback:
    - switch:
        cases:
          - {check: 'this == 2', output: {reject: 'no ${! content() }'}}
          - {output: {file: {path: ./taken, codec: lines}}}
    - stdout: {}
      processors: [{mapping: 'root = content().string() + \": \" + @fallback_error'}]
";
    assert_eq!(output_of(&folder, stream, "[1,2,3]\n"), "2: no 2\n");
    // Of several reasons the latest is told.
    let several = stream.replace(
        "'no ${! content() }'}",
        "'first'}, continue: true}\n          - {check: 'this == 2', output: {reject: 'second'}",
    );
    assert_eq!(output_of(&folder, &several, "[1,2]\n"), "2: second\n");
    std::fs::write(folder.join("taken"), "").expect("a file");
    assert_eq!(output_of(&folder, stream, "[1,2,3]\n"), "2: no 2\n");
    let taken = std::fs::read_to_string(folder.join("taken")).expect("a file");
    assert_eq!(taken, "1\n3\n");
}

#[test]
fn a_rejecting_output_counts_and_a_resource_has_its_label_at_home() {
    let folder = Folder::new();
    folder.write(
        "labelled.yaml",
        "pipeline: {processors: [{label: x, resource: y}]}\n",
    );
    let lint = program(&folder).args(["lint", "labelled.yaml"]).output();
    let said = String::from_utf8(lint.expect("it starts").stderr).expect("text");
    let wanted = "labelled.yaml(1,26) label field should be omitted when pointing to a resource\n";
    assert_eq!(said, wanted);
    folder.write(
        "old.yaml",
        "pipeline: {processors: [{parse_log: {format: syslog_rfc5424, codec: json}}]}\n",
    );
    for (args, success) in [
        (&["lint", "old.yaml"][..], true),
        (&["lint", "--deprecated", "old.yaml"], false),
    ] {
        let output = program(&folder).args(args).output().expect("it starts");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(said.contains("field codec is deprecated"), "{said}");
        assert_eq!(output.status.success(), success, "{args:?}");
    }
    let stream = "output: {drop_on: {error: true, output: {reject: no}}}\nmetrics: {logger: {push_interval: 1h}}\nlogger: {level: INFO}\n";
    folder.write("stream.yaml", &format!("http: {{enabled: false}}\ninput: {{generate: {{count: 2, interval: '', mapping: 'root = 1'}}}}\n{stream}"));
    let output = program(&folder)
        .args(["-c", "stream.yaml"])
        .output()
        .expect("it starts");
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert!(said.contains("Output type reject is now active"), "{said}");
    assert!(
        said.contains("output_error") && !said.contains("Failed to send message to reject"),
        "{said}"
    );
}

#[test]
fn the_log_tells_of_messages_that_processors_could_not_deal_with() {
    let folder = Folder::new();
    folder.write(
        "stream.yaml",
        "http: {enabled: false}
input: {generate: {count: 1, interval: '', mapping: 'root = \"x\"'}}
pipeline:
  processors:
    - unarchive: {format: json_array}
    - decompress: {algorithm: gzip}
    - switch: [{check: 'this.a', processors: [{noop: {}}]}]
    - while: {check: 'this.b', processors: [{noop: {}}]}
    - branch: {processors: [{noop: {}}], result_map: 'root.c = this'}
    - branch: {processors: [{mapping: 'root = deleted()'}]}
    - sleep: {duration: nope}
output: {drop: {}}
",
    );
    let output = program(&folder)
        .args(["-c", "stream.yaml"])
        .output()
        .expect("it starts");
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    for wanted in [
        "Failed to unarchive message part: failed to parse message into JSON array: ",
        "Failed to decompress message part: ",
        "Failed to test case 0: failed assignment (line 1): ",
        "Query failed for loop: failed assignment (line 1): ",
        "Branch error: result mapping failed: failed assignment (line 1): ",
        "Child processors failed: child processors resulted in zero messages",
        "Failed to parse duration: time: invalid duration",
    ] {
        let told = said
            .lines()
            .any(|line| line.contains("level=error") && line.contains(wanted));
        assert!(told, "{wanted}\n{said}");
    }
}
