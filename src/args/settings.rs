//! Table: everything that can be set, with its default and its line of `--help`.

/// A row of the table of settings.
pub struct Setting {
    /// The flag and, with dots as nesting, the key of the file.
    pub name: &'static str,
    /// Other names of the flag.
    pub aliases: &'static [&'static str],
    pub env: &'static str,
    /// What stands for the value in `--help`; empty for a switch.
    pub value: &'static str,
    /// As text, read like any value; empty where there is none.
    pub default: &'static str,
    pub help: &'static str,
    pub heading: &'static str,
}

const fn row(
    heading: &'static str,
    names: &'static [&'static str],
    env: &'static str,
    value: &'static str,
    default: &'static str,
    help: &'static str,
) -> Setting {
    let (name, aliases) = match names {
        [name, aliases @ ..] => (*name, aliases),
        [] => panic!("a setting has a name"),
    };
    Setting {
        name,
        aliases,
        env,
        value,
        default,
        help,
        heading,
    }
}

const PROCESS: &str = "Process";
const NETWORK: &str = "Network";
const COORDINATOR: &str = "Coordinator";
const WORKER: &str = "Worker";

/// Everything that can be set.
#[rustfmt::skip]
pub static SETTINGS: &[Setting] = &[
    row(PROCESS, &["role"], "ROLE", "ROLE", "coordinator",
        "What this process does: `coordinator` places streams on workers and serves the API, `worker` runs them, `standalone` does both"),
    row(PROCESS, &["config"], "CONFIG_FILE", "FILE", "",
        "YAML file with any of these settings; `${VAR}` and `${VAR:-default}` are expanded in it"),
    row(PROCESS, &["debug", "d"], "DEBUG_MODE", "", "false",
        "Log at level debug"),
    row(PROCESS, &["log-level"], "LOG_LEVEL", "LEVEL", "info",
        "Log at this level: error, warn, info, debug, trace, or a filter such as `info,airtruct::coordinator=debug`"),
    row(PROCESS, &["log-format"], "LOG_FORMAT", "FORMAT", "text",
        "Write logs as `text` or as `json`, to standard error"),
    row(PROCESS, &["history"], "HISTORY", "FILE", "",
        "Append what bears on ownership to this file, a line of JSON each, for `airtruct verify`"),

    row(NETWORK, &["bind-address"], "BIND_ADDRESS", "IP", "127.0.0.1",
        "Listen on this address. The default is reached from this host only; 0.0.0.0 is every address"),
    row(NETWORK, &["grpc-port", "gp"], "GRPC_PORT", "PORT", "",
        "Port for coordinator and workers among each other; 0 takes any that is free [default: 50000; a worker the first free one from 50001]"),
    row(NETWORK, &["http-port", "hp"], "HTTP_PORT", "PORT", "",
        "Port for the API, metrics and health; 0 takes any that is free [default: 8080; a worker the first free one from 8081]"),

    row(COORDINATOR, &["database.driver"], "DATABASE_DRIVER", "DRIVER", "sqlite",
        "Where the cluster's state is kept: `sqlite` or `postgres`"),
    row(COORDINATOR, &["database.uri"], "DATABASE_URI", "URI", "airtruct.db",
        "The SQLite file, or postgres://USER:PASSWORD@HOST:PORT/DATABASE"),
    row(COORDINATOR, &["secret.key"], "SECRET_KEY", "KEY", "",
        "32 bytes that secrets are encrypted with"),
    row(COORDINATOR, &["auth.type"], "AUTH_TYPE", "TYPE", "none",
        "Who may use the API: `none` asks for no credentials"),
    row(COORDINATOR, &["strategy"], "PLACEMENT_STRATEGY", "NAME", "least_loaded",
        "How streams are placed: least_loaded, round_robin, weighted, consistent_hash or lifetime_first"),
    row(COORDINATOR, &["lease-ttl"], "LEASE_TTL", "TIME", "2500ms",
        "How long a worker that isn't heard may go on; what a silent worker ran is taken over after it. More than two heartbeats"),
    row(COORDINATOR, &["heartbeat-interval"], "HEARTBEAT_INTERVAL", "TIME", "500ms",
        "How often workers report"),
    row(COORDINATOR, &["lease-margin"], "LEASE_MARGIN", "TIME", "250ms",
        "What a take-over waits beyond the lease, for clocks that differ"),
    row(COORDINATOR, &["suspect-after"], "SUSPECT_AFTER", "TIME", "",
        "A worker that wasn't heard for so long gets nothing new [default: half the lease]"),
    row(COORDINATOR, &["drain-timeout"], "DRAIN_TIMEOUT", "TIME", "30s",
        "How long a stream may take to finish what it has read when it is moved or stopped"),
    row(COORDINATOR, &["max-moves"], "MAX_MOVES", "N", "20",
        "How many streams may be on the move at once to balance load"),
    row(COORDINATOR, &["settle-time"], "SETTLE_TIME", "TIME", "1s",
        "How long a worker must have been there before load is moved to it"),
    row(COORDINATOR, &["gather-time"], "GATHER_TIME", "TIME", "150ms",
        "How long the first worker waits for others before streams are placed"),
    row(COORDINATOR, &["forget-after"], "FORGET_AFTER", "TIME", "1h",
        "A worker that is gone is forgotten after so long"),
    row(COORDINATOR, &["quarantine-time"], "QUARANTINE_TIME", "TIME", "5m",
        "How long a stream rests after several workers died one after another soon after it had begun on them"),
    row(COORDINATOR, &["min-workers"], "MIN_WORKERS", "N", "1",
        "The metric airtruct_desired_workers, for autoscalers, never asks for fewer"),
    row(COORDINATOR, &["max-workers"], "MAX_WORKERS", "N", "0",
        "The metric airtruct_desired_workers never asks for more; 0 is no limit"),

    row(WORKER, &["discovery-uri", "du"], "DISCOVERY_URI", "HOST:PORT", "localhost:50000",
        "Where the coordinator is; several are separated by commas"),
    row(WORKER, &["worker-id"], "WORKER_ID", "ID", "",
        "This worker's name, the same after a restart [default: HOSTNAME:GRPC-PORT]"),
    row(WORKER, &["processes"], "PROCESSES", "N", "1",
        "Run so many workers, each in a process of its own that is started anew when it crashes; `auto` is one for each core. Ids get `-1`, `-2`, ... and ports count up"),
    row(WORKER, &["advertise-addr"], "ADVERTISE_ADDR", "HOST:PORT", "",
        "Where the coordinator reaches this worker's gRPC port [default: the bind address, or the host's name if that is every address]"),
    row(WORKER, &["labels"], "LABELS", "K=V,...", "",
        "What streams may ask for, such as zone=a,disk=ssd"),
    row(WORKER, &["max-streams"], "MAX_STREAMS", "N", "0",
        "The most streams that this worker runs; 0 is no limit"),
    row(WORKER, &["weight"], "WEIGHT", "N", "1",
        "Its share with the strategy `weighted`, relative to other workers"),
    row(WORKER, &["max-assignments"], "MAX_ASSIGNMENTS", "N", "0",
        "Drain and exit after having been given so many streams, to be started anew by a supervisor; 0 is never"),
    row(WORKER, &["max-age"], "MAX_AGE", "TIME", "0s",
        "Drain and exit at this age, to be started anew by a supervisor; 0s is never"),
];
