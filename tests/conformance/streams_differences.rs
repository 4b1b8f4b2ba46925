//! Where whole streams differ from the real thing for a reason.

/// The cases, each with the reason.
pub const DIFFERENCES: &[(&str, &str)] = &[
    (
        "lint/wrong_type_bool",
        "a value of a wrong type is reported before it is run",
    ),
    (
        "lint/null_field",
        "a null for a required value is reported before it is run",
    ),
    (
        "lint/missing_required",
        "a missing required field is reported before it is run",
    ),
    (
        "lint/enum_case",
        "an option in another case is reported before it is run",
    ),
    (
        "lint/codec",
        "an unknown codec is reported before it is run",
    ),
    (
        "lint/several",
        "the wrong type in between is reported as well",
    ),
    (
        "lint/unknown_processor",
        "one unknown component doesn't hide the other problems",
    ),
    (
        "lint/env_missing",
        "the report names the place of the variable",
    ),
    (
        "lint/bad_yaml",
        "the report names the place where the YAML goes wrong",
    ),
    (
        "lint/bad_indent",
        "the report names the place where the YAML goes wrong",
    ),
    (
        "lint/tabs",
        "the report names the place where the YAML goes wrong",
    ),
    ("config/merge_alias_plain", "merge keys work"),
    (
        "config/env_quotes",
        "the report names the place of the fault inside the value",
    ),
    (
        "config/set_object",
        "a config that can't be read is a lint problem with its place",
    ),
    (
        "config/r_clash",
        "labels that collide are a lint problem with its place",
    ),
    ("generate/bad_interval", "the reason is worded differently"),
    (
        "codec/unknown",
        "an unknown codec is reported before it is run",
    ),
    (
        "broker_out/bad_pattern",
        "the log is on standard error while the output can't be read",
    ),
    (
        "cli/echo",
        "this program's defaults: the address that it listens on, its name in logs",
    ),
    (
        "cli/bad_flag",
        "a wrong command line exits with 2 and says so on standard error",
    ),
    (
        "cli/bad_command",
        "a wrong command line exits with 2 and says so on standard error",
    ),
    (
        "http_in/two_paths",
        "the list of endpoints is worded differently",
    ),
    (
        "config/template_mapping_error",
        "a template whose mapping fails is a lint problem with its place",
    ),
    (
        "config/template_bad_result",
        "what is wrong with a template's result is a lint problem with its place",
    ),
    (
        "compress/bad_alg",
        "an unknown algorithm is reported before it is run",
    ),
    (
        "lint/bloblang_line",
        "a fault in a mapping is told in one line",
    ),
    (
        "lint/lint_rule_grok",
        "sizes below zero are reported as well",
    ),
    (
        "avro/binary",
        "numbers of JSON text are taken, so that the schema's types arrive",
    ),
    (
        "javascript/again",
        "a declaration doesn't stand in the way of the next message",
    ),
    (
        "javascript/throws",
        "the place in the code is that of another engine",
    ),
    (
        "javascript/meta_missing",
        "the place in the code is that of another engine",
    ),
    (
        "javascript/throw_string",
        "the place in the code is that of another engine",
    ),
    (
        "test/log_flag",
        "the log names this program, and the path of the processor",
    ),
    (
        "subprocess_out/lines",
        "the program gets to read what was sent to it before it is ended",
    ),
];
