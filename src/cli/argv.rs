//! Brings a command line into the one form that clap reads.
//!
//! Three freedoms end here: flags may take one dash (`-role`), a stream may be run as Bento runs it
//! (`airtruct -c stream.yaml`), and Bento's root flags may stand before a command (`airtruct -r res.yaml test ./tests`).
//! Everything else passes as it is.

use clap::Command;

use crate::config::Node;

/// Bento's root flags: the forms it knows, and whether a value follows.
const BENTO: &[(&[&str], bool)] = &[
    (&["-c", "--config"], true),
    (&["-r", "--resources"], true),
    (&["-s", "--set"], true),
    (&["-e", "--env-file"], true),
    (&["-t", "--templates"], true),
    (&["-w", "--watcher"], false),
    (&["--log.level"], true),
    (&["--chilled"], false),
];

/// The command line as clap reads it. `read_file` is asked for a file given with `-c` only where it may be either settings or a
/// stream: it is settings if it names a `role`.
pub(super) fn normalise(
    args: Vec<String>,
    command: &Command,
    env: &dyn Fn(&str) -> Option<String>,
    read_file: &dyn Fn(&str) -> std::io::Result<String>,
) -> Vec<String> {
    let mut args = args.into_iter();
    let program = args.next().unwrap_or_else(|| "airtruct".into());
    let args: Vec<String> = args.collect();
    let root = Root::split(&args, command);
    if args.is_empty() && env("ROLE").is_none_or(|role| role.is_empty()) {
        return vec![program, "--help".into()];
    }
    let mut out = vec![program];
    match root.rest.split_first() {
        Some((first, rest)) => {
            let first = match first == "streams" && root.is_many_streams(rest, command) {
                true => "run-streams",
                false => first,
            };
            out.push(first.to_owned());
            let sub = command.find_subcommand(first);
            out.extend(root.bento.iter().cloned());
            out.extend(root.settings.iter().cloned());
            out.extend(with_two_dashes(rest, sub));
        }
        None if root.is_stream(env, read_file) => {
            out.push("run".into());
            out.extend(root.bento);
            out.extend(root.settings);
        }
        None => {
            out.extend(root.settings);
            out.extend(root.bento.into_iter().map(|arg| match arg.as_str() {
                "-c" => "--config".into(),
                _ => arg,
            }));
        }
    }
    out
}

/// The part of a command line before the command.
struct Root {
    /// Bento's flags with their values.
    bento: Vec<String>,
    /// The settings of the roles and everything unknown.
    settings: Vec<String>,
    has_role: bool,
    /// The command and what follows it.
    rest: Vec<String>,
}

impl Root {
    fn split(args: &[String], command: &Command) -> Root {
        let mut root = Root {
            bento: Vec::new(),
            settings: Vec::new(),
            has_role: false,
            rest: Vec::new(),
        };
        let mut at = 0;
        while let Some(arg) = args.get(at) {
            if !arg.starts_with('-') || arg == "-" {
                root.rest = args[at..].to_vec();
                break;
            }
            let next = args.get(at + 1);
            at += 1;
            let (flag, inline) = match arg.split_once('=') {
                Some((flag, _)) => (flag, true),
                None => (arg.as_str(), false),
            };
            // `-r` is Bento's resources unless what follows is a role, which is what it meant before.
            let is_role =
                flag == "-r" && next.is_some_and(|n| n.parse::<crate::args::Role>().is_ok());
            if is_role {
                root.settings.push("--role".into());
                root.settings.extend(next.cloned());
                root.has_role = true;
                at += 1;
                continue;
            }
            let two = two_dashes(arg, command).unwrap_or_else(|| arg.clone());
            let flag = two.split('=').next().unwrap_or(flag).to_owned();
            if let Some((_, takes_value)) = BENTO
                .iter()
                .find(|(names, _)| names.contains(&flag.as_str()))
            {
                root.bento.push(two);
                if *takes_value && !inline {
                    root.bento.extend(next.cloned());
                    at += 1;
                }
                continue;
            }
            root.has_role |= flag == "--role";
            let takes_value = command
                .get_arguments()
                .find(|a| long_names(a).any(|n| flag.strip_prefix("--") == Some(n)))
                .is_some_and(|a| a.get_num_args().is_none_or(|n| n.min_values() > 0));
            root.settings.push(two);
            if takes_value && !inline {
                root.settings.extend(next.cloned());
                at += 1;
            }
        }
        root
    }

    /// Whether `streams` with these arguments runs them here, as Bento's does, and isn't about the cluster's: unless it names
    /// an action on those, it does with Bento's flags or with the path of something.
    fn is_many_streams(&self, rest: &[String], command: &Command) -> bool {
        let actions = command.find_subcommand("streams");
        let mut words = rest.iter().filter(|arg| !arg.starts_with('-'));
        let is_action = |word: &String| {
            word == "help" || actions.is_some_and(|a| a.find_subcommand(word).is_some())
        };
        if words.clone().any(is_action) {
            return false;
        }
        let is_path =
            |word: &String| word.contains(['/', '.', '*']) || std::path::Path::new(word).exists();
        let has_flag = rest.iter().any(|arg| {
            let flag = arg.trim_start_matches('-').split('=').next();
            arg.starts_with('-') && matches!(flag, Some("no-api" | "prefix-stream-endpoints"))
        });
        !self.bento.is_empty() || has_flag || words.any(is_path)
    }

