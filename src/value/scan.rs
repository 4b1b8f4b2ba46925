//! Finding the bytes that matter in JSON text, sixteen at a time.

/// Where the first byte at or after `at` stands that ends a run of plain text in a JSON string: a quote, a backslash, a control
/// character or a byte of a non-ASCII character. The length of `bytes` if there is none.
#[inline(always)]
pub(super) fn plain(bytes: &[u8], mut at: usize) -> usize {
    while let Some(block) = bytes.get(at..at + 16) {
        let found = wide::not_plain(block.try_into().expect("sixteen bytes"));
        if found != 0 {
            return at + found.trailing_zeros() as usize;
        }
        at += 16;
    }
    while at < bytes.len() && is_plain(bytes[at]) {
        at += 1;
    }
    at
}

/// Whether there are at most sixteen bytes and all of them plain text in a JSON string.
#[inline(always)]
pub(super) fn is_short_and_plain(bytes: &[u8]) -> bool {
    // Two words that overlap cover any length between that of one and of both.
    let (first, last) = match bytes.len() {
        8..=16 => {
            let word = |at: usize| {
                let eight = &bytes[at..at + 8];
                u64::from_ne_bytes(eight.try_into().expect("eight bytes"))
            };
            (word(0), word(bytes.len() - 8))
        }
        4..8 => {
            let word = |at: usize| {
                let four = &bytes[at..at + 4];
                u64::from(u32::from_ne_bytes(four.try_into().expect("four bytes")))
            };
            let both = word(0) | word(bytes.len() - 4) << 32;
            (both, both)
        }
        0..4 => return bytes.iter().all(|b| is_plain(*b)),
        _ => return false,
    };
    words_are_plain(first) && words_are_plain(last)
}

/// Appends text of at most sixteen bytes between quotes.
#[inline(always)]
pub(super) fn append_short(bytes: &[u8], out: &mut Vec<u8>) {
    let len = bytes.len();
    assert!(len <= 16);
    out.reserve(len + 2);
    // SAFETY: there is room for `len` and two more bytes after those of `out`, which is all that is written: pieces of a length that
    // `bytes` has begin where it begins, or end where it ends.
    unsafe {
        let quote = out.as_mut_ptr().add(out.len());
        let (from, to) = (bytes.as_ptr(), quote.add(1));
        quote.write(b'"');
        match len {
            8.. => {
                to.cast::<[u8; 8]>().write(from.cast::<[u8; 8]>().read());
                let last = from.add(len - 8).cast::<[u8; 8]>().read();
                to.add(len - 8).cast::<[u8; 8]>().write(last);
            }
            4..8 => {
                to.cast::<[u8; 4]>().write(from.cast::<[u8; 4]>().read());
                let last = from.add(len - 4).cast::<[u8; 4]>().read();
                to.add(len - 4).cast::<[u8; 4]>().write(last);
            }
            _ => {
                for (at, byte) in bytes.iter().enumerate() {
                    to.add(at).write(*byte);
                }
            }
        }
        to.add(len).write(b'"');
        out.set_len(out.len() + len + 2);
    }
}

#[inline(always)]
fn is_plain(byte: u8) -> bool {
    !matches!(byte, b'"' | b'\\' | ..0x20 | 0x80..)
}

/// Whether all eight bytes of a word are plain text: the highest bit of each tells.
#[inline(always)]
fn words_are_plain(word: u64) -> bool {
    const ONES: u64 = u64::MAX / 255;
    const HIGH: u64 = ONES << 7;
    // A byte below `limit` borrows; that a borrow may go on into the next byte doesn't matter for whether there is one.
    let below = |word: u64, limit: u64| word.wrapping_sub(ONES * limit) & !word;
    let quote = below(word ^ (ONES * b'"' as u64), 1);
    let slash = below(word ^ (ONES * b'\\' as u64), 1);
    (below(word, 0x20) | quote | slash | word) & HIGH == 0
}

