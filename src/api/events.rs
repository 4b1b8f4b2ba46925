//! `/api/v1/events`: what was decided, when and why.

use axum::{Json, extract::State};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    Api,
    error::{Error, ErrorBody, Result},
    extract::{Page, Paging, Query},
};
use crate::{
    coordinator::{EventFilter, PlacementEvent},
    ids::{StreamName, WorkerId},
};

pub(super) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(list))
}

#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Filter {
    /// Only those about this stream.
    #[param(value_type = Option<String>)]
    stream: Option<StreamName>,
    /// Only those about this worker.
    #[param(value_type = Option<String>)]
    worker: Option<WorkerId>,
}

/// List placement events and edits, newest first.
#[utoipa::path(get, path = "/events", tag = "events", params(Paging, Filter),
    responses((status = 200, body = Page<PlacementEvent>), (status = "default", body = ErrorBody)))]
async fn list(
    State(api): State<Api>,
    Query(paging): Query<Paging>,
    Query(filter): Query<Filter>,
) -> Result<Json<Page<PlacementEvent>>> {
    let limit = paging.limit()?;
    let before = paging.after().map(str::parse).transpose();
    let before = before
        .map_err(|_| Error::invalid("after must be the `next` of the page before: a number"))?;
    let items = api
        .coordinator
        .events(EventFilter {
            stream: filter.stream,
            worker: filter.worker,
            before,
            limit: limit as u32,
        })
        .await?;
    let is_full = items.len() == limit;
    let next = items
        .last()
        .filter(|_| is_full)
        .map(|event| event.sequence.to_string());
    Ok(Json(Page { items, next }))
}
