//! Every component as data: for lists, docs, forms and editors. The API and the command line show the same.

use serde_json::{Value as Json, json};

use super::{
    BuildBuffer, BuildCache, BuildInput, BuildOutput, BuildProcessor, BuildRateLimit, BuildScanner,
    Kind, Status,
};
use crate::config::{FieldSpec, Shape};

/// How deep the fields of groups in groups are told.
const MAX_DEPTH: usize = 16;

/// A row of any kind's table.
pub struct Described {
    /// `input`, `buffer`, `processor`, `output`, `cache`, `rate_limit` or `scanner`.
    pub kind: &'static str,
    pub name: &'static str,
    pub status: Status,
    /// What to know about it; the first line is a sentence that stands for itself.
    pub about: &'static str,
    pub shape: fn() -> Shape,
}

/// Every component, by kind and name.
pub fn all() -> Vec<Described> {
    fn of<B: Kind + ?Sized>() -> impl Iterator<Item = Described> {
        B::table().iter().map(|spec| Described {
            kind: B::NAME,
            name: spec.name,
            status: spec.status,
            about: spec.about.trim(),
            shape: spec.shape,
        })
    }
    let mut all: Vec<Described> = of::<dyn BuildInput>()
        .chain(of::<dyn BuildBuffer>())
        .chain(of::<dyn BuildProcessor>())
        .chain(of::<dyn BuildOutput>())
        .chain(of::<dyn BuildCache>())
        .chain(of::<dyn BuildRateLimit>())
        .chain(of::<dyn BuildScanner>())
        .collect();
    all.sort_by_key(|row| (row.kind, row.name));
    all
}

impl Described {
    /// What it does, in a sentence.
    pub fn summary(&self) -> &'static str {
        self.about.lines().next().unwrap_or_default()
    }

    /// The fields of its config; none where that isn't a map of named fields.
    pub fn fields(&self) -> Vec<Json> {
        match (self.shape)() {
            Shape::Group(fields) => fields().iter().map(|f| field(f, 0)).collect(),
            _ => Vec::new(),
        }
    }

    /// Its config as JSON Schema.
    pub fn schema(&self) -> Json {
        schema(&(self.shape)())
    }
}

/// A field as forms and docs need it.
fn field(spec: &FieldSpec, depth: usize) -> Json {
    let mut out = json!({
        "name": spec.name,
        "about": spec.doc.trim(),
        "type": type_name(&spec.shape),
        "required": spec.required,
        "advanced": spec.advanced,
        "default": spec.default,
    });
    let (choices, inner) = match &spec.shape {
        Shape::Choice(choices) => (Some(*choices), None),
        Shape::List(inner) | Shape::Map(inner) => (None, Some(inner.as_ref())),
        other => (None, Some(other)),
    };
    if let Some(choices) = choices {
        out["choices"] = json!(choices);
    }
    if let Some(inner) = inner {
        if !std::ptr::eq(inner, &spec.shape) {
            out["items"] = type_name(inner).into();
        }
        if let Shape::Group(fields) = inner
            && depth < MAX_DEPTH
        {
            out["fields"] = fields().iter().map(|f| field(f, depth + 1)).collect();
        }
    }
    out
}

fn type_name(shape: &Shape) -> String {
    match shape {
        Shape::Bool => "bool".into(),
        Shape::Int => "int".into(),
        Shape::Float => "float".into(),
        Shape::String => "string".into(),
        Shape::Interpolated => "interpolated".into(),
        Shape::Mapping => "mapping".into(),
        Shape::Duration => "duration".into(),
        Shape::Secret => "secret".into(),
        Shape::Choice(_) => "choice".into(),
        Shape::Any => "any".into(),
        Shape::List(_) => "list".into(),
        Shape::Map(_) => "map".into(),
        Shape::Group(_) => "group".into(),
        Shape::Component(kind) => (*kind).into(),
    }
}

/// A shape as JSON Schema. `${VAR}` may stand for any scalar, so scalars may be strings too.
pub fn schema(shape: &Shape) -> Json {
    schema_at(shape, 0)
}

fn schema_at(shape: &Shape, depth: usize) -> Json {
    match shape {
        Shape::Bool => json!({ "type": ["boolean", "string"] }),
        Shape::Int => json!({ "type": ["integer", "string"] }),
        Shape::Float => json!({ "type": ["number", "string"] }),
        Shape::String | Shape::Interpolated | Shape::Mapping | Shape::Duration | Shape::Secret => {
            json!({ "type": "string" })
        }
        Shape::Choice(choices) => json!({ "enum": choices }),
        Shape::Any => json!({}),
        Shape::List(inner) => json!({ "type": "array", "items": schema_at(inner, depth + 1) }),
        Shape::Map(inner) => {
            json!({ "type": "object", "additionalProperties": schema_at(inner, depth + 1) })
        }
        Shape::Component(kind) => json!({ "type": "object", "x-component": kind }),
        Shape::Group(_) if depth >= MAX_DEPTH => json!({ "type": "object" }),
        Shape::Group(fields) => {
            let fields = fields();
            let required: Vec<&str> = fields
                .iter()
                .filter(|f| f.required)
                .map(|f| f.name)
                .collect();
            let properties: serde_json::Map<String, Json> = fields
                .iter()
                .map(|f| {
                    let mut property = schema_at(&f.shape, depth + 1);
                    property["description"] = f.doc.trim().into();
                    (f.name.to_owned(), property)
                })
                .collect();
            json!({
                "type": "object",
                "properties": properties,
                "required": required,
                "additionalProperties": false,
            })
        }
    }
}
