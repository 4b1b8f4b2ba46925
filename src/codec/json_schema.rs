//! JSON Schema: compiled once, and what is wrong with a value in the words that configs match on.

use super::serde::to_json;
use crate::value::Value;
use jsonschema::{
    Draft, Validator,
    error::{TypeKind, ValidationError, ValidationErrorKind as Kind},
};
use serde_json::Value as Json;

/// A schema, ready to check values.
#[derive(Debug)]
pub struct Schema {
    validator: Validator,
    /// The schema as it was written: findings name types in its order.
    written: Json,
}

impl Schema {
    /// Compiles a schema, itself a JSON document.
    pub fn compile(schema: &Value) -> Result<Schema, String> {
        let written = to_json(schema);
        let mut options = jsonschema::options().should_validate_formats(true);
        if written.get("$schema").is_none() {
            // The newest that Bento's library knows: later drafts have no lists of `items` and no `dependencies`.
            options = options.with_draft(Draft::Draft7);
        }
        let validator = options.build(&written).map_err(|e| e.to_string())?;
        Ok(Schema { validator, written })
    }

    /// Checks a value. What is wrong is one line each, with the place first: `user.tags.0 invalid type. expected: string, given: integer`.
    pub fn check(&self, value: &Value) -> Result<(), String> {
        let json = to_json(value);
        let errors = self.validator.iter_errors(&json);
        let lines: Vec<String> = errors.flat_map(|e| lines(&e, &self.written)).collect();
        if lines.is_empty() {
            Ok(())
        } else {
            Err(lines.join("\n"))
        }
    }
}

/// What one finding says: a line, one for each property that is too many, or those of the alternative that fits best.
fn lines(error: &ValidationError<'_>, schema: &Json) -> Vec<String> {
    let path = error.instance_path().to_string();
    let place = match path.trim_start_matches('/') {
        "" => "(root)".to_owned(),
        path => path.replace('/', ".").replace("~1", "/").replace("~0", "~"),
    };
    let one = |text: String| vec![format!("{place} {}", text.to_lowercase())];
    match error.kind() {
        Kind::Required { property } => {
            vec![format!("{place} {} is required", text_of(property))]
        }
        Kind::AdditionalProperties { unexpected } | Kind::UnevaluatedProperties { unexpected } => {
            let each = unexpected.iter();
            each.map(|p| {
                // The name comes twice there, once as it is written.
                format!(
                    "{place} {p}additional property {} is not allowed",
                    p.to_lowercase()
                )
            })
            .collect()
        }
        Kind::Type { kind } => one(format!(
            "invalid type. expected: {}, given: {}",
            expected(kind, error, schema),
            given(error.instance())
        )),
        Kind::Enum { options } => {
            let options = options.as_array().map(Vec::as_slice).unwrap_or_default();
            let options: Vec<String> = options.iter().map(Json::to_string).collect();
            one(format!(
                "{place} must be one of the following: {}",
                options.join(", ")
            ))
        }
        Kind::Constant { expected_value } => {
            one(format!("{place} does not match: {expected_value}"))
        }
        Kind::Pattern { pattern } => one(format!("does not match pattern '{pattern}'")),
        Kind::Format { format } => one(format!("does not match format '{format}'")),
        Kind::MinLength { limit } => one(format!(
            "string length must be greater than or equal to {limit}"
        )),
        Kind::MaxLength { limit } => one(format!(
            "string length must be less than or equal to {limit}"
        )),
        Kind::MinItems { limit } => one(format!("array must have at least {limit} items")),
        Kind::MaxItems { limit } => one(format!("array must have at most {limit} items")),
        Kind::AdditionalItems { .. } => one("no additional items allowed on array".into()),
        Kind::UniqueItems => one(unique(error.instance())),
        Kind::Contains => one("at least one of the items must match".into()),
        Kind::Minimum { limit } => one(format!("must be greater than or equal to {limit}")),
        Kind::Maximum { limit } => one(format!("must be less than or equal to {limit}")),
        Kind::ExclusiveMinimum { limit } => one(format!("must be greater than {limit}")),
        Kind::ExclusiveMaximum { limit } => one(format!("must be less than {limit}")),
        Kind::MultipleOf { multiple_of } => one(format!("must be a multiple of {multiple_of}")),
        Kind::MinProperties { limit } => one(format!("must have at least {limit} properties")),
        Kind::MaxProperties { limit } => one(format!("must have at most {limit} properties")),
        Kind::AnyOf { context } => {
            let mut lines = one("must validate at least one schema (anyof)".into());
            lines.extend(nearest(context, &path, schema));
            lines
        }
        Kind::OneOfNotValid { context } => {
            let mut lines = one("must validate one and only one schema (oneof)".into());
            lines.extend(nearest(context, &path, schema));
            lines
        }
        Kind::OneOfMultipleValid { .. } => {
            one("must validate one and only one schema (oneof)".into())
        }
        Kind::Not { .. } => one("must not validate the schema (not)".into()),
        Kind::FalseSchema => one("false always fails validation".into()),
        _ => one(error.to_string()),
    }
}

