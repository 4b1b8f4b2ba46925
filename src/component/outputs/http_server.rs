//! `http_server`: hands messages to those who ask for them.

use crate::component::clients::http::{
    CorsConfig, Listener, Listening, new_boundary, plain_error, write_part, write_parts_end,
};
use crate::component::route_path::RoutePath;
use crate::component::{
    Ack, Answer, BatchError, BuildOutput, Context, HttpCall, HttpHandler, HttpMux, HttpRoute,
    Output, Pipe, Sink, Transaction,
};
use crate::message::Batch;
use anyhow::{Context as _, ensure};
use async_trait::async_trait;
use axum::{
    body::Body,
    extract::{
        FromRequestParts, WebSocketUpgrade,
        ws::{Message as Frame, WebSocket},
    },
    http::{HeaderValue, Response, StatusCode, header},
    response::IntoResponse,
};
use bytes::Bytes;
use futures::future::BoxFuture;
use std::{convert::Infallible, sync::Arc, time::Duration};
use tokio::{
    sync::oneshot,
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;

crate::choice! {
    /// How messages are put into a stream.
    pub enum Format {
        /// Each followed by a line feed.
        RawBytes = "raw_bytes",
        /// As server-sent events.
        EventSource = "event_source",
    }
}

crate::choice! {
    /// The type of websocket messages.
    pub enum MessageType {
        Binary = "binary",
        Text = "text",
    }
}

crate::fields! {
    /// Where to listen, and what is answered.
    pub struct Config {
        /// The address to listen on, for a server of its own; without one it shares the server of the process.
        address: String = "''",
        /// The path for single messages (or batches); empty for none.
        path: String = "/get",
        /// The path for messages as they come; empty for none.
        stream_path: String = "/get/stream",
        /// How messages are put into a stream.
        stream_format: Format = "raw_bytes",
        /// How often a stream without messages gives a sign of life; 0 for never.
        heartbeat: Duration = "0s",
        /// The path for websockets; empty for none.
        ws_path: String = "/get/ws",
        /// The type of websocket messages.
        ws_message_type: MessageType = "binary" [advanced],
        /// The methods that requests may have.
        allowed_verbs: Vec<String> = "[GET]",
        /// How long a request waits for a message.
        timeout: Duration = "5s",
        /// A file with the server's certificate, for TLS with an address of its own.
        cert_file: String = "''" [advanced],
        /// A file with the certificate's key.
        key_file: String = "''" [advanced],
        /// Which pages of other sites may ask, with an address of its own.
        cors: CorsConfig = "{}" [advanced],
        /// How long sending a message over a websocket may take.
        write_wait: Duration = "10s" [advanced],
        /// How long a websocket may give no sign of life.
        pong_wait: Duration = "60s" [advanced],
        /// How often a websocket is asked for one.
        ping_period: Duration = "54s" [advanced],
    }
}

crate::spec! {
    /// Answers requests with messages: one for each request, or as they come, over HTTP or a websocket. Each message goes to
    /// one of those who ask, and counts as delivered when it is handed to the connection.
    dyn BuildOutput, "http_server", Config
}

impl BuildOutput for Config {
    fn build(&self, cx: &Context) -> anyhow::Result<Output> {
        let listener = Listener {
            address: self.address.clone(),
            cert_file: self.cert_file.clone(),
            key_file: self.key_file.clone(),
            cors: self.cors.clone(),
        };
        listener.check()?;
        for path in [&self.path, &self.stream_path, &self.ws_path] {
            RoutePath::parse(path)?;
        }
        ensure!(
            !self.allowed_verbs.is_empty(),
            "must provide at least one allowed verb"
        );
        ensure!(
            !self.ping_period.is_zero(),
            "ping_period must be more than zero"
        );
        let counter = Arc::new(Counter {
            config: self.clone(),
            pipe: Pipe::default(),
            stop: cx.wiring.hard_stop(),
            closed: CancellationToken::new(),
        });
        let (mux, listening) = match self.address.is_empty() {
            true => (cx.wiring.http().clone(), None),
            false => {
                let mux = HttpMux::default();
                let listening = listener.listen(mux.clone())?;
                tracing::info!(address = %listening.address, "an HTTP server listens");
                (mux, Some(listening))
            }
        };
        let mut routes = Vec::new();
        let mut route = |path: &str, about: &str, handler: HttpHandler| {
            if !path.is_empty() {
                routes.push(mux.route(path, about, handler));
            }
        };
        route(&self.path, "Read a message.", handler(&counter, get));
        let about = "Read messages as they come.";
        route(&self.stream_path, about, handler(&counter, stream));
        let about = "Read messages via websocket.";
        route(&self.ws_path, about, handler(&counter, websocket));
        Ok(Output::Sink(Box::new(Server {
            counter,
            _routes: routes,
            _listening: listening,
        })))
    }
}

/// Where messages wait for those who ask.
struct Counter {
    config: Config,
    pipe: Pipe,
    stop: CancellationToken,
    closed: CancellationToken,
}

struct Server {
    counter: Arc<Counter>,
    _routes: Vec<HttpRoute>,
    _listening: Option<Listening>,
}

#[async_trait]
impl Sink for Server {
    async fn send(&self, run: Vec<Batch>) -> Vec<Answer> {
        let stopped =
            || BatchError::whole("the stream stopped before anybody asked for the message");
        let mut answers = Vec::with_capacity(run.len());
        for batch in run {
            let (sender, receiver) = oneshot::channel();
            let ack = Ack::once(move |answer| {
                // The stream may have been stopped.
                let _ = sender.send(answer);
            });
            let send = async {
                self.counter
                    .pipe
                    .send(vec![Transaction { batch, ack }])
                    .await;
                receiver.await.unwrap_or_else(|_| Err(stopped()))
            };
            answers.push(tokio::select! {
                answer = send => answer,
                () = self.counter.stop.cancelled() => Err(stopped()),
            });
        }
        answers
    }

    async fn close(&self) {
        self.counter.closed.cancel();
    }
}

fn handler<F>(counter: &Arc<Counter>, answer: fn(Arc<Counter>, HttpCall) -> F) -> HttpHandler
where
    F: Future<Output = Response<Body>> + Send + 'static,
{
    let counter = counter.clone();
    Arc::new(move |call| -> BoxFuture<'static, Response<Body>> {
        let method = call.request.method().as_str();
        if !counter
            .config
            .allowed_verbs
            .iter()
            .any(|verb| verb == method)
        {
            let refusal = plain_error(StatusCode::METHOD_NOT_ALLOWED, "Incorrect method");
            return Box::pin(async { refusal });
        }
        if counter.closed.is_cancelled() {
            let refusal = plain_error(StatusCode::SERVICE_UNAVAILABLE, "Server closed");
            return Box::pin(async { refusal });
        }
        Box::pin(answer(counter.clone(), call))
    })
}

