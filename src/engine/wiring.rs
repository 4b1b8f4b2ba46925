//! What the engine does for the components of one stream: builds them with everything around them, and keeps what they share.

use super::{
    batched_sink::BatchedSink,
    batched_source::BatchedSource,
    batcher::Batcher,
    config::{ResourceKind, StreamConfig},
    input::ReaderSource,
    log::Log,
    mapping_caches::MappingCaches,
    measured::template_rename,
    output::WriterSink,
    pressure::Pressure,
    processed::{ProcessedSink, ProcessedSource},
    resources::Resources,
    shared::{Borrowed, Shared},
    stream::Services,
    traced,
    watch::{Watch, Watched},
};
use crate::component::{
    BatchPolicy, Cache, Chain, Context, Fence, HttpMux, Hurry, Input, InputConfig, Output,
    OutputConfig, Pipe, Processor, ProcessorConfig, RateLimit, Scanner, ScannerConfig, Sink,
    Source, Wiring,
};
use crate::config::MetricsRename;
use crate::message::ComponentName;
use crate::telemetry::{metrics::Metrics, otlp::Tracer};
use futures::{FutureExt, future::BoxFuture};
use parking_lot::Mutex;
use std::{
    collections::HashMap,
    ops::Deref,
    sync::{
        Arc, Weak,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};
use tokio_util::sync::CancellationToken;

/// What a stream's components share, as some of them see it: those that templates made have metrics of other names.
pub(super) struct Shop {
    common: Arc<Common>,
    pub metrics: Metrics,
    /// Whether these metrics are renamed beyond what the stream says.
    is_renamed: bool,
}

impl Deref for Shop {
    type Target = Common;

    fn deref(&self) -> &Common {
        &self.common
    }
}

/// What all of a stream's components share.
pub(super) struct Common {
    pub stream: Arc<str>,
    /// Named as the stream says.
    metrics: Metrics,
    /// None where nothing is traced.
    pub tracer: Option<Tracer>,
    pub fence: Fence,
    pub http: HttpMux,
    pub pipes: Pipes,
    pub soft_stop: CancellationToken,
    pub hard_stop: CancellationToken,
    pub hurry: Hurry,
    pub pressure: Arc<Pressure>,
    pub counts: Arc<Counts>,
    pub resources: Resources,
    /// Whether each failure of a processor is logged as an error.
    pub log_all_errors: bool,
    /// What is to be begun once everything is built; none once it is.
    pub starts: Mutex<Option<Vec<BoxFuture<'static, ()>>>>,
    pub inputs: Mutex<Vec<Weak<AtomicBool>>>,
    pub outputs: Mutex<Vec<Weak<AtomicBool>>>,
    /// Where resources are found that are not the stream's own.
    pub shared: Option<Shared>,
}

/// Pipes by name; streams of one process may share them.
#[derive(Clone, Default)]
pub struct Pipes(Arc<Mutex<HashMap<String, Pipe>>>);

/// Counts of messages since the stream started.
#[derive(Debug, Default)]
pub struct Counts {
    /// Read by its inputs.
    pub received: AtomicU64,
    /// Written by its outputs.
    pub sent: AtomicU64,
    /// Writes that failed.
    pub failed: AtomicU64,
}

impl Shop {
    /// What the components of a stream with this config share. `budget` is how many bytes of messages may be under way.
    /// Must be called within a runtime.
    pub fn new(
        name: &str,
        config: &StreamConfig,
        services: Services,
        budget: usize,
        threads: usize,
    ) -> Arc<Shop> {
        let hurry = Hurry::default();
        let metrics = services.metrics;
        let common = Arc::new(Common {
            stream: name.into(),
            metrics: metrics.clone(),
            tracer: services.tracer,
            fence: services.fence,
            http: HttpMux::default(),
            pipes: services.pipes,
            soft_stop: CancellationToken::new(),
            hard_stop: CancellationToken::new(),
            pressure: Arc::new(Pressure::new(budget, threads + 1, hurry.clone())),
            hurry,
            counts: Arc::default(),
            resources: Resources::new(config),
            log_all_errors: config.logger.log_all_errors,
            starts: Mutex::new(None),
            inputs: Mutex::default(),
            outputs: Mutex::default(),
            shared: services.shared,
        });
        let shop = Arc::new(Shop {
            common,
            metrics,
            is_renamed: false,
        });
        let caches = MappingCaches::new(&shop);
        config.mappings.0.bind(Arc::new(caches));
        shop
    }

    /// The shop whose resource of this kind is meant: the streams' common one where the stream has none of its own.
    fn owner(self: Arc<Self>, kind: ResourceKind, label: &str) -> Arc<Shop> {
        match &self.shared {
            Some(shared) if !self.resources.has(kind, label) => {
                shared.note_use(&self.stream, kind, label);
                shared.shop().clone()
            }
            // Whoever asks for a resource first has no say in the names of its metrics.
            _ if self.is_renamed => Arc::new(Shop {
                common: self.common.clone(),
                metrics: self.common.metrics.clone(),
                is_renamed: false,
            }),
            _ => self,
        }
    }

    /// The shop as a component sees it whose metrics are renamed so, and all that is in it.
    pub fn renamed(self: Arc<Self>, renames: &[MetricsRename]) -> Arc<Shop> {
        if renames.is_empty() {
            return self;
        }
        let outermost_first = renames.iter().rev();
        let metrics = outermost_first.fold(self.metrics.clone(), |metrics, rename| {
            metrics.renamed(template_rename(rename))
        });
        let common = self.common.clone();
        Arc::new(Shop {
            common,
            metrics,
            is_renamed: true,
        })
    }

    /// Runs `task` beside the stream once it starts; at once if it has.
    pub fn at_start(&self, task: impl Future<Output = ()> + Send + 'static) {
        match &mut *self.starts.lock() {
            Some(waiting) => waiting.push(task.boxed()),
            None => {
                tokio::spawn(task);
            }
        }
    }

    pub fn watch_input(&self, connected: &Arc<AtomicBool>) {
        self.inputs.lock().push(Arc::downgrade(connected));
    }

    pub fn watch_output(&self, connected: &Arc<AtomicBool>) {
        self.outputs.lock().push(Arc::downgrade(connected));
    }

    pub fn log(&self, name: ComponentName) -> Log {
        Log::new(self.stream.clone(), name)
    }

    pub fn watch(&self, config: &ProcessorConfig) -> Watch {
        let name = config.component_name();
        let off = Metrics::off();
        // These only pass messages on, look at them, or have inner processors that count.
        let metrics = match config.name {
            "noop" | "metric" | "log" | "resource" | "sync_response" => &off,
            _ => &self.metrics,
        };
        let loud = loud(config.name).or(self.log_all_errors.then_some(""));
        Watch::new(metrics, name.clone(), self.log(name), loud)
    }

    /// Builds one processor without what goes around it.
    pub fn processor(self: &Arc<Self>, config: &ProcessorConfig) -> anyhow::Result<Processor> {
        let name = config.component_name();
        let built = config.config.build(&self.context(name.clone()));
        let built = built.map_err(|e| in_component(e, "processor", &config.label, &config.path))?;
        Ok(traced::processor(built, &self.tracer, &name))
    }

    pub fn context(self: &Arc<Self>, name: ComponentName) -> Context {
        Context {
            name,
            wiring: self.clone(),
        }
    }
}

/// What the log says before a failure of a processor of this type: whoever writes a mapping wants to hear of it, and whoever takes
/// messages apart. Others fail in the normal course of things.
fn loud(processor: &str) -> Option<&'static str> {
    Some(match processor {
        "mapping" | "mutation" | "bloblang" | "group_by_value" => "",
        "archive" => "Failed to create archive: ",
        "compress" => "Failed to compress message: ",
        "decompress" => "Failed to decompress message part: ",
        "unarchive" => "Failed to unarchive message part: ",
        _ => return None,
    })
}

