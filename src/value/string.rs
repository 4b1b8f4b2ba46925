//! Shared text.
//!
//! A [`Str`] is 24 bytes. Short text lies inside it and costs no allocation and no count; longer text is a piece of a
//! shared [`Document`], so that strings read from a message are pieces of that message's bytes.

use super::{
    document::Document,
    keys::{self, word},
};
use bytes::Bytes;
use std::{
    borrow::{Borrow, Cow},
    cmp::Ordering,
    fmt, hash,
    mem::ManuallyDrop,
    num::NonZeroU64,
    ops::Deref,
    ptr,
    sync::Arc,
};

/// The longest text that lies inside a [`Str`].
const INLINE: usize = 22;

/// UTF-8 text; cloning shares it.
///
/// These are three plain words rather than an enum, since whatever reads, matches and moves one has it in registers then. An enum's
/// payload is bytes to the compiler: it is moved in overlapping pieces, each of which has to wait for the last one's way through memory.
///
/// | the lowest byte of `head` | the rest of `head`                        | `mid`                    | `tail`                      |
/// |---------------------------|-------------------------------------------|--------------------------|-----------------------------|
/// | [`SHORT`]                 | the length in a byte, six bytes of text   | eight further ones       | the last eight              |
/// | [`STATIC`]                |                                           | the length               | the text                    |
/// | [`SHARED`]                |                                           | first byte and end, u32  | an `Arc` of the document    |
/// | [`HUGE`]                  |                                           |                          | an `Arc` of the text's bytes |
///
/// Words are in the order in which they are written on a little-endian machine, on any machine, so that the 22 bytes of short text follow
/// each other. What lies behind its end is arbitrary.
#[repr(C)]
pub struct Str {
    head: NonZeroU64,
    mid: u64,
    tail: *const (),
}

const SHORT: u8 = 1;
const STATIC: u8 = 2;
const SHARED: u8 = 3;
/// Text whose length doesn't fit into 32 bits.
const HUGE: u8 = 4;

const _: () = assert!(
    size_of::<usize>() == 8,
    "a pointer has to have room for eight bytes of text"
);

// SAFETY: what `tail` points to is either `&'static str`, `Arc<Document>` or `Arc<Bytes>`, all of which may be sent and shared.
unsafe impl Send for Str {}
// SAFETY: as above.
unsafe impl Sync for Str {}

