//! The command line: roles, and the subcommands, one file each.
//!
//! A subcommand is a file with an `Args` (clap's derive; its doc comments are the help) and
//! `pub async fn run(args: Args) -> anyhow::Result<ExitCode>`, and one line in [`commands!`] below.
//! Exit codes: 0 fine, 1 it failed, 2 the command line is wrong; a command that has more says so in its help.

mod argv;
mod client;
mod config_files;
mod footprint;
mod open_files;
mod serve;
mod show;
mod supervise;

use std::{collections::BTreeMap, io::Write, process::ExitCode};

use clap::{Arg, ArgAction, ArgMatches, FromArgMatches, Subcommand};

use crate::args::{Config, SETTINGS};

const ABOUT: &str =
    "Runs Bento and Redpanda Connect streams on a pool of workers, with one owner for each stream";

const EXAMPLES: &str = "\
Roles:
  airtruct -role standalone                            a coordinator and a worker in one process
  airtruct -role coordinator                           places streams, serves the API on port 8080
  airtruct -role worker -discovery-uri host:50000      runs the streams it is given

Flags take one dash or two. Every flag has an environment variable and a key in the YAML file given with -config;
a flag beats the environment, which beats the file, which beats the default.
As with Bento, `airtruct -c stream.yaml` runs one stream.";

/// Declares the subcommands: the variant, its file, and nothing else.
macro_rules! commands {
    ($($variant:ident = $module:ident,)*) => {
        $(mod $module;)*

        // What to do instead of taking a role. (A doc comment would replace the root help.)
        #[derive(Subcommand)]
        enum Command {
            $($variant($module::Args),)*
        }

        impl Command {
            async fn run(self) -> anyhow::Result<ExitCode> {
                match self {
                    $(Self::$variant(args) => $module::run(args).await,)*
                }
            }
        }
    };
}

commands! {
    Run = run,
    RunStreams = run_streams,
    Create = create,
    Echo = echo,
    Lint = lint,
    Streams = streams,
    Workers = workers,
    Status = status,
    Template = template,
    Test = test,
    Blobl = blobl,
    Capacity = capacity,
    List = list,
    Events = events,
    Explain = explain,
    Plan = plan,
    Freeze = freeze,
    Unfreeze = unfreeze,
    Sim = sim,
    Size = size,
    Verify = verify,
    Version = version,
}

/// Reads the command line, does what it says, and returns the exit code.
pub fn main(args: Vec<String>) -> ExitCode {
    end_quietly_without_reader();
    let env = |name: &str| std::env::var(name).ok();
    let args = argv::normalise(args, &command(), &env, &|path| {
        std::fs::read_to_string(path)
    });
    let matches = match command().try_get_matches_from(args) {
        Ok(matches) => matches,
        Err(error) => {
            // Help and version are "errors" that are no errors: clap knows the code.
            let code = if error.use_stderr() { 2 } else { 0 };
            let _ = error.print();
            return ExitCode::from(code);
        }
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .thread_stack_size(crate::bloblang::STACK_SIZE)
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => return fail(&anyhow::Error::new(error).context("start the runtime")),
    };
    let result = match Command::from_arg_matches(&matches) {
        Ok(command) if matches.subcommand().is_some() => runtime.block_on(command.run()),
        _ => {
            let flags = given(&matches);
            match Config::load(&flags, &env, &|path| std::fs::read_to_string(path)) {
                Ok(config) => runtime.block_on(role(&config, &flags)),
                Err(why) => {
                    eprintln!("airtruct: {why}");
                    return ExitCode::from(2);
                }
            }
        }
    };
    // Blocking reads (a terminal, a pipe) must not hold up the exit.
    runtime.shutdown_background();
    result.unwrap_or_else(|error| fail(&error))
}

/// `airtruct streams list | head -1`: when nobody reads what is printed any more, the process ends as one that SIGPIPE ends
/// does, instead of by a panic. The signal itself stays off, since sockets would raise it too.
fn end_quietly_without_reader() {
    let default = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        let text = panic.payload_as_str().unwrap_or_default();
        if text.starts_with("failed printing to stdout") && text.contains("Broken pipe") {
            std::process::exit(128 + libc::SIGPIPE);
        }
        default(panic);
    }));
}

fn fail(error: &anyhow::Error) -> ExitCode {
    let _ = writeln!(std::io::stderr(), "airtruct: {error:#}");
    ExitCode::FAILURE
}

/// Runs a role until it ends.
async fn role(config: &Config, flags: &BTreeMap<String, String>) -> anyhow::Result<ExitCode> {
    crate::telemetry::logs::init(&config.log_level, config.log_json)?;
    match config.processes {
        1 => serve::run(config).await,
        _ => supervise::run(config, flags).await,
    }?;
    Ok(ExitCode::SUCCESS)
}

/// A length of time on the command line: `500ms`, `1m30s`.
fn duration(text: &str) -> Result<std::time::Duration, String> {
    crate::config::parse_duration(text)
        .ok_or_else(|| format!("`{text}` is not a time such as 500ms or 1m30s"))
}

/// The whole command line, as clap knows it.
fn command() -> clap::Command {
    let root = clap::Command::new("airtruct")
        .version(env!("CARGO_PKG_VERSION"))
        .about(ABOUT)
        .after_help(EXAMPLES)
        .args_conflicts_with_subcommands(true)
        .subcommand_help_heading("Commands")
        .args(SETTINGS.iter().map(|setting| {
            let mut help = setting.help.to_owned();
            if !setting.default.is_empty() && !setting.value.is_empty() {
                help.push_str(&format!(" [default: {}]", setting.default));
            }
            help.push_str(&format!(" [env: {}]", setting.env));
            let (short, long): (Vec<&str>, Vec<&str>) =
                setting.aliases.iter().partition(|alias| alias.len() == 1);
            let mut arg = Arg::new(setting.name).long(setting.name).aliases(long);
            if let Some(letter) = short.first().and_then(|alias| alias.chars().next()) {
                arg = arg.short(letter);
            }
            let arg = arg
                .help(help)
                .help_heading(setting.heading)
                .action(ArgAction::Set);
            match setting.value {
                "" => arg
                    .value_name("BOOL")
                    .num_args(0..=1)
                    .require_equals(true)
                    .default_missing_value("true"),
                value => arg.value_name(value).allow_hyphen_values(true),
            }
        }));
    Command::augment_subcommands(root)
}

/// The settings that were given as flags.
fn given(matches: &ArgMatches) -> BTreeMap<String, String> {
    SETTINGS
        .iter()
        .filter_map(|setting| {
            let text = matches.get_one::<String>(setting.name)?;
            Some((setting.name.to_owned(), text.clone()))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        command().debug_assert();
    }

    #[test]
    fn help_names_every_setting_with_its_variable() {
        let help = command().render_long_help().to_string();
        for setting in SETTINGS {
            assert!(
                help.contains(&format!("--{}", setting.name)),
                "{}",
                setting.name
            );
            assert!(help.contains(setting.env), "{}", setting.env);
        }
    }
}
