//! A JSON text and its tape: one flat list of what stands where in it.
//!
//! One pass validates the text and notes each value in a [`Node`]; nothing is copied out of the text. A container is
//! followed by its children, an object's as key, value, key, value; `next` jumps over a value with all that is in it. Everything that
//! the tape says about the text is true of it by construction: ranges lie inside, strings that aren't `SPECIAL` are UTF-8.
//!
//! The parser only says that a text is faulty. What to tell the user is found out by `super::syntax` afterwards.

use super::{
    Array, Number, Object, Read, Str, Value, number,
    quotes::Quotes,
    scalars::{self, check_string, string_flags, word},
    unescape,
};
use bytes::Bytes;
use std::{cell::Cell, sync::Arc};

/// How deep arrays and objects may be nested.
pub(super) const MAX_DEPTH: usize = 10_000;

/// The bytes of a text, with the tape if they were parsed.
#[derive(Debug)]
pub(super) struct Document {
    pub(super) bytes: Bytes,
    pub(super) tape: Vec<Node>,
}

/// One value or key.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub(super) struct Node {
    /// The first byte; of strings and keys, the one after the quote.
    pub(super) start: u32,
    /// The byte after the last; of strings and keys, the closing quote.
    pub(super) end: u32,
    /// The node after this value and all that is in it.
    pub(super) next: u32,
    pub(super) kind: Kind,
    pub(super) flags: u8,
    /// Makes the two before it and this one be written in one go.
    unused: u16,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Null,
    True,
    False,
    Number,
    String,
    Array,
    Object,
}

/// Of a string or key: written back in another form than it came in, because of escapes, or faulty or unwelcome characters.
pub(super) const SPECIAL: u8 = 1;
/// Of a container: there is space between its tokens, or something `SPECIAL`, at any depth.
pub(super) const DIRTY: u8 = 2;
/// Of a container: another container is in it.
pub(super) const NESTED: u8 = 4;

impl Node {
    #[inline(always)]
    fn new(start: usize, end: usize, next: u32, kind: Kind) -> Node {
        Node {
            start: start as u32,
            end: end as u32,
            next,
            kind,
            flags: 0,
            unused: 0,
        }
    }

    pub(super) fn has(&self, flag: u8) -> bool {
        self.flags & flag != 0
    }
}

/// The text isn't JSON.
#[derive(Debug)]
pub(super) struct Faulty;

impl Document {
    pub(super) fn without_tape(bytes: Bytes) -> Document {
        Document {
            bytes,
            tape: Vec::new(),
        }
    }

    /// The node at `index` of the tape.
    #[inline]
    pub(super) fn node(&self, index: u32) -> &Node {
        &self.tape[index as usize]
    }

    /// The text between a node's ends.
    #[inline]
    pub(super) fn text(&self, node: &Node) -> &[u8] {
        &self.bytes[node.start as usize..node.end as usize]
    }

    /// The value at `index`: scalars are copied or shared, containers stay unread.
    #[inline]
    pub(super) fn value(self: &Arc<Document>, index: u32) -> Value {
        let node = self.node(index);
        match node.kind {
            Kind::Null => Value::Null,
            Kind::True => Value::Bool(true),
            Kind::False => Value::Bool(false),
            Kind::Number => Value::Number(Number::from_json_text(Str::from_document(
                self, node.start, node.end,
            ))),
            Kind::String => Value::String(self.string(node)),
            Kind::Array => Value::Array(Array::raw(self.clone(), index)),
            Kind::Object => Value::Object(Object::raw(self.clone(), index)),
        }
    }

    /// The number at `index`, if there is one.
    #[inline]
    pub(super) fn number(&self, index: u32) -> Option<Read> {
        let node = self.node(index);
        (node.kind == Kind::Number).then(|| number::read(self.text(node)))
    }

    /// The text of a string or key.
    #[inline]
    pub(super) fn string(self: &Arc<Document>, node: &Node) -> Str {
        if node.has(SPECIAL) {
            Str::from(unescape::decode(self.text(node)))
        } else {
            Str::from_document(self, node.start, node.end)
        }
    }
}

