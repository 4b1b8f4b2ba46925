//! `subprocess`: what a program writes.

use super::scanned::{Cutter, READ};
use crate::component::clients::program_log;
use crate::component::scanners;
use crate::component::{Ack, BuildInput, Context, Input, ReadError, Reader, Run, Scanner};
use crate::message::Metadata;
use anyhow::{Context as _, anyhow};
use async_trait::async_trait;
use bytes::BytesMut;
use std::{process::Stdio, sync::Arc};
use tokio::{
    io::AsyncReadExt,
    process::{Child, ChildStdout, Command},
};

crate::choice! {
    /// How messages are told apart.
    pub enum Codec {
        /// Each line is a message.
        Lines = "lines",
    }
}

crate::fields! {
    /// The program.
    pub struct Config {
        /// The program: a path, or a name that is looked for in `PATH`.
        name: String,
        /// Its arguments.
        args: Vec<String> = "[]",
        /// How messages are told apart.
        codec: Codec = "lines",
        /// Whether to start it again when it ends, rather than to end.
        restart_on_exit: bool = "false",
        /// The largest message in bytes.
        max_buffer: usize = "65536" [advanced],
    }
}

crate::spec! {
    /// Runs a program and makes a message of each line that it writes to its standard output. What it writes to its
    /// standard error is logged.
    dyn BuildInput, "subprocess", Config
}

impl BuildInput for Config {
    fn build(&self, cx: &Context) -> anyhow::Result<Input> {
        let scanner = match self.codec {
            Codec::Lines => scanners::lines(self.max_buffer),
        };
        Ok(Input::Reader {
            reader: Box::new(Program {
                config: self.clone(),
                scanner,
                running: None,
                fault: None,
                ran: false,
                path: cx.name.path.to_string(),
            }),
            auto_replay: true,
        })
    }
}

struct Program {
    config: Config,
    scanner: Arc<dyn Scanner>,
    running: Option<Running>,
    fault: Option<anyhow::Error>,
    /// Whether it ran before.
    ran: bool,
    path: String,
}

struct Running {
    child: Child,
    output: ChildStdout,
    cutter: Cutter,
    buffer: BytesMut,
}

#[async_trait]
impl Reader for Program {
    async fn connect(&mut self) -> anyhow::Result<()> {
        if self.running.is_some() {
            return Ok(());
        }
        let name = &self.config.name;
        let mut child = Command::new(name)
            .args(&self.config.args)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("start the program {name}"))?;
        let output = child.stdout.take().context("the program has no output")?;
        if let Some(errors) = child.stderr.take() {
            let path = self.path.clone();
            tokio::spawn(program_log::follow(errors, move |line| {
                tracing::error!(%path, "the program says: {line}");
            }));
        }
        self.ran = true;
        self.running = Some(Running {
            child,
            output,
            cutter: Cutter::new(self.scanner.open(""), Metadata::default()),
            buffer: BytesMut::new(),
        });
        Ok(())
    }

    async fn read(&mut self) -> Result<Run, ReadError> {
        loop {
            if let Some(fault) = self.fault.take() {
                return Err(ReadError::Failed(fault));
            }
            let Some(running) = &mut self.running else {
                return Err(match self.ran && !self.config.restart_on_exit {
                    true => ReadError::End,
                    false => ReadError::NotConnected,
                });
            };
            running.buffer.reserve(READ);
            let read = running.output.read_buf(&mut running.buffer).await;
            let ended = !matches!(read, Ok(n) if n > 0);
            let cut = match ended {
                true => running.cutter.finish(Ack::none),
                false => {
                    let bytes = running.buffer.split().freeze();
                    running.cutter.push(bytes, Ack::none)
                }
            };
            self.fault = cut.fault;
            if ended || self.fault.is_some() {
                let mut running = self.running.take().expect("it was just read");
                if self.fault.is_none() {
                    self.fault = failure(running.child.wait().await, &self.config.name);
                }
            }
            if !cut.run.is_empty() {
                return Ok(cut.run);
            }
        }
    }

    async fn close(&mut self) {
        if let Some(mut running) = self.running.take() {
            // It may have ended by itself.
            let _ = running.child.kill().await;
        }
    }
}

/// What was wrong with a program's end.
fn failure(ended: std::io::Result<std::process::ExitStatus>, name: &str) -> Option<anyhow::Error> {
    match ended {
        Ok(status) if status.success() => None,
        Ok(status) => Some(anyhow!("the program {name} ended with {status}")),
        Err(error) => Some(anyhow!(error).context(format!("wait for the program {name}"))),
    }
}