    /// Whether a command line without a command runs one stream, as Bento's does, and takes no role.
    fn is_stream(
        &self,
        env: &dyn Fn(&str) -> Option<String>,
        read_file: &dyn Fn(&str) -> std::io::Result<String>,
    ) -> bool {
        if self.has_role || self.bento.is_empty() || env("ROLE").is_some_and(|r| !r.is_empty()) {
            return false;
        }
        let config = self
            .bento
            .iter()
            .position(|arg| arg == "-c" || arg == "--config")
            .and_then(|at| self.bento.get(at + 1).cloned())
            .or_else(|| {
                let inline = self
                    .bento
                    .iter()
                    .find_map(|arg| arg.strip_prefix("--config="));
                inline.map(str::to_owned)
            });
        let Some(config) = config else {
            return true;
        };
        let is_settings = read_file(&config)
            .ok()
            .and_then(|text| Node::parse(&text).ok())
            .is_some_and(|root| root.get("role").is_some());
        !is_settings
    }
}

/// The arguments of a command with its long flags brought to two dashes, down through its own subcommands. A subcommand knows
/// the flags of those above it as well.
fn with_two_dashes(args: &[String], command: Option<&Command>) -> Vec<String> {
    let mut chain: Vec<&Command> = command.into_iter().collect();
    let mut out = Vec::with_capacity(args.len());
    let mut args = args.iter();
    for arg in args.by_ref() {
        if arg == "--" {
            out.push(arg.clone());
            break;
        }
        let two = chain.iter().find_map(|command| two_dashes(arg, command));
        if !arg.starts_with('-')
            && let Some(sub) = chain
                .last()
                .and_then(|command| command.find_subcommand(arg))
        {
            chain.push(sub);
        }
        out.push(two.unwrap_or_else(|| arg.clone()));
    }
    out.extend(args.cloned());
    out
}

/// `-name` and `-name=value` with two dashes, if the command has a flag of this name.
fn two_dashes(arg: &str, command: &Command) -> Option<String> {
    let body = arg
        .strip_prefix('-')
        .filter(|body| !body.starts_with('-'))?;
    let name = body.split('=').next().unwrap_or(body);
    // One letter is a short flag.
    let is_known = name.len() > 1
        && (["help", "version"].contains(&name)
            || command
                .get_arguments()
                .any(|a| long_names(a).any(|n| n == name))
            || BENTO
                .iter()
                .any(|(names, _)| names.iter().any(|n| n.strip_prefix("--") == Some(name))));
    is_known.then(|| format!("-{arg}"))
}

/// A flag's long name and its other long names.
fn long_names(arg: &clap::Arg) -> impl Iterator<Item = &str> {
    arg.get_long()
        .into_iter()
        .chain(arg.get_all_aliases().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &str, role: Option<&str>, file: &str) -> String {
        let args = std::iter::once("airtruct")
            .chain(text.split_whitespace())
            .map(str::to_owned);
        let file = file.to_owned();
        let command = super::super::command();
        normalise(
            args.collect(),
            &command,
            &|name| (name == "ROLE").then(|| role.map(str::to_owned))?,
            &move |_| Ok(file.clone()),
        )[1..]
            .join(" ")
    }

    #[test]
    fn one_dash_or_two() {
        for (given, wanted) in [
            ("", "--help"),
            ("-role worker -grpc-port 5", "--role worker --grpc-port 5"),
            ("--role=worker -gp=5", "--role=worker --gp=5"),
            ("-r coordinator -debug", "--role coordinator --debug"),
            (
                "-role worker -config a.yaml",
                "--role worker --config a.yaml",
            ),
            ("-c a.yaml -role worker", "--role worker --config a.yaml"),
            ("events -follow -- -follow", "events --follow -- -follow"),
            ("streams list -output json", "streams list --output json"),
            ("-help", "--help"),
            ("-wibble", "-wibble"),
        ] {
            assert_eq!(line(given, None, ""), wanted, "{given}");
        }
    }

    #[test]
    fn a_stream_runs_as_bento_runs_it() {
        let stream = "input: {stdin: {}}";
        for (given, wanted) in [
            ("-c a.yaml", "run -c a.yaml"),
            (
                "-r b.yaml -s x.y=1 -c a.yaml -w",
                "run -r b.yaml -s x.y=1 -c a.yaml -w",
            ),
            (
                "-c a.yaml --log.level debug --chilled",
                "run -c a.yaml --log.level debug --chilled",
            ),
            ("streams ./configs", "run-streams ./configs"),
            ("streams -no-api x", "run-streams --no-api x"),
            ("-c a.yaml streams", "run-streams -c a.yaml"),
            ("streams lst", "streams lst"),
            ("streams get ./configs", "streams get ./configs"),
            ("-r b.yaml test ./tests", "test -r b.yaml ./tests"),
        ] {
            assert_eq!(line(given, None, stream), wanted, "{given}");
        }
        assert_eq!(line("-c a.yaml", None, "role: worker"), "--config a.yaml");
        assert_eq!(line("-c a.yaml", Some("worker"), stream), "--config a.yaml");
    }
}