/// Whether all that still exist are connected.
pub(super) fn all_connected(flags: &Mutex<Vec<Weak<AtomicBool>>>) -> bool {
    let mut flags = flags.lock();
    flags.retain(|f| f.strong_count() > 0);
    let is_connected = |f: &Weak<AtomicBool>| f.upgrade().is_none_or(|f| f.load(Ordering::Relaxed));
    flags.iter().all(is_connected)
}

/// An error while a component is built, with the component it comes from: the innermost one.
pub(super) fn in_component(
    error: anyhow::Error,
    kind: &str,
    label: &str,
    path: &str,
) -> anyhow::Error {
    const START: &str = "failed to init ";
    if error.chain().any(|e| e.to_string().starts_with(START)) {
        return error;
    }
    let label = match label {
        "" => "<no label>".to_owned(),
        label => format!("'{label}'"),
    };
    error.context(format!("{START}{kind} {label} path {path}"))
}

impl Wiring for Shop {
    fn input(self: Arc<Self>, config: &InputConfig) -> anyhow::Result<Box<dyn Source>> {
        let this = self.renamed(&config.renames);
        let context = |e| in_component(e, "input", &config.label, &config.path);
        let name = config.component_name();
        let built = config.config.build(&this.context(name.clone()));
        let source: Box<dyn Source> = match built.map_err(context)? {
            Input::Reader {
                reader,
                auto_replay,
            } => {
                let source = ReaderSource::new(this.clone(), name.clone(), reader, auto_replay);
                traced::source(Box::new(source), &this.tracer, &name)
            }
            Input::Source(source) => source,
        };
        if config.processors.is_empty() {
            return Ok(source);
        }
        let chain = this.processors(&config.processors)?;
        Ok(Box::new(ProcessedSource::new(source, chain)))
    }

