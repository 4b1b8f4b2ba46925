//! `stdout`: the standard output of the process.

use crate::component::{BuildOutput, Context, Output, WriteError, Writer, clients::codec::Codec};
use crate::message::{Batch, Message};
use anyhow::Context as _;
use async_trait::async_trait;
use parking_lot::Mutex;
use std::{fs::File, io, os::fd::AsFd, sync::Arc};

crate::fields! {
    /// How messages are written.
    pub struct Config {
        /// What follows each message: `lines` for a line feed, `delim:x` for any text, `append` and `all-bytes` for nothing.
        codec: Codec = "lines",
    }
}

crate::spec! {
    /// Writes to the standard output of the process, which ends where nobody reads that any more, as by SIGPIPE.
    dyn BuildOutput, "stdout", Config
}

impl BuildOutput for Config {
    fn build(&self, _: &Context) -> anyhow::Result<Output> {
        Ok(Output::Writer {
            writer: Box::new(Stdout {
                codec: self.codec.clone(),
                file: Mutex::default(),
                buffer: Mutex::default(),
            }),
            max_in_flight: 1,
            batching: None,
        })
    }
}

struct Stdout {
    codec: Codec,
    file: Mutex<Option<Arc<File>>>,
    /// Kept between writes, so that its memory is.
    buffer: Mutex<Vec<u8>>,
}

impl Stdout {
    async fn put(&self, messages: impl Iterator<Item = &Message>) -> anyhow::Result<()> {
        let file = self.file.lock().clone().context("not connected")?;
        let mut buffer = std::mem::take(&mut *self.buffer.lock());
        buffer.clear();
        for message in messages {
            self.codec.write(message.bytes(), &mut buffer);
        }
        let (buffer, result) = tokio::task::spawn_blocking(move || {
            let result = io::Write::write_all(&mut &*file, &buffer);
            if let Err(error) = &result
                && error.kind() == io::ErrorKind::BrokenPipe
            {
                // As in `airtruct run stream.yaml | head`: nobody will read again, and no later try can succeed.
                std::process::exit(128 + libc::SIGPIPE);
            }
            (buffer, result)
        })
        .await
        .context("write to the standard output")?;
        *self.buffer.lock() = buffer;
        result.context("write to the standard output")
    }
}

#[async_trait]
impl Writer for Stdout {
    async fn connect(&self) -> anyhow::Result<()> {
        let descriptor = io::stdout().as_fd().try_clone_to_owned()?;
        *self.file.lock() = Some(Arc::new(File::from(descriptor)));
        Ok(())
    }

    async fn write(&self, batch: &[Message]) -> Result<(), WriteError> {
        Ok(self.put(batch.iter()).await?)
    }

    async fn write_run(&self, run: &[Batch]) -> Result<(), (usize, WriteError)> {
        let written = self.put(run.iter().flatten()).await;
        written.map_err(|error| (0, error.into()))
    }

    fn takes_runs(&self) -> bool {
        true
    }
}
