//! `file`: files by a path that may depend on the message.

use crate::bloblang::Interpolated;
use crate::component::{
    BatchError, BuildOutput, Context, Fence, Output, WriteError, Writer, clients::codec::Codec,
};
use crate::formats::os_error;
use crate::message::{Batch, Message};
use anyhow::Context as _;
use async_trait::async_trait;
use parking_lot::Mutex;
use std::{
    collections::HashMap,
    fs::{self, File, OpenOptions},
    io::{Seek, Write},
    path::Path,
    sync::Arc,
};

crate::fields! {
    /// Where and how messages are written.
    pub struct Config {
        /// The file for a message; folders on the way are made.
        path: Interpolated,
        /// What follows each message: `lines` for a line feed, `delim:x` for any text, `append` for nothing. With `all-bytes` each message
        /// replaces the file.
        codec: Codec = "lines",
    }
}

crate::spec! {
    /// Appends messages to files, or makes each a file of its own.
    dyn BuildOutput, "file", Config
}

/// How many files are kept open.
const MAX_OPEN: usize = 64;

impl BuildOutput for Config {
    fn build(&self, context: &Context) -> anyhow::Result<Output> {
        Ok(Output::Writer {
            writer: Box::new(Files {
                path: self.path.clone(),
                codec: self.codec.clone(),
                fence: context.wiring.fence().clone(),
                state: Mutex::default(),
            }),
            max_in_flight: 1,
            batching: None,
        })
    }
}

struct Files {
    path: Interpolated,
    codec: Codec,
    fence: Fence,
    /// Taken for the time of a write, which happens on a blocking thread.
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    open: HashMap<Arc<str>, File>,
    pending: Vec<Pending>,
    /// Buffers kept between writes, so that their memory is.
    spare: Vec<Vec<u8>>,
}

/// What is to be written to one file.
struct Pending {
    path: Arc<str>,
    bytes: Vec<u8>,
    /// The first batch that has a part in it.
    first: usize,
}

impl State {
    /// Where to put a message for this path: the latest part for it, unless each message replaces the file.
    fn pending(&mut self, path: &str, batch: usize, replaces: bool) -> &mut Vec<u8> {
        let found = match self.pending.last() {
            Some(last) if *last.path == *path => Some(self.pending.len() - 1),
            _ => self.pending.iter().position(|p| *p.path == *path),
        };
        let at = match found {
            Some(at) => {
                if replaces {
                    self.pending[at].bytes.clear();
                }
                at
            }
            None => {
                self.pending.push(Pending {
                    path: path.into(),
                    bytes: self.spare.pop().unwrap_or_default(),
                    first: batch,
                });
                self.pending.len() - 1
            }
        };
        &mut self.pending[at].bytes
    }

    /// Writes everything; on a failure says what fails and from which batch on it may be missing.
    fn write(&mut self, replaces: bool, fence: &Fence) -> Result<(), (usize, anyhow::Error)> {
        let mut failure: Option<(usize, anyhow::Error)> = None;
        for mut pending in std::mem::take(&mut self.pending) {
            let result = self.write_one(&pending, replaces, fence);
            if let Err(error) = result {
                self.open.remove(&pending.path);
                let earlier = failure
                    .as_ref()
                    .is_none_or(|(first, _)| pending.first < *first);
                if earlier {
                    failure = Some((pending.first, error));
                }
            }
            pending.bytes.clear();
            if self.spare.len() < 4 && pending.bytes.capacity() <= 4 << 20 {
                self.spare.push(pending.bytes);
            }
        }
        failure.map_or(Ok(()), Err)
    }

    fn write_one(
        &mut self,
        pending: &Pending,
        replaces: bool,
        fence: &Fence,
    ) -> anyhow::Result<()> {
        if replaces {
            make_folder(&pending.path)?;
            still_owned(fence)?;
            let written = fs::write(&*pending.path, &pending.bytes);
            return written.map_err(|e| failed("open", &pending.path, &e));
        }
        if !self.open.contains_key(&pending.path) {
            if self.open.len() >= MAX_OPEN {
                self.open.clear();
            }
            make_folder(&pending.path)?;
            let file = OpenOptions::new()
                .append(true)
                .create(true)
                .open(&*pending.path)
                .map_err(|e| failed("open", &pending.path, &e))?;
            self.open.insert(pending.path.clone(), file);
        }
        let file = self.open.get_mut(&pending.path).expect("just opened");
        still_owned(fence)?;
        append(file, &pending.bytes).with_context(|| format!("write {}", pending.path))
    }
}

/// Fails when the lease is over by now. The engine asks before it calls; between that and the system call lies the way to another thread,
/// on which a process that is stopped would wake up.
fn still_owned(fence: &Fence) -> anyhow::Result<()> {
    anyhow::ensure!(
        fence.is_open(),
        "the lease ended before the write had begun"
    );
    Ok(())
}

/// Appends all of it or nothing: what a full disk takes of it is cut off again, since the whole is written again later and
/// would follow half of a line. Only what still is the end of the file is cut: others may append too.
fn append(file: &mut File, mut bytes: &[u8]) -> anyhow::Result<()> {
    let mut written = 0;
    while !bytes.is_empty() {
        match file.write(bytes) {
            Ok(0) => {
                take_back(file, written);
                anyhow::bail!("the file takes nothing more");
            }
            Ok(count) => {
                written += count as u64;
                bytes = &bytes[count..];
            }
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => {
                take_back(file, written);
                return Err(error.into());
            }
        }
    }
    Ok(())
}

