//! A running stream: how it starts, and how it stops.
//!
//! Stopping is ordered: the input reads no more, what is under way is delivered and answered, then everything is closed. What
//! takes longer than the config allows is given up: its duties are dropped, which hands it back to its source.

use super::{
    Outcome, StartError, StreamSpec,
    config::{Checks, StreamConfig, read},
    log::Log,
    ordering::Order,
    pipeline::{Line, Stage},
    rejecting::Rejecting,
    shared::Shared,
    wiring::{Counts, Pipes, Shop, all_connected},
};
use crate::bloblang::Environment;
use crate::component::{Fence, HttpMux, ProcessorConfig, Wiring};
use crate::message::ComponentName;
use crate::telemetry::{metrics::Metrics, otlp::Tracer};
use anyhow::Context as _;
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{
    sync::{Notify, watch},
    task::JoinSet,
};
use tokio_util::sync::CancellationToken;

/// Looks an environment's variable up.
pub type Variables = Arc<dyn Fn(&str) -> Option<String> + Send + Sync>;

/// What a stream gets from the process that runs it.
#[derive(Clone)]
pub struct Services {
    /// What mappings may use.
    pub bloblang: Environment,
    /// The environment's variables. `AIRTRUCT_STREAM`, `AIRTRUCT_SHARD`, `AIRTRUCT_SHARDS` and
    /// `AIRTRUCT_EPOCH` are the stream's own.
    pub variables: Variables,
    /// Whether this process may still act for the stream.
    pub fence: Fence,
    /// Where its metrics are kept.
    pub metrics: Metrics,
    /// Who makes its spans; none where its config says who does.
    pub tracer: Option<Tracer>,
    /// The pipes that it shares with other streams.
    pub pipes: Pipes,
    /// The resources that it shares with other streams.
    pub shared: Option<Shared>,
}

impl Default for Services {
    /// For a stream on its own: the process's environment, a fence that stays open, nobody who measures.
    fn default() -> Services {
        Services {
            bloblang: Default::default(),
            variables: Arc::new(|name| std::env::var(name).ok()),
            fence: Fence::open(),
            metrics: Metrics::off(),
            tracer: None,
            pipes: Pipes::default(),
            shared: None,
        }
    }
}

/// A stream that runs. Dropping it stops it at once.
pub struct Stream {
    shop: Arc<Shop>,
    stops: Arc<Stops>,
    started: Instant,
    outcome: watch::Receiver<Option<(Outcome, Instant)>>,
}

struct Stops {
    /// Somebody asked for an end.
    asked: CancellationToken,
    /// Somebody asked again, and wants no delay.
    again: Notify,
}

impl Stream {
    /// Reads the config and starts what it describes. Must be called within a runtime.
    pub fn start(spec: &StreamSpec, services: Services) -> Result<Stream, StartError> {
        let (shard, shards) = (spec.shard.to_string(), spec.shards.to_string());
        let epoch = spec.epoch.to_string();
        let variables = |name: &str| match name {
            "AIRTRUCT_STREAM" => Some(spec.name.clone()),
            "AIRTRUCT_SHARD" => Some(shard.clone()),
            "AIRTRUCT_SHARDS" => Some(shards.clone()),
            "AIRTRUCT_EPOCH" => Some(epoch.clone()),
            _ => {
                let secret = spec.secrets.0.get(name).cloned();
                secret.or_else(|| (services.variables)(name))
            }
        };
        let mut checks = Checks::new(&services.bloblang, &variables);
        checks.resources = &spec.resources;
        let reading = read(&spec.text, &checks);
        let faults = reading.error_text();
        match reading.config.filter(|_| faults.is_none()) {
            Some(config) => Stream::start_config(&spec.name, &config, services),
            None => Err(StartError {
                message: faults.unwrap_or_else(|| "the config can't be read".into()),
                permanent: true,
            }),
        }
    }

