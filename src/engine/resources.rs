//! What several components of a stream share by label: one instance for all who ask, built when the first does.

use super::{config::StreamConfig, wiring::Shop};
use crate::component::{
    Cache, CacheConfig, CacheError, Chain, InputConfig, OutputConfig, ProcessorConfig, RateLimit,
    RateLimitConfig, Run, Sink, Source, SyncCache, Wiring,
};
use crate::message::ComponentName;
use crate::telemetry::metrics::{Counter, Timing};
use anyhow::{Context as _, bail};
use async_trait::async_trait;
use bytes::Bytes;
use parking_lot::Mutex;
use std::{collections::HashMap, sync::Arc, time::Duration};

/// The resources of a stream.
#[derive(Default)]
pub(super) struct Resources {
    inputs: Shelf<InputConfig, Arc<tokio::sync::Mutex<Box<dyn Source>>>>,
    processors: Shelf<ProcessorConfig, Chain>,
    outputs: Shelf<OutputConfig, Arc<dyn Sink>>,
    caches: Shelf<CacheConfig, Arc<dyn Cache>>,
    rate_limits: Shelf<RateLimitConfig, Arc<dyn RateLimit>>,
}

struct Shelf<C, T> {
    configs: HashMap<String, C>,
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
            configs: HashMap::new(),
            built: Mutex::default(),
        }
    }
}

impl<C, T: Clone> Shelf<C, T> {
    fn new<'c>(configs: impl Iterator<Item = (&'c str, C)>) -> Self {
        Shelf {
            configs: configs.map(|(label, c)| (label.to_owned(), c)).collect(),
            built: Mutex::default(),
        }
    }

    fn get(
        &self,
        kind: &str,
        label: &str,
        build: impl FnOnce(&C) -> anyhow::Result<T>,
    ) -> anyhow::Result<T> {
        let Some(config) = self.configs.get(label) else {
            bail!("{kind} resource '{label}' was not found");
        };
        match self.built.lock().get(label) {
            Some(Slot::Ready(built)) => return Ok(built.clone()),
            Some(Slot::Building) => bail!("{kind} resource '{label}' is made of itself"),
            None => {}
        }
        self.built.lock().insert(label.to_owned(), Slot::Building);
        let built = build(config).with_context(|| format!("{kind} resource '{label}'"));
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
        for label in self.caches.configs.keys() {
            self.cache(shop, label)?;
        }
        for label in self.rate_limits.configs.keys() {
            self.rate_limit(shop, label)?;
        }
        for label in self.processors.configs.keys() {
            self.processor(shop, label)?;
        }
        for label in self.outputs.configs.keys() {
            self.output(shop, label)?;
        }
        Ok(())
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
        let shared = self.inputs.get("input", label, |config| {
            let source = shop.clone().input(config)?;
            Ok(Arc::new(tokio::sync::Mutex::new(source)))
        })?;
        Ok(Box::new(Shared(shared)))
    }

    pub fn processor(&self, shop: &Arc<Shop>, label: &str) -> anyhow::Result<Chain> {
        let build =
            |config: &ProcessorConfig| shop.clone().processors(std::slice::from_ref(config));
        self.processors.get("processor", label, build)
    }

    pub fn processor_config(&self, label: &str) -> anyhow::Result<ProcessorConfig> {
        match self.processors.configs.get(label) {
            Some(config) => Ok(config.clone()),
            None => bail!("processor resource '{label}' was not found"),
        }
    }

    pub fn output(&self, shop: &Arc<Shop>, label: &str) -> anyhow::Result<Arc<dyn Sink>> {
        self.outputs
            .get("output", label, |config| shop.clone().output(config))
    }

    pub fn rate_limit(&self, shop: &Arc<Shop>, label: &str) -> anyhow::Result<Arc<dyn RateLimit>> {
        self.rate_limits.get("rate limit", label, |config| {
            let name = shelf_name(config.component_name());
            let labels = [("label", &*name.label), ("path", &*name.path)];
            let metrics = &shop.metrics;
            let limit = CountedRateLimit {
                checked: metrics.counter("rate_limit_checked", &labels),
                triggered: metrics.counter("rate_limit_triggered", &labels),
                errors: metrics.counter("rate_limit_error", &labels),
                inner: config.config.build(&shop.context(name.clone()))?,
            };
            Ok(Arc::new(limit) as Arc<dyn RateLimit>)
        })
    }

    pub fn cache(&self, shop: &Arc<Shop>, label: &str) -> anyhow::Result<Arc<dyn Cache>> {
        self.caches.get("cache", label, |config| {
            let name = shelf_name(config.component_name());
            let operation = |operation: &str| {
                let labels = [
                    ("label", &*name.label),
                    ("operation", operation),
                    ("path", &*name.path),
                ];
                Operation {
                    success: shop.metrics.counter("cache_success", &labels),
                    errors: shop.metrics.counter("cache_error", &labels),
                    latency: shop.metrics.timing("cache_latency_ns", &labels),
                    not_found: shop.metrics.counter("cache_not_found", &labels),
                    duplicate: shop.metrics.counter("cache_duplicate", &labels),
                }
            };
            let cache = CountedCache {
                is_on: shop.metrics.is_on(),
                get: operation("get"),
                set: operation("set"),
                add: operation("add"),
                delete: operation("delete"),
                inner: config.config.build(&shop.context(name.clone()))?,
            };
            Ok(Arc::new(cache) as Arc<dyn Cache>)
        })
    }
}

