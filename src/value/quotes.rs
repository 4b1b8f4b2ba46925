//! Where the quotes of a JSON text are.
//!
//! A parser that looks for the end of each string only when it comes to it waits for every answer. Here all quotes of a stretch of
//! text are found beforehand, 64 bytes at a time, so that the parser only takes them from a list. Quotes after a backslash that is not
//! itself escaped aren't counted: seen from left to right in valid JSON, the rest open and close strings in turn.

use super::{
    document::Faulty,
    scan::{self, Block},
};
use std::cell::Cell;

/// How much text is looked through at first, and from then on.
const FIRST: usize = 1024;
const NEXT: usize = 4096;

/// The quotes of a text from one place on, found as far ahead as needed.
pub(super) struct Quotes<'a> {
    bytes: &'a [u8],
    /// Up to where the text has been looked through.
    seen: usize,
    /// The quotes that were found and not yet taken are those from `taken` on.
    found: Vec<u32>,
    taken: usize,
    /// The last byte looked at was a backslash that escapes the next one.
    escaping: bool,
    plain: bool,
}

impl<'a> Quotes<'a> {
    /// `scratch` is emptied and used.
    pub(super) fn new(bytes: &'a [u8], from: usize, mut scratch: Vec<u32>) -> Quotes<'a> {
        scratch.clear();
        let mut quotes = Quotes {
            bytes,
            seen: from,
            found: scratch,
            taken: 0,
            escaping: false,
            plain: true,
        };
        quotes.look(FIRST);
        quotes
    }

    /// Keeps the memory for another text.
    pub(super) fn keep(self, scratch: &'static std::thread::LocalKey<Cell<Vec<u32>>>) {
        scratch.set(self.found);
    }

    /// Whether all text that was looked through since the last quote taken is printable ASCII without backslashes.
    #[inline(always)]
    pub(super) fn plain(&self) -> bool {
        self.plain
    }

    /// The next two quotes, of those found so far.
    #[inline(always)]
    pub(super) fn pair(&mut self) -> Option<(usize, usize)> {
        debug_assert!(self.taken <= self.found.len());
        if self.found.len().wrapping_sub(self.taken) < 2 {
            return None;
        }
        // SAFETY: `taken` is never more than the number of quotes found, and there are two more.
        let [open, close] = [0, 1].map(|i| unsafe { *self.found.get_unchecked(self.taken + i) });
        self.taken += 2;
        Some((open as usize, close as usize))
    }

    /// Looks on until there are two further quotes; fails if the text ends before.
    #[cold]
    #[inline(never)]
    pub(super) fn further(mut self) -> Result<Quotes<'a>, Faulty> {
        self.found.drain(..self.taken);
        self.taken = 0;
        // A string that begins in text seen before is only plain if that text is.
        let before = self.found.is_empty() || self.plain;
        self.plain = true;
        while self.found.len() < 2 {
            if self.seen == self.bytes.len() {
                return Err(Faulty);
            }
            self.look(NEXT);
        }
        self.plain &= before;
        Ok(self)
    }

    /// Looks through the next `length` bytes.
    fn look(&mut self, length: usize) {
        #[cfg(target_arch = "x86_64")]
        if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("bmi1") {
            // SAFETY: the processor has the features that the function is compiled for.
            return unsafe { self.look_wide(length) };
        }
        self.look_any(length);
    }

    /// The same for newer processors.
    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2,bmi1")]
    fn look_wide(&mut self, length: usize) {
        self.look_by(length, |block| scan::block_wide(block));
    }

    fn look_any(&mut self, length: usize) {
        self.look_by(length, scan::block);
    }

    #[inline(always)]
    fn look_by(&mut self, length: usize, scan: impl Fn(&[u8; 64]) -> Block) {
        let text = &self.bytes[self.seen..];
        let text = &text[..length.min(text.len())];
        let (blocks, rest) = text.as_chunks::<64>();
        for block in blocks {
            self.block(&scan(block));
            self.seen += 64;
        }
        if !rest.is_empty() {
            let mut block = [b' '; 64];
            block[..rest.len()].copy_from_slice(rest);
            self.block(&scan(&block));
            self.seen += rest.len();
        }
    }

    #[inline(always)]
    fn block(&mut self, found: &Block) {
        let mut quotes = found.quotes;
        if found.backslashes != 0 || self.escaping {
            quotes &= !self.escaped(found.backslashes);
        }
        self.plain &= found.backslashes | found.other == 0;
        self.list(quotes);
    }

    /// Which bytes of a block are escaped by a backslash before them.
    #[cold]
    fn escaped(&mut self, mut backslashes: u64) -> u64 {
        let mut escaped = u64::from(self.escaping);
        backslashes &= !escaped;
        self.escaping = false;
        while backslashes != 0 {
            let at = backslashes.trailing_zeros();
            if at == 63 {
                self.escaping = true;
                break;
            }
            escaped |= 2 << at;
            // Neither this one nor the one that it may escape escapes anything further.
            backslashes &= !(3 << at);
        }
        escaped
    }

    /// Appends the places of the bits.
    #[inline(always)]
    fn list(&mut self, mut bits: u64) {
        /// So many are written without asking how many there are.
        const USUAL: usize = 16;
        let count = bits.count_ones() as usize;
        let base = self.seen as u32;
        self.found.reserve(64);
        let len = self.found.len();
        // SAFETY: there is room for 64 places behind the `len` that are there, and at most 64 are written, since a word has no more bits
        // than that; the first `count` of them are then initialised.
        unsafe {
            let end = self.found.as_mut_ptr().add(len);
            for i in 0..USUAL {
                end.add(i).write(base.wrapping_add(bits.trailing_zeros()));
                bits &= bits.wrapping_sub(1);
            }
            for i in USUAL..count {
                end.add(i).write(base.wrapping_add(bits.trailing_zeros()));
                bits &= bits.wrapping_sub(1);
            }
            self.found.set_len(len + count);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const PIECES: &[&[u8]] = &[b"\"", b"\\", b"a", b"\"\\\"", b"\xe9", b"some plain text"];

    /// The quotes of a text, found one byte at a time.
    fn simple(text: &[u8]) -> Vec<usize> {
        let (mut quotes, mut at) = (Vec::new(), 0);
        while at < text.len() {
            match text[at] {
                b'"' => quotes.push(at),
                b'\\' => at += 1,
                _ => {}
            }
            at += 1;
        }
        quotes
    }

    proptest! {
        #[test]
        fn quotes_are_where_they_are(
            pieces in prop::collection::vec((prop::sample::select(PIECES), 1..200usize), 0..60),
        ) {
            let text: Vec<u8> = pieces.iter().flat_map(|(piece, times)| piece.repeat(*times)).collect();
            let mut quotes = Some(Quotes::new(&text, 0, Vec::new()));
            let mut pair = || {
                loop {
                    if let Some(pair) = quotes.as_mut().unwrap().pair() {
                        return Some((pair, quotes.as_ref().unwrap().plain()));
                    }
                    quotes = Some(quotes.take().unwrap().further().ok()?);
                }
            };
            for there in simple(&text).as_chunks::<2>().0 {
                let plain = text[there[0]..there[1]].iter().all(|b| matches!(b, b' '..=b'~') && *b != b'\\');
                let (found, said) = pair().unwrap();
                prop_assert_eq!(found, (there[0], there[1]));
                prop_assert!(plain || !said);
            }
            prop_assert!(pair().is_none());
        }
    }
}
