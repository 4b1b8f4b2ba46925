//! Shared objects.

use super::{Str, Value};
use std::{collections::BTreeMap, sync::Arc};

/// An object; cloning shares it, the first write copies it. Keys come in byte order.
#[derive(Clone, Debug, Default)]
pub struct Object(Arc<BTreeMap<Str, Value>>);

impl Object {
    pub fn new() -> Object {
        Object::default()
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn contains_key(&self, key: &str) -> bool {
        self.0.contains_key(key)
    }

    /// The value under `key`.
    pub fn get(&self, key: &str) -> Option<Value> {
        self.0.get(key).cloned()
    }

    /// The value under `key`, for editing; copies the object first if it is shared.
    pub fn get_mut(&mut self, key: &str) -> Option<&mut Value> {
        Arc::make_mut(&mut self.0).get_mut(key)
    }

    /// Sets a key and returns what it held.
    pub fn insert(&mut self, key: impl Into<Str>, value: Value) -> Option<Value> {
        Arc::make_mut(&mut self.0).insert(key.into(), value)
    }

    /// Removes a key and returns what it held.
    pub fn remove(&mut self, key: &str) -> Option<Value> {
        Arc::make_mut(&mut self.0).remove(key)
    }

    /// Keys and values, by key.
    pub fn iter(&self) -> impl Iterator<Item = (Str, Value)> + '_ {
        self.0.iter().map(|(k, v)| (k.clone(), v.clone()))
    }

    /// The keys in order.
    pub fn keys(&self) -> impl Iterator<Item = Str> + '_ {
        self.0.keys().cloned()
    }
}

impl FromIterator<(Str, Value)> for Object {
    fn from_iter<T: IntoIterator<Item = (Str, Value)>>(iter: T) -> Object {
        Object(Arc::new(iter.into_iter().collect()))
    }
}
