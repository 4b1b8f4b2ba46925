//! `/api/v1/streams/{id}/explain`, `/api/v1/plan` and `/api/v1/apply`: why something is where it is, what changes would move, and
//! the same changes made.

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
    config::Problem,
    coordinator::rfc3339,
    ids::{StreamName, WorkerId},
};

/// Changes that may be in one request.
const MAX_CHANGES: usize = 1_000;

pub(super) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(explain))
        .routes(routes!(plan))
        .routes(routes!(apply))
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
    /// How the number of shards is found; null if it is fixed.
    scaling: Option<String>,
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
            scaling: of.scaling,
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
    count(request.apply.len() + request.drain.len() + request.lose.len())?;
    let mut changes = Vec::new();
    for planned in request.apply {
        let draft = draft::check(&planned.config)?.draft;
        changes.push(Change::Apply(Stream {
            shards: draft.shards.min(),
            range: draft.shards.range(),
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

/// Changes to make, all or none.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
struct ApplyRequest {
    /// The generation that a plan named: nothing is changed if the cluster is at another one by now.
    generation: Option<String>,
    /// Streams to define or replace.
    apply: Vec<PlannedStream>,
    /// Whether streams are only defined, and not run.
    paused: bool,
    /// Workers to drain.
    #[schema(value_type = Vec<String>)]
    drain: Vec<WorkerId>,
    /// Why the workers are drained.
    reason: Option<String>,
}

/// What was changed.
#[derive(Debug, Serialize, ToSchema)]
struct ApplyAnswer {
    streams: Vec<AppliedStream>,
    #[schema(value_type = Vec<String>)]
    drained: Vec<WorkerId>,
}

#[derive(Debug, Serialize, ToSchema)]
struct AppliedStream {
    name: String,
    revision: u64,
    /// What might be wrong with its config.
    #[schema(value_type = Vec<super::validate::ProblemSchema>)]
    problems: Vec<Problem>,
}

/// Make changes, all or none; with the generation of a plan, only if nothing has changed since.
#[utoipa::path(post, path = "/apply", tag = "cluster", request_body = ApplyRequest,
    responses((status = 200, body = ApplyAnswer), (status = 404, body = ErrorBody), (status = 409, body = ErrorBody), (status = "default", body = ErrorBody)))]
async fn apply(
    State(api): State<Api>,
    Body(request): Body<ApplyRequest>,
) -> Result<Json<ApplyAnswer>> {
    count(request.apply.len() + request.drain.len())?;
    let (mut streams, mut warnings) = (Vec::new(), Vec::new());
    for stream in request.apply {
        let mut checked = draft::check(&stream.config)?;
        checked.draft.paused = request.paused;
        warnings.push((stream.name.clone(), checked.warnings));
        streams.push((stream.name, checked.draft));
    }
    let reason = request.reason.unwrap_or_else(|| "asked for".to_owned());
    let drain = request.drain.iter().map(|id| (id.clone(), reason.clone()));
    api.coordinator
        .apply(streams, drain.collect(), request.generation)
        .await?;
    let mut streams = Vec::with_capacity(warnings.len());
    for (name, problems) in warnings {
        let status = api.coordinator.stream(name.clone()).await?;
        streams.push(AppliedStream {
            name: name.to_string(),
            revision: status.revision.get(),
            problems,
        });
    }
    Ok(Json(ApplyAnswer {
        streams,
        drained: request.drain,
    }))
}

fn count(changes: usize) -> Result<()> {
    match changes > MAX_CHANGES {
        true => Err(Error::invalid(format!(
            "there are {changes} changes in the request, at most {MAX_CHANGES} can be"
        ))),
        false => Ok(()),
    }
}
