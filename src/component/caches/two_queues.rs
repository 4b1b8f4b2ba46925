//! Values used once and values used again, apart: a scan over many keys pushes only the former out (2Q).

use super::list::List;
use super::local::{Entry, Store};
use std::time::Instant;

/// Forgets what was used once before what was used more often.
pub(super) struct TwoQueues {
    cap: usize,
    /// How many values used once it keeps when it is full.
    recent_cap: usize,
    ghost_cap: usize,
    recent: List<Entry>,
    frequent: List<Entry>,
    /// Keys that were in `recent` not long ago.
    ghosts: List<()>,
}

impl TwoQueues {
    pub fn new(cap: usize, recent_ratio: f64, ghost_ratio: f64) -> TwoQueues {
        TwoQueues {
            cap,
            recent_cap: (cap as f64 * recent_ratio) as usize,
            ghost_cap: (cap as f64 * ghost_ratio) as usize,
            recent: List::default(),
            frequent: List::default(),
            ghosts: List::default(),
        }
    }

    /// Makes room for one more.
    fn make_room(&mut self, was_ghost: bool) {
        if self.recent.len() + self.frequent.len() < self.cap {
            return;
        }
        let recent = self.recent.len();
        let takes_recent = recent > self.recent_cap || recent == self.recent_cap && !was_ghost;
        if recent > 0 && (takes_recent || self.frequent.len() == 0) {
            if let Some((key, _)) = self.recent.pop_oldest() {
                self.ghosts.insert(&key, ());
                if self.ghosts.len() > self.ghost_cap {
                    self.ghosts.pop_oldest();
                }
            }
        } else {
            self.frequent.pop_oldest();
        }
    }
}

impl Store for TwoQueues {
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
        let was_ghost = self.ghosts.remove(key).is_some();
        self.make_room(was_ghost);
        match was_ghost {
            true => self.frequent.insert(key, entry),
            false => self.recent.insert(key, entry),
        }
    }

    fn remove(&mut self, key: &str) {
        self.recent.remove(key);
        self.frequent.remove(key);
        self.ghosts.remove(key);
    }
}
