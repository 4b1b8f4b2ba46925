//! `stdin`: the standard input of the process.

use super::scanned::Cutter;
use super::scanning::Scanning;
use crate::component::{Ack, BuildInput, Context, Input, ReadError, Reader, Run, Scanner};
use crate::message::Metadata;
use async_trait::async_trait;
use bytes::Bytes;
use std::{
    fs::File,
    io::{self, Read},
    os::fd::AsFd,
    sync::Arc,
};
use tokio::sync::mpsc;

crate::fields! {
    /// What is read.
    pub struct Config {
        ..scanning: Scanning,
        /// Whether messages that weren't delivered are sent again.
        auto_replay_nacks: bool = "true",
    }
}

crate::spec! {
    /// Reads the standard input of the process until its end.
    dyn BuildInput, "stdin", Config
}

impl BuildInput for Config {
    fn build(&self, cx: &Context) -> anyhow::Result<Input> {
        Ok(Input::Reader {
            reader: Box::new(Stdin {
                scanner: cx.scanner(&self.scanning.scanner)?,
                state: State::New,
            }),
            auto_replay: self.auto_replay_nacks,
        })
    }
}

struct Stdin {
    scanner: Arc<dyn Scanner>,
    state: State,
}

enum State {
    New,
    Reading(mpsc::Receiver<io::Result<Bytes>>, Cutter),
    Failed(anyhow::Error),
    Ended,
}

#[async_trait]
impl Reader for Stdin {
    async fn connect(&mut self) -> anyhow::Result<()> {
        if matches!(self.state, State::New) {
            let cutter = Cutter::new(self.scanner.open(""), Metadata::default());
            self.state = State::Reading(start()?, cutter);
        }
        Ok(())
    }

    async fn read(&mut self) -> Result<Run, ReadError> {
        loop {
            let (receiver, cutter) = match &mut self.state {
                State::Reading(receiver, cutter) => (receiver, cutter),
                State::New => return Err(ReadError::NotConnected),
                State::Ended => return Err(ReadError::End),
                State::Failed(_) => {
                    let State::Failed(error) = std::mem::replace(&mut self.state, State::Ended)
                    else {
                        unreachable!("it was just matched");
                    };
                    return Err(ReadError::Failed(error));
                }
            };
            let cut = match receiver.recv().await {
                Some(Ok(bytes)) => {
                    let cut = cutter.push(bytes, Ack::none);
                    if let Some(fault) = cut.fault {
                        self.state = State::Failed(fault);
                    }
                    cut.run
                }
                Some(Err(error)) => {
                    self.state = State::Failed(
                        anyhow::Error::from(error).context("read the standard input"),
                    );
                    continue;
                }
                None => {
                    let cut = cutter.finish(Ack::none);
                    self.state = cut.fault.map_or(State::Ended, State::Failed);
                    cut.run
                }
            };
            if !cut.is_empty() {
                return Ok(cut);
            }
        }
    }
}

/// Reads on a thread of its own: a read of a terminal or pipe can't be called off, and must not hold up the end of the process.
fn start() -> io::Result<mpsc::Receiver<io::Result<Bytes>>> {
    let mut input = File::from(io::stdin().as_fd().try_clone_to_owned()?);
    let (sender, receiver) = mpsc::channel(2);
    std::thread::Builder::new()
        .name("stdin".into())
        .spawn(move || {
            let mut buffer = vec![0; 256 * 1024];
            loop {
                let read = match input.read(&mut buffer) {
                    Ok(0) => return,
                    Ok(n) => Ok(Bytes::copy_from_slice(&buffer[..n])),
                    Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
                    Err(e) => Err(e),
                };
                let failed = read.is_err();
                if sender.blocking_send(read).is_err() || failed {
                    return;
                }
            }
        })?;
    Ok(receiver)
}
