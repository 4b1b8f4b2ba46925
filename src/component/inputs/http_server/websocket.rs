//! Websockets: each of their messages is one here, and answers go back.

use super::{Gate, Outcome, request};
use crate::component::HttpCall;
use crate::message::{Batch, Message, Metadata};
use axum::{
    body::Body,
    extract::{
        FromRequestParts, WebSocketUpgrade,
        ws::{Message as Frame, WebSocket},
    },
    http::Response,
    response::IntoResponse,
};
use bytes::Bytes;
use std::{sync::Arc, time::Duration};

/// Answers a request that wants to become a websocket.
pub(super) async fn answer(gate: Arc<Gate>, call: HttpCall) -> Response<Body> {
    let metadata = request::metadata(&call.request, &call.params);
    let (mut parts, _) = call.request.into_parts();
    match WebSocketUpgrade::from_request_parts(&mut parts, &()).await {
        Ok(upgrade) => upgrade.on_upgrade(move |socket| serve(gate, socket, metadata)),
        Err(refusal) => refusal.into_response(),
    }
}

async fn serve(gate: Arc<Gate>, mut socket: WebSocket, metadata: Metadata) {
    if !gate.welcome.is_empty() && say(&mut socket, &gate.welcome).await.is_err() {
        return;
    }
    while let Some(Ok(frame)) = socket.recv().await {
        let content = match frame {
            Frame::Binary(bytes) => bytes,
            Frame::Text(text) => Bytes::from(text),
            Frame::Close(_) => return,
            Frame::Ping(_) | Frame::Pong(_) => continue,
        };
        if !admit(&gate, &mut socket, content.len()).await {
            continue;
        }
        let mut message = Message::new(content);
        *message.metadata_mut() = metadata.clone();
        let replies = match gate.deliver(Batch::from_buf([message])).await {
            Outcome::Delivered(replies) => replies,
            Outcome::Failed(error) => {
                tracing::error!(%error, "a message of a websocket wasn't delivered");
                continue;
            }
            Outcome::Late => {
                tracing::error!("a message of a websocket wasn't delivered in time");
                continue;
            }
            Outcome::Closing => return,
        };
        for reply in replies.iter().flatten() {
            if answer_with(&mut socket, reply.bytes()).await.is_err() {
                return;
            }
        }
    }
}

/// Whether the rate limit lets a message in; waits until it does, or tells the client that it doesn't.
async fn admit(gate: &Gate, socket: &mut WebSocket, bytes: usize) -> bool {
    let Some(limit) = &gate.rate_limit else {
        return true;
    };
    loop {
        match limit.access(bytes).await {
            Ok(None) => return true,
            Ok(Some(_)) if !gate.limited.is_empty() => {
                // A socket that is gone shows at the next read.
                let _ = say(socket, &gate.limited).await;
                return false;
            }
            Ok(Some(wait)) => tokio::time::sleep(wait.max(Duration::from_millis(1))).await,
            Err(error) => {
                tracing::error!(%error, "a rate limit failed");
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        }
    }
}

/// What the config says goes as bytes.
async fn say(socket: &mut WebSocket, text: &str) -> Result<(), axum::Error> {
    let bytes = Bytes::copy_from_slice(text.as_bytes());
    socket.send(Frame::Binary(bytes)).await
}

/// Answers go as text, unless they aren't any.
async fn answer_with(socket: &mut WebSocket, bytes: &Bytes) -> Result<(), axum::Error> {
    let frame = match std::str::from_utf8(bytes) {
        Ok(text) => Frame::Text(text.into()),
        Err(_) => Frame::Binary(bytes.clone()),
    };
    socket.send(frame).await
}
