//! Serves a router on a listener until it is asked to stop.

use std::{net::TcpListener, time::Duration};

use anyhow::Context;
use axum::Router;
use axum_server::Handle;
use hyper_util::rt::TokioTimer;

use crate::tasks::Shutdown;

/// How long a client may take to send a request's headers, from when the request before was answered. Longer than clients keep connections
/// that nobody uses (90 s are usual), so that none sends a request while its connection is being closed.
const HEADER_TIMEOUT: Duration = Duration::from_secs(120);
/// How long requests under way may take to end once the server stops.
const STOP_TIMEOUT: Duration = Duration::from_secs(5);

/// Answers requests until `shutdown` asks to stop: softly lets requests under way end.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    shutdown: Shutdown,
) -> anyhow::Result<()> {
    let handle = Handle::new();
    let stopper = handle.clone();
    tokio::spawn(async move {
        shutdown.soft().await;
        stopper.graceful_shutdown(Some(STOP_TIMEOUT));
        shutdown.hard().await;
        stopper.shutdown();
    });
    let mut server = axum_server::from_tcp(listener)
        .context("serve HTTP")?
        .handle(handle);
    server
        .http_builder()
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT);
    server.http_builder().http2().timer(TokioTimer::new());
    server
        .serve(router.into_make_service())
        .await
        .context("serve HTTP")
}
