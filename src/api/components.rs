//! `/api/v1/components`: what configs may be made of, as the components' own declarations say.

use axum::{Json, http::StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json_, json};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    Api,
    error::{Error, ErrorBody, Result},
    extract::{Page, Paging, Path, Query},
};
use crate::{
    component::{
        BuildBuffer, BuildCache, BuildInput, BuildOutput, BuildProcessor, BuildRateLimit,
        BuildScanner, Kind, Status,
    },
    config::{FieldSpec, Shape},
};

pub(super) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(read))
}

/// How deep the fields of groups in groups are told.
const MAX_DEPTH: usize = 16;

/// A component in the list.
#[derive(Clone, Debug, Serialize, ToSchema)]
struct ComponentSummary {
    /// `input`, `buffer`, `processor`, `output`, `cache`, `rate_limit` or `scanner`.
    kind: &'static str,
    name: &'static str,
    /// `stable`, `beta`, `experimental` or `deprecated`.
    #[schema(value_type = String)]
    status: Status,
    /// What it does, in a sentence.
    summary: &'static str,
}

/// A component with what its config takes.
#[derive(Debug, Serialize, ToSchema)]
struct ComponentDetail {
    #[serde(flatten)]
    component: ComponentSummary,
    /// What to know about it.
    about: &'static str,
    /// The fields of its config; none where it isn't a map of named fields.
    #[schema(value_type = Vec<Object>)]
    fields: Vec<Json_>,
    /// Its config as JSON Schema.
    #[schema(value_type = Object)]
    schema: Json_,
}

#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Filter {
    /// Only those of this kind.
    kind: Option<String>,
}

/// A row of any kind's table.
struct Row {
    summary: ComponentSummary,
    about: &'static str,
    shape: fn() -> Shape,
}

fn rows() -> Vec<Row> {
    fn of<B: Kind + ?Sized>() -> impl Iterator<Item = Row> {
        B::table().iter().map(|spec| Row {
            summary: ComponentSummary {
                kind: B::NAME,
                name: spec.name,
                status: spec.status,
                summary: spec.about.trim().lines().next().unwrap_or_default(),
            },
            about: spec.about.trim(),
            shape: spec.shape,
        })
    }
    let mut rows: Vec<Row> = of::<dyn BuildInput>()
        .chain(of::<dyn BuildBuffer>())
        .chain(of::<dyn BuildProcessor>())
        .chain(of::<dyn BuildOutput>())
        .chain(of::<dyn BuildCache>())
        .chain(of::<dyn BuildRateLimit>())
        .chain(of::<dyn BuildScanner>())
        .collect();
    rows.sort_by_key(|row| (row.summary.kind, row.summary.name));
    rows
}

/// List components, by kind and name.
#[utoipa::path(get, path = "/components", tag = "components", params(Paging, Filter),
    responses((status = 200, body = Page<ComponentSummary>), (status = "default", body = ErrorBody)))]
async fn list(
    Query(paging): Query<Paging>,
    Query(filter): Query<Filter>,
) -> Result<Json<Page<ComponentSummary>>> {
    let all = rows()
        .into_iter()
        .map(|row| row.summary)
        .filter(|c| filter.kind.as_deref().is_none_or(|kind| c.kind == kind))
        .collect();
    Page::cut(all, &paging, |c: &ComponentSummary| {
        format!("{}\u{1}{}", c.kind, c.name)
    })
    .map(Json)
}

/// Show a component with its fields and its JSON Schema.
#[utoipa::path(get, path = "/components/{kind}/{name}", tag = "components",
    params(("kind" = String, Path), ("name" = String, Path)),
    responses((status = 200, body = ComponentDetail), (status = 404, body = ErrorBody), (status = "default", body = ErrorBody)))]
async fn read(Path((kind, name)): Path<(String, String)>) -> Result<Json<ComponentDetail>> {
    let row = rows()
        .into_iter()
        .find(|row| row.summary.kind == kind && row.summary.name == name)
        .ok_or_else(|| {
            Error::new(
                StatusCode::NOT_FOUND,
                "not_found",
                format!("there is no {kind} `{name}`"),
            )
        })?;
    let shape = (row.shape)();
    let fields = match &shape {
        Shape::Group(fields) => fields().iter().map(|f| field(f, 0)).collect(),
        _ => Vec::new(),
    };
    Ok(Json(ComponentDetail {
        component: row.summary,
        about: row.about,
        fields,
        schema: schema(&shape, 0),
    }))
}

/// A field as forms and docs need it.
fn field(spec: &FieldSpec, depth: usize) -> Json_ {
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
fn schema(shape: &Shape, depth: usize) -> Json_ {
    match shape {
        Shape::Bool => json!({ "type": ["boolean", "string"] }),
        Shape::Int => json!({ "type": ["integer", "string"] }),
        Shape::Float => json!({ "type": ["number", "string"] }),
        Shape::String | Shape::Interpolated | Shape::Mapping | Shape::Duration | Shape::Secret => {
            json!({ "type": "string" })
        }
        Shape::Choice(choices) => json!({ "enum": choices }),
        Shape::Any => json!({}),
        Shape::List(inner) => json!({ "type": "array", "items": schema(inner, depth + 1) }),
        Shape::Map(inner) => {
            json!({ "type": "object", "additionalProperties": schema(inner, depth + 1) })
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
            let properties: serde_json::Map<String, Json_> = fields
                .iter()
                .map(|f| {
                    let mut property = schema(&f.shape, depth + 1);
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
