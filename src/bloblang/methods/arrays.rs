//! Table: methods on arrays.

use super::common::{Text, equal, float, int, nested, optional_str};
use super::objects::merge_into;
use crate::bloblang::number::Num;
use crate::bloblang::spec::{
    CallError, Example, MethodCall, MethodFn, MethodSpec, Param, ParamKind, Status,
};
use crate::codec::go_fmt::type_of;
use crate::value::{Array, Object, Str, Value};
use memchr::memmem;

const VALUE: &[Param] = &[Param::new(
    "value",
    ParamKind::Any,
    "The value to look for.",
)];

pub(super) static TABLE: &[MethodSpec] = &[
    MethodSpec::new(
        "append",
        "The array with further elements at its end.",
        &[Param::new("values", ParamKind::Variadic, "The elements to add.")],
        &[Example::new("Two more.", r#"root = this.append("b", 3)"#, &[(r#"["a"]"#, r#"["a","b",3]"#)])],
        MethodCall::Plain(|receiver, args| {
            let mut items = array(receiver)?;
            if !args.is_empty() {
                items.make_mut().extend_from_slice(args);
            }
            Ok(items.into())
        }),
    ),
    MethodSpec::new(
        "concat",
        "The elements of this array and of others, one after the other.",
        &[Param::new("arrays", ParamKind::Variadic, "The arrays to add.")],
        &[Example::new(
            "Three in one.",
            "root = this.a.concat(this.b, [5])",
            &[(r#"{"a":[1],"b":[2,3]}"#, "[1,2,3,5]")],
        )],
        MethodCall::Prepared(concat),
    )
    .sourceless(),
    MethodSpec::new(
        "enumerated",
        "Every element as an object of its `index` and its `value`.",
        &[],
        &[Example::new(
            "Two letters.",
            "root = this.enumerated()",
            &[(r#"["a","b"]"#, r#"[{"index":0,"value":"a"},{"index":1,"value":"b"}]"#)],
        )],
        MethodCall::Plain(|receiver, _| {
            let items = array(receiver)?;
            let object = |(i, item)| -> Value {
                let fields = [
                    (Str::from_static("index"), Value::Int(i as i64)),
                    (Str::from_static("value"), item),
                ];
                Object::from_iter(fields).into()
            };
            Ok(Value::Array(items.iter().enumerate().map(object).collect()))
        }),
    ),
    MethodSpec::new(
        "find",
        "The index of the first element that equals a value, or -1.",
        VALUE,
        &[Example::new(
            "Where?",
            "root = this.list.find(this.wanted)",
            &[(r#"{"list":["a","b"],"wanted":"b"}"#, "1"), (r#"{"list":[],"wanted":"b"}"#, "-1")],
        )],
        MethodCall::Plain(|receiver, args| {
            let items = array(receiver)?;
            let at = items.iter().position(|item| equal(&args[0], &item));
            Ok(Value::Int(at.map_or(-1, |at| at as i64)))
        }),
    ),
    MethodSpec::new(
        "find_all",
        "The indexes of all elements that equal a value.",
        VALUE,
        &[Example::new("Where?", "root = this.find_all(1)", &[("[1,2,1.0]", "[0,2]")])],
        MethodCall::Plain(|receiver, args| {
            let items = array(receiver)?;
            let matching = items.iter().enumerate().filter(|(_, item)| equal(&args[0], item));
            Ok(Value::Array(matching.map(|(i, _)| Value::Int(i as i64)).collect()))
        }),
    ),
    MethodSpec::new(
        "flatten",
        "The array with the elements of inner arrays in their place, one level deep.",
        &[],
        &[Example::new("One level.", "root = this.flatten()", &[("[1,[2,[3]]]", "[1,2,[3]]")])],
        MethodCall::Plain(|receiver, _| {
            let items = array(receiver)?;
            if !items.iter().any(|item| matches!(item, Value::Array(_))) {
                return Ok(items.into());
            }
            let mut flat = Vec::with_capacity(items.len());
            for item in items.iter() {
                match item {
                    Value::Array(inner) => flat.extend(inner.iter()),
                    other => flat.push(other),
                }
            }
            Ok(flat.into())
        }),
    ),
    MethodSpec::new(
        "index",
        "The element of an array, or the byte of bytes, at a place; places below 0 count from the end.",
        &[Param::new("index", ParamKind::Int, "The place, from 0.")],
        &[Example::new(
            "The last one.",
            "root.last = this.list.index(-1)",
            &[
                (r#"{"list":["a","b"]}"#, r#"{"last":"b"}"#),
                (r#"{"list":[]}"#, "Error: failed assignment (line 1): field `this.list`: index '-1' was out of bounds for array size: 0"),
            ],
        )],
        MethodCall::Plain(|receiver, args| {
            let index = int(&args[0]).unwrap_or(0);
            match receiver {
                Value::Array(items) => {
                    let at = place(index, items.len())?;
                    Ok(items.get(at).unwrap_or(Value::Null))
                }
                Value::Bytes(bytes) => Ok(Value::Int(i64::from(bytes[place(index, bytes.len())?]))),
                other => Err(CallError::wanted("array", other)),
            }
        }),
    ),
    MethodSpec::new(
        "join",
        "The texts of an array as one, with a delimiter between them.",
        &[Param::new("delimiter", ParamKind::String, "What to put between them; nothing if left out.").optional()],
        &[Example::new(
            "With commas.",
            r#"root = this.join(", ")"#,
            &[(r#"["a","b","c"]"#, "a, b, c")],
        )],
        MethodCall::Plain(join),
    ),
    MethodSpec::new(
        "split",
        "The parts of a text between delimiters, or the runs of an array's elements between those that equal the delimiter.",
        &[Param::new("delimiter", ParamKind::Any, "The text or element to split at.")],
        &[
            Example::new("At commas.", r#"root = this.split(",")"#, &[(r#""a,b,c""#, r#"["a","b","c"]"#)]),
            Example::new("At zeros.", "root = this.split(0)", &[("[1,0,2,3]", "[[1],[2,3]]")]),
        ],
        MethodCall::Prepared(split),
    ),
    MethodSpec::new(
        "squash",
        "Merges the objects of an array into one, as `merge` does.",
        &[],
        &[Example::new(
            "By key.",
            "root = this.squash()",
            &[(r#"[{"a":[1]},{"b":2},{"a":[3]}]"#, r#"{"a":[1,3],"b":2}"#)],
        )],
        MethodCall::Plain(|receiver, _| {
            let mut merged = Object::new();
            for item in array(receiver)?.iter() {
                match item {
                    Value::Object(fields) if merged.is_empty() => merged = fields,
                    Value::Object(fields) => merge_into(&mut merged, &fields),
                    _ => {}
                }
            }
            Ok(Value::Object(merged))
        }),
    )
    .sourceless(),
    MethodSpec::new(
        "sum",
        "The sum of an array's numbers.",
        &[],
        &[Example::new("Of three.", "root = this.sum()", &[("[3,8,4.5]", "15.5")])],
        MethodCall::Plain(sum),
    ),
    MethodSpec::new(
        "vector",
        "The numbers of an array as a vector of floats.",
        &[],
        &[Example::new("An embedding.", "root = this.vector()", &[("[1,2.5]", "[1,2.5]")])],
        MethodCall::Plain(|receiver, _| {
            let items = array(receiver)?;
            let number = |(i, item): (usize, Value)| match float(&item) {
                Some(n) => Ok(Value::Float(n)),
                None => Err(CallError::from(nested(&format!("index {i}"), "number", &item))),
            };
            let numbers: Result<Array, CallError> = items.iter().enumerate().map(number).collect();
            Ok(numbers?.into())
        }),
    )
    .status(Status::Experimental)
    .sourceless(),
    MethodSpec::new(
        "zip",
        "Arrays of the elements that stand at the same place in this array and in others of the same length.",
        &[Param::new("arrays", ParamKind::Variadic, "The other arrays.")],
        &[Example::new(
            "Three in step.",
            "root = this.a.zip(this.b, [5,6])",
            &[(r#"{"a":[1,2],"b":["x","y"]}"#, r#"[[1,"x",5],[2,"y",6]]"#)],
        )],
        MethodCall::Prepared(zip),
    )
    .sourceless(),
];

pub(super) fn array(value: Value) -> Result<Array, CallError> {
    match value {
        Value::Array(items) => Ok(items),
        other => Err(CallError::wanted("array", other)),
    }
}

/// The place that an index, which may count from the end, means.
fn place(index: i64, len: usize) -> Result<usize, String> {
    let at = if index < 0 {
        index.saturating_add(len as i64)
    } else {
        index
    };
    match usize::try_from(at) {
        Ok(at) if at < len => Ok(at),
        _ => Err(format!(
            "index '{at}' was out of bounds for array size: {len}"
        )),
    }
}

fn join(receiver: Value, args: &[Value]) -> Result<Value, CallError> {
    let items = array(receiver)?;
    let delimiter = optional_str(&args[0]).unwrap_or_default();
    let mut out = Vec::new();
    for (i, item) in items.iter().enumerate() {
        if i > 0 {
            out.extend_from_slice(delimiter.as_bytes());
        }
        match &item {
            Value::String(text) => out.extend_from_slice(text.as_bytes()),
            Value::Bytes(bytes) | Value::IllFormed(bytes) => out.extend_from_slice(bytes),
            other => {
                return Err(nested(&format!("failed to join element {i}"), "string", other).into());
            }
        }
    }
    Ok(Value::text(out))
}

fn split(args: &[Value]) -> Result<MethodFn, CallError> {
    let delimiter = args[0].clone();
    Ok(Box::new(move |receiver| match receiver {
        Value::Array(items) => Ok(split_array(&items, &delimiter)),
        Value::String(_) | Value::IllFormed(_) | Value::Bytes(_) => {
            let text = Text::of(receiver)?;
            let fails = |text: &Text| {
                let kind = match text {
                    Text::Str(_) | Text::IllFormed(_) => "string",
                    Text::Bytes(_) => "[]uint8",
                };
                let got = type_of(&delimiter);
                format!("delimiter type: {got} must match type of list elements: {kind}")
            };
            match &delimiter {
                Value::String(at) => Ok(split_text(&text, at.as_bytes())),
                Value::Bytes(at) | Value::IllFormed(at) => Ok(split_text(&text, at)),
                _ => Err(fails(&text).into()),
            }
        }
        other => Err(CallError::wanted("string, array or bytes", other)),
    }))
}

fn split_array(items: &Array, delimiter: &Value) -> Value {
    let mut runs = Vec::new();
    let mut run = Vec::new();
    for item in items.iter() {
        if equal(delimiter, &item) {
            runs.push(std::mem::take(&mut run).into());
        } else {
            run.push(item);
        }
    }
    runs.push(run.into());
    runs.into()
}

/// The parts of a text; with an empty delimiter, its characters.
fn split_text(text: &Text, delimiter: &[u8]) -> Value {
    let whole = text.as_bytes();
    if let (Text::Str(text), [byte @ ..0x80]) = (text, delimiter) {
        let mut parts = Vec::with_capacity(1 + memchr::memchr_iter(*byte, whole).count());
        parts.extend(text.split_at_byte(*byte).map(Value::String));
        return parts.into();
    }
    let mut parts = Vec::new();
    let mut start = 0;
    if delimiter.is_empty() {
        for chunk in whole.utf8_chunks() {
            let lengths = chunk.valid().chars().map(char::len_utf8);
            for len in lengths.chain(chunk.invalid().iter().map(|_| 1)) {
                parts.push(text.part(start, start + len));
                start += len;
            }
        }
        return parts.into();
    }
    for at in memmem::find_iter(whole, delimiter) {
        parts.push(text.part(start, at));
        start = at + delimiter.len();
    }
    parts.push(text.part(start, whole.len()));
    parts.into()
}

fn sum(receiver: Value, _: &[Value]) -> Result<Value, CallError> {
    if Num::of(&receiver).is_some() {
        return Ok(receiver);
    }
    let items = array(receiver)?;
    let mut total = 0.0;
    let mut fails = None;
    for (i, item) in items.iter().enumerate() {
        match float(&item) {
            Some(n) => total += n,
            None => fails = Some(nested(&format!("index {i}"), "number", &item)),
        }
    }
    match fails {
        Some(text) => Err(CallError::Bare(text.into())),
        None => Ok(Value::Float(total)),
    }
}

/// The arguments of a method that takes arrays only.
fn arrays(args: &[Value]) -> Result<Vec<Array>, CallError> {
    let array = |arg: &Value| match arg {
        Value::Array(items) => Ok(items.clone()),
        other => Err(CallError::wanted("array", other.clone())),
    };
    args.iter().map(array).collect()
}

fn concat(args: &[Value]) -> Result<MethodFn, CallError> {
    let others = arrays(args)?;
    Ok(Box::new(move |receiver| {
        let mut items = array(receiver)?;
        for more in &others {
            items.make_mut().extend(more.iter());
        }
        Ok(items.into())
    }))
}

fn zip(args: &[Value]) -> Result<MethodFn, CallError> {
    const LENGTHS: &str = "can't zip different length array values";
    let others = arrays(args)?;
    if others.iter().any(|o| o.len() != others[0].len()) {
        return Err(LENGTHS.into());
    }
    Ok(Box::new(move |receiver| {
        let items = array(receiver)?;
        match others.first() {
            None => return Err("zip requires at least one argument".into()),
            Some(first) if first.len() != items.len() => return Err(LENGTHS.into()),
            Some(_) => {}
        }
        let row = |(i, item)| -> Value {
            let rest = others.iter().map(|o| o.get(i).unwrap_or(Value::Null));
            Value::Array(std::iter::once(item).chain(rest).collect())
        };
        Ok(Value::Array(items.iter().enumerate().map(row).collect()))
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(value: &Value) -> String {
        String::from_utf8(value.to_json()).expect("JSON is text")
    }

    #[test]
    fn texts_are_split() {
        let parts = |text: &str, at: &str| {
            let f = split(&[at.into()]).expect("any delimiter");
            json(&f(text.into()).expect("it is text"))
        };
        assert_eq!(parts("a,b,,", ","), r#"["a","b","",""]"#);
        assert_eq!(parts("", ","), r#"[""]"#);
        assert_eq!(parts("aé日", ""), r#"["a","é","日"]"#);
        assert_eq!(parts("", ""), "[]");
        assert_eq!(parts("a--b", "--"), r#"["a","b"]"#);
    }

    #[test]
    fn a_shared_array_stays_as_it_is() {
        let original: Value = vec![Value::Int(1)].into();
        let append = TABLE
            .iter()
            .find(|m| m.name == "append")
            .expect("it is in the table");
        let MethodCall::Plain(f) = append.call else {
            panic!("a plain method")
        };
        let longer = f(original.clone(), &[Value::Int(2)]).expect("an array");
        assert_eq!(
            (json(&original), json(&longer)),
            ("[1]".into(), "[1,2]".into())
        );
    }
}
