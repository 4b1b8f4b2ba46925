//! Flags, environment and file, read into one [`Config`]; every default in one place.
//!
//! [`SETTINGS`] is the only list of what can be set: a row is a flag, an environment variable, a key of the YAML file, a default
//! and the line of `--help` about it. A value is taken from the first that has it: flag, environment, file, default.
//! `${VAR}` and `${VAR:-default}` are expanded in the file only, so a `$` in a flag or a variable stays what it is.
//!
//! Nothing here reads the process's environment or prints: both come in and go out as values.

mod file;
mod processes;
mod settings;

use std::{collections::BTreeMap, fmt, net::IpAddr, path::PathBuf, str::FromStr};

pub use processes::host_of;
pub use settings::{SETTINGS, Setting};

use crate::{
    cluster::{Policy, placement, worker::Lifetime},
    config::parse_duration,
    ids::WorkerId,
};

/// What a process does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    Coordinator,
    Worker,
    /// Both in one process.
    Standalone,
}

impl FromStr for Role {
    type Err = String;

    fn from_str(text: &str) -> Result<Role, String> {
        match text {
            "coordinator" => Ok(Role::Coordinator),
            "worker" => Ok(Role::Worker),
            "standalone" => Ok(Role::Standalone),
            _ => Err("roles are coordinator, worker and standalone".into()),
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Role::Coordinator => "coordinator",
            Role::Worker => "worker",
            Role::Standalone => "standalone",
        })
    }
}

/// Everything that a coordinator or a worker is told when it starts.
#[derive(Clone, Debug)]
pub struct Config {
    pub role: Role,
    /// The address that every port of this process is opened on.
    pub bind_address: IpAddr,
    pub grpc_port: Port,
    pub http_port: Port,
    pub database_driver: Driver,
    /// A file, or a `postgres://` URI.
    pub database_uri: String,
    pub secret_key: Option<SecretKey>,
    pub policy: Policy,
    /// Where a worker looks for its coordinator: `host:port`, several separated by commas.
    pub discovery_uri: String,
    /// How many workers run here, each in a process of its own; 1 is this process itself.
    pub processes: usize,
    /// None makes it of the host's name and the gRPC port.
    pub worker_id: Option<WorkerId>,
    /// Where others reach this worker's gRPC port, `host:port` or `host`; none makes it of the bind address.
    pub advertise_addr: Option<String>,
    pub labels: BTreeMap<String, String>,
    /// None is no limit.
    pub max_streams: Option<u32>,
    pub weight: u32,
    pub lifetime: Lifetime,
    pub log_level: String,
    pub log_json: bool,
    /// Where to write down what this process does, for `airtruct verify`.
    pub history: Option<PathBuf>,
}

/// Which port to listen on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Port {
    /// This one, or an error; 0 is any that is free.
    Exactly(u16),
    /// The first that is free from this one on.
    From(u16),
}

/// Which database keeps the cluster's state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Driver {
    Sqlite,
    Postgres,
}

impl FromStr for Driver {
    type Err = String;

    fn from_str(text: &str) -> Result<Driver, String> {
        match text {
            "sqlite" => Ok(Driver::Sqlite),
            "postgres" | "postgresql" => Ok(Driver::Postgres),
            _ => Err("drivers are sqlite and postgres".into()),
        }
    }
}

/// The 32 bytes that secrets are encrypted with; never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretKey(pub [u8; 32]);

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretKey(…)")
    }
}

impl FromStr for SecretKey {
    type Err = String;

    fn from_str(text: &str) -> Result<SecretKey, String> {
        text.as_bytes()
            .try_into()
            .map(SecretKey)
            .map_err(|_| format!("it has {} bytes and needs exactly 32", text.len()))
    }
}

/// Where a value came from, for errors.
#[derive(Clone, Debug)]
enum Source {
    Flag,
    Environment,
    File(String),
    Default,
}

/// The settings as text, by name, from all four sources.
struct Texts<'a> {
    flags: &'a BTreeMap<String, String>,
    env: &'a dyn Fn(&str) -> Option<String>,
    file: BTreeMap<String, (String, String)>,
}

