//! `file`: files, one after the other.

use super::paths;
use super::scanned::{Cut, Cutter};
use super::scanning::Scanning;
use crate::component::{
    Ack, AckSink, Answer, BuildInput, Context, Input, ReadError, Reader, Run, Scanner,
    clients::blocks::Blocks,
};
use anyhow::{Context as _, anyhow};
use async_trait::async_trait;
use parking_lot::Mutex;
use std::{collections::VecDeque, io::ErrorKind, path::PathBuf, sync::Arc};

crate::fields! {
    /// What is read.
    pub struct Config {
        ..scanning: Scanning,
        /// The files, in this order. A path may hold `*`, `?` and `[a-z]`, and `**` for folders at any depth.
        paths: Vec<String>,
        /// Whether to remove a file once all of it is delivered.
        delete_on_finish: bool = "false",
        /// Whether messages that weren't delivered are sent again.
        auto_replay_nacks: bool = "true",
    }
}

crate::spec! {
    /// Reads files, and ends after the last of them.
    ///
    /// Messages have the metadata `path`, `mod_time_unix` and `mod_time`. A file that can't be opened is tried again
    /// until it can; one with a fault in it is left there, with an error.
    dyn BuildInput, "file", Config
}

impl BuildInput for Config {
    fn build(&self, cx: &Context) -> anyhow::Result<Input> {
        Ok(Input::Reader {
            reader: Box::new(Files::new(
                paths::expand(&self.paths)?,
                cx.scanner(&self.scanning.scanner)?,
                self.delete_on_finish,
            )),
            auto_replay: self.auto_replay_nacks,
        })
    }
}

/// Reads files, one after the other.
pub(super) struct Files {
    paths: VecDeque<PathBuf>,
    scanner: Arc<dyn Scanner>,
    delete: bool,
    open: Option<Open>,
    fault: Option<anyhow::Error>,
}

/// The file that is being read.
struct Open {
    path: PathBuf,
    blocks: Blocks,
    cutter: Cutter,
    deletion: Option<Arc<Deletion>>,
}

impl Files {
    pub fn new(paths: VecDeque<PathBuf>, scanner: Arc<dyn Scanner>, delete: bool) -> Files {
        Files {
            paths,
            scanner,
            delete,
            open: None,
            fault: None,
        }
    }

    /// Opens the next file, if there is one.
    async fn open_next(&mut self) -> anyhow::Result<()> {
        let Some(path) = self.paths.front() else {
            return Ok(());
        };
        let opened = Blocks::open(path.clone()).await;
        // A folder won't become a file: trying again would be for ever.
        if matches!(&opened, Err(e) if e.kind() == ErrorKind::IsADirectory) {
            self.fault = Some(anyhow!("read {}: is a directory", path.display()));
            self.paths.pop_front();
            return Ok(());
        }
        let (blocks, metadata) = opened.with_context(|| format!("open {}", path.display()))?;
        let path = self.paths.pop_front().expect("it was at the front");
        let name = path.to_string_lossy();
        self.open = Some(Open {
            cutter: Cutter::new(self.scanner.open(&name), paths::metadata(&name, &metadata)),
            blocks,
            deletion: self.delete.then(|| Deletion::new(path.clone())),
            path,
        });
        Ok(())
    }

    /// Hands on what was cut, and lets go of the file if it is done with.
    fn take(&mut self, cut: Cut, ended: bool) -> Option<Run> {
        if ended || cut.fault.is_some() {
            let open = self.open.take().expect("the file that was cut");
            match (cut.fault, open.deletion) {
                (Some(fault), _) => {
                    self.fault = Some(fault.context(format!("read {}", open.path.display())));
                }
                (None, Some(deletion)) => deletion.end(),
                (None, None) => {}
            }
        }
        Some(cut.run).filter(|run| !run.is_empty())
    }
}

#[async_trait]
impl Reader for Files {
    async fn connect(&mut self) -> anyhow::Result<()> {
        match self.open {
            Some(_) => Ok(()),
            None => self.open_next().await,
        }
    }

    async fn read(&mut self) -> Result<Run, ReadError> {
        loop {
            if let Some(fault) = self.fault.take() {
                return Err(ReadError::Failed(fault));
            }
            if self.open.is_none() && self.open_next().await.is_err() {
                // Connecting reports why, and waits before it tries again.
                return Err(ReadError::NotConnected);
            }
            if self.fault.is_some() {
                continue;
            }
            let Some(open) = &mut self.open else {
                return Err(ReadError::End);
            };
            let block = open.blocks.next().await;
            let ack = || match &open.deletion {
                Some(deletion) => deletion.ack(),
                None => Ack::none(),
            };
            let (cut, ended) = match block {
                Ok(Some(bytes)) => (open.cutter.push(bytes, ack), false),
                Ok(None) => (open.cutter.finish(ack), true),
                Err(error) => {
                    let (run, fault) = (Run::new(), Some(error.into()));
                    (Cut { run, fault }, true)
                }
            };
            if let Some(run) = self.take(cut, ended) {
                return Ok(run);
            }
        }
    }
}

/// Removes a file once it is at its end and everything in it is delivered.
struct Deletion {
    path: PathBuf,
    state: Mutex<Pending>,
}

#[derive(Default)]
struct Pending {
    unanswered: usize,
    failed: bool,
    ended: bool,
}

impl Deletion {
    fn new(path: PathBuf) -> Arc<Deletion> {
        Arc::new(Deletion {
            path,
            state: Mutex::default(),
        })
    }

    fn ack(self: &Arc<Self>) -> Ack {
        self.state.lock().unanswered += 1;
        Ack::source(self.clone(), 0)
    }

    /// Notes that the file is at its end.
    fn end(&self) {
        let mut state = self.state.lock();
        state.ended = true;
        self.settle(&state);
    }

    fn settle(&self, state: &Pending) {
        if state.ended
            && state.unanswered == 0
            && !state.failed
            && let Err(error) = std::fs::remove_file(&self.path)
        {
            let path = self.path.display();
            tracing::error!(%path, %error, "a file that was read can't be removed");
        }
    }
}

impl AckSink for Deletion {
    fn answer(&self, _: u64, answer: Answer) {
        let mut state = self.state.lock();
        state.failed |= answer.is_err();
        state.unanswered -= 1;
        self.settle(&state);
    }
}
