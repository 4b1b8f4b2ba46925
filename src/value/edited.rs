//! An object of a document with a few of its fields set or removed.
//!
//! The fields that weren't touched stay unread in the document, and go out as its bytes.

use super::{Str, Value, document::Document, fields::Fields, object::Found, release};
use smallvec::SmallVec;
use std::{cmp::Ordering, sync::Arc};

/// How many edits are kept beside a document before all fields are read out of it.
const FEW: usize = 16;

#[derive(Clone)]
pub(super) struct Edited {
    pub(super) document: Arc<Document>,
    /// The node of the object.
    pub(super) node: u32,
    /// What was set (or removed, where there is no value), by key.
    pub(super) edits: Vec<(Str, Option<Value>)>,
}

/// A field of an edited object.
#[derive(Clone, Copy)]
pub(super) enum Field {
    /// The node of the key.
    Untouched(u32),
    /// A place in the list of edits; there is a value.
    Edit(u32),
}

impl Edited {
    pub(super) fn new(document: Arc<Document>, node: u32) -> Edited {
        Edited {
            document,
            node,
            edits: Vec::with_capacity(4),
        }
    }

    pub(super) fn is_full(&self) -> bool {
        self.edits.len() >= FEW
    }

    pub(super) fn get(&self, key: &str) -> Option<Value> {
        match self.place(key) {
            Ok(at) => self.edits[at].1.clone(),
            Err(_) => Some(self.document.value(self.document.find(self.node, key)?)),
        }
    }

    /// Where a key leads.
    pub(super) fn find(&self, key: &str) -> Option<Found<'_>> {
        match self.place(key) {
            Ok(at) => self.edits[at].1.as_ref().map(Found::Value),
            Err(_) => {
                let at = self.document.find(self.node, key)?;
                Some(Found::Node(&self.document, at))
            }
        }
    }

    pub(super) fn contains_key(&self, key: &str) -> bool {
        match self.place(key) {
            Ok(at) => self.edits[at].1.is_some(),
            Err(_) => self.document.find(self.node, key).is_some(),
        }
    }

    /// The value that was set under `key`.
    pub(super) fn get_mut(&mut self, key: &str) -> Option<&mut Value> {
        let at = self.place(key).ok()?;
        self.edits[at].1.as_mut()
    }

    /// Sets a key, or removes it if there is no value, and gives the place of the value.
    pub(super) fn set(&mut self, key: Str, value: Option<Value>) -> &mut Option<Value> {
        let at = match self.place(&key) {
            Ok(at) => {
                self.edits[at].1 = value;
                at
            }
            Err(at) => {
                self.edits.insert(at, (key, value));
                at
            }
        };
        &mut self.edits[at].1
    }

    /// The fields that there are, by key.
    pub(super) fn fields(&self) -> Merged<'_> {
        let mut untouched = SmallVec::new();
        self.document.sorted_keys(self.node, &mut untouched);
        Merged {
            edited: self,
            untouched: untouched.into_iter(),
            edits: 0,
        }
    }

    /// A field's key and value.
    pub(super) fn field(&self, field: Field) -> (Str, Value) {
        (self.key(field), self.value(field))
    }

    pub(super) fn key(&self, field: Field) -> Str {
        match field {
            Field::Untouched(node) => self.document.string(self.document.node(node)),
            Field::Edit(at) => self.edits[at as usize].0.clone(),
        }
    }

    pub(super) fn value(&self, field: Field) -> Value {
        match field {
            Field::Untouched(node) => self.document.value(node + 1),
            Field::Edit(at) => self.edits[at as usize].1.clone().unwrap_or(Value::Null),
        }
    }

    /// The same object, read out of the document.
    pub(super) fn read(&self) -> Fields {
        Fields::from_sorted(self.fields().map(|field| self.field(field)).collect())
    }

    fn place(&self, key: &str) -> Result<usize, usize> {
        self.edits.binary_search_by(|(k, _)| (**k).cmp(key))
    }
}

/// The fields of an edited object, by key.
pub(super) struct Merged<'a> {
    edited: &'a Edited,
    /// The nodes of the document's keys that are to come.
    untouched: smallvec::IntoIter<[u32; 16]>,
    /// The next edit.
    edits: usize,
}

impl Iterator for Merged<'_> {
    type Item = Field;

    #[inline]
    fn next(&mut self) -> Option<Field> {
        let Edited {
            document, edits, ..
        } = self.edited;
        loop {
            let Some((key, value)) = edits.get(self.edits) else {
                return self.untouched.next().map(Field::Untouched);
            };
            if let Some(&node) = self.untouched.as_slice().first() {
                let order = document.compare_key(node, key);
                if order != Ordering::Greater {
                    self.untouched.next();
                }
                if order == Ordering::Less {
                    return Some(Field::Untouched(node));
                }
            }
            self.edits += 1;
            if value.is_some() {
                return Some(Field::Edit(self.edits as u32 - 1));
            }
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let untouched = self.untouched.len();
        let edits = self.edited.edits.len() - self.edits;
        (untouched.saturating_sub(edits), Some(untouched + edits))
    }
}

impl Drop for Edited {
    fn drop(&mut self) {
        let tree = |value: &Option<Value>| value.as_ref().is_some_and(Value::is_tree);
        if self.edits.iter().any(|(_, value)| tree(value)) {
            release::all(
                std::mem::take(&mut self.edits)
                    .into_iter()
                    .filter_map(|(_, value)| value),
            );
        }
    }
}
