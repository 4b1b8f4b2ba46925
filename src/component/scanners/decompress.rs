//! `decompress`: unpacks, and hands what comes out to another scanner.

use crate::component::{BuildScanner, Context, Scan, Scanner, ScannerConfig};
use crate::formats::frames::{self, SNAPPY_FRAMES};
use crate::message::Batch;
use anyhow::{Context as _, ensure};
use bytes::Bytes;
use flate2::write::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};
use std::{
    io::{self, Write},
    sync::Arc,
};

crate::choice! {
    /// How the bytes are packed.
    pub enum Algorithm {
        Bzip2 = "bzip2",
        Flate = "flate",
        Gzip = "gzip",
        Lz4 = "lz4",
        /// The same as `gzip`.
        Pgzip = "pgzip",
        Snappy = "snappy",
        Zlib = "zlib",
        Zstd = "zstd",
    }
}

crate::fields! {
    /// How the bytes are packed, and what is in them.
    pub struct Config {
        /// How the bytes are packed.
        algorithm: Algorithm,
        /// Cuts what comes out into messages.
        into: ScannerConfig = "{to_the_end: {}}",
    }
}

crate::spec! {
    /// Unpacks compressed bytes as they come, and hands what comes out to another scanner.
    dyn BuildScanner, "decompress", Config
}

/// How much is unpacked at a time: what comes out may be a thousand times as much.
const STEP: usize = 16 * 1024;

/// The largest block of snappy, which is unpacked at once.
const LIMIT: usize = 1 << 30;

impl BuildScanner for Config {
    fn build(&self, cx: &Context) -> anyhow::Result<Arc<dyn Scanner>> {
        Ok(Arc::new(Decompress {
            algorithm: self.algorithm,
            into: cx.scanner(&self.into)?,
        }))
    }
}

struct Decompress {
    algorithm: Algorithm,
    into: Arc<dyn Scanner>,
}

impl Scanner for Decompress {
    fn open(&self, name: &str) -> Box<dyn Scan> {
        Box::new(Unpacking {
            algorithm: self.algorithm,
            unpacker: None,
            scan: self.into.open(name),
        })
    }
}

struct Unpacking {
    algorithm: Algorithm,
    /// Made with the first bytes.
    unpacker: Option<Unpacker>,
    scan: Box<dyn Scan>,
}

/// Unpacks what is written to it.
enum Unpacker {
    Gzip(MultiGzDecoder<Vec<u8>>),
    Zlib(ZlibDecoder<Vec<u8>>),
    Flate(DeflateDecoder<Vec<u8>>),
    Bzip2(bzip2::write::BzDecoder<Vec<u8>>),
    Zstd(zstd::stream::write::Decoder<'static, Vec<u8>>),
    Lz4(frames::Lz4),
    Snappy(frames::Snappy),
    /// Snappy of which it isn't known yet whether it is made of frames.
    Begun(Vec<u8>),
    /// One block of snappy, which has to be there in full.
    Block(Vec<u8>),
}

impl Unpacker {
    fn new(algorithm: Algorithm) -> io::Result<Unpacker> {
        let out = Vec::new();
        Ok(match algorithm {
            Algorithm::Gzip | Algorithm::Pgzip => Unpacker::Gzip(MultiGzDecoder::new(out)),
            Algorithm::Zlib => Unpacker::Zlib(ZlibDecoder::new(out)),
            Algorithm::Flate => Unpacker::Flate(DeflateDecoder::new(out)),
            Algorithm::Bzip2 => Unpacker::Bzip2(bzip2::write::BzDecoder::new(out)),
            Algorithm::Zstd => Unpacker::Zstd(zstd::stream::write::Decoder::new(out)?),
            Algorithm::Lz4 => Unpacker::Lz4(frames::Lz4::default()),
            Algorithm::Snappy => Unpacker::Begun(out),
        })
    }

    /// Unpacks more: what comes out, also if what follows it turns out to be wrong.
    fn write(&mut self, bytes: &[u8]) -> (Vec<u8>, io::Result<()>) {
        let (result, out) = match self {
            Unpacker::Gzip(d) => (d.write_all(bytes), d.get_mut()),
            Unpacker::Zlib(d) => (d.write_all(bytes), d.get_mut()),
            Unpacker::Flate(d) => (d.write_all(bytes), d.get_mut()),
            Unpacker::Bzip2(d) => (d.write_all(bytes), d.get_mut()),
            Unpacker::Zstd(d) => (d.write_all(bytes).and_then(|()| d.flush()), d.get_mut()),
            Unpacker::Lz4(d) => return whole(d.write(bytes)),
            Unpacker::Snappy(d) => return whole(d.write(bytes)),
            Unpacker::Begun(all) => {
                all.extend_from_slice(bytes);
                if all.starts_with(SNAPPY_FRAMES) {
                    let mut frames = frames::Snappy::default();
                    let unpacked = frames.write(all);
                    *self = Unpacker::Snappy(frames);
                    return whole(unpacked);
                }
                if !SNAPPY_FRAMES.starts_with(all) {
                    *self = Unpacker::Block(std::mem::take(all));
                }
                return (Vec::new(), Ok(()));
            }
            Unpacker::Block(all) => {
                all.extend_from_slice(bytes);
                return (Vec::new(), Ok(()));
            }
        };
        (std::mem::take(out), result)
    }

