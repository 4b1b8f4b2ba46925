//! Compressed bytes, by the names that configs and mappings use for the algorithms.
//!
//! Errors are worded as Go's libraries word them, since configs match on them.

use lz4_flex::frame::{BlockSize, FrameEncoder, FrameInfo};
use std::io::{self, Read, Write};

/// The most bytes that decompressing may give: a few kilobytes can hold gigabytes of zeros.
pub const MAX_DECOMPRESSED: u64 = 1 << 30;

/// A way of compressing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    Bzip2,
    /// Deflate without a header.
    Flate,
    /// Also what `pgzip` names: the same format, in Bento made by several threads.
    Gzip,
    Lz4,
    /// In one block; streams (in frames) are read too.
    Snappy,
    Zlib,
    Zstd,
}

impl Algorithm {
    /// The algorithm of this name.
    pub fn from_name(name: &str) -> Option<Algorithm> {
        Some(match name {
            "bzip2" => Algorithm::Bzip2,
            "flate" => Algorithm::Flate,
            "gzip" | "pgzip" => Algorithm::Gzip,
            "lz4" => Algorithm::Lz4,
            "snappy" => Algorithm::Snappy,
            "zlib" => Algorithm::Zlib,
            "zstd" => Algorithm::Zstd,
            _ => return None,
        })
    }

    /// Compresses. `level` is -1 for the algorithm's default, else from 0 (none) to 9 (small), where the algorithm has levels.
    pub fn compress(self, level: i64, bytes: &[u8]) -> Result<Vec<u8>, String> {
        let deflate = || match level {
            -1 => Ok(flate2::Compression::default()),
            -2 => Ok(flate2::Compression::fast()),
            0..=9 => Ok(flate2::Compression::new(level as u32)),
            _ => Err(match self {
                Algorithm::Gzip => format!("gzip: invalid compression level: {level}"),
                Algorithm::Zlib => format!("zlib: invalid compression level: {level}"),
                _ => {
                    format!("flate: invalid compression level {level}: want value in range [-2, 9]")
                }
            }),
        };
        let out = Vec::with_capacity(bytes.len() / 4 + 64);
        let done = match self {
            Algorithm::Gzip => {
                let mut encoder = flate2::write::GzEncoder::new(out, deflate()?);
                encoder.write_all(bytes).and_then(|()| encoder.finish())
            }
            Algorithm::Zlib => {
                let mut encoder = flate2::write::ZlibEncoder::new(out, deflate()?);
                encoder.write_all(bytes).and_then(|()| encoder.finish())
            }
            Algorithm::Flate => {
                let mut encoder = flate2::write::DeflateEncoder::new(out, deflate()?);
                encoder.write_all(bytes).and_then(|()| encoder.finish())
            }
            Algorithm::Bzip2 => {
                let level = if (1..=9).contains(&level) {
                    level as u32
                } else {
                    6
                };
                let mut encoder = bzip2::write::BzEncoder::new(out, bzip2::Compression::new(level));
                encoder.write_all(bytes).and_then(|()| encoder.finish())
            }
            Algorithm::Lz4 => {
                let info = FrameInfo::new()
                    .block_size(BlockSize::Max4MB)
                    .content_checksum(true);
                let mut encoder = FrameEncoder::with_frame_info(info, out);
                let written = encoder.write_all(bytes);
                written.and_then(|()| encoder.finish().map_err(io::Error::other))
            }
            Algorithm::Snappy => snap::raw::Encoder::new()
                .compress_vec(bytes)
                .map_err(io::Error::other),
            Algorithm::Zstd => {
                let level = if (1..=19).contains(&level) {
                    level as i32
                } else {
                    3
                };
                zstd::bulk::compress(bytes, level)
            }
        };
        done.map_err(|e| e.to_string())
    }

    /// Decompresses, to [`MAX_DECOMPRESSED`] bytes at most.
    pub fn decompress(self, bytes: &[u8]) -> Result<Vec<u8>, String> {
        // Frames may follow each other, and nothing is a row of none.
        if bytes.is_empty() && matches!(self, Algorithm::Lz4 | Algorithm::Zstd) {
            return Ok(Vec::new());
        }
        self.check_header(bytes)?;
        match self {
            Algorithm::Gzip => read(
                flate2::read::MultiGzDecoder::new(bytes),
                "gzip: invalid header",
            ),
            Algorithm::Zlib => read(
                flate2::read::ZlibDecoder::new(bytes),
                "zlib: invalid header",
            ),
            Algorithm::Flate => read(
                flate2::read::DeflateDecoder::new(bytes),
                &format!("flate: corrupt input before offset {}", flate_offset(bytes)),
            ),
            Algorithm::Bzip2 => read(
                bzip2::read::MultiBzDecoder::new(bytes),
                "bzip2 data invalid: bad magic value",
            ),
            Algorithm::Lz4 => read(
                lz4_flex::frame::FrameDecoder::new(bytes),
                "lz4: invalid source",
            ),
            Algorithm::Snappy if bytes.starts_with(b"\xff\x06\x00\x00sNaPpY") => {
                read(snap::read::FrameDecoder::new(bytes), "s2: corrupt input")
            }
            Algorithm::Snappy => {
                let length = snap::raw::decompress_len(bytes);
                if length.as_ref().is_ok_and(|n| *n as u64 > MAX_DECOMPRESSED) {
                    return Err(too_large());
                }
                snap::raw::Decoder::new()
                    .decompress_vec(bytes)
                    .map_err(|_| "s2: corrupt input".into())
            }
            Algorithm::Zstd => {
                let decoder = zstd::stream::read::Decoder::with_buffer(bytes);
                read(
                    decoder.map_err(|e| e.to_string())?,
                    "invalid input: magic number mismatch",
                )
            }
        }
    }