/// Where there is no container around a value.
const NONE: u32 = u32::MAX;

/// Reads the value that stands at or after `at`, and returns its tape and where it ends. The text must be shorter than 4 GiB.
pub(super) fn read(bytes: &[u8], at: usize) -> Result<(Vec<Node>, usize), Faulty> {
    let at = space(bytes, at);
    match byte(bytes, at) {
        b'{' | b'[' => {
            // A container can't end later than at the last bracket.
            let last = memchr::memrchr2(b'}', b']', &bytes[at..]).ok_or(Faulty)?;
            read_container(&bytes[..=at + last], at)
        }
        _ => {
            let (node, end) = read_scalar(bytes, at)?;
            Ok((vec![node], end))
        }
    }
}

/// Reads a value that is no container.
fn read_scalar(bytes: &[u8], at: usize) -> Result<(Node, usize), Faulty> {
    let (kind, end) = match byte(bytes, at) {
        b'"' => {
            let mut end = at + 1;
            while byte(bytes, end) != b'"' {
                end += match bytes.get(end).ok_or(Faulty)? {
                    b'\\' => 2,
                    _ => 1,
                };
            }
            let mut node = Node::new(at + 1, end, 1, Kind::String);
            node.flags = string_flags(bytes, at + 1, end)?;
            return Ok((node, end + 1));
        }
        b'-' | b'0'..=b'9' => (Kind::Number, scalars::number(bytes, at)?),
        b't' => (Kind::True, word(bytes, at, b"true")?),
        b'f' => (Kind::False, word(bytes, at, b"false")?),
        b'n' => (Kind::Null, word(bytes, at, b"null")?),
        _ => return Err(Faulty),
    };
    Ok((Node::new(at, end, 1, kind), end))
}