    /// What still comes out at the end, and whether it is one.
    fn finish(self) -> (Vec<u8>, io::Result<()>) {
        let (result, out) = match self {
            Unpacker::Gzip(mut d) => (d.try_finish(), std::mem::take(d.get_mut())),
            Unpacker::Zlib(mut d) => (d.try_finish(), std::mem::take(d.get_mut())),
            Unpacker::Flate(mut d) => (d.try_finish(), std::mem::take(d.get_mut())),
            Unpacker::Bzip2(mut d) => (d.try_finish(), std::mem::take(d.get_mut())),
            Unpacker::Zstd(mut d) => (d.flush(), std::mem::take(d.get_mut())),
            Unpacker::Lz4(d) => (d.finish(), Vec::new()),
            Unpacker::Snappy(d) => (d.finish(), Vec::new()),
            Unpacker::Begun(all) | Unpacker::Block(all) => return whole(raw_snappy(&all)),
        };
        (out, result)
    }
}

/// All of it or an error.
fn whole(unpacked: io::Result<Vec<u8>>) -> (Vec<u8>, io::Result<()>) {
    match unpacked {
        Ok(bytes) => (bytes, Ok(())),
        Err(error) => (Vec::new(), Err(error)),
    }
}

fn raw_snappy(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let length = snap::raw::decompress_len(bytes).map_err(io::Error::other)?;
    if length > LIMIT {
        return Err(io::Error::other("a block of snappy is too large"));
    }
    let unpacked = snap::raw::Decoder::new().decompress_vec(bytes);
    unpacked.map_err(io::Error::other)
}

impl Scan for Unpacking {
    fn push(&mut self, bytes: Bytes, out: &mut Vec<Batch>) -> anyhow::Result<()> {
        for piece in bytes.chunks(STEP) {
            let unpacker = match &mut self.unpacker {
                Some(unpacker) => unpacker,
                none => none.insert(Unpacker::new(self.algorithm)?),
            };
            let (unpacked, result) = unpacker.write(piece);
            if let Unpacker::Block(all) = unpacker {
                ensure!(
                    all.len() <= LIMIT,
                    "more than {LIMIT} bytes to decompress at once"
                );
            }
            if !unpacked.is_empty() {
                self.scan.push(unpacked.into(), out)?;
            }
            result.context("decompress")?;
        }
        Ok(())
    }

    fn finish(&mut self, out: &mut Vec<Batch>) -> anyhow::Result<()> {
        if let Some(unpacker) = self.unpacker.take() {
            let (rest, result) = unpacker.finish();
            let mut rest = Bytes::from(rest);
            while !rest.is_empty() {
                let piece = rest.split_to(rest.len().min(4 * STEP));
                self.scan.push(piece, out)?;
            }
            result.context("decompress")?;
        }
        self.scan.finish(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::component::scanners::testing::batches;
    use crate::formats::compression;
    use crate::message::Message;

    /// Makes a message of each piece.
    struct Pieces;

    impl Scanner for Pieces {
        fn open(&self, _: &str) -> Box<dyn Scan> {
            Box::new(Pieces)
        }
    }

    impl Scan for Pieces {
        fn push(&mut self, bytes: Bytes, out: &mut Vec<Batch>) -> anyhow::Result<()> {
            out.push(Batch::from_buf([Message::new(bytes)]));
            Ok(())
        }

        fn finish(&mut self, _: &mut Vec<Batch>) -> anyhow::Result<()> {
            Ok(())
        }
    }

    fn scanner(algorithm: Algorithm) -> Decompress {
        let into = Arc::new(Pieces);
        Decompress { algorithm, into }
    }

    #[test]
    fn what_was_packed_comes_out() {
        let text: Vec<u8> = (0..100_000u32).flat_map(|n| n.to_le_bytes()).collect();
        for (name, algorithm) in [
            ("gzip", Algorithm::Gzip),
            ("zlib", Algorithm::Zlib),
            ("flate", Algorithm::Flate),
            ("lz4", Algorithm::Lz4),
            ("snappy", Algorithm::Snappy),
        ] {
            let packer = compression::Algorithm::from_name(name).expect(name);
            let packed = packer.compress(-1, &text).expect("packed");
            for size in [1000, packed.len()] {
                let batches = batches(&scanner(algorithm), &packed, size).expect(name);
                let all: Vec<u8> = batches.iter().flat_map(|b| b[0].bytes().to_vec()).collect();
                assert!(all == text, "{name} in pieces of {size}");
            }
        }
        let packed = zstd::encode_all(&text[..], 1).expect("packed");
        let batches = batches(&scanner(Algorithm::Zstd), &packed, 1000).expect("zstd");
        let all: Vec<u8> = batches.iter().flat_map(|b| b[0].bytes().to_vec()).collect();
        assert!(all == text, "zstd");
    }

    #[test]
    fn what_was_not_packed_is_an_error() {
        for algorithm in [
            Algorithm::Gzip,
            Algorithm::Zlib,
            Algorithm::Bzip2,
            Algorithm::Lz4,
        ] {
            assert!(
                batches(&scanner(algorithm), b"nope, nothing", 4).is_err(),
                "{algorithm:?}"
            );
        }
    }

    #[test]
    fn what_came_before_the_fault_is_kept() {
        let packed = compression::Algorithm::Gzip.compress(-1, b"some text");
        let packed = packed.expect("packed");
        let mut scan = scanner(Algorithm::Gzip).open("name");
        let mut out = Vec::new();
        let cut = packed.len() - 4;
        scan.push(Bytes::copy_from_slice(&packed[..cut]), &mut out)
            .expect("so far it is fine");
        assert!(scan.finish(&mut out).is_err());
        let all: Vec<u8> = out.iter().flat_map(|b| b[0].bytes().to_vec()).collect();
        assert_eq!(all, b"some text");
    }
}
