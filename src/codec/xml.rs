//! XML as values: an element is its text, or an object of its attributes (`-name`), its text (`#text`) and its children.
//!
//! Elements that stand several times become an array. Prefixes of namespaces, comments and declarations are left out.

use crate::value::{Array, Object, Str, Value, well_formed};
use quick_xml::{
    Reader,
    events::{BytesStart, Event},
};

/// How deep elements may nest.
const MAX_DEPTH: usize = 1_000;

/// Reads a document into an object with one key, the outermost element's name. With `cast`, text that looks like a number or a bool becomes one.
pub fn parse(bytes: &[u8], cast: bool) -> Result<Value, String> {
    parse_prefix(bytes, cast).map(|(value, _)| value)
}

/// Reads all documents that stand one after the other.
pub fn parse_all(mut bytes: &[u8], cast: bool) -> Result<Vec<Value>, String> {
    let mut documents = Vec::new();
    while !bytes.trim_ascii_start().is_empty() {
        let (document, used) = parse_prefix(bytes, cast)?;
        documents.push(document);
        bytes = &bytes[used..];
    }
    Ok(documents)
}

/// Reads the document that `bytes` start with, and says how many bytes that took. An element that isn't ended is ended by
/// the one around it.
fn parse_prefix(bytes: &[u8], cast: bool) -> Result<(Value, usize), String> {
    let text = String::from_utf8_lossy(bytes);
    let mut reader = Reader::from_str(&text);
    let config = reader.config_mut();
    config.check_end_names = false;
    config.expand_empty_elements = true;
    let line = |reader: &Reader<&[u8]>| {
        let read = (reader.buffer_position() as usize).min(bytes.len());
        1 + bytes[..read].iter().filter(|b| **b == b'\n').count()
    };
    let mut open: Vec<Element> = Vec::new();
    loop {
        let event = reader.read_event();
        let syntax = |what: &str| format!("XML syntax error on line {}: {what}", line(&reader));
        match event.map_err(|e| syntax(&e.to_string()))? {
            Event::Start(start) => {
                if open.len() == MAX_DEPTH {
                    return Err(format!("elements nest deeper than {MAX_DEPTH}"));
                }
                open.push(Element::start(&start, cast).map_err(|e| syntax(&e))?);
            }
            Event::End(end) => loop {
                let done = open.pop().ok_or_else(|| syntax("unexpected end element"))?;
                let (name, value) = done.finish();
                let is_ended = *name == *end.local_name().as_ref();
                match open.last_mut() {
                    Some(parent) => parent.child(name, value),
                    None => {
                        let document = Value::Object(Object::from_iter([(name, value)]));
                        let used = reader.buffer_position() as usize;
                        return Ok((document, used.min(bytes.len())));
                    }
                }
                if is_ended {
                    break;
                }
            },
            Event::Text(text) => {
                if let Some(element) = open.last_mut() {
                    element.add_text(&text);
                }
            }
            Event::CData(data) => {
                if let Some(element) = open.last_mut() {
                    element.add_text(&data);
                }
            }
            Event::GeneralRef(reference) => {
                if let Some(element) = open.last_mut() {
                    let name = reference.to_string();
                    let character = reference.resolve_char_ref().ok().flatten();
                    match (
                        character,
                        quick_xml::escape::resolve_predefined_entity(&name),
                    ) {
                        (Some(c), _) => element.text.push(c),
                        (None, Some(text)) => element.text.push_str(text),
                        (None, None) => element.text.push_str(&format!("&{name};")),
                    }
                }
            }
            Event::Eof if open.is_empty() => return Err("EOF".into()),
            Event::Eof => return Err(syntax("unexpected EOF")),
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::DocType(_) => {
                if let Some(element) = open.last_mut() {
                    element.end_text();
                }
            }
            Event::Empty(_) => {}
        }
    }
}

/// An element that is being read.
struct Element {
    name: Str,
    cast: bool,
    fields: Object,
    text: String,
    /// The last piece of text that isn't blank.
    content: Option<Value>,
}

