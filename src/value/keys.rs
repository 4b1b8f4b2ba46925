//! The keys of an object in a document: found by name, and put in order.

use super::{
    document::{Document, Kind, Node, SPECIAL},
    unescape,
};

impl Document {
    /// The order of the key at `node` and `key`.
    #[inline]
    pub(super) fn compare_key(&self, node: u32, key: &str) -> std::cmp::Ordering {
        let node = self.node(node);
        if node.has(SPECIAL) {
            return unescape::decode(self.text(node)).as_str().cmp(key);
        }
        self.text(node).cmp(key.as_bytes())
    }

    /// The node of the value under `key` in the object at `object`. The last one counts if there are several.
    #[inline]
    pub(super) fn find(&self, object: u32, key: &str) -> Option<u32> {
        let key = key.as_bytes();
        let first = object as usize + 1;
        let fields = &self.tape[first..self.node(object).next as usize];
        let (mut found, mut at) = (None, 0);
        while let Some([name, value]) = fields.get(at..at + 2) {
            let is_key = match name.has(SPECIAL) {
                false => (name.end - name.start) as usize == key.len() && self.text(name) == key,
                true => unescape::decode(self.text(name)).as_bytes() == key,
            };
            if is_key {
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

    /// The first eight bytes of a key as a number, which is ordered as they are.
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
