//! The keys of an object in a document: found by name, and put in order.

use super::{
    Str,
    document::{Document, Kind, NESTED, Node, SPECIAL},
    unescape,
};
use std::{cell::Cell, cmp::Ordering};

/// The keys of an object with up to so many are put in order without memory from the heap.
const FEW: usize = 24;

/// One of a few keys that are put in order.
#[derive(Clone, Copy, Default)]
struct Key {
    /// Its [`prefix`]: only where these are equal is more compared.
    prefix: u64,
    node: u32,
    /// Which of the keys it is in the document.
    place: u8,
}

/// How the keys of an object were put in order: their places in the document.
#[derive(Clone, Copy)]
struct Order {
    count: u8,
    places: [u8; FEW],
}

const ORDERS_KEPT: usize = 32;

thread_local! {
    /// The orders of objects before this one. Most objects have the same keys as another one before them, in the same order: to see that
    /// its order fits costs less than to sort.
    static ORDERS: [Cell<Order>; ORDERS_KEPT] = const { [const { Cell::new(Order::NONE) }; ORDERS_KEPT] };
}

impl Order {
    const NONE: Order = Order {
        count: 0,
        places: [0; FEW],
    };

    fn of(sorted: &[Key]) -> Order {
        let mut order = Order::NONE;
        order.count = sorted.len() as u8;
        for (place, key) in order.places.iter_mut().zip(sorted) {
            *place = key.place;
        }
        order
    }

    /// Where the order of objects with such keys, given as they are in the document, is kept.
    #[inline]
    fn slot(keys: &[Key]) -> usize {
        /// Spreads what differs in any byte over the upper bits.
        const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;
        let first = keys.first().map_or(0, |key| key.prefix);
        let spread = (first ^ keys.len() as u64).wrapping_mul(SPREAD);
        (spread >> 32) as usize % ORDERS_KEPT
    }
}

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
        let (mut at, stop) = (object + 1, self.node(object).next);
        let mut keys = [Key::default(); FEW];
        let mut count = 0;
        let mut in_order = true;
        while at < stop {
            let node = self.node(at);
            if count == FEW || node.has(SPECIAL) {
                return self.sort_many(object, order);
            }
            keys[count] = Key {
                prefix: self.prefix(node),
                node: at,
                place: count as u8,
            };
            in_order &= count == 0 || self.precedes(&keys[count - 1], &keys[count]);
            count += 1;
            at = self.node(at + 1).next;
        }
        let keys = &mut keys[..count];
        if in_order {
            return order.extend(keys.iter().map(|key| key.node));
        }
        let known = ORDERS.with(|orders| orders[Order::slot(keys)].get());
        if usize::from(known.count) == count {
            let places = &known.places[..count];
            let sorted = places.iter().map(|place| &keys[usize::from(*place)]);
            if sorted.clone().is_sorted_by(|a, b| self.precedes(a, b)) {
                return order.extend(sorted.map(|key| key.node));
            }
        }
        let slot = Order::slot(keys);
        let text = |key: &Key| self.text(self.node(key.node));
        keys.sort_unstable_by(|a, b| a.prefix.cmp(&b.prefix).then_with(|| text(a).cmp(text(b))));
        if !keys.is_sorted_by(|a, b| self.precedes(a, b)) {
            // There are equal ones.
            return self.sort_many(object, order);
        }
        ORDERS.with(|orders| orders[slot].set(Order::of(keys)));
        order.extend(keys.iter().map(|key| key.node));
    }

    /// Whether one key comes before another, and isn't the same.
    #[inline(always)]
    fn precedes(&self, one: &Key, other: &Key) -> bool {
        match one.prefix == other.prefix {
            false => one.prefix < other.prefix,
            true => self.text(self.node(one.node)) < self.text(self.node(other.node)),
        }
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
        /// One after the other, so that each finds the orders that those before it left.
        #[test]
        fn keys_come_in_order_whatever_was_sorted_before(
            objects in prop::collection::vec(prop::collection::vec(prop::sample::select(NAMES), 0..6), 1..20),
        ) {
            let text = |fields: &mut dyn Iterator<Item = (String, usize)>| {
                let fields: Vec<_> = fields.map(|(name, n)| format!("\"{name}\":{n}")).collect();
                format!("{{{}}}", fields.join(","))
            };
            for names in objects {
                let fields = || names.iter().map(|name| name.to_string()).zip(0..);
                let value = json::parse(&text(&mut fields()).into()).unwrap();
                let mut last = BTreeMap::new();
                last.extend(fields().map(|(name, n)| (name.replace(r"\u00e9", "é"), n)));
                prop_assert_eq!(value.to_json(), text(&mut last.into_iter()).into_bytes());
            }
        }
    }
}
