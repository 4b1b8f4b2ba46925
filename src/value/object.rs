//! Shared objects.

use super::{
    Str, Value, document::Document, edited::Edited, edited::Merged, fields, fields::Fields,
};
use smallvec::SmallVec;
use std::{fmt, sync::Arc};

/// An object; cloning shares it, the first write copies its own fields (not what is in them). Keys come in byte order.
#[derive(Clone, Default)]
pub struct Object(pub(super) Repr);

#[derive(Clone, Default)]
pub(super) enum Repr {
    #[default]
    Empty,
    /// A piece of a document, not read yet.
    Raw(Arc<Document>, u32),
    /// The same with a few edits.
    Edited(Arc<Edited>),
    Tree(Arc<Fields>),
}

/// Where a path leads: nothing is copied for it yet.
pub(super) enum Found<'v> {
    Value(&'v Value),
    Node(&'v Arc<Document>, u32),
}

/// Nodes of keys in order. Most objects have few.
type Order = SmallVec<[u32; 16]>;

impl Object {
    pub fn new() -> Object {
        Object::default()
    }

    /// An empty object with room for so many fields.
    pub fn with_capacity(fields: usize) -> Object {
        Object(Repr::Tree(Arc::new(Fields::Few(Vec::with_capacity(
            fields,
        )))))
    }

    pub(super) fn raw(document: Arc<Document>, node: u32) -> Object {
        Object(Repr::Raw(document, node))
    }

    /// Where it stands in a document, if it wasn't read yet.
    #[inline]
    pub(super) fn unread(&self) -> Option<(&Arc<Document>, u32)> {
        match &self.0 {
            Repr::Raw(document, node) => Some((document, *node)),
            _ => None,
        }
    }

    /// Makes it the unread object at `node`, if it already is one of that document; else nothing.
    #[inline]
    pub(super) fn go_to(&mut self, document: &Arc<Document>, node: u32) -> bool {
        match &mut self.0 {
            Repr::Raw(held, at) if Arc::ptr_eq(held, document) => {
                *at = node;
                true
            }
            _ => false,
        }
    }

    pub fn len(&self) -> usize {
        match &self.0 {
            Repr::Empty => 0,
            Repr::Raw(document, node) => order(document, *node).len(),
            Repr::Edited(edited) => edited.fields().count(),
            Repr::Tree(fields) => fields.len(),
        }
    }

    pub fn is_empty(&self) -> bool {
        match &self.0 {
            Repr::Empty => true,
            Repr::Raw(document, node) => document.node(*node).next == node + 1,
            Repr::Edited(edited) => edited.fields().next().is_none(),
            Repr::Tree(fields) => fields.len() == 0,
        }
    }

    pub fn contains_key(&self, key: &str) -> bool {
        match &self.0 {
            Repr::Empty => false,
            Repr::Raw(document, node) => document.find(*node, key).is_some(),
            Repr::Edited(edited) => edited.contains_key(key),
            Repr::Tree(fields) => fields.get(key).is_some(),
        }
    }

    /// The value under `key`.
    pub fn get(&self, key: &str) -> Option<Value> {
        match &self.0 {
            Repr::Empty => None,
            Repr::Raw(document, node) => Some(document.value(document.find(*node, key)?)),
            Repr::Edited(edited) => edited.get(key),
            Repr::Tree(fields) => fields.get(key).cloned(),
        }
    }

    /// The value that is reached by `path`, each step being a key of an object; none where a step leads nowhere. Nothing
    /// on the way is copied or counted.
    pub fn get_path<S: AsRef<str>>(&self, path: &[S]) -> Option<Value> {
        Some(match self.find(path)? {
            Found::Value(value) => value.clone(),
            Found::Node(document, at) => document.value(at),
        })
    }

    /// Where a path leads.
    #[inline]
    pub(super) fn find<S: AsRef<str>>(&self, path: &[S]) -> Option<Found<'_>> {
        // Most paths have one step, and most objects are read for the first time.
        if let (Repr::Raw(document, node), [step]) = (&self.0, path) {
            let at = document.find(*node, step.as_ref())?;
            return Some(Found::Node(document, at));
        }
        let (mut object, mut path) = (self, path);
        loop {
            let (step, rest) = path.split_first()?;
            let found = match &object.0 {
                Repr::Empty => return None,
                Repr::Raw(document, node) => {
                    Found::Node(document, document.find(*node, step.as_ref())?)
                }
                Repr::Edited(edited) => edited.find(step.as_ref())?,
                Repr::Tree(fields) => Found::Value(fields.get(step.as_ref())?),
            };
            match found {
                found if rest.is_empty() => return Some(found),
                Found::Value(Value::Object(inner)) => (object, path) = (inner, rest),
                Found::Value(_) => return None,
                Found::Node(document, mut at) => {
                    for step in rest {
                        at = document.find_in(at, step.as_ref())?;
                    }
                    return Some(Found::Node(document, at));
                }
            }
        }
    }

    /// The value under `key`, for editing.
    pub fn get_mut(&mut self, key: &str) -> Option<&mut Value> {
        // Looks first, so that nothing is copied for a key that isn't there.
        let read = match self.find(&[key])? {
            Found::Node(document, at) => Some(document.value(at)),
            Found::Value(_) => None,
        };
        match (self.edit(), read) {
            (Edit::Few(edited), Some(value)) => edited.set(key.into(), Some(value)).as_mut(),
            (Edit::Few(edited), None) => edited.get_mut(key),
            (Edit::Many(fields), _) => fields.get_mut(key),
        }
    }

    /// Sets a key.
    pub fn insert(&mut self, key: impl Into<Str>, value: Value) {
        match self.edit() {
            Edit::Few(edited) => {
                edited.set(key.into(), Some(value));
            }
            Edit::Many(fields) => fields.insert(key.into(), value),
        }
    }

    /// Removes a key; says whether there was one.
    pub fn remove(&mut self, key: &str) -> bool {
        if !self.contains_key(key) {
            return false;
        }
        match self.edit() {
            Edit::Few(edited) => {
                edited.set(key.into(), None);
            }
            Edit::Many(fields) => fields.remove(key),
        }
        true
    }

    /// Keys and values, by key.
    pub fn iter(&self) -> Iter<'_> {
        Iter(match &self.0 {
            Repr::Empty => Source::Raw(None, Order::new().into_iter()),
            Repr::Raw(document, node) => {
                Source::Raw(Some(document), order(document, *node).into_iter())
            }
            Repr::Edited(edited) => Source::Edited(edited, edited.fields()),
            Repr::Tree(fields) => Source::Tree(fields.iter()),
        })
    }

    /// The keys in order.
    pub fn keys(&self) -> impl Iterator<Item = Str> + '_ {
        let mut iter = self.iter();
        std::iter::from_fn(move || match &mut iter.0 {
            Source::Raw(document, nodes) => {
                let document = (*document)?;
                nodes.next().map(|at| document.string(document.node(at)))
            }
            Source::Edited(edited, fields) => fields.next().map(|field| edited.key(field)),
            Source::Tree(fields) => fields.next().map(|(key, _)| key.clone()),
        })
    }

    /// The values, by key.
    pub fn values(&self) -> impl Iterator<Item = Value> + '_ {
        let mut iter = self.iter();
        std::iter::from_fn(move || match &mut iter.0 {
            Source::Raw(document, nodes) => {
                let document = (*document)?;
                nodes.next().map(|at| document.value(at + 1))
            }
            Source::Edited(edited, fields) => fields.next().map(|field| edited.value(field)),
            Source::Tree(fields) => fields.next().map(|(_, value)| value.clone()),
        })
    }

    /// Whether it is still what a document said.
    pub(crate) fn is_unread(&self) -> bool {
        matches!(self.0, Repr::Empty | Repr::Raw(..))
    }

    /// Whether this is the very object that another is, and not one that is equal to it.
    pub(crate) fn is_shared_with(&self, other: &Object) -> bool {
        match (&self.0, &other.0) {
            (Repr::Empty, Repr::Empty) => true,
            (Repr::Raw(a, m), Repr::Raw(b, n)) => Arc::ptr_eq(a, b) && m == n,
            (Repr::Edited(a), Repr::Edited(b)) => Arc::ptr_eq(a, b),
            (Repr::Tree(a), Repr::Tree(b)) => Arc::ptr_eq(a, b),
            _ => false,
        }
    }

    pub(super) fn is_tree(&self) -> bool {
        matches!(self.0, Repr::Tree(_) | Repr::Edited(_))
    }

    /// Makes the object ready for one edit.
    fn edit(&mut self) -> Edit<'_> {
        match &self.0 {
            Repr::Empty => *self = Object::with_capacity(4),
            Repr::Raw(document, node) => {
                self.0 = Repr::Edited(Arc::new(Edited::new(document.clone(), *node)));
            }
            Repr::Edited(edited) if edited.is_full() => {
                self.0 = Repr::Tree(Arc::new(edited.read()));
            }
            Repr::Edited(_) | Repr::Tree(_) => {}
        }
        match &mut self.0 {
            Repr::Edited(edited) => Edit::Few(Arc::make_mut(edited)),
            Repr::Tree(fields) => Edit::Many(Arc::make_mut(fields)),
            Repr::Empty | Repr::Raw(..) => unreachable!("made ready above"),
        }
    }
}

