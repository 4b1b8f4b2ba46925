//! A JSON text and its tape: one flat list of what stands where in it.
//!
//! One pass validates the text and notes each value in a [`Node`]; nothing is copied out of the text. A container is
//! followed by its children, an object's as key, value, key, value; `next` jumps over a value with all that is in it. Everything that
//! the tape says about the text is true of it by construction: ranges lie inside, strings that aren't `SPECIAL` are UTF-8.
//!
//! The parser only says that a text is faulty. What to tell the user is found out by `super::syntax` afterwards.

use super::{Array, Number, Object, Str, Value, scan, unescape};
use bytes::Bytes;
use std::sync::Arc;

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
pub(super) struct Node {
    /// The first byte; of strings and keys, the one after the quote.
    pub(super) start: u32,
    /// The byte after the last; of strings and keys, the closing quote.
    pub(super) end: u32,
    /// The node after this value and all that is in it.
    pub(super) next: u32,
    pub(super) kind: Kind,
    pub(super) flags: u8,
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

    /// The text of a string or key.
    #[inline]
    pub(super) fn string(self: &Arc<Document>, node: &Node) -> Str {
        if node.has(SPECIAL) {
            Str::from(unescape::decode(self.text(node)))
        } else {
            Str::from_document(self, node.start, node.end)
        }
    }

    /// Whether the key at `node` is `key`.
    #[inline]
    fn is_key(&self, node: &Node, key: &[u8]) -> bool {
        if node.has(SPECIAL) {
            return unescape::decode(self.text(node)).as_bytes() == key;
        }
        (node.end - node.start) as usize == key.len() && self.text(node) == key
    }

    /// The node of the value under `key` in the object at `object`. The last one counts if there are several.
    #[inline]
    pub(super) fn find(&self, object: u32, key: &str) -> Option<u32> {
        let mut found = None;
        let (mut at, stop) = (object + 1, self.node(object).next);
        while at < stop {
            if self.is_key(self.node(at), key.as_bytes()) {
                found = Some(at + 1);
            }
            at = self.node(at + 1).next;
        }
        found
    }

    /// The same, where the value at `node` may be something else than an object.
    pub(super) fn find_in(&self, node: u32, key: &str) -> Option<u32> {
        match self.node(node).kind {
            Kind::Object => self.find(node, key),
            _ => None,
        }
    }

    /// The nodes of the keys of the object at `object`, by key; of equal keys the last one only. Appends them to `order`.
    pub(super) fn sorted_keys(&self, object: u32, order: &mut impl Extend<u32>) {
        const FEW: usize = 24;
        let (mut at, stop) = (object + 1, self.node(object).next);
        // Keys are ordered by their first eight bytes as a number; only where these are equal is more compared.
        let mut few = [(0u64, 0u32); FEW];
        let mut count = 0;
        while at < stop {
            let key = self.node(at);
            if count == FEW || key.has(SPECIAL) {
                return self.sort_many(object, order);
            }
            let prefix = self.prefix(key);
            let mut place = count;
            while place > 0 {
                let (other, node) = few[place - 1];
                if other < prefix {
                    break;
                }
                if other == prefix {
                    match self.text(self.node(node)).cmp(self.text(key)) {
                        std::cmp::Ordering::Less => break,
                        // The same key again: it takes the place of the one before.
                        std::cmp::Ordering::Equal => return self.sort_many(object, order),
                        std::cmp::Ordering::Greater => {}
                    }
                }
                few[place] = few[place - 1];
                place -= 1;
            }
            few[place] = (prefix, at);
            count += 1;
            at = self.node(at + 1).next;
        }
        order.extend(few[..count].iter().map(|(_, node)| *node));
    }