/// Reads the container that begins at `at`. The last byte of `bytes` must be a closing bracket.
fn read_container(bytes: &[u8], at: usize) -> Result<(Vec<Node>, usize), Faulty> {
    assert!(matches!(bytes.last(), Some(b'}' | b']')) && at < bytes.len());
    let mut at = at;
    // The tape and the quotes are locals that nothing points to, so that they live in registers.
    let mut quotes = Quotes::new(bytes, at, SCRATCH.take());
    // Dense documents have a node for every six to ten bytes.
    let mut tape: Vec<Node> = Vec::with_capacity((bytes.len() - at).min(MUCH) / 8 + 8);
    // The open container; while it is open, its `next` holds the container around it.
    let mut parent = NONE;
    let mut in_object = false;
    let mut depth = 0;
    macro_rules! byte {
        () => {{
            debug_assert!(at < bytes.len());
            // SAFETY: `at` is never beyond the last byte when this is used. It begins there, and only ever moves beyond a byte, or to the
            // first byte that isn't of some kind, after that byte was seen to be something else than a closing bracket, which the last byte
            // is. After a closing bracket that is checked by itself.
            unsafe { *bytes.get_unchecked(at) }
        }};
    }
    macro_rules! push {
        ($start:expr, $end:expr, $kind:expr) => {{
            let index = tape.len();
            // SAFETY: at its beginning each round of the loop below makes room for two nodes, and no round appends more: one for a value
            // or an opening bracket, and one for a key after it.
            unsafe {
                tape.as_mut_ptr()
                    .add(index)
                    .write(Node::new($start, $end, index as u32 + 1, $kind));
                tape.set_len(index + 1);
            }
        }};
    }
    // A string or key, whose opening quote is at `at`.
    macro_rules! string {
        () => {{
            let end = loop {
                match quotes.pair() {
                    // What was read up to here is valid, so quotes were taken in pairs, and this is the next one.
                    Some((open, end)) if open == at => break end,
                    Some(_) => return Err(Faulty),
                    None => quotes = quotes.further()?,
                }
            };
            push!(at + 1, end, Kind::String);
            if !quotes.plain() {
                check_string(bytes, &mut tape, parent)?;
            }
            at = end + 1;
        }};
    }
    macro_rules! space {
        () => {
            at = between(bytes, at, &mut tape, parent)?
        };
    }
    macro_rules! key {
        () => {{
            if byte!() != b'"' {
                space!();
                if byte!() != b'"' {
                    return Err(Faulty);
                }
            }
            string!();
            if byte!() != b':' {
                space!();
                if byte!() != b':' {
                    return Err(Faulty);
                }
            }
            at += 1;
        }};
    }
    'value: loop {
        if tape.capacity() - tape.len() < 2 {
            tape = grown(tape);
        }
        match byte!() {
            b'"' => string!(),
            b'-' | b'0'..=b'9' => {
                let end = scalars::number(bytes, at)?;
                push!(at, end, Kind::Number);
                at = end;
            }
            open @ (b'{' | b'[') => {
                if depth == MAX_DEPTH {
                    return Err(Faulty);
                }
                depth += 1;
                in_object = open == b'{';
                let kind = if in_object { Kind::Object } else { Kind::Array };
                let index = tape.len();
                push!(at, 0, kind);
                tape[index].next = parent;
                parent = index as u32;
                at += 1;
                if byte!() <= b' ' {
                    space!();
                }
                match byte!() {
                    b'}' if in_object => {}
                    b']' if !in_object => {}
                    _ => {
                        if in_object {
                            key!();
                        }
                        continue 'value;
                    }
                }
            }
            b't' => {
                at = word(bytes, at, b"true")?;
                push!(at - 4, at, Kind::True);
            }
            b'f' => {
                at = word(bytes, at, b"false")?;
                push!(at - 5, at, Kind::False);
            }
            b'n' => {
                at = word(bytes, at, b"null")?;
                push!(at - 4, at, Kind::Null);
            }
            _ => {
                space!();
                continue 'value;
            }
        }
        // A value has ended, or a container is empty.
        loop {
            match byte!() {
                b',' => {
                    at += 1;
                    if in_object {
                        key!();
                    }
                    continue 'value;
                }
                close @ (b'}' | b']') => {
                    if (close == b'}') != in_object {
                        return Err(Faulty);
                    }
                    at += 1;
                    depth -= 1;
                    let next = tape.len() as u32;
                    let node = &mut tape[parent as usize];
                    parent = std::mem::replace(&mut node.next, next);
                    node.end = at as u32;
                    let dirty = node.flags & DIRTY;
                    if parent == NONE {
                        quotes.keep(&SCRATCH);
                        return Ok((tape, at));
                    }
                    if at == bytes.len() {
                        return Err(Faulty);
                    }
                    let outer = &mut tape[parent as usize];
                    outer.flags |= NESTED | dirty;
                    in_object = outer.kind == Kind::Object;
                }
                _ => space!(),
            }
        }
    }
}

thread_local! {
    /// Memory for the places of quotes, kept from one document to the next.
    static SCRATCH: Cell<Vec<u32>> = const { Cell::new(Vec::new()) };
}

/// For longer texts a tape isn't made as long beforehand as it may get.
const MUCH: usize = 1 << 20;

#[cold]
#[inline(never)]
fn grown(mut tape: Vec<Node>) -> Vec<Node> {
    tape.reserve(16);
    tape
}

/// The byte at `at`, or 0, which is no part of any token, after the end.
#[inline(always)]
pub(super) fn byte(bytes: &[u8], at: usize) -> u8 {
    bytes.get(at).copied().unwrap_or(0)
}

/// Where the first byte at or after `at` stands that isn't space.
pub(super) fn space(bytes: &[u8], mut at: usize) -> usize {
    while matches!(byte(bytes, at), b' ' | b'\n' | b'\t' | b'\r') {
        at += 1;
    }
    at
}

/// Skips space inside the container `parent`, which therefore can't be written back as it is. What isn't space is a fault.
#[cold]
#[inline(never)]
fn between(bytes: &[u8], at: usize, tape: &mut [Node], parent: u32) -> Result<usize, Faulty> {
    tape[parent as usize].flags |= DIRTY;
    match space(bytes, at) {
        after if after > at && after < bytes.len() => Ok(after),
        _ => Err(Faulty),
    }
}
