//! `/api/v1/capacity`: how much room there is, what would be with and without some workers, and how many workers there should be.

use std::collections::BTreeMap;

use axum::{Json, extract::State};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    Api,
    error::{Error, ErrorBody, Result},
    extract::Query,
};
use crate::{cluster::capacity, ids::WorkerId};

pub(super) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(read))
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct Wanted {
    /// Workers that are thought away, separated by commas.
    without: Option<String>,
    /// Workers that are thought to be there as well, separated by semicolons: how many, their labels, and the most streams that each
    /// takes, as in `3;2,zone=a,max_streams=4`. A number alone is of workers like most of those that are there.
    with: Option<String>,
}

/// The room of the cluster.
#[derive(Debug, Serialize, ToSchema)]
struct Capacity {
    /// Workers that take streams.
    workers: usize,
    /// How many there should be, for autoscalers; null before the first worker was looked for.
    desired_workers: Option<usize>,
    /// Why so many.
    reason: Option<String>,
    /// Shards that should run.
    shards: usize,
    /// Of these, those that have no worker, or would have none. What came to its end, well or not, needs none.
    waiting: usize,
    /// Batches that workers have read and not yet dealt with.
    backlog: u64,
    /// How many more shards could be taken; null if some worker has no limit.
    free: Option<u64>,
    groups: Vec<Group>,
}

/// Workers with the same labels.
#[derive(Debug, Serialize, ToSchema)]
struct Group {
    labels: BTreeMap<String, String>,
    workers: usize,
    /// How many shards they may have; null if one has no limit.
    slots: Option<u64>,
    used: u64,
    free: Option<u64>,
    /// Cores in use, all in all.
    cpu: f64,
}

impl From<capacity::Group> for Group {
    fn from(of: capacity::Group) -> Self {
        Self {
            labels: of.labels,
            workers: of.workers,
            slots: of.slots,
            used: of.used,
            free: of.free,
            cpu: of.cpu,
        }
    }
}

/// Show how much room there is, or would be with and without some workers, by their labels, and how many workers there should be.
#[utoipa::path(get, path = "/capacity", tag = "cluster", params(Wanted),
    responses((status = 200, body = Capacity), (status = 404, body = ErrorBody), (status = "default", body = ErrorBody)))]
async fn read(State(api): State<Api>, Query(wanted): Query<Wanted>) -> Result<Json<Capacity>> {
    let names = wanted.without.as_deref().unwrap_or_default().split(',');
    let without: std::result::Result<Vec<WorkerId>, _> = names
        .map(str::trim)
        .filter(|name| !name.is_empty())
        .map(WorkerId::new)
        .collect();
    let without = without.map_err(|e| Error::invalid(e.to_string()))?;
    let groups = wanted.with.as_deref().unwrap_or_default().split(';');
    let with: std::result::Result<Vec<capacity::Added>, _> = groups
        .filter(|group| !group.trim().is_empty())
        .map(str::parse)
        .collect();
    let with = with.map_err(Error::invalid)?;
    let (of, advice) = api.coordinator.capacity(without, with).await?;
    Ok(Json(Capacity {
        workers: of.workers,
        desired_workers: advice.as_ref().map(|advice| advice.workers),
        reason: advice.map(|advice| advice.reason),
        shards: of.shards,
        waiting: of.waiting,
        backlog: of.backlog,
        free: of.free,
        groups: of.groups.into_iter().map(Group::from).collect(),
    }))
}
