//! Table: methods that read other formats into values, and write values in them.

use super::common::{shown, writable};
use super::schema;
use super::time::text;
use crate::bloblang::spec::{CallError, Example, MethodCall, MethodSpec, Param, ParamKind, Status};
use crate::codec::{json_text, msgpack, parquet, xml, yaml};
use crate::formats::{csv, logfmt, url};
use crate::value::{Object, Str, Value, well_formed};
use bytes::Bytes;

/// How many bytes a big number may have: turning it into digits costs the square of that.
const MAX_DECIMAL_BYTES: usize = 4_096;

const INDENT: Param = Param::new(
    "indent",
    ParamKind::String,
    "What one level is indented by.",
)
.default(r#""    ""#);
const NO_INDENT: Param = Param::new(
    "no_indent",
    ParamKind::Bool,
    "Whether to write everything on one line.",
)
.default("false");

pub(super) static TABLE: &[MethodSpec] = &[
    MethodSpec::new(
        "parse_json",
        "Reads a JSON document out of text; what follows the document is ignored.",
        &[Param::new("use_number", ParamKind::Bool, "Whether numbers are kept exactly as they are written, instead of becoming floats.").optional()],
        &[Example {
            about: "A document within a document.",
            mapping: "root.doc = this.doc.parse_json()",
            cases: &[
                (r#"{"doc":"{\"foo\":\"bar\"}"}"#, r#"{"doc":{"foo":"bar"}}"#),
                (r#"{"doc":"nope"}"#, "Error: failed assignment (line 1): field `this.doc`: failed to parse value as JSON: invalid character 'o' in literal null (expecting 'u')"),
            ],
        }],
        MethodCall::Plain(|receiver, args| {
            let exact = matches!(args[0], Value::Bool(true));
            let bytes = plain_text(receiver)?;
            json_text::parse_first(&bytes, exact).map_err(|why| format!("failed to parse value as JSON: {why}").into())
        }),
    ),
    MethodSpec::new(
        "format_json",
        "Writes a value as JSON bytes, indented unless told otherwise.",
        &[
            INDENT,
            NO_INDENT,
            Param::new("escape_html", ParamKind::Bool, "Whether `<`, `>` and `&` in strings are written as escapes.").default("true"),
        ],
        &[Example {
            about: "On one line, as text.",
            mapping: "root.doc = this.doc.format_json(no_indent: true).string()",
            cases: &[(r#"{"doc":{"foo":"b&r"}}"#, r#"{"doc":"{\"foo\":\"b\\u0026r\"}"}"#)],
        }],
        MethodCall::Prepared(|args| {
            let indent = text(&args[0])?;
            let layout = json_text::Layout {
                indent: (!flag(&args[1]) && !indent.is_empty()).then_some(indent),
                escape_html: flag(&args[2]),
            };
            Ok(Box::new(move |receiver| {
                let written = json_text::format(&*shown(&receiver)?, &layout);
                if written.is_empty() && let Some(why) = json_text::unsupported(&receiver) {
                    return Err(why.into());
                }
                Ok(bytes_value(written))
            }))
        }),
    ),
    MethodSpec::new(
        "parse_yaml",
        "Reads a YAML document out of text.",
        &[],
        &[Example {
            about: "A map.",
            mapping: "root.doc = this.doc.parse_yaml()",
            cases: &[(r#"{"doc":"foo: [1, x]"}"#, r#"{"doc":{"foo":[1,"x"]}}"#)],
        }],
        MethodCall::Plain(|receiver, _| {
            let bytes = plain_text(receiver)?;
            let parsed = yaml::parse(&well_formed(&bytes));
            parsed.map_err(|why| format!("failed to parse value as YAML: {why}").into())
        }),
    ),
    MethodSpec::new(
        "format_yaml",
        "Writes a value as YAML bytes.",
        &[],
        &[Example {
            about: "As text.",
            mapping: "root.doc = this.doc.format_yaml().string()",
            cases: &[(r#"{"doc":{"foo":"bar"}}"#, r#"{"doc":"foo: bar\n"}"#)],
        }],
        MethodCall::Plain(|receiver, _| Ok(bytes_value(yaml::format(writable(&receiver)?).into_bytes()))),
    )
    .sourceless(),
    MethodSpec::new(
        "parse_csv",
        "Reads rows of comma-separated values: an array of objects by the names in the first row, or of arrays if that isn't a header.",
        &[
            Param::new("parse_header_row", ParamKind::Bool, "Whether the first row names the columns.").default("true"),
            Param::new("delimiter", ParamKind::String, "The character between fields.").default(r#"",""#),
            Param::new("lazy_quotes", ParamKind::Bool, "Whether quotes may stand inside fields.").default("false"),
        ],
        &[
            Example {
                about: "Objects.",
                mapping: "root.rows = this.rows.parse_csv()",
                cases: &[(r#"{"rows":"a,b\n1,2\n3,4"}"#, r#"{"rows":[{"a":"1","b":"2"},{"a":"3","b":"4"}]}"#)],
            },
            Example {
                about: "Arrays.",
                mapping: r#"root.rows = this.rows.parse_csv(parse_header_row: false, delimiter: "|")"#,
                cases: &[(r#"{"rows":"a|b\n1|2"}"#, r#"{"rows":[["a","b"],["1","2"]]}"#)],
            },
        ],
        MethodCall::Plain(parse_csv),
    ),
    MethodSpec::new(
        "parse_xml",
        "Reads an XML document: an element becomes its text, or an object of its attributes (`-name`), its text (`#text`) and its children.",
        &[Param::new("cast", ParamKind::Bool, "Whether text that looks like a number or a bool becomes one.").default("false")],
        &[Example {
            about: "Numbers and bools.",
            mapping: "root.doc = this.doc.parse_xml(cast: true)",
            cases: &[(
                r#"{"doc":"<root><n id=\"99\">123</n><b>true</b></root>"}"#,
                r##"{"doc":{"root":{"b":true,"n":{"#text":123,"-id":99}}}}"##,
            )],
        }],
        MethodCall::Plain(|receiver, args| {
            let parsed = xml::parse(&raw_bytes(&receiver)?, flag(&args[0]));
            parsed.map_err(|why| format!("failed to parse value as XML: {why}").into())
        }),
    )
    .sourceless(),
    MethodSpec::new(
        "format_xml",
        "Writes an object as XML bytes; keys that begin with `-` become attributes, `#text` an element's text.",
        &[
            INDENT,
            NO_INDENT,
            Param::new("root_tag", ParamKind::String, "The name of the outermost element; where it is left out, an object's only key is.").optional(),
        ],
        &[Example {
            about: "On one line.",
            mapping: "root = this.format_xml(no_indent: true)",
            cases: &[(r#"{"foo":{"-id":1,"bar":"baz"}}"#, r#"<foo id="1"><bar>baz</bar></foo>"#)],
        }],
        MethodCall::Plain(|receiver, args| {
            let Value::Object(object) = writable(&receiver)? else {
                return Err(CallError::wanted("object", receiver));
            };
            let indent = text(&args[0])?;
            let root = args[2].as_str().filter(|tag| !tag.is_empty());
            let indent = (!flag(&args[1])).then_some(indent.as_str());
            Ok(bytes_value(xml::format(object, root, indent).into_bytes()))
        }),
    )
    .sourceless(),
    MethodSpec::new(
        "parse_msgpack",
        "Reads a MessagePack document out of bytes.",
        &[],
        &[Example {
            about: "From hexadecimal digits.",
            mapping: r#"root = content().decode("hex").parse_msgpack()"#,
            cases: &[("81a3666f6fa3626172", r#"{"foo":"bar"}"#)],
        }],
        MethodCall::Plain(|receiver, _| Ok(msgpack::parse(&raw_bytes(&receiver)?)?)),
    )
    .sourceless(),
    MethodSpec::new(
        "parse_parquet",
        "Reads the rows of a Parquet file out of bytes, as an array of objects.",
        &[
            Param::new("byte_array_as_string", ParamKind::Bool, "Whether bytes that are no text are given as strings too.").default("false"),
        ],
        &[],
        MethodCall::Plain(|receiver, args| {
            let as_text = flag(&args[0]);
            let mut rows = Vec::new();
            parquet::decode(&raw_bytes(&receiver)?, parquet::Lists::Plain, |row| {
                rows.push(if as_text { texts(row) } else { row });
            })?;
            Ok(Value::from(rows))
        }),
    )
    .sourceless(),
    MethodSpec::new(
        "format_msgpack",
        "Writes a value as MessagePack bytes.",
        &[],
        &[Example {
            about: "As hexadecimal digits.",
            mapping: r#"root = this.format_msgpack().encode("hex")"#,
            cases: &[(r#"{"foo":"bar"}"#, "81a3666f6fa3626172")],
        }],
        MethodCall::Plain(|receiver, _| Ok(bytes_value(msgpack::format(writable(&receiver)?)))),
    )
    .sourceless(),
    MethodSpec::new(
        "parse_url",
        "Takes a URL apart: scheme, host, path, query, fragment, and user if it has one.",
        &[],
        &[Example {
            about: "The host, and the user's name.",
            mapping: "let url = this.url.parse_url()\nroot.host = $url.host\nroot.user = $url.user.name",
            cases: &[(r#"{"url":"amqp://foo:bar@127.0.0.1:5672/"}"#, r#"{"host":"127.0.0.1:5672","user":"foo"}"#)],
        }],
        MethodCall::Plain(parse_url),
    ),
    MethodSpec::new(
        "parse_form_url_encoded",
        "Reads form data; a name that stands several times has an array of values.",
        &[],
        &[Example {
            about: "Fields.",
            mapping: "root = content().parse_form_url_encoded()",
            cases: &[("a=1&b=x+y&a=2", r#"{"a":["1","2"],"b":"x y"}"#)],
        }],
        MethodCall::Plain(|receiver, _| {
            let fields = url::parse_query(&text(&receiver)?).map_err(|why| format!("failed to parse value as url-encoded data: {why}"))?;
            let value = |mut values: Vec<String>| match values.len() {
                1 => Value::from(values.remove(0)),
                _ => Value::Array(values.into_iter().map(Value::from).collect()),
            };
            Ok(Value::Object(fields.into_iter().map(|(key, values)| (Str::from(key), value(values))).collect()))
        }),
    )
    .sourceless(),
    MethodSpec::new(
        "parse_big_decimal",
        "Reads bytes as a big-endian integer in two's complement, and writes it with its last `scale` digits behind the point.",
        &[Param::new("scale", ParamKind::Int, "The number of digits behind the point.")],
        &[Example {
            about: "Two digits.",
            mapping: r#"root.price = this.price.decode("base64").parse_big_decimal(2)"#,
            cases: &[(r#"{"price":"MTI="}"#, r#"{"price":"125.94"}"#)],
        }],
        MethodCall::Plain(|receiver, args| {
            let bytes = raw_bytes(&receiver)?;
            if bytes.is_empty() {
                return Err("cannot parse empty bytes as big decimal".into());
            }
            if bytes.len() > MAX_DECIMAL_BYTES {
                return Err(format!("cannot parse more than {MAX_DECIMAL_BYTES} bytes as big decimal").into());
            }
            let scale = super::time::int(&args[0])?;
            let scale = usize::try_from(scale).ok().filter(|s| *s <= MAX_DECIMAL_BYTES);
            let scale = scale.ok_or_else(|| format!("scale must be from 0 to {MAX_DECIMAL_BYTES}"))?;
            Ok(big_decimal(&bytes, scale).into())
        }),
    )
    .sourceless()
    .status(Status::Stable),
    MethodSpec::new(
        "parse_logfmt",
        "Reads the pairs of a logfmt line into an object of strings; a key without a value has an empty one.",
        &[],
        &[Example {
            about: "A log line.",
            mapping: "root = this.line.parse_logfmt()",
            cases: &[
                (r#"{"line":"level=info msg=\"it is up\" cached"}"#, r#"{"cached":"","level":"info","msg":"it is up"}"#),
                (r#"{"line":"=1"}"#, "Error: failed assignment (line 1): logfmt syntax error at byte 1: unexpected '='"),
            ],
        }],
        MethodCall::Plain(|receiver, _| {
            let bytes = plain_text(receiver)?;
            let content = well_formed(&bytes);
            let pairs = logfmt::parse(&content)?;
            Ok(Value::Object(pairs.into_iter().map(|(key, value)| (Str::from(key), Value::from(value))).collect()))
        }),
    )
    .sourceless(),
    MethodSpec::new(
        "infer_schema",
        "The schema of a value: its type, and those of all of its parts. Fails where the elements of an array differ.",
        &[],
        &[Example {
            about: "A document.",
            mapping: "root = this.infer_schema()",
            cases: &[(
                r#"{"id":7,"tags":["a"]}"#,
                r#"{"children":[{"name":"id","type":"INT64"},{"children":[{"type":"STRING"}],"name":"tags","type":"ARRAY"}],"type":"OBJECT"}"#,
            )],
        }],
        MethodCall::Plain(schema::infer),
    )
    .sourceless(),
];

/// The bytes of text that is a string or bytes and nothing else.
fn plain_text(receiver: Value) -> Result<Bytes, CallError> {
    match receiver {
        Value::String(text) => Ok(text.into_bytes()),
        Value::Bytes(bytes) | Value::IllFormed(bytes) => Ok(bytes),
        other => Err(CallError::wanted("string", other)),
    }
}

/// The bytes of a string, of bytes or of a time's text.
fn raw_bytes(receiver: &Value) -> Result<Bytes, CallError> {
    match receiver {
        Value::String(text) => Ok(text.clone().into_bytes()),
        Value::Bytes(bytes) | Value::IllFormed(bytes) => Ok(bytes.clone()),
        Value::Timestamp(time) => Ok(time.to_string().into()),
        other => Err(CallError::wanted("bytes", other.clone())),
    }
}

fn flag(argument: &Value) -> bool {
    matches!(argument, Value::Bool(true))
}

fn bytes_value(bytes: Vec<u8>) -> Value {
    Value::Bytes(bytes.into())
}

fn parse_csv(receiver: Value, args: &[Value]) -> Result<Value, CallError> {
    let delimiter = text(&args[1])?;
    let mut characters = delimiter.chars();
    let (Some(delimiter), None) = (characters.next(), characters.next()) else {
        return Err("delimiter value must be exactly one character".into());
    };
    let bytes = plain_text(receiver)?;
    if matches!(delimiter, '"' | '\r' | '\n' | char::REPLACEMENT_CHARACTER) {
        return Err("csv: invalid field or comment delimiter".into());
    }
    let dialect = csv::Dialect {
        delimiter,
        lazy_quotes: flag(&args[2]),
        fields: None,
    };
    let content = well_formed(&bytes);
    let mut rows = csv::Rows::new(&content, dialect);
    let cells = |row: Vec<String>| row.into_iter().map(Value::from);
    let Some(first) = rows.next().transpose()? else {
        return Err("zero records were parsed".into());
    };
    if !flag(&args[0]) {
        let first = std::iter::once(Ok(first));
        let all = first
            .chain(rows)
            .map(|row| Ok(Value::Array(cells(row?).collect())));
        return Ok(Value::Array(all.collect::<Result<_, String>>()?));
    }
    let names: Vec<Str> = first.into_iter().map(Str::from).collect();
    let objects = rows.map(|row| {
        Ok(Value::Object(
            names.iter().cloned().zip(cells(row?)).collect(),
        ))
    });
    Ok(Value::Array(objects.collect::<Result<_, String>>()?))
}

fn parse_url(receiver: Value, _: &[Value]) -> Result<Value, CallError> {
    let url = url::parse(&text(&receiver)?)?;
    let mut object = Object::new();
    for (key, part) in [
        ("scheme", url.scheme),
        ("opaque", url.opaque),
        ("host", url.host),
        ("path", url.path),
        ("raw_path", url.raw_path),
        ("raw_query", url.raw_query),
        ("fragment", url.fragment),
        ("raw_fragment", url.raw_fragment),
    ] {
        object.insert(key, part.into());
    }
    if let Some((name, password)) = url.user {
        let mut user = Object::new();
        user.insert("name", name.into());
        if let Some(password) = password {
            user.insert("password", password.into());
        }
        object.insert("user", Value::Object(user));
    }
    Ok(Value::Object(object))
}

/// The digits of a big-endian integer in two's complement, with a point before the last `scale`.
fn big_decimal(bytes: &[u8], scale: usize) -> String {
    let negative = bytes[0] >= 0x80;
    let mut magnitude: Vec<u8> = bytes
        .iter()
        .map(|b| if negative { !b } else { *b })
        .collect();
    if negative {
        for byte in magnitude.iter_mut().rev() {
            let (sum, carry) = byte.overflowing_add(1);
            *byte = sum;
            if !carry {
                break;
            }
        }
        // The lowest number of all has no positive counterpart of its length.
        if magnitude.iter().all(|b| *b == 0) {
            magnitude.insert(0, 1);
        }
    }
    let mut digits = Vec::new();
    while magnitude.iter().any(|b| *b != 0) {
        let mut remainder = 0u32;
        for byte in &mut magnitude {
            let part = remainder << 8 | u32::from(*byte);
            *byte = (part / 10) as u8;
            remainder = part % 10;
        }
        digits.push(char::from(b'0' + remainder as u8));
    }
    while digits.len() <= scale {
        digits.push('0');
    }
    if scale > 0 {
        digits.insert(scale, '.');
    }
    if negative {
        digits.push('-');
    }
    digits.into_iter().rev().collect()
}

/// A row with its fields of bytes as strings.
fn texts(value: Value) -> Value {
    match value {
        Value::Bytes(bytes) | Value::IllFormed(bytes) => well_formed(&bytes).as_ref().into(),
        Value::Array(items) => Value::Array(items.iter().map(texts).collect()),
        Value::Object(fields) => Value::Object(fields.iter().map(|(k, v)| (k, texts(v))).collect()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn big_numbers_are_written_in_decimal() {
        for (bytes, scale, expected) in [
            (b"12".as_slice(), 2, "125.94"),
            (b"a", 2, "0.97"),
            (b"\xff", 0, "-1"),
            (b"\x80", 0, "-128"),
            (b"\x00", 3, "0.000"),
            ("日本語".as_bytes(), 2, "-4686879522849737496.02"),
        ] {
            assert_eq!(big_decimal(bytes, scale), expected);
        }
    }
}
