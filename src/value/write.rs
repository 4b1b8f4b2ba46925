//! JSON out.

use super::{
    Array, Object, Value, array, edited::Edited, edited::Field, edited::Merged, fields, object,
    raw, unescape,
};
use crate::formats::go_num;
use smallvec::SmallVec;

/// Appends `value` to `out` as compact JSON with sorted keys. Bytes are written as base64 text, timestamps as RFC 3339.
///
/// A value that has something in it which JSON can't say (a float that isn't finite, a year beyond 9999) isn't written at
/// all: false, and `out` is as it was.
pub fn write(value: &Value, out: &mut Vec<u8>) -> bool {
    let before = out.len();
    let written = write_all(value, out);
    if !written {
        out.truncate(before);
    }
    written
}

/// A container that is being written. The nesting of trees has no limit, so it isn't followed by recursion.
enum Open<'a> {
    Array(std::slice::Iter<'a, Value>),
    Object(fields::Iter<'a>),
    /// What is to come of one, and whether nothing came before.
    Edited(&'a Edited, Merged<'a>, bool),
}

fn write_all<'a>(value: &'a Value, out: &mut Vec<u8>) -> bool {
    let mut open: SmallVec<[Open<'a>; 8]> = SmallVec::new();
    let mut next = Some(value);
    'next: loop {
        if let Some(value) = next.take() {
            match value {
                Value::Array(Array(array::Repr::Tree(items))) => {
                    out.push(b'[');
                    open.push(Open::Array(items.0.iter()));
                }
                Value::Object(Object(object::Repr::Tree(fields))) => {
                    out.push(b'{');
                    open.push(Open::Object(fields.iter()));
                }
                Value::Object(Object(object::Repr::Edited(edited))) => {
                    out.push(b'{');
                    open.push(Open::Edited(edited, edited.fields(), true));
                }
                other => {
                    if !write_leaf(other, out) {
                        return false;
                    }
                }
            }
        }
        match open.last_mut() {
            None => return true,
            Some(Open::Array(items)) => {
                for item in items {
                    comma(b'[', out);
                    if item.is_tree() {
                        next = Some(item);
                        continue 'next;
                    }
                    if !write_leaf(item, out) {
                        return false;
                    }
                }
                out.push(b']');
                open.pop();
            }
            Some(Open::Edited(edited, fields, is_first)) => {
                let mut edit = None;
                // Fields that weren't touched go out together.
                let untouched = std::iter::from_fn(|| match fields.next()? {
                    Field::Untouched(node) => Some(node),
                    Field::Edit(place) => {
                        edit = Some(place);
                        None
                    }
                });
                raw::write_fields(&edited.document, edited.node, untouched, !*is_first, out);
                *is_first = false;
                let edit = edit.map(|place| &edited.edits[place as usize]);
                if let Some((key, Some(value))) = edit {
                    comma(b'{', out);
                    unescape::encode(key, out);
                    out.push(b':');
                    next = Some(value);
                } else {
                    out.push(b'}');
                    open.pop();
                }
            }
            Some(Open::Object(fields)) => {
                for (key, field) in fields {
                    comma(b'{', out);
                    unescape::encode(key, out);
                    out.push(b':');
                    if field.is_tree() {
                        next = Some(field);
                        continue 'next;
                    }
                    if !write_leaf(field, out) {
                        return false;
                    }
                }
                out.push(b'}');
                open.pop();
            }
        }
    }
}

/// Puts a comma after the last element: no element ends with the bracket that opened the container.
fn comma(open: u8, out: &mut Vec<u8>) {
    if out.last() != Some(&open) {
        out.push(b',');
    }
}

fn write_leaf(value: &Value, out: &mut Vec<u8>) -> bool {
    match value {
        Value::Null => out.extend_from_slice(b"null"),
        Value::Bool(true) => out.extend_from_slice(b"true"),
        Value::Bool(false) => out.extend_from_slice(b"false"),
        Value::Int(n) => out.extend_from_slice(itoa::Buffer::new().format(*n).as_bytes()),
        Value::Uint(n) => out.extend_from_slice(itoa::Buffer::new().format(*n).as_bytes()),
        Value::Float(n) => return write_float(*n, out),
        Value::Number(n) => out.extend_from_slice(n.as_str().as_bytes()),
        Value::String(s) => unescape::encode(s, out),
        Value::IllFormed(bytes) => unescape::encode_ill_formed(bytes, out),
        Value::Bytes(b) => {
            use base64::Engine;
            out.push(b'"');
            let start = out.len();
            out.resize(start + b.len().div_ceil(3) * 4, 0);
            base64::engine::general_purpose::STANDARD
                .encode_slice(b, &mut out[start..])
                .expect("room for four characters for each three bytes");
            out.push(b'"');
        }
        Value::Timestamp(t) => {
            if !t.with_civil(|civil| (0..10_000).contains(&civil.year)) {
                return false;
            }
            unescape::encode(&t.to_string(), out);
        }
        Value::Array(Array(array::Repr::Raw(document, node)))
        | Value::Object(Object(object::Repr::Raw(document, node))) => {
            raw::write(document, *node, out);
        }
        Value::Object(Object(object::Repr::Empty)) => out.extend_from_slice(b"{}"),
        Value::Array(Array(array::Repr::Tree(_)))
        | Value::Object(Object(object::Repr::Tree(_) | object::Repr::Edited(_))) => {
            unreachable!("the caller writes trees itself")
        }
    }
    true
}

