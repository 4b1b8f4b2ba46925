//! `airtruct streams PATH...` as Bento knows it: many streams in this process, with an API that changes them.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
    time::Duration,
};

use anyhow::{Context, bail};

use super::config_files::{Sources, Surroundings, matching, problems, read_file};
use super::run::{Signals, init_log, log_end, log_refusal};
use crate::component::HttpMux;
use crate::config::Level;
use crate::engine::{
    tracer,
    Pipes, Services, Shared,
    config::{STREAM_SECTIONS, StreamConfig},
    many::{Definition, House, Reader, Refused, Rest, Streams},
    measured,
    pushing::Pushing, server,
};
use crate::telemetry::metrics::Labels;

/// Runs many streams in one process, as Bento's streams mode does: written `airtruct streams PATH...`
#[derive(clap::Args)]
#[command(after_help = "\
Each file is a stream, by the name of the file; files in folders by their path below the folder, so that a/b.yaml is a_b.
Files that end in _bento_test are left out. The config given with -c (before or after `streams`) is that of the process: http,
logger, metrics, and the resources that all streams share. The streams' own HTTP endpoints are below their name.
GET /streams lists them, GET, POST, PUT, PATCH and DELETE /streams/NAME read and change them; nothing of that is kept.")]
pub(super) struct Args {
    /// Files with streams, folders of them, or patterns that name them
    #[arg(value_name = "PATH")]
    paths: Vec<String>,
    /// The config of the process
    #[arg(short = 'c', long = "config", visible_alias = "observability", visible_short_alias = 'o', value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(flatten)]
    sources: Sources,
    /// Answers no requests that read or change streams
    #[arg(long)]
    no_api: bool,
    /// Puts the HTTP endpoints of streams below the streams' names
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_value_t = true, default_missing_value = "true", action = clap::ArgAction::Set)]
    prefix_stream_endpoints: bool,
    /// Starts although configs have problems, without the streams that can't be read
    #[arg(long)]
    chilled: bool,
    /// Overrides `logger.level`: off, error, warn, info, debug, trace
    #[arg(long = "log.level", value_name = "LEVEL")]
    log_level: Option<String>,
    /// Starts, changes and ends streams as their files come, change and go
    #[arg(short = 'w', long = "watcher")]
    watch: bool,
}

/// How often files are looked at for changes.
const WATCH_EVERY: Duration = Duration::from_secs(1);

/// The files of streams, by the id of the stream.
type Files = BTreeMap<String, PathBuf>;

pub(super) async fn run(args: Args) -> anyhow::Result<ExitCode> {
    let (text, config, surroundings, mut faults) = match process(&args) {
        Ok(read) => read,
        Err(e) => {
            eprintln!("Configuration file read error: {e:#}");
            return Ok(ExitCode::FAILURE);
        }
    };
    init_log(args.log_level.as_deref(), config.as_ref().map(|c| &c.logger), true)?;
    let mut texts = BTreeMap::new();
    let mut definitions = BTreeMap::new();
    for (id, file) in stream_files(&args.paths)? {
        let text = read_file(&file)?;
        match surroundings.definition(&text, args.chilled) {
            Ok(definition) => {
                definitions.insert(id.clone(), definition);
            }
            Err(refused) => faults.extend(shown(&file, refused)),
        }
        texts.insert(id, text);
    }
    for fault in &faults {
        tracing::error!(lint = fault.as_str(), "Config lint error");
    }
    let Some(config) = config.filter(|_| faults.is_empty() || args.chilled) else {
        log_refusal(&faults);
        return Ok(ExitCode::FAILURE);
    };
    let mut signals = Signals::new()?;
    let (streams, http) = match house(&args, config, &surroundings) {
        Ok(streams) => streams,
        Err(e) => {
            log_end(&format!("{e:#}"));
            return Ok(ExitCode::FAILURE);
        }
    };
    let _rest = Rest::add(&http, &streams, !args.no_api);
    let _debug = surroundings.debug_routes(&streams.house().config, &text, &http);
    for (id, definition) in definitions {
        if let Err(e) = streams.create(&id, definition).await {
            tracing::error!("Failed to create stream ({id}): {e}");
            if !args.chilled {
                streams.stop().await;
                return Ok(ExitCode::FAILURE);
            }
        }
    }
    let server = server::serve(&streams.house().config.http, http).await?;
    if let Some(server) = &server {
        tracing::info!("Listening for HTTP requests at: http://{}", server.address);
    }
    let all = streams.clone();
    let pushing = Pushing::start(&streams.house().config.metrics, move || all.metrics());
    tracing::info!("Launching streams mode, use CTRL+C to close");
    let mut watched = Watched { texts };
    tokio::select! {
        () = signals.next() => {}
        () = watched.follow(&args, &surroundings, &streams), if args.watch => {}
    }
    Ok(finish(&streams, pushing, &mut signals).await)
}