impl Counter {
    /// The next batch; none once nothing more comes.
    async fn next(&self) -> Option<Transaction> {
        tokio::select! {
            run = self.pipe.receive() => run.into_iter().next(),
            () = self.closed.cancelled() => None,
        }
    }
}

/// Answers with the next batch.
async fn get(counter: Arc<Counter>, _: HttpCall) -> Response<Body> {
    let Ok(next) = timeout(counter.config.timeout, counter.next()).await else {
        return plain_error(StatusCode::REQUEST_TIMEOUT, "Timed out waiting for message");
    };
    let Some(Transaction { batch, ack }) = next else {
        return plain_error(StatusCode::SERVICE_UNAVAILABLE, "Server closed");
    };
    let (kind, body) = match batch.as_slice() {
        [message] => (
            HeaderValue::from_static("application/octet-stream"),
            message.bytes().clone(),
        ),
        several => {
            let boundary = new_boundary();
            let mut body = Vec::new();
            for message in several {
                let headers = [("Content-Type", "application/octet-stream")];
                write_part(&mut body, &boundary, &headers, message.bytes());
            }
            write_parts_end(&mut body, &boundary);
            let kind = format!("multipart/form-data; boundary={boundary}");
            let kind = HeaderValue::try_from(kind).expect("a boundary of letters and digits");
            (kind, body.into())
        }
    };
    ack.answer(Ok(()));
    let mut response = Response::new(Body::from(body));
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}

