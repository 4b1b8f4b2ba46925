//! Compressed frames, unpacked as they come: what is held is one block, and what the next one may refer to.

use std::io::{self, Read};
use xxhash_rust::xxh32::{Xxh32, xxh32};

/// What begins snappy bytes that are made of frames; without it they are one block.
pub const SNAPPY_FRAMES: &[u8] = b"\xff\x06\0\0sNaPpY";

const LZ4_MAGIC: u32 = 0x184D_2204;
/// The first of the sixteen magic numbers of frames that are to be passed over.
const LZ4_SKIPPED: u32 = 0x184D_2A50;
/// How far back a block of lz4 may refer.
const LZ4_WINDOW: usize = 64 * 1024;

fn corrupt(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

fn cut_off() -> io::Error {
    io::Error::new(io::ErrorKind::UnexpectedEof, "unexpected EOF")
}

/// Four bytes at a place, if they are there.
fn word(bytes: &[u8], at: usize) -> Option<u32> {
    let bytes = bytes.get(at..at + 4)?;
    Some(u32::from_le_bytes(bytes.try_into().ok()?))
}

/// Frames of lz4, one behind the other.
#[derive(Default)]
pub struct Lz4 {
    /// What came and isn't unpacked.
    waiting: Vec<u8>,
    frame: Option<Frame>,
    /// How many bytes are still to be passed over.
    skip: usize,
}

/// The frame whose blocks come.
struct Frame {
    linked: bool,
    block_checksums: bool,
    /// Over what came out, if the frame ends with its checksum.
    checksum: Option<Xxh32>,
    most: usize,
    window: Vec<u8>,
}

impl Lz4 {
    /// What comes out with these bytes.
    pub fn write(&mut self, bytes: &[u8]) -> io::Result<Vec<u8>> {
        self.waiting.extend_from_slice(bytes);
        let mut out = Vec::new();
        let mut at = 0;
        while let Some(used) = self.step(at, &mut out)? {
            at += used;
        }
        self.waiting.drain(..at);
        Ok(out)
    }

    /// That nothing is missing.
    pub fn finish(self) -> io::Result<()> {
        if self.frame.is_some() || self.skip > 0 || !self.waiting.is_empty() {
            return Err(cut_off());
        }
        Ok(())
    }

    /// Takes the next part of a frame, and says how long it was; none if it isn't there in full.
    fn step(&mut self, at: usize, out: &mut Vec<u8>) -> io::Result<Option<usize>> {
        let bytes = &self.waiting[at..];
        if self.skip > 0 {
            let skipped = self.skip.min(bytes.len());
            self.skip -= skipped;
            return Ok((skipped > 0).then_some(skipped));
        }
        let Some(frame) = &mut self.frame else {
            return self.begin(at);
        };
        let Some(head) = word(bytes, 0) else {
            return Ok(None);
        };
        if head == 0 {
            let Some(checksum) = &frame.checksum else {
                self.frame = None;
                return Ok(Some(4));
            };
            let Some(wanted) = word(bytes, 4) else {
                return Ok(None);
            };
            if checksum.digest() != wanted {
                return Err(corrupt("lz4: the checksum of the content is wrong"));
            }
            self.frame = None;
            return Ok(Some(8));
        }
        let length = (head & 0x7FFF_FFFF) as usize;
        if length > frame.most {
            return Err(corrupt("lz4: a block is larger than its frame allows"));
        }
        let end = 4 + length + if frame.block_checksums { 4 } else { 0 };
        if bytes.len() < end {
            return Ok(None);
        }
        let block = &bytes[4..4 + length];
        if frame.block_checksums && word(bytes, 4 + length) != Some(xxh32(block, 0)) {
            return Err(corrupt("lz4: the checksum of a block is wrong"));
        }
        let before = out.len();
        if head & 0x8000_0000 != 0 {
            out.extend_from_slice(block);
        } else {
            out.resize(before + frame.most, 0);
            let made = lz4_flex::block::decompress_into_with_dict(
                block,
                &mut out[before..],
                &frame.window,
            );
            out.truncate(before + made.map_err(|_| corrupt("lz4: invalid source"))?);
        }
        frame.note(&out[before..]);
        Ok(Some(end))
    }

    /// Takes the head of a frame.
    fn begin(&mut self, at: usize) -> io::Result<Option<usize>> {
        let bytes = &self.waiting[at..];
        let Some(magic) = word(bytes, 0) else {
            return Ok(None);
        };
        if magic & !0xF == LZ4_SKIPPED {
            let Some(length) = word(bytes, 4) else {
                return Ok(None);
            };
            self.skip = length as usize;
            return Ok(Some(8));
        }
        if magic != LZ4_MAGIC {
            return Err(corrupt("lz4: bad magic number"));
        }
        let Some(&[flags, sizes]) = bytes.get(4..6) else {
            return Ok(None);
        };
        let is = |bit: u8| flags & (1 << bit) != 0;
        let end = 6 + if is(3) { 8 } else { 0 } + if is(0) { 4 } else { 0 };
        let Some(check) = bytes.get(end) else {
            return Ok(None);
        };
        if (xxh32(&bytes[4..end], 0) >> 8) as u8 != *check {
            return Err(corrupt("lz4: the checksum of a frame's head is wrong"));
        }
        let most = match sizes >> 4 & 7 {
            size @ 4..=7 => 1usize << (8 + 2 * size),
            _ => return Err(corrupt("lz4: a frame's block size is none")),
        };
        if flags >> 6 != 1 || is(0) {
            return Err(corrupt(
                "lz4: a frame of another version, or one that needs a dictionary",
            ));
        }
        self.frame = Some(Frame {
            linked: !is(5),
            block_checksums: is(4),
            checksum: is(2).then(|| Xxh32::new(0)),
            most,
            window: Vec::new(),
        });
        Ok(Some(end + 1))
    }
}

impl Frame {
    /// Notes what came out of a block.
    fn note(&mut self, made: &[u8]) {
        if let Some(checksum) = &mut self.checksum {
            checksum.update(made);
        }
        if self.linked {
            self.window.extend_from_slice(made);
            let old = self.window.len().saturating_sub(LZ4_WINDOW);
            self.window.drain(..old);
        }
    }
}

/// Frames of snappy.
#[derive(Default)]
pub struct Snappy {
    waiting: Vec<u8>,
}

impl Snappy {
    /// What comes out with these bytes.
    pub fn write(&mut self, bytes: &[u8]) -> io::Result<Vec<u8>> {
        self.waiting.extend_from_slice(bytes);
        let mut out = Vec::new();
        let mut at = 0;
        while let Some(head) = word(&self.waiting, at) {
            let end = at + 4 + (head >> 8) as usize;
            let Some(chunk) = self.waiting.get(at..end) else {
                break;
            };
            // Each chunk stands for itself, so that one behind the mark of a beginning is a whole.
            let whole = SNAPPY_FRAMES.chain(chunk);
            snap::read::FrameDecoder::new(whole).read_to_end(&mut out)?;
            at = end;
        }
        self.waiting.drain(..at);
        Ok(out)
    }

    /// That nothing is missing.
    pub fn finish(self) -> io::Result<()> {
        match self.waiting.is_empty() {
            true => Ok(()),
            false => Err(cut_off()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lz4_flex::frame::{BlockMode, BlockSize, FrameEncoder, FrameInfo};
    use std::io::Write;

    fn text() -> Vec<u8> {
        let line = |n: u32| format!("{n} {} the same again\n", n.wrapping_mul(2_654_435_761));
        (0..20_000).map(line).collect::<String>().into_bytes()
    }

    #[test]
    fn lz4_comes_out_block_by_block() {
        let plain = text();
        for (mode, checks) in [
            (BlockMode::Independent, false),
            (BlockMode::Linked, true),
            (BlockMode::Linked, false),
        ] {
            let info = FrameInfo::new()
                .block_mode(mode)
                .block_size(BlockSize::Max64KB)
                .block_checksums(checks)
                .content_checksum(checks);
            let mut encoder = FrameEncoder::with_frame_info(info, Vec::new());
            encoder.write_all(&plain).unwrap();
            let mut packed = encoder.finish().unwrap();
            packed.extend_from_slice(&[0x53, 0x2A, 0x4D, 0x18, 3, 0, 0, 0, 1, 2, 3]);
            packed.extend_from_within(..);
            let (mut lz4, mut out, mut held) = (Lz4::default(), Vec::new(), 0);
            for piece in packed.chunks(1_000) {
                out.extend(lz4.write(piece).unwrap());
                held = held.max(lz4.waiting.len());
            }
            lz4.finish().unwrap();
            assert_eq!(out, [&plain[..], &plain].concat());
            assert!(held < 70_000, "{held} bytes were held");
        }
    }

    #[test]
    fn snappy_comes_out_chunk_by_chunk() {
        let plain = text();
        let mut encoder = snap::write::FrameEncoder::new(Vec::new());
        encoder.write_all(&plain).unwrap();
        let packed = encoder.into_inner().unwrap();
        let (mut snappy, mut out) = (Snappy::default(), Vec::new());
        for piece in packed.chunks(777) {
            out.extend(snappy.write(piece).unwrap());
        }
        snappy.finish().unwrap();
        assert_eq!(out, plain);
    }

    #[test]
    fn what_is_wrong_or_missing_is_an_error() {
        let mut encoder = FrameEncoder::new(Vec::new());
        encoder.write_all(&text()).unwrap();
        let packed = encoder.finish().unwrap();
        let mut lz4 = Lz4::default();
        lz4.write(&packed[..packed.len() - 2]).unwrap();
        assert_eq!(
            lz4.finish().unwrap_err().kind(),
            io::ErrorKind::UnexpectedEof
        );
        assert!(Lz4::default().write(b"nope").is_err());
        assert!(
            Lz4::default()
                .write(&[4, 0x22, 0x4D, 0x18, 0x64, 0x70, 0])
                .is_err()
        );
        let mut snappy = Snappy::default();
        snappy.write(SNAPPY_FRAMES).unwrap();
        snappy.write(&[0, 9, 0, 0, 1]).unwrap();
        assert!(snappy.finish().is_err());
        assert!(
            Snappy::default()
                .write(&[0, 5, 0, 0, 1, 2, 3, 4, 5])
                .is_err()
        );
    }
}
