//! Rules of the language that only show where things are combined, each with mappings that tell it from what one would guess.

use super::eval;

#[test]
fn signs_and_operators() {
    for (mapping, want) in [
        // A minus sign is about the term with all that follows it.
        ("root = -2.pow(2)", "-4"),
        ("root = -2.5.floor() - -1", "-1"),
        ("root = --5", "5"),
        (
            "root = -1.string()",
            "Error: failed assignment (line 1): cannot subtract types number (from number literal) and string (from method string)",
        ),
        ("root = !!true", "Refused: 1:9: expected query"),
        ("root = -9223372036854775807", "-9223372036854775807"),
        (
            "root = !-9223372036854775808",
            "Refused: 1:9: failed to parse '9223372036854775808' as integer: strconv.ParseInt: parsing \"9223372036854775808\": value out of range",
        ),
        (
            "root = !-1",
            "Error: failed assignment (line 1): expected bool value, got number from number literal (-1)",
        ),
        // A line that begins with an operator isn't a further part of the one before.
        ("root = 1 +\n  2", "3"),
        (
            "root = 1\n  + 2",
            "Refused: 2:3: expected import, map, or assignment",
        ),
        ("root = match -1 {\n  1 => 2\n  -1 => 3\n}", "3"),
        ("root = [1\n, 2]", "Refused: 1:10: expected query"),
        ("root = [\n  1, # one\n  2,\n]", "[1,2]"),
        ("root = {\"a\":1, # one\n\"b\": 2,\n}", r#"{"a":1,"b":2}"#),
        (
            "root = match 1 { 1 =>\n 2 }",
            "Refused: 1:22: required: expected query",
        ),
        ("root = if false { 1 } else if true { 2 }", "2"),
        ("root = if false { 1 }\nelse\n{ 2 }", "2"),
        ("root = nullish", "Refused: 1:12: expected line break"),
        // Where nothing else is left to be the context, it is the message.
        ("root = null.or(x -> this)", "{}"),
        ("root = x -> this", "{}"),
        (
            "\n\nthis.a + 1",
            "Error: failed assignment (line 1): cannot add types null (from field `this.a`) and number (from number literal)",
        ),
    ] {
        assert_eq!(eval(mapping, "{}"), want, "{mapping}");
    }
}

#[test]
fn failures_name_what_they_are_about() {
    for (mapping, input, want) in [
        (
            "root = this.fold(0, throw(\"t\"))",
            "[1]",
            "Error: failed assignment (line 1): field `this`: t",
        ),
        (
            "root = this.filter(throw(\"t\"))",
            "[1]",
            "Error: failed assignment (line 1): field `this`: t",
        ),
        (
            "root = this.sort_by(throw(\"t\"))",
            "[1,2]",
            "Error: failed assignment (line 1): t",
        ),
        (
            "root = this.sort(null)",
            "[1,2]",
            "Error: failed assignment (line 1): expected bool value, got null from sort argument",
        ),
        (
            "root = this.map(this.a).trim()",
            "{}",
            "Error: failed assignment (line 1): expected string value, got null from field `this.a`",
        ),
        (
            "root = meta(\"a\").from(0).trim()",
            "{}",
            "Error: failed assignment (line 1): expected string value, got null from meta field a from 0",
        ),
        (
            "root = \"%v\".format(1, this.trim())",
            "5",
            "Error: failed assignment (line 1): method 'format': failed to extract input arg '0': expected string value, got number from field `this` (5)",
        ),
        (
            "root = {this.trim(): 1}",
            "5",
            "Error: failed assignment (line 1): failed to resolve key: expected string value, got number from field `this` (5)",
        ),
        (
            "root = this.map_each_key(deleted())",
            "{\"a\":1}",
            "Error: failed assignment (line 1): field `this`: unexpected result from key mapping: expected string value, got delete",
        ),
        (
            "root = this.number().format_json()",
            "\"NaN\"",
            "Error: failed assignment (line 1): method number: json: unsupported value: NaN",
        ),
        (
            "root = this.parse_json()",
            "\"1e400\"",
            "Error: failed assignment (line 1): field `this`: failed to parse value as JSON: json: cannot unmarshal number 1e400 into Go value of type float64",
        ),
        (
            "root = this.parse_csv(delimiter: \"\")",
            "5",
            "Error: failed assignment (line 1): field `this`: delimiter value must be exactly one character",
        ),
        ("root = deleted() == deleted()", "5", "false"),
        ("root = match {}.type() { \"object\" => 1 }", "5", "1"),
        ("root = this.float32().string()", "1700000000", "1700000000"),
    ] {
        assert_eq!(eval(mapping, input), want, "{mapping}");
    }
}

#[test]
fn numbers_of_all_sizes() {
    for (mapping, input, want) in [
        // Adding to a number of fewer than 64 bits fails, whatever it went through; adding it to another doesn't.
        (
            "root = this.int8() + 1",
            "1",
            "Error: failed assignment (line 1): cannot add types number (from method int8) and number (from number literal)",
        ),
        (
            "root = this.int8().catch(1) + 1",
            "1",
            "Error: failed assignment (line 1): cannot add types number (from method catch) and number (from number literal)",
        ),
        ("root = this.int8().catch(1) + 1", "1000", "2"),
        ("root = 1 + this.int8() - this.uint16()", "1", "1"),
        ("root = (this.uint8() | 7).round()", "\"x\"", "7"),
        (
            "root = [5].find(this).catch(0).log10()",
            "5",
            "Error: failed assignment (line 1): expected number value, got number from method catch (0)",
        ),
        // A float of 32 bits shows its shortest text, and computes as what it is.
        (
            "root = [this.float32(), 0 + this.float32()]",
            "0.1",
            "[0.1,0.10000000149011612]",
        ),
        (
            "root = this.float32().sort()",
            "1604213000",
            "Error: failed assignment (line 1): expected array value, got number from method float32 (1.604213e+09)",
        ),
        ("root = this.float32() && true", "-0.0", "false"),
        // Only the text `0` is a zero that counts as false.
        (
            "root = [this.0 && true, this.1 && true, this.1 == false]",
            "[0,0.0]",
            "[false,true,false]",
        ),
        (
            "root = this.parse_json().map_each(n -> n.string())",
            r#""[999999,1000000]""#,
            r#"["999999","1e+06"]"#,
        ),
    ] {
        assert_eq!(eval(mapping, input), want, "{mapping}");
    }
}

#[test]
fn numbers_that_are_too_large_fail_where_they_are_computed_with() {
    for (mapping, want) in [
        ("root.v = this.n", r#"{"v":1e309}"#),
        ("root.v = this.n == this.n", r#"{"v":true}"#),
        ("root.v = [this.n].sum().catch(\"no\")", r#"{"v":"no"}"#),
        ("root.v = this.n.ts_unix().catch(\"no\")", r#"{"v":"no"}"#),
        ("root.v = \"1e309\".parse_yaml()", r#"{"v":"1e309"}"#),
        (
            "root.v = 1 - this.n",
            "Error: failed assignment (line 1): cannot subtract types number (from number literal) and string (from field `this.n`)",
        ),
        (
            "root.v = this.n / 2",
            "Error: failed assignment (line 1): cannot divide types number (from field `this.n`) and number (from number literal)",
        ),
        (
            "root.v = this.n > 2",
            "Error: failed assignment (line 1): cannot compare types number (from field `this.n`) and number (from number literal)",
        ),
    ] {
        assert_eq!(eval(mapping, r#"{"n":1e309}"#), want, "{mapping}");
    }
}

#[test]
fn arguments_are_looked_at_first() {
    for (mapping, want) in [
        (
            "root = this.a.concat(5)",
            "Refused: 1:15: expected array value, got number (5)",
        ),
        (
            "root = this.a.concat(this.b)",
            "Error: failed assignment (line 1): expected array value, got null",
        ),
        (
            "root = this.a.hash(this.b | \"x\")",
            "Error: failed assignment (line 1): unrecognized hash type: x",
        ),
        (
            "root = this.a.repeat(-1)",
            "Refused: 1:15: invalid count, must be greater than or equal to zero: -1",
        ),
        (
            "root = range(2, 2)",
            "Refused: 1:8: with positive step arg start (2) must be < stop (2)",
        ),
        (
            "root = range(\"a\")",
            "Refused: 1:18: field start: expected number value, got string (\"a\")",
        ),
        ("root = range(1)", "Refused: 1:16: missing parameter: stop"),
        ("root = {\"a\":1}.format_json(no_indent: 1)", r#"{"a":1}"#),
        (
            "root = {}.format_json(no_indent: \"a\")",
            "Refused: 1:38: field no_indent: expected bool value, got string (\"a\")",
        ),
        (
            "root = 0.ts_sub(null)",
            "Refused: 1:22: field t2: expected number or string value, got null",
        ),
    ] {
        assert_eq!(eval(mapping, "{}"), want, "{mapping}");
    }
}

#[test]
fn what_root_is_while_it_is_made() {
    for (mapping, want) in [
        ("root.a = [1, root]", r#"{"a":[1]}"#),
        (
            "let v = root\nroot = $v",
            "Error: failed assignment (line 2): variable 'v' undefined",
        ),
        ("root.a = root.b | 1", r#"{"a":1}"#),
        ("root = deleted()\nroot.a = deleted()", "Deleted"),
        (
            "root = deleted()\nroot.a = 1",
            "Error: failed assignment (line 2): unable to set target path a as the value of the root was a non-object type (delete)",
        ),
        (
            "root = [1]\nroot.0.b = 1",
            "Error: failed assignment (line 2): unable to set target path 0.b as the value of the root was a non-object type (array)",
        ),
        ("this.a = 1", r#"{"this":{"a":1}}"#),
    ] {
        assert_eq!(eval(mapping, "{}"), want, "{mapping}");
    }
}

#[test]
fn matches_without_a_subject() {
    for (mapping, input, want) in [
        (
            "root = this.map_each(match { 1 => \"a\", this == 2 => \"b\" })",
            "[1,2]",
            r#"["a","b"]"#,
        ),
        ("root = this.(match { 1 => \"a\", _ => \"b\" })", "1", "a"),
        // What isn't a document is null to them.
        (
            "root = match { 5 => 1, this.a == 2 => 2, _ => 3 }",
            "not json",
            "3",
        ),
        ("root = match { this.a => 1 }", "not json", "not json"),
    ] {
        assert_eq!(eval(mapping, input), want, "{mapping}");
    }
}

#[test]
fn who_names_a_failure_that_its_own_method_does_not() {
    for (mapping, want) in [
        (
            "root = [1].concat(this)",
            "expected array value, got object",
        ),
        (
            "root = [1].map_each(x -> [1].concat(x))",
            "array literal: failed to process element 0: expected array value, got number from method concat (1)",
        ),
        (
            "root = [1].filter(x -> [1].concat(x))",
            "expected array value, got number from array literal (1)",
        ),
        (
            "root = [1].any(x -> [1].concat(x))",
            "array literal: element 0: expected array value, got number (1)",
        ),
        (
            "root = [1].map_each(x -> [null].sum().length())",
            "failed to process element 0: method length: index 0: expected number value, got null",
        ),
    ] {
        let want = format!("Error: failed assignment (line 1): {want}");
        assert_eq!(eval(mapping, "{}"), want, "{mapping}");
    }
}

#[test]
fn failures_within_maps() {
    for (mapping, input, want) in [
        // However many maps a failure leaves, it is told of by the innermost.
        (
            "map a { root = [this.x.apply(\"b\")] }\nmap b {\n\n root = this.trim() }\nroot = this.apply(\"a\")",
            r#"{"x":1}"#,
            "Error: failed assignment (line 5): failed assignment (line 3): expected string value, got number from field `this` (1)",
        ),
        (
            "map a { root = this.sum() }\nroot = this.map_each(v -> v.apply(\"a\"))",
            "[[null]]",
            "Error: failed assignment (line 2): failed to process element 0: map a: failed assignment (line 1): index 0: expected number value, got null",
        ),
        // What has a name in front gets no other one.
        (
            "map a { root = this.number() }\nroot = this.map_each(v -> v.apply(\"a\"))",
            r#"["x"]"#,
            "Error: failed assignment (line 2): failed to process element 0: failed assignment (line 1): field `this`: strconv.ParseFloat: parsing \"x\": invalid syntax",
        ),
        (
            "map a {\n root = [5.apply(\"b\")] }\nmap b {\n\n root = [5.apply(\"a\")] }\nroot = this.apply(\"a\")",
            "1",
            "Error: failed assignment (line 6): failed assignment (line 3): entering map a exceeded maximum allowed stacks of 5000, this could be due to unbounded recursion",
        ),
    ] {
        assert_eq!(eval(mapping, input), want, "{mapping}");
    }
}

#[test]
fn text_that_is_cut_within_a_character() {
    let cases = [
        ("root.v = this.a.slice(1)", "{\"v\":\"\\ufffd\\ufffdx\"}"),
        ("root.v = this.a.slice(1).type()", r#"{"v":"string"}"#),
        (
            "root.v = this.a.slice(0, 1) + this.a.slice(1)",
            r#"{"v":"日x"}"#,
        ),
        ("root.v = this.a.slice(1).length()", r#"{"v":3}"#),
        (
            "root.v = this.a.slice(1).uppercase()",
            "{\"v\":\"\u{fffd}\u{fffd}X\"}",
        ),
        (
            "root.v = this.a.slice(1, -3).not_empty().catch(\"none\")",
            r#"{"v":"none"}"#,
        ),
        (
            "root.v = this.a.slice(1).capitalize()",
            "{\"v\":\"\\ufffd\\ufffdX\"}",
        ),
        (
            "root.v = this.a.slice(1).reverse()",
            "{\"v\":\"x\u{fffd}\u{fffd}\"}",
        ),
        (
            "root.v = this.a.slice(1).encode(\"hex\")",
            r#"{"v":"97a578"}"#,
        ),
        (
            "root.v = this.a.slice(1).escape_url_query()",
            r#"{"v":"%97%A5x"}"#,
        ),
        (
            "root.v = this.a.slice(1).bytes().string() == this.a.slice(1)",
            r#"{"v":true}"#,
        ),
        (
            "root.v = this.a.contains(this.a.slice(1, 2))",
            r#"{"v":true}"#,
        ),
        (
            "root.v = this.a.slice(1).quote()",
            r#"{"v":"\"\\x97\\xa5x\""}"#,
        ),
        (
            "root.v = (this.a.slice(1) + \" \").trim().slice(-1)",
            r#"{"v":"x"}"#,
        ),
        (
            "root.v = [this.a.slice(2), \"y\"].join(\"\").slice(1)",
            r#"{"v":"xy"}"#,
        ),
        (
            "root.v = this.a.slice(1).re_replace_all(\"x\", \"y\").slice(-1)",
            r#"{"v":"y"}"#,
        ),
        ("root = {(this.a.slice(1)): 1}", "{\"\u{fffd}\u{fffd}x\":1}"),
        (
            "root.v = content().slice(7, 8).string().type()",
            r#"{"v":"string"}"#,
        ),
    ];
    for (mapping, want) in cases {
        assert_eq!(eval(mapping, r#"{"a":"日x"}"#), want, "{mapping}");
    }
}
