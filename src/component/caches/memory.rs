//! `memory`: a map in memory.

use super::local::{Entry, InitValues, Local, Store};
use crate::component::{BuildCache, Cache, CacheError, Context, SyncCache};
use crate::config::Span;
use anyhow::ensure;
use async_trait::async_trait;
use bytes::Bytes;
use std::{
    collections::HashMap,
    hash::BuildHasher,
    time::{Duration, Instant},
};

crate::fields! {
    /// How long values are kept.
    pub struct Config {
        /// How long a value is kept that isn't set for a time of its own; empty for ever.
        default_ttl: Span = "5m",
        /// How often values that have ended are cleared away; empty for never.
        compaction_interval: Span = "60s",
        /// Values that are there from the start, and don't end.
        init_values: InitValues = "{}",
        /// How many parts with a lock each it has, for many threads.
        shards: usize = "1" [advanced],
    }
}

crate::spec! {
    /// Keeps values in memory, for a time, and loses them when the stream stops.
    dyn BuildCache, "memory", Config
}

impl BuildCache for Config {
    fn build(&self, _: &Context) -> anyhow::Result<Box<dyn Cache>> {
        ensure!(
            (1..=4096).contains(&self.shards),
            "shards must be from 1 to 4096"
        );
        let map = |_| {
            let map = Map {
                entries: HashMap::default(),
                interval: self.compaction_interval.0,
                cleared: Instant::now(),
            };
            Local::new(map, self.default_ttl.0, &self.init_values)
        };
        if self.shards == 1 {
            return Ok(Box::new(map(0)));
        }
        Ok(Box::new(Sharded {
            shards: (0..self.shards).map(map).collect(),
            hasher: Default::default(),
        }))
    }
}

struct Map {
    entries: HashMap<Box<str>, Entry, foldhash::fast::RandomState>,
    interval: Option<Duration>,
    cleared: Instant,
}

impl Store for Map {
    fn get(&mut self, key: &str) -> Option<&Entry> {
        self.entries.get(key)
    }

    fn set(&mut self, key: &str, entry: Entry, now: Instant) {
        if let Some(interval) = self.interval
            && now.duration_since(self.cleared) >= interval
        {
            self.entries.retain(|_, entry| !entry.is_over(now));
            self.cleared = now;
        }
        match self.entries.get_mut(key) {
            Some(old) => *old = entry,
            None => {
                self.entries.insert(key.into(), entry);
            }
        }
    }

    fn remove(&mut self, key: &str) {
        self.entries.remove(key);
    }
}

/// Several maps, each with the keys whose hash says so.
struct Sharded {
    shards: Vec<Local<Map>>,
    hasher: foldhash::fast::RandomState,
}

impl Sharded {
    fn shard(&self, key: &str) -> &Local<Map> {
        &self.shards[self.hasher.hash_one(key) as usize % self.shards.len()]
    }
}

impl SyncCache for Sharded {
    fn get_now(&self, key: &str) -> Result<Bytes, CacheError> {
        self.shard(key).get_now(key)
    }

    fn set_now(&self, key: &str, value: Bytes, ttl: Option<Duration>) -> Result<(), CacheError> {
        self.shard(key).set_now(key, value, ttl)
    }

    fn add_now(&self, key: &str, value: Bytes, ttl: Option<Duration>) -> Result<(), CacheError> {
        self.shard(key).add_now(key, value, ttl)
    }

    fn delete_now(&self, key: &str) -> Result<(), CacheError> {
        self.shard(key).delete_now(key)
    }
}

#[async_trait]
impl Cache for Sharded {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::component::caches::local::check;
    use crate::config::{Field, Linter, Node};

    fn map(interval: Option<Duration>) -> Map {
        Map {
            entries: HashMap::default(),
            interval,
            cleared: Instant::now(),
        }
    }

    fn values(yaml: &str) -> InitValues {
        let environment: crate::bloblang::Environment = Default::default();
        let node = Node::parse(yaml).expect("valid");
        InitValues::read(&node, &mut Linter::new(&environment)).expect("values")
    }

    #[test]
    fn it_keeps_values() {
        let local = |_| Local::new(map(None), None, &values("{old: was here}"));
        check(&local(0));
        assert_eq!(local(0).get_now("old").expect("there"), "was here");
        check(&Sharded {
            shards: (0..3).map(local).collect(),
            hasher: Default::default(),
        });
    }

    #[test]
    fn values_that_ended_are_cleared_away() {
        let mut map = map(Some(Duration::ZERO));
        let now = Instant::now();
        map.set("a", Entry::new(b"1", Some(Duration::ZERO), now), now);
        map.set("b", Entry::new(b"2", None, now), now);
        assert_eq!(map.entries.len(), 1);
    }
}
