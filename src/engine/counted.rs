//! Around the caches and rate limits of a stream: counts.

use crate::component::{Cache, CacheError, RateLimit, SyncCache};
use crate::message::ComponentName;
use crate::telemetry::metrics::{Counter, Metrics, Timing};
use async_trait::async_trait;
use bytes::Bytes;
use std::time::Duration;

/// A rate limit with its metrics.
pub(super) struct CountedRateLimit {
    inner: Box<dyn RateLimit>,
    checked: Counter,
    triggered: Counter,
    errors: Counter,
}

impl CountedRateLimit {
    pub fn new(metrics: &Metrics, name: &ComponentName, inner: Box<dyn RateLimit>) -> Self {
        let labels = [("label", &*name.label), ("path", &*name.path)];
        CountedRateLimit {
            inner,
            checked: metrics.counter("rate_limit_checked", &labels),
            triggered: metrics.counter("rate_limit_triggered", &labels),
            errors: metrics.counter("rate_limit_error", &labels),
        }
    }
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
pub(super) struct CountedCache {
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
    fn new(metrics: &Metrics, name: &ComponentName, operation: &str) -> Operation {
        let labels = [
            ("label", &*name.label),
            ("operation", operation),
            ("path", &*name.path),
        ];
        let counter = |name: &str| metrics.counter(name, &labels);
        // What can't be is not counted.
        let counter_of = |only: &str, name: &str| match operation == only {
            true => counter(name),
            false => Counter::default(),
        };
        Operation {
            success: counter("cache_success"),
            errors: counter("cache_error"),
            latency: metrics.timing("cache_latency_ns", &labels),
            not_found: counter_of("get", "cache_not_found"),
            duplicate: counter_of("add", "cache_duplicate"),
        }
    }

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
    pub fn new(metrics: &Metrics, name: &ComponentName, inner: Box<dyn Cache>) -> Self {
        let operation = |operation: &str| Operation::new(metrics, name, operation);
        // Nobody here asks whether a key is there, but dashboards know the metrics for it.
        operation("exists");
        CountedCache {
            inner,
            is_on: metrics.is_on(),
            get: operation("get"),
            set: operation("set"),
            add: operation("add"),
            delete: operation("delete"),
        }
    }

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
