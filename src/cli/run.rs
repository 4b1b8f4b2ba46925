//! `airtruct run`: one stream in this process, as Bento runs it.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    sync::{Arc, Mutex},
    time::Duration,
};

use anyhow::Context;
use parking_lot::RwLock;
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::config_files::{Sources, Surroundings, problems, shown};
use crate::component::{HttpMux, HttpRoute};
use crate::config::Level;
use crate::engine::{
    Outcome, Services, Stream,
    config::{LogFile, LogFormat, Logger, Reading, StreamConfig, split_set},
    debug,
    measured,
    pushing::Pushing,
    server::{self, Routes, Serving},
};
use crate::telemetry::{
    lines::{Lines, level},
    metrics::{Labels, Metrics},
    rotating::Rotating,
};

/// Runs one stream until its input ends or a signal stops it
#[derive(clap::Args)]
pub(super) struct Args {
    /// The stream's config; without one, standard input goes to standard output
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
    /// The stream's config, as Bento takes it
    #[arg(short = 'c', long = "config", value_name = "FILE", conflicts_with = "file")]
    config: Option<PathBuf>,
    #[command(flatten)]
    sources: Sources,
    /// Starts although the config has problems, if it can be read at all
    #[arg(long)]
    chilled: bool,
    /// Overrides `logger.level`: off, error, warn, info, debug, trace
    #[arg(long = "log.level", value_name = "LEVEL")]
    log_level: Option<String>,
    /// Reads the config again when it changes, and swaps the stream once everything under way is delivered
    #[arg(short = 'w', long = "watcher")]
    watch: bool,
}

/// How often files are looked at for changes.
const WATCH_EVERY: Duration = Duration::from_secs(1);
/// How long the old stream may take to deliver what is under way when it is swapped.
const SWAP_LIMIT: Duration = Duration::from_secs(30);

pub(super) async fn run(args: Args) -> anyhow::Result<ExitCode> {
    let file = args.file.clone().or(args.config.clone());
    let (text, surroundings) = match load(&args, file.as_deref()) {
        Ok(loaded) => loaded,
        Err(e) => {
            let name = file.as_deref().unwrap_or(Path::new("-")).display();
            eprintln!("Configuration file read error: {name}: {e:#}");
            return Ok(ExitCode::FAILURE);
        }
    };
    let name = file.as_deref().map_or("<default>".into(), |f| f.to_string_lossy());
    let reading = surroundings.read(&text, |_| {});
    let logger = reading.config.as_ref().map(|c| c.logger.clone());
    let to_stdout = reading.config.as_ref().is_some_and(|c| c.output.name != "stdout");
    init_log(args.log_level.as_deref(), logger.as_ref(), to_stdout)?;
    let faults = problems(&name, &reading, Level::Error);
    for fault in &faults {
        tracing::error!(lint = fault.as_str(), "Config lint error");
    }
    for warning in reading.problems.iter().filter(|p| p.level == Level::Warning) {
        tracing::warn!(lint = shown(&name, warning), "Config lint warning");
    }
    let Some(config) = reading.config.filter(|_| faults.is_empty() || args.chilled) else {
        log_refusal(&faults);
        return Ok(ExitCode::FAILURE);
    };
    let mut signals = Signals::new()?;
    let mut running = match Running::start(&text, &config, &surroundings).await {
        Ok(running) => running,
        Err(e) => {
            let error = format!("{e:#}");
            match error.starts_with("failed to initialise resources") {
                true => log_end(&error),
                false => log_end(&format!("Service closing due to: {error}")),
            }
            return Ok(ExitCode::FAILURE);
        }
    };
    let mut watched = args.watch.then_some((text, surroundings));
    let outcome = loop {
        tokio::select! {
            outcome = running.stream.wait() => break outcome,
            () = signals.next() => break running.finish(&mut signals).await,
            changed = changed(&args, file.as_deref(), watched.as_ref()), if watched.is_some() => {
                if let Some(outcome) = swap(&mut running, &changed.1, &changed.0, &name, &mut signals).await {
                    break outcome;
                }
                watched = Some(changed);
            }
        }
    };
    running.pushing.finish().await;
    // The process ends now: it need not take a large cache apart piece by piece.
    std::mem::forget(running.stream);
    Ok(match outcome {
        Outcome::Completed | Outcome::Stopped => ExitCode::SUCCESS,
        Outcome::Failed { reason, .. } => {
            tracing::error!("Service closing due to: {reason}");
            ExitCode::FAILURE
        }
    })
}

