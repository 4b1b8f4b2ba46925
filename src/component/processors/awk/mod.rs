//! `awk`: runs AWK programs on messages.

mod evaluate;
mod expressions;
mod lexer;
mod machine;
mod names;
mod natives;
mod parser;
mod records;
mod syntax;
mod values;
mod variables;

use super::flow::each;
use crate::bloblang::{STACK_RESERVE, STACK_SIZE, here, on_new_stack};
use crate::component::{BuildProcessor, Context, Processor};
use crate::message::{ComponentName, Message};
use crate::value::Value;
use anyhow::anyhow;
use machine::Machine;
use natives::{Host, plain};
use syntax::Program;
use values::Val;

/// How much of the caller's stack a run may take.
const STACK_SHARE: usize = 512 * 1024;

crate::choice! {
    /// What a program is given to read.
    pub enum Codec {
        None = "none",
        Text = "text",
        Json = "json",
    }
}

crate::fields! {
    /// The program and what it reads.
    pub struct Config {
        /// `text` gives the program the content to read, and the metadata as variables; `json` the fields of the document as variables (`foo.bar` is `foo_bar`) and the
        /// metadata too; `none` nothing. The functions for documents and metadata work with each of them.
        codec: Codec,
        /// The program.
        program: String,
    }
}

crate::spec! {
    /// Runs an AWK program on each message. What it prints becomes the content; a program that prints nothing leaves the content as it is, or as its functions changed it.
    ///
    /// On top of the language's own functions there are: `json_get(path)`, `json_set(path, value)`, `json_append(path, value)` (both also with `_int`, `_float` or `_bool` behind
    /// the name), `json_delete(path)`, `json_length(path)`, `json_type(path)`, `create_json_object(key, value, …)`, `create_json_array(value, …)`, `metadata_get(key)`,
    /// `metadata_set(key, value)`, `timestamp_unix(date, format)`, `timestamp_unix_nano(date, format)`, `timestamp_format(seconds, format)`,
    /// `timestamp_format_nano(nanoseconds, format)`, `print_log(text, level)`, `base64_encode(text)` and `base64_decode(text)`.
    ///
    /// Lengths and positions count bytes. A program has no files and runs no commands, may take fifty million steps, and print 64 MiB.
    dyn BuildProcessor, "awk", Config
}

impl BuildProcessor for Config {
    fn build(&self, cx: &Context) -> anyhow::Result<Processor> {
        let program = parser::parse(&self.program);
        let program = program.map_err(|e| anyhow!("failed to compile AWK program: {e}"))?;
        let (codec, name) = (self.codec, cx.name.clone());
        Ok(each(move |message| {
            *message = if program.recursive {
                let run = || {
                    let stack_end = here().saturating_sub(STACK_SIZE - STACK_RESERVE);
                    run(&program, codec, message, &name, stack_end)
                };
                on_new_stack(run)
                    .unwrap_or_else(|| Err("there is no stack for the program's calls".into()))?
            } else {
                run(
                    &program,
                    codec,
                    message,
                    &name,
                    here().saturating_sub(STACK_SHARE),
                )?
            };
            Ok(())
        }))
    }
}

/// The message that a program makes of one.
fn run(
    program: &Program,
    codec: Codec,
    message: &Message,
    name: &ComponentName,
    stack_end: usize,
) -> Result<Message, String> {
    let host = Host {
        message: message.clone(),
        name,
    };
    let input = match codec {
        Codec::Text => &message.bytes()[..],
        // One record without fields, so that rules run once.
        Codec::None | Codec::Json => b" ",
    };
    let mut machine = Machine::new(program, host, input, stack_end);
    if codec == Codec::Json {
        let document = message.value().map_err(ToString::to_string)?;
        define(&mut machine, &mut String::new(), document)?;
    }
    if codec != Codec::None {
        for (key, value) in message.metadata().iter() {
            machine.define(&variable(key), Val::input(plain(value)))?;
        }
    }
    let status = machine.run()?;
    if status != 0.0 {
        return Err(format!(
            "non-fatal execution error: awk interpreter returned non-zero exit code: {status}"
        ));
    }
    if !machine.err.is_empty() {
        return Err(String::from_utf8_lossy(&machine.err).into_owned());
    }
    let mut out = machine.out;
    let mut message = machine.host.message;
    if !out.is_empty() {
        if out.last() == Some(&b'\n') {
            out.pop();
        }
        message.set_bytes(out);
    }
    Ok(message)
}

