//! `file_tail`: the lines of a file as they are appended.

use crate::component::{Ack, BuildInput, Context, Input, ReadError, Reader, Run, Transaction};
use crate::message::{Batch, Message};
use crate::value::{Str, Value};
use anyhow::{Context as _, ensure};
use async_trait::async_trait;
use bytes::Bytes;
use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom},
    os::unix::fs::MetadataExt,
    path::PathBuf,
    time::Duration,
};
use tokio::{
    task::{JoinHandle, spawn_blocking},
    time::{Instant, sleep_until},
};

crate::choice! {
    /// Where to begin.
    pub enum Position {
        Start = "start",
        End = "end",
    }
}

crate::fields! {
    /// The file.
    pub struct Config {
        /// The file.
        path: String,
        /// How often to look whether it has grown.
        poll_interval: Duration = "1s",
        /// How many lines are handed on at a time.
        line_buffer: usize = "1000",
        /// Where to begin.
        start_position: Position = "start",
        /// Whether messages that weren't delivered are sent again.
        auto_replay_nacks: bool = "true",
    }
}

crate::spec! {
    /// Follows a file as lines are appended to it, also when it is cut off or replaced by another (rotated). Messages have the
    /// metadata `file_tail_path` and `file_tail_position`, the place in the file where the line ends.
    dyn BuildInput, "file_tail", Config, Experimental
}

/// How many bytes are read at a time.
const BLOCK: u64 = 256 * 1024;

/// The longest line in bytes.
const MAX_LINE: usize = 16 << 20;

impl BuildInput for Config {
    fn build(&self, _: &Context) -> anyhow::Result<Input> {
        ensure!(self.line_buffer > 0, "line_buffer must be at least 1");
        Ok(Input::Reader {
            reader: Box::new(Tail {
                config: self.clone(),
                open: None,
                reading: None,
                begun: Vec::new(),
                begins_at_end: self.start_position == Position::End,
                due: Instant::now(),
                lines: Vec::new(),
            }),
            auto_replay: self.auto_replay_nacks,
        })
    }
}

struct Tail {
    config: Config,
    open: Option<Followed>,
    /// A read that is under way; it goes on if nobody waits for it.
    reading: Option<JoinHandle<io::Result<Looked>>>,
    /// A line whose end hasn't come yet.
    begun: Vec<u8>,
    /// Whether to skip what is there; only at the first time.
    begins_at_end: bool,
    /// When to look again.
    due: Instant,
    /// Lines that were read, the last first, with the place where each ends.
    lines: Vec<(Bytes, u64)>,
}

/// The file, and how far it was read.
struct Followed {
    file: File,
    position: u64,
}

/// What a look at the file gave.
struct Looked {
    followed: Followed,
    bytes: Vec<u8>,
    /// Whether what comes is from the beginning of the file, or of another.
    is_anew: bool,
}

/// Reads what was appended, or from the beginning if the file was cut off or replaced.
fn look(mut followed: Followed, path: PathBuf) -> io::Result<Looked> {
    let mut bytes = Vec::new();
    (&mut followed.file).take(BLOCK).read_to_end(&mut bytes)?;
    followed.position += bytes.len() as u64;
    let mut is_anew = false;
    if bytes.is_empty() {
        let ours = followed.file.metadata()?;
        // While a file is being replaced there may be none.
        let there = std::fs::metadata(&path).ok();
        let replaced = there.is_some_and(|t| (t.dev(), t.ino()) != (ours.dev(), ours.ino()));
        if replaced {
            followed.file = File::open(path)?;
            is_anew = true;
        } else if ours.len() < followed.position {
            followed.file.seek(SeekFrom::Start(0))?;
            is_anew = true;
        }
        if is_anew {
            followed.position = 0;
        }
    }
    Ok(Looked {
        followed,
        bytes,
        is_anew,
    })
}

impl Tail {
    /// Cuts what was read into lines; `end` is the place where it ends.
    fn cut(&mut self, bytes: Vec<u8>, end: u64) -> anyhow::Result<()> {
        let start = end - bytes.len() as u64;
        let bytes = Bytes::from(bytes);
        let (mut from, mut lines) = (0, Vec::new());
        for at in memchr::memchr_iter(b'\n', &bytes) {
            let mut line = match self.begun.is_empty() {
                true => bytes.slice(from..at),
                false => {
                    self.begun.extend_from_slice(&bytes[from..at]);
                    std::mem::take(&mut self.begun).into()
                }
            };
            if line.ends_with(b"\r") {
                line.truncate(line.len() - 1);
            }
            from = at + 1;
            lines.push((line, start + from as u64));
        }
        self.begun.extend_from_slice(&bytes[from..]);
        lines.reverse();
        lines.append(&mut self.lines);
        self.lines = lines;
        if self.begun.len() > MAX_LINE {
            self.begun.clear();
            anyhow::bail!("a line is longer than {MAX_LINE} bytes and is left out");
        }
        Ok(())
    }

