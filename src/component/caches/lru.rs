//! `lru`: the values used last, up to a number of them.

use super::arc::Adaptive;
use super::list::List;
use super::local::{Entry, InitValues, Local, Store};
use super::two_queues::TwoQueues;
use crate::component::{BuildCache, Cache, Context};
use anyhow::ensure;
use std::time::Instant;

crate::choice! {
    /// Which values are forgotten when it is full.
    pub enum Algorithm {
        /// Weighs how recently and how often values were used, and adapts the weight.
        Adaptive = "arc",
        /// Those not used for the longest time.
        Standard = "standard",
        /// Those used once before those used more often.
        TwoQueues = "two_queues",
    }
}

crate::fields! {
    /// How many values are kept, and which.
    pub struct Config {
        /// How many values are kept.
        cap: usize = "1000",
        /// Values that are there from the start.
        init_values: InitValues = "{}",
        /// Which values are forgotten when it is full.
        algorithm: Algorithm = "standard" [advanced],
        /// With `two_queues`: the share of the values used once.
        two_queues_recent_ratio: f64 = "0.25" [advanced],
        /// With `two_queues`: how many keys that were forgotten are still known, as a share of `cap`.
        two_queues_ghost_ratio: f64 = "0.5" [advanced],
        /// Without effect: adding a value is always exact here.
        optimistic: bool = "false" [advanced],
    }
}

crate::spec! {
    /// Keeps a number of values in memory, and forgets those that are used least when there are more.
    dyn BuildCache, "lru", Config
}

impl BuildCache for Config {
    fn build(&self, _: &Context) -> anyhow::Result<Box<dyn Cache>> {
        ensure!(self.cap > 0, "invalid lru cap: must be at least 1");
        if self.optimistic {
            tracing::debug!("lru: optimistic has no effect");
        }
        let (cap, values) = (self.cap, &self.init_values);
        Ok(match self.algorithm {
            Algorithm::Standard => Box::new(Local::new(Standard::new(cap), None, values)),
            Algorithm::Adaptive => Box::new(Local::new(Adaptive::new(cap), None, values)),
            Algorithm::TwoQueues => {
                let ratios = [self.two_queues_recent_ratio, self.two_queues_ghost_ratio];
                ensure!(
                    ratios.iter().all(|r| (0.0..=1.0).contains(r)),
                    "the ratios of two_queues must be from 0 to 1"
                );
                let store = TwoQueues::new(cap, ratios[0], ratios[1]);
                Box::new(Local::new(store, None, values))
            }
        })
    }
}

/// Forgets what wasn't used for the longest time.
pub(super) struct Standard {
    cap: usize,
    list: List<Entry>,
}

impl Standard {
    pub fn new(cap: usize) -> Standard {
        Standard {
            cap,
            list: List::default(),
        }
    }
}

impl Store for Standard {
    fn get(&mut self, key: &str) -> Option<&Entry> {
        self.list.get_mut(key).map(|entry| &*entry)
    }

    fn set(&mut self, key: &str, entry: Entry, _: Instant) {
        self.list.insert(key, entry);
        if self.list.len() > self.cap {
            self.list.pop_oldest();
        }
    }

    fn remove(&mut self, key: &str) {
        self.list.remove(key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::component::SyncCache;
    use crate::component::caches::local::check;

    fn caches(cap: usize) -> [Box<dyn SyncCache>; 3] {
        [
            Box::new(Local::new(Standard::new(cap), None, &InitValues::default())),
            Box::new(Local::new(Adaptive::new(cap), None, &InitValues::default())),
            Box::new(Local::new(
                TwoQueues::new(cap, 0.25, 0.5),
                None,
                &InitValues::default(),
            )),
        ]
    }

    #[test]
    fn each_keeps_values_up_to_its_cap() {
        for (number, cache) in caches(4).iter().enumerate() {
            check(&**cache);
            for n in 0..100 {
                let key = (n % 7 * n % 11).to_string();
                cache.set_now(&key, key.clone().into(), None).expect("set");
                assert!(cache.get_now(&key).is_ok(), "{number}: {key}");
                let there = (0..11).filter(|k| cache.get_now(&k.to_string()).is_ok());
                assert!(there.count() <= 4, "{number}");
            }
        }
    }

    #[test]
    fn what_is_used_again_stays() {
        for (number, cache) in caches(4).iter().enumerate() {
            cache.set_now("used", "x".into(), None).expect("set");
            for n in 0..50 {
                assert!(cache.get_now("used").is_ok(), "{number}: {n}");
                cache
                    .set_now(&n.to_string(), "y".into(), None)
                    .expect("set");
            }
        }
    }
}
