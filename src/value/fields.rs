//! The fields of an object that isn't (or no longer) a piece of a document.

use super::{Str, Value, keys, release};
use std::collections::{BTreeMap, btree_map};

/// How many fields a list holds before it becomes a tree: beyond, inserting into a list costs too much.
const FEW: usize = 64;

/// Keys and values, by key.
#[derive(Clone)]
pub(super) enum Fields {
    Few(Vec<(Str, Value)>),
    Many(BTreeMap<Str, Value>),
}

impl Fields {
    pub(super) fn len(&self) -> usize {
        match self {
            Fields::Few(list) => list.len(),
            Fields::Many(tree) => tree.len(),
        }
    }

    pub(super) fn get(&self, key: &str) -> Option<&Value> {
        match self {
            Fields::Few(list) => place(list, key).ok().map(|at| &list[at].1),
            Fields::Many(tree) => tree.get(key),
        }
    }

    pub(super) fn get_mut(&mut self, key: &str) -> Option<&mut Value> {
        match self {
            Fields::Few(list) => place(list, key).ok().map(|at| &mut list[at].1),
            Fields::Many(tree) => tree.get_mut(key),
        }
    }

    pub(super) fn insert(&mut self, key: Str, value: Value) {
        if let Fields::Few(list) = self
            && list.len() >= FEW
        {
            *self = Fields::Many(std::mem::take(list).into_iter().collect());
        }
        match self {
            Fields::Few(list) => match place(list, &key) {
                Ok(at) => list[at].1 = value,
                Err(at) => list.insert(at, (key, value)),
            },
            Fields::Many(tree) => {
                tree.insert(key, value);
            }
        }
    }

    pub(super) fn remove(&mut self, key: &str) {
        match self {
            Fields::Few(list) => {
                if let Ok(at) = place(list, key) {
                    list.remove(at);
                }
            }
            Fields::Many(tree) => {
                tree.remove(key);
            }
        }
    }

    pub(super) fn iter(&self) -> Iter<'_> {
        match self {
            Fields::Few(list) => Iter::Few(list.iter()),
            Fields::Many(tree) => Iter::Many(tree.iter()),
        }
    }

    /// Takes fields whose keys are in order and differ.
    pub(super) fn from_sorted(list: Vec<(Str, Value)>) -> Fields {
        if list.len() <= FEW {
            Fields::Few(list)
        } else {
            Fields::Many(list.into_iter().collect())
        }
    }
}

impl FromIterator<(Str, Value)> for Fields {
    /// Of equal keys the last one counts.
    fn from_iter<T: IntoIterator<Item = (Str, Value)>>(iter: T) -> Fields {
        let mut list: Vec<(Str, Value)> = iter.into_iter().collect();
        if !list.is_sorted_by(|(a, _), (b, _)| a < b) {
            list.sort_by(|(a, _), (b, _)| a.cmp(b));
            list.dedup_by(|later, earlier| {
                let same = later.0 == earlier.0;
                if same {
                    std::mem::swap(later, earlier);
                }
                same
            });
        }
        Fields::from_sorted(list)
    }
}

impl Drop for Fields {
    fn drop(&mut self) {
        match self {
            Fields::Few(list) => {
                if list.iter().any(|(_, value)| value.is_tree()) {
                    release::all(std::mem::take(list).into_iter().map(|(_, value)| value));
                }
            }
            Fields::Many(tree) => {
                if tree.values().any(Value::is_tree) {
                    release::all(std::mem::take(tree).into_values());
                }
            }
        }
    }
}

/// Where `key` is in the list, or where it belongs.
fn place(list: &[(Str, Value)], key: &str) -> Result<usize, usize> {
    let prefix = keys::prefix(key.as_bytes());
    list.binary_search_by(|(k, _)| k.prefix().cmp(&prefix).then_with(|| (**k).cmp(key)))
}

pub(super) enum Iter<'a> {
    Few(std::slice::Iter<'a, (Str, Value)>),
    Many(btree_map::Iter<'a, Str, Value>),
}

impl<'a> Iterator for Iter<'a> {
    type Item = (&'a Str, &'a Value);

    fn next(&mut self) -> Option<Self::Item> {
        match self {
            Iter::Few(list) => list.next().map(|(k, v)| (k, v)),
            Iter::Many(tree) => tree.next(),
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        match self {
            Iter::Few(list) => list.size_hint(),
            Iter::Many(tree) => tree.size_hint(),
        }
    }
}
