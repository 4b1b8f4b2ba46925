//! Properties of parsing, reading, editing and writing together, against simple models and `serde_json`.

use super::*;
use proptest::prelude::*;
use serde_json::Value as Model;

/// A document as its author means it; numbers by their text.
#[derive(Clone, Debug)]
enum Meant {
    Plain(&'static str),
    Number(String),
    String(String),
    Array(Vec<Meant>),
    Object(Vec<(String, Meant)>),
}

fn texts() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "[a-e]{0,3}",
        2 => "[ -~]{0,40}",
        1 => "[a-z\"\\\\/\n\u{1}\u{7f}é日😀\u{2028}\u{2029}\u{fffd}]{0,30}",
    ]
}

fn documents() -> impl Strategy<Value = Meant> {
    let leaf = prop_oneof![
        prop_oneof![Just("null"), Just("true"), Just("false")].prop_map(Meant::Plain),
        "-?(0|[1-9][0-9]{0,20})(\\.[0-9]{1,18})?([eE][+-]?[0-9]{1,2})?".prop_map(Meant::Number),
        texts().prop_map(Meant::String),
    ];
    leaf.prop_recursive(5, 120, 30, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..8).prop_map(Meant::Array),
            prop::collection::vec((texts(), inner), 0..30).prop_map(Meant::Object),
        ]
    })
}

/// A source of decisions on how a document is written.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        (self.0 >> 33) % sides
    }
}

/// Writes a document as somebody might: with space and needless escapes, unless `dice` is none.
fn render(meant: &Meant, dice: &mut Option<Dice>, out: &mut String) {
    let space = |dice: &mut Option<Dice>, out: &mut String| {
        if let Some(dice) = dice
            && dice.roll(4) == 0
        {
            out.push_str([" ", "\n\t", "\r\n", "  "][dice.roll(4) as usize]);
        }
    };
    let string = |text: &str, dice: &mut Option<Dice>, out: &mut String| {
        out.push('"');
        for c in text.chars() {
            match (c, dice.as_mut().map_or(9, |d| d.roll(10))) {
                (_, 0) => {
                    let mut units = [0; 2];
                    for unit in c.encode_utf16(&mut units) {
                        out.push_str(&format!("\\u{unit:04X}"));
                    }
                }
                ('/', _) => out.push_str("\\/"),
                ('"' | '\\', _) => out.extend(['\\', c]),
                (..' ', _) => out.push_str(&format!("\\u{:04x}", c as u32)),
                _ => out.push(c),
            }
        }
        out.push('"');
    };
    space(dice, out);
    match meant {
        Meant::Plain(text) => out.push_str(text),
        Meant::Number(text) => out.push_str(text),
        Meant::String(text) => string(text, dice, out),
        Meant::Array(items) => {
            out.push('[');
            for (i, item) in items.iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                render(item, dice, out);
            }
            space(dice, out);
            out.push(']');
        }
        Meant::Object(fields) => {
            out.push('{');
            for (i, (key, field)) in fields.iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                space(dice, out);
                string(key, dice, out);
                space(dice, out);
                out.push(':');
                render(field, dice, out);
            }
            space(dice, out);
            out.push('}');
        }
    }
    space(dice, out);
}

/// The canonical form, made in the simplest way.
fn canonical(meant: &Meant, out: &mut Vec<u8>) {
    match meant {
        Meant::Plain(text) => out.extend_from_slice(text.as_bytes()),
        Meant::Number(text) => out.extend_from_slice(text.as_bytes()),
        Meant::String(text) => unescape::encode(text, out),
        Meant::Array(items) => {
            out.push(b'[');
            for (i, item) in items.iter().enumerate() {
                out.extend_from_slice(if i > 0 { b"," } else { b"" });
                canonical(item, out);
            }
            out.push(b']');
        }
        Meant::Object(fields) => {
            let fields: std::collections::BTreeMap<_, _> =
                fields.iter().map(|(k, v)| (k, v)).collect();
            out.push(b'{');
            for (i, (key, field)) in fields.into_iter().enumerate() {
                out.extend_from_slice(if i > 0 { b"," } else { b"" });
                unescape::encode(key, out);
                out.push(b':');
                canonical(field, out);
            }
            out.push(b'}');
        }
    }
}

/// A copy that shares nothing with a document: every container is a tree.
fn rebuilt(value: &Value) -> Value {
    match value {
        Value::Array(items) => Value::Array(items.iter().map(|v| rebuilt(&v)).collect()),
        Value::Object(fields) => {
            Value::Object(fields.iter().map(|(k, v)| (k, rebuilt(&v))).collect())
        }
        other => other.clone(),
    }
}

