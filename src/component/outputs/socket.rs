//! `socket`: writes to a connection.

use crate::component::clients::codec::Codec;
use crate::component::clients::sockets::{self, Stream, connect, datagrams};
use crate::component::{BuildOutput, Context, Output, WriteError, Writer};
use crate::message::{Batch, Message};
use async_trait::async_trait;
use tokio::{io::AsyncWriteExt, net::UdpSocket, sync::Mutex};

crate::choice! {
    /// How to connect.
    pub enum Network {
        Unix = "unix",
        Tcp = "tcp",
        Udp = "udp",
    }
}

crate::fields! {
    /// Where to connect.
    pub struct Config {
        /// How to connect.
        network: Network,
        /// The address: `host:port`, or a path for Unix sockets.
        address: String,
        /// What follows each message: `lines` for a line feed, `delim:x` for any text, `append` and `all-bytes` for nothing.
        codec: Codec = "lines",
    }
}

crate::spec! {
    /// Connects to a server and writes messages to it. Of UDP each message is a datagram.
    dyn BuildOutput, "socket", Config
}

impl BuildOutput for Config {
    fn build(&self, _: &Context) -> anyhow::Result<Output> {
        Ok(Output::Writer {
            writer: Box::new(Socket {
                config: self.clone(),
                open: Mutex::new(None),
            }),
            max_in_flight: 1,
            batching: None,
        })
    }
}

struct Socket {
    config: Config,
    open: Mutex<Option<Open>>,
}

enum Open {
    Stream(Box<dyn Stream>),
    Datagrams(UdpSocket),
}

impl Socket {
    async fn put(&self, messages: impl Iterator<Item = &Message> + Send) -> Result<(), WriteError> {
        let mut open = self.open.lock().await;
        let written = match &mut *open {
            None => return Err(WriteError::NotConnected),
            Some(Open::Stream(stream)) => {
                let mut bytes = Vec::new();
                for message in messages {
                    self.config.codec.write(message.bytes(), &mut bytes);
                }
                stream.write_all(&bytes).await
            }
            Some(Open::Datagrams(socket)) => {
                let mut written = Ok(());
                for message in messages {
                    let mut bytes = Vec::new();
                    self.config.codec.write(message.bytes(), &mut bytes);
                    written = socket.send(&bytes).await.map(drop);
                    if written.is_err() {
                        break;
                    }
                }
                written
            }
        };
        written.map_err(|error| {
            tracing::error!(address = %self.config.address, %error, "a connection broke");
            *open = None;
            WriteError::NotConnected
        })
    }
}

#[async_trait]
impl Writer for Socket {
    async fn connect(&self) -> anyhow::Result<()> {
        let address = &self.config.address;
        let open = match self.config.network {
            Network::Tcp => Open::Stream(connect(sockets::Network::Tcp, address).await?),
            Network::Unix => Open::Stream(connect(sockets::Network::Unix, address).await?),
            Network::Udp => Open::Datagrams(datagrams(address).await?),
        };
        *self.open.lock().await = Some(open);
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
        if let Some(Open::Stream(mut stream)) = self.open.lock().await.take() {
            // The other side may be gone.
            let _ = stream.shutdown().await;
        }
    }
}