    fn output(self: Arc<Self>, config: &OutputConfig) -> anyhow::Result<Arc<dyn Sink>> {
        let this = self.renamed(&config.renames);
        let context = |e| in_component(e, "output", &config.label, &config.path);
        let name = config.component_name();
        let built = config.config.build(&this.context(name.clone()));
        let sink: Arc<dyn Sink> = match built.map_err(context)? {
            Output::Writer {
                writer,
                max_in_flight,
                batching,
            } => {
                let sink = WriterSink::new(this.clone(), name.clone(), writer, max_in_flight);
                let sink = traced::sink(sink, &this.tracer, &name);
                match batching.filter(|policy| !policy.is_noop()) {
                    Some(policy) => {
                        this.clone()
                            .batched_sink(&name, sink, &policy, max_in_flight)?
                    }
                    None => sink,
                }
            }
            Output::Sink(sink) => Arc::from(sink),
        };
        if config.processors.is_empty() {
            return Ok(sink);
        }
        let chain = this.processors(&config.processors)?;
        Ok(Arc::new(ProcessedSink::new(sink, chain)))
    }

    fn processors(self: Arc<Self>, configs: &[ProcessorConfig]) -> anyhow::Result<Chain> {
        let build = |config: &ProcessorConfig| {
            let this = self.clone().renamed(&config.renames);
            let watch = this.watch(config);
            Ok(match this.processor(config)? {
                Processor::Sync(inner) => Processor::Sync(Box::new(Watched { watch, inner })),
                Processor::Async(inner) => Processor::Async(Box::new(Watched { watch, inner })),
            })
        };
        let built: anyhow::Result<Vec<Processor>> = configs.iter().map(build).collect();
        Ok(Chain::new(built?))
    }

    fn scanner(self: Arc<Self>, config: &ScannerConfig) -> anyhow::Result<Arc<dyn Scanner>> {
        let built = config.config.build(&self.context(config.component_name()));
        built.map_err(|e| in_component(e, "scanner", &config.label, &config.path))
    }

    fn batched_source(
        self: Arc<Self>,
        name: &ComponentName,
        source: Box<dyn Source>,
        policy: &BatchPolicy,
    ) -> anyhow::Result<Box<dyn Source>> {
        let batcher = Batcher::new(&self, name, policy)?;
        if policy.is_noop() {
            return Ok(source);
        }
        Ok(Box::new(BatchedSource::new(
            source,
            batcher,
            self.hurry.clone(),
        )))
    }

    fn batched_sink(
        self: Arc<Self>,
        name: &ComponentName,
        sink: Arc<dyn Sink>,
        policy: &BatchPolicy,
        max_in_flight: usize,
    ) -> anyhow::Result<Arc<dyn Sink>> {
        if policy.is_noop() {
            return Ok(sink);
        }
        let batcher = Batcher::new(&self, name, policy)?;
        Ok(Arc::new(BatchedSink::start(
            &self,
            sink,
            batcher,
            max_in_flight,
        )))
    }

    fn cache(self: Arc<Self>, label: &str) -> anyhow::Result<Arc<dyn Cache>> {
        let owner = self.owner(ResourceKind::Cache, label);
        owner.resources.cache(&owner, label)
    }

    fn rate_limit(self: Arc<Self>, label: &str) -> anyhow::Result<Arc<dyn RateLimit>> {
        let owner = self.owner(ResourceKind::RateLimit, label);
        owner.resources.rate_limit(&owner, label)
    }

    fn input_resource(self: Arc<Self>, label: &str) -> anyhow::Result<Box<dyn Source>> {
        let owner = self.clone().owner(ResourceKind::Input, label);
        let source = owner.resources.input(&owner, label)?;
        Ok(match Arc::ptr_eq(&owner.common, &self.common) {
            true => source,
            false => Box::new(Borrowed::new(source, &self)),
        })
    }

    fn processor_resource(self: Arc<Self>, label: &str) -> anyhow::Result<Chain> {
        let owner = self.owner(ResourceKind::Processor, label);
        owner.resources.processor(&owner, label)
    }

    fn processor_config(&self, label: &str) -> anyhow::Result<ProcessorConfig> {
        let own = self.resources.processor_config(label);
        match &self.shared {
            Some(shared) if own.is_err() => shared.shop().resources.processor_config(label),
            _ => own,
        }
    }

    fn output_resource(self: Arc<Self>, label: &str) -> anyhow::Result<Arc<dyn Sink>> {
        let owner = self.owner(ResourceKind::Output, label);
        owner.resources.output(&owner, label)
    }

    fn pipe(&self, name: &str) -> Pipe {
        self.pipes
            .0
            .lock()
            .entry(name.to_owned())
            .or_default()
            .clone()
    }

    fn http(&self) -> &HttpMux {
        &self.http
    }

    fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    fn fence(&self) -> &Fence {
        &self.fence
    }

    fn hard_stop(&self) -> CancellationToken {
        self.hard_stop.clone()
    }

    fn soft_stop(&self) -> CancellationToken {
        self.soft_stop.clone()
    }

    fn hurry(&self) -> &Hurry {
        &self.hurry
    }
}
