//! What several components of a stream share by label: one instance for all who ask, built when the first does.

use super::{
    config::{ResourceKind, StreamConfig},
    counted::{CountedCache, CountedRateLimit},
    wiring::{Shop, in_component},
};
use crate::component::{
    Cache, CacheConfig, Chain, Component, InputConfig, OutputConfig, ProcessorConfig, RateLimit,
    RateLimitConfig, Run, Sink, Source, Wiring,
};
use anyhow::bail;
use async_trait::async_trait;
use parking_lot::Mutex;
use std::{collections::HashMap, sync::Arc};

/// The resources of a stream.
#[derive(Default)]
pub(super) struct Resources {
    inputs: Shelf<InputConfig, Arc<tokio::sync::Mutex<Box<dyn Source>>>>,
    processors: Shelf<ProcessorConfig, Chain>,
    outputs: Shelf<OutputConfig, Arc<dyn Sink>>,
    caches: Shelf<CacheConfig, Arc<dyn Cache>>,
    rate_limits: Shelf<RateLimitConfig, Arc<dyn RateLimit>>,
}

/// A resource's config, with its label or not.
pub enum ResourceConfig {
    Input(InputConfig),
    Processor(ProcessorConfig),
    Output(OutputConfig),
    Cache(CacheConfig),
    RateLimit(RateLimitConfig),
}

/// A resource that another one took the place of.
pub(super) enum BuiltResource {
    Input(Arc<tokio::sync::Mutex<Box<dyn Source>>>),
    Processor(Chain),
    Output(Arc<dyn Sink>),
    Cache(Arc<dyn Cache>),
    RateLimit(#[expect(dead_code, reason = "rate limits aren't closed")] Arc<dyn RateLimit>),
}

impl BuiltResource {
    pub async fn close(self) {
        match self {
            BuiltResource::Input(input) => input.lock().await.close().await,
            BuiltResource::Processor(chain) => chain.close().await,
            BuiltResource::Output(sink) => sink.close().await,
            BuiltResource::Cache(cache) => cache.close().await,
            BuiltResource::RateLimit(_) => {}
        }
    }
}

struct Shelf<C, T> {
    configs: Mutex<HashMap<String, C>>,
    built: Mutex<HashMap<String, Slot<T>>>,
}

enum Slot<T> {
    /// Being built: whoever asks for it now asks from inside it.
    Building,
    Ready(T),
}

impl<C, T> Default for Shelf<C, T> {
    fn default() -> Self {
        Shelf {
            configs: Mutex::default(),
            built: Mutex::default(),
        }
    }
}

impl<C: Clone, T: Clone> Shelf<C, T> {
    fn new<'c>(configs: impl Iterator<Item = (&'c str, C)>) -> Self {
        let configs = configs.map(|(label, c)| (label.to_owned(), c));
        Shelf {
            configs: Mutex::new(configs.collect()),
            built: Mutex::default(),
        }
    }

    fn has(&self, label: &str) -> bool {
        self.configs.lock().contains_key(label)
    }

    fn labels(&self) -> Vec<String> {
        self.configs.lock().keys().cloned().collect()
    }

    fn config(&self, label: &str) -> Option<C> {
        self.configs.lock().get(label).cloned()
    }

    /// Takes a config in the place of the one with this label, and gives what was there, with what was built of it.
    fn put(&self, label: &str, config: Option<C>) -> (Option<C>, Option<T>) {
        let mut configs = self.configs.lock();
        let before = match config {
            Some(config) => configs.insert(label.to_owned(), config),
            None => configs.remove(label),
        };
        let built = match self.built.lock().remove(label) {
            Some(Slot::Ready(built)) => Some(built),
            _ => None,
        };
        (before, built)
    }

    /// Puts back what [`Shelf::put`] gave.
    fn restore(&self, label: &str, (config, built): (Option<C>, Option<T>)) {
        self.put(label, config);
        if let Some(built) = built {
            let mut slots = self.built.lock();
            slots.insert(label.to_owned(), Slot::Ready(built));
        }
    }

    fn get(
        &self,
        kind: ResourceKind,
        label: &str,
        build: impl FnOnce(&C) -> anyhow::Result<T>,
    ) -> anyhow::Result<T> {
        let Some(config) = self.config(label) else {
            bail!("{} resource '{label}' was not found", kind.in_words());
        };
        match self.built.lock().get(label) {
            Some(Slot::Ready(built)) => return Ok(built.clone()),
            Some(Slot::Building) => {
                bail!("{} resource '{label}' is made of itself", kind.in_words())
            }
            None => {}
        }
        self.built.lock().insert(label.to_owned(), Slot::Building);
        let built = build(&config).map_err(|e| {
            let path = format!("root.{}", kind.field());
            in_component(e, kind.in_words(), label, &path)
        });
        let mut slots = self.built.lock();
        match &built {
            Ok(built) => slots.insert(label.to_owned(), Slot::Ready(built.clone())),
            Err(_) => slots.remove(label),
        };
        built
    }

    fn ready(&self) -> Vec<T> {
        let slots = self.built.lock();
        let ready = slots.values().filter_map(|slot| match slot {
            Slot::Ready(built) => Some(built.clone()),
            Slot::Building => None,
        });
        ready.collect()
    }
}

impl Resources {
    pub fn new(config: &StreamConfig) -> Resources {
        macro_rules! shelf {
            ($list:ident) => {
                Shelf::new(config.$list.iter().map(|c| (c.label.as_str(), c.clone())))
            };
        }
        Resources {
            inputs: shelf!(input_resources),
            processors: shelf!(processor_resources),
            outputs: shelf!(output_resources),
            caches: shelf!(cache_resources),
            rate_limits: shelf!(rate_limit_resources),
        }
    }