impl Element {
    fn start(start: &BytesStart<'_>, cast: bool) -> Result<Element, String> {
        let mut element = Element {
            name: Str::from(start.local_name().as_ref()),
            cast,
            fields: Object::new(),
            text: String::new(),
            content: None,
        };
        // HTML's attributes may have no quotes.
        for attribute in start.html_attributes() {
            let attribute = attribute.map_err(|e| e.to_string())?;
            let key = format!("-{}", attribute.key.local_name().as_ref());
            let raw = &attribute.value;
            let value = quick_xml::escape::unescape(raw)
                .map_or_else(|_| raw.to_string(), |v| v.into_owned());
            element.fields.insert(key, typed(&value, cast));
        }
        Ok(element)
    }

    fn add_text(&mut self, text: &str) {
        self.text.push_str(text);
    }

    fn end_text(&mut self) {
        let text = std::mem::take(&mut self.text);
        let trimmed = text.trim_matches(['\t', '\r', '\u{8}', '\n', ' ']);
        if !trimmed.is_empty() {
            self.content = Some(typed(trimmed, self.cast));
        }
    }

    fn child(&mut self, name: Str, value: Value) {
        self.end_text();
        match self.fields.get_mut(&name) {
            None => {
                self.fields.insert(name, value);
            }
            Some(Value::Array(several)) => several.push(value),
            Some(one) => {
                let first = std::mem::replace(one, Value::Null);
                *one = Value::Array(Array::from(vec![first, value]));
            }
        }
    }

    fn finish(mut self) -> (Str, Value) {
        self.end_text();
        let value = match (self.content, self.fields.is_empty()) {
            (Some(text), true) => text,
            (None, true) => Value::from(""),
            (text, false) => {
                if let Some(text) = text {
                    self.fields.insert("#text", text);
                }
                Value::Object(self.fields)
            }
        };
        (self.name, value)
    }
}

fn typed(text: &str, cast: bool) -> Value {
    if cast
        && !matches!(
            text.to_ascii_lowercase().as_str(),
            "nan" | "inf" | "-inf" | "+inf" | "infinity" | "-infinity" | "+infinity"
        )
    {
        if let Ok(number) = text.parse::<f64>() {
            return Value::Float(number);
        }
        match text {
            "t" | "T" | "true" | "TRUE" | "True" => return Value::Bool(true),
            "f" | "F" | "false" | "FALSE" | "False" => return Value::Bool(false),
            _ => {}
        }
    }
    Value::from(text)
}

/// Writes an object. One with a single key that doesn't hold an array has that key as its outermost element, others are put into `doc`,
/// or into `root` if it is given. `indent` is what one level is indented by; none for everything on one line.
pub fn format(object: &Object, root: Option<&str>, indent: Option<&str>) -> String {
    let mut writer = Writer {
        out: String::new(),
        indent,
    };
    let mut fields = object.iter();
    match (root, fields.next(), fields.next()) {
        (None, Some((key, value)), None)
            if !matches!(value, Value::Array(_)) && !key.starts_with('-') =>
        {
            writer.element(&key, &value, 0);
        }
        _ => writer.element(root.unwrap_or("doc"), &Value::Object(object.clone()), 0),
    }
    writer.out
}

struct Writer<'a> {
    out: String,
    indent: Option<&'a str>,
}

