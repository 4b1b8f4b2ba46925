//! `tar`: a message for each file in an archive.

use crate::component::{BuildScanner, Context, Scan, Scanner};
use crate::message::{Batch, Message};
use crate::value::Str;
use anyhow::{Context as _, bail, ensure};
use bytes::Bytes;
use std::sync::Arc;

crate::fields! {
    /// Nothing to set.
    pub struct Config {}
}

crate::spec! {
    /// Makes a message of each file in a tar archive, with the file's name as metadata `tar_name`.
    dyn BuildScanner, "tar", Config
}

/// The size of headers, and what contents are padded to.
const BLOCK: usize = 512;

/// The largest file, in bytes.
const LIMIT: usize = 1 << 30;

impl BuildScanner for Config {
    fn build(&self, _: &Context) -> anyhow::Result<Arc<dyn Scanner>> {
        Ok(Arc::new(Tar))
    }
}

struct Tar;

impl Scanner for Tar {
    fn open(&self, _: &str) -> Box<dyn Scan> {
        Box::new(Reading::default())
    }
}

#[derive(Default)]
struct Reading {
    begun: Vec<u8>,
    /// The name that an extended header gave for the next file.
    long_name: Option<String>,
    ended: bool,
}

impl Reading {
    /// Reads the entry at `at`, if all of it is there with its padding; returns where the next begins.
    fn entry(
        &mut self,
        all: &Bytes,
        at: usize,
        out: &mut Vec<Batch>,
    ) -> anyhow::Result<Option<usize>> {
        let Some(header) = all.get(at..at + BLOCK) else {
            return Ok(None);
        };
        if header.iter().all(|b| *b == 0) {
            self.ended = true;
            return Ok(Some(all.len()));
        }
        check(header)?;
        let size = number(&header[124..136])?;
        ensure!(size <= LIMIT, "a file of {size} bytes is too large");
        let (start, end) = (at + BLOCK, at + BLOCK + size);
        let next = start + size.next_multiple_of(BLOCK);
        if all.len() < next {
            return Ok(None);
        }
        match header[156] {
            // Extended headers: of the POSIX format, and of GNU's.
            b'x' => self.long_name = extended_name(&all[start..end]).or(self.long_name.take()),
            b'L' => self.long_name = Some(text(&all[start..end])),
            b'g' | b'K' => {}
            _ => {
                let name = self.long_name.take().unwrap_or_else(|| name(header));
                let mut message = Message::new(all.slice(start..end));
                message
                    .metadata_mut()
                    .set(Str::from_static("tar_name"), name);
                out.push(Batch::from_buf([message]));
            }
        }
        Ok(Some(next))
    }
}

impl Scan for Reading {
    fn push(&mut self, bytes: Bytes, out: &mut Vec<Batch>) -> anyhow::Result<()> {
        if self.ended {
            return Ok(());
        }
        let all = match self.begun.is_empty() {
            true => bytes,
            false => {
                self.begun.extend_from_slice(&bytes);
                // Waits until the entry is complete before it looks at all of it.
                if !is_complete(&self.begun)? {
                    return Ok(());
                }
                std::mem::take(&mut self.begun).into()
            }
        };
        let mut at = 0;
        while at < all.len() && !self.ended {
            match self.entry(&all, at, out)? {
                Some(next) => at = next,
                None => break,
            }
        }
        self.begun = all[at..].to_vec();
        Ok(())
    }

    fn finish(&mut self, _: &mut Vec<Batch>) -> anyhow::Result<()> {
        if self.ended || self.begun.is_empty() {
            return Ok(());
        }
        bail!("the archive ends in the middle of a file")
    }
}

/// Whether an entry with its padding is all there.
fn is_complete(bytes: &[u8]) -> anyhow::Result<bool> {
    let Some(header) = bytes.get(..BLOCK) else {
        return Ok(false);
    };
    if header.iter().all(|b| *b == 0) {
        return Ok(true);
    }
    check(header)?;
    let size = number(&header[124..136])?;
    ensure!(size <= LIMIT, "a file of {size} bytes is too large");
    Ok(bytes.len() >= BLOCK + size.next_multiple_of(BLOCK))
}

