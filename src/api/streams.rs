//! `/api/v1/streams`: what shall run, and how it goes.

use axum::{
    Json,
    extract::{FromRequest, Request, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    Api,
    draft::{self, Checked},
    error::{Error, ErrorBody, Result},
    extract::{Body, Conditions, Page, Paging, Path, Query, is_json, parse_json, text},
    validate::ProblemSchema,
};
use crate::{
    cluster::{Desired, OnPartition, Shards},
    config::Problem,
    coordinator::{self, Patch, RevisionInfo, StreamState, StreamStatus},
    ids::{Revision, StreamName},
};

pub(super) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(read, replace, patch, delete))
        .routes(routes!(pause))
        .routes(routes!(resume))
        .routes(routes!(restart))
        .routes(routes!(roll_back))
        .routes(routes!(revisions))
        .routes(routes!(revision))
}

/// Every state, for metrics.
pub(super) const STATES: &[StreamState] = &[
    StreamState::Pending,
    StreamState::Running,
    StreamState::Degraded,
    StreamState::Failing,
    StreamState::Failed,
    StreamState::Completed,
    StreamState::Paused,
    StreamState::Deleting,
];

/// A stream as somebody wants it. What is said here beside the config counts more than what the config says.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewStream {
    /// Its name; else the config's `name`.
    name: Option<StreamName>,
    /// Bento's or Redpanda Connect's YAML.
    #[schema(
        example = "input:\n  generate:\n    mapping: root.id = uuid_v4()\noutput:\n  stdout: {}\n"
    )]
    config: String,
    /// How many instances run: a number, or a range such as `{"min": 1, "max": 8}` within which the number follows the backlog.
    shards: Option<Shards>,
    /// Labels that a worker must have.
    requires: Option<BTreeMap<String, String>>,
    /// Labels that make a worker the better choice.
    prefers: Option<BTreeMap<String, String>>,
    /// Whether two instances at once do no harm, so that a move starts the new one first.
    stateless: Option<bool>,
    on_partition: Option<OnPartition>,
    /// Define it without running it.
    #[serde(default)]
    paused: bool,
}

/// What changes of a stream; what is left out stays.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StreamPatch {
    config: Option<String>,
    shards: Option<Shards>,
    requires: Option<BTreeMap<String, String>>,
    prefers: Option<BTreeMap<String, String>>,
    stateless: Option<bool>,
    on_partition: Option<OnPartition>,
    paused: Option<bool>,
}

/// A stream with what it is defined as.
#[derive(Debug, Serialize, ToSchema)]
pub struct StreamDetail {
    #[serde(flatten)]
    status: StreamStatus,
    /// Its config as it was given.
    config: String,
}

/// A stream after a change.
#[derive(Debug, Serialize, ToSchema)]
pub struct StreamChange {
    #[serde(flatten)]
    status: StreamStatus,
    /// `created`, `replaced` or `unchanged`.
    outcome: &'static str,
    /// Warnings about the config.
    #[schema(value_type = Vec<ProblemSchema>)]
    problems: Vec<Problem>,
}

#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct ListQuery {
    /// Only those in this state.
    #[param(value_type = Option<StreamState>)]
    state: Option<String>,
}

#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct DefineQuery {
    /// The stream's name, for a body of YAML.
    #[param(value_type = Option<String>)]
    name: Option<StreamName>,
    /// Define it without running it, for a body of YAML.
    #[serde(default)]
    paused: bool,
}

#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct RollBack {
    /// Which revision to go back to.
    revision: Revision,
}

/// A new or whole stream, from JSON ([`NewStream`]) or from YAML (the config alone).
struct Definition(NewStream);

impl FromRequest<Api> for Definition {
    type Rejection = Error;

