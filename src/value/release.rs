//! Freeing trees of any depth without as deep a recursion: a mapping can nest values a hundred thousand deep.

use super::Value;
use std::cell::{Cell, RefCell};

/// How deep trees are freed by plain recursion.
const PLAIN: u32 = 64;

thread_local! {
    static DEPTH: Cell<u32> = const { Cell::new(0) };
    static LATER: RefCell<Vec<Value>> = const { RefCell::new(Vec::new()) };
}

/// Frees the children of a container that is being freed; those that lie too deep are left to the outermost call.
pub(super) fn all(children: impl Iterator<Item = Value>) {
    let depth = DEPTH.get();
    if depth >= PLAIN {
        return LATER.with_borrow_mut(|later| later.extend(children.filter(Value::is_tree)));
    }
    DEPTH.set(depth + 1);
    children.for_each(drop);
    if depth == 0 {
        while let Some(value) = LATER.with_borrow_mut(Vec::pop) {
            drop(value);
        }
    }
    DEPTH.set(depth);
}
