//! YAML as values. Scalars have the types that Go's YAML gives them; aliases and merge keys are resolved.

use super::{go_fmt, yaml_fault, yaml_text};
use crate::value::{Array, Object, Str, Value};
use saphyr_parser::{Event, Parser, ScalarStyle};
use std::collections::HashMap;

/// How many nodes a document may have once its aliases are resolved.
const MAX_NODES: usize = 1_000_000;
/// How deep nodes may nest.
const MAX_DEPTH: usize = 200;

/// Reads the first document of a text; an empty text is null.
pub fn parse(text: &str) -> Result<Value, String> {
    if yaml_fault::has_control_characters(text) {
        return Err("yaml: control characters are not allowed".into());
    }
    let mut reader = Reader {
        text,
        parser: Parser::new_from_str(text),
        anchors: HashMap::new(),
        nodes: 0,
        line: 0,
        open: Vec::new(),
        repeated: Vec::new(),
    };
    let value = loop {
        match reader.next()? {
            Event::StreamStart | Event::DocumentStart(_) | Event::Nothing => {}
            Event::StreamEnd | Event::DocumentEnd => return Ok(Value::Null),
            first => break reader.node(first, 0)?,
        }
    };
    match reader.repeated.is_empty() {
        true => Ok(value),
        false => Err(format!(
            "yaml: unmarshal errors:\n  {}",
            reader.repeated.join("\n  ")
        )),
    }
}

/// Writes a value: objects by key, four spaces for a level, text in the plainest form that reads back as text.
pub fn format(value: &Value) -> String {
    let mut out = String::new();
    yaml_text::write(value, &mut out);
    out
}

struct Reader<'a> {
    text: &'a str,
    parser: Parser<'a, saphyr_parser::StrInput<'a>>,
    anchors: HashMap<usize, Value>,
    nodes: usize,
    /// The line of the latest event.
    line: usize,
    /// The lines where the collections begin that are open, outermost first.
    open: Vec<usize>,
    /// What is wrong with keys that are there already.
    repeated: Vec<String>,
}

impl<'a> Reader<'a> {
    fn next(&mut self) -> Result<Event<'a>, String> {
        match self.parser.next_event() {
            Some(Ok((event, span))) => {
                self.line = span.start.line();
                match event {
                    Event::SequenceStart(..) | Event::MappingStart(..) => self.open.push(self.line),
                    Event::SequenceEnd | Event::MappingEnd => drop(self.open.pop()),
                    _ => {}
                }
                Ok(event)
            }
            Some(Err(e)) => Err(yaml_fault::show(&e, self.text, self.open.last().copied())),
            None => Ok(Event::StreamEnd),
        }
    }

    fn node(&mut self, event: Event<'a>, depth: usize) -> Result<Value, String> {
        self.nodes += 1;
        if self.nodes > MAX_NODES || depth > MAX_DEPTH {
            return Err("yaml: document contains excessive nesting or aliasing".into());
        }
        let (value, anchor) = match event {
            Event::Alias(id) => {
                let value = self.anchors.get(&id).cloned();
                let value = value.ok_or("yaml: unknown anchor referenced")?;
                self.nodes += count(&value);
                return Ok(value);
            }
            Event::Scalar(text, style, anchor, tag) => {
                let tag = tag.as_ref().map(|t| t.suffix.as_str());
                let value = match (style, tag) {
                    (_, Some("str")) => Value::from(&*text),
                    (ScalarStyle::Plain, _) => yaml_text::resolve(&text),
                    _ => Value::from(&*text),
                };
                (value, anchor)
            }
            Event::SequenceStart(anchor, _) => {
                let mut items = Array::new();
                loop {
                    match self.next()? {
                        Event::SequenceEnd => break,
                        item => items.push(self.node(item, depth + 1)?),
                    }
                }
                (Value::Array(items), anchor)
            }
            Event::MappingStart(anchor, _) => {
                let mut object = Object::new();
                let mut merged = Vec::new();
                let mut lines = HashMap::new();
                loop {
                    let key = match self.next()? {
                        Event::MappingEnd => break,
                        Event::Scalar(text, ScalarStyle::Plain, _, None) if text == "<<" => None,
                        event => Some(key_text(&self.node(event, depth + 1)?)?),
                    };
                    let line = self.line;
                    let event = self.next()?;
                    let value = self.node(event, depth + 1)?;
                    match key {
                        Some(key) => {
                            if let Some(first) = lines.insert(key.clone(), line) {
                                self.repeated.push(format!(
                                    "line {line}: mapping key \"{key}\" already defined at line {first}"
                                ));
                            }
                            object.insert(key, value);
                        }
                        None => merged.push(value),
                    }
                }
                for value in merged {
                    merge(&mut object, &value)?;
                }
                (Value::Object(object), anchor)
            }
            other => return Err(format!("yaml: unexpected {other:?}")),
        };
        if anchor > 0 {
            self.anchors.insert(anchor, value.clone());
        }
        Ok(value)
    }
}

