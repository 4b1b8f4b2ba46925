//! `noop`: keeps nothing.

use crate::component::{BuildCache, Cache, CacheError, Context, SyncCache};
use async_trait::async_trait;
use bytes::Bytes;
use std::time::Duration;

crate::fields! {
    /// Nothing to set.
    pub struct Config {}
}

crate::spec! {
    /// Takes any value and forgets it at once.
    dyn BuildCache, "noop", Config
}

impl BuildCache for Config {
    fn build(&self, _: &Context) -> anyhow::Result<Box<dyn Cache>> {
        Ok(Box::new(Noop))
    }
}

struct Noop;

impl SyncCache for Noop {
    fn get_now(&self, _: &str) -> Result<Bytes, CacheError> {
        Err(CacheError::NotFound)
    }

    fn set_now(&self, _: &str, _: Bytes, _: Option<Duration>) -> Result<(), CacheError> {
        Ok(())
    }

    fn add_now(&self, _: &str, _: Bytes, _: Option<Duration>) -> Result<(), CacheError> {
        Ok(())
    }

    fn delete_now(&self, _: &str) -> Result<(), CacheError> {
        Ok(())
    }
}

#[async_trait]
impl Cache for Noop {
    async fn get(&self, key: &str) -> Result<Bytes, CacheError> {
        self.get_now(key)
    }

    async fn set(&self, _: &str, _: Bytes, _: Option<Duration>) -> Result<(), CacheError> {
        Ok(())
    }

    async fn add(&self, _: &str, _: Bytes, _: Option<Duration>) -> Result<(), CacheError> {
        Ok(())
    }

    async fn delete(&self, _: &str) -> Result<(), CacheError> {
        Ok(())
    }

    fn as_sync(&self) -> Option<&dyn SyncCache> {
        Some(self)
    }
}
