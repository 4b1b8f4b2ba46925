//! Shared arrays.

use super::{
    Value,
    document::Document,
    document::{Kind, NESTED},
    release,
};
use smallvec::SmallVec;
use std::{fmt, sync::Arc};

/// An array; cloning shares it, the first write copies it.
#[derive(Clone)]
pub struct Array(pub(super) Repr);

#[derive(Clone)]
pub(super) enum Repr {
    /// A piece of a document, not read yet.
    Raw(Arc<Document>, u32),
    Tree(Arc<Items>),
}

#[derive(Clone, Default)]
pub(super) struct Items(pub(super) Vec<Value>);

impl Array {
    pub fn new() -> Array {
        Array::default()
    }

    pub(super) fn raw(document: Arc<Document>, node: u32) -> Array {
        Array(Repr::Raw(document, node))
    }

    pub fn len(&self) -> usize {
        match &self.0 {
            Repr::Raw(document, node) => {
                let array = document.node(*node);
                if array.has(NESTED) {
                    nodes(document, *node).count()
                } else {
                    (array.next - node - 1) as usize
                }
            }
            Repr::Tree(items) => items.0.len(),
        }
    }

    /// How many elements it holds itself: none as long as it is a piece of a document.
    pub(crate) fn held(&self) -> usize {
        match &self.0 {
            Repr::Raw(..) => 0,
            Repr::Tree(items) => items.0.len(),
        }
    }

    pub fn is_empty(&self) -> bool {
        match &self.0 {
            Repr::Raw(document, node) => document.node(*node).next == node + 1,
            Repr::Tree(items) => items.0.is_empty(),
        }
    }

    /// The element at `index`.
    pub fn get(&self, index: usize) -> Option<Value> {
        match &self.0 {
            Repr::Raw(document, node) if document.node(*node).has(NESTED) => {
                let at = nodes(document, *node).nth(index)?;
                Some(document.value(at))
            }
            Repr::Raw(document, node) => {
                let index = u32::try_from(index).ok()?;
                let at = (node + 1).checked_add(index)?;
                (at < document.node(*node).next).then(|| document.value(at))
            }
            Repr::Tree(items) => items.0.get(index).cloned(),
        }
    }

    /// The elements in order.
    pub fn iter(&self) -> Iter<'_> {
        Iter(match &self.0 {
            Repr::Raw(document, node) if document.node(*node).has(NESTED) => Source::Listed(
                document,
                nodes(document, *node).collect::<SmallVec<_>>().into_iter(),
            ),
            Repr::Raw(document, node) => {
                Source::Flat(document, node + 1..document.node(*node).next)
            }
            Repr::Tree(items) => Source::Tree(items.0.iter()),
        })
    }

    /// The elements for editing; copies them first if they are shared.
    pub fn make_mut(&mut self) -> &mut Vec<Value> {
        if let Repr::Raw(..) = &self.0 {
            self.0 = Repr::Tree(Arc::new(Items(self.iter().collect())));
        }
        match &mut self.0 {
            Repr::Tree(items) => &mut Arc::make_mut(items).0,
            Repr::Raw(..) => unreachable!("made a tree above"),
        }
    }

    pub fn push(&mut self, value: Value) {
        self.make_mut().push(value);
    }

    /// Whether this is the very array that another is, and not one that is equal to it.
    pub(crate) fn is_shared_with(&self, other: &Array) -> bool {
        match (&self.0, &other.0) {
            (Repr::Raw(a, m), Repr::Raw(b, n)) => Arc::ptr_eq(a, b) && m == n,
            (Repr::Tree(a), Repr::Tree(b)) => Arc::ptr_eq(a, b),
            _ => false,
        }
    }

    pub(super) fn is_tree(&self) -> bool {
        matches!(self.0, Repr::Tree(_))
    }
}

/// The nodes of the elements of the array at `array`.
fn nodes(document: &Document, array: u32) -> impl Iterator<Item = u32> {
    let stop = document.node(array).next;
    let mut at = array + 1;
    std::iter::from_fn(move || {
        let this = (at < stop).then_some(at)?;
        at = document.node(at).next;
        Some(this)
    })
}

/// The elements of an array, in order.
pub struct Iter<'a>(Source<'a>);

enum Source<'a> {
    /// Elements that each take one node.
    Flat(&'a Arc<Document>, std::ops::Range<u32>),
    Listed(&'a Arc<Document>, smallvec::IntoIter<[u32; 16]>),
    Tree(std::slice::Iter<'a, Value>),
}

impl Iterator for Iter<'_> {
    type Item = Value;

    fn next(&mut self) -> Option<Value> {
        match &mut self.0 {
            Source::Flat(document, nodes) => nodes.next().map(|at| document.value(at)),
            Source::Listed(document, nodes) => nodes.next().map(|at| document.value(at)),
            Source::Tree(items) => items.next().cloned(),
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        match &self.0 {
            Source::Flat(_, nodes) => nodes.size_hint(),
            Source::Listed(_, nodes) => nodes.size_hint(),
            Source::Tree(items) => items.size_hint(),
        }
    }
}

impl Iter<'_> {
    /// Puts the next element in the place of `item`, and says whether there was one. As [`Iterator::next`], but objects that follow
    /// each other in a document are counted as its holders once and not one by one.
    #[inline]
    pub(crate) fn advance(&mut self, item: &mut Value) -> bool {
        if let Value::Object(held) = item
            && let Some((document, node)) = self.unread_object()
            && held.go_to(document, node)
        {
            match &mut self.0 {
                Source::Flat(..) => {}
                Source::Listed(_, nodes) => drop(nodes.next()),
                Source::Tree(items) => drop(items.next()),
            }
            return true;
        }
        let next = self.next();
        let found = next.is_some();
        *item = next.unwrap_or(Value::Null);
        found
    }

    /// Where the next element stands, if it is an object of a document.
    #[inline]
    fn unread_object(&self) -> Option<(&Arc<Document>, u32)> {
        match &self.0 {
            Source::Flat(..) => None,
            Source::Listed(document, nodes) => {
                let node = *nodes.as_slice().first()?;
                (document.node(node).kind == Kind::Object).then_some((document, node))
            }
            Source::Tree(items) => match items.as_slice().first()? {
                Value::Object(object) => object.unread(),
                _ => None,
            },
        }
    }
}

impl DoubleEndedIterator for Iter<'_> {
    fn next_back(&mut self) -> Option<Value> {
        match &mut self.0 {
            Source::Flat(document, nodes) => nodes.next_back().map(|at| document.value(at)),
            Source::Listed(document, nodes) => nodes.next_back().map(|at| document.value(at)),
            Source::Tree(items) => items.next_back().cloned(),
        }
    }
}

impl ExactSizeIterator for Iter<'_> {}

impl Drop for Items {
    fn drop(&mut self) {
        if self.0.iter().any(Value::is_tree) {
            release::all(std::mem::take(&mut self.0).into_iter());
        }
    }
}

impl Default for Array {
    fn default() -> Array {
        Array::from(Vec::new())
    }
}

impl From<Vec<Value>> for Array {
    fn from(values: Vec<Value>) -> Array {
        Array(Repr::Tree(Arc::new(Items(values))))
    }
}

impl FromIterator<Value> for Array {
    fn from_iter<T: IntoIterator<Item = Value>>(iter: T) -> Array {
        Array::from(iter.into_iter().collect::<Vec<_>>())
    }
}

impl fmt::Debug for Array {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}
