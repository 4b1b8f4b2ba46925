//! Zip archives, read and written whole.
//!
//! Unlike general libraries this keeps entries in order and takes names as they come: empty ones, and the same twice.
//! Archives larger than 4 GiB or with more than 65,535 entries (ZIP64) aren't supported.

use super::compression::Algorithm;
use bytes::Bytes;

/// A file of an archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub name: String,
    pub content: Bytes,
}

const LOCAL: u32 = 0x0403_4b50;
const CENTRAL: u32 = 0x0201_4b50;
const END: u32 = 0x0605_4b50;
const DEFLATED: u16 = 8;

/// Writes an archive; contents are deflated.
pub fn write<'e>(
    entries: impl IntoIterator<Item = (&'e str, &'e [u8])>,
) -> Result<Vec<u8>, String> {
    let too_large = |_| "zip: the archive would be larger than 4 GiB".to_owned();
    let (mut out, mut central, mut count) = (Vec::new(), Vec::new(), 0u32);
    for (name, content) in entries {
        let packed = Algorithm::Flate.compress(-1, content)?;
        let offset = u32::try_from(out.len()).map_err(too_large)?;
        let name_length = u16::try_from(name.len()).map_err(|_| "zip: a name is too long")?;
        // Version 2.0 is needed for deflate; bit 11 says that names are UTF-8; 1 January 1980 is the earliest date there is.
        let mut shared = Vec::with_capacity(26);
        for half in [20, 1 << 11, DEFLATED, 0, 0x21] {
            shared.extend_from_slice(&u16::to_le_bytes(half));
        }
        for word in [
            crc32fast::hash(content),
            u32::try_from(packed.len()).map_err(too_large)?,
            u32::try_from(content.len()).map_err(too_large)?,
        ] {
            shared.extend_from_slice(&word.to_le_bytes());
        }
        shared.extend_from_slice(&name_length.to_le_bytes());
        shared.extend_from_slice(&0u16.to_le_bytes());

        out.extend_from_slice(&LOCAL.to_le_bytes());
        out.extend_from_slice(&shared);
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(&packed);

        central.extend_from_slice(&CENTRAL.to_le_bytes());
        central.extend_from_slice(&20u16.to_le_bytes());
        central.extend_from_slice(&shared);
        // No comment, first disk, no attributes.
        central.extend_from_slice(&[0; 10]);
        central.extend_from_slice(&offset.to_le_bytes());
        central.extend_from_slice(name.as_bytes());
        count += 1;
    }
    let count = u16::try_from(count).map_err(|_| "zip: more than 65535 files")?;
    let start = u32::try_from(out.len()).map_err(too_large)?;
    out.extend_from_slice(&central);
    out.extend_from_slice(&END.to_le_bytes());
    out.extend_from_slice(&[0; 4]);
    out.extend_from_slice(&count.to_le_bytes());
    out.extend_from_slice(&count.to_le_bytes());
    out.extend_from_slice(
        &u32::try_from(central.len())
            .map_err(too_large)?
            .to_le_bytes(),
    );
    out.extend_from_slice(&start.to_le_bytes());
    out.extend_from_slice(&0u16.to_le_bytes());
    Ok(out)
}

/// Reads the files of an archive in the order of its directory.
pub fn read(archive: &Bytes) -> Result<Vec<Entry>, String> {
    let invalid = || "zip: not a valid zip file".to_owned();
    let end = end_of_directory(archive).ok_or_else(invalid)?;
    let count = half(archive, end + 10).ok_or_else(invalid)?;
    let mut at = word(archive, end + 16).ok_or_else(invalid)? as usize;
    let mut entries = Vec::new();
    for _ in 0..count {
        let (entry, next) = read_entry(archive, at)?;
        entries.push(entry);
        at = next;
    }
    Ok(entries)
}

/// Reads the file whose directory entry is at `at`, and says where the next one is.
fn read_entry(archive: &Bytes, at: usize) -> Result<(Entry, usize), String> {
    let invalid = || "zip: not a valid zip file".to_owned();
    let half = |at| half(archive, at).map(usize::from).ok_or_else(invalid);
    let word = |at| word(archive, at).ok_or_else(invalid);
    let slice = |from: usize, length: usize| {
        let to = from.checked_add(length).filter(|to| *to <= archive.len());
        to.map(|to| archive.slice(from..to)).ok_or_else(invalid)
    };
    if word(at)? != CENTRAL {
        return Err(invalid());
    }
    let name = slice(at + 46, half(at + 28)?)?;
    let next = at + 46 + name.len() + half(at + 30)? + half(at + 32)?;
    let local = word(at + 42)? as usize;
    if word(local)? != LOCAL {
        return Err(invalid());
    }
    let data = local + 30 + half(local + 26)? + half(local + 28)?;
    let packed = slice(data, word(at + 20)? as usize)?;
    let content = match half(at + 10)? as u16 {
        0 => packed,
        DEFLATED => Algorithm::Flate.decompress(&packed)?.into(),
        _ => return Err("zip: unsupported compression algorithm".into()),
    };
    if crc32fast::hash(&content) != word(at + 16)? {
        return Err("zip: checksum error".into());
    }
    let name = String::from_utf8_lossy(&name).into_owned();
    Ok((Entry { name, content }, next))
}

/// Where the record is that ends the directory; a comment may follow it.
fn end_of_directory(archive: &[u8]) -> Option<usize> {
    let last = archive.len().checked_sub(22)?;
    let first = last.saturating_sub(usize::from(u16::MAX));
    (first..=last)
        .rev()
        .find(|at| word(archive, *at) == Some(END))
}

fn half(bytes: &[u8], at: usize) -> Option<u16> {
    let found = bytes.get(at..at.checked_add(2)?)?;
    Some(u16::from_le_bytes([found[0], found[1]]))
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    let found = bytes.get(at..at.checked_add(4)?)?;
    Some(u32::from_le_bytes([found[0], found[1], found[2], found[3]]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn what_is_written_is_read(
            files in prop::collection::vec(("[a-z/é]{0,6}", prop::collection::vec(any::<u8>(), 0..50)), 0..6),
            cut in 0usize..500,
        ) {
            let archive = write(files.iter().map(|(n, c)| (n.as_str(), c.as_slice()))).expect("it is small");
            let read_back = read(&archive.clone().into()).expect("it is valid");
            let wanted: Vec<Entry> = files
                .into_iter()
                .map(|(name, content)| Entry { name, content: content.into() })
                .collect();
            prop_assert_eq!(read_back, wanted);
            // Cut or spoilt, it is an error or an answer.
            let mut spoilt = archive;
            spoilt.truncate(cut.max(1));
            let _ = read(&spoilt.clone().into());
            let middle = spoilt.len() / 2;
            spoilt[middle] ^= 0x55;
            let _ = read(&spoilt.into());
        }
    }

    #[test]
    fn what_is_no_archive_is_refused() {
        let error = read(&Bytes::from_static(b"nope"));
        assert_eq!(error, Err("zip: not a valid zip file".into()));
    }
}
