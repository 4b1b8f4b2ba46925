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
    pub(super) fn fields(&self) -> SmallVec<[Field; 16]> {
        let mut untouched: SmallVec<[u32; 16]> = SmallVec::new();
        self.document.sorted_keys(self.node, &mut untouched);
        let mut fields = SmallVec::new();
        let mut edits = self.edits.iter().zip(0..).peekable();
        for node in untouched {
            let mut edited = false;
            while let Some(((key, value), at)) = edits.peek() {
                let order = self.document.compare_key(node, key);
                if order == Ordering::Less {
                    break;
                }
                if value.is_some() {
                    fields.push(Field::Edit(*at));
                }
                edited |= order == Ordering::Equal;
                edits.next();
            }
            if !edited {
                fields.push(Field::Untouched(node));
            }
        }
        let rest = edits.filter(|((_, value), _)| value.is_some());
        fields.extend(rest.map(|(_, at)| Field::Edit(at)));
        fields
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
        let fields = self.fields();
        Fields::from_sorted(fields.into_iter().map(|field| self.field(field)).collect())
    }

    fn place(&self, key: &str) -> Result<usize, usize> {
        self.edits.binary_search_by(|(k, _)| (**k).cmp(key))
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