    async fn from_request(request: Request, state: &Api) -> Result<Self> {
        let is_json = is_json(&request);
        let query = request.uri().query().unwrap_or_default().to_owned();
        let text = text(request, state).await?;
        if is_json {
            return parse_json(&text).map(Definition);
        }
        let query: axum::extract::Query<DefineQuery> = axum::extract::Query::try_from_uri(
            &format!("/?{query}")
                .parse()
                .map_err(|_| Error::invalid("the query can't be read"))?,
        )?;
        Ok(Definition(NewStream {
            name: query.name.clone(),
            config: text,
            shards: None,
            requires: None,
            prefers: None,
            stateless: None,
            on_partition: None,
            paused: query.paused,
        }))
    }
}

impl NewStream {
    /// Lints the config; gives its name and the draft, with warnings.
    fn check(self) -> Result<(Option<StreamName>, Checked)> {
        let mut checked = draft::check(&self.config)?;
        let draft = &mut checked.draft;
        draft.paused = self.paused;
        draft.shards = self.shards.unwrap_or(draft.shards);
        draft.stateless = self.stateless.unwrap_or(draft.stateless);
        draft.on_partition = self.on_partition.unwrap_or(draft.on_partition);
        if let Some(requires) = self.requires {
            draft.requires = requires;
        }
        if let Some(prefers) = self.prefers {
            draft.prefers = prefers;
        }
        let name = match self.name {
            Some(name) => Some(name),
            None => checked.name.clone(),
        };
        Ok((name, checked))
    }
}

/// A stream's status with its revision as the ETag.
fn tagged(status: StatusCode, revision: Revision, body: impl Serialize) -> Response {
    let mut headers = HeaderMap::new();
    let tag = HeaderValue::from_str(&format!("\"{revision}\""))
        .expect("a quoted number is a header's value");
    headers.insert(header::ETAG, tag);
    (status, headers, Json(body)).into_response()
}

fn shown(status: StreamStatus) -> Response {
    tagged(StatusCode::OK, status.revision, status)
}

/// List streams, by name.
#[utoipa::path(get, path = "/streams", tag = "streams", params(Paging, ListQuery),
    responses((status = 200, body = Page<StreamStatus>), (status = "default", body = ErrorBody)))]
async fn list(
    State(api): State<Api>,
    Query(paging): Query<Paging>,
    Query(query): Query<ListQuery>,
) -> Result<Json<Page<StreamStatus>>> {
    let mut all = api.coordinator.streams().await?;
    if let Some(state) = &query.state {
        all.retain(|stream| stream.state.as_str() == state);
    }
    Page::cut(all, &paging, |stream| stream.name.to_string()).map(Json)
}

/// Define a stream.
///
/// The body is a config as YAML, named by `?name=` or its own `name`, or JSON with the config as text in it.
#[utoipa::path(post, path = "/streams", tag = "streams", params(DefineQuery),
    request_body(content((NewStream = "application/json"), (String = "application/yaml"))),
    responses((status = 201, body = StreamChange), (status = 409, body = ErrorBody), (status = 422, body = ErrorBody),
        (status = "default", body = ErrorBody)))]
async fn create(State(api): State<Api>, Definition(new): Definition) -> Result<Response> {
    let (name, checked) = new.check()?;
    let name = name.ok_or_else(|| Error::invalid("the stream has no name: give it as ?name=, as \"name\" beside \"config\", or as `name:` in the config"))?;
    let status = api
        .coordinator
        .create_stream(name.clone(), checked.draft)
        .await?;
    let body = StreamChange {
        outcome: "created",
        problems: checked.warnings,
        status,
    };
    let mut response = tagged(StatusCode::CREATED, body.status.revision, &body);
    let location = HeaderValue::from_str(&format!("/api/v1/streams/{name}"));
    response.headers_mut().insert(
        header::LOCATION,
        location.expect("a stream's name has no character that a path lacks"),
    );
    Ok(response)
}

/// Show a stream.
#[utoipa::path(get, path = "/streams/{name}", tag = "streams", params(("name" = String, Path)),
    responses((status = 200, body = StreamDetail), (status = 404, body = ErrorBody), (status = "default", body = ErrorBody)))]
async fn read(State(api): State<Api>, Path(name): Path<StreamName>) -> Result<Response> {
    let status = api.coordinator.stream(name.clone()).await?;
    let config = api
        .coordinator
        .definition(name, Some(status.revision))
        .await?
        .config;
    Ok(tagged(
        StatusCode::OK,
        status.revision,
        StreamDetail { status, config },
    ))
}