    /// Whether the bytes begin as they must.
    fn check_header(self, bytes: &[u8]) -> Result<(), String> {
        let (length, begins, wrong): (usize, &[u8], &str) = match self {
            Algorithm::Gzip => (10, b"\x1f\x8b\x08", "gzip: invalid header"),
            Algorithm::Zlib => {
                let header = bytes.get(..2).map(|h| u16::from_be_bytes([h[0], h[1]]));
                return match header {
                    None => Err("unexpected EOF".into()),
                    Some(h) if h >> 8 & 0x0f == 8 && h % 31 == 0 => Ok(()),
                    Some(_) => Err("zlib: invalid header".into()),
                };
            }
            Algorithm::Lz4 => (4, b"\x04\x22\x4d\x18", "lz4: bad magic number"),
            Algorithm::Bzip2 => (3, b"BZh", "bzip2 data invalid: bad magic value"),
            Algorithm::Zstd => (
                4,
                b"\x28\xb5\x2f\xfd",
                "invalid input: magic number mismatch",
            ),
            Algorithm::Flate | Algorithm::Snappy => return Ok(()),
        };
        match bytes {
            b"" if self == Algorithm::Bzip2 => Err("unexpected EOF".into()),
            b"" => Err("EOF".into()),
            _ if bytes.len() < length => Err("unexpected EOF".into()),
            _ if !bytes.starts_with(begins) => Err(wrong.into()),
            _ => Ok(()),
        }
    }
}

/// Reads a decoder to its end.
fn read(decoder: impl Read, corrupt: &str) -> Result<Vec<u8>, String> {
    let mut out = Vec::new();
    match decoder.take(MAX_DECOMPRESSED + 1).read_to_end(&mut out) {
        Ok(_) if out.len() as u64 > MAX_DECOMPRESSED => Err(too_large()),
        Ok(_) => Ok(out),
        Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => Err("unexpected EOF".into()),
        Err(_) => Err(corrupt.into()),
    }
}

/// How many bytes of deflated data are read when its first block turns out not to be one. Where its codes are wrong, and not
/// its header, this isn't known.
fn flate_offset(bytes: &[u8]) -> usize {
    match bytes.first().map(|b| b >> 1 & 3) {
        Some(3) => 1,
        Some(0) => 5,
        _ => 0,
    }
}

fn too_large() -> String {
    format!("decompressing gives more than {MAX_DECOMPRESSED} bytes")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const NAMES: [&str; 8] = [
        "bzip2", "flate", "gzip", "lz4", "pgzip", "snappy", "zlib", "zstd",
    ];

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]
        #[test]
        fn what_is_compressed_comes_back(bytes in prop::collection::vec(0u8..8, 0..2000), level in -1i64..10) {
            for name in NAMES {
                let algorithm = Algorithm::from_name(name).expect("it is one");
                let small = algorithm.compress(level, &bytes).expect("it compresses");
                prop_assert_eq!(algorithm.decompress(&small), Ok(bytes.clone()), "{}", name);
                // Whatever is cut off, it ends with an error or an answer.
                let _ = algorithm.decompress(&small[..small.len() / 2]);
            }
        }

        #[test]
        fn noise_is_an_error_or_an_answer(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
            for name in NAMES {
                let _ = Algorithm::from_name(name).expect("it is one").decompress(&bytes);
            }
        }
    }

    #[test]
    fn errors_have_the_words_that_people_match_on() {
        for (name, bytes, error) in [
            ("gzip", &b"nope"[..], "unexpected EOF"),
            ("gzip", b"not a gzip file", "gzip: invalid header"),
            ("zlib", b"nope", "zlib: invalid header"),
            ("flate", b"nope", "flate: corrupt input before offset 1"),
            ("flate", b"xxxxxxx", "flate: corrupt input before offset 5"),
            ("bzip2", b"", "unexpected EOF"),
            ("lz4", b"nope", "lz4: bad magic number"),
            ("snappy", b"nope", "s2: corrupt input"),
            ("bzip2", b"nope", "bzip2 data invalid: bad magic value"),
        ] {
            let algorithm = Algorithm::from_name(name).expect("it is one");
            assert_eq!(algorithm.decompress(bytes), Err(error.to_owned()), "{name}");
        }
        for algorithm in [Algorithm::Lz4, Algorithm::Zstd] {
            assert_eq!(algorithm.decompress(b""), Ok(Vec::new()), "{algorithm:?}");
        }
        let gzip = Algorithm::Gzip.compress(77, b"x");
        assert_eq!(gzip, Err("gzip: invalid compression level: 77".into()));
    }
}
