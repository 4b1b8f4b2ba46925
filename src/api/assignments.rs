//! `/api/v1/assignments`: who acts for what.

use axum::{Json, extract::State};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    Api,
    error::{ErrorBody, Result},
    extract::{Page, Paging, Query},
};
use crate::{
    coordinator::AssignmentStatus,
    ids::{StreamName, WorkerId},
};

pub(super) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(list))
}

#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Filter {
    /// Only those of this stream.
    #[param(value_type = Option<String>)]
    stream: Option<StreamName>,
    /// Only those of this worker.
    #[param(value_type = Option<String>)]
    worker: Option<WorkerId>,
}

/// List everything that a worker may be acting for, by stream, shard and epoch.
#[utoipa::path(get, path = "/assignments", tag = "workers", params(Paging, Filter),
    responses((status = 200, body = Page<AssignmentStatus>), (status = "default", body = ErrorBody)))]
async fn list(
    State(api): State<Api>,
    Query(paging): Query<Paging>,
    Query(filter): Query<Filter>,
) -> Result<Json<Page<AssignmentStatus>>> {
    let mut all = api.coordinator.assignments().await?;
    all.retain(|a| {
        filter
            .stream
            .as_ref()
            .is_none_or(|stream| a.stream == *stream)
            && filter
                .worker
                .as_ref()
                .is_none_or(|worker| a.worker == *worker)
    });
    // `/` sorts before every character of a name but `-` and `.`, so the list is put in the order of its keys.
    let key =
        |a: &AssignmentStatus| format!("{}/{:010}/{:020}", a.stream, a.shard.get(), a.epoch.get());
    all.sort_by_cached_key(key);
    Page::cut(all, &paging, key).map(Json)
}