impl Config {
    /// Reads a config from the flags given, the environment, and the file that either names (which `read_file` reads).
    /// An error says which setting is wrong, where it was set, and what to change.
    pub fn load(
        flags: &BTreeMap<String, String>,
        env: &dyn Fn(&str) -> Option<String>,
        read_file: &dyn Fn(&str) -> std::io::Result<String>,
    ) -> Result<Config, String> {
        let mut texts = Texts {
            flags,
            env,
            file: BTreeMap::new(),
        };
        if let Some((path, _)) = texts.find("config") {
            let text = read_file(&path).map_err(|e| format!("can't read `{path}`: {e}"))?;
            texts.file = file::read(&text, &path, env)?;
        }
        texts.config()
    }
}

impl Texts<'_> {
    /// The text of a setting and where it was set; none where it wasn't and has no default. Empty variables count as unset.
    fn find(&self, name: &str) -> Option<(String, Source)> {
        let setting = SETTINGS.iter().find(|s| s.name == name)?;
        if let Some(text) = self.flags.get(name) {
            return Some((text.clone(), Source::Flag));
        }
        if let Some(text) = (self.env)(setting.env).filter(|t| !t.is_empty()) {
            return Some((text, Source::Environment));
        }
        if let Some((text, place)) = self.file.get(name) {
            return Some((text.clone(), Source::File(place.clone())));
        }
        (!setting.default.is_empty()).then(|| (setting.default.to_owned(), Source::Default))
    }

    /// A setting that may be missing.
    fn read<T>(
        &self,
        name: &str,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Result<Option<T>, String> {
        let Some((text, source)) = self.find(name) else {
            return Ok(None);
        };
        let shown = if name == "secret.key" {
            String::new()
        } else {
            format!(" `{text}`")
        };
        parse(&text).map(Some).map_err(|why| match source {
            Source::Flag => format!("-{name}{shown}: {why}"),
            Source::Environment => format!("{}{shown} (environment): {why}", env_name(name)),
            Source::File(place) => format!("{place}: {name}{shown}: {why}"),
            Source::Default => format!("{name}{shown} (default): {why}"),
        })
    }

    /// A setting that has a default.
    fn get<T>(
        &self,
        name: &str,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Result<T, String> {
        Ok(self
            .read(name, parse)?
            .expect("every setting read with `get` has a default"))
    }

    /// The driver and what it opens: a PostgreSQL URI needs no driver beside it, and an SQLite file may be written as a URI.
    fn database(&self) -> Result<(Driver, String), String> {
        let driver = self.get("database.driver", parse)?;
        let uri: String = self.get("database.uri", parse)?;
        if uri.starts_with("postgres://") || uri.starts_with("postgresql://") {
            return Ok((Driver::Postgres, uri));
        }
        if driver == Driver::Postgres {
            return Err("-database.driver postgres needs -database.uri postgres://USER:PASSWORD@HOST:PORT/DATABASE".into());
        }
        let file = ["sqlite://", "sqlite:", "file://", "file:"]
            .iter()
            .find_map(|scheme| uri.strip_prefix(scheme))
            .map_or(uri.as_str(), |rest| rest.split('?').next().unwrap_or(rest));
        Ok((driver, file.to_owned()))
    }

    fn config(&self) -> Result<Config, String> {
        let role = self.get("role", parse)?;
        let lease_ms = self.get("lease-ttl", millis)?;
        let policy = Policy {
            strategy: self.get("strategy", strategy)?,
            lease_ms,
            heartbeat_ms: self.get("heartbeat-interval", millis)?,
            margin_ms: self.get("lease-margin", millis)?,
            suspect_ms: self.read("suspect-after", millis)?.unwrap_or(lease_ms / 2),
            drain_ms: self.get("drain-timeout", millis)?,
            max_moves: self.get("max-moves", parse)?,
            settle_ms: self.get("settle-time", millis)?,
            gather_ms: self.get("gather-time", millis)?,
            forget_ms: self.get("forget-after", millis)?,
            quarantine_ms: self.get("quarantine-time", millis)?,
            min_workers: self.get("min-workers", parse)?,
            max_workers: Some(self.get("max-workers", parse)?).filter(|n| *n > 0),
            ..Policy::default()
        };
        policy
            .check()
            .map_err(|why| format!("{why} (-lease-ttl, -heartbeat-interval, -lease-margin)"))?;
        self.get("auth.type", |text| match text {
            "none" => Ok(()),
            _ => Err("only `none` is offered".into()),
        })?;
        let (database_driver, database_uri) = self.database()?;
        let processes = self.get("processes", processes::count)?;
        let debug = self.get("debug", switch)?;
        let ports = |from: u16, text: &'static str| -> Result<Port, String> {
            let given = self.read(text, parse)?.map(Port::Exactly);
            Ok(given.unwrap_or(match role {
                Role::Worker => Port::From(from + 1),
                Role::Coordinator | Role::Standalone => Port::Exactly(from),
            }))
        };
        let config = Config {
            role,
            bind_address: self.get("bind-address", parse)?,
            grpc_port: ports(50_000, "grpc-port")?,
            http_port: ports(8_080, "http-port")?,
            database_driver,
            database_uri,
            secret_key: self.read("secret.key", parse)?,
            policy,
            discovery_uri: self.get("discovery-uri", endpoints)?,
            processes,
            worker_id: self.read("worker-id", parse)?,
            advertise_addr: self.read("advertise-addr", parse)?,
            labels: self.read("labels", labels)?.unwrap_or_default(),
            max_streams: Some(self.get("max-streams", parse)?).filter(|n| *n > 0),
            weight: self.get("weight", |text| match text.parse() {
                Ok(0) | Err(_) => Err("it must be a number of at least 1".to_owned()),
                Ok(n) => Ok(n),
            })?,
            lifetime: Lifetime {
                max_assignments: Some(self.get("max-assignments", parse)?).filter(|n| *n > 0),
                max_age_ms: Some(self.get("max-age", millis)?).filter(|n| *n > 0),
            },
            log_level: if debug {
                "debug".into()
            } else {
                self.get("log-level", parse)?
            },
            log_json: self.get("log-format", |text| match text {
                "text" => Ok(false),
                "json" => Ok(true),
                _ => Err("formats are text and json".into()),
            })?,
            history: self.read("history", parse)?,
        };
        processes::check(&config)?;
        Ok(config)
    }
}