    /// Builds what nobody asked for yet, so that a config's faults show when it starts. Inputs are left: they would read.
    pub fn build_all(&self, shop: &Arc<Shop>) -> anyhow::Result<()> {
        for label in self.caches.labels() {
            self.cache(shop, &label)?;
        }
        for label in self.rate_limits.labels() {
            self.rate_limit(shop, &label)?;
        }
        for label in self.processors.labels() {
            self.processor(shop, &label)?;
        }
        for label in self.outputs.labels() {
            self.output(shop, &label)?;
        }
        Ok(())
    }

    /// Whether there is a resource of this kind and label.
    pub fn has(&self, kind: ResourceKind, label: &str) -> bool {
        match kind {
            ResourceKind::Input => self.inputs.has(label),
            ResourceKind::Processor => self.processors.has(label),
            ResourceKind::Output => self.outputs.has(label),
            ResourceKind::Cache => self.caches.has(label),
            ResourceKind::RateLimit => self.rate_limits.has(label),
        }
    }

    /// Puts a resource in the place of the one with its label, if it can be built, and gives that one if it was built.
    /// An input isn't built yet: it would read.
    pub fn replace(
        &self,
        shop: &Arc<Shop>,
        label: &str,
        config: ResourceConfig,
    ) -> anyhow::Result<Option<BuiltResource>> {
        macro_rules! replace {
            ($shelf:ident, $variant:ident, $config:expr, $built:expr) => {{
                let before = self.$shelf.put(label, Some($config));
                match $built {
                    Ok(_) => Ok(before.1.map(BuiltResource::$variant)),
                    Err(error) => {
                        self.$shelf.restore(label, before);
                        Err(error)
                    }
                }
            }};
        }
        match config {
            ResourceConfig::Input(c) => replace!(inputs, Input, c, anyhow::Ok(())),
            ResourceConfig::Processor(c) => {
                replace!(processors, Processor, c, self.processor(shop, label))
            }
            ResourceConfig::Output(c) => replace!(outputs, Output, c, self.output(shop, label)),
            ResourceConfig::Cache(c) => replace!(caches, Cache, c, self.cache(shop, label)),
            ResourceConfig::RateLimit(c) => {
                replace!(rate_limits, RateLimit, c, self.rate_limit(shop, label))
            }
        }
    }

    /// Closes the inputs that were built; the streams that borrowed them don't.
    pub async fn close_inputs(&self) {
        for input in self.inputs.ready() {
            input.lock().await.close().await;
        }
    }

    pub async fn close(&self) {
        for chain in self.processors.ready() {
            chain.close().await;
        }
        for sink in self.outputs.ready() {
            sink.close().await;
        }
        for cache in self.caches.ready() {
            cache.close().await;
        }
    }

    pub fn input(&self, shop: &Arc<Shop>, label: &str) -> anyhow::Result<Box<dyn Source>> {
        let shared = self.inputs.get(ResourceKind::Input, label, |config| {
            let source = shop.clone().input(&on_shelf(config))?;
            Ok(Arc::new(tokio::sync::Mutex::new(source)))
        })?;
        Ok(Box::new(Shared(shared)))
    }

    pub fn processor(&self, shop: &Arc<Shop>, label: &str) -> anyhow::Result<Chain> {
        let build = |config: &ProcessorConfig| shop.clone().processors(&[on_shelf(config)]);
        self.processors.get(ResourceKind::Processor, label, build)
    }

    pub fn processor_config(&self, label: &str) -> anyhow::Result<ProcessorConfig> {
        match self.processors.config(label) {
            Some(config) => Ok(config),
            None => bail!("processor resource '{label}' was not found"),
        }
    }

    pub fn output(&self, shop: &Arc<Shop>, label: &str) -> anyhow::Result<Arc<dyn Sink>> {
        self.outputs.get(ResourceKind::Output, label, |c| {
            shop.clone().output(&on_shelf(c))
        })
    }

    pub fn rate_limit(&self, shop: &Arc<Shop>, label: &str) -> anyhow::Result<Arc<dyn RateLimit>> {
        self.rate_limits
            .get(ResourceKind::RateLimit, label, |config| {
                let name = on_shelf(config).component_name();
                let shop = shop.clone().renamed(&config.renames);
                let inner = config.config.build(&shop.context(name.clone()))?;
                let limit = CountedRateLimit::new(&shop.metrics, &name, inner);
                Ok(Arc::new(limit) as Arc<dyn RateLimit>)
            })
    }

    pub fn cache(&self, shop: &Arc<Shop>, label: &str) -> anyhow::Result<Arc<dyn Cache>> {
        self.caches.get(ResourceKind::Cache, label, |config| {
            let name = on_shelf(config).component_name();
            let shop = shop.clone().renamed(&config.renames);
            let inner = config.config.build(&shop.context(name.clone()))?;
            let cache = CountedCache::new(&shop.metrics, &name, inner);
            Ok(Arc::new(cache) as Arc<dyn Cache>)
        })
    }
}

/// A resource as it is named: its path is the list's, since its label says which one it is.
fn on_shelf<B: ?Sized>(config: &Component<B>) -> Component<B> {
    let mut config = config.clone();
    if let Some((list, _)) = config.path.rsplit_once('.') {
        config.path = list.to_owned();
    }
    config
}

/// An input that several may read from, each run going to one of them.
struct Shared(Arc<tokio::sync::Mutex<Box<dyn Source>>>);

#[async_trait]
impl Source for Shared {
    async fn next(&mut self) -> Option<Run> {
        self.0.lock().await.next().await
    }

    async fn close(&mut self) {
        self.0.lock().await.close().await;
    }
}