    /// Starts what a config describes. Must be called within a runtime.
    pub fn start_config(
        name: &str,
        config: &StreamConfig,
        mut services: Services,
    ) -> Result<Stream, StartError> {
        if services.tracer.is_none() {
            services.tracer = tracer(config).map_err(|e| StartError {
                message: format!("{e:#}"),
                permanent: true,
            })?;
        }
        let threads = threads(config);
        let budget = usize::try_from(config.pipeline.memory_budget.0).unwrap_or(usize::MAX);
        let shop = Shop::new(name, config, services, budget, threads);
        *shop.starts.lock() = Some(Vec::new());
        let line = build(&shop, config, threads).map_err(|e| StartError {
            message: format!("{e:#}"),
            permanent: true,
        });
        let line = line.inspect_err(|_| shop.hard_stop.cancel())?;
        let waiting = shop.starts.lock().take().unwrap_or_default();
        waiting.into_iter().for_each(|task| {
            tokio::spawn(task);
        });
        let stops = Arc::new(Stops {
            asked: CancellationToken::new(),
            again: Notify::new(),
        });
        let ordering = config.pipeline.ordering.as_ref();
        let order = ordering.map(|o| Order::new(o.key.clone(), shop.hurry.clone()));
        let (sender, outcome) = watch::channel(None);
        let supervisor = Supervisor {
            shop: shop.clone(),
            line: Arc::new(line),
            order: order.map(Arc::new),
            stops: stops.clone(),
            threads,
            shutdown_delay: config.shutdown_delay.0.unwrap_or_default(),
            shutdown_timeout: config.shutdown_timeout,
        };
        tokio::spawn(async move {
            let outcome = supervisor.run().await;
            sender.send_replace(Some((outcome, Instant::now())));
        });
        Ok(Stream {
            shop,
            stops,
            started: Instant::now(),
            outcome,
        })
    }

    /// Asks the stream to finish: its input reads no more, and what is under way is delivered. Asked again, it doesn't
    /// wait for its `shutdown_delay`.
    pub fn stop(&self) {
        if self.stops.asked.is_cancelled() {
            self.stops.again.notify_one();
        }
        self.stops.asked.cancel();
    }

    /// Stops the stream at once: what is under way is handed back to its source.
    pub fn stop_now(&self) {
        self.stops.asked.cancel();
        self.shop.hard_stop.cancel();
    }

    /// Waits for the end.
    pub async fn wait(&self) -> Outcome {
        self.ending().await
    }

    /// Waits for the end without holding the stream.
    pub fn ending(&self) -> impl Future<Output = Outcome> + Send + 'static {
        let mut outcome = self.outcome.clone();
        async move {
            let ended = outcome.wait_for(Option::is_some).await;
            let ended = ended
                .ok()
                .and_then(|o| o.clone())
                .map(|(outcome, _)| outcome);
            ended.unwrap_or_else(|| Outcome::Failed {
                reason: "the process is stopping".into(),
                permanent: false,
            })
        }
    }

    /// How it ended, once it has.
    pub fn outcome(&self) -> Option<Outcome> {
        let ended = self.outcome.borrow();
        ended.as_ref().map(|(outcome, _)| outcome.clone())
    }

    /// For how long it runs, or ran.
    pub fn uptime(&self) -> Duration {
        let ended = self.outcome.borrow().as_ref().map(|(_, at)| *at);
        ended
            .unwrap_or_else(Instant::now)
            .saturating_duration_since(self.started)
    }

    /// Its routes, for whoever listens.
    pub fn http(&self) -> &HttpMux {
        &self.shop.http
    }

    /// How much was read and is not answered yet, in batches: what the stream is behind by.
    pub fn backlog(&self) -> u64 {
        self.shop.pressure.open() as u64
    }

    /// The messages counted so far.
    pub fn counts(&self) -> &Counts {
        &self.shop.counts
    }

    pub fn metrics(&self) -> &Metrics {
        &self.shop.metrics
    }

    /// Whether all inputs are connected.
    pub fn is_input_connected(&self) -> bool {
        all_connected(&self.shop.inputs)
    }

    /// Whether all outputs are connected.
    pub fn is_output_connected(&self) -> bool {
        all_connected(&self.shop.outputs)
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.shop.hard_stop.cancel();
    }
}

/// Who makes the spans that a config asks for.
pub fn tracer(config: &StreamConfig) -> anyhow::Result<Option<Tracer>> {
    let Some(settings) = config.tracer.settings() else {
        return Ok(None);
    };
    let tracer = Tracer::start(settings, crate::component::clients::tls::default_client());
    Ok(Some(tracer.context("start the tracer")?))
}

/// How many threads run the processors; without processors one is enough, and keeps the order.
fn threads(config: &StreamConfig) -> usize {
    if config.pipeline.processors.is_empty() {
        return 1;
    }
    usize::try_from(config.pipeline.threads)
        .ok()
        .filter(|n| *n > 0)
        .unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from))
}