fn env_name(name: &str) -> &'static str {
    SETTINGS
        .iter()
        .find(|s| s.name == name)
        .map_or("", |s| s.env)
}

fn parse<T: FromStr>(text: &str) -> Result<T, String>
where
    T::Err: fmt::Display,
{
    text.trim().parse().map_err(|e: T::Err| e.to_string())
}

fn millis(text: &str) -> Result<u64, String> {
    let duration = parse_duration(text.trim())
        .ok_or_else(|| "it must be a time such as 500ms, 2.5s or 1m30s".to_owned())?;
    u64::try_from(duration.as_millis()).map_err(|_| "it is too long".into())
}

fn switch(text: &str) -> Result<bool, String> {
    match text.trim().to_ascii_lowercase().as_str() {
        "true" | "1" | "yes" | "on" => Ok(true),
        "false" | "0" | "no" | "off" => Ok(false),
        _ => Err("it must be true or false".into()),
    }
}

fn strategy(text: &str) -> Result<String, String> {
    placement::strategy(text)
        .map(|strategy| strategy.name.to_owned())
        .map_err(|e| e.to_string())
}

fn labels(text: &str) -> Result<BTreeMap<String, String>, String> {
    text.split(',')
        .map(str::trim)
        .filter(|pair| !pair.is_empty())
        .map(|pair| match pair.split_once('=') {
            Some((key, value)) if !key.trim().is_empty() => {
                Ok((key.trim().to_owned(), value.trim().to_owned()))
            }
            _ => Err(format!("`{pair}` is not of the form key=value")),
        })
        .collect()
}

