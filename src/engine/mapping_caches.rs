//! The caches of a stream, for its mappings, which can't wait as components do.

use super::wiring::Shop;
use crate::bloblang::Caches;
use crate::component::{Cache, CacheError, SyncCache, Wiring};
use bytes::Bytes;
use std::sync::{Arc, Weak};
use tokio::runtime::{Handle, RuntimeFlavor};

/// Caches by label, for as long as the stream lives.
pub(super) struct MappingCaches {
    shop: Weak<Shop>,
    runtime: Handle,
}

impl MappingCaches {
    /// Must be called within a runtime.
    pub fn new(shop: &Arc<Shop>) -> MappingCaches {
        MappingCaches {
            shop: Arc::downgrade(shop),
            runtime: Handle::current(),
        }
    }

    /// Calls a cache: at once where it never waits, else while the thread waits.
    fn call<T: Send>(
        &self,
        label: &str,
        now: impl FnOnce(&dyn SyncCache) -> Result<T, CacheError>,
        later: impl AsyncFnOnce(&dyn Cache) -> Result<T, CacheError>,
    ) -> Result<T, String> {
        let shop = self.shop.upgrade().ok_or("the stream has ended")?;
        let cache = shop.cache(label).map_err(|e| format!("{e:#}"))?;
        if let Some(cache) = cache.as_sync() {
            return now(cache).map_err(|e| e.to_string());
        }
        let call = later(&*cache);
        let result = match Handle::try_current() {
            // A thread of no runtime: an evaluation that got a stack of its own.
            Err(_) => self.runtime.block_on(call),
            Ok(handle) if handle.runtime_flavor() == RuntimeFlavor::MultiThread => {
                tokio::task::block_in_place(|| handle.block_on(call))
            }
            Ok(_) => return Err(format!("the cache '{label}' can't be waited for here")),
        };
        result.map_err(|e| e.to_string())
    }
}

impl Caches for MappingCaches {
    fn get(&self, cache: &str, key: &str) -> Result<Bytes, String> {
        self.call(cache, |c| c.get_now(key), async |c| c.get(key).await)
    }

    fn set(&self, cache: &str, key: &str, value: Bytes) -> Result<(), String> {
        let kept = value.clone();
        self.call(
            cache,
            |c| c.set_now(key, kept, None),
            async |c| c.set(key, value, None).await,
        )
    }

    fn add(&self, cache: &str, key: &str, value: Bytes) -> Result<(), String> {
        let kept = value.clone();
        self.call(
            cache,
            |c| c.add_now(key, kept, None),
            async |c| c.add(key, value, None).await,
        )
    }

    fn delete(&self, cache: &str, key: &str) -> Result<(), String> {
        self.call(cache, |c| c.delete_now(key), async |c| c.delete(key).await)
    }
}
