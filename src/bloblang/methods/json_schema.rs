//! Checks against a JSON Schema. What doesn't fit is told as by the library that configs were written for.

use super::common::{shown, str_arg};
use super::json_path::to_json;
use crate::bloblang::spec::{CallError, MethodFn};
use crate::codec::json_text;
use crate::value::Value;
use jsonschema::error::{TypeKind, ValidationErrorKind as Kind};
use jsonschema::{ValidationError, Validator};

/// The most errors that are told of.
const MAX_TOLD: usize = 100;

pub(super) fn prepare(args: &[Value]) -> Result<MethodFn, CallError> {
    let fails = |why: String| format!("failed to parse json schema definition: {why}");
    let text = bytes::Bytes::copy_from_slice(str_arg(&args[0]).as_bytes());
    let schema = json_text::parse_first(&text, true).map_err(fails)?;
    if !matches!(schema, Value::Object(_) | Value::Bool(_)) {
        return Err(fails("schema is invalid".into()).into());
    }
    let schema = to_json(&schema);
    let validator = Validator::new(&schema).map_err(|e| fails(e.to_string()))?;
    Ok(Box::new(move |receiver| {
        let instance = to_json(&*shown(&receiver)?);
        if validator.is_valid(&instance) {
            return Ok(receiver);
        }
        let errors: Vec<ValidationError<'_>> = validator.iter_errors(&instance).collect();
        // A value of a wrong type isn't looked at further.
        let mistyped: Vec<String> = errors
            .iter()
            .filter(|e| matches!(e.kind(), Kind::Type { .. }))
            .map(|e| e.instance_path().to_string())
            .collect();
        let told = |e: &&ValidationError<'_>| {
            matches!(e.kind(), Kind::Type { .. })
                || !mistyped.contains(&e.instance_path().to_string())
        };
        let lines: Vec<String> = errors
            .iter()
            .filter(told)
            .take(MAX_TOLD)
            .flat_map(tell)
            .collect();
        Err(lines.join("\n").into())
    }))
}

/// The lines about an error.
fn tell(error: &ValidationError<'_>) -> Vec<String> {
    let path = error.instance_path().to_string();
    let place = match path.trim_start_matches('/') {
        "" => "(root)".to_owned(),
        path => path.replace('/', ".").replace("~1", "/").replace("~0", "~"),
    };
    let line = |text: String| vec![format!("{place} {}", text.to_lowercase())];
    match error.kind() {
        Kind::Required { property } => {
            let name = property
                .as_str()
                .map_or_else(|| property.to_string(), str::to_owned);
            vec![format!("{place} {name} is required")]
        }
        Kind::AdditionalProperties { unexpected } => unexpected
            .iter()
            .map(|name| {
                let text = format!("additional property {} is not allowed", name.to_lowercase());
                format!("{place} {name}{text}")
            })
            .collect(),
        Kind::Type { kind } => {
            let expected = match kind {
                TypeKind::Single(one) => one.to_string(),
                TypeKind::Multiple(many) => {
                    let names: Vec<String> = many.iter().map(|t| t.to_string()).collect();
                    format!("[{}]", names.join(","))
                }
            };
            line(format!(
                "Invalid type. Expected: {expected}, given: {}",
                given(error.instance())
            ))
        }
        Kind::AdditionalItems { .. } => line("No additional items allowed on array".into()),
        Kind::AnyOf { .. } => line("Must validate at least one schema (anyOf)".into()),
        Kind::OneOfMultipleValid { .. } | Kind::OneOfNotValid { .. } => {
            line("Must validate one and only one schema (oneOf)".into())
        }
        Kind::Not { .. } => line("Must not validate the schema (not)".into()),
        Kind::Constant { expected_value } => {
            line(format!("{place} does not match: {expected_value}"))
        }
        Kind::Enum { options } => {
            let options: Vec<String> = options
                .as_array()
                .into_iter()
                .flatten()
                .map(|o| o.to_string())
                .collect();
            line(format!(
                "{place} must be one of the following: {}",
                options.join(", ")
            ))
        }
        Kind::Contains => line("At least one of the items must match".into()),
        Kind::MinItems { limit } => line(format!("Array must have at least {limit} items")),
        Kind::MaxItems { limit } => line(format!("Array must have at most {limit} items")),
        Kind::MinProperties { limit } => line(format!("Must have at least {limit} properties")),
        Kind::MaxProperties { limit } => line(format!("Must have at most {limit} properties")),
        Kind::MinLength { limit } => line(format!(
            "String length must be greater than or equal to {limit}"
        )),
        Kind::MaxLength { limit } => line(format!(
            "String length must be less than or equal to {limit}"
        )),
        Kind::Pattern { pattern } => vec![format!(
            "{place} does not match pattern '{}'",
            pattern.to_lowercase()
        )],
        Kind::Format { format } => line(format!("Does not match format '{format}'")),
        Kind::MultipleOf { multiple_of } => line(format!("Must be a multiple of {multiple_of}")),
        Kind::Minimum { limit } => line(format!("Must be greater than or equal to {limit}")),
        Kind::Maximum { limit } => line(format!("Must be less than or equal to {limit}")),
        Kind::ExclusiveMinimum { limit } => line(format!("Must be greater than {limit}")),
        Kind::ExclusiveMaximum { limit } => line(format!("Must be less than {limit}")),
        Kind::UniqueItems => line("array items must be unique".into()),
        Kind::FalseSchema => line("False always fails validation".into()),
        _ => line(error.to_string()),
    }
}

/// The type that JSON Schema sees in a value.
fn given(value: &serde_json::Value) -> &'static str {
    match value {
        serde_json::Value::Null => "null",
        serde_json::Value::Bool(_) => "boolean",
        serde_json::Value::Number(n) if n.as_f64().is_some_and(|n| n.fract() == 0.0) => "integer",
        serde_json::Value::Number(_) => "number",
        serde_json::Value::String(_) => "string",
        serde_json::Value::Array(_) => "array",
        serde_json::Value::Object(_) => "object",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;

    #[test]
    fn misfits_are_told() {
        let schema = r#"{"type":"object","required":["a"],"properties":{
            "b":{"type":"string","maxLength":2},"c":{"type":["null","integer"],"maximum":4},"d":{"enum":["x",1]}}}"#;
        let check = |doc: &str| {
            let doc = crate::value::parse(&Bytes::copy_from_slice(doc.as_bytes()))
                .expect("a JSON document");
            let f = prepare(&[schema.into()]).expect("a sound schema");
            f(doc).map(|_| ()).map_err(|e| e.text(None))
        };
        for (doc, why) in [
            ("[]", "(root) invalid type. expected: object, given: array"),
            ("{}", "(root) a is required"),
            (
                r#"{"a":1,"b":5}"#,
                "b invalid type. expected: string, given: integer",
            ),
            (
                r#"{"a":1,"b":"xyz"}"#,
                "b string length must be less than or equal to 2",
            ),
            (
                r#"{"a":1,"c":2.5}"#,
                "c invalid type. expected: [null,integer], given: number",
            ),
            (r#"{"a":1,"c":5}"#, "c must be less than or equal to 4"),
            (
                r#"{"a":1,"d":2}"#,
                "d d must be one of the following: \"x\", 1",
            ),
        ] {
            assert_eq!(check(doc), Err(why.into()));
        }
        assert_eq!(check(r#"{"a":1,"b":"x","c":3.0}"#), Ok(()));
        assert!(prepare(&["{".into()]).is_err());
    }
}
