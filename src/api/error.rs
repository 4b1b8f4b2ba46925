//! The one shape of an error: `{"error": {"code", "message", "problems": [{"line", "column", "level", "message"}]}}`.

use axum::{
    Json,
    extract::rejection::{JsonRejection, PathRejection, QueryRejection},
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{config::Problem, coordinator};

/// What an error answer holds.
#[derive(Debug, Serialize, ToSchema)]
pub struct ErrorBody {
    error: ErrorDetail,
}

#[derive(Debug, Serialize, ToSchema)]
struct ErrorDetail {
    /// For programs: `not_found`, `exists`, `changed`, `invalid`, `invalid_config`, `refused`, `unavailable`, …
    #[schema(example = "invalid_config")]
    code: &'static str,
    /// For people: what is wrong and what to do.
    message: String,
    /// What is wrong with a config, each with its place.
    #[schema(value_type = Vec<super::validate::ProblemSchema>)]
    problems: Vec<Problem>,
}

/// An error on its way out.
#[derive(Debug)]
pub struct Error {
    status: StatusCode,
    code: &'static str,
    message: String,
    problems: Vec<Problem>,
}

pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    pub fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Error {
        Error {
            status,
            code,
            message: message.into(),
            problems: Vec::new(),
        }
    }

    pub fn message(&self) -> &str {
        &self.message
    }

    /// A request that makes no sense.
    pub fn invalid(message: impl Into<String>) -> Error {
        Error::new(StatusCode::BAD_REQUEST, "invalid", message)
    }

    /// A config with errors.
    pub fn config(problems: Vec<Problem>) -> Error {
        let errors = problems
            .iter()
            .filter(|p| p.level == crate::config::Level::Error);
        let message = match (errors.clone().next(), errors.count()) {
            (Some(first), 1) => format!(
                "the config has an error at {}: {}",
                first.place, first.message
            ),
            (Some(first), n) => {
                format!(
                    "the config has {n} errors, the first at {}: {}",
                    first.place, first.message
                )
            }
            (None, _) => "the config can't be read".to_owned(),
        };
        Error {
            problems,
            ..Error::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid_config", message)
        }
    }

    /// A condition (`If-Match`, `If-None-Match`) that doesn't hold.
    pub fn precondition(message: impl Into<String>) -> Error {
        Error::new(StatusCode::PRECONDITION_FAILED, "changed", message)
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let body = ErrorBody {
            error: ErrorDetail {
                code: self.code,
                message: self.message,
                problems: self.problems,
            },
        };
        let mut response = (self.status, Json(body)).into_response();
        if self.status == StatusCode::SERVICE_UNAVAILABLE {
            let headers = response.headers_mut();
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response
    }
}

impl From<coordinator::Error> for Error {
    fn from(error: coordinator::Error) -> Error {
        use coordinator::Error as E;
        let (status, code) = match &error {
            E::NotLeading { .. } => (StatusCode::SERVICE_UNAVAILABLE, "not_leading"),
            E::NotFound { .. } => (StatusCode::NOT_FOUND, "not_found"),
            E::Exists { .. } => (StatusCode::CONFLICT, "exists"),
            E::Changed { .. } => (StatusCode::PRECONDITION_FAILED, "changed"),
            E::Outdated { .. } => (StatusCode::CONFLICT, "outdated"),
            E::Invalid(_) => (StatusCode::BAD_REQUEST, "invalid"),
            E::Refused(_) => (StatusCode::CONFLICT, "refused"),
            E::Unavailable(_) => (StatusCode::SERVICE_UNAVAILABLE, "unavailable"),
            E::Store(_) => (StatusCode::INTERNAL_SERVER_ERROR, "store"),
        };
        if status == StatusCode::INTERNAL_SERVER_ERROR {
            tracing::error!(%error, "a request failed");
        }
        Error::new(status, code, error.to_string())
    }
}

impl From<JsonRejection> for Error {
    fn from(rejection: JsonRejection) -> Error {
        let code = match rejection.status() {
            StatusCode::PAYLOAD_TOO_LARGE => "too_large",
            StatusCode::UNSUPPORTED_MEDIA_TYPE => "unsupported_media_type",
            _ => "invalid",
        };
        Error::new(rejection.status(), code, rejection.body_text())
    }
}

impl From<PathRejection> for Error {
    fn from(rejection: PathRejection) -> Error {
        Error::invalid(rejection.body_text())
    }
}

impl From<QueryRejection> for Error {
    fn from(rejection: QueryRejection) -> Error {
        Error::invalid(rejection.body_text())
    }
}
