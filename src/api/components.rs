//! `/api/v1/components`: what configs may be made of, as the components' own declarations say.

use axum::{Json, http::StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json_;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    Api,
    error::{Error, ErrorBody, Result},
    extract::{Page, Paging, Path, Query},
};
use crate::component::{
    Status,
    describe::{self, Described},
};

pub(super) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(read))
}

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

impl From<&Described> for ComponentSummary {
    fn from(described: &Described) -> ComponentSummary {
        ComponentSummary {
            kind: described.kind,
            name: described.name,
            status: described.status,
            summary: described.summary(),
        }
    }
}

/// List components, by kind and name.
#[utoipa::path(get, path = "/components", tag = "components", params(Paging, Filter),
    responses((status = 200, body = Page<ComponentSummary>), (status = "default", body = ErrorBody)))]
async fn list(
    Query(paging): Query<Paging>,
    Query(filter): Query<Filter>,
) -> Result<Json<Page<ComponentSummary>>> {
    let all = describe::all()
        .iter()
        .map(ComponentSummary::from)
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
    let found = describe::all()
        .into_iter()
        .find(|described| described.kind == kind && described.name == name)
        .ok_or_else(|| {
            Error::new(
                StatusCode::NOT_FOUND,
                "not_found",
                format!("there is no {kind} `{name}`"),
            )
        })?;
    Ok(Json(ComponentDetail {
        component: ComponentSummary::from(&found),
        about: found.about,
        fields: found.fields(),
        schema: found.schema(),
    }))
}
