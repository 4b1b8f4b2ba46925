//! `socket`: bytes of a connection.

use super::scanned::Cutter;
use super::scanning::Scanning;
use crate::bloblang::Mapping;
use crate::component::clients::sockets::{Network, Stream, connect};
use crate::component::{Ack, BuildInput, Context, Input, ReadError, Reader, Run, Scanner};
use crate::message::{Message, Metadata};
use anyhow::{Context as _, anyhow};
use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

crate::fields! {
    /// Where to connect.
    pub struct Config {
        ..scanning: Scanning,
        /// How to connect.
        network: Network,
        /// The address: `host:port` for TCP, a path for Unix sockets.
        address: String,
        /// Makes what is sent first on each connection; without it, nothing is.
        open_message_mapping: Option<Mapping> [advanced],
        /// Whether messages that weren't delivered are sent again.
        auto_replay_nacks: bool = "true",
    }
}

crate::spec! {
    /// Connects to a server and reads what it sends. Connects again when the server closes the connection.
    dyn BuildInput, "socket", Config
}

impl BuildInput for Config {
    fn build(&self, cx: &Context) -> anyhow::Result<Input> {
        Ok(Input::Reader {
            reader: Box::new(Socket {
                config: self.clone(),
                scanner: cx.scanner(&self.scanning.scanner)?,
                open: None,
                fault: None,
                buffer: BytesMut::new(),
            }),
            auto_replay: self.auto_replay_nacks,
        })
    }
}

struct Socket {
    config: Config,
    scanner: Arc<dyn Scanner>,
    open: Option<(Box<dyn Stream>, Cutter)>,
    fault: Option<anyhow::Error>,
    buffer: BytesMut,
}

impl Socket {
    /// What a connection begins with.
    fn first(&self) -> anyhow::Result<Option<Bytes>> {
        let Some(mapping) = &self.config.open_message_mapping else {
            return Ok(None);
        };
        let value = mapping.value(&[Message::new("")], 0);
        let value = value.map_err(|e| anyhow!("open_message_mapping: {e}"))?;
        Ok(value.map(|value| Message::from_value(value).bytes().clone()))
    }
}

#[async_trait]
impl Reader for Socket {
    async fn connect(&mut self) -> anyhow::Result<()> {
        if self.open.is_none() {
            let mut stream = connect(self.config.network, &self.config.address).await?;
            if let Some(first) = self.first()? {
                let sent = stream.write_all(&first).await;
                sent.context("send the first message")?;
            }
            let scan = self.scanner.open(&self.config.address);
            self.open = Some((stream, Cutter::new(scan, Metadata::default())));
        }
        Ok(())
    }

    async fn read(&mut self) -> Result<Run, ReadError> {
        loop {
            if let Some(fault) = self.fault.take() {
                return Err(ReadError::Failed(fault));
            }
            let Some((stream, cutter)) = &mut self.open else {
                return Err(ReadError::NotConnected);
            };
            self.buffer.reserve(super::scanned::READ);
            let read = stream.read_buf(&mut self.buffer).await;
            let cut = match read {
                Ok(0) => cutter.finish(Ack::none),
                Ok(_) => cutter.push(self.buffer.split().freeze(), Ack::none),
                Err(ref error) => {
                    tracing::debug!(%error, "a connection broke");
                    cutter.finish(Ack::none)
                }
            };
            if !matches!(read, Ok(n) if n > 0) || cut.fault.is_some() {
                self.open = None;
            }
            self.fault = cut
                .fault
                .map(|fault| fault.context(format!("read from {}", self.config.address)));
            if !cut.run.is_empty() {
                return Ok(cut.run);
            }
        }
    }

    async fn close(&mut self) {
        self.open = None;
    }
}
