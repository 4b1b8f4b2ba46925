//! Shared text.
//!
//! A [`Str`] is 24 bytes. Short text lies inside it and costs no allocation and no count; longer text is a piece of a
//! shared [`Document`], so that strings read from a message are pieces of that message's bytes.

use super::document::Document;
use bytes::Bytes;
use std::{borrow::Borrow, cmp::Ordering, fmt, hash, ops::Deref, sync::Arc};

/// The longest text that lies inside a [`Str`].
const INLINE: usize = 22;

/// UTF-8 text; cloning shares it.
#[derive(Clone)]
pub struct Str(Repr);

/// Every variant holds valid UTF-8 in the range that it names: see [`Str::deref`].
#[derive(Clone)]
enum Repr {
    /// The first `len` bytes are the text; what follows is arbitrary.
    Inline {
        len: u8,
        bytes: [u8; INLINE],
    },
    Static(&'static str),
    Shared {
        start: u32,
        end: u32,
        owner: Arc<Document>,
    },
    /// Text whose length doesn't fit into 32 bits.
    Huge(Arc<Bytes>),
}

impl Str {
    /// Text that lives as long as the program.
    pub const fn from_static(text: &'static str) -> Str {
        Str(Repr::Static(text))
    }

    /// Takes bytes as text without copying them; fails where they aren't UTF-8.
    pub fn from_utf8(bytes: Bytes) -> Result<Str, std::str::Utf8Error> {
        std::str::from_utf8(&bytes)?;
        Ok(Str::from_valid(bytes))
    }

    /// Takes bytes that are UTF-8.
    fn from_valid(bytes: Bytes) -> Str {
        if let Some(short) = Repr::inline(&bytes) {
            return Str(short);
        }
        match u32::try_from(bytes.len()) {
            Ok(end) => Str(Repr::Shared {
                start: 0,
                end,
                owner: Arc::new(Document::without_tape(bytes)),
            }),
            Err(_) => Str(Repr::Huge(Arc::new(bytes))),
        }
    }

    /// The piece `start..end` of a document, which the caller knows to be UTF-8.
    #[inline]
    pub(super) fn from_document(owner: &Arc<Document>, start: u32, end: u32) -> Str {
        let (from, len) = (start as usize, (end - start) as usize);
        if len > INLINE {
            return Str(Repr::Shared {
                start,
                end,
                owner: owner.clone(),
            });
        }
        // A copy of a fixed length is a few instructions; where the document ends before, the exact length.
        let mut bytes = [0; INLINE];
        match owner.bytes.get(from..from + INLINE) {
            Some(more) => bytes.copy_from_slice(more),
            None => bytes[..len].copy_from_slice(&owner.bytes[from..from + len]),
        }
        Str(Repr::Inline {
            len: len as u8,
            bytes,
        })
    }

    /// A piece of this text, shared with it. Panics where `str` slicing would.
    pub fn slice(&self, range: std::ops::Range<usize>) -> Str {
        self.piece(range).expect("a range between characters")
    }

    /// A piece of this text, shared with it; none where `str::get` gives none.
    pub fn piece(&self, range: std::ops::Range<usize>) -> Option<Str> {
        let piece = self.get(range.clone())?;
        Some(match &self.0 {
            Repr::Inline { .. } => Str::from(piece),
            Repr::Static(text) => Str(Repr::Static(&text[range])),
            Repr::Shared { start, owner, .. } => {
                Str::from_document(owner, start + range.start as u32, start + range.end as u32)
            }
            Repr::Huge(bytes) => Str::from_valid(bytes.slice(range)),
        })
    }

    /// The bytes of the text, shared where it is long.
    pub fn into_bytes(self) -> Bytes {
        match self.0 {
            Repr::Inline { len, bytes } => Bytes::copy_from_slice(&bytes[..len as usize]),
            Repr::Static(text) => Bytes::from_static(text.as_bytes()),
            Repr::Shared { start, end, owner } => owner.bytes.slice(start as usize..end as usize),
            Repr::Huge(bytes) => Bytes::clone(&bytes),
        }
    }

