//! What templates make of a document, and how they fail: as Go's `text/template` with Sprig does.

use super::*;
use bytes::Bytes;

const DOCUMENT: &str = r#"{"name":"Ann","n":4,"f":1.50,"l":["a","b"],"o":{"x":{"y":true}},"z":null,"t":false,"s":"a,b"}"#;

fn run(text: &str) -> Result<String, String> {
    let own: Own = Box::new(|value| Ok(Value::Int(2 * value.as_i64().unwrap_or(0))));
    let others = [("other".to_owned(), "<{{ .x }}>".to_owned())];
    let template = Template::parse(text, &others, vec![("twice".into(), own)])?;
    let value = crate::value::parse(&Bytes::from_static(DOCUMENT.as_bytes())).expect("JSON");
    let metadata = |key: &str| match key {
        "k" => "v".into(),
        _ => Value::Null,
    };
    let bytes = template.execute(&value, &metadata)?;
    Ok(String::from_utf8(bytes).expect("text"))
}

#[test]
fn templates_make_text() {
    for (template, wanted) in [
        (
            "hi {{ .name }}{{/* no */}}, {{ len .l }} {{ .f }}",
            "hi Ann, 2 1.50",
        ),
        (
            "{{ range $i, $x := .l }}{{ $i }}={{ $x }} {{ end }}",
            "0=a 1=b ",
        ),
        (
            "{{ range $k, $v := .o }}{{ $k }}{{ $v }}{{ end }}",
            "xmap[y:true]",
        ),
        ("{{ range .none }}x{{ else }}none{{ end }}", "none"),
        (
            "{{ range 3 }}{{ . }}{{ if eq . 1 }}{{ break }}{{ end }}{{ end }}",
            "01",
        ),
        (
            "{{ range .l }}{{ if eq . \"a\" }}{{ continue }}{{ end }}{{ . }}{{ end }}",
            "b",
        ),
        (
            "{{ .none }} {{ .z }} {{ .none.deep }}",
            "<no value> <no value> <no value>",
        ),
        ("{{ if .t }}a{{ else if .n }}b{{ else }}c{{ end }}", "b"),
        (
            "{{ with .o.x }}{{ .y }}{{ end }}{{ with .z }}x{{ else }}-{{ end }}",
            "true-",
        ),
        (
            "{{ $x := 1 }}{{ if true }}{{ $x = 2 }}{{ end }}{{ $x }}",
            "2",
        ),
        ("a  {{- \" b \" -}}  c", "a b c"),
        (
            "{{ printf \"%s-%05.2f\" .name 1.5 | upper | quote }}",
            "\"ANN-01.50\"",
        ),
        (
            "{{ (index .l 1) }}{{ (.o).x.y }}{{ index .o \"x\" \"y\" }}",
            "btruetrue",
        ),
        (
            "{{ define \"T\" }}[{{ . }}]{{ end }}{{ template \"T\" .name }}",
            "[Ann]",
        ),
        ("{{ block \"B\" .l }}{{ . }}{{ end }}", "[a b]"),
        ("{{ template \"other\" .o }}", "<map[y:true]>"),
        (
            "{{ twice .n }} {{ meta \"k\" }} {{ meta \"none\" }}",
            "8 v <no value>",
        ),
        (
            "{{ and .n .name }} {{ or .z .t .name }} {{ not .z }}",
            "Ann Ann true",
        ),
        (
            "{{ .n | add 1 }} {{ div 7 2 }} {{ addf 0.1 0.2 }} {{ round 1.256 2 }}",
            "5 3 0.3 1.26",
        ),
        (
            "{{ default \"none\" .x }} {{ .name | default \"x\" }} {{ ternary 1 2 .t }}",
            "none Ann 2",
        ),
        (
            "{{ list 1 2 3 | join \"-\" }} {{ splitList \",\" .s | first }} {{ (split \",\" .s)._1 }}",
            "1-2-3 a b",
        ),
        (
            "{{ $d := dict \"a\" 1 }}{{ $_ := set $d \"b\" 2 }}{{ $d | toJson }}",
            "{\"a\":1,\"b\":2}",
        ),
        (
            "{{ $d := dict \"a\" 1 }}{{ $_ := set $d \"b\" 2 }}{{ len $d }}{{ hasKey $d \"b\" }}",
            "2true",
        ),
        (
            "{{ regexReplaceAll \"(a),(b)\" .s \"${2}$1\" }} {{ trunc 1 .name }} {{ title \"a b-c\" }}",
            "ba A A B-C",
        ),
        (
            "{{ 1700000000 | int64 | date \"2006-01-02\" }} {{ duration 95 }}",
            "2023-11-14 1m35s",
        ),
        (
            "{{ snakecase \"FirstName\" }} {{ kebabcase \"FirstName\" }} {{ camelcase \"first_name\" }}",
            "first_name first-name FirstName",
        ),
        (
            "{{ html \"<a>\" }} {{ urlquery \"a b&\" }} {{ js \"it's\" }}",
            "&lt;a&gt; a+b%26 it\\'s",
        ),
        (
            "{{ eq .name \"x\" \"Ann\" }} {{ lt 1 2 }} {{ ge 1.5 1.5 }} {{ ne .z nil }}",
            "true true true false",
        ),
        ("", ""),
    ] {
        assert_eq!(run(template).as_deref(), Ok(wanted), "{template}");
    }
}

