//! Pieces of documents, written back.
//!
//! What is compact and in order goes out as its bytes, in as long spans as there are; where keys are out of order, spans are put in
//! order. Only strings that say [`SPECIAL`] are decoded and written anew.

use super::document::{DIRTY, Document, Kind, NESTED, Node, SPECIAL};
use super::unescape;
use smallvec::SmallVec;

/// Appends the container at `node` as compact JSON with sorted keys.
pub(super) fn write(document: &Document, node: u32, out: &mut Vec<u8>) {
    let root = document.node(node);
    out.reserve((root.end - root.start) as usize + SHORT);
    let mut writer = Writer {
        document,
        out,
        start: root.start as usize,
        end: root.start as usize,
    };
    writer.container(node, &mut SmallVec::new());
    writer.flush();
}

/// Appends fields of the object at `object`, given by the nodes of their keys, with commas between them; and one before the first if
/// `comma` says so.
pub(super) fn write_fields(
    document: &Document,
    object: u32,
    fields: impl Iterator<Item = u32>,
    mut comma: bool,
    out: &mut Vec<u8>,
) {
    let dirty = document.node(object).has(DIRTY);
    let start = document.node(object).start as usize;
    let mut writer = Writer {
        document,
        out,
        start,
        end: start,
    };
    let mut keys = SmallVec::new();
    for key in fields {
        if comma {
            writer.comma(document.node(key).start as usize - 1);
        }
        comma = true;
        if writer.field(key, dirty) {
            writer.container(key + 1, &mut keys);
        }
    }
    writer.flush();
}

/// Spans up to this length are copied as this many bytes, which is faster than asking how many they are.
const SHORT: usize = 32;

type Keys = SmallVec<[u32; 64]>;

struct Writer<'a> {
    document: &'a Document,
    out: &'a mut Vec<u8>,
    /// The span that is to be copied next; grows while what follows it in the output also follows it in the document.
    start: usize,
    end: usize,
}

/// A container that is being written.
#[derive(Clone, Copy)]
struct Open {
    container: u32,
    /// Of an array: the nodes of its first element, the next one, and the one after the last. Of an object: the same as places
    /// in the list of sorted keys.
    first: u32,
    next: u32,
    stop: u32,
}