    #[inline]
    fn as_slice(&self) -> &[u8] {
        match &self.0 {
            Repr::Inline { len, bytes } => &bytes[..*len as usize],
            Repr::Static(text) => text.as_bytes(),
            Repr::Shared { start, end, owner } => &owner.bytes[*start as usize..*end as usize],
            Repr::Huge(bytes) => bytes,
        }
    }
}

impl Repr {
    fn inline(text: &[u8]) -> Option<Repr> {
        if text.len() > INLINE {
            return None;
        }
        let mut bytes = [0; INLINE];
        bytes[..text.len()].copy_from_slice(text);
        Some(Repr::Inline {
            len: text.len() as u8,
            bytes,
        })
    }
}

impl Deref for Str {
    type Target = str;
    #[inline]
    fn deref(&self) -> &str {
        // SAFETY: a `Str` is made from `&str`, `String` and `&'static str`; from bytes that `from_utf8` has checked; from a piece
        // of a document whose string node isn't `SPECIAL`, which the parser has checked to be UTF-8, or whose number node is ASCII;
        // or from a range of another `Str` that `str` indexing has accepted. Nothing changes the bytes afterwards.
        unsafe { std::str::from_utf8_unchecked(self.as_slice()) }
    }
}

impl Default for Str {
    fn default() -> Str {
        Str::from_static("")
    }
}

impl PartialEq for Str {
    #[inline]
    fn eq(&self, other: &Str) -> bool {
        self.as_slice() == other.as_slice()
    }
}

impl Eq for Str {}

impl PartialOrd for Str {
    fn partial_cmp(&self, other: &Str) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Str {
    fn cmp(&self, other: &Str) -> Ordering {
        self.as_slice().cmp(other.as_slice())
    }
}

impl PartialEq<str> for Str {
    fn eq(&self, other: &str) -> bool {
        **self == *other
    }
}

impl PartialEq<&str> for Str {
    fn eq(&self, other: &&str) -> bool {
        **self == **other
    }
}

impl hash::Hash for Str {
    fn hash<H: hash::Hasher>(&self, state: &mut H) {
        (**self).hash(state);
    }
}

impl Borrow<str> for Str {
    fn borrow(&self) -> &str {
        self
    }
}

impl AsRef<str> for Str {
    fn as_ref(&self) -> &str {
        self
    }
}

impl From<&str> for Str {
    fn from(text: &str) -> Str {
        match Repr::inline(text.as_bytes()) {
            Some(short) => Str(short),
            None => Str::from_valid(Bytes::copy_from_slice(text.as_bytes())),
        }
    }
}

impl From<String> for Str {
    fn from(text: String) -> Str {
        match Repr::inline(text.as_bytes()) {
            Some(short) => Str(short),
            None => Str::from_valid(Bytes::from(text)),
        }
    }
}

impl fmt::Debug for Str {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}

impl fmt::Display for Str {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&**self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_the_same_however_it_is_held() {
        for text in [
            "",
            "a",
            "twenty-two bytes long!",
            "twenty-three bytes long",
            &"ü".repeat(100),
        ] {
            let leaked: &'static str = String::from(text).leak();
            let all = [
                Str::from(text),
                Str::from(text.to_string()),
                Str::from_static(leaked),
                Str::from_utf8(Bytes::copy_from_slice(text.as_bytes())).unwrap(),
            ];
            for one in &all {
                assert_eq!(&**one, text);
                assert_eq!(one.clone().into_bytes(), text.as_bytes());
                assert_eq!(one.slice(0..text.len()), all[0]);
            }
        }
        assert!(Str::from_utf8(Bytes::from_static(b"a\xff")).is_err());
        assert_eq!(size_of::<Str>(), 24);
    }

    #[test]
    fn a_slice_of_long_text_shares_it() {
        let whole = Str::from("a text that is longer than what lies inside of a value".to_string());
        let piece = whole.slice(2..40);
        assert_eq!(&*piece, &whole[2..40]);
        assert_eq!(piece.as_ptr(), whole[2..].as_ptr());
    }
}