/// Ends everything in order; another signal ends it at once.
async fn finish(streams: &Streams, pushing: Pushing, signals: &mut Signals) -> ExitCode {
    tracing::info!("Received SIGTERM, the service is closing");
    let code = tokio::select! {
        () = streams.stop() => ExitCode::SUCCESS,
        () = signals.next() => {
            streams.stop_now();
            streams.stop().await;
            tracing::error!("Service closing due to: a second signal before everything was delivered");
            ExitCode::FAILURE
        }
    };
    pushing.finish().await;
    streams.house().shared.close().await;
    code
}

/// The config of the process as a text and read, what surrounds it, and what is wrong with it.
fn process(args: &Args) -> anyhow::Result<(String, Option<StreamConfig>, Surroundings, Vec<String>)> {
    let surroundings = args.sources.load()?;
    let (name, text) = match &args.config {
        Some(file) => (file.to_string_lossy().into_owned(), read_file(file)?),
        None => ("<default>".into(), "{}".into()),
    };
    let reading = surroundings.read(&text, |checks| checks.refused = STREAM_SECTIONS);
    let faults = problems(&name, &reading, Level::Error);
    Ok((text, reading.config, surroundings, faults))
}

fn house(
    args: &Args,
    config: StreamConfig,
    surroundings: &Surroundings,
) -> anyhow::Result<(Streams, HttpMux)> {
    let names = surroundings.clone();
    let services = Services {
        bloblang: surroundings.bloblang.clone(),
        variables: Arc::new(move |name| names.variable(name)),
        metrics: measured::set(&config.metrics, Labels::new()),
        pipes: Pipes::default(),
        tracer: tracer(&config)?,
        ..Services::default()
    };
    let http = HttpMux::default();
    let house = House {
        bloblang: services.bloblang.clone(),
        variables: services.variables.clone(),
        pipes: services.pipes.clone(),
        tracer: services.tracer.clone(),
        shared: Shared::new(&config, services)?,
        config,
        prefixed: args.prefix_stream_endpoints,
    };
    Ok((Streams::new(house, http.clone()), http))
}

impl Surroundings {
    fn definition(&self, text: &str, chilled: bool) -> Result<Definition, Refused> {
        let names = self.clone();
        let reader = Reader {
            bloblang: &self.bloblang,
            variables: &(Arc::new(move |name: &str| names.variable(name)) as _),
            chilled,
        };
        reader.stream(text)
    }
}

/// What is wrong with a file, each as `file(line,column) what`.
fn shown(file: &Path, refused: Refused) -> Vec<String> {
    let file = file.display();
    match refused {
        Refused::Lint(errors) => errors.iter().map(|e| format!("{file}{e}")).collect(),
        Refused::Unreadable(error) | Refused::Unmakeable(error) => match error.starts_with('(') {
            true => vec![format!("{file}{error}")],
            false => vec![format!("{file}: {error}")],
        },
    }
}

/// The files of streams that the command line names.
fn stream_files(paths: &[String]) -> anyhow::Result<Files> {
    let mut files = Files::new();
    for pattern in paths {
        for path in matching(pattern)? {
            let path = PathBuf::from(path);
            match path.is_dir() {
                true => walk(&path, &path, 0, &mut files)?,
                false => add(path.parent().unwrap_or(Path::new("")), &path, &mut files)?,
            }
        }
    }
    Ok(files)
}

