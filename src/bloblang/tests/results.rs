//! What mappings, functions and methods give where one would guess something else.

use super::{eval, parse};
use crate::message::Message;

#[test]
fn lists_that_are_not_there() {
    for (mapping, want) in [
        ("root = [].string()", "null"),
        ("root = (this.a | []).string()", "null"),
        ("root = {\"a\": [this.a | []]}.string()", r#"{"a":[null]}"#),
        ("root = [[]].format_json(no_indent: true)", "[null]"),
        ("let v = {\"a\": []}\nroot = $v.a.string()", "null"),
        // They are empty lists to everything else, and become such in documents and in methods' hands.
        ("root = [[].length(), [] == null, []]", "[0,false,[]]"),
        (
            "root.a = this.x | []\nroot.b = root.a.string()",
            r#"{"a":[],"b":"[]"}"#,
        ),
        ("root = [].filter(v -> true).string()", "[]"),
        ("root = [1].fold([], v -> v.tally).string()", "[]"),
    ] {
        assert_eq!(eval(mapping, "{}"), want, "{mapping}");
    }
}

#[test]
fn times_are_compared_as_text() {
    for (mapping, want) in [
        (
            "root = 0.ts_tz(\"UTC\") == \"1970-01-01T00:00:00Z\"",
            "true",
        ),
        ("root = \"1970\" < 0.ts_tz(\"UTC\")", "true"),
        (
            "root = 0.ts_tz(\"UTC\") == 0.ts_tz(\"Asia/Kolkata\")",
            "false",
        ),
        (
            "root = \"at \" + 0.ts_tz(\"UTC\")",
            "at 1970-01-01T00:00:00Z",
        ),
        ("root.a = \"a\".bytes() + \"b\"", r#"{"a":"ab"}"#),
        (
            "root = this.a / 0.ts_tz(\"UTC\")",
            "Error: failed assignment (line 1): cannot divide types null (from field `this.a`) and timestamp (from method ts_tz)",
        ),
        (
            "root = this.a - 0.ts_tz(\"UTC\")",
            "Error: failed assignment (line 1): cannot subtract types null (from field `this.a`) and string (from method ts_tz)",
        ),
        (
            "root = this.a.or(5) < 0.ts_tz(\"UTC\")",
            "Error: failed assignment (line 1): cannot compare types number (from method or) and string (from method ts_tz)",
        ),
    ] {
        assert_eq!(eval(mapping, "{}"), want, "{mapping}");
    }
}

#[test]
fn functions_and_methods_give() {
    for (mapping, input, want) in [
        // A number that is given by itself is one like others.
        (
            "root = [json(\"a\"), json(\"b\"), this.a]",
            r#"{"a":1e3,"b":1.0}"#,
            "[1000,1,1e3]",
        ),
        (
            "root = json(\"a\")",
            r#"{"a":12345678901234567890}"#,
            "12345678901234567000",
        ),
        ("root = [json(\"a\")]", r#"{"a":1e400}"#, r#"["1e400"]"#),
        (
            "map m { root = 5 }\nroot = this.apply(\"m\").trim()",
            "{}",
            "Error: failed assignment (line 2): expected string value, got number from map m (5)",
        ),
        (
            "root = this.bloblang(\"root = @a\")",
            "{}",
            "Error: failed assignment (line 1): failed assignment (line 1): metadata cannot be queried in this context",
        ),
        (
            "root = \"%s %d %+v %+d\".format([null], {\"a\": null}, 5, 5)",
            "{}",
            "[<nil>] map[%!d(string=a):<nil>] 5 +5",
        ),
        ("root = tracing_id().length()", "{}", "32"),
        (
            "root = this.ts_tz(\"UTC\").format_json()",
            "1e18",
            "Error: failed assignment (line 1): method ts_tz: json: error calling MarshalJSON for type time.Time: Time.MarshalJSON: year outside of range [0,9999]",
        ),
        (
            "root = 0.ts_tz(this).catch(e -> e)",
            "\"/Europe\"",
            "failed to parse timezone location name: time: invalid location name",
        ),
        (
            "root = this.ts_parse(\"2006-01-02\").catch(e -> e)",
            "\"2024-01-01 10\"",
            "parsing time \"2024-01-01 10\": extra text: \" 10\"",
        ),
        (
            "root = this.ts_strptime(\"%S.%f\").catch(e -> e)",
            "\"10.1234567\"",
            "failed to parse \"10.1234567\" with \"%S.%f\": unparsed string \"7\"",
        ),
        (
            "root = this.parse_duration().catch(e -> e)",
            "\"99999999999999999999\"",
            "time: invalid duration \"99999999999999999999\"",
        ),
        (
            "root = this.parse_yaml().catch(e -> e)",
            "\"a:\\n  - b\\n c: d\"",
            "field `this`: failed to parse value as YAML: yaml: line 2: did not find expected key",
        ),
    ] {
        assert_eq!(eval(mapping, input), want, "{mapping}");
    }
}

#[test]
fn what_counts_as_a_yes() {
    let check = |mapping: &str, input: &str| {
        let mapping = parse(mapping).expect("a sound mapping");
        mapping
            .check(&[Message::new(input.to_string())], 0)
            .map_err(|e| e.to_string())
    };
    for (mapping, input, want) in [
        ("this.a > 1", r#"{"a":2}"#, Ok(true)),
        // The text that the message would become is read again.
        ("\"true\"", "{}", Ok(true)),
        ("nothing()", "true", Ok(true)),
        (
            "this",
            "5",
            Err("expected bool value, got number from mapping (5)"),
        ),
        (
            "meta a = 1",
            "{}",
            Err("expected bool value, got object from mapping"),
        ),
        (
            "\"x\"",
            "{}",
            Err("invalid character 'x' looking for beginning of value"),
        ),
        ("\"\"", "{}", Err("target message part does not exist")),
        (
            "deleted()",
            "{}",
            Err("query mapping resulted in deleted message, expected a boolean value"),
        ),
    ] {
        assert_eq!(
            check(mapping, input),
            want.map_err(String::from),
            "{mapping}"
        );
    }
}

#[test]
fn mutations_write_documents_anew() {
    for (input, want) in [
        (" {\"b\":1,  \"a\":2.0}", r#"{"a":2.0,"b":1}"#),
        ("\"text\"", "text"),
        ("not json", "not json"),
    ] {
        let mapping = parse("meta a = 1").expect("a sound mapping");
        let mut batch = [Message::new(input.to_string())];
        assert_eq!(
            mapping.mutate(&mut batch, 0).map_err(|e| e.to_string()),
            Ok(false)
        );
        assert_eq!(String::from_utf8_lossy(batch[0].bytes()), want);
    }
}
