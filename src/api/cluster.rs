//! `/api/v1/cluster`: the coordinator itself, and the freeze.

use axum::{Json, extract::State};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    Api,
    error::{ErrorBody, Result},
    extract::Body,
};
use crate::coordinator::Role;

pub(super) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(read))
        .routes(routes!(freeze))
        .routes(routes!(unfreeze))
}

/// The coordinator that answers.
#[derive(Debug, Serialize, ToSchema)]
struct ClusterStatus {
    version: &'static str,
    /// `starting`, `leading`, `following` or `stopped`.
    role: &'static str,
    reason: String,
    /// Which rule of a coordinator this is.
    term: Option<u64>,
    /// Why nothing is moved for balance, if somebody froze that.
    frozen: Option<String>,
    strategy: String,
    heartbeat_ms: u64,
    lease_ms: u64,
}

#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct FreezeRequest {
    /// Why, for those who look.
    reason: Option<String>,
}

/// Show the coordinator that answers.
#[utoipa::path(get, path = "/cluster", tag = "cluster",
    responses((status = 200, body = ClusterStatus), (status = "default", body = ErrorBody)))]
async fn read(State(api): State<Api>) -> Result<Json<ClusterStatus>> {
    status(&api).await.map(Json)
}

/// Move nothing for balance and recycle no worker until it is lifted. Failures are still dealt with.
#[utoipa::path(post, path = "/cluster/freeze", tag = "cluster", request_body = Option<FreezeRequest>,
    responses((status = 200, body = ClusterStatus), (status = "default", body = ErrorBody)))]
async fn freeze(
    State(api): State<Api>,
    Body(request): Body<FreezeRequest>,
) -> Result<Json<ClusterStatus>> {
    let reason = request
        .reason
        .unwrap_or_else(|| "asked for over the API".into());
    api.coordinator.freeze(reason).await?;
    status(&api).await.map(Json)
}

/// Lift the freeze.
#[utoipa::path(post, path = "/cluster/unfreeze", tag = "cluster",
    responses((status = 200, body = ClusterStatus), (status = "default", body = ErrorBody)))]
async fn unfreeze(State(api): State<Api>) -> Result<Json<ClusterStatus>> {
    api.coordinator.unfreeze().await?;
    status(&api).await.map(Json)
}

async fn status(api: &Api) -> Result<ClusterStatus> {
    let policy = api.coordinator.policy();
    let (role, term) = match api.coordinator.role() {
        Role::Starting => ("starting", None),
        Role::Leading { term } => ("leading", Some(term.get())),
        Role::Following { .. } => ("following", None),
        Role::Stopped => ("stopped", None),
    };
    Ok(ClusterStatus {
        version: env!("CARGO_PKG_VERSION"),
        role,
        reason: api.coordinator.readiness().await.reason,
        term,
        frozen: api.coordinator.view().await?.frozen,
        strategy: policy.strategy.clone(),
        heartbeat_ms: policy.heartbeat_ms,
        lease_ms: policy.lease_ms,
    })
}
