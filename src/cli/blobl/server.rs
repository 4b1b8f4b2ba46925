//! `airtruct blobl server`: a page on which a mapping and its input are written, and what comes of them is seen at once.

use std::{
    net::{IpAddr, SocketAddr, ToSocketAddrs},
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
    time::Duration,
};

use anyhow::Context;
use axum::{
    Json, Router,
    extract::{DefaultBodyLimit, Request, State},
    http::{StatusCode, header},
    middleware::{Next, from_fn},
    response::{Html, IntoResponse, Response},
    routing::{get, post},
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, json};
use tokio::sync::Semaphore;

use super::lines::pretty;
use crate::{
    api::refusal_of,
    bloblang::{Environment, Mapped, Mapping},
    message::Message,
    tasks::Shutdown,
};

const PAGE: &str = include_str!("page.html");

/// The largest request, in bytes: mapping and input.
const MAX_BODY: usize = 8 << 20;

/// How many mappings run at once; further requests wait.
const AT_ONCE: usize = 4;

/// How long requests under way may take to end when the server stops.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);

const MAPPING: &str = "root = this\nroot.greeting = \"hello \" + this.name\n";
const INPUT: &str = "{\"name\": \"world\"}\n";

/// Serves a page to try mappings on
///
/// Mappings that are tried there can't read files, the environment or caches.
#[derive(clap::Args)]
pub(super) struct Args {
    /// The address to listen on
    #[arg(long, value_name = "HOST", default_value = "localhost")]
    host: String,
    /// The port to listen on; 0 takes any that is free
    #[arg(short, long, value_name = "PORT", default_value_t = 4195)]
    port: u16,
    /// Doesn't open the page in a browser
    #[arg(short, long)]
    no_open: bool,
    /// The file with the mapping to begin with
    #[arg(short, long, value_name = "FILE")]
    mapping_file: Option<PathBuf>,
    /// The file with the input to begin with
    #[arg(short, long, value_name = "FILE")]
    input_file: Option<PathBuf>,
    /// Writes what is edited back to the files that are given
    #[arg(short, long)]
    write: bool,
}

/// What the page sends.
#[derive(Debug, Deserialize)]
struct Trial {
    mapping: String,
    input: String,
}

/// What came of it: one of the three texts, or none if the mapping deletes the message.
#[derive(Debug, Default, Serialize)]
struct Verdict {
    result: String,
    /// The metadata that the mapping sets.
    metadata: Map<String, serde_json::Value>,
    deleted: bool,
    /// Why the mapping can't be compiled, with its place.
    parse_error: String,
    /// Why it failed on this input.
    mapping_error: String,
}

struct Playground {
    args: Args,
    turns: Semaphore,
}

pub(super) async fn run(args: Args) -> anyhow::Result<ExitCode> {
    for file in [&args.mapping_file, &args.input_file].into_iter().flatten() {
        // With --write it is made by the first edit.
        if !args.write {
            std::fs::metadata(file).with_context(|| format!("can't read `{}`", file.display()))?;
        }
    }
    let address = resolve(&args.host, args.port)?;
    let listener = tokio::net::TcpListener::bind(address)
        .await
        .with_context(|| format!("listen on {address} (see --port)"))?;
    let address = listener.local_addr()?;
    println!("listening role=playground http={address}");
    if !args.no_open {
        open(&format!("http://{address}/"));
    }
    let shutdown = Shutdown::on_signals()?;
    let is_loopback = address.ip().is_loopback();
    let playground = Arc::new(Playground {
        args,
        turns: Semaphore::new(AT_ONCE),
    });
    let router = Router::new()
        .route("/", get(page))
        .route("/execute", post(execute))
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .layer(from_fn(move |request: Request, next: Next| guard(is_loopback, request, next)))
        .with_state(playground);
    let stopped = shutdown.clone();
    let served = axum::serve(listener, router).with_graceful_shutdown(async move { stopped.soft().await });
    tokio::select! {
        served = async { served.await } => served?,
        () = async {
            shutdown.soft().await;
            tokio::time::sleep(CLOSE_TIMEOUT).await;
        } => {}
    }
    Ok(ExitCode::SUCCESS)
}