fn endpoints(text: &str) -> Result<String, String> {
    for one in text.split(',').map(str::trim) {
        let (_, port) = one
            .rsplit_once(':')
            .ok_or_else(|| format!("`{one}` is not of the form host:port"))?;
        if port.parse::<u16>().is_err() {
            return Err(format!("`{port}` in `{one}` is not a port"));
        }
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(flags: &[(&str, &str)], env: &[(&str, &str)], file: &str) -> Result<Config, String> {
        let flags = flags
            .iter()
            .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
            .collect();
        let env: BTreeMap<String, String> = env
            .iter()
            .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
            .collect();
        let file = file.to_owned();
        Config::load(&flags, &|name| env.get(name).cloned(), &move |_| {
            Ok(file.clone())
        })
    }

    #[test]
    fn a_role_needs_no_other_flag() {
        let coordinator = load(&[("role", "coordinator")], &[], "").expect("a config");
        assert_eq!(coordinator.grpc_port, Port::Exactly(50_000));
        assert_eq!(coordinator.http_port, Port::Exactly(8_080));
        assert_eq!(coordinator.policy, Policy::default());
        let worker = load(&[("role", "worker")], &[], "").expect("a config");
        assert_eq!(worker.grpc_port, Port::From(50_001));
        assert_eq!(worker.discovery_uri, "localhost:50000");
        assert_eq!(worker.max_streams, None);
    }

    #[test]
    fn a_flag_beats_the_environment_beats_the_file_beats_the_default() {
        let file = "grpc_port: 1\nhttp-port: 2\ndatabase:\n  driver: postgres\n  uri: postgres://${HOST:-db}/x\nweight: 9";
        let config = load(
            &[("config", "f"), ("grpc-port", "5")],
            &[("GRPC_PORT", "4"), ("HTTP_PORT", "3")],
            file,
        )
        .expect("a config");
        assert_eq!(config.grpc_port, Port::Exactly(5));
        assert_eq!(config.http_port, Port::Exactly(3));
        assert_eq!(config.database_driver, Driver::Postgres);
        assert_eq!(config.database_uri, "postgres://db/x");
        assert_eq!(config.weight, 9);
    }

    #[test]
    fn a_dollar_is_expanded_in_the_file_only() {
        let flags = [("database.uri", "postgres://u:${X}@h/d")];
        let config = load(&flags, &[("X", "y")], "").expect("a config");
        assert_eq!(config.database_uri, "postgres://u:${X}@h/d");
    }

    #[test]
    fn errors_say_where_and_what_to_change() {
        let file = [("config", "f.yaml")];
        for (flags, env, text, wanted) in [
            (
                &file[..],
                &[][..],
                "grpc-prot: 1",
                "f.yaml:1:1: unknown setting `grpc-prot` (did you mean `grpc-port`?)",
            ),
            (&file, &[], "a: [", "f.yaml:"),
            (
                &file,
                &[],
                "secret: {key: '${NONE}'}",
                "the variable NONE is not set",
            ),
            (
                &[("lease-ttl", "1s")],
                &[],
                "",
                "set the lease to more than 1000 ms",
            ),
            (
                &[("role", "boss")],
                &[],
                "",
                "-role `boss`: roles are coordinator, worker and standalone",
            ),
            (
                &[("secret.key", "hunter2")],
                &[],
                "",
                "-secret.key: it has 7 bytes and needs exactly 32",
            ),
            (
                &[],
                &[("GRPC_PORT", "x")],
                "",
                "GRPC_PORT `x` (environment): ",
            ),
            (
                &[("labels", "zone")],
                &[],
                "",
                "`zone` is not of the form key=value",
            ),
            (
                &[("discovery-uri", "host")],
                &[],
                "",
                "`host` is not of the form host:port",
            ),
            (&[("strategy", "best")], &[], "", "known: least_loaded"),
            (&[("auth.type", "basic")], &[], "", "only `none` is offered"),
        ] {
            let error = load(flags, env, text).expect_err(wanted);
            assert!(error.contains(wanted), "{error}");
        }
    }

    #[test]
    fn a_database_is_a_file_or_a_server() {
        for (driver, uri, wanted) in [
            ("sqlite", "a.db", Some((Driver::Sqlite, "a.db"))),
            (
                "sqlite",
                "file:./a.sqlite?mode=rwc",
                Some((Driver::Sqlite, "./a.sqlite")),
            ),
            (
                "sqlite",
                "sqlite:///var/a.db",
                Some((Driver::Sqlite, "/var/a.db")),
            ),
            (
                "sqlite",
                "postgres://h/d",
                Some((Driver::Postgres, "postgres://h/d")),
            ),
            ("postgres", "a.db", None),
        ] {
            let config = load(
                &[("database.driver", driver), ("database.uri", uri)],
                &[],
                "",
            );
            let found = config.map(|c| (c.database_driver, c.database_uri)).ok();
            assert_eq!(
                found,
                wanted.map(|(d, u)| (d, u.to_owned())),
                "{driver} {uri}"
            );
        }
    }

    #[test]
    fn labels_may_be_a_map() {
        let config = load(&[("config", "f")], &[], "labels: {zone: a, disk: ssd}").expect("ok");
        assert_eq!(config.labels.len(), 2);
        assert_eq!(config.labels["disk"], "ssd");
    }
}
