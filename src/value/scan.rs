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
    while at < bytes.len() && !matches!(bytes[at], b'"' | b'\\' | ..0x20 | 0x80..) {
        at += 1;
    }
    at
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

    #[test]
    fn every_byte_is_classed_at_every_place() {
        for length in [1, 15, 16, 17, 33] {
            for place in 0..length {
                for byte in 0..=255u8 {
                    let mut text = vec![b'a'; length];
                    text[place] = byte;
                    let stops = matches!(byte, b'"' | b'\\' | ..0x20 | 0x80..);
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