/// About how many bytes a value takes when written: a guess that is right or too high for most.
pub(super) fn size(value: &Value) -> usize {
    /// What numbers, times, keys' punctuation and short containers may take.
    const SMALL: usize = 24;
    let shallow = |value: &Value| match value {
        Value::String(text) => text.len() + SMALL,
        Value::Bytes(bytes) | Value::IllFormed(bytes) => bytes.len() * 4 / 3 + SMALL,
        Value::Array(Array(array::Repr::Raw(document, node)))
        | Value::Object(Object(object::Repr::Raw(document, node))) => {
            let node = document.node(*node);
            (node.end - node.start) as usize + SMALL
        }
        Value::Object(Object(object::Repr::Edited(edited))) => {
            let node = edited.document.node(edited.node);
            (node.end - node.start) as usize + SMALL * (1 + edited.edits.len())
        }
        _ => SMALL,
    };
    match value {
        Value::Array(Array(array::Repr::Tree(items))) => items.0.iter().map(shallow).sum(),
        Value::Object(Object(object::Repr::Tree(fields))) => {
            fields
                .iter()
                .map(|(key, value)| key.len() + shallow(value))
                .sum::<usize>()
                + 2
        }
        Value::Object(Object(object::Repr::Edited(edited))) => {
            let edits = edited
                .edits
                .iter()
                .map(|(_, v)| v.as_ref().map_or(0, shallow));
            shallow(value) + edits.sum::<usize>()
        }
        other => shallow(other),
    }
}

/// The shortest decimal that reads back as `n`, in Go's choice of form: with an exponent below 1e-6 and from 1e21 on.
fn write_float(n: f64, out: &mut Vec<u8>) -> bool {
    if !n.is_finite() {
        return false;
    }
    let size = n.abs();
    if size != 0.0 && !(1e-6..1e21).contains(&size) {
        out.extend_from_slice(go_num::float_json(n).as_bytes());
        return true;
    }
    // The fast writer uses exponents in places of its own choosing, which are far from one, and adds `.0` to whole numbers.
    let mut buffer = zmij::Buffer::new();
    let text = buffer.format_finite(n);
    if !(1e-3..1e12).contains(&size) && text.contains('e') {
        out.extend_from_slice(go_num::float_json(n).as_bytes());
    } else {
        out.extend_from_slice(text.strip_suffix(".0").unwrap_or(text).as_bytes());
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::{Timestamp, Zone, parse};
    use bytes::Bytes;

    fn written(value: impl Into<Value>) -> String {
        String::from_utf8(value.into().to_json()).unwrap()
    }

    #[test]
    fn floats_print_as_in_go() {
        for (n, text) in [
            (0.0, "0"),
            (-0.0, "-0"),
            (1.0, "1"),
            (-2.5, "-2.5"),
            (0.1 + 0.2, "0.30000000000000004"),
            (485.76, "485.76"),
            (1e20, "100000000000000000000"),
            (1e21, "1e+21"),
            (-1.5e300, "-1.5e+300"),
            (123456789012345680000.0, "123456789012345680000"),
            (1e-6, "0.000001"),
            (1.25e-6, "0.00000125"),
            (9.9e-7, "9.9e-7"),
            (1e-7, "1e-7"),
            (5e-324, "5e-324"),
            (f64::MAX, "1.7976931348623157e+308"),
        ] {
            assert_eq!(written(n), text);
        }
    }

    #[test]
    fn what_json_cannot_say_is_not_written() {
        let late = Timestamp::new(1 << 40, 0, Zone::Utc);
        for value in [f64::NAN.into(), f64::INFINITY.into(), Value::from(late)] {
            let mut out = b"before".to_vec();
            assert!(!write(&vec![Value::Null, value].into(), &mut out));
            assert_eq!(out, b"before");
        }
    }

    #[test]
    fn trees_and_pieces_mix() {
        let mut object = Object::new();
        let text = Bytes::from_static(b"{ \"b\": [1.0, {\"y\":1,\"x\":2}], \"a\": \"\\u0041\" }");
        object.insert("raw", parse(&text).unwrap());
        object.insert("bytes", Bytes::from_static(b"ab").into());
        object.insert("none", Object::new().into());
        object.insert(
            "[",
            vec![Value::from("["), Array::new().into(), "{".into()].into(),
        );
        object.insert("n", u64::MAX.into());
        assert_eq!(
            written(object),
            r#"{"[":["[",[],"{"],"bytes":"YWI=","n":18446744073709551615,"none":{},"raw":{"a":"A","b":[1.0,{"x":2,"y":1}]}}"#
        );
    }

    #[test]
    fn trees_may_be_deep() {
        let mut value = Value::Null;
        for _ in 0..200_000 {
            value = vec![value].into();
        }
        let text = Bytes::from(value.to_json());
        assert_eq!(text.len(), 400_004);
        assert!(parse(&text).is_err());
    }
}