/// What a [`Str`] is.
enum View<'a> {
    Short(&'a [u8]),
    Static(&'static str),
    Shared {
        start: u32,
        end: u32,
        owner: ManuallyDrop<Arc<Document>>,
    },
    Huge(&'a Bytes),
}

/// Making and reading the words. All that relies on their meaning is in here.
impl Str {
    #[inline(always)]
    const fn of(kind: u8, head: u64, mid: u64, tail: *const ()) -> Str {
        let head = (head & !0xff) | kind as u64;
        Str {
            head: NonZeroU64::new(head.to_le()).expect("no kind is zero"),
            mid,
            tail,
        }
    }

    /// Text that lives as long as the program.
    pub const fn from_static(text: &'static str) -> Str {
        Str::of(STATIC, 0, text.len() as u64, text.as_ptr().cast())
    }

    /// Short text, given its bytes as numbers whose lowest byte comes first: six, eight and eight of them.
    #[inline(always)]
    fn of_short(len: usize, first: u64, second: u64, third: u64) -> Str {
        debug_assert!(len <= INLINE);
        let third = ptr::without_provenance(third.to_le() as usize);
        Str::of(
            SHORT,
            (len as u64) << 8 | first << 16,
            second.to_le(),
            third,
        )
    }

    #[inline(always)]
    fn of_document(start: u32, end: u32, owner: Arc<Document>) -> Str {
        let range = u64::from(start) | u64::from(end) << 32;
        Str::of(SHARED, 0, range, Arc::into_raw(owner).cast())
    }

    #[cold]
    fn of_huge(bytes: Bytes) -> Str {
        Str::of(HUGE, 0, 0, Arc::into_raw(Arc::new(bytes)).cast())
    }

    #[inline(always)]
    fn kind(&self) -> u8 {
        u64::from_le(self.head.get()) as u8
    }

    #[inline(always)]
    fn view(&self) -> View<'_> {
        match self.kind() {
            SHORT => {
                let len = usize::from((u64::from_le(self.head.get()) >> 8) as u8);
                // SAFETY: short text has its bytes in the three words, which `repr(C)` keeps in order and without gaps, from the third byte on.
                let bytes = unsafe { &*ptr::from_ref(self).byte_add(2).cast::<[u8; INLINE]>() };
                View::Short(&bytes[..len])
            }
            STATIC => {
                // SAFETY: the text and its length are those that `from_static` was given.
                View::Static(unsafe {
                    let bytes = std::slice::from_raw_parts(self.tail.cast(), self.mid as usize);
                    std::str::from_utf8_unchecked(bytes)
                })
            }
            SHARED => View::Shared {
                start: self.mid as u32,
                end: (self.mid >> 32) as u32,
                // SAFETY: the pointer is that of `of_document`, whose count this holds; it isn't given back by the view.
                owner: ManuallyDrop::new(unsafe { Arc::from_raw(self.tail.cast()) }),
            },
            // SAFETY: there is no further kind, and the pointer is that of `of_huge`, whose count this holds.
            _ => View::Huge(unsafe { &*self.tail.cast() }),
        }
    }

    #[inline]
    fn as_slice(&self) -> &[u8] {
        match self.view() {
            View::Short(text) => text,
            View::Static(text) => text.as_bytes(),
            View::Shared { start, end, .. } => {
                // SAFETY: the document is held by `self` for as long as the slice lives.
                let document: &Document = unsafe { &*self.tail.cast() };
                &document.bytes[start as usize..end as usize]
            }
            View::Huge(bytes) => bytes,
        }
    }

    /// The [`keys::prefix`] of the text.
    #[inline]
    pub(super) fn prefix(&self) -> u64 {
        match self.kind() {
            SHORT => {
                let head = u64::from_le(self.head.get());
                let all = head >> 16 | u64::from_le(self.mid) << 48;
                keys::first(all.to_le_bytes(), usize::from((head >> 8) as u8))
            }
            _ => keys::prefix(self.as_slice()),
        }
    }
}

impl Clone for Str {
    #[inline]
    fn clone(&self) -> Str {
        match self.kind() {
            SHORT | STATIC => {}
            // SAFETY: the pointer is that of an `Arc` of this type, whose count `self` holds.
            SHARED => unsafe { Arc::increment_strong_count(self.tail.cast::<Document>()) },
            // SAFETY: as above.
            _ => unsafe { Arc::increment_strong_count(self.tail.cast::<Bytes>()) },
        }
        Str { ..*self }
    }
}

impl Drop for Str {
    #[inline]
    fn drop(&mut self) {
        match self.kind() {
            SHORT | STATIC => {}
            // SAFETY: the pointer is that of an `Arc` of this type, whose count `self` has held up to now.
            SHARED => drop(unsafe { Arc::from_raw(self.tail.cast::<Document>()) }),
            // SAFETY: as above.
            _ => drop(unsafe { Arc::from_raw(self.tail.cast::<Bytes>()) }),
        }
    }
}

impl Str {
    /// Takes bytes as text without copying them; fails where they aren't UTF-8.
    pub fn from_utf8(bytes: Bytes) -> Result<Str, std::str::Utf8Error> {
        std::str::from_utf8(&bytes)?;
        Ok(Str::from_valid(bytes))
    }

    /// Takes bytes as text without copying them; where they aren't UTF-8, a copy in which U+FFFD stands for each byte that is wrong.
    pub fn from_utf8_lossy(bytes: Bytes) -> Str {
        match well_formed(&bytes) {
            Cow::Borrowed(_) => Str::from_valid(bytes),
            Cow::Owned(text) => text.into(),
        }
    }

    /// Takes bytes that are UTF-8.
    fn from_valid(bytes: Bytes) -> Str {
        if let Some(short) = Str::short(&bytes) {
            return short;
        }
        match u32::try_from(bytes.len()) {
            Ok(end) => Str::of_document(0, end, Arc::new(Document::without_tape(bytes))),
            Err(_) => Str::of_huge(bytes),
        }
    }

    /// The piece `start..end` of a document, which the caller knows to be UTF-8.
    #[inline]
    pub(super) fn from_document(owner: &Arc<Document>, start: u32, end: u32) -> Str {
        let (from, len) = (start as usize, (end - start) as usize);
        if len > INLINE {
            return Str::of_document(start, end, owner.clone());
        }
        // Words of a fixed length are a few instructions; where the document ends before, the exact length.
        match owner.bytes.get(from..from + INLINE) {
            Some(more) => {
                Str::of_short(len, word(&more[..8]), word(&more[6..14]), word(&more[14..]))
            }
            None => Str::short(&owner.bytes[from..from + len]).expect("a short text"),
        }
    }

    /// Short text; none if it is too long for that.
    #[inline]
    fn short(text: &[u8]) -> Option<Str> {
        let part = |from: usize| word(&text[from.min(text.len())..]);
        (text.len() <= INLINE).then(|| Str::of_short(text.len(), part(0), part(6), part(14)))
    }

    /// A piece of this text, shared with it. Panics where `str` slicing would.
    pub fn slice(&self, range: std::ops::Range<usize>) -> Str {
        self.piece(range).expect("a range between characters")
    }

    /// A piece of this text, shared with it; none where `str::get` gives none.
    pub fn piece(&self, range: std::ops::Range<usize>) -> Option<Str> {
        self.get(range.clone())?;
        Some(self.between(range))
    }

    /// The pieces between the places where `delimiter` stands, which must be ASCII.
    pub(crate) fn split_at_byte(&self, delimiter: u8) -> impl Iterator<Item = Str> + '_ {
        assert!(delimiter.is_ascii());
        let whole = self.as_slice();
        let mut places = memchr::memchr_iter(delimiter, whole);
        let mut start = Some(0);
        std::iter::from_fn(move || {
            let from = start?;
            let to = places.next();
            start = to.map(|at| at + 1);
            Some(self.between(from..to.unwrap_or(whole.len())))
        })
    }

    /// A piece whose ends are known to lie between characters.
    #[inline]
    fn between(&self, range: std::ops::Range<usize>) -> Str {
        match self.view() {
            View::Short(text) => Str::short(&text[range]).expect("a short text"),
            View::Static(text) => Str::from_static(&text[range]),
            View::Shared { start, owner, .. } => {
                Str::from_document(&owner, start + range.start as u32, start + range.end as u32)
            }
            View::Huge(bytes) => Str::from_valid(bytes.slice(range)),
        }
    }

    /// How many bytes it takes.
    #[inline]
    pub fn len(&self) -> usize {
        match self.kind() {
            SHORT => usize::from((u64::from_le(self.head.get()) >> 8) as u8),
            SHARED => ((self.mid >> 32) as u32 - self.mid as u32) as usize,
            _ => self.as_slice().len(),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The bytes of the text, shared where it is long.
    pub fn into_bytes(self) -> Bytes {
        match self.view() {
            View::Short(text) => Bytes::copy_from_slice(text),
            View::Static(text) => Bytes::from_static(text.as_bytes()),
            View::Shared { start, end, owner } => owner.bytes.slice(start as usize..end as usize),
            View::Huge(bytes) => bytes.clone(),
        }
    }
}

/// Bytes as UTF-8: U+FFFD stands for each byte that is wrong.
pub fn well_formed(bytes: &[u8]) -> Cow<'_, str> {
    if let Ok(text) = std::str::from_utf8(bytes) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(bytes.len() + 8);
    for chunk in bytes.utf8_chunks() {
        out.push_str(chunk.valid());
        out.extend(chunk.invalid().iter().map(|_| char::REPLACEMENT_CHARACTER));
    }
    Cow::Owned(out)
}

impl Deref for Str {
    type Target = str;
    #[inline]
    fn deref(&self) -> &str {
        // SAFETY: a `Str` is made from `&str`, `String` and `&'static str`; from bytes that `from_utf8` has checked; from a piece
        // of a document whose string node isn't `SPECIAL`, which the parser has checked to be UTF-8, or whose number node is ASCII;
        // or from a range of another `Str` that `str` indexing has accepted, or that lies between ASCII bytes. Nothing changes the bytes afterwards.
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
    #[inline]
    fn cmp(&self, other: &Str) -> Ordering {
        let prefixes = self.prefix().cmp(&other.prefix());
        prefixes.then_with(|| self.as_slice().cmp(other.as_slice()))
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
        match Str::short(text.as_bytes()) {
            Some(short) => short,
            None => Str::from_valid(Bytes::copy_from_slice(text.as_bytes())),
        }
    }
}

impl From<String> for Str {
    fn from(text: String) -> Str {
        match Str::short(text.as_bytes()) {
            Some(short) => short,
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
    fn text_of_every_length_is_kept_and_ordered_by_its_prefix() {
        let long = "abcdefghijklmnopqrstuvwxyz";
        for len in 0..=long.len() {
            let text = &long[..len];
            let whole = Str::from_utf8(Bytes::from_static(long.as_bytes())).unwrap();
            for one in [Str::from(text), whole.slice(0..len), Str::from_static(text)] {
                assert_eq!(&*one, text);
                assert_eq!(one.prefix(), keys::prefix(text.as_bytes()));
            }
            let parts: Vec<Str> = Str::from(text).split_at_byte(b'c').collect();
            assert!(
                parts.iter().map(|part| &**part).eq(text.split('c')),
                "{text}"
            );
        }
    }

    #[test]
    fn a_slice_of_long_text_shares_it() {
        let whole = Str::from("a text that is longer than what lies inside of a value".to_string());
        let piece = whole.slice(2..40);
        assert_eq!(&*piece, &whole[2..40]);
        assert_eq!(piece.as_ptr(), whole[2..].as_ptr());
    }
}