impl Writer<'_> {
    fn element(&mut self, name: &str, value: &Value, depth: usize) {
        match value {
            Value::Array(items) if !items.is_empty() => {
                for (i, item) in items.iter().enumerate() {
                    if i > 0 {
                        self.line(depth);
                    }
                    self.element(name, &item, depth);
                }
            }
            Value::Object(fields) => self.object(name, fields, depth),
            _ => {
                let text = scalar(value);
                self.open(name);
                self.content(name, &text);
            }
        }
    }

    fn object(&mut self, name: &str, fields: &Object, depth: usize) {
        self.open(name);
        for (key, value) in fields.iter().filter(|(key, _)| is_attribute(key)) {
            let text = escape(&scalar(&value)).replace('"', "&#34;");
            self.out.push_str(&format!(" {}=\"{text}\"", &key[1..]));
        }
        let children: Vec<_> = fields
            .iter()
            .filter(|(key, _)| !is_attribute(key))
            .collect();
        if let [(key, value)] = children.as_slice()
            && &**key == "#text"
        {
            self.content(name, &scalar(value));
            return;
        }
        if children.is_empty() {
            self.out.push_str("/>");
            return;
        }
        self.out.push('>');
        for (key, value) in &children {
            if &**key == "#text" {
                self.out.push_str(&escape(&scalar(value)));
                continue;
            }
            self.line(depth + 1);
            self.element(key, value, depth + 1);
        }
        self.line(depth);
        self.out.push_str(&format!("</{name}>"));
    }

    fn open(&mut self, name: &str) {
        self.out.push('<');
        self.out.push_str(name);
    }

    fn content(&mut self, name: &str, text: &str) {
        if text.is_empty() {
            self.out.push_str("/>");
        } else {
            self.out.push_str(&format!(">{}</{name}>", escape(text)));
        }
    }

    fn line(&mut self, depth: usize) {
        if let Some(indent) = self.indent {
            self.out.push('\n');
            for _ in 0..depth {
                self.out.push_str(indent);
            }
        }
    }
}

fn is_attribute(key: &str) -> bool {
    key.len() > 1 && key.starts_with('-')
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

fn scalar(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.to_string(),
        Value::Bytes(bytes) | Value::IllFormed(bytes) => well_formed(bytes).into_owned(),
        Value::Timestamp(time) => time.to_string(),
        Value::Array(_) => String::new(),
        other => String::from_utf8_lossy(&other.to_json()).into_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, cast: bool) -> String {
        match parse(text.as_bytes(), cast) {
            Ok(value) => String::from_utf8_lossy(&value.to_json()).into_owned(),
            Err(error) => error,
        }
    }

    #[test]
    fn elements_become_values() {
        for (text, cast, expected) in [
            (
                "<r><x id=\"1\">t</x><x>u</x></r>",
                true,
                r##"{"r":{"x":[{"#text":true,"-id":1},"u"]}}"##,
            ),
            (
                "<a href='x'>T&amp;J</a>",
                false,
                r##"{"a":{"#text":"T&J","-href":"x"}}"##,
            ),
            (
                "<a id=99>1</a>",
                false,
                r##"{"a":{"#text":"1","-id":"99"}}"##,
            ),
            (
                "<?xml version='1.0'?><n:a xmlns:n='u'><n:b/><!-- c --><![CDATA[<>]]></n:a>",
                false,
                r##"{"a":{"#text":"<>","-n":"u","b":""}}"##,
            ),
            ("no elements", false, "EOF"),
            ("<a><b></a>", false, r#"{"a":{"b":""}}"#),
            ("<a>", false, "XML syntax error on line 1: unexpected EOF"),
        ] {
            assert_eq!(read(text, cast), expected, "{text}");
        }
        assert!(parse("<a>".repeat(100_000).as_bytes(), false).is_err());
    }

    #[test]
    fn values_become_elements() {
        for (json, indent, expected) in [
            (r#"{"a":1}"#, None, "<a>1</a>"),
            (r#"{}"#, None, "<doc/>"),
            (
                r#"{"foo":"b<r","n":2.5,"arr":[1,2]}"#,
                None,
                "<doc><arr>1</arr><arr>2</arr><foo>b&lt;r</foo><n>2.5</n></doc>",
            ),
            (
                r#"{"z":1,"x":[],"w":{},"e":null}"#,
                None,
                "<doc><e/><w/><x/><z>1</z></doc>",
            ),
            (
                r##"{"a":{"-id":7,"#text":"x"}}"##,
                None,
                r#"<a id="7">x</a>"#,
            ),
            (
                r#"{"a":{"b":[1,{"c":2}]}}"#,
                Some("  "),
                "<a>\n  <b>1</b>\n  <b>\n    <c>2</c>\n  </b>\n</a>",
            ),
        ] {
            let Ok(Value::Object(object)) =
                crate::value::parse(&bytes::Bytes::copy_from_slice(json.as_bytes()))
            else {
                panic!("{json}");
            };
            assert_eq!(format(&object, None, indent), expected, "{json}");
        }
    }
}