/// Cuts what the last writes appended off again, if it is what the file ends with.
fn take_back(file: &mut File, written: u64) {
    if written == 0 {
        return;
    }
    // After an append the position is behind what was written.
    if let (Ok(position), Ok(meta)) = (file.stream_position(), file.metadata())
        && meta.len() == position
        && position >= written
        && let Err(error) = file.set_len(position - written)
    {
        tracing::warn!("half a message stays at the end of a file: {error}");
    }
}

fn make_folder(path: &str) -> anyhow::Result<()> {
    match Path::new(path).parent() {
        Some(folder) if !folder.as_os_str().is_empty() => {
            fs::create_dir_all(folder).map_err(|e| failed("mkdir", &folder.to_string_lossy(), &e))
        }
        _ => Ok(()),
    }
}

/// An error in the words of Go: `open out.txt: permission denied`.
fn failed(operation: &str, path: &str, error: &std::io::Error) -> anyhow::Error {
    anyhow::anyhow!("{operation} {path}: {}", os_error::reason(error))
}

impl Files {
    /// Puts one batch aside for writing; the error names the messages that have no path.
    fn add(&self, state: &mut State, index: usize, batch: &[Message]) -> Result<(), BatchError> {
        let replaces = self.codec == Codec::AllBytes;
        let mut failed = Vec::new();
        for message in batch {
            // The message is evaluated by itself: its place in the batch doesn't count here.
            let text = match self.path.as_static() {
                Some(path) => Ok(path.clone()),
                None => self.path.text(std::slice::from_ref(message), 0),
            };
            match text {
                Ok(path) => {
                    let out = state.pending(&path, index, replaces);
                    self.codec.write(message.bytes(), out);
                }
                Err(error) => {
                    let reason = format!("path interpolation error: {error}");
                    failed.push((message, Arc::from(reason)));
                }
            }
        }
        match failed.is_empty() {
            true => Ok(()),
            false => Err(BatchError::of_messages(failed)),
        }
    }

    async fn put(
        &self,
        batches: impl Iterator<Item = &[Message]>,
    ) -> Result<(), (usize, WriteError)> {
        let mut state = std::mem::take(&mut *self.state.lock());
        let mut failed = None;
        for (index, batch) in batches.enumerate() {
            if let Err(error) = self.add(&mut state, index, batch) {
                failed = Some((index, WriteError::Failed(error)));
                break;
            }
        }
        let replaces = self.codec == Codec::AllBytes;
        let fence = self.fence.clone();
        let written = tokio::task::spawn_blocking(move || {
            let result = state.write(replaces, &fence);
            (state, result)
        });
        let (state, result) = written.await.map_err(|e| (0, WriteError::from(e)))?;
        *self.state.lock() = state;
        result.map_err(|(index, error)| (index, WriteError::from(error)))?;
        failed.map_or(Ok(()), Err)
    }
}

#[async_trait]
impl Writer for Files {
    async fn connect(&self) -> anyhow::Result<()> {
        Ok(())
    }

    async fn write(&self, batch: &[Message]) -> Result<(), WriteError> {
        let written = self.put(std::iter::once(batch)).await;
        written.map_err(|(_, error)| error)
    }

    async fn write_run(&self, run: &[Batch]) -> Result<(), (usize, WriteError)> {
        self.put(run.iter().map(|b| b.as_slice())).await
    }

    fn takes_runs(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_full_disk_took_is_cut_off_again() {
        let path = std::env::temp_dir().join(format!("airtruct-append-{}", std::process::id()));
        let mut file = OpenOptions::new()
            .append(true)
            .create(true)
            .open(&path)
            .expect("a file");
        append(&mut file, b"whole\n").expect("there is room");
        // As a write would that the disk had room for half of.
        file.write_all(b"ha").expect("there is room");
        take_back(&mut file, 2);
        append(&mut file, b"half\n").expect("there is room");
        // What somebody else appended meanwhile stays.
        file.write_all(b"mine\n").expect("there is room");
        let mut other = OpenOptions::new().append(true).open(&path).expect("a file");
        other.write_all(b"theirs\n").expect("there is room");
        take_back(&mut file, 5);
        let text = fs::read_to_string(&path).expect("the file");
        let _ = fs::remove_file(&path);
        assert_eq!(text, "whole\nhalf\nmine\ntheirs\n");
    }

    #[test]
    fn nothing_is_written_after_the_lease() {
        let path = std::env::temp_dir().join(format!("airtruct-fenced-{}", std::process::id()));
        let mut state = State::default();
        let text = path.to_string_lossy().into_owned();
        state.pending(&text, 0, false).extend_from_slice(b"line\n");
        let fence = Fence::until(0);
        let (batch, error) = state.write(false, &fence).expect_err("the lease is over");
        assert_eq!(batch, 0);
        assert!(
            format!("{error:#}").contains("the lease ended"),
            "{error:#}"
        );
        assert_eq!(fs::read(&path).map(|bytes| bytes.len()).unwrap_or(0), 0);
        let _ = fs::remove_file(&path);
    }
}