impl Writer<'_> {
    /// Writes a container. Memory for the sorted keys of all objects that are open, the innermost last, is given. Nothing is kept by
    /// recursion: documents may be deep.
    fn container(&mut self, root: u32, keys: &mut Keys) {
        let document = self.document;
        let mut outer: SmallVec<[Open; 8]> = SmallVec::new();
        let Some(mut this) = self.enter(root, keys) else {
            return;
        };
        loop {
            let container = document.node(this.container);
            let inner = match container.kind {
                Kind::Object => self.fields(&mut this, keys, container.has(DIRTY)),
                _ => self.elements(&mut this, keys),
            };
            if let Some(inner) = inner {
                outer.push(std::mem::replace(&mut this, inner));
                continue;
            }
            if container.kind == Kind::Object {
                keys.truncate(this.first as usize);
            }
            self.span(container.end as usize - 1, container.end as usize);
            match outer.pop() {
                Some(open) => this = open,
                None => return,
            }
        }
    }

    /// Writes an opening bracket; or a whole container, if nothing in it can be out of order.
    fn enter(&mut self, index: u32, keys: &mut Keys) -> Option<Open> {
        let node = self.document.node(index);
        let (start, end) = (node.start as usize, node.end as usize);
        let flat = node.kind == Kind::Array && !node.has(NESTED) || node.next == index + 1;
        if flat && !node.has(DIRTY) {
            self.span(start, end);
            return None;
        }
        self.span(start, start + 1);
        let (first, stop) = match node.kind {
            Kind::Object => {
                let first = keys.len() as u32;
                self.document.sorted_keys(index, keys);
                (first, keys.len() as u32)
            }
            _ => (index + 1, node.next),
        };
        Some(Open {
            container: index,
            first,
            next: first,
            stop,
        })
    }

    /// Writes fields up to one that holds a container which has to be gone into.
    #[inline]
    fn fields(&mut self, this: &mut Open, keys: &mut Keys, dirty: bool) -> Option<Open> {
        while this.next < this.stop {
            let key = keys[this.next as usize];
            if this.next != this.first {
                self.comma(self.document.node(key).start as usize - 1);
            }
            this.next += 1;
            if self.field(key, dirty) {
                let inner = self.enter(key + 1, keys);
                if inner.is_some() {
                    return inner;
                }
            }
        }
        None
    }

    /// Writes a field; of one whose value is a container only the key, and true is returned.
    #[inline(always)]
    fn field(&mut self, index: u32, dirty: bool) -> bool {
        let (key, value) = (self.document.node(index), self.document.node(index + 1));
        if matches!(value.kind, Kind::Object | Kind::Array) {
            self.key(key, value.start as usize);
            return true;
        }
        if dirty {
            self.key(key, value.start as usize - quote(value));
            self.scalar(value);
        } else {
            self.span(key.start as usize - 1, value.end as usize + quote(value));
        }
        false
    }

    /// The same for elements.
    fn elements(&mut self, this: &mut Open, keys: &mut Keys) -> Option<Open> {
        while this.next < this.stop {
            let index = this.next;
            let node = self.document.node(index);
            if index != this.first {
                self.comma(node.start as usize - quote(node));
            }
            this.next = node.next;
            if matches!(node.kind, Kind::Object | Kind::Array) {
                let inner = self.enter(index, keys);
                if inner.is_some() {
                    return inner;
                }
            } else {
                self.scalar(node);
            }
        }
        None
    }

    /// Writes a key and its colon. The value stands at `value`.
    fn key(&mut self, key: &Node, value: usize) {
        let (start, end) = (key.start as usize, key.end as usize);
        if key.has(SPECIAL) {
            self.anew(key);
        } else if value == end + 2 {
            return self.span(start - 1, value);
        } else {
            self.span(start - 1, end + 1);
            self.flush();
        }
        self.out.push(b':');
    }

    fn scalar(&mut self, node: &Node) {
        if node.has(SPECIAL) {
            self.anew(node);
        } else {
            let quote = quote(node);
            self.span(node.start as usize - quote, node.end as usize + quote);
        }
    }

    /// Writes a string in another form than it came in.
    #[cold]
    fn anew(&mut self, node: &Node) {
        self.flush();
        unescape::encode(&unescape::decode(self.document.text(node)), self.out);
    }

    /// Writes the comma before what stands at `at`.
    #[inline(always)]
    fn comma(&mut self, at: usize) {
        if self.end + 1 == at && self.document.bytes[self.end] == b',' {
            self.end = at;
        } else {
            self.flush();
            self.out.push(b',');
            (self.start, self.end) = (at, at);
        }
    }

    #[inline(always)]
    fn span(&mut self, start: usize, end: usize) {
        if start != self.end {
            self.flush();
            self.start = start;
        }
        self.end = end;
    }

    #[inline]
    fn flush(&mut self) {
        let len = self.end - self.start;
        match self.document.bytes.get(self.start..self.start + SHORT) {
            Some(block) if len <= SHORT => {
                self.out.reserve(SHORT);
                // SAFETY: `out` has room for SHORT more bytes, `block` has SHORT bytes, and they can't overlap since `out` is borrowed
                // mutably; the first `len` (at most SHORT) of them are then initialised.
                unsafe {
                    let end = self.out.as_mut_ptr().add(self.out.len());
                    std::ptr::copy_nonoverlapping(block.as_ptr(), end, SHORT);
                    self.out.set_len(self.out.len() + len);
                }
            }
            _ => {
                let span = &self.document.bytes[self.start..self.end];
                self.out.extend_from_slice(span);
            }
        }
        self.start = self.end;
    }
}

/// How many bytes of quotes stand on each side of a scalar.
#[inline]
fn quote(node: &Node) -> usize {
    usize::from(node.kind == Kind::String)
}
