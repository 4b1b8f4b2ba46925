//! Puts a coordinator together: store, loop, gRPC server.

use std::{sync::Arc, time::Duration};

use anyhow::Context as _;
use tokio::sync::{mpsc, watch};
use tonic::transport::{Server, server::TcpIncoming};

use super::{
    Config, Handle, Role, Running, campaign::Context, clock::Clock, handle::Shared, ingest::Ingest,
    measure::Measures, secrets::Secrets, session::Service,
};
use crate::{
    proto::{self, coordinator_server::CoordinatorServer},
    store::{Me, Store},
    tasks::Shutdown,
    telemetry::metrics::Metrics,
};

/// Events that may wait for the loop. Whoever has more to say waits.
const EVENTS: usize = 4_096;

/// How long open calls may take to end when the coordinator stops.
const CLOSE_TIMEOUT: Duration = Duration::from_millis(500);

/// Starts a coordinator. Returns as soon as its store is open; [`Handle::wait_leading`] tells when it leads.
/// When it is asked to stop, it ceases to lead before it closes its listener, so that a refused connection proves what
/// `cluster/lease.rs` takes it for.
pub async fn start(config: Config, shutdown: Shutdown) -> anyhow::Result<Running> {
    config.policy.check().map_err(anyhow::Error::msg)?;
    let address = config.grpc.local_addr().context("read the gRPC port")?;
    let store = Store::open(&config.database)
        .await
        .context("open the database")?;
    let clock = Clock::new();
    let metrics = Metrics::new(Vec::new(), None);
    let secrets = Secrets::new(config.secret_key, clock);
    let (events, inbox) = mpsc::channel(EVENTS);
    let (role, role_seen) = watch::channel(Role::Starting);
    let (changes, changes_seen) = watch::channel(0);
    let context = Context {
        store: store.clone(),
        clock,
        policy: config.policy.clone(),
        secrets: secrets.clone(),
        me: Me {
            id: config.id,
            address: config.advertise.unwrap_or_else(|| address.to_string()),
            http: config.advertise_http,
        },
        role,
        changes,
        measures: Measures::new(metrics.clone()),
        events: events.clone(),
        max_events: config.max_events,
        max_revisions: config.max_revisions,
        history: config.history,
        shutdown: shutdown.clone(),
    };
    let handle = Handle(Arc::new(Shared {
        events: events.clone(),
        role: role_seen,
        changes: changes_seen,
        store: store.clone(),
        secrets,
        policy: config.policy,
        metrics,
        ingest: Ingest::new(),
    }));

    let (close, closed) = watch::channel(false);
    let service = CoordinatorServer::new(Service::new(events))
        .max_decoding_message_size(proto::MAX_MESSAGE_BYTES)
        .max_encoding_message_size(proto::MAX_MESSAGE_BYTES);
    let (_, health) = tonic_health::server::health_reporter();
    let mut server = tokio::spawn(
        Server::builder()
            .http2_keepalive_interval(Some(Duration::from_secs(10)))
            .http2_keepalive_timeout(Some(Duration::from_secs(5)))
            .add_service(service)
            .add_service(health)
            .serve_with_incoming_shutdown(
                TcpIncoming::from(config.grpc).with_nodelay(Some(true)),
                async move {
                    let mut closed = closed;
                    let _ = closed.wait_for(|closed| *closed).await;
                },
            ),
    );
    let task = tokio::spawn(async move {
        let led = context.run(inbox).await;
        let _ = close.send(true);
        if tokio::time::timeout(CLOSE_TIMEOUT, &mut server)
            .await
            .is_err()
        {
            server.abort();
        }
        store.close().await;
        led
    });
    Ok(Running {
        handle,
        address,
        task,
    })
}
