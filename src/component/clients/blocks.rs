//! Reads a file in blocks.
//!
//! What the system has in memory is read where it is asked for: a hop to another thread and back costs as much as copying the
//! block. What has to be waited for is read on a thread that may wait, one block ahead of whoever takes them.

use bytes::Bytes;
use std::{
    fs::{File, Metadata},
    io::{self, Read},
    path::PathBuf,
};
use tokio::task::{JoinHandle, consume_budget, spawn_blocking};

/// Large enough that handing a block over costs little beside its bytes, small enough to stay in a cache.
const BLOCK: usize = 256 * 1024;

/// The blocks of a file. Dropping a future of it loses nothing.
pub(crate) struct Blocks {
    ready: Option<Bytes>,
    rest: Rest,
}

/// How the rest of a file is read.
enum Rest {
    /// There is nothing more.
    Ended,
    /// Where it is asked for, since there was no need to wait for what came before.
    Here(File),
    /// By another thread, already.
    Ahead(JoinHandle<io::Result<Read1>>),
}

/// A block, and the file if there is more in it.
struct Read1 {
    block: Bytes,
    rest: Option<File>,
    /// Whether it may have been waited for.
    waited: bool,
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
            ready: None,
            rest: Rest::Ended,
        };
        blocks.ready = blocks.after(read);
        Ok((blocks, metadata))
    }

    /// The next block; none at the end.
    pub async fn next(&mut self) -> io::Result<Option<Bytes>> {
        if let Some(ready) = self.ready.take() {
            return Ok(Some(ready));
        }
        if let Rest::Here(file) = &self.rest {
            // Reading that never waits must not keep others from running.
            consume_budget().await;
            match read_now(file) {
                Some(block) if block.is_empty() => self.rest = Rest::Ended,
                Some(block) => return Ok(Some(block)),
                None => self.read_ahead(),
            }
        }
        let Rest::Ahead(reading) = &mut self.rest else {
            return Ok(None);
        };
        let read = reading.await.expect("reading a file doesn't panic");
        self.rest = Rest::Ended;
        Ok(self.after(read?))
    }

    /// Takes note of what was read, and goes on in the same way.
    fn after(&mut self, read: Read1) -> Option<Bytes> {
        self.rest = read.rest.map_or(Rest::Ended, Rest::Here);
        if read.waited {
            self.read_ahead();
        }
        Some(read.block).filter(|b| !b.is_empty())
    }

    fn read_ahead(&mut self) {
        self.rest = match std::mem::replace(&mut self.rest, Rest::Ended) {
            Rest::Here(file) => Rest::Ahead(spawn_blocking(move || read_block(file))),
            other => other,
        };
    }
}

fn read_block(mut file: File) -> io::Result<Read1> {
    if let Some(block) = read_now(&file) {
        let rest = (!block.is_empty()).then_some(file);
        return Ok(Read1 {
            block,
            rest,
            waited: false,
        });
    }
    let mut block = Vec::with_capacity(BLOCK);
    (&mut file).take(BLOCK as u64).read_to_end(&mut block)?;
    let rest = (block.len() == BLOCK).then_some(file);
    if rest.is_none() {
        block.shrink_to_fit();
    }
    Ok(Read1 {
        block: block.into(),
        rest,
        waited: true,
    })
}

/// Reads what is in memory of the next block, which is empty at the end of the file; none if that is nothing, or can't be told.
#[cfg(target_os = "linux")]
fn read_now(file: &File) -> Option<Bytes> {
    use std::os::fd::AsRawFd;
    let mut block: Vec<u8> = Vec::with_capacity(BLOCK);
    let room = libc::iovec {
        iov_base: block.as_mut_ptr().cast(),
        iov_len: BLOCK,
    };
    /// From where the file was read last.
    const ON: libc::off_t = -1;
    // SAFETY: the file is open; `room` is the memory that `block` has allocated and that nothing else refers to.
    let read = unsafe { libc::preadv2(file.as_raw_fd(), &room, 1, ON, libc::RWF_NOWAIT) };
    let read = usize::try_from(read).ok()?;
    // SAFETY: the call has written so many bytes from the start of `block`, and not more than its capacity.
    unsafe { block.set_len(read) };
    // Little of a file, or of what was read ahead.
    if read < BLOCK / 2 {
        block.shrink_to_fit();
    }
    Some(block.into())
}

#[cfg(not(target_os = "linux"))]
fn read_now(_: &File) -> Option<Bytes> {
    None
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
