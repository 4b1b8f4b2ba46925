//! `airtruct echo`: the config that a file stands for.

use std::{path::PathBuf, process::ExitCode};

use super::config_files::{Sources, read_file, shown};
use crate::engine::config::yaml;

/// Print a config as it is understood: variables filled in, values set, and the defaults of its sections written out
#[derive(clap::Args)]
pub struct Args {
    /// The config
    #[arg(short = 'c', long, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(flatten)]
    sources: Sources,
}

pub async fn run(args: Args) -> anyhow::Result<ExitCode> {
    let (name, text) = match &args.config {
        Some(file) => (file.display().to_string(), read_file(file)?),
        None => ("the config".to_owned(), "{}".to_owned()),
    };
    let around = args.sources.load()?;
    match around.normal(&text) {
        Ok(node) => {
            print!("{}", yaml(&node));
            Ok(ExitCode::SUCCESS)
        }
        Err(problems) => {
            for problem in &problems {
                eprintln!("{}", shown(&name, problem));
            }
            Ok(ExitCode::FAILURE)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        bloblang::Environment,
        engine::config::{Checks, normal},
    };

    #[test]
    fn sections_have_their_defaults_and_components_stay() {
        let environment = Environment::default();
        let variables = |name: &str| (name == "N").then(|| "3".to_owned());
        let resources = [("r.yaml".to_owned(), "cache_resources: [{label: b, memory: {}}]".to_owned())];
        let checks = Checks {
            sets: &["http.enabled=false".to_owned()],
            resources: &resources,
            ..Checks::new(&environment, &variables)
        };
        let text = "pipeline: {threads: ${N}, processors: [{mapping: 'root = 1'}]}\ncache_resources: [{label: a, memory: {}}]";
        let node = normal(text, &checks).expect("a config");
        let text = yaml(&node);
        for wanted in [
            "input:\n  stdin: {}\n",
            "  threads: 3\n  processors:\n  - mapping: root = 1\n",
            "cache_resources:\n- label: a\n  memory: {}\n- label: b\n  memory: {}\n",
            "http:\n  enabled: false\n  address:",
            "shutdown_timeout: 20s\n",
        ] {
            assert!(text.contains(wanted), "{wanted}\n{text}");
        }
    }
}