/// Where the first byte at or after `at` stands that isn't a decimal digit.
#[inline(always)]
pub(super) fn digits(bytes: &[u8], mut at: usize) -> usize {
    while let Some(block) = bytes.get(at..at + 16) {
        let found = wide::not_digit(block.try_into().expect("sixteen bytes"));
        if found != 0 {
            return at + found.trailing_zeros() as usize;
        }
        at += 16;
    }
    while at < bytes.len() && bytes[at].is_ascii_digit() {
        at += 1;
    }
    at
}

/// Which bytes of a block aren't decimal digits: a bit for each, the first byte lowest.
#[inline(always)]
pub(super) fn not_digit(block: &[u8; 16]) -> u32 {
    wide::not_digit(block)
}

/// What is where in a block of text: a bit for each byte, the first byte lowest.
pub(super) struct Block {
    pub(super) quotes: u64,
    pub(super) backslashes: u64,
    /// Control characters and bytes of non-ASCII characters.
    pub(super) other: u64,
}

#[inline(always)]
pub(super) fn block(bytes: &[u8; 64]) -> Block {
    let mut all = Block {
        quotes: 0,
        backslashes: 0,
        other: 0,
    };
    for (i, part) in bytes.as_chunks::<16>().0.iter().enumerate() {
        let [quotes, backslashes, other] = wide::classes(part);
        all.quotes |= u64::from(quotes) << (16 * i);
        all.backslashes |= u64::from(backslashes) << (16 * i);
        all.other |= u64::from(other) << (16 * i);
    }
    all
}

/// As [`block`], thirty-two bytes at a time.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
#[inline]
pub(super) fn block_wide(bytes: &[u8; 64]) -> Block {
    use std::arch::x86_64::*;
    let [low, high] = [0, 32].map(|at| {
        let half: &[u8; 32] = bytes[at..at + 32].try_into().expect("half a block");
        // SAFETY: the load takes any alignment and reads the 32 bytes of `half`.
        unsafe { _mm256_loadu_si256(half.as_ptr().cast()) }
    });
    let both = |low, high| {
        let [low, high] = [low, high].map(|mask| u64::from(_mm256_movemask_epi8(mask) as u32));
        low | high << 32
    };
    let equal = |byte: u8| {
        let byte = _mm256_set1_epi8(byte as i8);
        both(_mm256_cmpeq_epi8(low, byte), _mm256_cmpeq_epi8(high, byte))
    };
    // Compared as signed numbers, both control characters and bytes from 0x80 on are less than a space.
    let space = _mm256_set1_epi8(0x20);
    Block {
        quotes: equal(b'"'),
        backslashes: equal(b'\\'),
        other: both(
            _mm256_cmpgt_epi8(space, low),
            _mm256_cmpgt_epi8(space, high),
        ),
    }
}

/// On x86-64 SSE2 is always there. These functions return a bit for each byte, the first byte lowest.
#[cfg(target_arch = "x86_64")]
mod wide {
    use std::arch::x86_64::*;

    #[inline(always)]
    pub(super) fn not_plain(block: &[u8; 16]) -> u32 {
        // SAFETY: the load takes any alignment and reads the sixteen bytes of `block`; SSE2 belongs to the architecture.
        unsafe {
            let x = _mm_loadu_si128(block.as_ptr().cast());
            let quote = _mm_cmpeq_epi8(x, _mm_set1_epi8(b'"' as i8));
            let slash = _mm_cmpeq_epi8(x, _mm_set1_epi8(b'\\' as i8));
            // Compared as signed numbers, both control characters and bytes from 0x80 on are less than a space.
            let other = _mm_cmplt_epi8(x, _mm_set1_epi8(0x20));
            _mm_movemask_epi8(_mm_or_si128(_mm_or_si128(quote, slash), other)) as u32
        }
    }