/// Answers with all batches as they come.
async fn stream(counter: Arc<Counter>, _: HttpCall) -> Response<Body> {
    let format = counter.config.stream_format;
    let pieces = futures::stream::unfold(counter, |counter| async move {
        let beat = counter.config.heartbeat;
        let silence = async {
            match beat.is_zero() {
                true => std::future::pending().await,
                false => sleep(beat).await,
            }
        };
        let piece = tokio::select! {
            next = counter.next() => {
                let Transaction { batch, ack } = next?;
                let piece = piece(&batch, counter.config.stream_format);
                ack.answer(Ok(()));
                piece
            }
            () = silence => match counter.config.stream_format {
                Format::RawBytes => Bytes::from_static(b"\n"),
                Format::EventSource => Bytes::from_static(b": heartbeat\n\n"),
            },
        };
        Some((Ok::<_, Infallible>(piece), counter))
    });
    let mut response = Response::new(Body::from_stream(pieces));
    let kind = match format {
        Format::RawBytes => "application/octet-stream",
        Format::EventSource => "text/event-stream",
    };
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    response
}

/// A batch as a piece of a stream; one of several messages is followed by an empty line.
fn piece(batch: &Batch, format: Format) -> Bytes {
    let mut out = Vec::new();
    for message in batch {
        match format {
            Format::RawBytes => {
                out.extend_from_slice(message.bytes());
                out.push(b'\n');
            }
            Format::EventSource => {
                for line in message.bytes().split(|byte| *byte == b'\n') {
                    out.extend_from_slice(b"data: ");
                    out.extend_from_slice(line);
                    out.push(b'\n');
                }
                out.push(b'\n');
            }
        }
    }
    if batch.len() > 1 && format == Format::RawBytes {
        out.push(b'\n');
    }
    out.into()
}

async fn websocket(counter: Arc<Counter>, call: HttpCall) -> Response<Body> {
    let (mut parts, _) = call.request.into_parts();
    match WebSocketUpgrade::from_request_parts(&mut parts, &()).await {
        Ok(upgrade) => upgrade.on_upgrade(move |socket| async move {
            if let Err(error) = serve(&counter, socket).await {
                tracing::debug!(error = %format!("{error:#}"), "a websocket ended");
            }
        }),
        Err(refusal) => refusal.into_response(),
    }
}

/// Sends all batches as they come, until the other side is gone.
async fn serve(counter: &Counter, mut socket: WebSocket) -> anyhow::Result<()> {
    let config = &counter.config;
    let mut last_sign = tokio::time::Instant::now();
    let mut next_ping = last_sign + config.ping_period;
    loop {
        tokio::select! {
            next = counter.next() => {
                let Some(Transaction { batch, ack }) = next else {
                    return Ok(socket.send(Frame::Close(None)).await?);
                };
                for message in &batch {
                    let frame = match config.ws_message_type {
                        MessageType::Binary => Frame::Binary(message.bytes().clone()),
                        MessageType::Text => {
                            Frame::Text(String::from_utf8_lossy(message.bytes()).as_ref().into())
                        }
                    };
                    // Dropped without an answer the batch goes to somebody else.
                    let sent = timeout(config.write_wait, socket.send(frame)).await;
                    sent.context("the other side takes nothing")??;
                }
                ack.answer(Ok(()));
            }
            frame = socket.recv() => match frame {
                Some(Ok(Frame::Close(_))) | None => return Ok(()),
                Some(Ok(_)) => last_sign = tokio::time::Instant::now(),
                Some(Err(error)) => return Err(error.into()),
            },
            () = tokio::time::sleep_until(next_ping) => {
                ensure!(last_sign.elapsed() < config.pong_wait, "the other side is silent");
                socket.send(Frame::Ping(Bytes::new())).await?;
                next_ping = tokio::time::Instant::now() + config.ping_period;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::Message;

    #[test]
    fn batches_are_pieces_of_a_stream() {
        let one: Batch = [Message::new("a\nb")].into_iter().collect();
        let two: Batch = [Message::new("a"), Message::new("b")].into_iter().collect();
        let table = [
            (&one, Format::RawBytes, "a\nb\n"),
            (&two, Format::RawBytes, "a\nb\n\n"),
            (&one, Format::EventSource, "data: a\ndata: b\n\n"),
            (&two, Format::EventSource, "data: a\n\ndata: b\n\n"),
        ];
        for (batch, format, wanted) in table {
            assert_eq!(piece(batch, format), wanted);
        }
    }
}
