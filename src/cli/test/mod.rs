//! `airtruct test`: runs the unit tests of configs.

mod case;
mod check;
pub(super) mod diff;
mod report;
mod target;

use crate::bloblang::{Environment, Mapping};
use super::{config_files::{load_templates, matching}, run::init_log};
use crate::component::is_of_not_built;
use crate::config::{Level, Linter, Node, Problem, Templates, interpolate};
use crate::engine::{Alone, Services, config::{Case, Checks, StreamConfig, read}};
use crate::message::Batch;
use anyhow::{Context as _, anyhow, bail};
use report::{CaseReport, Report};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::ExitCode,
};
use target::Target;

/// Run the unit tests of configs: those under `tests:` in a config, and those in a file NAME_bento_test.yaml beside NAME.yaml
#[derive(clap::Args)]
#[command(after_help = "Exit codes: 0 every test passed, 1 some failed, can't be run, or there are none")]
pub struct Args {
    /// Configs, test files and folders; with `/...` at its end, a folder and all below it
    paths: Vec<PathBuf>,
    /// Files with resources that the configs use
    #[arg(short, long, value_name = "FILE")]
    resources: Vec<PathBuf>,
    /// A file that defines a component by a template, or a pattern that names several
    #[arg(short = 't', long, value_name = "FILE")]
    templates: Vec<String>,
    /// Log what the processors have to say, from this level on
    #[arg(long, value_name = "LEVEL")]
    log: Option<String>,
    /// Also write the results to this file as JUnit XML, for CI systems
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
}