/// How deep folders may nest.
const MAX_DEPTH: usize = 100;

fn walk(root: &Path, folder: &Path, depth: usize, files: &mut Files) -> anyhow::Result<()> {
    if depth > MAX_DEPTH {
        bail!("the folders in {} nest too deep", root.display());
    }
    let entries = std::fs::read_dir(folder).with_context(|| format!("read {}", folder.display()))?;
    let mut paths: Vec<PathBuf> = entries.map(|e| e.map(|e| e.path())).collect::<Result<_, _>>()?;
    paths.sort();
    for path in paths {
        let extension = path.extension().and_then(|e| e.to_str()).unwrap_or_default();
        if path.is_dir() {
            walk(root, &path, depth + 1, files)?;
        } else if matches!(extension, "yaml" | "yml") {
            add(root, &path, files)?;
        }
    }
    Ok(())
}

/// Adds one file, unless it holds unit tests.
fn add(root: &Path, path: &Path, files: &mut Files) -> anyhow::Result<()> {
    let Some(id) = id_of(root, path) else {
        return Ok(());
    };
    if let Some(other) = files.get(&id).filter(|other| *other != path) {
        bail!(
            "stream id ({id}) collision from files: {} and {}",
            other.display(),
            path.display()
        );
    }
    files.insert(id, path.to_owned());
    Ok(())
}

/// The id of a stream by its file: the path below the folder, its steps joined by `_`.
fn id_of(root: &Path, path: &Path) -> Option<String> {
    let below = path.strip_prefix(root).unwrap_or(path).with_extension("");
    let steps: Vec<_> = below.iter().map(|step| step.to_string_lossy()).collect();
    let id = steps.join("_");
    (!id.ends_with("_bento_test") && !id.ends_with("_benthos_test")).then_some(id)
}

/// What the files said when they were last looked at.
struct Watched {
    texts: BTreeMap<String, String>,
}

impl Watched {
    /// Follows the files for as long as the process runs.
    async fn follow(&mut self, args: &Args, surroundings: &Surroundings, streams: &Streams) {
        loop {
            tokio::time::sleep(WATCH_EVERY).await;
            // A folder or file that can't be read at this moment is being written.
            let Ok(files) = stream_files(&args.paths) else {
                continue;
            };
            let gone: Vec<String> = self.texts.keys().filter(|id| !files.contains_key(*id)).cloned().collect();
            for id in gone {
                self.texts.remove(&id);
                tracing::info!("The file of stream {id} is gone, ending the stream");
                if let Err(e) = streams.delete(&id, None).await {
                    tracing::error!("Failed to end stream {id}: {e}");
                }
            }
            for (id, file) in files {
                let Ok(text) = std::fs::read_to_string(&file) else {
                    continue;
                };
                if self.texts.get(&id) != Some(&text) {
                    change(&id, &file, &text, surroundings, streams).await;
                    self.texts.insert(id, text);
                }
            }
        }
    }
}

/// Runs a stream as its file now says, if there is nothing wrong with it.
async fn change(id: &str, file: &Path, text: &str, surroundings: &Surroundings, streams: &Streams) {
    let definition = match surroundings.definition(text, false) {
        Ok(definition) => definition,
        Err(refused) => {
            for fault in shown(file, refused) {
                tracing::error!(lint = fault.as_str(), "Rejecting updated config due to a linter error");
            }
            return;
        }
    };
    let changed = match streams.get(id) {
        Some(_) => streams.update(id, definition, None).await,
        None => streams.create(id, definition).await,
    };
    match changed {
        Ok(()) => tracing::info!("Updated stream {id} from file"),
        Err(e) => tracing::error!("Failed to update stream {id}: {e}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_made_of_paths() {
        for (root, path, want) in [
            ("s", "s/one.yaml", Some("one")),
            ("s", "s/a/b.yml", Some("a_b")),
            ("", "one.yaml", Some("one")),
            ("s", "s/one_bento_test.yaml", None),
        ] {
            let id = id_of(Path::new(root), Path::new(path));
            assert_eq!(id.as_deref(), want, "{path}");
        }
    }
}