/// The config's text and what surrounds it, from the files.
fn load(args: &Args, file: Option<&Path>) -> anyhow::Result<(String, Surroundings)> {
    let text = match file {
        Some(file) => std::fs::read_to_string(file).map_err(|e| {
            let why = match e.kind() {
                std::io::ErrorKind::NotFound => "no such file or directory".to_owned(),
                _ => e.to_string(),
            };
            anyhow::anyhow!("open {}: {why}", file.display())
        })?,
        None => "{}".into(),
    };
    let surroundings = args.sources.load()?;
    for set in &surroundings.sets {
        split_set(set)?;
    }
    Ok((text, surroundings))
}

/// Logs why the process ends before anything runs; plainly on standard error where nothing is logged.
pub(super) fn log_end(reason: &str) {
    match tracing::enabled!(tracing::Level::ERROR) {
        true => tracing::error!("{reason}"),
        false => eprintln!("{reason}"),
    }
}

/// Logs the faults of configs that keep the process from starting.
pub(super) fn log_refusal(faults: &[String]) {
    if !tracing::enabled!(tracing::Level::ERROR) {
        faults.iter().for_each(|fault| eprintln!("{fault}"));
    }
    log_end("Shutting down due to linter errors, to prevent shutdown run airtruct with --chilled");
}

fn open_log(file: &LogFile) -> std::io::Result<Box<dyn std::io::Write + Send>> {
    if file.rotate {
        let days = u64::from(file.rotate_max_age_days);
        let keep = (days > 0).then(|| Duration::from_secs(days * 86_400));
        return Ok(Box::new(Rotating::open(Path::new(&file.path), keep)?));
    }
    let options = std::fs::OpenOptions::new().create(true).append(true).open(&file.path);
    Ok(Box::new(options?))
}

/// Begins to log as the config says, at the level of the command line if it gives one. Not to standard output where that is
/// the stream's.
pub(super) fn init_log(given: Option<&str>, logger: Option<&Logger>, to_stdout: bool) -> anyhow::Result<()> {
    let name = given.or(logger.map(|l| l.level.as_str())).unwrap_or("INFO");
    let level = level(name).with_context(|| format!("log level '{name}' is not a level"))?;
    let out: Box<dyn std::io::Write + Send> = match logger.map(|l| &l.file) {
        Some(file) if !file.path.is_empty() => open_log(file).with_context(|| format!("open the log {}", file.path))?,
        _ if to_stdout => Box::new(std::io::stdout()),
        _ => Box::new(std::io::stderr()),
    };
    let fields = match logger {
        Some(logger) => logger.static_fields.iter().map(|(k, v)| (k.clone(), v.to_json())).collect(),
        None => [("@service".to_owned(), "airtruct".into())].into_iter().collect(),
    };
    let text = |of: fn(&Logger) -> &String, default: &str| logger.map_or(default.to_owned(), |l| of(l).clone());
    Lines {
        level,
        json: logger.is_some_and(|l| l.format == LogFormat::Json),
        add_timestamp: logger.is_some_and(|l| l.add_timestamp),
        level_name: text(|l| &l.level_name, "level"),
        timestamp_name: text(|l| &l.timestamp_name, "time"),
        message_name: text(|l| &l.message_name, "msg"),
        fields,
        out: Mutex::new(out),
    }
    .init()
}

/// A stream, and the server that shows it.
struct Running {
    stream: Arc<Stream>,
    /// The stream that the routes show.
    _routes: Routes,
    _debug: Vec<HttpRoute>,
    server: Option<Serving>,
    pushing: Pushing,
}

