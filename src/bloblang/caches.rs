//! The caches that the functions `cache_get`, `cache_set`, `cache_add` and `cache_delete` reach.
//!
//! Mappings are compiled when a config is read, and its caches are built later, with the stream: a [`CacheLink`] goes into the mappings then and
//! is bound to the caches afterwards.

use bytes::Bytes;
use parking_lot::RwLock;
use std::fmt;
use std::sync::Arc;

/// Caches by the labels of their resources. Calls may wait; an error is what the mapping fails with.
pub trait Caches: Send + Sync {
    fn get(&self, cache: &str, key: &str) -> Result<Bytes, String>;
    fn set(&self, cache: &str, key: &str, value: Bytes) -> Result<(), String>;
    /// Sets a key that isn't there yet.
    fn add(&self, cache: &str, key: &str, value: Bytes) -> Result<(), String>;
    /// Removes a key; it is no error if it isn't there.
    fn delete(&self, cache: &str, key: &str) -> Result<(), String>;
}

/// From the mappings of one config to the caches of the stream that is made of it. Cloning shares it.
#[derive(Clone, Default)]
pub struct CacheLink(Arc<RwLock<Option<Arc<dyn Caches>>>>);

impl CacheLink {
    /// From now on the mappings use these. They must not keep the mappings alive.
    pub fn bind(&self, caches: Arc<dyn Caches>) {
        *self.0.write() = Some(caches);
    }

    pub(super) fn caches(&self) -> Result<Arc<dyn Caches>, &'static str> {
        self.0
            .read()
            .clone()
            .ok_or("there are no cache resources here")
    }
}

impl fmt::Debug for CacheLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CacheLink")
    }
}
