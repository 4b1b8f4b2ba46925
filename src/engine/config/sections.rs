//! The sections of a stream's config.

use super::Case;
use crate::bloblang::{CacheLink, Mapping};
use crate::component::clients::http::CorsConfig;
use crate::component::{
    BufferConfig, CacheConfig, InputConfig, OutputConfig, ProcessorConfig, RateLimitConfig,
};
use crate::config::{Entry, Field, FieldSpec, Group, Linter, Node, Secret, Shape};
use crate::telemetry::otlp;
use std::{collections::BTreeMap, time::Duration};

crate::fields! {
    /// A stream: where its messages come from, what is done to them, and where they go.
    pub struct StreamConfig {
        ..mappings: MappingCaches,
        /// What the stream is called in a cluster; without it, by the file's stem.
        name: Option<String>,
        /// Where the messages come from.
        input: InputConfig = "stdin: {}",
        /// What holds messages between input and pipeline.
        buffer: BufferConfig = "none: {}",
        /// What is done to messages on their way.
        pipeline: Pipeline = "{}",
        /// Where the messages go.
        output: OutputConfig = "stdout: {}",
        /// Inputs that `resource` inputs name by their labels.
        input_resources: Vec<InputConfig> = "[]",
        /// Processors that `resource` processors name by their labels.
        processor_resources: Vec<ProcessorConfig> = "[]",
        /// Outputs that `resource` outputs name by their labels.
        output_resources: Vec<OutputConfig> = "[]",
        /// Caches that components name by their labels.
        cache_resources: Vec<CacheConfig> = "[]",
        /// Rate limits that components name by their labels.
        rate_limit_resources: Vec<RateLimitConfig> = "[]",
        /// How many instances of the stream a cluster runs, each with its number in `AIRTRUCT_SHARD`: a number, or `{min, max}` between
        /// which the number follows the backlog.
        shards: Shards = "1",
        /// Labels that a worker must have to run the stream.
        requires: BTreeMap<String, String> = "{}",
        /// Labels that make a worker the better choice.
        prefers: BTreeMap<String, String> = "{}",
        /// What a worker does with the stream when it can't reach its coordinator.
        on_partition: OnPartition = "stop",
        /// Where the stream answers HTTP requests.
        http: Http = "{}" [advanced],
        /// What is logged, and how.
        logger: Logger = "{}" [advanced],
        /// How the stream's metrics are published.
        metrics: MetricsConfig = "{}" [advanced],
        /// Where traces go.
        tracer: TracerConfig = "none: {}" [advanced],
        /// What becomes of messages that failed in a processor and were not dealt with.
        error_handling: ErrorHandling = "{}" [advanced],
        /// How long to wait after the signal to stop before stopping begins.
        shutdown_delay: crate::config::Span = "0s" [advanced],
        /// How long messages under way may take to arrive once the stream stops.
        shutdown_timeout: Duration = "20s" [advanced],
        /// Unit tests, run by `airtruct test`.
        tests: Option<Vec<Case>> [advanced],
    }
}

/// How the config's mappings reach its caches. Nothing that anybody writes.
#[derive(Clone, Debug)]
pub struct MappingCaches(pub CacheLink);

impl Group for MappingCaches {
    fn fields() -> Vec<FieldSpec> {
        Vec::new()
    }

    fn read_entries(_: &Node, _: &[Entry], linter: &mut Linter<'_>) -> Option<MappingCaches> {
        Some(MappingCaches(linter.bloblang.caches().clone()))
    }
}

crate::fields! {
    /// What is done to messages on their way.
    pub struct Pipeline {
        /// How many threads run the processors; -1 for one on each core.
        threads: i32 = "-1",
        /// The processors, in order.
        processors: Vec<ProcessorConfig> = "[]",
        /// Which messages must stay in order while others overtake them.
        ordering: Option<Ordering>,
        /// How many bytes of messages may be under way at a time; the input waits while there are more.
        memory_budget: crate::config::ByteSize = "64MiB" [advanced],
    }
}

crate::fields! {
    /// Keeps messages of one key in order end to end, while keys run in parallel.
    pub struct Ordering {
        /// A query for the key of a batch's first message.
        key: Mapping,
    }
}

crate::choice! {
    /// What a worker does with a stream when it can't reach its coordinator.
    pub enum OnPartition {
        /// It stops when its lease ends, so that there are never two owners.
        Stop = "stop",
        /// It goes on, so that there is never none.
        Continue = "continue",
    }
}

/// How many instances of a stream run: a number, or a range in which they are scaled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shards {
    pub min: u32,
    pub max: u32,
}

crate::fields! {
    /// A range of shards.
    struct ShardRange {
        /// The fewest.
        min: u32 = "1",
        /// The most.
        max: u32,
    }
}

