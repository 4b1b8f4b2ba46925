//! Programs, and what they make of a message.

use super::*;

/// The content of what a program makes of a message, or the error; nothing if the message is dropped.
fn run(program: &Program, input: &str) -> String {
    let mut message = Message::new(input.to_owned());
    message.metadata_mut().set("k", "v");
    let mut made = Batch::new();
    let got = match program.run(&message, &mut made) {
        Ok(()) => made
            .first()
            .map(|m| String::from_utf8_lossy(m.bytes()).into_owned()),
        Err(e) => Some(format!("Error: {e}")),
    };
    got.unwrap_or_default()
}

fn check(cases: &[(&str, &str, &str)]) {
    for (query, input, wanted) in cases {
        let got = match Program::new(query, false, false) {
            Ok(program) => run(&program, input),
            Err(e) => format!("Error: {e}"),
        };
        assert_eq!(got, *wanted, "{query}");
    }
}

#[test]
fn content_goes_in_and_out_raw_or_as_json() {
    for (query, raw, output_raw, input, wanted) in [
        (".l[]", false, false, r#"{"l":[1,2]}"#, "[1,2]"),
        ("empty", false, false, "{}", ""),
        ("ascii_upcase", true, false, "text", "\"TEXT\""),
        (
            ".l[]",
            false,
            true,
            r#"{"l":["a","b",{"c":1.50}]}"#,
            "ab{\"c\":1.5}",
        ),
        ("$metadata.k", false, false, "{}", "\"v\""),
        (
            ".",
            false,
            false,
            "[1.0,1e2,12345678901234567890123,-0]",
            "[1,100,12345678901234567890123,0]",
        ),
        (
            "[nan,infinite]",
            false,
            false,
            "{}",
            "[null,1.7976931348623157e+308]",
        ),
        ("null", false, false, "{}", "null"),
    ] {
        let program = Program::new(query, raw, output_raw).expect("it compiles");
        assert_eq!(run(&program, input), wanted, "{query}");
    }
}

#[test]
fn results_come_in_the_order_of_the_language() {
    check(&[
        ("(1,2)+(10,20)", "null", "[11,12,21,22]"),
        ("[{a:(1,2),b:(3,4)}|.a*10+.b]", "null", "[13,14,23,24]"),
        (r#""\(1,2) \(3,4)""#, "null", r#"["1 3","2 3","1 4","2 4"]"#),
        (
            "def f($a;$b): [$a,$b]; [f(1,2;3,4)]",
            "null",
            "[[1,3],[1,4],[2,3],[2,4]]",
        ),
        ("[range(0,1;3,4)]", "null", "[0,1,2,0,1,2,3,1,2,1,2,3]"),
        ("[.[]]", r#"{"b":1,"a":2}"#, "[2,1]"),
        ("[..]", "[[1]]", "[[[1]],[1],1]"),
        ("[limit(2;(1,2,error(\"x\"))|.*2)]", "null", "[2,4]"),
        (
            "[label $f | range(10) | ., if . == 3 then break $f else empty end]",
            "null",
            "[0,1,2,3]",
        ),
        (
            "[.[] as [$a] ?// {a:$a} ?// $a | $a]",
            r#"[[1],{"a":2},3]"#,
            "[1,2,3]",
        ),
        (
            "[foreach (1,2,3) as $x (0;.+$x;[$x,.])]",
            "null",
            "[[1,1],[2,3],[3,6]]",
        ),
        ("reduce .[] as [$a,$b] (0;.+$a*$b)", "[[1,2],[3,4]]", "14"),
        ("try ((1,error(\"x\"))|.*2) catch .", "null", r#"[2,"x"]"#),
    ]);
}

#[test]
fn paths_lead_to_what_is_changed() {
    check(&[
        (
            ".a[1:3] = [\"x\"]",
            r#"{"a":[1,2,3,4]}"#,
            r#"{"a":[1,"x",4]}"#,
        ),
        ("(.[]|select(.>1)) |= empty", "[1,2,3,4]", "[1]"),
        ("del(.[0,2],.[-1])", "[1,2,3,4]", "[2]"),
        (".a += (1,2)", r#"{"a":1}"#, r#"[{"a":2},{"a":3}]"#),
        (
            "[path(.. | select(type == \"number\"))]",
            r#"[1,{"a":2}]"#,
            r#"[[0],[1,"a"]]"#,
        ),
        (
            "pick(.a.b,.c[1])",
            r#"{"a":{"b":1,"x":2},"c":[1,2]}"#,
            r#"{"a":{"b":1},"c":[null,2]}"#,
        ),
        (
            "path(.a|tojson)",
            "{}",
            "Error: invalid path against: string (\"null\")",
        ),
        (".a.b.c = 1", "null", r#"{"a":{"b":{"c":1}}}"#),
        (
            "fromstream(tostream)",
            r#"{"a":[1,{"b":2}]}"#,
            r#"{"a":[1,{"b":2}]}"#,
        ),
    ]);
}

#[test]
fn errors_are_worded_as_configs_expect_them() {
    check(&[
        (
            ".a.b",
            r#"{"a":1}"#,
            "Error: expected an object but got: number (1)",
        ),
        (".[]", "5", "Error: cannot iterate over: number (5)"),
        (
            ".[0]",
            r#"{"a":1}"#,
            r#"Error: expected an array but got: object ({"a":1})"#,
        ),
        ("error(\"x\")", "null", "Error: error: x"),
        ("error({a:1})", "null", r#"Error: error: {"a":1}"#),
        (
            "1 + \"a\"",
            "null",
            r#"Error: cannot add: number (1) and string ("a")"#,
        ),
        (
            "5 / 0",
            "null",
            "Error: cannot divide number (5) by: number (0)",
        ),
        ("keys", "1", "Error: keys cannot be applied to: number (1)"),
        (
            "tonumber",
            "\"x\"",
            r#"Error: tonumber cannot be applied to "x": invalid number"#,
        ),
        (
            ".a = 1",
            "5",
            r#"Error: setpath(["a"]; 1) cannot be applied to 5: expected an object but got: number (5)"#,
        ),
        (
            ".a",
            "\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"",
            "Error: expected an object but got: string (\"aaaaaaaaaaaaaaaaaaaaaaaa ...\")",
        ),
        (
            ".a |",
            "null",
            "Error: error parsing jq query: unexpected EOF",
        ),
        (
            "nope(1)",
            "null",
            "Error: error compiling jq query: function not defined: nope/1",
        ),
        (
            "$x",
            "null",
            "Error: error compiling jq query: variable not defined: $x",
        ),
        (
            "input",
            "null",
            "Error: error compiling jq query: input(s)/0 is not allowed",
        ),
        ("halt_error", "\"bye\"", "Error: halt error: bye"),
        ("try error catch .a", r#"{"a":1}"#, "1"),
    ]);
}

#[test]
fn functions_do_what_they_are_known_for() {
    check(&[
        (
            "gsub(\"(?<x>a)\";\"[\\(.x)]\")",
            "\"banana\"",
            "\"b[a]n[a]n[a]\"",
        ),
        (
            "[match(\"a*\";\"g\")|[.offset,.length]]",
            "\"baac\"",
            "[[0,0],[1,2],[4,0]]",
        ),
        (
            "capture(\"(?<y>\\\\d+)-(?<m>\\\\d+)\")",
            "\"2020-05\"",
            r#"{"m":"05","y":"2020"}"#,
        ),
        ("todate", "1425599621", "\"2015-03-05T23:53:41Z\""),
        ("fromdate", "\"2015-03-05T23:51:41Z\"", "1425599501"),
        ("@sh", r#"["a'b",1,null]"#, r#""'a'\\''b' 1 null""#),
        ("@csv", r#"[1,"a\"b",null,true]"#, r#""1,\"a\"\"b\",,true""#),
        (
            "group_by(.a)|map(length)",
            r#"[{"a":2},{"a":1},{"a":2}]"#,
            "[1,2]",
        ),
        ("[splits(\", *\")]", "\"a, b,c\"", r#"["a","b","c"]"#),
        (
            "9223372036854775807*9223372036854775807",
            "null",
            "85070591730234615847396907784232501249",
        ),
        ("env,$ENV", "null", "[{},{}]"),
        ("[combinations(2)]|length", "[0,1]", "4"),
    ]);
}

#[test]
fn loops_end_and_recursion_finds_room() {
    check(&[
        ("until(. > 100000; . + 1)", "0", "100001"),
        (
            "def f: if . > 100000 then . else . + 1 | f end; f",
            "0",
            "100001",
        ),
        (
            "[recurse(if . < 10000 then . + 1 else empty end)] | length",
            "0",
            "10001",
        ),
        (
            "def f(x): if . > 300 then x else . + 1 | f(x + 1) end; f(0)",
            "0",
            "301",
        ),
        (
            "def f: 1 + f; f",
            "0",
            "Error: the program calls itself too deeply",
        ),
        (
            "reduce range(60) as $i (\"x\"; . + .)",
            "0",
            "Error: a text of the program is longer than 64 MiB",
        ),
        (
            "reduce range(60) as $i (0; [., .])",
            "0",
            "Error: the result has more than 10000000 elements",
        ),
    ]);
    for endless in [
        "def f: f; f",
        "last(repeat(1))",
        "[repeat(empty)]",
        "first(range(infinite) | select(. < 0))",
    ] {
        let mut program = Program::new(endless, false, false).expect("it compiles");
        program.most_steps = 100_000;
        assert_eq!(
            run(&program, "null"),
            "Error: the program takes more than 100000 steps",
            "{endless}"
        );
    }
}
