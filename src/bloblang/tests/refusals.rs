//! What a mapping is refused for, and how that is told.

use super::eval;

#[test]
fn what_stands_where() {
    for (mapping, want) in [
        // A comment ends with its line, and is none where the line doesn't end.
        ("root = 1 # one\n", "1"),
        ("root = 1 # one", "Refused: 1:10: expected line break"),
        (
            "root = match\n{ true => 1 }",
            "Refused: 2:1: expected import, map, or assignment",
        ),
        ("root = match \n{ _ => 1 }", "1"),
        ("root = {\"a\" + \"b\": 1}", "Refused: 1:13: expected query"),
        ("root = {(\"a\" + \"b\"): 1}", r#"{"ab":1}"#),
        (
            "let \"v w\" = 1\nroot = $\"v w\"",
            "Refused: 2:9: expected query",
        ),
        ("let = 1", "Refused: 1:5: required: expected variable name"),
        ("let + 1", "Refused: 1:5: required: expected variable name"),
        (
            "map m\n{ root = 1 }\nroot = 1",
            "Refused: 1:6: expected whitespace",
        ),
        // Words of statements are fields where such statements can't stand.
        (
            "if true { map = 1\n import = 2 }",
            r#"{"import":2,"map":1}"#,
        ),
        (
            "root = nope(1",
            "Refused: 1:14: required: expected comma or closing bracket",
        ),
        (
            "root = nope(1)",
            "Refused: 1:8: unrecognised function 'nope'",
        ),
        // The name of a context may be any word, and can be given once in a row.
        ("root = [1].map_each(true -> 7)", "[7]"),
        (
            "root = [x -> x, x -> x]",
            "Refused: 1:17: context label `x` would shadow a parent context",
        ),
        (
            "root = 1.(a -> b -> a)",
            "Refused: 1:11: it would be in poor taste to capture the same context under both 'a' and 'b'",
        ),
        (
            "map m { if true { meta a = 1 } }\nroot = this.apply(\"m\")",
            "Error: failed assignment (line 2): failed assignment (line 1): unable to assign metadata in the current context",
        ),
    ] {
        assert_eq!(eval(mapping, "{}"), want, "{mapping}");
    }
}

#[test]
fn what_is_missing_is_told_by_its_place() {
    for (mapping, want) in [
        ("if true { root = 1", "1:19: expected line break or }"),
        ("if true root = 1", "1:9: expected {"),
        ("root = this.(1 2)", "1:16: required: expected )"),
        (
            "root = match 5 { 1 => 2 3 => 4 }",
            "1:25: required: expected ,, line break, or }",
        ),
        ("root = [1 2]", "1:11: expected query"),
        ("root = (~)", "1:9: expected query"),
        ("root = if [1 2] { 3 }", "1:14: required: expected query"),
        ("root = if true { 1 + ~ }", "1:22: required: expected query"),
        ("root = match ~ { 1 => 2 }", "1:14: required: expected {"),
        (
            "root = match 5 { 1 + ~ => 2 }",
            "1:22: required: expected match case",
        ),
        (
            "root = match 5 { 1 => ~ }",
            "1:23: required: expected query",
        ),
        (
            "root = this.map_each(x -> ~)",
            "1:27: required: expected query",
        ),
        (
            "root = this.map_each(1 + ~)",
            "1:26: required: expected function argument",
        ),
        (
            "root = range(start: [~])",
            "1:22: required: expected argument value",
        ),
        (
            "root = {1: 2}",
            "1:8: object keys must be strings, received: int64",
        ),
    ] {
        assert_eq!(eval(mapping, "{}"), format!("Refused: {want}"), "{mapping}");
    }
}
