//! Puts a coordinator together: store, loop, gRPC server.

use std::sync::Arc;

use anyhow::Context as _;
use tokio::sync::{mpsc, watch};

use super::{
    Config, Handle, Role, Running, campaign::Context, clock::Clock, handle::Shared, ingest::Ingest,
    measure::Measures, secrets::Secrets, session,
};
use crate::{
    store::{Me, Store},
    tasks::Shutdown,
    telemetry::metrics::Metrics,
};

/// Events that may wait for the loop. Whoever has more to say waits.
const EVENTS: usize = 4_096;

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
    let listener = config.grpc.into_std().context("take the gRPC port")?;
    let served = session::serve(listener, events, closed)?;
    let task = tokio::spawn(async move {
        let led = context.run(inbox).await;
        let _ = close.send(true);
        if let Ok(Err(error)) = served.await {
            tracing::warn!("the gRPC server ended: {error:#}");
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