fn build(shop: &Arc<Shop>, config: &StreamConfig, threads: usize) -> anyhow::Result<Line> {
    let resources = shop.resources.build_all(shop);
    resources.context("failed to initialise resources")?;
    let sink = shop.clone().output(&config.output)?;
    let sink = Rejecting::around(sink, shop, &config.error_handling);
    let stage = |config: &ProcessorConfig| {
        let shop = shop.clone().renamed(&config.renames);
        anyhow::Ok(Stage::new(shop.processor(config)?, shop.watch(config)))
    };
    let stages: anyhow::Result<Vec<Stage>> = config.pipeline.processors.iter().map(stage).collect();
    let stages = stages?;
    let input = shop.clone().input(&config.input)?;
    let buffer = &config.buffer;
    let source = buffer
        .config
        .build(&shop.context(buffer.component_name()), input)?;
    let pressure = shop.pressure.clone();
    Ok(Line::new(source, stages, sink, pressure, threads))
}

/// Minds a stream from its start to its end.
struct Supervisor {
    shop: Arc<Shop>,
    line: Arc<Line>,
    order: Option<Arc<Order>>,
    stops: Arc<Stops>,
    threads: usize,
    shutdown_delay: Duration,
    shutdown_timeout: Duration,
}

impl Supervisor {
    async fn run(self) -> Outcome {
        let mut threads = JoinSet::new();
        for _ in 0..self.threads {
            let line = self.line.clone();
            let order = self.order.clone();
            threads.spawn(async move {
                match order {
                    Some(order) => line.work_in_order(&order).await,
                    None => line.work().await,
                }
            });
        }
        let hard_stop = self.shop.hard_stop.clone();
        let outcome = tokio::select! {
            biased;
            () = hard_stop.cancelled() => self.at_once(),
            result = finish(&mut threads) => result.err().unwrap_or(Outcome::Completed),
            () = self.stops.asked.cancelled() => {
                tokio::select! {
                    biased;
                    () = hard_stop.cancelled() => self.at_once(),
                    outcome = self.finish_in_order(&mut threads) => outcome,
                }
            }
        };
        if !matches!(outcome, Outcome::Completed | Outcome::Stopped) {
            hard_stop.cancel();
        }
        threads.shutdown().await;
        self.close().await;
        if let Some(tracer) = &self.shop.tracer {
            tracer.flush().await;
        }
        hard_stop.cancel();
        outcome
    }

    fn at_once(&self) -> Outcome {
        Outcome::Stopped
    }

    /// The ordered end: three quarters of the time that the config gives are for messages under way.
    async fn finish_in_order(&self, threads: &mut JoinSet<()>) -> Outcome {
        let delayed = async {
            tokio::select! {
                () = tokio::time::sleep(self.shutdown_delay) => {}
                () = self.stops.again.notified() => {}
            }
            self.shop.soft_stop.cancel();
            tokio::time::sleep(self.shutdown_timeout * 3 / 4).await;
        };
        tokio::select! {
            biased;
            result = finish(threads) => result.err().unwrap_or(Outcome::Stopped),
            () = delayed => Outcome::Failed {
                reason: "messages under way were not delivered within the shutdown_timeout; they were handed back to their source".into(),
                permanent: false,
            },
        }
    }

    /// Closes everything, with a limit: what hangs now has nothing left to lose.
    async fn close(&self) {
        let limit = (self.shutdown_timeout / 4).max(Duration::from_millis(100));
        let close = async {
            self.line.close().await;
            self.shop.resources.close().await;
        };
        if tokio::time::timeout(limit, close).await.is_err() {
            let name = ComponentName {
                kind: "".into(),
                label: "".into(),
                path: "root".into(),
            };
            let log = Log::new(self.shop.stream.clone(), name);
            log.warn(format_args!("A component did not close in time"));
        }
    }
}

/// Waits for all threads; fails as soon as one of them does.
async fn finish(threads: &mut JoinSet<()>) -> Result<(), Outcome> {
    while let Some(ended) = threads.join_next().await {
        if let Err(e) = ended {
            let what = match e.try_into_panic() {
                Ok(panic) => panic_text(panic.as_ref()),
                Err(_) => "it was cancelled".into(),
            };
            return Err(Outcome::Failed {
                reason: format!("a pipeline thread failed: {what}"),
                permanent: false,
            });
        }
    }
    Ok(())
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|t| (*t).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "unknown panic".into())
}
