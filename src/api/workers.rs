//! `/api/v1/workers`: who runs the streams.

use axum::{Json, extract::State, http::StatusCode};
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    Api,
    error::{ErrorBody, Result},
    extract::{Body, Page, Paging, Path, Query},
};
use crate::{coordinator::WorkerStatus, ids::WorkerId};

pub(super) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(read, forget))
        .routes(routes!(drain))
        .routes(routes!(undrain))
}

#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct DrainRequest {
    /// Why, for those who look.
    reason: Option<String>,
}

/// List workers, by id.
#[utoipa::path(get, path = "/workers", tag = "workers", params(Paging),
    responses((status = 200, body = Page<WorkerStatus>), (status = "default", body = ErrorBody)))]
async fn list(
    State(api): State<Api>,
    Query(paging): Query<Paging>,
) -> Result<Json<Page<WorkerStatus>>> {
    let all = api.coordinator.workers().await?;
    Page::cut(all, &paging, |worker| worker.id.to_string()).map(Json)
}

/// Show a worker.
#[utoipa::path(get, path = "/workers/{id}", tag = "workers", params(("id" = String, Path)),
    responses((status = 200, body = WorkerStatus), (status = 404, body = ErrorBody), (status = "default", body = ErrorBody)))]
async fn read(State(api): State<Api>, Path(id): Path<WorkerId>) -> Result<Json<WorkerStatus>> {
    Ok(Json(api.coordinator.worker(id).await?))
}

/// Hand over what a worker runs and give it nothing new, until it is undrained.
#[utoipa::path(post, path = "/workers/{id}/drain", tag = "workers", params(("id" = String, Path)),
    request_body = Option<DrainRequest>,
    responses((status = 200, body = WorkerStatus), (status = 404, body = ErrorBody), (status = "default", body = ErrorBody)))]
async fn drain(
    State(api): State<Api>,
    Path(id): Path<WorkerId>,
    Body(request): Body<DrainRequest>,
) -> Result<Json<WorkerStatus>> {
    let reason = request
        .reason
        .unwrap_or_else(|| "asked for over the API".into());
    Ok(Json(api.coordinator.drain_worker(id, reason).await?))
}

/// Let a drained worker take streams again.
#[utoipa::path(post, path = "/workers/{id}/undrain", tag = "workers", params(("id" = String, Path)),
    responses((status = 200, body = WorkerStatus), (status = 404, body = ErrorBody), (status = "default", body = ErrorBody)))]
async fn undrain(State(api): State<Api>, Path(id): Path<WorkerId>) -> Result<Json<WorkerStatus>> {
    Ok(Json(api.coordinator.undrain_worker(id).await?))
}

/// Remove the record of a worker that is gone.
#[utoipa::path(delete, path = "/workers/{id}", tag = "workers", params(("id" = String, Path)),
    responses((status = 204, description = "It is forgotten"), (status = 404, body = ErrorBody), (status = 409, body = ErrorBody),
        (status = "default", body = ErrorBody)))]
async fn forget(State(api): State<Api>, Path(id): Path<WorkerId>) -> Result<StatusCode> {
    api.coordinator.forget_worker(id).await?;
    Ok(StatusCode::NO_CONTENT)
}
