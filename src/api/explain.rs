//! `/api/v1/streams/{id}/explain` and `/api/v1/plan`: why something is where it is, and what a change would move.

use axum::{Json, extract::State};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    Api, draft,
    error::{Error, ErrorBody, Result},
    extract::{Body, Path},
};
use crate::{
    cluster::{
        Desired, Stream,
        explain::{Explanation, Hold, ShardExplanation},
        foresee::{Change, Forecast},
    },
    coordinator::rfc3339,
    ids::{StreamName, WorkerId},
};

/// Changes that may be asked about in one request.
const MAX_CHANGES: usize = 1_000;

pub(super) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(explain))
        .routes(routes!(plan))
}

/// Why a stream is where it is.
#[derive(Debug, Serialize, ToSchema)]
struct StreamExplanation {
    stream: String,
    desired: Desired,
    revision: u64,
    /// The answer in one sentence.
    summary: String,
    /// Why nothing is moved for balance, if somebody froze that.
    frozen: Option<String>,
    shards: Vec<ExplainedShard>,
}

#[derive(Debug, Serialize, ToSchema)]
struct ExplainedShard {
    shard: u32,
    /// What holds it.
    hold: Hold,
    reason: String,
    since: Option<String>,
    /// When it ends by itself.
    until: Option<String>,
    worker: Option<String>,
    epoch: Option<u64>,
    /// What was tried.
    tried: Vec<String>,
    /// What would help.
    help: Vec<String>,
}

impl From<ShardExplanation> for ExplainedShard {
    fn from(of: ShardExplanation) -> Self {
        Self {
            shard: of.shard,
            hold: of.hold,
            reason: of.reason,
            since: of.since.map(rfc3339),
            until: of.until.map(rfc3339),
            worker: of.worker.map(|id| id.to_string()),
            epoch: of.epoch.map(|epoch| epoch.get()),
            tried: of.tried,
            help: of.help,
        }
    }
}

impl From<Explanation> for StreamExplanation {
    fn from(of: Explanation) -> Self {
        Self {
            stream: of.stream.to_string(),
            desired: of.desired,
            revision: of.revision.get(),
            summary: of.summary,
            frozen: of.frozen,
            shards: of.shards.into_iter().map(Into::into).collect(),
        }
    }
}

/// Explain what holds a stream, since when, what was tried, and what would help.
#[utoipa::path(get, path = "/streams/{id}/explain", tag = "streams", params(("id" = String, Path)),
    responses((status = 200, body = StreamExplanation), (status = 404, body = ErrorBody), (status = "default", body = ErrorBody)))]
async fn explain(
    State(api): State<Api>,
    Path(name): Path<StreamName>,
) -> Result<Json<StreamExplanation>> {
    Ok(Json(api.coordinator.explain(name).await?.into()))
}

/// Changes that are thought of, all at once.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
struct PlanRequest {
    /// Streams that would be defined or replaced.
    apply: Vec<PlannedStream>,
    /// Workers that would be drained.
    #[schema(value_type = Vec<String>)]
    drain: Vec<WorkerId>,
    /// Workers whose processes would die.
    #[schema(value_type = Vec<String>)]
    lose: Vec<WorkerId>,
}

#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct PlannedStream {
    #[schema(value_type = String)]
    name: StreamName,
    /// Its config, YAML in Bento's format.
    config: String,
}

/// What would move.
#[derive(Debug, Serialize, ToSchema)]
struct PlanAnswer {
    /// The state of the cluster that this was computed from: it is another one as soon as streams, workers or placement change.
    generation: String,
    moves: Vec<PlannedMove>,
    /// How many shards stay where they are.
    stay: usize,
    /// Whether the cluster would come to rest.
    settled: bool,
}

#[derive(Debug, Serialize, ToSchema)]
struct PlannedMove {
    stream: String,
    shard: u32,
    from: Option<String>,
    /// Null: nobody could take it.
    to: Option<String>,
    why: String,
}

impl From<Forecast> for PlanAnswer {
    fn from(of: Forecast) -> Self {
        let moves = of.moves.into_iter().map(|m| PlannedMove {
            stream: m.shard.stream.to_string(),
            shard: m.shard.shard.get(),
            from: m.from.map(|id| id.to_string()),
            to: m.to.map(|id| id.to_string()),
            why: m.why,
        });
        Self {
            generation: of.generation,
            moves: moves.collect(),
            stay: of.stay,
            settled: of.settled,
        }
    }
}

/// Show what changes would move, without making them.
#[utoipa::path(post, path = "/plan", tag = "cluster", request_body = PlanRequest,
    responses((status = 200, body = PlanAnswer), (status = 404, body = ErrorBody), (status = "default", body = ErrorBody)))]
async fn plan(
    State(api): State<Api>,
    Body(request): Body<PlanRequest>,
) -> Result<Json<PlanAnswer>> {
    let count = request.apply.len() + request.drain.len() + request.lose.len();
    if count > MAX_CHANGES {
        let message =
            format!("{count} changes are asked about at once, at most {MAX_CHANGES} can be");
        return Err(Error::invalid(message));
    }
    let mut changes = Vec::with_capacity(count);
    for planned in request.apply {
        let draft = draft::check(&planned.config)?.draft;
        changes.push(Change::Apply(Stream {
            shards: draft.shards,
            requires: draft.requires,
            prefers: draft.prefers,
            stateless: draft.stateless,
            on_partition: draft.on_partition,
            ..Stream::new(planned.name)
        }));
    }
    changes.extend(request.drain.into_iter().map(Change::Drain));
    changes.extend(request.lose.into_iter().map(Change::Lose));
    Ok(Json(api.coordinator.foresee(changes).await?.into()))
}
