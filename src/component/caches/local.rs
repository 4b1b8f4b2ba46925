//! What caches in memory share: the calls of a cache over a store behind a lock, and entries that end.

use crate::component::{Cache, CacheError, SyncCache};
use crate::config::Node;
use async_trait::async_trait;
use bytes::Bytes;
use parking_lot::Mutex;
use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

/// Holds entries; decides for itself which ones to forget.
pub(super) trait Store: Send {
    /// The entry under `key`, which is used by this.
    fn get(&mut self, key: &str) -> Option<&Entry>;
    fn set(&mut self, key: &str, entry: Entry, now: Instant);
    fn remove(&mut self, key: &str);
}

/// A value, and when it ends.
#[derive(Clone)]
pub(super) struct Entry {
    pub value: Bytes,
    /// None for never.
    pub until: Option<Instant>,
}

impl Entry {
    /// A copy of `value`, since what it is a part of may be much larger.
    pub fn new(value: &[u8], ttl: Option<Duration>, now: Instant) -> Entry {
        Entry {
            value: Bytes::copy_from_slice(value),
            until: ttl.and_then(|ttl| now.checked_add(ttl)),
        }
    }

    pub fn is_over(&self, now: Instant) -> bool {
        self.until.is_some_and(|until| until <= now)
    }
}

/// A cache in memory.
pub(super) struct Local<S> {
    store: Mutex<S>,
    default_ttl: Option<Duration>,
}

impl<S: Store> Local<S> {
    /// A cache over `store`, with values that it has from the start and that never end.
    pub fn new(mut store: S, default_ttl: Option<Duration>, values: &InitValues) -> Local<S> {
        let now = Instant::now();
        for (key, value) in &values.0 {
            store.set(key, Entry::new(value.as_bytes(), None, now), now);
        }
        Local {
            store: Mutex::new(store),
            default_ttl,
        }
    }

    fn entry(&self, value: &[u8], ttl: Option<Duration>, now: Instant) -> Entry {
        let ttl = ttl.or(self.default_ttl).filter(|ttl| !ttl.is_zero());
        Entry::new(value, ttl, now)
    }
}

impl<S: Store> SyncCache for Local<S> {
    fn get_now(&self, key: &str) -> Result<Bytes, CacheError> {
        let mut store = self.store.lock();
        match store.get(key) {
            None => return Err(CacheError::NotFound),
            Some(entry) if !entry.is_over(Instant::now()) => return Ok(entry.value.clone()),
            Some(_) => {}
        }
        store.remove(key);
        Err(CacheError::NotFound)
    }

    fn set_now(&self, key: &str, value: Bytes, ttl: Option<Duration>) -> Result<(), CacheError> {
        let now = Instant::now();
        let entry = self.entry(&value, ttl, now);
        self.store.lock().set(key, entry, now);
        Ok(())
    }

    fn add_now(&self, key: &str, value: Bytes, ttl: Option<Duration>) -> Result<(), CacheError> {
        let now = Instant::now();
        let mut store = self.store.lock();
        if store.get(key).is_some_and(|entry| !entry.is_over(now)) {
            return Err(CacheError::Exists);
        }
        store.set(key, self.entry(&value, ttl, now), now);
        Ok(())
    }

    fn delete_now(&self, key: &str) -> Result<(), CacheError> {
        self.store.lock().remove(key);
        Ok(())
    }
}

#[async_trait]
impl<S: Store + 'static> Cache for Local<S> {
    async fn get(&self, key: &str) -> Result<Bytes, CacheError> {
        self.get_now(key)
    }

    async fn set(&self, key: &str, value: Bytes, ttl: Option<Duration>) -> Result<(), CacheError> {
        self.set_now(key, value, ttl)
    }

    async fn add(&self, key: &str, value: Bytes, ttl: Option<Duration>) -> Result<(), CacheError> {
        self.add_now(key, value, ttl)
    }

    async fn delete(&self, key: &str) -> Result<(), CacheError> {
        self.delete_now(key)
    }

    fn as_sync(&self) -> Option<&dyn SyncCache> {
        Some(self)
    }
}

/// The values that a cache has from the start.
#[derive(Clone, Debug, Default)]
pub struct InitValues(BTreeMap<String, String>);

impl crate::config::Field for InitValues {
    fn shape() -> crate::config::Shape {
        <BTreeMap<String, String>>::shape()
    }

    fn read(node: &Node, linter: &mut crate::config::Linter<'_>) -> Option<InitValues> {
        BTreeMap::read(node, linter).map(InitValues)
    }
}

/// What every cache in memory must do.
#[cfg(test)]
pub(super) fn check(cache: &dyn SyncCache) {
    let short = Some(Duration::from_nanos(1));
    assert!(matches!(cache.get_now("a"), Err(CacheError::NotFound)));
    cache.set_now("a", "1".into(), None).expect("set");
    cache.set_now("a", "2".into(), None).expect("set again");
    assert_eq!(cache.get_now("a").expect("there"), "2");
    assert!(matches!(
        cache.add_now("a", "3".into(), None),
        Err(CacheError::Exists)
    ));
    cache.delete_now("a").expect("deleted");
    cache.delete_now("a").expect("deleted again");
    cache.add_now("a", "4".into(), short).expect("added");
    while cache.get_now("a").is_ok() {}
    cache.add_now("a", "5".into(), None).expect("added again");
    assert_eq!(cache.get_now("a").expect("there"), "5");
    cache.delete_now("a").expect("deleted");
}