pub async fn run(args: Args) -> anyhow::Result<ExitCode> {
    if let Some(level) = &args.log {
        init_log(Some(level), None, true)?;
    }
    let mut resources = Vec::new();
    for path in &args.resources {
        let text = std::fs::read_to_string(path);
        resources.push(text.with_context(|| format!("read {}", path.display()))?);
    }
    let around = Around { resources, templates: load_templates(&args.templates)? };
    let mut reports = Vec::new();
    for target in find(&args.paths)? {
        if let Some(report) = run_file(&target, &around).await? {
            print!("{}", report.headline());
            reports.push(report);
        }
    }
    if reports.is_empty() {
        println!("No tests were found");
        return Ok(ExitCode::FAILURE);
    }
    print!("{}", report::failures(&reports));
    for error in reports.iter().filter_map(|r| r.error.as_ref()) {
        eprintln!("{error}");
    }
    if let Some(path) = &args.junit {
        let xml = report::junit(&reports);
        std::fs::write(path, xml).with_context(|| format!("write {}", path.display()))?;
    }
    let passed = reports.iter().all(Report::passed);
    Ok(if passed { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Endings of files that hold the tests of another.
const TEST_ENDINGS: [&str; 2] = ["_bento_test", "_benthos_test"];
const EXTENSIONS: [&str; 2] = ["yaml", "yml"];

/// The configs that paths name, each once.
fn find(paths: &[PathBuf]) -> anyhow::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for path in paths {
        let text = path.to_string_lossy();
        let (path, deep) = match text.strip_suffix("...") {
            Some(folder) => (PathBuf::from(folder), true),
            None => (path.clone(), false),
        };
        // `./a` and `a` are the same, and are shown as the latter.
        let path: PathBuf = path.components().filter(|c| *c != std::path::Component::CurDir).collect();
        let path = if path.as_os_str().is_empty() { PathBuf::from(".") } else { path };
        if path.is_dir() {
            walk(&path, deep, &mut found)?;
        } else if path.is_file() {
            found.push(config_of(&path));
        } else {
            let named = matching(&path.to_string_lossy())?;
            let mut named = named.into_iter().map(PathBuf::from).filter(|p| p.is_file()).peekable();
            if named.peek().is_none() {
                bail!("{} was not found", path.display());
            }
            found.extend(named.map(|path| config_of(&path)));
        }
    }
    let mut seen = std::collections::HashSet::new();
    found.retain(|path| seen.insert(path.clone()));
    Ok(found)
}

fn walk(folder: &Path, deep: bool, found: &mut Vec<PathBuf>) -> anyhow::Result<()> {
    let entries = std::fs::read_dir(folder).with_context(|| format!("read {}", folder.display()))?;
    let mut paths: Vec<PathBuf> = entries.map(|e| Ok(e?.path())).collect::<std::io::Result<_>>()?;
    paths.sort();
    for path in paths {
        let path: PathBuf = path.components().filter(|c| *c != std::path::Component::CurDir).collect();
        if path.is_dir() {
            if deep {
                walk(&path, deep, found)?;
            }
        } else if path.extension().is_some_and(|e| EXTENSIONS.iter().any(|x| e == *x)) {
            found.push(config_of(&path));
        }
    }
    Ok(())
}

/// The config that a file belongs to: itself, unless its name says that it holds another's tests.
fn config_of(path: &Path) -> PathBuf {
    let stem = path.file_stem().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default();
    for ending in TEST_ENDINGS {
        if let Some(name) = stem.strip_suffix(ending) {
            let candidates = EXTENSIONS.map(|e| path.with_file_name(format!("{name}.{e}")));
            if let Some(config) = candidates.into_iter().find(|c| c.is_file()) {
                return config;
            }
        }
    }
    path.to_owned()
}

/// The files that may hold the tests of a config, itself first.
fn test_files(config: &Path) -> Vec<PathBuf> {
    let stem = config.file_stem().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default();
    let mut files = vec![config.to_owned()];
    for ending in TEST_ENDINGS {
        let beside = EXTENSIONS.map(|e| config.with_file_name(format!("{stem}{ending}.{e}")));
        files.extend(beside.into_iter().filter(|f| f.is_file()));
    }
    files
}

/// What the configs use of other files.
struct Around {
    /// Texts with more resources.
    resources: Vec<String>,
    templates: Templates,
}

/// Runs the tests of a config; none if it has none.
async fn run_file(config: &Path, around: &Around) -> anyhow::Result<Option<Report>> {
    let text = std::fs::read_to_string(config).with_context(|| format!("read {}", config.display()))?;
    let mut report = Report::new(config.display().to_string());
    let mut cases = Vec::new();
    for file in test_files(config) {
        let own = file == config;
        let node = match own {
            true => uninterpolated(&text),
            false => {
                let text = std::fs::read_to_string(&file);
                uninterpolated(&text.with_context(|| format!("read {}", file.display()))?)
            }
        };
        // A file that isn't YAML may still be no config at all, and nobody's test.
        let Ok(node) = node else { continue };
        if let Some(tests) = node.get("tests") {
            let read =
                case::read(tests).with_context(|| format!("read the tests of {}", file.display()))?;
            cases.extend(read.cases);
            // Those of the config are among what its lint finds; those beside it fail nothing.
            for problem in read.problems.iter().filter(|_| !own) {
                eprintln!("{}", super::config_files::shown(&file.display().to_string(), problem));
            }
        }
    }
    if cases.is_empty() {
        return Ok(None);
    }
    report.lints.extend(lint(&text, around));
    let folder = config.parent().map(Path::to_owned).unwrap_or_default();
    for (i, (line, case)) in cases.into_iter().enumerate() {
        let outer = Environments::set(&case.environment);
        let ran = run_case(config, &folder, &text, around, &case).await;
        drop(outer);
        match ran {
            Ok(failures) => report.cases.push(CaseReport { name: case.name, line, failures }),
            Err(error) => {
                report.error = Some(format!(
                    "Failed to execute test target '{}': test case {i} failed: {error:#}",
                    config.display()
                ));
                break;
            }
        }
    }
    Ok(Some(report))
}

fn parse(text: &str) -> anyhow::Result<Node> {
    let (text, _) = interpolate(text, &|name| std::env::var(name).ok());
    Node::parse(&text).map_err(|e| anyhow!("{e}"))
}

/// Tests say what they mean: variables in them aren't replaced. Only where a file isn't YAML before its variables are.
fn uninterpolated(text: &str) -> anyhow::Result<Node> {
    Node::parse(text).or_else(|_| parse(text))
}

/// What is wrong with a config, but for connectors that this build hasn't: a test doesn't use them.
fn lint(text: &str, around: &Around) -> Vec<String> {
    let environment = Environment::default();
    let variables = |name: &str| std::env::var(name).ok();
    let resources: Vec<(String, String)> = around.resources.iter().map(|t| (String::new(), t.clone())).collect();
    let mut checks = Checks::new(&environment, &variables);
    checks.resources = &resources;
    checks.templates = &around.templates;
    checks.allow_missing_variables = true;
    let reading = read(text, &checks);
    let problems = reading.problems.iter().filter(|p| p.level == Level::Error && !is_of_not_built(&p.message));
    problems.map(shown).collect()
}

/// A problem as reports list it.
fn shown(problem: &Problem) -> String {
    format!("({},{}) {}", problem.place.line, problem.place.column, problem.message)
}

/// Runs one test, and says what went wrong in it.
async fn run_case(
    config: &Path,
    folder: &Path,
    text: &str,
    around: &Around,
    case: &Case,
) -> anyhow::Result<Vec<String>> {
    let input = case.batches(folder)?;
    let mut output: Vec<Batch> = Vec::new();
    match case.target() {
        Target::Mapping(file) => {
            let processor = mapping(&folder.join(file))?;
            for batch in input {
                output.extend(processor(batch));
            }
        }
        Target::Processors(name) => {
            let context = || format!("failed to initialise processors '{name}'");
            let alone = build(config, folder, text, around, case, name).with_context(context)?;
            for batch in input {
                output.extend(alone.run(batch).await);
            }
            alone.close().await;
        }
    }
    Ok(check::check(case, &output, folder))
}

/// Builds the processors that a test is about.
fn build(
    config: &Path,
    folder: &Path,
    text: &str,
    around: &Around,
    case: &Case,
    name: &str,
) -> anyhow::Result<Alone> {
    let (file, pointer) = match name.split_once('#') {
        Some((file, pointer)) if !file.is_empty() => (Some(folder.join(file)), pointer),
        Some((_, pointer)) => (None, pointer),
        None if !name.starts_with('/') && folder.join(name).is_file() => {
            (Some(folder.join(name)), "/pipeline/processors")
        }
        None => (None, name),
    };
    let mut root = match &file {
        Some(file) => parse(&std::fs::read_to_string(file).with_context(|| format!("read {}", file.display()))?)?,
        None => parse(text)?,
    };
    target::mock(&mut root, &case.mocks)?;
    let found = match pointer.starts_with('/') {
        true => target::lookup(&root, pointer),
        false => target::labelled(&root, pointer).with_context(|| format!("no component has the label {pointer}")),
    };
    let processors = found.with_context(|| {
        let file = file.as_deref().unwrap_or(config);
        format!("failed to resolve case processors from '{}'", file.display())
    })?;
    let more: Vec<Node> = around.resources.iter().map(|text| parse(text)).collect::<anyhow::Result<_>>()?;
    let reduced = target::reduce(&root, &more, processors);
    let environment = Environment::default();
    let mut linter = Linter::new(&environment);
    linter.templates = around.templates.clone();
    let Some(config) = <StreamConfig as crate::config::Field>::read(&reduced, &mut linter) else {
        let problems = linter.into_problems();
        let first = problems.iter().find(|p| p.level == Level::Error);
        bail!("{}", first.map_or("the config can't be read".into(), |p| format!("{}: {}", p.place, p.message)));
    };
    Alone::new(&config, Services::default())
}

/// Runs a mapping of a file on batches. Paths in it begin in its folder.
fn mapping(path: &Path) -> anyhow::Result<impl Fn(Batch) -> Vec<Batch> + use<>> {
    let text = std::fs::read_to_string(path).with_context(|| format!("read {}", path.display()))?;
    let mapping = Mapping::parse(&text, &Environment::default().beside(path))
        .map_err(|e| anyhow!("failed to parse mapping {}: {e}", path.display()))?;
    Ok(move |batch: Batch| {
        let mut out = Vec::new();
        crate::component::processors::map(&mapping, batch, &mut out);
        out
    })
}

/// Variables of the process that are set for a while.
struct Environments(BTreeMap<String, Option<String>>);

impl Environments {
    fn set(variables: &BTreeMap<String, String>) -> Environments {
        let before = variables.keys().map(|name| (name.clone(), std::env::var(name).ok()));
        let before = Environments(before.collect());
        for (name, value) in variables {
            // SAFETY: tests run one after the other, and nothing else of this process is at work between them
            // that would read the environment past the standard library's lock.
            unsafe { std::env::set_var(name, value) };
        }
        before
    }
}

impl Drop for Environments {
    fn drop(&mut self) {
        for (name, value) in &self.0 {
            // SAFETY: as in `set`.
            unsafe {
                match value {
                    Some(value) => std::env::set_var(name, value),
                    None => std::env::remove_var(name),
                }
            }
        }
    }
}
