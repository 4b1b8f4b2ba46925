//! JSONPath. An expression that can select but one value gives it, or an error if there is none; others give arrays.

use super::common::{str_arg, writable};
use crate::bloblang::spec::{CallError, MethodFn};
use crate::codec::go_fmt::type_of;
use crate::value::Value;
use serde_json_path::{JsonPath, PathElement};

/// A step of an expression that can select but one value.
#[derive(Debug, PartialEq)]
enum Step {
    Key(String),
    Index(i64),
}

pub(super) fn prepare(args: &[Value]) -> Result<MethodFn, CallError> {
    let text = str_arg(&args[0]).into_owned();
    if let Some(steps) = single(&text) {
        return Ok(Box::new(move |mut receiver| {
            for step in &steps {
                receiver = select(&receiver, step)?;
            }
            Ok(receiver)
        }));
    }
    let path = JsonPath::parse(&text).map_err(|e| format!("failed to parse json path: {e}"))?;
    Ok(Box::new(move |receiver| {
        let tree = to_json(writable(&receiver)?);
        let found = path.query_located(&tree);
        let values = found.locations().map(|location| {
            // The value is taken from the receiver, where numbers still are what they were.
            location.iter().fold(receiver.clone(), |value, element| {
                match (&value, element) {
                    (Value::Object(fields), PathElement::Name(name)) => fields.get(name),
                    (Value::Array(items), PathElement::Index(i)) => items.get(*i),
                    _ => None,
                }
                .unwrap_or(Value::Null)
            })
        });
        Ok(values.collect::<Vec<Value>>().into())
    }))
}

/// The steps of an expression such as `$.a['b'][0]`, or none if it is of another form.
fn single(text: &str) -> Option<Vec<Step>> {
    let mut rest = text.trim().strip_prefix('$')?;
    let mut steps = Vec::new();
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix('.') {
            let end = after.find(['.', '[']).unwrap_or(after.len());
            let name = &after[..end];
            let is_name = name
                .chars()
                .all(|c| c.is_alphanumeric() || c == '_' || c == '-');
            if name.is_empty() || !is_name {
                return None;
            }
            steps.push(Step::Key(name.to_owned()));
            rest = &after[end..];
            continue;
        }
        let inner = rest.strip_prefix('[')?;
        if let Some(quote) = inner.chars().next().filter(|c| matches!(c, '\'' | '"')) {
            let (name, after) = inner[1..].split_once(quote)?;
            if name.contains('\\') {
                return None;
            }
            steps.push(Step::Key(name.to_owned()));
            rest = after.strip_prefix(']')?;
        } else {
            let (index, after) = inner.split_once(']')?;
            steps.push(Step::Index(index.trim().parse().ok()?));
            rest = after;
        }
    }
    Some(steps)
}

fn select(value: &Value, step: &Step) -> Result<Value, CallError> {
    match (value, step) {
        (Value::Object(fields), step) => {
            let key = match step {
                Step::Key(key) => key.clone(),
                Step::Index(index) => index.to_string(),
            };
            fields.get(&key).ok_or_else(|| format!("unknown key {key}").into())
        }
        (Value::Array(items), Step::Index(index)) => {
            let at = if *index < 0 { index + items.len() as i64 } else { *index };
            let found = usize::try_from(at).ok().and_then(|at| items.get(at));
            found.ok_or_else(|| format!("index {index} out of bounds").into())
        }
        (Value::Array(_), Step::Key(key)) => Err(format!(
            "could not select value, invalid key: expected number but got {key} (string)"
        )
        .into()),
        (other, _) => Err(format!(
            "unsupported value type {} for select, expected map[string]interface{{}} or []interface{{}}",
            type_of(other)
        )
        .into()),
    }
}

/// The value for libraries that know `serde_json` only.
pub(super) fn to_json(value: &Value) -> serde_json::Value {
    use serde_json::Value as Json;
    let float = |n: f64| serde_json::Number::from_f64(n).map_or(Json::Null, Json::Number);
    match value {
        Value::Null => Json::Null,
        Value::Bool(b) => Json::Bool(*b),
        Value::Int(n) => Json::from(*n),
        Value::Uint(n) => Json::from(*n),
        Value::Float(n) => float(*n),
        Value::Number(n) => match n.as_i64() {
            Some(n) => Json::from(n),
            None => match n.as_str().parse::<u64>() {
                Ok(n) => Json::from(n),
                Err(_) => float(n.as_f64()),
            },
        },
        Value::Array(items) => Json::Array(items.iter().map(|v| to_json(&v)).collect()),
        Value::Object(fields) => Json::Object(
            fields
                .iter()
                .map(|(k, v)| (k.to_string(), to_json(&v)))
                .collect(),
        ),
        other => Json::String(super::common::to_text(other.clone()).to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;

    fn run(path: &str, doc: &str) -> Result<String, String> {
        let doc =
            crate::value::parse(&Bytes::copy_from_slice(doc.as_bytes())).expect("a JSON document");
        let f = prepare(&[path.into()]).map_err(|e| e.text(None))?;
        let found = f(doc).map_err(|e| e.text(None))?;
        Ok(String::from_utf8(found.to_json()).expect("JSON is text"))
    }

    #[test]
    fn single_values_and_selections() {
        let doc = r#"{"a":[{"t":"x","n":1.0},{"t":"y"}],"b c":{"a":2}}"#;
        for (path, wanted) in [
            ("$.a[0].n", "1.0"),
            ("$['b c'].a", "2"),
            ("$.a[-1].t", "\"y\""),
            ("$", doc),
            ("$.a[*].t", r#"["x","y"]"#),
            ("$.a[?(@.t=='x')].n", "[1.0]"),
            ("$.a[0:1]", r#"[{"n":1.0,"t":"x"}]"#),
        ] {
            let wanted = match path {
                "$" => r#"{"a":[{"n":1.0,"t":"x"},{"t":"y"}],"b c":{"a":2}}"#,
                _ => wanted,
            };
            assert_eq!(run(path, doc).as_deref(), Ok(wanted), "{path}");
        }
        assert_eq!(run("$.z", doc), Err("unknown key z".into()));
        assert_eq!(run("$.a[7]", doc), Err("index 7 out of bounds".into()));
        assert!(
            run("$.a.b", doc)
                .expect_err("a key of an array")
                .starts_with("could not select value")
        );
        assert!(run("$.a[", doc).is_err());
    }
}