fn parsed(text: impl Into<Vec<u8>>) -> Value {
    parse(&Bytes::from(text.into())).unwrap()
}

/// Whether the tape of `text`, parsed, keeps its promises.
fn check_tape(text: &Bytes, tape: &[document::Node]) {
    let mut stops = vec![tape.len() as u32];
    let mut before = 0;
    for (i, node) in tape.iter().enumerate() {
        while stops.last() == Some(&(i as u32)) {
            stops.pop();
        }
        assert!(before <= node.start && node.start <= node.end && node.end as usize <= text.len());
        assert!(node.next > i as u32 && node.next <= *stops.last().unwrap());
        before = node.start;
        let text = &text[node.start as usize..node.end as usize];
        match node.kind {
            document::Kind::String if !node.has(document::SPECIAL) => {
                assert!(std::str::from_utf8(text).is_ok() && !text.contains(&b'"'));
            }
            document::Kind::Array | document::Kind::Object => stops.push(node.next),
            document::Kind::String => {}
            _ => assert!(text.is_ascii()),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_is_parsed_is_written_in_canonical_form(meant in documents(), seed: u64) {
        let mut expected = Vec::new();
        canonical(&meant, &mut expected);
        let expected = String::from_utf8(expected).unwrap();
        for dice in [None, Some(Dice(seed))] {
            let mut text = String::new();
            render(&meant, &mut { dice }, &mut text);
            let value = parsed(text);
            let out = String::from_utf8(value.to_json()).unwrap();
            prop_assert_eq!(&out, &expected);
            prop_assert_eq!(String::from_utf8(rebuilt(&value).to_json()).unwrap(), expected.clone());
            prop_assert!(value == rebuilt(&value) && value == parsed(out));
        }
    }

    #[test]
    fn reading_agrees_with_serde(meant in documents(), seed: u64) {
        let mut text = String::new();
        render(&meant, &mut Some(Dice(seed)), &mut text);
        let Ok(model) = serde_json::from_str::<Model>(&text) else {
            return Ok(()); // a number that is out of its range
        };
        check_reads(&parsed(text), &model)?;
    }

    #[test]
    fn edits_agree_with_serde(meant in documents(), edits in prop::collection::vec((any::<u64>(), "[a-e]{0,2}", documents()), 0..20)) {
        let mut text = String::new();
        render(&meant, &mut None, &mut text);
        let Ok(mut model) = serde_json::from_str::<Model>(&text) else { return Ok(()) };
        let mut value = parsed(text);
        let (before, copy) = (value.to_json(), value.clone());
        for (seed, key, new) in edits {
            let mut text = String::new();
            render(&new, &mut None, &mut text);
            let Ok(new) = serde_json::from_str::<Model>(&text) else { continue };
            edit(&mut value, &mut model, &mut Dice(seed), &key, parsed(text), new);
            check_reads(&value, &model)?;
        }
        check_reads(&parsed(value.to_json()), &model)?;
        prop_assert_eq!(before, copy.to_json());
    }

    #[test]
    fn what_is_not_json_is_refused_as_serde_does(meant in documents(), seed: u64, damage in prop::collection::vec((any::<prop::sample::Index>(), prop::sample::select(&b"{}[]\",:\\u0e.-+ \xff\xe2a\n1"[..])), 1..4)) {
        let mut text = String::new();
        render(&meant, &mut Some(Dice(seed)), &mut text);
        let mut text = text.into_bytes();
        for (at, byte) in damage {
            if !text.is_empty() {
                let at = at.index(text.len());
                text[at] = byte;
            }
        }
        check_any(text);
    }

    #[test]
    fn any_bytes_do(text in prop_oneof![
        prop::collection::vec(any::<u8>(), 0..60),
        prop::collection::vec(prop::sample::select(&b"{}[]\",:\\u0e.-+ \xff\xe2a\n1tnf"[..]), 0..40),
    ]) {
        check_any(text);
    }
}

/// Bytes of any kind are refused exactly when there is a fault to name, and otherwise make a sound tape.
fn check_any(text: Vec<u8>) {
    let text = Bytes::from(text);
    let fault = syntax::fault(&text, 0);
    match document::read(&text, 0) {
        Err(document::Faulty) => assert!(fault.is_some(), "{text:?}"),
        Ok((tape, end)) => {
            assert_eq!(fault, None, "{text:?}");
            check_tape(&text.slice(..end), &tape);
            let (value, used) = parse_prefix(&text).unwrap();
            assert_eq!(used, end);
            let out = value.to_json();
            assert_eq!(parsed(out.clone()), value);
            assert_eq!(parsed(out.clone()).to_json(), out);
        }
    }
    if std::str::from_utf8(&text).is_ok() {
        let theirs = serde_json::from_slice::<serde::de::IgnoredAny>(&text).is_ok();
        assert_eq!(parse(&text).is_ok(), theirs, "{text:?}");
    }
}

fn check_reads(value: &Value, model: &Model) -> Result<(), TestCaseError> {
    match (value, model) {
        (Value::Null, Model::Null) => {}
        (Value::Bool(a), Model::Bool(b)) => prop_assert_eq!(a, b),
        (Value::String(a), Model::String(b)) => prop_assert_eq!(&**a, b),
        (Value::Number(_), Model::Number(b)) => {
            prop_assert_eq!(
                value.as_i64(),
                b.as_i64()
                    .or_else(|| (b.as_f64() == Some(0.0)).then(|| value.as_i64()).flatten())
            );
            // Without its `float_roundtrip`, serde's floats are a little off.
            let (a, b) = (value.as_f64().unwrap(), b.as_f64().unwrap());
            prop_assert!((a - b).abs() <= a.abs() * 1e-14);
        }
        (Value::Array(a), Model::Array(b)) => {
            prop_assert_eq!((a.len(), a.is_empty()), (b.len(), b.is_empty()));
            for (a, b) in a.iter().rev().zip(b.iter().rev()) {
                check_reads(&a, b)?;
            }
            for (i, b) in b.iter().enumerate() {
                check_reads(&a.get(i).unwrap(), b)?;
            }
            prop_assert!(a.get(b.len()).is_none());
        }
        (Value::Object(a), Model::Object(b)) => {
            prop_assert_eq!((a.len(), a.is_empty()), (b.len(), b.is_empty()));
            prop_assert!(a.keys().map(|k| k.to_string()).eq(b.keys().cloned()));
            for (value, (_, model)) in a.values().zip(b) {
                check_reads(&value, model)?;
            }
            for (key, model) in b {
                prop_assert!(a.contains_key(key));
                check_reads(&value.get_path(&[key]).unwrap(), model)?;
                if let Model::Object(inner) = model {
                    for (deeper, model) in inner {
                        check_reads(&a.get_path(&[key, deeper]).unwrap(), model)?;
                    }
                }
            }
            prop_assert!(a.get("not there").is_none() && a.get_path(&["not there", "x"]).is_none());
        }
        _ => prop_assert!(false, "{:?} is not {:?}", value, model),
    }
    Ok(())
}

/// Makes the same edit somewhere in both.
fn edit(
    value: &mut Value,
    model: &mut Model,
    dice: &mut Dice,
    key: &str,
    new: Value,
    other: Model,
) {
    match (value, model) {
        (Value::Object(fields), Model::Object(map)) => {
            let inside = map
                .keys()
                .nth(dice.roll(1 + map.len() as u64) as usize)
                .cloned();
            match (inside, dice.roll(3)) {
                (Some(inside), 0) => {
                    let field = fields.get_mut(&inside).unwrap();
                    edit(field, map.get_mut(&inside).unwrap(), dice, key, new, other);
                }
                (Some(inside), 1) => {
                    assert_eq!(fields.remove(&inside), map.remove(&inside).is_some());
                }
                _ => {
                    fields.insert(key, new);
                    map.insert(key.to_string(), other);
                }
            }
        }
        (Value::Array(items), Model::Array(list)) => {
            if list.is_empty() || dice.roll(3) == 0 {
                items.push(new);
                list.push(other);
            } else {
                let at = dice.roll(list.len() as u64) as usize;
                edit(
                    &mut items.make_mut()[at],
                    &mut list[at],
                    dice,
                    key,
                    new,
                    other,
                );
            }
        }
        (value, model) => {
            *value = new;
            *model = other;
        }
    }
}

#[test]
fn of_repeated_keys_the_last_one_counts() {
    let value = parsed(r#"{"b":1,"a":{"x":1},"b":2,"\u0061":3}"#);
    assert_eq!(value.to_json(), br#"{"a":3,"b":2}"#);
    let Value::Object(mut object) = value else {
        panic!("an object")
    };
    assert_eq!(object.len(), 2);
    assert_eq!(object.get("a"), Some(Value::Int(3)));
    assert_eq!(object.get_path(&["a", "x"]), None);
    assert!(object.remove("b"));
    assert!(!object.remove("b"));
    assert_eq!(object.get("b"), None);
}

#[test]
fn numbers_keep_their_text_and_strings_do_not() {
    for (text, out) in [
        (
            r#"{"a":1.0,"b":1e3,"c":-0,"d":1E+2}"#,
            r#"{"a":1.0,"b":1e3,"c":-0,"d":1E+2}"#,
        ),
        (
            r#"["\u0041\/\u001F","\ud800","\u2028"]"#,
            "[\"A/\\u001f\",\"\u{fffd}\",\"\\u2028\"]",
        ),
        (" [ 1 , { } , [ ] ] ", "[1,{},[]]"),
        ("\"x\"", "\"x\""),
        (" 12 ", "12"),
        (
            "{\"\":0,\"a\":{\"z\":[{\"q\":1,\"p\":2}],\"y\":[]}}",
            "{\"\":0,\"a\":{\"y\":[],\"z\":[{\"p\":2,\"q\":1}]}}",
        ),
    ] {
        assert_eq!(String::from_utf8(parsed(text).to_json()).unwrap(), out);
    }
    assert_eq!(
        parsed(&b"[\"a\xff\xe2\x80\"]"[..]).to_json(),
        "[\"a\u{fffd}\u{fffd}\u{fffd}\"]".as_bytes()
    );
}

#[test]
fn a_further_document_is_a_fault() {
    for (text, message) in [
        ("{} ", None),
        ("01", Some("message contains multiple valid documents")),
        (
            "{\"a\":1} {\"b\":2}",
            Some("message contains multiple valid documents"),
        ),
        (
            "{} not",
            Some("invalid character 'o' in literal null (expecting 'u')"),
        ),
        (
            "1 2 x",
            Some("invalid character 'x' looking for beginning of value"),
        ),
        ("1 [", Some("unexpected EOF")),
        ("1 2 3 x", Some("message contains multiple valid documents")),
        (
            "1x",
            Some("invalid character 'x' looking for beginning of value"),
        ),
    ] {
        let found = parse(&Bytes::from(text)).err().map(|e| e.message);
        assert_eq!(found.as_deref(), message, "{text}");
    }
    let (first, used) = parse_prefix(&Bytes::from_static(b" {\"a\":1}{\"b\":2}")).unwrap();
    assert_eq!((first.to_json(), used), (b"{\"a\":1}".to_vec(), 8));
}

#[test]
fn depth_and_width_are_no_trouble() {
    let depth = document::MAX_DEPTH;
    let deep = "[".repeat(depth) + &"]".repeat(depth);
    assert_eq!(parsed(deep.clone()).to_json(), deep.as_bytes());
    assert!(parsed(deep.clone()) == parsed(deep.clone()));
    assert!(parse(&Bytes::from(format!("[{deep}]"))).is_err());
    let fields = (0..5000)
        .rev()
        .map(|i| format!("\"k{i:04}\": {{\"b\":1,\"a\":{i}}}"));
    let wide = parsed(format!("{{{}}}", fields.collect::<Vec<_>>().join(",")));
    let Value::Object(mut object) = wide else {
        panic!("an object")
    };
    assert_eq!(object.get_path(&["k0017", "a"]), Some(Value::Int(17)));
    object.insert("k0017", Value::Null);
    assert_eq!(
        (object.len(), object.get("k0017")),
        (5000, Some(Value::Null))
    );
    let out = Value::Object(object).to_json();
    assert!(out.starts_with(b"{\"k0000\":{\"a\":0,\"b\":1},"));
    let built: Object = (0..200)
        .map(|i| (Str::from(format!("{}", i % 150)), Value::Int(i)))
        .collect();
    assert_eq!((built.len(), built.get("7")), (150, Some(Value::Int(157))));
}

#[test]
fn values_are_small() {
    assert!(size_of::<Value>() <= 40);
}

#[test]
fn text_of_a_message_is_shared_with_it() {
    let text =
        Bytes::from_static(b"{\"long\":\"text that is longer than fits inside a value\",\"n\":1}");
    let value = parse(&text).unwrap();
    let Some(Value::String(long)) = value.get_path(&["long"]) else {
        panic!("a string")
    };
    assert_eq!(long.as_ptr(), text[9..].as_ptr());
    assert_eq!(long.into_bytes().as_ptr(), text[9..].as_ptr());
}
