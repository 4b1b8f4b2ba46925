//! The keys of an object in a document: found by name, and put in order.

use super::{
    Str,
    document::{Document, Kind, NESTED, Node, SPECIAL},
    unescape,
};
use std::cmp::Ordering;

impl Document {
    /// The order of the key at `node` and `key`.
    #[inline]
    pub(super) fn compare_key(&self, node: u32, key: &Str) -> Ordering {
        let node = self.node(node);
        if node.has(SPECIAL) {
            return unescape::decode(self.text(node)).as_str().cmp(key);
        }
        let prefixes = self.prefix(node).cmp(&key.prefix());
        prefixes.then_with(|| self.text(node).cmp(key.as_bytes()))
    }

    /// The node of the value under `key` in the object at `object`. The last one counts if there are several.
    #[inline]
    pub(super) fn find(&self, object: u32, key: &str) -> Option<u32> {
        let key = Wanted::new(key.as_bytes());
        let node = self.node(object);
        let first = object as usize + 1;
        let fields = &self.tape[first..node.next as usize];
        if !node.has(NESTED) {
            // Every field takes two nodes.
            let mut fields = fields.as_chunks::<2>().0.iter();
            let at = fields.rposition(|[name, _]| key.is(name, &self.bytes))?;
            return Some((first + 2 * at + 1) as u32);
        }
        let (mut found, mut at) = (None, 0);
        while let Some([name, value]) = fields.get(at..at + 2) {
            if key.is(name, &self.bytes) {
                found = Some((first + at + 1) as u32);
            }
            at = value.next as usize - first;
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
                        Ordering::Less => break,
                        // The same key again: it takes the place of the one before.
                        Ordering::Equal => return self.sort_many(object, order),
                        Ordering::Greater => {}
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

    /// The [`prefix`] of a key.
    #[inline]
    fn prefix(&self, key: &Node) -> u64 {
        let (start, len) = (key.start as usize, (key.end - key.start) as usize);
        match self.bytes.get(start..start + 8) {
            Some(eight) => first(eight.try_into().expect("eight bytes"), len),
            // Close to the end of the document.
            None => prefix(&self.bytes[start..start + len]),
        }
    }
}

/// A key that is looked for.
struct Wanted<'k> {
    key: &'k [u8],
    /// Its first bytes, and which bits of a word they take.
    word: u64,
    counts: u64,
}

impl Wanted<'_> {
    #[inline(always)]
    fn new(key: &[u8]) -> Wanted<'_> {
        let counts = match key.len() {
            0 => 0,
            len => u64::MAX >> (64 - 8 * len.min(8)),
        };
        let word = word(key);
        Wanted { key, word, counts }
    }

    /// Whether this is the key at a node of a document of these bytes.
    #[inline(always)]
    fn is(&self, node: &Node, bytes: &[u8]) -> bool {
        let (start, end) = (node.start as usize, node.end as usize);
        if end - start != self.key.len() {
            return node.has(SPECIAL) && self.is_text(node, bytes);
        }
        match bytes.get(start..start + 8) {
            Some(eight) if self.key.len() <= 8 && !node.has(SPECIAL) => {
                (word(eight) ^ self.word) & self.counts == 0
            }
            // Long, close to the end of the document, or with escapes.
            _ => self.is_text(node, bytes),
        }
    }

    /// The same for any key. Apart from the usual ones, so that these have the registers for themselves.
    #[inline(never)]
    fn is_text(&self, node: &Node, bytes: &[u8]) -> bool {
        let text = &bytes[node.start as usize..node.end as usize];
        match node.has(SPECIAL) {
            false => text == self.key,
            true => unescape::decode(text).as_bytes() == self.key,
        }
    }
}

/// The first eight bytes of a text as a number, which is ordered as they are. Zeros stand for what a shorter text doesn't have.
#[inline(always)]
pub(super) fn prefix(text: &[u8]) -> u64 {
    word(text).swap_bytes()
}

/// The same, given eight bytes of which the first `len` (or all) belong to the text.
#[inline]
pub(super) fn first(eight: [u8; 8], len: usize) -> u64 {
    let all = u64::from_be_bytes(eight);
    match len {
        0 => 0,
        1..8 => all & (u64::MAX << (64 - 8 * len)),
        _ => all,
    }
}

/// Up to the first eight bytes as a number, the first one lowest. Reads overlap rather than being counted out.
#[inline(always)]
pub(super) fn word(text: &[u8]) -> u64 {
    let four = |at: usize| {
        let four = text[at..at + 4].try_into().expect("four bytes");
        u64::from(u32::from_le_bytes(four))
    };
    match text.len() {
        8.. => u64::from_le_bytes(text[..8].try_into().expect("eight bytes")),
        len @ 4..8 => four(0) | four(len - 4) << (8 * (len - 4)),
        len @ 1..4 => {
            let byte = |at: usize| u64::from(text[at]) << (8 * at);
            byte(0) | byte(len / 2) | byte(len - 1)
        }
        0 => 0,
    }
}

#[cfg(test)]
mod tests {
    use crate::value::json;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    const NAMES: &[&str] = &[
        "",
        "a",
        "b",
        "customer_id",
        "customer_name",
        "customer",
        r"\u00e9",
    ];

    proptest! {
        #[test]
        fn keys_come_in_order_and_of_equal_ones_the_last(
            names in prop::collection::vec(prop::sample::select(NAMES), 0..8),
        ) {
            let text = |fields: &mut dyn Iterator<Item = (String, usize)>| {
                let fields: Vec<_> = fields.map(|(name, n)| format!("\"{name}\":{n}")).collect();
                format!("{{{}}}", fields.join(","))
            };
            let fields = || names.iter().map(|name| name.to_string()).zip(0..);
            let value = json::parse(&text(&mut fields()).into()).unwrap();
            let mut last = BTreeMap::new();
            last.extend(fields().map(|(name, n)| (name.replace(r"\u00e9", "é"), n)));
            prop_assert_eq!(value.to_json(), text(&mut last.into_iter()).into_bytes());
        }
    }
}
