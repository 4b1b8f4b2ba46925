//! Reads a file in blocks, one ahead of whoever takes them.

use bytes::Bytes;
use std::{
    fs::{File, Metadata},
    io::{self, Read},
    path::PathBuf,
};
use tokio::task::{JoinHandle, spawn_blocking};

/// Large enough that handing a block over costs little beside its bytes, small enough to stay in a cache.
const BLOCK: usize = 256 * 1024;

/// The blocks of a file. Dropping a future of it loses nothing.
pub(crate) struct Blocks {
    ready: Option<Bytes>,
    reading: Option<JoinHandle<io::Result<Read1>>>,
}

/// A block, and the file if there is more in it.
struct Read1 {
    block: Bytes,
    rest: Option<File>,
}

impl Blocks {
    /// Opens a file and reads its first block, so that a small file costs one hop to a blocking thread.
    pub async fn open(path: PathBuf) -> io::Result<(Blocks, Metadata)> {
        let (read, metadata) = spawn_blocking(move || {
            let file = File::open(path)?;
            let metadata = file.metadata()?;
            Ok::<_, io::Error>((read_block(file)?, metadata))
        })
        .await
        .expect("reading a file doesn't panic")?;
        let mut blocks = Blocks {
            ready: Some(read.block),
            reading: None,
        };
        blocks.read_on(read.rest);
        Ok((blocks, metadata))
    }

    /// The next block; none at the end.
    pub async fn next(&mut self) -> io::Result<Option<Bytes>> {
        if let Some(ready) = self.ready.take().filter(|b| !b.is_empty()) {
            return Ok(Some(ready));
        }
        let Some(reading) = &mut self.reading else {
            return Ok(None);
        };
        let read = reading.await.expect("reading a file doesn't panic");
        self.reading = None;
        let read = read?;
        self.read_on(read.rest);
        Ok(Some(read.block).filter(|b| !b.is_empty()))
    }

    fn read_on(&mut self, rest: Option<File>) {
        self.reading = rest.map(|file| spawn_blocking(move || read_block(file)));
    }
}

fn read_block(mut file: File) -> io::Result<Read1> {
    let mut block = Vec::with_capacity(BLOCK);
    (&mut file).take(BLOCK as u64).read_to_end(&mut block)?;
    let rest = (block.len() == BLOCK).then_some(file);
    if rest.is_none() {
        block.shrink_to_fit();
    }
    Ok(Read1 {
        block: block.into(),
        rest,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn blocks_make_the_file() {
        let directory = std::env::temp_dir().join(format!("blocks-{}", uuid::Uuid::new_v4()));
        std::fs::create_dir(&directory).expect("a folder");
        for size in [0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK] {
            let path = directory.join(size.to_string());
            let content: Vec<u8> = (0..size).map(|i| (i % 251) as u8).collect();
            std::fs::write(&path, &content).expect("written");
            let (mut blocks, metadata) = Blocks::open(path).await.expect("opened");
            assert_eq!(metadata.len(), size as u64);
            let mut read = Vec::new();
            while let Some(block) = blocks.next().await.expect("read") {
                read.extend_from_slice(&block);
            }
            assert!(read == content, "{size}");
        }
        std::fs::remove_dir_all(directory).expect("removed");
    }
}
