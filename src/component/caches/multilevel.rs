//! `multilevel`: caches behind one another.

use crate::component::{BuildCache, Cache, CacheError, Context, SyncCache};
use anyhow::ensure;
use async_trait::async_trait;
use bytes::Bytes;
use std::{sync::Arc, time::Duration};

crate::single! {
    /// The labels of the caches, the nearest first.
    pub struct Config(Vec<String>);
}

crate::spec! {
    /// Looks for a value in one cache after the other, and then sets it in those before the one that had it. Values are set
    /// in all of them.
    dyn BuildCache, "multilevel", Config
}

impl BuildCache for Config {
    fn build(&self, cx: &Context) -> anyhow::Result<Box<dyn Cache>> {
        ensure!(
            self.0.len() >= 2,
            "expected at least two cache levels, found {}",
            self.0.len()
        );
        let levels = self.0.iter().map(|label| cx.cache(label));
        let levels: Vec<Arc<dyn Cache>> = levels.collect::<anyhow::Result<_>>()?;
        let is_sync = levels.iter().all(|level| level.as_sync().is_some());
        Ok(Box::new(Levels { levels, is_sync }))
    }
}

struct Levels {
    levels: Vec<Arc<dyn Cache>>,
    /// Whether none of them waits.
    is_sync: bool,
}

impl Levels {
    fn sync(&self) -> impl DoubleEndedIterator<Item = &dyn SyncCache> + ExactSizeIterator {
        self.levels
            .iter()
            .map(|level| level.as_sync().expect("asked for only if all are"))
    }
}

impl SyncCache for Levels {
    fn get_now(&self, key: &str) -> Result<Bytes, CacheError> {
        for (depth, level) in self.sync().enumerate() {
            match level.get_now(key) {
                Err(CacheError::NotFound) => {}
                Ok(value) => {
                    for nearer in self.sync().take(depth) {
                        nearer.set_now(key, value.clone(), None)?;
                    }
                    return Ok(value);
                }
                error => return error,
            }
        }
        Err(CacheError::NotFound)
    }

    fn set_now(&self, key: &str, value: Bytes, ttl: Option<Duration>) -> Result<(), CacheError> {
        for level in self.sync() {
            level.set_now(key, value.clone(), ttl)?;
        }
        Ok(())
    }

    fn add_now(&self, key: &str, value: Bytes, ttl: Option<Duration>) -> Result<(), CacheError> {
        let mut levels = self.sync().rev();
        let last = levels.next().expect("there are at least two");
        for level in self.sync().take(self.levels.len() - 1) {
            match level.get_now(key) {
                Err(CacheError::NotFound) => {}
                Ok(_) => return Err(CacheError::Exists),
                Err(error) => return Err(error),
            }
        }
        last.add_now(key, value.clone(), ttl)?;
        for level in levels {
            level.set_now(key, value.clone(), ttl)?;
        }
        Ok(())
    }

    fn delete_now(&self, key: &str) -> Result<(), CacheError> {
        for level in self.sync() {
            level.delete_now(key)?;
        }
        Ok(())
    }
}

#[async_trait]
impl Cache for Levels {
    async fn get(&self, key: &str) -> Result<Bytes, CacheError> {
        for (depth, level) in self.levels.iter().enumerate() {
            match level.get(key).await {
                Err(CacheError::NotFound) => {}
                Ok(value) => {
                    for nearer in &self.levels[..depth] {
                        nearer.set(key, value.clone(), None).await?;
                    }
                    return Ok(value);
                }
                error => return error,
            }
        }
        Err(CacheError::NotFound)
    }

    async fn set(&self, key: &str, value: Bytes, ttl: Option<Duration>) -> Result<(), CacheError> {
        for level in &self.levels {
            level.set(key, value.clone(), ttl).await?;
        }
        Ok(())
    }

    /// The last cache decides whether the key is new, unless a nearer one has it.
    async fn add(&self, key: &str, value: Bytes, ttl: Option<Duration>) -> Result<(), CacheError> {
        let (last, nearer) = self.levels.split_last().expect("there are at least two");
        for level in nearer {
            match level.get(key).await {
                Err(CacheError::NotFound) => {}
                Ok(_) => return Err(CacheError::Exists),
                Err(error) => return Err(error),
            }
        }
        last.add(key, value.clone(), ttl).await?;
        for level in nearer.iter().rev() {
            level.set(key, value.clone(), ttl).await?;
        }
        Ok(())
    }

    async fn delete(&self, key: &str) -> Result<(), CacheError> {
        for level in &self.levels {
            level.delete(key).await?;
        }
        Ok(())
    }

    fn as_sync(&self) -> Option<&dyn SyncCache> {
        self.is_sync.then_some(self)
    }
}
