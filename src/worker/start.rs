//! Puts a worker together: its port first, then the loop, then the search for a coordinator.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use anyhow::Context as _;
use tokio::{
    net::TcpListener,
    sync::{Semaphore, mpsc},
};
use tokio_util::sync::CancellationToken;
use tonic::{
    Request, Response, Status,
    service::Routes as GrpcRoutes,
    transport::{Server, server::TcpIncoming},
};

use super::{Config, Running, agent::Agent, dial::Dialer, routes::Routes, slot::Shared};
use crate::{
    args::host_of,
    cluster::{Time, history::Event as Recorded},
    engine::{Pipes, boottime_ms},
    ids::{Incarnation, WorkerId},
    proto::{self, worker_server},
    tasks::Shutdown,
};

/// Events that may wait for the loop.
const EVENTS: usize = 1_024;

/// How long the ports stay open after the goodbye: the coordinator may just have sent a request here, which is to hear that the stream
/// has moved and not to find a closed connection, of which nobody knows what became of the request.
const LINGER: Duration = Duration::from_millis(150);

/// How long requests under way may take to end when the worker stops.
const CLOSE_TIMEOUT: Duration = Duration::from_millis(500);

/// Starts a worker. Returns as soon as it listens; it looks for a coordinator for ever.
///
/// The first request to stop hands everything over, says goodbye and ends well; a second one ends at once.
pub async fn start(config: Config, shutdown: Shutdown) -> anyhow::Result<Running> {
    anyhow::ensure!(
        !config.discovery.is_empty(),
        "no coordinator is named: set discovery-uri"
    );
    let grpc = config.grpc.local_addr().context("read the gRPC port")?;
    let http = config
        .http
        .as_ref()
        .map(TcpListener::local_addr)
        .transpose();
    let http = http.context("read the HTTP port")?;
    let host = host_name();
    let id = match config.id {
        Some(id) => id,
        None => WorkerId::new(&format!("{host}:{}", grpc.port()))
            .context("make a worker id of the host's name: set worker-id")?,
    };
    let incarnation = config.incarnation;
    let hello = proto::Hello {
        worker: id.to_string(),
        incarnation: incarnation.to_string(),
        address: advertised(config.advertise.as_deref(), grpc, &host),
        labels: config.labels.into_iter().collect(),
        max_streams: config.max_streams,
        weight: config.weight,
        max_assignments: config.limits.max_assignments,
        max_age_ms: config.limits.max_age_ms,
        version: env!("CARGO_PKG_VERSION").to_owned(),
    };

    let (events, inbox) = mpsc::channel(EVENTS);
    let routes = Routes::default();
    let stop = CancellationToken::new();
    let is_heard = Arc::new(AtomicBool::new(false));
    serve_grpc(config.grpc, &id, incarnation, &routes, &stop);
    if let Some(listener) = config.http {
        let is_heard = is_heard.clone();
        let pages = routes.pages(Arc::new(move || is_heard.load(Ordering::Relaxed)));
        let stop = stop.clone();
        tokio::spawn(async move {
            let stopped = async move { stop.cancelled().await };
            let served = axum::serve(listener, pages).with_graceful_shutdown(stopped);
            if let Err(error) = served.await {
                tracing::error!("the HTTP port failed: {error}");
            }
        });
    }
    let shared = Shared {
        events: events.clone(),
        pipes: Pipes::default(),
        building: Arc::new(Semaphore::new(1)),
        history: config.history,
    };
    let now = Time(boottime_ms());
    shared.history.note(now, || Recorded::WorkerUp {
        worker: id.clone(),
        incarnation,
    });
    let dialer = Dialer {
        hello,
        discovery: config.discovery,
        events,
        stop: stop.clone(),
    };
    tokio::spawn(dialer.run());
    let agent = Agent::new(
        id.clone(),
        incarnation,
        config.drain_ms,
        shared,
        routes,
        is_heard,
        shutdown,
    );
    let task = tokio::spawn(async move {
        let worked = agent.run(inbox).await;
        if worked.is_ok() {
            tokio::time::sleep(LINGER).await;
        }
        stop.cancel();
        worked
    });
    Ok(Running {
        id,
        grpc,
        http,
        task,
    })
}

/// The port that the coordinator dials: who is here, health, and requests for streams, by gRPC and by plain HTTP.
fn serve_grpc(
    listener: TcpListener,
    id: &WorkerId,
    incarnation: Incarnation,
    routes: &Routes,
    stop: &CancellationToken,
) {
    let identity = Identity {
        worker: id.to_string(),
        incarnation: incarnation.to_string(),
    };
    let (_, health) = tonic_health::server::health_reporter();
    let services = GrpcRoutes::new(worker_server::WorkerServer::new(identity)).add_service(health);
    let router = services.into_axum_router().merge(routes.ingest());
    let stop = stop.clone();
    tokio::spawn(async move {
        let stopped = stop.clone();
        let served = Server::builder()
            .accept_http1(true)
            .add_routes(GrpcRoutes::from(router))
            .serve_with_incoming_shutdown(
                TcpIncoming::from(listener).with_nodelay(Some(true)),
                async move { stopped.cancelled().await },
            );
        let overdue = async {
            stop.cancelled().await;
            tokio::time::sleep(CLOSE_TIMEOUT).await;
        };
        tokio::select! {
            served = served => if let Err(error) = served {
                tracing::error!("the gRPC port failed: {error}");
            },
            () = overdue => {}
        }
    });
}

struct Identity {
    worker: String,
    incarnation: String,
}

#[tonic::async_trait]
impl worker_server::Worker for Identity {
    async fn identify(
        &self,
        _: Request<proto::Nothing>,
    ) -> Result<Response<proto::Identity>, Status> {
        Ok(Response::new(proto::Identity {
            worker: self.worker.clone(),
            incarnation: self.incarnation.clone(),
        }))
    }
}

/// Where others reach the listener.
fn advertised(wanted: Option<&str>, bound: SocketAddr, host: &str) -> String {
    match wanted {
        Some(text) if host_of(text) != text => text.to_owned(),
        Some(text) if text.contains(':') && !text.starts_with('[') => {
            format!("[{text}]:{}", bound.port())
        }
        Some(text) => format!("{text}:{}", bound.port()),
        None if bound.ip().is_unspecified() => format!("{host}:{}", bound.port()),
        None => bound.to_string(),
    }
}

/// The host's name, as far as it can be part of an id.
fn host_name() -> String {
    let mut buffer = [0u8; 256];
    // SAFETY: the buffer is our own and its length is given.
    let status = unsafe { libc::gethostname(buffer.as_mut_ptr().cast(), buffer.len()) };
    let end = buffer
        .iter()
        .position(|byte| *byte == 0)
        .unwrap_or(buffer.len());
    match std::str::from_utf8(&buffer[..end]) {
        Ok(name) if status == 0 && !name.is_empty() => name.to_owned(),
        _ => "localhost".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_advertised_with_a_port() {
        let bound = |text: &str| text.parse::<SocketAddr>().expect("an address");
        let table = [
            (None, "127.0.0.1:5", "127.0.0.1:5"),
            (None, "0.0.0.0:5", "me:5"),
            (Some("w1.pool"), "0.0.0.0:5", "w1.pool:5"),
            (Some("w1.pool:7"), "0.0.0.0:5", "w1.pool:7"),
            (Some("::1"), "[::]:5", "[::1]:5"),
            (Some("[::1]:7"), "[::]:5", "[::1]:7"),
        ];
        for (wanted, listener, expected) in table {
            assert_eq!(advertised(wanted, bound(listener), "me"), expected);
        }
    }
}
