//! Values used once and values used again, with a border between them that moves to where it is missed most (ARC).

use super::list::List;
use super::local::{Entry, Store};
use std::time::Instant;

/// Weighs how recently and how often values were used.
pub(super) struct Adaptive {
    cap: usize,
    /// How many values used once it aims to keep.
    target: usize,
    recent: List<Entry>,
    frequent: List<Entry>,
    /// Keys that fell out of `recent` and of `frequent`: a use of one says which of them is too small.
    recent_ghosts: List<()>,
    frequent_ghosts: List<()>,
}

impl Adaptive {
    pub fn new(cap: usize) -> Adaptive {
        Adaptive {
            cap,
            target: 0,
            recent: List::default(),
            frequent: List::default(),
            recent_ghosts: List::default(),
            frequent_ghosts: List::default(),
        }
    }

    /// Lets one value go, and keeps its key as a ghost.
    fn evict(&mut self, for_frequent: bool) {
        let recent = self.recent.len();
        let takes_recent =
            recent > 0 && (recent > self.target || recent == self.target && for_frequent);
        if takes_recent || self.frequent.len() == 0 {
            if let Some((key, _)) = self.recent.pop_oldest() {
                self.recent_ghosts.insert(&key, ());
            }
        } else if let Some((key, _)) = self.frequent.pop_oldest() {
            self.frequent_ghosts.insert(&key, ());
        }
    }

    fn is_full(&self) -> bool {
        self.recent.len() + self.frequent.len() >= self.cap
    }
}

impl Store for Adaptive {
    fn get(&mut self, key: &str) -> Option<&Entry> {
        if let Some(entry) = self.recent.remove(key) {
            self.frequent.insert(key, entry);
        }
        self.frequent.get_mut(key).map(|entry| &*entry)
    }

    fn set(&mut self, key: &str, entry: Entry, _: Instant) {
        if self.frequent.contains(key) || self.recent.remove(key).is_some() {
            self.frequent.insert(key, entry);
            return;
        }
        let (recent, frequent) = (self.recent_ghosts.len(), self.frequent_ghosts.len());
        if self.recent_ghosts.remove(key).is_some() {
            let step = (frequent / recent.max(1)).max(1);
            self.target = (self.target + step).min(self.cap);
            if self.is_full() {
                self.evict(false);
            }
            self.frequent.insert(key, entry);
            return;
        }
        if self.frequent_ghosts.remove(key).is_some() {
            let step = (recent / frequent.max(1)).max(1);
            self.target = self.target.saturating_sub(step);
            if self.is_full() {
                self.evict(true);
            }
            self.frequent.insert(key, entry);
            return;
        }
        if self.is_full() {
            self.evict(false);
        }
        if self.recent_ghosts.len() > self.cap - self.target {
            self.recent_ghosts.pop_oldest();
        }
        if self.frequent_ghosts.len() > self.target {
            self.frequent_ghosts.pop_oldest();
        }
        self.recent.insert(key, entry);
    }

    fn remove(&mut self, key: &str) {
        self.recent.remove(key);
        self.frequent.remove(key);
        self.recent_ghosts.remove(key);
        self.frequent_ghosts.remove(key);
    }
}
