//! Shared arrays.

use super::Value;
use std::sync::Arc;

/// An array; cloning shares it, the first write copies it.
#[derive(Clone, Debug, Default)]
pub struct Array(Arc<Vec<Value>>);

impl Array {
    pub fn new() -> Array {
        Array::default()
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The element at `index`.
    pub fn get(&self, index: usize) -> Option<Value> {
        self.0.get(index).cloned()
    }

    /// The elements in order.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = Value> + '_ {
        self.0.iter().cloned()
    }

    /// The elements for editing; copies them first if they are shared.
    pub fn make_mut(&mut self) -> &mut Vec<Value> {
        Arc::make_mut(&mut self.0)
    }

    pub fn push(&mut self, value: Value) {
        self.make_mut().push(value);
    }
}

impl From<Vec<Value>> for Array {
    fn from(values: Vec<Value>) -> Array {
        Array(Arc::new(values))
    }
}

impl FromIterator<Value> for Array {
    fn from_iter<T: IntoIterator<Item = Value>>(iter: T) -> Array {
        Array(Arc::new(iter.into_iter().collect()))
    }
}