/// The name of a cache or rate limit: its path is the list's, since its label says which one it is.
fn shelf_name(mut name: ComponentName) -> ComponentName {
    if let Some((list, _)) = name.path.rsplit_once('.') {
        name.path = list.into();
    }
    name
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

/// A rate limit with its metrics.
struct CountedRateLimit {
    inner: Box<dyn RateLimit>,
    checked: Counter,
    triggered: Counter,
    errors: Counter,
}

#[async_trait]
impl RateLimit for CountedRateLimit {
    async fn access(&self, bytes: usize) -> anyhow::Result<Option<Duration>> {
        self.checked.add(1);
        let result = self.inner.access(bytes).await;
        match &result {
            Ok(None) => {}
            Ok(Some(_)) => self.triggered.add(1),
            Err(_) => self.errors.add(1),
        }
        result
    }
}

/// A cache with its metrics.
struct CountedCache {
    inner: Box<dyn Cache>,
    is_on: bool,
    get: Operation,
    set: Operation,
    add: Operation,
    delete: Operation,
}

struct Operation {
    success: Counter,
    errors: Counter,
    latency: Timing,
    not_found: Counter,
    duplicate: Counter,
}

impl Operation {
    fn note<T>(
        &self,
        since: Option<std::time::Instant>,
        result: Result<T, CacheError>,
    ) -> Result<T, CacheError> {
        if let Some(since) = since {
            self.latency.record(since.elapsed());
            match &result {
                Ok(_) => self.success.add(1),
                Err(CacheError::NotFound) => self.not_found.add(1),
                Err(CacheError::Exists) => self.duplicate.add(1),
                Err(CacheError::Failed(_)) => self.errors.add(1),
            }
        }
        result
    }
}

impl CountedCache {
    fn now(&self) -> Option<std::time::Instant> {
        self.is_on.then(std::time::Instant::now)
    }

    fn sync(&self) -> &dyn SyncCache {
        let sync = self.inner.as_sync();
        sync.expect("offered as synchronous only where the inner cache is")
    }
}

#[async_trait]
impl Cache for CountedCache {
    async fn get(&self, key: &str) -> Result<Bytes, CacheError> {
        self.get.note(self.now(), self.inner.get(key).await)
    }

    async fn set(&self, key: &str, value: Bytes, ttl: Option<Duration>) -> Result<(), CacheError> {
        let since = self.now();
        self.set.note(since, self.inner.set(key, value, ttl).await)
    }

    async fn add(&self, key: &str, value: Bytes, ttl: Option<Duration>) -> Result<(), CacheError> {
        let since = self.now();
        self.add.note(since, self.inner.add(key, value, ttl).await)
    }

    async fn delete(&self, key: &str) -> Result<(), CacheError> {
        let since = self.now();
        self.delete.note(since, self.inner.delete(key).await)
    }

    async fn close(&self) {
        self.inner.close().await;
    }

    fn as_sync(&self) -> Option<&dyn SyncCache> {
        self.inner.as_sync().map(|_| self as &dyn SyncCache)
    }
}

impl SyncCache for CountedCache {
    fn get_now(&self, key: &str) -> Result<Bytes, CacheError> {
        let since = self.now();
        self.get.note(since, self.sync().get_now(key))
    }

    fn set_now(&self, key: &str, value: Bytes, ttl: Option<Duration>) -> Result<(), CacheError> {
        let since = self.now();
        self.set.note(since, self.sync().set_now(key, value, ttl))
    }

    fn add_now(&self, key: &str, value: Bytes, ttl: Option<Duration>) -> Result<(), CacheError> {
        let since = self.now();
        self.add.note(since, self.sync().add_now(key, value, ttl))
    }

    fn delete_now(&self, key: &str) -> Result<(), CacheError> {
        let since = self.now();
        self.delete.note(since, self.sync().delete_now(key))
    }
}
