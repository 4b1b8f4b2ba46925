//! `subprocess`: writes to a program.

use crate::component::clients::{codec::Codec as Written, program_log};
use crate::component::{BuildOutput, Context, Output, WriteError, Writer};
use crate::message::{Batch, Message};
use anyhow::Context as _;
use async_trait::async_trait;
use std::{process::Stdio, time::Duration};
use tokio::{
    io::AsyncWriteExt,
    process::{Child, ChildStdin, Command},
    sync::Mutex,
};

crate::choice! {
    /// How messages are told apart.
    pub enum Codec {
        /// Each message is a line.
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
    }
}

crate::spec! {
    /// Runs a program and writes each message as a line to its standard input. What it writes itself is logged. It is started
    /// again if it ends; at the end of the stream it is given the time to finish.
    dyn BuildOutput, "subprocess", Config
}

/// How long a program may take to end once its input has.
const PATIENCE: Duration = Duration::from_secs(10);

impl BuildOutput for Config {
    fn build(&self, cx: &Context) -> anyhow::Result<Output> {
        let codec = match self.codec {
            Codec::Lines => Written::parse("lines").expect("a codec that there is"),
        };
        Ok(Output::Writer {
            writer: Box::new(Program {
                config: self.clone(),
                codec,
                running: Mutex::new(None),
                path: cx.name.path.to_string(),
            }),
            max_in_flight: 1,
            batching: None,
        })
    }
}

struct Program {
    config: Config,
    codec: Written,
    running: Mutex<Option<(Child, ChildStdin)>>,
    path: String,
}

impl Program {
    async fn put(&self, messages: impl Iterator<Item = &Message> + Send) -> Result<(), WriteError> {
        let mut bytes = Vec::new();
        for message in messages {
            self.codec.write(message.bytes(), &mut bytes);
        }
        let mut running = self.running.lock().await;
        let Some((_, input)) = &mut *running else {
            return Err(WriteError::NotConnected);
        };
        let written = async {
            input.write_all(&bytes).await?;
            input.flush().await
        };
        if let Err(error) = written.await {
            tracing::error!(path = %self.path, %error, "the program takes no more");
            *running = None;
            return Err(WriteError::NotConnected);
        }
        Ok(())
    }
}

#[async_trait]
impl Writer for Program {
    async fn connect(&self) -> anyhow::Result<()> {
        let name = &self.config.name;
        let mut child = Command::new(name)
            .args(&self.config.args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("start the program {name}"))?;
        let input = child.stdin.take().context("the program has no input")?;
        if let Some(output) = child.stdout.take() {
            let path = self.path.clone();
            tokio::spawn(program_log::follow(output, move |line| {
                tracing::info!(%path, "the program says: {line}");
            }));
        }
        if let Some(errors) = child.stderr.take() {
            let path = self.path.clone();
            tokio::spawn(program_log::follow(errors, move |line| {
                tracing::error!(%path, "the program says: {line}");
            }));
        }
        *self.running.lock().await = Some((child, input));
        Ok(())
    }

    async fn write(&self, batch: &[Message]) -> Result<(), WriteError> {
        self.put(batch.iter()).await
    }

    async fn write_run(&self, run: &[Batch]) -> Result<(), (usize, WriteError)> {
        self.put(run.iter().flatten())
            .await
            .map_err(|error| (0, error))
    }

    fn takes_runs(&self) -> bool {
        true
    }

    async fn close(&self) {
        let Some((mut child, input)) = self.running.lock().await.take() else {
            return;
        };
        drop(input);
        match tokio::time::timeout(PATIENCE, child.wait()).await {
            Ok(Ok(status)) if !status.success() => {
                tracing::error!(path = %self.path, %status, "the program ended with a failure");
            }
            Ok(_) => {}
            Err(_) => {
                tracing::error!(path = %self.path, "the program doesn't end and is killed");
                // It may have ended just now.
                let _ = child.kill().await;
            }
        }
    }
}