/// Adds what a merge key brings: an object's fields, or those of several, where the object has none of that name.
fn merge(object: &mut Object, value: &Value) -> Result<(), String> {
    match value {
        Value::Object(fields) => {
            for (key, field) in fields.iter() {
                if !object.contains_key(&key) {
                    object.insert(key, field);
                }
            }
            Ok(())
        }
        Value::Array(several) => several.iter().try_for_each(|one| merge(object, &one)),
        _ => Err("yaml: map merge requires map or sequence of maps as the value".into()),
    }
}

fn key_text(key: &Value) -> Result<Str, String> {
    match key {
        Value::String(text) => Ok(text.clone()),
        Value::Array(_) | Value::Object(_) => {
            let shown = go_fmt::sprintf("%#v", std::slice::from_ref(key))?;
            let shown = String::from_utf8_lossy(&shown).into_owned();
            Err(format!("yaml: invalid map key: {shown}"))
        }
        other => Ok(Str::from(
            String::from_utf8_lossy(&other.to_json()).into_owned(),
        )),
    }
}

fn count(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(|item| count(&item)).sum::<usize>(),
        Value::Object(fields) => 1 + fields.iter().map(|(_, field)| count(&field)).sum::<usize>(),
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> String {
        match parse(text) {
            Ok(value) => String::from_utf8_lossy(&value.to_json()).into_owned(),
            Err(error) => error,
        }
    }

    #[test]
    fn documents_become_values() {
        for (text, expected) in [
            ("", "null"),
            ("k: v\nl: [1, 2]", r#"{"k":"v","l":[1,2]}"#),
            (
                "a: &x {b: 1}\nc: *x\nd: {<<: *x, e: 2}",
                r#"{"a":{"b":1},"c":{"b":1},"d":{"b":1,"e":2}}"#,
            ),
            (
                "- 0x1F\n- 1e5\n- '12'\n- yes\n- True\n- ~\n- 010\n- 1_000",
                r#"[31,100000,"12","yes",true,null,8,1000]"#,
            ),
            ("2020-01-01", r#""2020-01-01T00:00:00Z""#),
            ("1: a", r#"{"1":"a"}"#),
        ] {
            assert_eq!(read(text), expected, "{text}");
        }
        assert!(parse(&"[".repeat(100_000)).is_err());
        let bomb = (1..9).fold("a0: &a0 [x]\n".to_owned(), |text, i| {
            let before = format!("*a{}, ", i - 1).repeat(10);
            text + &format!("a{i}: &a{i} [{before}]\n")
        });
        assert!(parse(&bomb).is_err());
    }

    #[test]
    fn faults_are_told_as_go_tells_them() {
        for (text, why) in [
            ("a: b: c", "mapping values are not allowed in this context"),
            ("a: [1\nb: 2", "line 1: did not find expected ',' or ']'"),
            ("a: &x 1\nb: *y", "unknown anchor 'y' referenced"),
            ("a: 1\nb", "line 2: could not find expected ':'"),
            ("a: @x", "found character that cannot start any token"),
            ("a: \u{1}", "control characters are not allowed"),
            (
                "a: 1\na: 2",
                "unmarshal errors:\n  line 2: mapping key \"a\" already defined at line 1",
            ),
            ("[a]: b", "invalid map key: []interface {}{\"a\"}"),
        ] {
            assert_eq!(read(text), format!("yaml: {why}"), "{text}");
        }
    }

    #[test]
    fn values_become_documents() {
        for (json, expected) in [
            (r#"{"doc":{"foo":"bar"}}"#, "doc:\n    foo: bar\n"),
            (
                r#"{"a":["x",{"b":"x","c":[]}],"c":"multi\nline"}"#,
                "a:\n    - x\n    - b: x\n      c: []\nc: |-\n    multi\n    line\n",
            ),
            (
                r#"[{"a":{"b":"x","c":["y\nz"]}}]"#,
                "- a:\n    b: x\n    c:\n        - |-\n          y\n          z\n",
            ),
            (r#"["\ud83d\ude00"]"#, "- \"\\U0001F600\"\n"),
            (
                r#"[["a","b"],["c",["d"]]]"#,
                "- - a\n  - b\n- - c\n  - - d\n",
            ),
            (
                r#"{"t":"true","m":"12","e":"","s":" x","q":"a: b","v":"yes","d":"-","h":"a #b"}"#,
                "d: '-'\ne: \"\"\nh: 'a #b'\nm: \"12\"\nq: 'a: b'\ns: ' x'\nt: \"true\"\nv: \"yes\"\n",
            ),
            (
                r#"{"a10":null,"a9":true,"b":{}}"#,
                "a9: true\na10: null\nb: {}\n",
            ),
        ] {
            let value =
                crate::value::parse(&bytes::Bytes::copy_from_slice(json.as_bytes())).expect("JSON");
            assert_eq!(format(&value), expected, "{json}");
            assert_eq!(
                read(expected),
                String::from_utf8_lossy(&value.to_json()),
                "{json}"
            );
        }
    }
}