fn resolve(host: &str, port: u16) -> anyhow::Result<SocketAddr> {
    let found: Vec<SocketAddr> = (host, port)
        .to_socket_addrs()
        .with_context(|| format!("find the address of `{host}` (see --host)"))?
        .collect();
    let first = found.iter().find(|address| matches!(address.ip(), IpAddr::V4(_)));
    let first = first.or(found.first()).copied();
    first.with_context(|| format!("`{host}` has no address (see --host)"))
}

/// Opens the page with whatever opens pages here; where nothing does, its address was printed.
fn open(url: &str) {
    let program = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };
    let started = tokio::process::Command::new(program)
        .arg(url)
        .stdin(std::process::Stdio::null())
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn();
    if let Err(error) = started {
        tracing::debug!("{program} can't be started: {error}");
    }
}

async fn guard(is_loopback: bool, request: Request, next: Next) -> Response {
    match refusal_of(&request, is_loopback) {
        Some(why) => (StatusCode::FORBIDDEN, why).into_response(),
        None => next.run(request).await,
    }
}

async fn page(State(playground): State<Arc<Playground>>) -> Result<Response, Failure> {
    let args = &playground.args;
    let mapping = begin(args.mapping_file.as_deref(), MAPPING, args.write).await?;
    let input = begin(args.input_file.as_deref(), INPUT, args.write).await?;
    // `<` could end the script that it stands in.
    let start = json!({ "mapping": mapping, "input": input }).to_string().replace('<', "\\u003c");
    let page = PAGE.replace("\"START\"", &start);
    let policy = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; connect-src 'self'";
    Ok(([(header::CONTENT_SECURITY_POLICY, policy)], Html(page)).into_response())
}

/// The text of a file, or another where none is given, or where it is to be made yet.
async fn begin(file: Option<&Path>, otherwise: &str, may_miss: bool) -> Result<String, Failure> {
    let Some(file) = file else {
        return Ok(otherwise.to_owned());
    };
    match tokio::fs::read_to_string(file).await {
        Err(e) if may_miss && e.kind() == std::io::ErrorKind::NotFound => Ok(otherwise.to_owned()),
        read => Ok(read.with_context(|| format!("can't read `{}`", file.display()))?),
    }
}

async fn execute(
    State(playground): State<Arc<Playground>>,
    Json(trial): Json<Trial>,
) -> Result<Json<Verdict>, Failure> {
    let _turn = playground.turns.acquire().await.context("the server stops")?;
    let args = &playground.args;
    if args.write {
        for (file, text) in [(&args.mapping_file, &trial.mapping), (&args.input_file, &trial.input)] {
            if let Some(file) = file {
                let written = tokio::fs::write(file, text).await;
                written.with_context(|| format!("can't write `{}`", file.display()))?;
            }
        }
    }
    let verdict = tokio::task::spawn_blocking(move || judge(&trial)).await;
    Ok(Json(verdict.context("the mapping ended without a result")?))
}

fn judge(trial: &Trial) -> Verdict {
    let mapping = match Mapping::parse(&trial.mapping, &Environment::without_impure()) {
        Ok(mapping) => mapping,
        Err(error) => {
            return Verdict {
                parse_error: error.render(&trial.mapping),
                ..Verdict::default()
            };
        }
    };
    let message = Message::new(trial.input.clone().into_bytes());
    match mapping.map(std::slice::from_ref(&message), 0) {
        Ok(Mapped::Message(made)) => Verdict {
            result: String::from_utf8_lossy(&pretty(&made)).into_owned(),
            metadata: made
                .metadata()
                .iter()
                .map(|(key, value)| (key.to_string(), serde_json::from_slice(&value.to_json()).unwrap_or_default()))
                .collect(),
            ..Verdict::default()
        },
        Ok(Mapped::Deleted) => Verdict {
            deleted: true,
            ..Verdict::default()
        },
        Err(error) => Verdict {
            mapping_error: error.to_string(),
            ..Verdict::default()
        },
    }
}

/// Something that is not the mapping's fault.
struct Failure(anyhow::Error);

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Failure {
        Failure(error)
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        (StatusCode::INTERNAL_SERVER_ERROR, format!("{:#}\n", self.0)).into_response()
    }
}