fn text_of(value: &Json) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

/// What the alternative says that the value comes nearest to: the first that wants a value of its type, else the first.
fn nearest(alternatives: &[Vec<ValidationError<'_>>], path: &str, schema: &Json) -> Vec<String> {
    let fits = |errors: &&Vec<ValidationError<'_>>| {
        !errors
            .iter()
            .any(|e| matches!(e.kind(), Kind::Type { .. }) && e.instance_path().to_string() == path)
    };
    let nearest = alternatives.iter().find(fits).or(alternatives.first());
    let errors = nearest.into_iter().flatten();
    errors.flat_map(|e| lines(e, schema)).collect()
}

/// The types that were wanted, several in the order of the schema.
fn expected(kind: &TypeKind, error: &ValidationError<'_>, schema: &Json) -> String {
    let several = match kind {
        TypeKind::Single(one) => return one.to_string(),
        TypeKind::Multiple(several) => several,
    };
    let written = schema.pointer(&error.schema_path().to_string());
    let names: Vec<String> = match written.and_then(Json::as_array) {
        Some(types) => types.iter().map(text_of).collect(),
        None => several.iter().map(|t| t.to_string()).collect(),
    };
    format!("[{}]", names.join(","))
}

fn given(value: &Json) -> &'static str {
    match value {
        Json::Null => "null",
        Json::Bool(_) => "boolean",
        Json::Number(n) if n.as_f64().is_some_and(|n| n.fract() == 0.0) => "integer",
        Json::Number(_) => "number",
        Json::String(_) => "string",
        Json::Array(_) => "array",
        Json::Object(_) => "object",
    }
}

/// Which two items are the same.
fn unique(array: &Json) -> String {
    let items = array.as_array().map(Vec::as_slice).unwrap_or_default();
    for (j, item) in items.iter().enumerate() {
        if let Some(i) = items[..j].iter().position(|other| other == item) {
            return format!("array items[{i},{j}] must be unique");
        }
    }
    "array items must be unique".into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;

    #[test]
    fn findings_are_worded_as_people_match_on_them() {
        let value = |text: &'static str| {
            crate::value::parse(&Bytes::from_static(text.as_bytes())).expect("valid")
        };
        let schema = Schema::compile(&value(
            r#"{"type":"object","required":["id"],"additionalProperties":false,"properties":{
                "id":{"type":"integer","minimum":1},"tag":{"enum":["a","b"]},
                "l":{"type":"array","minItems":1,"items":{"type":"string","pattern":"^[a-z]$"}}}}"#,
        ));
        let schema = schema.expect("it is one");
        for (text, wanted) in [
            (r#"{"id":1}"#, Ok(())),
            (r#"{"id":0}"#, Err("id must be greater than or equal to 1")),
            (r#"{}"#, Err("(root) id is required")),
            (
                r#"{"id":1,"Zed":2}"#,
                Err("(root) Zedadditional property zed is not allowed"),
            ),
            (
                r#"{"id":1,"l":[1]}"#,
                Err("l.0 invalid type. expected: string, given: integer"),
            ),
            (
                r#"{"id":1,"l":[]}"#,
                Err("l array must have at least 1 items"),
            ),
            (
                r#"{"id":1,"tag":"c"}"#,
                Err("tag tag must be one of the following: \"a\", \"b\""),
            ),
        ] {
            assert_eq!(
                schema.check(&value(text)),
                wanted.map_err(str::to_owned),
                "{text}"
            );
        }
    }

    #[test]
    fn alternatives_formats_and_older_keywords() {
        for (schema, text, wanted) in [
            (
                r#"{"oneOf":[{"type":"string"},{"required":["a"]}]}"#,
                "{}",
                "(root) must validate one and only one schema (oneof)\n(root) a is required",
            ),
            (
                r#"{"properties":{"a":{"type":["string","null"]}}}"#,
                r#"{"a":4}"#,
                "a invalid type. expected: [string,null], given: integer",
            ),
            (
                r#"{"format":"email"}"#,
                r#""q""#,
                "(root) does not match format 'email'",
            ),
            (
                r#"{"items":[{"type":"string"}]}"#,
                "[1]",
                "0 invalid type. expected: string, given: integer",
            ),
        ] {
            let value = |text: &'static str| {
                crate::value::parse(&Bytes::from_static(text.as_bytes())).expect("valid")
            };
            let schema = Schema::compile(&value(schema)).expect("it is one");
            assert_eq!(schema.check(&value(text)), Err(wanted.to_owned()), "{text}");
        }
    }
}
