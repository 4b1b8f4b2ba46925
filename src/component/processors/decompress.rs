//! `decompress`: decompresses contents.

use super::flow::each;
use crate::component::{BuildProcessor, Context, Processor};
use crate::formats::compression;

crate::fields! {
    /// How contents are compressed.
    pub struct Config {
        /// The algorithm.
        algorithm: Algorithm,
    }
}

crate::choice! {
    /// A way of compressing.
    pub enum Algorithm {
        Bzip2 = "bzip2",
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
    /// Decompresses the content of each message; one that isn't compressed this way is flagged. `unarchive` behind it
    /// makes a batch of the content.
    dyn BuildProcessor, "decompress", Config
}

impl BuildProcessor for Config {
    fn build(&self, _: &Context) -> anyhow::Result<Processor> {
        use compression::Algorithm as From;
        let algorithm = match self.algorithm {
            Algorithm::Bzip2 => From::Bzip2,
            Algorithm::Flate => From::Flate,
            Algorithm::Gzip | Algorithm::Pgzip => From::Gzip,
            Algorithm::Lz4 => From::Lz4,
            Algorithm::Snappy => From::Snappy,
            Algorithm::Zlib => From::Zlib,
            Algorithm::Zstd => From::Zstd,
        };
        Ok(each(move |message| {
            let decompressed = algorithm.decompress(message.bytes())?;
            message.set_bytes(decompressed);
            Ok(())
        }))
    }
}