/// Define or replace a stream.
///
/// A definition that is the same as the current one changes nothing. `If-Match` with a stream's ETag makes sure that nobody
/// else changed it meanwhile, `If-None-Match: *` that it is new.
#[utoipa::path(put, path = "/streams/{name}", tag = "streams", params(("name" = String, Path), DefineQuery),
    request_body(content((NewStream = "application/json"), (String = "application/yaml"))),
    responses((status = 200, body = StreamChange), (status = 201, body = StreamChange), (status = 412, body = ErrorBody),
        (status = 422, body = ErrorBody), (status = "default", body = ErrorBody)))]
async fn replace(
    State(api): State<Api>,
    Path(name): Path<StreamName>,
    conditions: Conditions,
    Definition(new): Definition,
) -> Result<Response> {
    if let Some(other) = new.name.as_ref().filter(|other| **other != name) {
        return Err(Error::invalid(format!(
            "the body names the stream `{other}`, the path `{name}`"
        )));
    }
    let (_, checked) = new.check()?;
    let before = match api.coordinator.stream(name.clone()).await {
        Ok(status) => Some(status),
        Err(coordinator::Error::NotFound { .. }) if conditions.exists => {
            return Err(Error::precondition(format!(
                "there is no stream `{name}` to replace"
            )));
        }
        Err(coordinator::Error::NotFound { .. }) => None,
        Err(error) => return Err(error.into()),
    };
    let (status, created) = if conditions.is_new {
        match api.coordinator.create_stream(name, checked.draft).await {
            Err(error @ coordinator::Error::Exists { .. }) => {
                return Err(Error::precondition(error.to_string()));
            }
            result => (result?, true),
        }
    } else {
        api.coordinator
            .put_stream(name, checked.draft, conditions.revision)
            .await?
    };
    let same = before.is_some_and(|b| b.revision == status.revision && b.desired == status.desired);
    let (code, outcome) = match (created, same) {
        (true, _) => (StatusCode::CREATED, "created"),
        (false, true) => (StatusCode::OK, "unchanged"),
        (false, false) => (StatusCode::OK, "replaced"),
    };
    let body = StreamChange {
        outcome,
        problems: checked.warnings,
        status,
    };
    Ok(tagged(code, body.status.revision, &body))
}

/// Change some of a stream.
#[utoipa::path(patch, path = "/streams/{name}", tag = "streams", params(("name" = String, Path)), request_body = StreamPatch,
    responses((status = 200, body = StreamStatus), (status = 404, body = ErrorBody), (status = 412, body = ErrorBody),
        (status = 422, body = ErrorBody), (status = "default", body = ErrorBody)))]
async fn patch(
    State(api): State<Api>,
    Path(name): Path<StreamName>,
    conditions: Conditions,
    Body(patch): Body<StreamPatch>,
) -> Result<Response> {
    let mut change = Patch {
        config: None,
        shards: patch.shards,
        requires: patch.requires,
        prefers: patch.prefers,
        stateless: patch.stateless,
        on_partition: patch.on_partition,
        paused: patch.paused,
    };
    if let Some(config) = patch.config {
        // What a new config says of placement holds, as it would in a new stream.
        let draft = draft::check(&config)?.draft;
        change.shards = change.shards.or(Some(draft.shards));
        change.requires = change.requires.or(Some(draft.requires));
        change.prefers = change.prefers.or(Some(draft.prefers));
        change.stateless = change.stateless.or(Some(draft.stateless));
        change.on_partition = change.on_partition.or(Some(draft.on_partition));
        change.config = Some(config);
    }
    Ok(shown(
        api.coordinator
            .patch_stream(name, change, conditions.revision)
            .await?,
    ))
}

/// Stop a stream and forget it. It is gone when what it was doing is finished; until then its state is `deleting`.
#[utoipa::path(delete, path = "/streams/{name}", tag = "streams", params(("name" = String, Path)),
    responses((status = 202, description = "It is being deleted"), (status = 404, body = ErrorBody), (status = 412, body = ErrorBody),
        (status = "default", body = ErrorBody)))]