    /// Quotes, backslashes, and bytes that are neither printable nor ASCII.
    #[inline(always)]
    pub(super) fn classes(block: &[u8; 16]) -> [u32; 3] {
        // SAFETY: as above.
        unsafe {
            let x = _mm_loadu_si128(block.as_ptr().cast());
            let quote = _mm_cmpeq_epi8(x, _mm_set1_epi8(b'"' as i8));
            let slash = _mm_cmpeq_epi8(x, _mm_set1_epi8(b'\\' as i8));
            let other = _mm_cmplt_epi8(x, _mm_set1_epi8(0x20));
            [quote, slash, other].map(|mask| _mm_movemask_epi8(mask) as u32)
        }
    }

    #[inline(always)]
    pub(super) fn not_digit(block: &[u8; 16]) -> u32 {
        // SAFETY: as above.
        unsafe {
            let x = _mm_loadu_si128(block.as_ptr().cast());
            let above = _mm_cmpgt_epi8(x, _mm_set1_epi8(b'9' as i8));
            // Signed again: everything that isn't ASCII is below `0`.
            let below = _mm_cmplt_epi8(x, _mm_set1_epi8(b'0' as i8));
            _mm_movemask_epi8(_mm_or_si128(above, below)) as u32
        }
    }
}

/// Elsewhere a plain loop, which compilers turn into vector code where they can.
#[cfg(not(target_arch = "x86_64"))]
mod wide {
    #[inline(always)]
    fn mask(block: &[u8; 16], test: impl Fn(u8) -> bool) -> u32 {
        let mut found = 0;
        for (i, b) in block.iter().enumerate() {
            found |= u32::from(test(*b)) << i;
        }
        found
    }

    #[inline(always)]
    pub(super) fn not_plain(block: &[u8; 16]) -> u32 {
        mask(block, |b| {
            (b == b'"') | (b == b'\\') | (b < 0x20) | (b >= 0x80)
        })
    }

    #[inline(always)]
    pub(super) fn classes(block: &[u8; 16]) -> [u32; 3] {
        let quotes = mask(block, |b| b == b'"');
        let backslashes = mask(block, |b| b == b'\\');
        [
            quotes,
            backslashes,
            mask(block, |b| (b < 0x20) | (b >= 0x80)),
        ]
    }

    #[inline(always)]
    pub(super) fn not_digit(block: &[u8; 16]) -> u32 {
        mask(block, |b| !b.is_ascii_digit())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_arch = "x86_64")]
    #[test]
    fn wide_blocks_are_classed_as_narrow_ones() {
        if !is_x86_feature_detected!("avx2") {
            return;
        }
        for byte in 0..=255u8 {
            for place in 0..64 {
                let mut text = [b'a'; 64];
                text[place] = byte;
                // SAFETY: the processor has AVX2.
                let (wide, narrow) = (unsafe { block_wide(&text) }, block(&text));
                assert_eq!(
                    (wide.quotes, wide.backslashes, wide.other),
                    (narrow.quotes, narrow.backslashes, narrow.other),
                    "{byte} {place}"
                );
            }
        }
    }

    #[test]
    fn every_byte_is_classed_at_every_place() {
        for length in (1..18).chain([33]) {
            for place in 0..length {
                for byte in 0..=255u8 {
                    let mut text = vec![b'a'; length];
                    text[place] = byte;
                    let stops = matches!(byte, b'"' | b'\\' | ..0x20 | 0x80..);
                    assert_eq!(
                        is_short_and_plain(&text),
                        length <= 16 && !stops,
                        "{text:?}"
                    );
                    assert_eq!(
                        plain(&text, 0),
                        if stops { place } else { length },
                        "{byte} {text:?}"
                    );
                    let mut text = vec![b'5'; length];
                    text[place] = byte;
                    assert_eq!(
                        digits(&text, 0),
                        if byte.is_ascii_digit() { length } else { place }
                    );
                }
            }
        }
    }
}