/// Whether a header is one.
fn check(header: &[u8]) -> anyhow::Result<()> {
    let sum: usize = header
        .iter()
        .enumerate()
        .map(|(at, byte)| {
            usize::from(if (148..156).contains(&at) {
                b' '
            } else {
                *byte
            })
        })
        .sum();
    let noted = number(&header[148..156]).context("not a tar archive")?;
    ensure!(sum == noted, "not a tar archive: invalid tar header");
    Ok(())
}

/// A number in a header: octal text, or binary with the highest bit set.
fn number(field: &[u8]) -> anyhow::Result<usize> {
    if field[0] & 0x80 != 0 {
        let low = field[1..]
            .iter()
            .try_fold(u64::from(field[0] & 0x7f), |n, byte| {
                n.checked_mul(256)?.checked_add(u64::from(*byte))
            });
        return low
            .and_then(|n| usize::try_from(n).ok())
            .context("a size is too large");
    }
    let text = text(field);
    match text.trim() {
        "" => Ok(0),
        digits => usize::from_str_radix(digits, 8).context("a number isn't octal"),
    }
}

fn name(header: &[u8]) -> String {
    let name = text(&header[..100]);
    let prefix = match &header[257..262] == b"ustar" && header[262] == 0 {
        true => text(&header[345..500]),
        false => String::new(),
    };
    match prefix.is_empty() {
        true => name,
        false => format!("{prefix}/{name}"),
    }
}

/// Text up to the first zero.
fn text(field: &[u8]) -> String {
    let end = memchr::memchr(0, field).unwrap_or(field.len());
    String::from_utf8_lossy(&field[..end]).into_owned()
}

/// The path in an extended header, which is made of lines `LENGTH KEY=VALUE`.
fn extended_name(content: &[u8]) -> Option<String> {
    let mut rest = content;
    while !rest.is_empty() {
        let space = memchr::memchr(b' ', rest)?;
        let length: usize = std::str::from_utf8(&rest[..space]).ok()?.parse().ok()?;
        let line = rest.get(space + 1..length)?;
        if let Some(value) = line.strip_prefix(b"path=") {
            return Some(String::from_utf8_lossy(value.trim_ascii_end()).into_owned());
        }
        rest = &rest[length..];
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::component::scanners::testing::batches;

    fn archive(files: &[(&str, &[u8])]) -> Vec<u8> {
        let mut builder = tar::Builder::new(Vec::new());
        for (name, content) in files {
            let mut header = tar::Header::new_gnu();
            header.set_size(content.len() as u64);
            header.set_cksum();
            builder
                .append_data(&mut header, name, *content)
                .expect("added");
        }
        builder.into_inner().expect("an archive")
    }

    #[test]
    fn files_are_messages() {
        let long = "x".repeat(200);
        let content = vec![b'y'; 1000];
        let files: &[(&str, &[u8])] = &[("a.txt", b"one"), ("empty", b""), (&long, &content)];
        let bytes = archive(files);
        for size in [1, 100, 512, 513, bytes.len()] {
            let batches = batches(&Tar, &bytes, size).expect("an archive");
            assert_eq!(batches.len(), files.len(), "{size}");
            for (batch, (name, content)) in batches.iter().zip(files) {
                assert_eq!(batch[0].bytes(), content);
                let found = batch[0].metadata().get("tar_name").expect("a name");
                assert_eq!(found.as_str(), Some(*name));
            }
        }
    }

    #[test]
    fn what_is_no_archive_is_an_error() {
        let bytes = archive(&[("a", &[b'x'; 600])]);
        assert!(batches(&Tar, &bytes[..700], 99).is_err());
        assert!(batches(&Tar, &[b'x'; 600], 99).is_err());
    }
}
