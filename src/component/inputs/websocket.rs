//! `websocket`: messages of a websocket that it opens.

use crate::component::clients::websocket::{Opener, Socket, WebsocketConfig};
use crate::component::{Ack, BuildInput, Context, Input, ReadError, Reader, Run, Transaction};
use crate::message::{Batch, Message};
use anyhow::Context as _;
use async_trait::async_trait;
use bytes::Bytes;
use futures::{SinkExt, StreamExt};
use tokio_tungstenite::tungstenite::Message as Frame;

crate::choice! {
    /// The type of a message.
    pub enum MessageType {
        Binary = "binary",
        Text = "text",
    }
}

crate::fields! {
    /// Where to connect.
    pub struct Config {
        ..websocket: WebsocketConfig,
        /// A message to send when the connection is open.
        open_message: Option<String> [advanced],
        /// Messages to send after it.
        open_messages: Option<Vec<String>> [advanced],
        /// Their type.
        open_message_type: MessageType = "binary" [advanced],
        /// Whether messages that weren't delivered are sent again.
        auto_replay_nacks: bool = "true",
        /// How often to connect.
        connection: Connection = "{}" [advanced],
    }
}

crate::fields! {
    /// How often to connect.
    pub struct Connection {
        /// After how many failures in a row to give up; without it, or negative, never.
        max_retries: Option<i64>,
    }
}

crate::spec! {
    /// Opens a websocket and reads its messages. Opens it again when it is closed.
    dyn BuildInput, "websocket", Config
}

impl BuildInput for Config {
    fn build(&self, _: &Context) -> anyhow::Result<Input> {
        let one = self.open_message.iter().filter(|text| !text.is_empty());
        let messages = one.chain(self.open_messages.iter().flatten());
        let frame = |text: &String| match self.open_message_type {
            MessageType::Binary => Frame::Binary(Bytes::copy_from_slice(text.as_bytes())),
            MessageType::Text => Frame::Text(text.as_str().into()),
        };
        Ok(Input::Reader {
            reader: Box::new(Websocket {
                opener: self.websocket.opener()?,
                first: messages.map(frame).collect(),
                max_retries: self
                    .connection
                    .max_retries
                    .and_then(|n| u64::try_from(n).ok()),
                failures: 0,
                socket: None,
            }),
            auto_replay: self.auto_replay_nacks,
        })
    }
}

struct Websocket {
    opener: Opener,
    /// What is sent first.
    first: Vec<Frame>,
    max_retries: Option<u64>,
    failures: u64,
    socket: Option<Socket>,
}

impl Websocket {
    fn gave_up(&self) -> bool {
        self.max_retries.is_some_and(|limit| self.failures > limit)
    }
}

#[async_trait]
impl Reader for Websocket {
    async fn connect(&mut self) -> anyhow::Result<()> {
        if self.socket.is_some() || self.gave_up() {
            return Ok(());
        }
        // Counted before it is tried, so that an attempt that is called off counts.
        self.failures += 1;
        let mut socket = self.opener.open().await?;
        for frame in &self.first {
            let sent = socket.send(frame.clone()).await;
            sent.context("send the first messages")?;
        }
        self.failures = 0;
        self.socket = Some(socket);
        Ok(())
    }

    async fn read(&mut self) -> Result<Run, ReadError> {
        loop {
            if self.gave_up() {
                tracing::error!(
                    "a websocket can't be opened, and connection.max_retries is reached"
                );
                return Err(ReadError::End);
            }
            let Some(socket) = &mut self.socket else {
                return Err(ReadError::NotConnected);
            };
            let content = match socket.next().await {
                Some(Ok(Frame::Text(text))) => Bytes::from(text),
                Some(Ok(Frame::Binary(bytes))) => bytes,
                Some(Ok(Frame::Ping(_) | Frame::Pong(_) | Frame::Frame(_))) => continue,
                Some(Ok(Frame::Close(_))) | None => {
                    self.socket = None;
                    continue;
                }
                Some(Err(error)) => {
                    tracing::debug!(%error, "a websocket broke");
                    self.socket = None;
                    continue;
                }
            };
            let batch = Batch::from_buf([Message::new(content)]);
            let ack = Ack::none();
            return Ok(vec![Transaction { batch, ack }]);
        }
    }

    async fn close(&mut self) {
        if let Some(mut socket) = self.socket.take() {
            // The other side may be gone.
            let _ = socket.close(None).await;
        }
    }
}
