//! The language as a whole: documented examples, limits, and texts that nobody would write.

use super::*;
use crate::message::Message;
use proptest::prelude::*;

mod refusals;
mod results;
mod rules;

fn parse(text: &str) -> Result<Mapping, ParseError> {
    Mapping::parse(text, &Environment::default())
}

/// What a mapping makes of a message's content: the content, `Deleted`, or `Error: ` and the text.
fn run(mapping: &Mapping, input: &str) -> String {
    match mapping.map(&[Message::new(input.to_string())], 0) {
        Ok(Mapped::Message(m)) => String::from_utf8_lossy(m.bytes()).into_owned(),
        Ok(Mapped::Deleted) => "Deleted".into(),
        Err(e) => format!("Error: {e}"),
    }
}

fn eval(text: &str, input: &str) -> String {
    match parse(text) {
        Ok(mapping) => run(&mapping, input),
        Err(e) => format!("Refused: {e}"),
    }
}

#[test]
fn examples_do_what_they_say() {
    let functions = functions::FUNCTIONS.iter().flat_map(|(_, table)| *table);
    let methods = methods::METHODS.iter().flat_map(|(_, table)| *table);
    let all = functions
        .map(|f| (f.name, f.examples))
        .chain(methods.map(|m| (m.name, m.examples)));
    let mut wrong = Vec::new();
    for (name, examples) in all {
        for example in examples {
            let mapping = match parse(example.mapping) {
                Ok(mapping) => mapping,
                Err(e) => {
                    wrong.push(format!("{name}: {e}\n{}", example.mapping));
                    continue;
                }
            };
            for (input, want) in example.cases {
                let got = run(&mapping, input);
                if got != *want {
                    wrong.push(format!("{name}: {input}\n want {want}\n got  {got}"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_would_be_too_large_to_write_is_refused() {
    let doubled = "root.all = range(0, 40).fold(this, t -> [t.tally, t.tally])";
    let why = "Error: the mapping makes a message of more than 1 GiB";
    assert_eq!(eval(doubled, "{}"), why);
    let empty = "root.all = [[], range(0, 40).fold([], t -> [t.tally, t.tally])]";
    assert_eq!(eval(empty, "{}"), why);
    // Of long texts few are too much, so that this is found soon.
    let long = format!("{{\"a\":\"{}\"}}", "x".repeat(1 << 20));
    for method in [
        "string()",
        "bytes()",
        "format_json()",
        "format_yaml()",
        "format_msgpack()",
        "json_schema(\"{}\")",
        "(v -> \"%v\".format(v))",
        "infer_schema()",
        "collapse()",
        "json_path(\"$..a\")",
        "diff([])",
        "(v -> {\"v\": v}.sign_jwt_hs256(\"secret\"))",
    ] {
        let written = format!("root = range(0, 40).fold(this, t -> [t.tally, t.tally]).{method}");
        let why = "the value takes more than 256 MiB as text";
        assert!(eval(&written, &long).ends_with(why), "{method}");
    }
    let compared = "let all = range(0, 40).fold(1, t -> [t.tally, t.tally])\nroot = $all == $all";
    assert!(eval(compared, "{}").ends_with("the values are too large to be compared"));
    let few = "root = range(0, 3).fold(1, t -> [t.tally, t.tally])";
    assert_eq!(eval(few, "{}"), "[[[1,1],[1,1]],[[1,1],[1,1]]]");
}

#[test]
fn defaults_are_constants_and_core_entries_have_code() {
    for f in functions::FUNCTIONS.iter().flat_map(|(_, table)| *table) {
        let coded = !matches!(f.call, spec::FunctionCall::Core)
            || core::function(f.name).is_some()
            || matches!(f.name, "deleted" | "nothing");
        assert!(coded, "function {} has no code", f.name);
        for param in f.params {
            let constant = param.default.is_none_or(|d| parse::constant(d).is_some());
            assert!(constant, "{}: {}", f.name, param.name);
        }
    }
    for m in methods::METHODS.iter().flat_map(|(_, table)| *table) {
        let coded = !matches!(m.call, spec::MethodCall::Core) || core::method(m.name).is_some();
        assert!(coded, "method {} has no code", m.name);
        for param in m.params {
            let constant = param.default.is_none_or(|d| parse::constant(d).is_some());
            assert!(constant, "{}: {}", m.name, param.name);
        }
    }
}

#[test]
fn statements_and_expressions() {
    for (mapping, input, want) in [
        ("root.a.b = 1", "{}", r#"{"a":{"b":1}}"#),
        ("root = this.a | this.b | \"none\"", "{}", "none"),
        ("root = 1 + 2 * 3 - 4 / 2", "", "5"),
        ("root = true || false && false", "", "false"),
        ("root = -this.a * 2", r#"{"a":3}"#, "-6"),
        ("let x = 5\nroot = $x + $x", "", "10"),
        ("meta k = \"v\"\nroot = @k", "", "v"),
        (
            "root = this.map_each(i -> i + this.length())",
            "[1,2]",
            "[3,4]",
        ),
        ("root = this.a.(b + c)", r#"{"a":{"b":1,"c":2}}"#, "3"),
        (
            "root = match { this == 5 => \"five\", _ => \"other\" }",
            "5",
            "five",
        ),
        ("root = match this { 5 => \"five\" }", "6", "6"),
        (
            "map m { root.x = this }\nroot = 5.apply(\"m\")",
            "",
            r#"{"x":5}"#,
        ),
        (
            "root = this\nroot.a = deleted()",
            r#"{"a":1,"b":2}"#,
            r#"{"b":2}"#,
        ),
        ("root = deleted()", "{}", "Deleted"),
        (
            "root = this.x",
            "no json",
            "Error: failed assignment (line 1): unable to reference message as structured (with 'this.x'): parse as json: invalid character 'o' in literal null (expecting 'u')",
        ),
        ("root = \"hello\"[1:3]", "", "el"),
        ("root = [0,1,2,3,4][::-2]", "", "[4,2,0]"),
        (
            "root = this.a = 1",
            "",
            "Refused: 1:15: expected line break",
        ),
        (
            "root = this.upercase()",
            "",
            "Refused: 1:13: unrecognised method 'upercase' (did you mean `uppercase`?)",
        ),
        (
            "root = 1 / 0",
            "",
            "Refused: 1:8: number literal: attempted to divide by zero",
        ),
        (
            "root = this.(a -> this.(a -> a))",
            "",
            "Refused: 1:25: context label `a` would shadow a parent context",
        ),
    ] {
        assert_eq!(eval(mapping, input), want, "{mapping}");
    }
}

#[test]
fn a_mutation_reads_its_own_edits() {
    let mutate = |mapping: &str, input: &str| {
        let mut batch = [Message::new(input.to_string())];
        let result = parse(mapping)
            .map_err(|e| e.to_string())
            .and_then(|m| m.mutate(&mut batch, 0).map_err(|e| e.to_string()));
        let content = String::from_utf8_lossy(batch[0].bytes()).into_owned();
        (result, content)
    };
    for (mapping, input, want) in [
        ("root.a = 1\nroot.b = this.a", "{}", r#"{"a":1,"b":1}"#),
        (
            "root.a = 1\nroot = {\"old\": this}",
            r#"{"c":2}"#,
            r#"{"old":{"a":1,"c":2}}"#,
        ),
        ("root = {}\nroot.a = this.c", r#"{"c":2}"#, r#"{"a":2}"#),
        ("root.a = 1", "no json", r#"{"a":1}"#),
        ("meta a = 1", "no json", "no json"),
        ("root = \"x\"", "{}", "x"),
        (
            "root.a = content().string()",
            r#"{ "c": 2 }"#,
            r#"{"a":"{\"c\":2}","c":2}"#,
        ),
    ] {
        assert_eq!(
            mutate(mapping, input),
            (Ok(false), want.into()),
            "{mapping}"
        );
    }
    let (result, content) = mutate("root.a = 1\nroot.b = throw(\"no\")", "{}");
    assert_eq!(result, Err("failed assignment (line 2): no".into()));
    assert_eq!(content, r#"{"a":1}"#, "edits before the failure stay");
}

#[test]
fn depth_has_a_limit_and_needs_no_stack() {
    let n = 100_000;
    for (open, middle, close) in [
        ("(", "1", ")"),
        ("[", "1", "]"),
        ("{\"a\":", "1", "}"),
        ("!", "true", ""),
        ("-", "this", ""),
        ("", "this", ".a"),
        ("", "this", ".(this)"),
        ("", "this", "[0]"),
        ("", "this", " + this"),
        ("", "this", " | this"),
        ("if true { ", "1", " }"),
        ("match 1 { _ => ", "1", " }"),
        ("this.map_each(", "1", ")"),
        ("x -> ", "1", ""),
    ] {
        let text = format!("root = {}{middle}{}", open.repeat(n), close.repeat(n));
        let fault = parse(&text).expect_err("as deep as that is refused");
        assert!(!fault.message.is_empty());
        // What is just about allowed has to run and be dropped, on whatever stack.
        let some = 300;
        let text = format!("root = {}{middle}{}", open.repeat(some), close.repeat(some));
        if let Ok(mapping) = parse(&text) {
            run(&mapping, "{}");
        }
    }
    let ifs = format!("{}root = 1{}", "if true {\n".repeat(n), "\n}".repeat(n));
    assert!(parse(&ifs).is_err());
    let maps = "map m { root = if this > 0 { (this - 1).apply(\"m\") } else { \"end\" } }\nroot = this.apply(\"m\")";
    assert_eq!(eval(maps, "4000"), "end");
    assert!(eval(maps, "6000").contains("entering map m exceeded maximum allowed stacks"));
    let endless = "map m { root = this.apply(\"m\") }\nroot = this.apply(\"m\")";
    assert!(eval(endless, "1").contains("entering map m exceeded maximum allowed stacks"));
    let nested = "root = range(0, 100000).fold([], i -> [i.tally])";
    assert!(eval(nested, "1").starts_with("Error: "));
}

#[test]
fn interpolated_text() {
    let text = |text: &str, content: &str| match Interpolated::parse(text, &Environment::default())
    {
        Ok(i) => match i.text(&[Message::new(content.to_string())], 0) {
            Ok(text) => text.to_string(),
            Err(e) => format!("Error: {e}"),
        },
        Err(e) => format!("Refused: {e}"),
    };
    for (source, want) in [
        ("plain $ text", "plain $ text"),
        ("a ${! this.b } c ${!json(\"n\")}", "a x c 5"),
        ("${{! this.b }}", "${! this.b }"),
        ("${! this.o }", r#"{"y":1}"#),
        ("${! this.none }", "null"),
        (r#"${! {"a": "<&>"} }"#, r#"{"a":"\u003c\u0026\u003e"}"#),
        (
            "${! root.a }",
            "Error: unable to reference `root` from this context",
        ),
        ("${! [] }", "null"),
        ("${! $a }", "Error: variables were undefined"),
        ("${! this.apply(\"a\") }", "Error: no maps were found"),
        ("${! deleted() }", "null"),
        (
            "a ${! this.b c",
            "Refused: 1:14: required: expected end of expression",
        ),
        (
            "a ${! this.n + \"x\" }",
            "Error: cannot add types number (from field `this.n`) and string (from string literal)",
        ),
    ] {
        assert_eq!(
            text(source, r#"{"b":"x","n":5,"o":{"y":1}}"#),
            want,
            "{source}"
        );
    }
    let fixed = Interpolated::parse("a", &Environment::default()).unwrap();
    assert_eq!(fixed.as_static().map(|s| &**s), Some("a"));
}

/// Pieces that mappings are made of, put together without sense.
const PIECES: &[&str] = &[
    "root",
    "this",
    "meta",
    "let",
    "map",
    "import",
    "from",
    "if",
    "else",
    "match",
    "_",
    "x",
    "->",
    "=>",
    "=",
    "==",
    "!=",
    "<",
    ">=",
    "&&",
    "||",
    "|",
    "+",
    "-",
    "*",
    "/",
    "%",
    "!",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    ",",
    ":",
    ".",
    "\"",
    "\"\"\"",
    "\"a\"",
    "'",
    "\\",
    "#",
    "\n",
    " ",
    " ",
    "\t",
    "1",
    "2.5",
    "-7",
    "true",
    "null",
    "@",
    "$",
    "$v",
    "@k",
    "deleted()",
    "nothing()",
    "throw(\"x\")",
    ".map_each(",
    ".catch(",
    ".or(",
    ".apply(\"m\")",
    ".uppercase()",
    ".sort()",
    ".fold(0, ",
    "é",
    "日",
    "${!",
    "\u{0}",
    "1e5",
    "99999999999999999999",
    "\r\n",
    ".number()",
    ".string()",
];

/// Expressions that are well formed, over a document with values of all types.
fn expression() -> impl Strategy<Value = String> {
    let leaf = prop::sample::select(vec![
        "this",
        "this.a",
        "this.s",
        "this.n",
        "this.arr",
        "this.o.b",
        "root.x",
        "@k",
        "@",
        "$v",
        "1",
        "-2.5",
        "0",
        "\"text\"",
        "\"\"",
        "true",
        "null",
        "[]",
        "{}",
        "[1, \"a\", null]",
        "{\"a\": 1}",
        "deleted()",
        "nothing()",
        "content()",
        "json()",
        "throw(\"no\")",
        "batch_index()",
        "9223372036854775807",
        "\"é日\"",
    ])
    .prop_map(String::from);
    leaf.prop_recursive(5, 40, 4, |inner| {
        let op = prop::sample::select(vec![
            "+", "-", "*", "/", "%", "==", "!=", "<", "<=", ">", ">=", "&&", "||", "|",
        ]);
        let queries = prop::sample::select(vec![
            "map_each",
            "filter",
            "any",
            "all",
            "sort_by",
            "find_by",
            "find_all_by",
            "map_each_key",
            "unique",
            "split_by",
            "map",
            "catch",
            "or",
            "sort",
        ]);
        let names: Vec<&'static str> = methods::METHODS
            .iter()
            .flat_map(|(_, table)| *table)
            .filter(|m| m.params.is_empty())
            .map(|m| m.name)
            .collect();
        prop_oneof![
            (inner.clone(), op, inner.clone()).prop_map(|(l, o, r)| format!("({l} {o} {r})")),
            (inner.clone(), queries, inner.clone()).prop_map(|(t, m, q)| format!("({t}).{m}({q})")),
            (inner.clone(), prop::sample::select(names)).prop_map(|(t, m)| format!("({t}).{m}()")),
            (inner.clone(), inner.clone(), inner.clone())
                .prop_map(|(c, a, b)| format!("(if {c} {{ {a} }} else {{ {b} }})")),
            (inner.clone(), inner.clone(), inner.clone())
                .prop_map(|(s, c, r)| format!("(match {s} {{ {c} => {r}, _ => this }})")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("[{a}, {b}]")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("{{({a}): {b}, \"k\": {a}}}")),
            (inner.clone(), inner.clone()).prop_map(|(t, i)| format!("({t})[{i}]")),
            (inner.clone(), inner.clone(), inner.clone())
                .prop_map(|(t, i, j)| format!("({t})[{i}:{j}]")),
            (inner.clone(), inner.clone())
                .prop_map(|(t, q)| format!("({t}).fold({q}, i -> [i.tally, {q}])")),
            inner.prop_map(|e| format!("!({e})")),
        ]
    })
}

const DOCUMENT: &str = r#"{"a":{"b":[1,{"c":"d"}],"e":null},"s":"Hello","n":7.5,"big":18446744073709551616,"arr":[3,"x",null,[1],{"k":2}],"o":{"b":true}}"#;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(cases()))]

    #[test]
    fn no_text_makes_the_parser_panic(pieces in prop::collection::vec(prop::sample::select(PIECES), 0..40)) {
        let text = pieces.concat();
        let _ = parse(&text);
        let _ = parse(&format!("root = {text}"));
        let _ = Interpolated::parse(&text, &Environment::default());
    }

    #[test]
    fn no_characters_make_the_parser_panic(text in "\\PC{0,60}") {
        let _ = parse(&text);
        let _ = Interpolated::parse(&text, &Environment::default());
    }

    #[test]
    fn no_mapping_makes_the_evaluator_panic(a in expression(), b in expression(), c in expression()) {
        let text = format!("let v = {a}\nroot.x = {b}\nmeta k = {c}\nroot.y = $v");
        if let Ok(mapping) = parse(&text) {
            for content in [DOCUMENT, "[1,2]", "5", "null", "", "no json"] {
                let mut batch = [Message::new(content.to_string())];
                let _ = mapping.map(&batch, 0);
                let _ = mapping.mutate(&mut batch, 0);
            }
        }
    }
}

/// How many cases a property is tried on: few by default, as many as `PROPTEST_CASES` says in development.
fn cases() -> u32 {
    let wanted = std::env::var("PROPTEST_CASES").ok();
    wanted.and_then(|n| n.parse().ok()).unwrap_or(200)
}