/// Sets a variable for each field of a document that holds a single value. `path` is where `value` is.
fn define(machine: &mut Machine<'_, '_>, path: &mut String, value: &Value) -> Result<(), String> {
    let text = match value {
        Value::Object(object) => {
            for (key, value) in object.iter() {
                let length = path.len();
                if !path.is_empty() {
                    path.push('.');
                }
                path.push_str(&key);
                define(machine, path, &value)?;
                path.truncate(length);
            }
            return Ok(());
        }
        // Of a list's elements, the last one's fields stay.
        Value::Array(array) => {
            return array
                .iter()
                .try_for_each(|item| define(machine, path, &item));
        }
        Value::Null => b"<nil>".to_vec(),
        other => plain(other),
    };
    machine.define(&variable(path), Val::input(text))
}

/// A key as the name of a variable.
fn variable(key: &str) -> String {
    let plain = |c: char| {
        if c.is_ascii_alphanumeric() || c == '_' {
            c
        } else {
            '_'
        }
    };
    key.chars().map(plain).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn awk(codec: Codec, program: &str, content: &str) -> Result<String, String> {
        let program = parser::parse(program)?;
        let mut message = Message::new(content.to_owned());
        message.metadata_mut().set("m-k", "5");
        let name = ComponentName {
            kind: "awk".into(),
            label: "".into(),
            path: "".into(),
        };
        let end = here().saturating_sub(STACK_SHARE);
        let made = run(&program, codec, &message, &name, end)?;
        Ok(String::from_utf8_lossy(made.bytes()).into_owned())
    }

    #[test]
    fn programs_do_what_awk_does() {
        for (program, content, wanted) in [
            ("{ print $2, NF, NR }", "a b\nc d e", "b 2 1\nd 3 2"),
            ("/b/", "abc\nxyz\nb", "abc\nb"),
            ("NR==2, /end/", "1\n2\n3\nend\n5", "2\n3\nend"),
            (
                "BEGIN { FS = \",\"; OFS = \"-\" } { $2 = \"X\"; print; print NF }",
                "a,b,c",
                "a-X-c\n3",
            ),
            (
                "{ x[$1]++ } END { for (k in x) print k, x[k] }",
                "b\na\nb",
                "a 1\nb 2",
            ),
            (
                "BEGIN { print 1/3, 1e6, 1e20, 0.1 + 0.2, 100000 * 10 }",
                "",
                "0.333333 1000000 1e+20 0.3 1000000",
            ),
            (
                "BEGIN { print 2^3^2, -2^2, 7 % 3, 1 + 2 \" \" 3 }",
                "",
                "512 -4 1 3 3",
            ),
            (
                "BEGIN { print 1==1.0, \"a\" < \"b\", 10 < 9, \"10\" < \"9\" }",
                "",
                "1 1 0 1",
            ),
            ("{ print ($1 < $2) }", "10 9", "0"),
            (
                "BEGIN { x = \"a.b.c\"; print gsub(/\\./, \"[&]\", x), x; sub(\"b\", \"\\\\&\", x); print x }",
                "",
                "2 a[.]b[.]c\na[.]&[.]c",
            ),
            (
                "BEGIN { print match(\"foobar\", /o+/), RSTART, RLENGTH }",
                "",
                "2 2 2",
            ),
            (
                "BEGIN { printf \"%5s|%-4d|%c%c|%%|%.2f\\n\", \"ab\", 42, \"xyz\", 65, 3.14159 }",
                "",
                "   ab|42  |xA|%|3.14",
            ),
            (
                "function f(n) { return n <= 1 ? 1 : n * f(n - 1) } BEGIN { print f(5) }",
                "",
                "120",
            ),
            (
                "function fill(a, n) { for (i = 0; i < n; i++) a[i] = i * i } BEGIN { fill(sq, 4); print sq[3], length(sq) }",
                "",
                "9 4",
            ),
            (
                "BEGIN { while (i < 3) { i++; if (i == 2) continue; print i } do { i-- } while (i > 0); print i }",
                "",
                "1\n3\n0",
            ),
            (
                "BEGIN { a[1,2] = 3; if ((1,2) in a) print \"yes\"; delete a[1,2]; print length(a) }",
                "",
                "yes\n0",
            ),
            (
                "{ while ((getline line) > 0) n++; print n, $0 }",
                "a\nb\nc",
                "2 a",
            ),
            (
                "BEGIN { RS = \"\"; FS = \"\\n\" } { print NR \":\" $1 \"+\" $2 }",
                "a\nb\n\n\nc\nd\n",
                "1:a+b\n2:c+d",
            ),
            ("BEGIN { RS = \";\" } { print }", "a;b;c", "a\nb\nc"),
            (
                "{ $5 = \"e\"; print; print NF; NF = 2; print }",
                "a b",
                "a b   e\n5\na b",
            ),
            (
                "BEGIN { print substr(\"hello\", 0, 3), substr(\"hello\", 4), toupper(\"ab\"), index(\"abc\", \"c\") }",
                "",
                "he lo AB 3",
            ),
            (
                "BEGIN { n = split(\"a:b:c\", p, \":\"); print n, p[1] p[3]; print split(\"\", q) }",
                "",
                "3 ac\n0",
            ),
            (
                "BEGIN { print length() \"x\", !x, x++ + ++x, x }",
                "",
                "0x 1 2 2",
            ),
            (
                "BEGIN { if (!(3 in a)) print \"no\"; print (1, 2) > \"/dev/stdout\" }",
                "",
                "no\n1 2",
            ),
            (
                "BEGIN { print \"a\" > \"/dev/stdout\"; exit } END { print \"end\" }",
                "",
                "a\nend",
            ),
            ("{ print m_k + 1 }", "x", "6"),
            (
                "# only a comment\nBEGIN {\n  print \"a\" \\\n    \"b\"  # more\n}\n",
                "",
                "ab",
            ),
        ] {
            assert_eq!(
                awk(Codec::Text, program, content).as_deref(),
                Ok(wanted),
                "{program}"
            );
        }
    }

    #[test]
    fn documents_are_read_and_changed() {
        for (codec, program, wanted) in [
            (Codec::Json, "{ print a_b, l_x, n }", "1.50 2 <nil>"),
            (
                Codec::None,
                "{ json_set_int(\"c.d\", json_get(\"a.b\") * 2) }",
                r#"{"a":{"b":1.50},"c":{"d":3},"l":[{"x":1},{"x":2}],"n":null}"#,
            ),
            (
                Codec::None,
                "{ json_append(\"t\", \"x\"); json_append_bool(\"t\", 1); json_delete(\"a\"); json_delete(\"l\"); json_set_float(\"n\", 1.5) }",
                r#"{"n":1.5,"t":["x",true]}"#,
            ),
            (
                Codec::None,
                "{ print json_type(\"a\"), json_type(\"a.b\"), json_type(\"z\"), json_type(\"n\"), json_length(\"l\"), json_get(\"l.1\") }",
                r#"object float undefined null 2 {"x":2}"#,
            ),
            (
                Codec::None,
                "{ print create_json_object(\"a\", 1, \"b\", \"<\"), create_json_array(1, \"x\") }",
                r#"{"a":"1","b":"\u003c"} ["1","x"]"#,
            ),
            (
                Codec::None,
                "{ print m_k \"-\", metadata_get(\"m-k\"), base64_decode(base64_encode(\"hi\")) }",
                "- 5 hi",
            ),
            (
                Codec::None,
                "{ print timestamp_unix(\"2021-03-04\"), timestamp_format(0), timestamp_unix(\"04/03/21\", \"02/01/06\") }",
                "1614816000 1970-01-01T00:00:00Z 1614816000",
            ),
        ] {
            let document = r#"{"a":{"b":1.50},"l":[{"x":1},{"x":2}],"n":null}"#;
            assert_eq!(
                awk(codec, program, document).as_deref(),
                Ok(wanted),
                "{program}"
            );
        }
    }

    #[test]
    fn faults_are_told() {
        for (program, wanted) in [
            (
                "{ print ( }",
                "parse error at 1:11: expected expression, not }",
            ),
            (
                "{ foo(1) }",
                "parse error at 1:3: undefined function \"foo\"",
            ),
            ("BEGIN { print 1/0 }", "division by zero"),
            (
                "BEGIN { while (1) ; }",
                "the program didn't end within 50000000 steps",
            ),
            (
                "BEGIN { x = \"x\"; while (1) x = x x }",
                "a text is longer than 67108864 bytes",
            ),
            (
                "BEGIN { exit 3 }",
                "non-fatal execution error: awk interpreter returned non-zero exit code: 3",
            ),
            ("BEGIN { print \"oh\" > \"/dev/stderr\" }", "oh\n"),
            ("BEGIN { print $-1 }", "field index negative: -1"),
            (
                "function f(n) { return f(n + 1) } BEGIN { f(1) }",
                "the program's calls and expressions nest too deep",
            ),
            (
                "{ print timestamp_unix(\"nope\") }",
                "failed to detect datetime format of: nope",
            ),
            (
                "{ json_get(\"a\") }",
                "failed to parse message into json: invalid character 'x' looking for beginning of value",
            ),
        ] {
            if program.contains("while (1) ;") && cfg!(debug_assertions) {
                continue; // Takes seconds without optimisation.
            }
            assert_eq!(
                awk(Codec::Text, program, "x"),
                Err(wanted.to_owned()),
                "{program}"
            );
        }
        let deep = format!(
            "BEGIN {{ print {}1{} }}",
            "(".repeat(5000),
            ")".repeat(5000)
        );
        assert!(awk(Codec::Text, &deep, "").is_err_and(|e| e.contains("nested deeper")));
        let long = format!("BEGIN {{ print 1{} }}", " + 1".repeat(5000));
        assert!(awk(Codec::Text, &long, "").is_err_and(|e| e.contains("terms in a row")));
    }
}