impl Running {
    async fn start(text: &str, config: &StreamConfig, surroundings: &Surroundings) -> anyhow::Result<Running> {
        let names = surroundings.clone();
        let services = Services {
            bloblang: surroundings.bloblang.clone(),
            variables: Arc::new(move |name| names.variable(name)),
            metrics: metrics(config),
            ..Services::default()
        };
        let stream = Arc::new(Stream::start_config("", config, services)?);
        let shown: Arc<RwLock<std::sync::Weak<Stream>>> = Arc::new(RwLock::new(Arc::downgrade(&stream)));
        let routes = Routes::add(stream.http(), config, move || shown.read().upgrade());
        let debug = surroundings.debug_routes(config, text, stream.http());
        let server = server::serve(&config.http, stream.http().clone()).await?;
        if let Some(server) = &server {
            tracing::info!("Listening for HTTP requests at: http://{}", server.address);
        }
        let metrics = stream.metrics().clone();
        let pushing = Pushing::start(&config.metrics, move || vec![metrics.clone()]);
        Ok(Running {
            stream,
            _routes: routes,
            _debug: debug,
            server,
            pushing,
        })
    }

    /// Stops the stream in order; another signal ends it at once.
    async fn finish(&self, signals: &mut Signals) -> Outcome {
        tracing::info!("Received SIGTERM, the service is closing");
        self.stream.stop();
        tokio::select! {
            outcome = self.stream.wait() => outcome,
            () = signals.next() => {
                self.stream.stop_now();
                self.stream.wait().await;
                Outcome::Failed { reason: "stopped by a second signal before everything was delivered".into(), permanent: false }
            }
        }
    }
}

impl Surroundings {
    /// What shows the config that `text` is, if it wants to be shown.
    pub(super) fn debug_routes(&self, config: &StreamConfig, text: &str, mux: &HttpMux) -> Vec<HttpRoute> {
        let wanted = config.http.debug_endpoints.then(|| self.normal(text).ok()).flatten();
        wanted.map_or_else(Vec::new, |node| debug::routes(mux, node))
    }
}

/// The metrics that the config wants.
fn metrics(config: &StreamConfig) -> Metrics {
    if config.metrics.none.is_some() {
        return Metrics::off();
    }
    measured::set(&config.metrics, Labels::new())
}

/// Waits until a file says something else than before, and gives what it says now.
async fn changed(
    args: &Args,
    file: Option<&Path>,
    before: Option<&(String, Surroundings)>,
) -> (String, Surroundings) {
    loop {
        tokio::time::sleep(WATCH_EVERY).await;
        // A file that can't be read at this moment is being written.
        let (Ok(now), Some(before)) = (load(args, file), before) else {
            continue;
        };
        if now.0 != before.0 || now.1.resources != before.1.resources {
            return now;
        }
    }
}

/// Puts a stream with the changed config in the place of the one that runs, if there is nothing wrong with it. Gives the
/// outcome if that was the end.
async fn swap(
    running: &mut Running,
    surroundings: &Surroundings,
    text: &str,
    name: &str,
    signals: &mut Signals,
) -> Option<Outcome> {
    let reading: Reading = surroundings.read(text, |_| {});
    let faults = problems(name, &reading, Level::Error);
    let Some(config) = reading.config.filter(|_| faults.is_empty()) else {
        for fault in faults {
            tracing::error!(lint = fault.as_str(), "Rejecting updated config due to a linter error");
        }
        return None;
    };
    tracing::info!("The config has changed, swapping the stream");
    running.stream.stop();
    tokio::select! {
        _ = running.stream.wait() => {}
        () = tokio::time::sleep(SWAP_LIMIT) => {
            running.stream.stop_now();
            running.stream.wait().await;
        }
        () = signals.next() => return Some(running.finish(signals).await),
    }
    if let Some(server) = running.server.take() {
        server.end().await;
    }
    match Running::start(text, &config, surroundings).await {
        Ok(new) => *running = new,
        Err(e) => {
            return Some(Outcome::Failed {
                reason: format!("{e:#}"),
                permanent: true,
            });
        }
    }
    None
}

/// The signals that stop a process.
pub(super) struct Signals(Signal, Signal);

impl Signals {
    pub(super) fn new() -> anyhow::Result<Signals> {
        Ok(Signals(
            signal(SignalKind::terminate()).context("listen for SIGTERM")?,
            signal(SignalKind::interrupt()).context("listen for SIGINT")?,
        ))
    }

    pub(super) async fn next(&mut self) {
        tokio::select! {
            _ = self.0.recv() => {}
            _ = self.1.recv() => {}
        }
    }
}