    fn take(&mut self) -> Run {
        let from = self.lines.len().saturating_sub(self.config.line_buffer);
        let lines = self.lines.split_off(from);
        let transaction = |(line, position): (Bytes, u64)| {
            let mut message = Message::new(line);
            let metadata = message.metadata_mut();
            metadata.set(
                Str::from_static("file_tail_path"),
                self.config.path.as_str(),
            );
            let position = Value::Int(position as i64);
            metadata.set(Str::from_static("file_tail_position"), position);
            Transaction {
                batch: Batch::from_buf([message]),
                ack: Ack::none(),
            }
        };
        lines.into_iter().rev().map(transaction).collect()
    }
}

#[async_trait]
impl Reader for Tail {
    async fn connect(&mut self) -> anyhow::Result<()> {
        if self.open.is_some() || self.reading.is_some() {
            return Ok(());
        }
        let path = PathBuf::from(&self.config.path);
        let from_end = self.begins_at_end;
        let opened = spawn_blocking(move || {
            let mut file = File::open(path)?;
            let position = match from_end {
                true => file.seek(SeekFrom::End(0))?,
                false => 0,
            };
            Ok::<_, io::Error>(Followed { file, position })
        });
        let opened = opened.await?;
        self.open = Some(opened.with_context(|| format!("open {}", self.config.path))?);
        self.begins_at_end = false;
        Ok(())
    }

    async fn read(&mut self) -> Result<Run, ReadError> {
        loop {
            if !self.lines.is_empty() {
                return Ok(self.take());
            }
            let reading = match &mut self.reading {
                Some(reading) => reading,
                none => {
                    sleep_until(self.due).await;
                    let Some(followed) = self.open.take() else {
                        return Err(ReadError::NotConnected);
                    };
                    let path = PathBuf::from(&self.config.path);
                    none.insert(spawn_blocking(move || look(followed, path)))
                }
            };
            let looked = reading.await;
            self.reading = None;
            let looked = match looked {
                Ok(Ok(looked)) => looked,
                Ok(Err(error)) => return Err(ReadError::Failed(error.into())),
                Err(error) => return Err(ReadError::Failed(error.into())),
            };
            let end = looked.followed.position;
            self.open = Some(looked.followed);
            if looked.is_anew {
                // What was begun in the file before is a line too.
                let rest = std::mem::take(&mut self.begun);
                if !rest.is_empty() {
                    self.lines.push((rest.into(), 0));
                }
            } else if looked.bytes.is_empty() {
                self.due = Instant::now() + self.config.poll_interval;
            } else if let Err(error) = self.cut(looked.bytes, end) {
                return Err(ReadError::Failed(error));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    async fn next(tail: &mut Tail) -> Vec<String> {
        let run = tail.read().await.expect("lines");
        let text = |t: &Transaction| String::from_utf8_lossy(t.batch[0].bytes()).into_owned();
        run.iter().map(text).collect()
    }

    #[tokio::test]
    async fn a_file_is_followed_through_growth_and_replacement() {
        let folder = std::env::temp_dir().join(format!("tail-{}", uuid::Uuid::new_v4()));
        std::fs::create_dir(&folder).expect("a folder");
        let path = folder.join("log");
        let mut file = File::create(&path).expect("a file");
        file.write_all(b"one\ntwo\nthr").expect("written");
        let mut tail = Tail {
            config: Config {
                path: path.to_string_lossy().into_owned(),
                poll_interval: Duration::from_millis(1),
                line_buffer: 10,
                start_position: Position::Start,
                auto_replay_nacks: true,
            },
            open: None,
            reading: None,
            begun: Vec::new(),
            begins_at_end: false,
            due: Instant::now(),
            lines: Vec::new(),
        };
        tail.connect().await.expect("opened");
        assert_eq!(next(&mut tail).await, ["one", "two"]);
        file.write_all(b"ee\r\nfour").expect("written");
        assert_eq!(next(&mut tail).await, ["three"]);
        std::fs::rename(&path, folder.join("old")).expect("renamed");
        std::fs::write(&path, "five\n").expect("written");
        assert_eq!(next(&mut tail).await, ["four"]);
        assert_eq!(next(&mut tail).await, ["five"]);
        std::fs::remove_dir_all(folder).expect("removed");
    }
}
