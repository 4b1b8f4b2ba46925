//! `compress`: compresses contents.

use super::flow::each;
use crate::component::{BuildProcessor, Context, Processor};
use crate::formats::compression;

crate::fields! {
    /// How contents are compressed.
    pub struct Config {
        /// The algorithm.
        algorithm: Algorithm,
        /// How hard it tries, from 0 (not at all) to 9, where the algorithm has levels; -1 is its default.
        level: i64 = "-1",
    }
}

crate::choice! {
    /// A way of compressing.
    pub enum Algorithm {
        Flate = "flate",
        Gzip = "gzip",
        Lz4 = "lz4",
        Pgzip = "pgzip",
        Snappy = "snappy",
        Zlib = "zlib",
        Zstd = "zstd",
    }
}

crate::spec! {
    /// Compresses the content of each message. `archive` before it makes one content of a batch.
    dyn BuildProcessor, "compress", Config
}

impl BuildProcessor for Config {
    fn build(&self, _: &Context) -> anyhow::Result<Processor> {
        use compression::Algorithm as To;
        let level = self.level;
        let algorithm = match self.algorithm {
            Algorithm::Flate => To::Flate,
            Algorithm::Gzip | Algorithm::Pgzip => To::Gzip,
            Algorithm::Lz4 => To::Lz4,
            Algorithm::Snappy => To::Snappy,
            Algorithm::Zlib => To::Zlib,
            Algorithm::Zstd => To::Zstd,
        };
        Ok(each(move |message| {
            let compressed = algorithm.compress(level, message.bytes())?;
            message.set_bytes(compressed);
            Ok(())
        }))
    }
}