/// Where an edit goes.
enum Edit<'a> {
    Few(&'a mut Edited),
    Many(&'a mut Fields),
}

fn order(document: &Document, node: u32) -> Order {
    let mut order = Order::new();
    document.sorted_keys(node, &mut order);
    order
}

/// Keys and values of an object, by key.
pub struct Iter<'a>(Source<'a>);

enum Source<'a> {
    Raw(Option<&'a Arc<Document>>, smallvec::IntoIter<[u32; 16]>),
    Edited(&'a Edited, Merged<'a>),
    Tree(fields::Iter<'a>),
}

impl Iterator for Iter<'_> {
    type Item = (Str, Value);

    fn next(&mut self) -> Option<(Str, Value)> {
        match &mut self.0 {
            Source::Raw(document, nodes) => {
                let document = (*document)?;
                nodes
                    .next()
                    .map(|at| (document.string(document.node(at)), document.value(at + 1)))
            }
            Source::Edited(edited, fields) => fields.next().map(|field| edited.field(field)),
            Source::Tree(fields) => fields.next().map(|(k, v)| (k.clone(), v.clone())),
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        match &self.0 {
            Source::Raw(_, nodes) => nodes.size_hint(),
            Source::Edited(_, fields) => fields.size_hint(),
            Source::Tree(fields) => fields.size_hint(),
        }
    }
}

impl FromIterator<(Str, Value)> for Object {
    /// Of equal keys the last one counts.
    fn from_iter<T: IntoIterator<Item = (Str, Value)>>(iter: T) -> Object {
        Object(Repr::Tree(Arc::new(iter.into_iter().collect())))
    }
}

impl Extend<(Str, Value)> for Object {
    fn extend<T: IntoIterator<Item = (Str, Value)>>(&mut self, iter: T) {
        for (key, value) in iter {
            self.insert(key, value);
        }
    }
}

impl fmt::Debug for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}
