//! Talks to a coordinator's REST API, for the commands that need one.

use std::{fmt, process::ExitCode, time::Duration};

use reqwest::{Method, StatusCode, Url};
use serde_json::Value as Json;

/// Where the coordinator is and how results are shown.
#[derive(clap::Args, Clone)]
pub struct Remote {
    /// The coordinator's HTTP address
    #[arg(
        long,
        global = true,
        value_name = "URL",
        env = "AIRTRUCT_COORDINATOR",
        default_value = "http://127.0.0.1:8080"
    )]
    pub coordinator: String,
    /// Show results as a table for people or as JSON for scripts
    #[arg(
        short,
        long,
        global = true,
        value_name = "FORMAT",
        default_value = "table"
    )]
    pub output: Format,
}

#[derive(clap::ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Table,
    Json,
}

/// What the help of every command here says of its exit code.
pub const EXIT_CODES: &str = "Exit codes: 0 fine, 1 refused or failed, 2 the command line is wrong, 3 the coordinator can't be reached, \
     4 there is no such stream or worker, 5 a config has errors";

/// How long any one request may take.
const TIMEOUT: Duration = Duration::from_secs(30);
/// How many elements a page of a list has.
const PAGE: &str = "500";

/// A coordinator.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    base: Url,
}

/// What a request ended in other than an answer.
#[derive(Debug)]
pub enum Failure {
    Unreachable {
        base: String,
        why: String,
    },
    /// The API's error envelope.
    Refused {
        status: StatusCode,
        error: Json,
    },
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Unreachable { base, why } => write!(
                f,
                "can't reach the coordinator at {base}: {why}; is it running? (--coordinator or AIRTRUCT_COORDINATOR says where)"
            ),
            Failure::Refused { status, error } => {
                match error["message"].as_str() {
                    Some(message) => f.write_str(message)?,
                    None => write!(f, "the coordinator answered {status}")?,
                }
                for problem in error["problems"].as_array().into_iter().flatten() {
                    write!(f, "\n  {}", problem_line(problem))?;
                }
                Ok(())
            }
        }
    }
}

impl std::error::Error for Failure {}

/// `LINE:COLUMN: LEVEL: MESSAGE` of a problem of a config.
pub fn problem_line(problem: &Json) -> String {
    format!(
        "{}:{}: {}: {}",
        problem["line"],
        problem["column"],
        problem["level"].as_str().unwrap_or("error"),
        problem["message"].as_str().unwrap_or_default()
    )
}

impl Failure {
    pub fn is_not_found(&self) -> bool {
        matches!(self, Failure::Refused { status, .. } if *status == StatusCode::NOT_FOUND)
    }

    pub fn exit_code(&self) -> ExitCode {
        ExitCode::from(match self {
            Failure::Unreachable { .. } => 3,
            Failure::Refused { status, .. } if *status == StatusCode::NOT_FOUND => 4,
            Failure::Refused { error, .. } if error["code"] == "invalid_config" => 5,
            Failure::Refused { .. } => 1,
        })
    }
}

/// A body that is sent.
pub enum Body {
    None,
    Json(Json),
    Yaml(String),
}

impl Client {
    pub fn new(remote: &Remote) -> anyhow::Result<Client> {
        let text = match remote.coordinator.contains("://") {
            true => remote.coordinator.clone(),
            false => format!("http://{}", remote.coordinator),
        };
        let base = Url::parse(&text)
            .map_err(|e| anyhow::anyhow!("--coordinator `{}`: {e}", remote.coordinator))?;
        // Nothing stands between this command and its coordinator, whatever proxy the environment names for the web.
        let http = reqwest::Client::builder()
            .no_proxy()
            .timeout(TIMEOUT)
            .build()?;
        Ok(Client { http, base })
    }

    /// Sends a request to a path of parts below `/api/v1`; gives the answer's body.
    pub async fn call(
        &self,
        method: Method,
        path: &[&str],
        query: &[(&str, &str)],
        body: Body,
    ) -> Result<Json, Failure> {
        let mut url = self.base.clone();
        if let Ok(mut parts) = url.path_segments_mut() {
            parts.pop_if_empty().extend(["api", "v1"]).extend(path);
        }
        let unreachable = |why: String| Failure::Unreachable {
            base: self.base.to_string(),
            why,
        };
        let mut request = self.http.request(method, url).query(query);
        request = match body {
            Body::None => request,
            Body::Json(json) => request.json(&json),
            Body::Yaml(text) => request
                .header("content-type", "application/yaml")
                .body(text),
        };
        let answer = request.send().await.map_err(|e| unreachable(cause(&e)))?;
        let status = answer.status();
        let bytes = answer.bytes().await.map_err(|e| unreachable(cause(&e)))?;
        let json: Json = match bytes.is_empty() {
            true => Json::Null,
            false => serde_json::from_slice(&bytes).unwrap_or(Json::Null),
        };
        match status.is_success() {
            true => Ok(json),
            false => Err(Failure::Refused {
                status,
                error: json["error"].clone(),
            }),
        }
    }

    pub async fn get(&self, path: &[&str], query: &[(&str, &str)]) -> Result<Json, Failure> {
        self.call(Method::GET, path, query, Body::None).await
    }

    pub async fn post(&self, path: &[&str], body: Body) -> Result<Json, Failure> {
        self.call(Method::POST, path, &[], body).await
    }

    /// All elements of a list, page by page.
    pub async fn list(&self, path: &[&str], query: &[(&str, &str)]) -> Result<Vec<Json>, Failure> {
        let mut items = Vec::new();
        let mut after = String::new();
        loop {
            let mut query = query.to_vec();
            query.push(("limit", PAGE));
            if !after.is_empty() {
                query.push(("after", &after));
            }
            let mut page = self.get(path, &query).await?;
            if let Json::Array(more) = page["items"].take() {
                items.extend(more);
            }
            match page["next"].as_str() {
                Some(next) if next != after => after = next.to_owned(),
                _ => return Ok(items),
            }
        }
    }
}

/// The innermost cause of a failed request: "Connection refused" and not the three sentences around it.
fn cause(error: &reqwest::Error) -> String {
    let mut inner: &dyn std::error::Error = error;
    while let Some(next) = inner.source() {
        inner = next;
    }
    inner.to_string()
}

/// Prints a failure and gives its exit code; passes other errors on.
pub fn report(error: anyhow::Error) -> anyhow::Result<ExitCode> {
    let failure = error.downcast::<Failure>()?;
    eprintln!("airtruct: {failure}");
    Ok(failure.exit_code())
}