async fn delete(
    State(api): State<Api>,
    Path(name): Path<StreamName>,
    conditions: Conditions,
) -> Result<Response> {
    api.coordinator
        .delete_stream(name.clone(), conditions.revision)
        .await?;
    let body = serde_json::json!({ "name": name, "state": Desired::Deleted });
    Ok((StatusCode::ACCEPTED, Json(body)).into_response())
}

/// Stop a stream and keep it defined.
#[utoipa::path(post, path = "/streams/{name}/pause", tag = "streams", params(("name" = String, Path)),
    responses((status = 200, body = StreamStatus), (status = 404, body = ErrorBody), (status = "default", body = ErrorBody)))]
async fn pause(
    State(api): State<Api>,
    Path(name): Path<StreamName>,
    conditions: Conditions,
) -> Result<Response> {
    Ok(shown(
        api.coordinator
            .pause_stream(name, conditions.revision)
            .await?,
    ))
}

/// Run a paused stream again.
#[utoipa::path(post, path = "/streams/{name}/resume", tag = "streams", params(("name" = String, Path)),
    responses((status = 200, body = StreamStatus), (status = 404, body = ErrorBody), (status = "default", body = ErrorBody)))]
async fn resume(
    State(api): State<Api>,
    Path(name): Path<StreamName>,
    conditions: Conditions,
) -> Result<Response> {
    Ok(shown(
        api.coordinator
            .resume_stream(name, conditions.revision)
            .await?,
    ))
}

/// Stop a stream and start it anew, one too that failed or completed.
#[utoipa::path(post, path = "/streams/{name}/restart", tag = "streams", params(("name" = String, Path)),
    responses((status = 200, body = StreamStatus), (status = 404, body = ErrorBody), (status = "default", body = ErrorBody)))]
async fn restart(
    State(api): State<Api>,
    Path(name): Path<StreamName>,
    conditions: Conditions,
) -> Result<Response> {
    Ok(shown(
        api.coordinator
            .restart_stream(name, conditions.revision)
            .await?,
    ))
}

/// Make an old revision of a stream the current one, as a new revision.
#[utoipa::path(post, path = "/streams/{name}/rollback", tag = "streams", params(("name" = String, Path)), request_body = RollBack,
    responses((status = 200, body = StreamStatus), (status = 404, body = ErrorBody), (status = 412, body = ErrorBody),
        (status = "default", body = ErrorBody)))]
async fn roll_back(
    State(api): State<Api>,
    Path(name): Path<StreamName>,
    conditions: Conditions,
    Body(to): Body<RollBack>,
) -> Result<Response> {
    Ok(shown(
        api.coordinator
            .roll_back_stream(name, to.revision, conditions.revision)
            .await?,
    ))
}

/// List the revisions that are kept of a stream, newest first.
#[utoipa::path(get, path = "/streams/{name}/revisions", tag = "streams", params(("name" = String, Path)),
    responses((status = 200, body = Page<RevisionInfo>), (status = 404, body = ErrorBody), (status = "default", body = ErrorBody)))]
async fn revisions(
    State(api): State<Api>,
    Path(name): Path<StreamName>,
) -> Result<Json<Page<RevisionInfo>>> {
    let items = api.coordinator.revisions(name).await?;
    Ok(Json(Page { items, next: None }))
}

/// Show a stream as it was defined at a revision.
#[utoipa::path(get, path = "/streams/{name}/revisions/{revision}", tag = "streams",
    params(("name" = String, Path), ("revision" = u64, Path)),
    responses((status = 200, body = coordinator::Definition), (status = 404, body = ErrorBody), (status = "default", body = ErrorBody)))]
async fn revision(
    State(api): State<Api>,
    Path((name, revision)): Path<(StreamName, Revision)>,
) -> Result<Json<coordinator::Definition>> {
    Ok(Json(
        api.coordinator.definition(name, Some(revision)).await?,
    ))
}