impl Field for Shards {
    fn shape() -> Shape {
        Shape::Any
    }

    fn read(node: &Node, linter: &mut Linter<'_>) -> Option<Shards> {
        let shards = match node.as_map() {
            Some(_) => {
                let range = ShardRange::read(node, linter)?;
                Shards {
                    min: range.min,
                    max: range.max,
                }
            }
            None => {
                let n = u32::read(node, linter)?;
                Shards { min: n, max: n }
            }
        };
        if shards.min == 0 || shards.max < shards.min {
            linter.error(
                node.place,
                "shards must be at least 1, and max not less than min",
            );
            return None;
        }
        Some(shards)
    }
}

crate::fields! {
    /// Where the stream answers HTTP requests.
    pub struct Http {
        /// Whether it listens at all.
        enabled: bool = "true",
        /// The address to listen on.
        address: String = "127.0.0.1:4195",
        /// A path under which every endpoint can be reached as well.
        root_path: String = "/bento",
        /// Whether `/debug` shows the config and the state of the stream.
        debug_endpoints: bool = "false",
        /// A certificate's file, to speak TLS.
        cert_file: String = "''",
        /// The file of the certificate's key.
        key_file: String = "''",
        /// What browsers on other sites may ask.
        cors: CorsConfig = "{}",
        /// Who may ask at all.
        basic_auth: BasicAuth = "{}",
    }
}

crate::fields! {
    /// Who may ask: one user with a password.
    pub struct BasicAuth {
        /// Whether a password is wanted.
        enabled: bool = "false",
        /// The realm that browsers show.
        realm: String = "restricted",
        /// The user.
        username: String = "''",
        /// The digest of the password in base64; for md5, sha256 and scrypt it may be hexadecimal, for bcrypt the usual text.
        password_hash: Secret = "''",
        /// How the digest was made.
        algorithm: PasswordHash = "sha256",
        /// The salt of scrypt in base64.
        salt: Secret = "''",
    }
}

crate::choice! {
    /// How a password's digest was made.
    pub enum PasswordHash {
        Md5 = "md5",
        Sha256 = "sha256",
        Bcrypt = "bcrypt",
        Scrypt = "scrypt",
    }
}

crate::fields! {
    /// What is logged, and how.
    pub struct Logger {
        /// The least important level that is logged: OFF, FATAL, ERROR, WARN, INFO, DEBUG, TRACE, ALL.
        level: String = "INFO",
        /// How a line is written.
        format: LogFormat = "logfmt",
        /// Whether lines carry the time.
        add_timestamp: bool = "false",
        /// The name of the level's field.
        level_name: String = "level",
        /// The name of the time's field.
        timestamp_name: String = "time",
        /// The name of the message's field.
        message_name: String = "msg",
        /// Fields that every line carries.
        static_fields: BTreeMap<String, Node> = "{'@service': airtruct}",
        /// A file to log to.
        file: LogFile = "{}",
        /// Whether each failure of a processor is logged as an error.
        log_all_errors: bool = "false",
    }
}

crate::choice! {
    /// How a line of the log is written.
    pub enum LogFormat {
        Logfmt = "logfmt",
        Json = "json",
    }
}

crate::fields! {
    /// A file to log to.
    pub struct LogFile {
        /// Its path; empty for none.
        path: String = "''",
        /// Whether a file of 10 MiB is put aside, with the time in its name, and a new one begun.
        rotate: bool = "false",
        /// How many days files that were put aside are kept; 0 for ever.
        rotate_max_age_days: u32 = "0",
    }
}

crate::fields! {
    /// How the stream's metrics are published.
    pub struct MetricsConfig {
        /// Renames metrics, edits their labels, or deletes them: `this` is the name, metadata the labels.
        mapping: Option<Mapping>,
        /// For Prometheus, at `/metrics`.
        prometheus: Option<Prometheus>,
        /// As JSON, at `/stats`.
        json_api: Option<NoSettings>,
        /// In the log.
        logger: Option<MetricsLog>,
        /// Not at all.
        none: Option<NoSettings>,
    }
}

crate::fields! {
    /// Nothing to set.
    pub struct NoSettings {}
}