#[test]
fn faults_say_where() {
    for (template, wanted) in [
        (
            "{{ nope }}",
            "Failed to parse template: template: main:1: function \"nope\" not defined",
        ),
        (
            "a\n{{ if }}",
            "Failed to parse template: template: main:2: missing value for if",
        ),
        (
            "{{ .a",
            "Failed to parse template: template: main:1: unclosed action",
        ),
        (
            "{{ if .a }}",
            "Failed to parse template: template: main:1: unexpected EOF",
        ),
        (
            "{{ end }}",
            "Failed to parse template: template: main:1: unexpected {{end}}",
        ),
        (
            "{{ $x }}",
            "Failed to parse template: template: main:1: undefined variable \"$x\"",
        ),
        (
            "{{ .name.first }}",
            "template: main:1:8: executing \"main\" at <.name.first>: can't evaluate field first in type interface {}",
        ),
        (
            "{{ .z.first }}",
            "template: main:1:5: executing \"main\" at <.z.first>: nil pointer evaluating interface {}.first",
        ),
        (
            "a\n {{ eq .n 4 }}",
            "template: main:2:4: executing \"main\" at <eq .n 4>: error calling eq: incompatible types for comparison: json.Number and int",
        ),
        (
            "{{ upper .n }}",
            "template: main:1:9: executing \"main\" at <.n>: wrong type for value; expected string; got json.Number",
        ),
        (
            "{{ upper }}",
            "template: main:1:3: executing \"main\" at <upper>: wrong number of args for upper: want 1 got 0",
        ),
        (
            "{{ range .name }}{{ end }}",
            "template: main:1:9: executing \"main\" at <.name>: range can't iterate over Ann",
        ),
        (
            "{{ index .l 5 }}",
            "template: main:1:3: executing \"main\" at <index .l 5>: error calling index: index out of range: 5",
        ),
        (
            "{{ template \"x\" }}",
            "template: main:1:12: executing \"main\" at <{{template \"x\"}}>: template \"x\" not defined",
        ),
        (
            "{{ div 1 0 }}",
            "template: main:1:3: executing \"main\" at <div 1 0>: error calling div: runtime error: integer divide by zero",
        ),
        (
            "{{ fail \"no\" }}",
            "template: main:1:3: executing \"main\" at <fail \"no\">: error calling fail: no",
        ),
    ] {
        assert_eq!(run(template), Err(wanted.to_owned()), "{template}");
    }
}

#[test]
fn nothing_runs_for_ever() {
    for template in [
        "{{ define \"T\" }}{{ template \"T\" . }}{{ end }}{{ template \"T\" . }}",
        "{{ range 100000 }}{{ range 100000 }}{{ end }}{{ end }}",
        "{{ repeat 1000000000 \"x\" }}",
        "{{ until 1000000000 }}",
    ] {
        assert!(run(template).is_err(), "{template}");
    }
    let deep = format!("{{{{ {}1{} }}}}", "(".repeat(5000), ")".repeat(5000));
    assert!(run(&deep).is_err());
}