    /// The same for many keys, for repeated ones and for those with escapes.
    #[cold]
    fn sort_many(&self, object: u32, order: &mut impl Extend<u32>) {
        use std::borrow::Cow;
        let (mut at, stop) = (object + 1, self.node(object).next);
        let mut keys: Vec<(Cow<'_, [u8]>, u32)> = Vec::new();
        while at < stop {
            let key = self.node(at);
            let text = match key.has(SPECIAL) {
                true => Cow::Owned(unescape::decode(self.text(key)).into_bytes()),
                false => Cow::Borrowed(self.text(key)),
            };
            keys.push((text, at));
            at = self.node(at + 1).next;
        }
        // Later ones first among equals, so that they are the ones that stay.
        keys.sort_unstable_by(|(a, i), (b, j)| a.cmp(b).then(j.cmp(i)));
        keys.dedup_by(|(a, _), (b, _)| a == b);
        order.extend(keys.into_iter().map(|(_, node)| node));
    }

    #[inline]
    fn prefix(&self, key: &Node) -> u64 {
        let (start, len) = (key.start as usize, (key.end - key.start) as usize);
        if let Some(eight) = self.bytes.get(start..start + 8) {
            let all = u64::from_be_bytes(eight.try_into().expect("eight bytes"));
            return match len {
                0 => 0,
                1..8 => all & (u64::MAX << (64 - 8 * len)),
                _ => all,
            };
        }
        // Close to the end of the document.
        let mut eight = [0; 8];
        let few = len.min(8);
        eight[..few].copy_from_slice(&self.bytes[start..start + few]);
        u64::from_be_bytes(eight)
    }
}

/// Where there is no container around a value.
const NONE: u32 = u32::MAX;

/// Reads the value that stands at or after `at`, appends it to `tape` and returns where it ends. The text must be shorter than
/// 4 GiB.
pub(super) fn read(bytes: &[u8], at: usize, tape: &mut Vec<Node>) -> Result<usize, Faulty> {
    let mut at = space(bytes, at);
    // The open container; while it is open, its `next` holds the container around it.
    let mut parent = NONE;
    let mut in_object = false;
    let mut depth = 0;
    'value: loop {
        let index = tape.len() as u32;
        let scalar = |start: usize, end: usize, kind, flags| Node {
            start: start as u32,
            end: end as u32,
            next: index + 1,
            kind,
            flags,
        };
        match byte(bytes, at) {
            b'"' => {
                let (end, flags) = string(bytes, at + 1)?;
                if flags != 0 && parent != NONE {
                    tape[parent as usize].flags |= DIRTY;
                }
                tape.push(scalar(at + 1, end, Kind::String, flags));
                at = end + 1;
            }
            b'-' | b'0'..=b'9' => {
                let end = number(bytes, at)?;
                tape.push(scalar(at, end, Kind::Number, 0));
                at = end;
            }
            open @ (b'{' | b'[') => {
                if depth == MAX_DEPTH {
                    return Err(Faulty);
                }
                depth += 1;
                in_object = open == b'{';
                tape.push(Node {
                    start: at as u32,
                    end: 0,
                    next: parent,
                    kind: if in_object { Kind::Object } else { Kind::Array },
                    flags: 0,
                });
                parent = index;
                at += 1;
                if byte(bytes, at) <= b' ' {
                    at = between(bytes, at, tape, parent);
                }
                match byte(bytes, at) {
                    b'"' if in_object => {
                        at = key(bytes, at, tape, parent)?;
                        continue 'value;
                    }
                    b'}' if in_object => {}
                    b']' if !in_object => {}
                    _ if in_object => return Err(Faulty),
                    _ => continue 'value,
                }
            }
            b't' => {
                at = word(bytes, at, b"true")?;
                tape.push(scalar(at - 4, at, Kind::True, 0));
            }
            b'f' => {
                at = word(bytes, at, b"false")?;
                tape.push(scalar(at - 5, at, Kind::False, 0));
            }
            b'n' => {
                at = word(bytes, at, b"null")?;
                tape.push(scalar(at - 4, at, Kind::Null, 0));
            }
            _ => return Err(Faulty),
        }
        // A value has ended, or a container is empty.
        loop {
            if parent == NONE {
                return Ok(at);
            }
            if byte(bytes, at) <= b' ' {
                at = between(bytes, at, tape, parent);
            }
            match byte(bytes, at) {
                b',' => {
                    at += 1;
                    if byte(bytes, at) <= b' ' {
                        at = between(bytes, at, tape, parent);
                    }
                    if in_object {
                        at = key(bytes, at, tape, parent)?;
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
                    if parent != NONE {
                        let outer = &mut tape[parent as usize];
                        outer.flags |= NESTED | dirty;
                        in_object = outer.kind == Kind::Object;
                    }
                }
                _ => return Err(Faulty),
            }
        }
    }
}

/// Reads a key with its quotes and colon; returns where the value begins.
#[inline(always)]
fn key(bytes: &[u8], at: usize, tape: &mut Vec<Node>, parent: u32) -> Result<usize, Faulty> {
    if byte(bytes, at) != b'"' {
        return Err(Faulty);
    }
    let (end, flags) = string(bytes, at + 1)?;
    if flags != 0 {
        tape[parent as usize].flags |= DIRTY;
    }
    tape.push(Node {
        start: at as u32 + 1,
        end: end as u32,
        next: tape.len() as u32 + 1,
        kind: Kind::String,
        flags,
    });
    let mut at = end + 1;
    if byte(bytes, at) <= b' ' {
        at = between(bytes, at, tape, parent);
    }
    if byte(bytes, at) != b':' {
        return Err(Faulty);
    }
    at += 1;
    if byte(bytes, at) <= b' ' {
        at = between(bytes, at, tape, parent);
    }
    Ok(at)
}

/// The byte at `at`, or 0, which is no part of any token, after the end.
#[inline(always)]
fn byte(bytes: &[u8], at: usize) -> u8 {
    bytes.get(at).copied().unwrap_or(0)
}

/// Where the first byte at or after `at` stands that isn't space.
pub(super) fn space(bytes: &[u8], mut at: usize) -> usize {
    while matches!(byte(bytes, at), b' ' | b'\n' | b'\t' | b'\r') {
        at += 1;
    }
    at
}

/// Skips space inside the container `parent`, which therefore can't be written back as it is.
#[cold]
fn between(bytes: &[u8], at: usize, tape: &mut [Node], parent: u32) -> usize {
    tape[parent as usize].flags |= DIRTY;
    space(bytes, at)
}

/// Where the string that begins at `at`, after its quote, ends, and its flags.
#[inline(always)]
fn string(bytes: &[u8], at: usize) -> Result<(usize, u8), Faulty> {
    let end = scan::plain(bytes, at);
    if byte(bytes, end) == b'"' {
        return Ok((end, 0));
    }
    rest_of_string(bytes, at, end)
}

/// The same where the string isn't plain from `at` on.
#[inline(never)]
fn rest_of_string(bytes: &[u8], start: usize, mut at: usize) -> Result<(usize, u8), Faulty> {
    let (mut escapes, mut foreign) = (false, false);
    loop {
        match byte(bytes, at) {
            b'"' => break,
            b'\\' => {
                escapes = true;
                at += match byte(bytes, at + 1) {
                    b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => 2,
                    b'u' => {
                        let hex = bytes.get(at + 2..at + 6).ok_or(Faulty)?;
                        if !hex.iter().all(u8::is_ascii_hexdigit) {
                            return Err(Faulty);
                        }
                        6
                    }
                    _ => return Err(Faulty),
                };
            }
            0x80.. => {
                foreign = true;
                while byte(bytes, at) >= 0x80 {
                    at += 1;
                }
            }
            ..0x20 => return Err(Faulty),
            _ => at = scan::plain(bytes, at),
        }
    }
    let special = escapes || foreign && unescape::needs_rewrite(&bytes[start..at]);
    Ok((at, if special { SPECIAL } else { 0 }))
}

/// Where the number that begins at `at` ends.
#[inline(always)]
fn number(bytes: &[u8], at: usize) -> Result<usize, Faulty> {
    let first = at + usize::from(byte(bytes, at) == b'-');
    let mut end = scan::digits(bytes, first);
    if end == first {
        return Err(Faulty);
    }
    // A leading zero stands alone; what follows it is then found to be out of place.
    if bytes[first] == b'0' {
        end = first + 1;
    }
    if byte(bytes, end) == b'.' {
        let fraction = end + 1;
        end = scan::digits(bytes, fraction);
        if end == fraction {
            return Err(Faulty);
        }
    }
    if matches!(byte(bytes, end), b'e' | b'E') {
        let exponent = end + 1 + usize::from(matches!(byte(bytes, end + 1), b'+' | b'-'));
        end = scan::digits(bytes, exponent);
        if end == exponent {
            return Err(Faulty);
        }
    }
    Ok(end)
}

#[inline(always)]
fn word(bytes: &[u8], at: usize, word: &[u8]) -> Result<usize, Faulty> {
    if bytes.get(at..at + word.len()) == Some(word) {
        Ok(at + word.len())
    } else {
        Err(Faulty)
    }
}