crate::fields! {
    /// Metrics for Prometheus.
    pub struct Prometheus {
        /// Whether timings are histograms, in seconds, and not summaries.
        use_histogram_timing: bool = "false",
        /// The upper bounds of the histograms' buckets in seconds; empty for the usual ones.
        histogram_buckets: Vec<f64> = "[]",
        /// Quantiles of the summaries; empty for the median, 90 and 99 in a hundred.
        summary_quantiles_objectives: Vec<Node> = "[{quantile: 0.5, error: 0.05}, {quantile: 0.9, error: 0.01}, {quantile: 0.99, error: 0.001}]",
        /// Whether the process is measured too.
        add_process_metrics: bool = "false",
        /// Taken for compatibility: there is no Go runtime to measure.
        add_go_metrics: bool = "false",
        /// A push gateway's URL; empty for none.
        push_url: String = "''",
        /// How often to push; only at the end if empty.
        push_interval: crate::config::Span = "''",
        /// The job that pushed metrics belong to.
        push_job_name: String = "benthos_push",
        /// Who may push.
        push_basic_auth: PushAuth = "{}",
        /// A file to write the metrics to at the end; empty for none.
        file_output_path: String = "''",
    }
}

crate::fields! {
    /// Who may push.
    pub struct PushAuth {
        /// The user.
        username: String = "''",
        /// The password.
        password: Secret = "''",
    }
}

crate::fields! {
    /// Metrics in the log.
    pub struct MetricsLog {
        /// How often; only at the end if empty.
        push_interval: crate::config::Span = "''",
        /// Whether counts and timings start from zero again when they were logged.
        flush_metrics: bool = "false",
    }
}

crate::fields! {
    /// Where traces go.
    pub struct TracerConfig {
        /// To collectors of OpenTelemetry.
        open_telemetry_collector: Option<OpenTelemetry>,
        /// Taken for compatibility: Jaeger takes traces as an OpenTelemetry collector does.
        jaeger: Option<Node>,
        /// Taken for compatibility: a collector can forward to it.
        gcp_cloudtrace: Option<Node>,
        /// Nowhere.
        none: Option<NoSettings>,
    }
}

crate::fields! {
    /// Collectors of OpenTelemetry.
    pub struct OpenTelemetry {
        /// Those that are spoken to by HTTP.
        http: Vec<HttpCollector>,
        /// Those that are spoken to by gRPC.
        grpc: Vec<GrpcCollector>,
        /// Attributes of all spans.
        tags: BTreeMap<String, String> = "{}" [advanced],
        /// Which traces are kept.
        sampling: Sampling = "{}",
    }
}

crate::fields! {
    /// A collector.
    pub struct HttpCollector {
        /// Its host and port.
        address: Option<String>,
        /// The older name of `address`.
        url: String = "localhost:4318",
        /// Whether to speak TLS.
        secure: bool = "false",
    }
}

crate::fields! {
    /// A collector.
    pub struct GrpcCollector {
        /// Its host and port.
        address: Option<String>,
        /// The older name of `address`.
        url: String = "localhost:4317",
        /// Whether to speak TLS.
        secure: bool = "false",
    }
}

crate::fields! {
    /// Which traces are kept.
    pub struct Sampling {
        /// Whether only some are kept.
        enabled: bool = "false",
        /// The share of traces that is kept, from 0 to 1.
        ratio: Option<f64>,
    }
}

impl TracerConfig {
    /// Where spans go; none where there are none.
    pub fn settings(&self) -> Option<otlp::Settings> {
        let config = self.open_telemetry_collector.as_ref()?;
        let collector = |address: &Option<String>, url: &String, is_secure, is_grpc| {
            let given = address.as_ref().filter(|a| !a.is_empty());
            otlp::Collector {
                address: given.unwrap_or(url).clone(),
                is_grpc,
                is_secure,
            }
        };
        let http = config.http.iter();
        let grpc = config.grpc.iter();
        let collectors = http
            .map(|c| collector(&c.address, &c.url, c.secure, false))
            .chain(grpc.map(|c| collector(&c.address, &c.url, c.secure, true)));
        let sampling = &config.sampling;
        Some(otlp::Settings {
            collectors: collectors.collect(),
            tags: config.tags.clone().into_iter().collect(),
            ratio: sampling.enabled.then(|| sampling.ratio.unwrap_or(0.0)),
        })
    }
}

crate::fields! {
    /// What becomes of messages that failed in a processor and were not dealt with.
    pub struct ErrorHandling {
        /// Let them pass, reject them, or send them again.
        strategy: ErrorStrategy = "none",
        /// Whether and what of them is logged.
        log: ErrorLog = "{}",
    }
}

crate::choice! {
    /// What becomes of messages that failed.
    pub enum ErrorStrategy {
        None = "none",
        Reject = "reject",
        Retry = "retry",
    }
}

crate::fields! {
    /// Whether and what of failed messages is logged.
    pub struct ErrorLog {
        /// Whether they are logged.
        enabled: bool = "false",
        /// Whether the message's content is logged with them.
        add_payload: bool = "false",
        /// The share of them that is logged, from 0 to 1.
        sampling_ratio: f64 = "1",
    }
}
