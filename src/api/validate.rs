//! `/api/v1/validate`: what is wrong with a config, without defining anything.

use axum::{
    Json,
    extract::{FromRequest, Request},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    Api, draft,
    error::{Error, ErrorBody, Result},
    extract::{is_json, parse_json, text},
};
use crate::config::{Level, Problem};

pub(super) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(validate))
}

/// Something wrong with a config, as the API shows it.
#[derive(ToSchema)]
#[schema(as = Problem)]
#[allow(dead_code)] // Stands for `config::Problem` in the OpenAPI document.
pub struct ProblemSchema {
    /// Counts from 1.
    line: usize,
    /// Counts from 1.
    column: usize,
    /// `error` or `warning`.
    #[schema(example = "error")]
    level: String,
    message: String,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ValidateRequest {
    /// Bento's or Redpanda Connect's YAML.
    config: String,
}

#[derive(Debug, Serialize, ToSchema)]
struct Validation {
    /// Whether a stream of this config would be accepted.
    valid: bool,
    #[schema(value_type = Vec<ProblemSchema>)]
    problems: Vec<Problem>,
}

/// The config to lint, from JSON or from YAML.
struct Posted(String);

impl FromRequest<Api> for Posted {
    type Rejection = Error;

    async fn from_request(request: Request, state: &Api) -> Result<Self> {
        let is_json = is_json(&request);
        let text = text(request, state).await?;
        match is_json {
            true => parse_json(&text).map(|body: ValidateRequest| Posted(body.config)),
            false => Ok(Posted(text)),
        }
    }
}

/// Lint a config.
///
/// Variables that only a worker knows are no errors.
#[utoipa::path(post, path = "/validate", tag = "streams",
    request_body(content((ValidateRequest = "application/json"), (String = "application/yaml"))),
    responses((status = 200, body = Validation), (status = "default", body = ErrorBody)))]
async fn validate(Posted(config): Posted) -> Json<Validation> {
    let problems = draft::lint(&config);
    let valid = problems.iter().all(|p| p.level != Level::Error);
    Json(Validation { valid, problems })
}
