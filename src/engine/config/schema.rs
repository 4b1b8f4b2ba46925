//! The JSON Schema of whole configs, for editors: made of the declarations that configs are read and linted by.

use super::StreamConfig;
use crate::component::describe;
use crate::config::Group;
use serde_json::{Map, Value as Json, json};

/// The schema of a stream's config.
pub fn json_schema() -> Json {
    let mut kinds: Map<String, Json> = Map::new();
    for component in describe::all() {
        let kind = kinds.entry(component.kind).or_insert_with(|| {
            let mut properties = json!({
                "label": { "type": "string", "description": "Names the component in logs, metrics and for others that refer to it." },
                "type": { "type": "string", "description": "The component's type, where its key doesn't tell." },
                "plugin": {},
            });
            if matches!(component.kind, "input" | "output") {
                properties["processors"] = json!({
                    "type": "array", "items": { "$ref": "#/definitions/processor" },
                    "description": "Processors that messages pass on their way from or to it.",
                });
            }
            json!({ "type": "object", "properties": properties, "minProperties": 1, "additionalProperties": false })
        });
        let mut schema = component.schema();
        loosen(&mut schema);
        schema["description"] = component.about.into();
        kind["properties"][component.name] = schema;
    }
    let mut properties = Map::new();
    for field in StreamConfig::fields() {
        let mut schema = describe::schema(&field.shape);
        loosen(&mut schema);
        allow_null(&mut schema);
        schema["description"] = field.doc.trim().into();
        properties.insert(field.name.to_owned(), schema);
    }
    json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "A stream of airtruct",
        "type": "object",
        "properties": properties,
        "additionalProperties": false,
        "definitions": kinds,
    })
}

/// Lets through what the reader takes as well: scalars for strings, nulls for what may be left out. Components become references.
fn loosen(schema: &mut Json) {
    if let Some(kind) = schema.get("x-component").and_then(Json::as_str) {
        *schema = json!({ "allOf": [{ "$ref": format!("#/definitions/{kind}") }] });
        return;
    }
    if schema["type"] == "string" {
        schema["type"] = json!(["string", "number", "boolean"]);
    }
    for inside in ["items", "additionalProperties"] {
        if let Some(inner) = schema.get_mut(inside).filter(|s| s.is_object()) {
            loosen(inner);
        }
    }
    let required = schema["required"].as_array().cloned().unwrap_or_default();
    let Some(properties) = schema.get_mut("properties").and_then(Json::as_object_mut) else {
        return;
    };
    // Where there is nothing to set, `drop: ''` and `drop: {}` are the same.
    if properties.is_empty() {
        *schema = json!({ "type": ["object", "null", "string", "number", "boolean"], "additionalProperties": false });
        return;
    }
    for (name, property) in properties {
        loosen(property);
        if !required.iter().any(|r| r == name.as_str()) {
            allow_null(property);
        }
    }
    if required.is_empty() {
        allow_null(schema);
    }
}

fn allow_null(schema: &mut Json) {
    match &mut schema["type"] {
        Json::String(one) => schema["type"] = json!([one, "null"]),
        Json::Array(several) if !several.contains(&json!("null")) => several.push("null".into()),
        _ => {
            // An enumeration, or anything at all.
            if let Some(options) = schema["enum"].as_array_mut() {
                options.push(Json::Null);
            }
        }
    }
    // Reading a key that isn't there leaves a null behind.
    if let Some(object) = schema.as_object_mut() {
        object.retain(|key, value| {
            !(value.is_null() && matches!(key.as_str(), "type" | "enum" | "required"))
        });
    }
}
