//! Entries in the order in which they were used.

use std::{collections::HashMap, sync::Arc};

/// Marks the end of the list.
const NONE: usize = usize::MAX;

/// A map whose entries are in the order of their last use.
pub(super) struct List<V> {
    places: HashMap<Arc<str>, usize, foldhash::fast::RandomState>,
    slots: Vec<Slot<V>>,
    free: Vec<usize>,
    newest: usize,
    oldest: usize,
}

struct Slot<V> {
    key: Arc<str>,
    /// None in a slot that is free.
    value: Option<V>,
    newer: usize,
    older: usize,
}

impl<V> Default for List<V> {
    fn default() -> List<V> {
        List {
            places: HashMap::default(),
            slots: Vec::new(),
            free: Vec::new(),
            newest: NONE,
            oldest: NONE,
        }
    }
}

impl<V> List<V> {
    pub fn len(&self) -> usize {
        self.places.len()
    }

    pub fn contains(&self, key: &str) -> bool {
        self.places.contains_key(key)
    }

    /// The value under `key`, which becomes the newest.
    pub fn get_mut(&mut self, key: &str) -> Option<&mut V> {
        let at = *self.places.get(key)?;
        self.unlink(at);
        self.link(at);
        self.slots[at].value.as_mut()
    }

    /// Sets a key, which becomes the newest.
    pub fn insert(&mut self, key: &str, value: V) {
        if let Some(old) = self.get_mut(key) {
            *old = value;
            return;
        }
        let key: Arc<str> = key.into();
        let slot = Slot {
            key: key.clone(),
            value: Some(value),
            newer: NONE,
            older: NONE,
        };
        let at = match self.free.pop() {
            Some(at) => {
                self.slots[at] = slot;
                at
            }
            None => {
                self.slots.push(slot);
                self.slots.len() - 1
            }
        };
        self.places.insert(key, at);
        self.link(at);
    }

    pub fn remove(&mut self, key: &str) -> Option<V> {
        let at = self.places.remove(key)?;
        self.unlink(at);
        self.free.push(at);
        self.slots[at].value.take()
    }

    /// Removes the entry that wasn't used for the longest time.
    pub fn pop_oldest(&mut self) -> Option<(Arc<str>, V)> {
        let slot = self.slots.get(self.oldest)?;
        let key = slot.key.clone();
        let value = self.remove(&key)?;
        Some((key, value))
    }

    fn unlink(&mut self, at: usize) {
        let (newer, older) = (self.slots[at].newer, self.slots[at].older);
        match newer {
            NONE => self.newest = older,
            _ => self.slots[newer].older = older,
        }
        match older {
            NONE => self.oldest = newer,
            _ => self.slots[older].newer = newer,
        }
    }

    fn link(&mut self, at: usize) {
        self.slots[at].newer = NONE;
        self.slots[at].older = self.newest;
        match self.newest {
            NONE => self.oldest = at,
            newest => self.slots[newest].newer = at,
        }
        self.newest = at;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_go_in_the_order_of_their_last_use() {
        let mut list = List::default();
        for (number, key) in ["a", "b", "c"].into_iter().enumerate() {
            list.insert(key, number);
        }
        assert_eq!(list.get_mut("a"), Some(&mut 0));
        assert_eq!(list.remove("c"), Some(2));
        list.insert("d", 3);
        let order: Vec<_> = std::iter::from_fn(|| list.pop_oldest()).collect();
        let keys: Vec<&str> = order.iter().map(|(k, _)| &**k).collect();
        assert_eq!(keys, ["b", "a", "d"]);
        assert_eq!(list.len(), 0);
    }
}
