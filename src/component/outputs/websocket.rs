//! `websocket`: messages to a websocket that it opens.

use crate::component::clients::websocket::{Opener, Socket, WebsocketConfig};
use crate::component::{BuildOutput, Context, Output, WriteError, Writer};
use crate::message::Message;
use async_trait::async_trait;
use futures::{SinkExt, StreamExt};
use tokio::sync::Mutex;
use tokio_tungstenite::tungstenite::Message as Frame;

crate::fields! {
    /// Where to connect.
    pub struct Config {
        ..websocket: WebsocketConfig,
    }
}

crate::spec! {
    /// Opens a websocket and sends each message over it.
    dyn BuildOutput, "websocket", Config
}

impl BuildOutput for Config {
    fn build(&self, _: &Context) -> anyhow::Result<Output> {
        Ok(Output::Writer {
            writer: Box::new(Websocket {
                opener: self.websocket.opener()?,
                socket: Mutex::new(None),
            }),
            max_in_flight: 1,
            batching: None,
        })
    }
}

struct Websocket {
    opener: Opener,
    socket: Mutex<Option<Socket>>,
}

#[async_trait]
impl Writer for Websocket {
    async fn connect(&self) -> anyhow::Result<()> {
        let socket = self.opener.open().await?;
        *self.socket.lock().await = Some(socket);
        Ok(())
    }

    async fn write(&self, batch: &[Message]) -> Result<(), WriteError> {
        let mut held = self.socket.lock().await;
        let Some(socket) = &mut *held else {
            return Err(WriteError::NotConnected);
        };
        let sending = async {
            // What came meanwhile is taken in, so that pings are answered and a close is seen.
            while let Some(frame) = futures::FutureExt::now_or_never(socket.next()) {
                match frame {
                    Some(Ok(Frame::Close(_))) | None => {
                        return Err(anyhow::anyhow!("it was closed"));
                    }
                    Some(Err(error)) => return Err(error.into()),
                    Some(Ok(_)) => {}
                }
            }
            for message in batch {
                socket.feed(Frame::Binary(message.bytes().clone())).await?;
            }
            anyhow::Ok(socket.flush().await?)
        };
        if let Err(error) = sending.await {
            tracing::error!(%error, "a websocket broke");
            *held = None;
            return Err(WriteError::NotConnected);
        }
        Ok(())
    }

    async fn close(&self) {
        if let Some(mut socket) = self.socket.lock().await.take() {
            // The other side may be gone.
            let _ = socket.close(None).await;
        }
    }
}
