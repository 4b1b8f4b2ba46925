//! Runs a role: opens its ports, starts it, and waits until it has stopped.
//!
//! What listens where is printed on standard output in one line that scripts may read:
//! `listening role=coordinator grpc=127.0.0.1:50000 http=127.0.0.1:8080`.

use std::{
    net::{IpAddr, SocketAddr, TcpListener},
    path::PathBuf,
};

use anyhow::Context;

use crate::{
    api,
    args::{Config, Driver, Port, Role},
    cli::{footprint, open_files},
    coordinator,
    history::History,
    store::Database,
    tasks::Shutdown,
    worker,
};

/// How many ports are tried where any from one on will do.
const PORTS_TRIED: u16 = 1_000;

pub async fn run(config: &Config) -> anyhow::Result<()> {
    open_files::allow_all();
    let shutdown = Shutdown::on_signals().context("listen for signals")?;
    tokio::spawn(footprint::shrink_after_start());
    match config.role {
        Role::Coordinator => coordinate(config, &shutdown).await?.wait().await,
        Role::Worker => work(config, config.discovery_uri.clone(), shutdown).await,
        Role::Standalone => both(config, &shutdown).await,
    }
}

/// A coordinator with its API.
struct Coordinating {
    running: coordinator::Running,
    api: tokio::task::JoinHandle<anyhow::Result<()>>,
    shutdown: Shutdown,
}

impl Coordinating {
    /// Waits until both have stopped; if one can't go on, the other is stopped.
    async fn wait(self) -> anyhow::Result<()> {
        let shutdown = self.shutdown;
        let stop_when = async |result: anyhow::Result<()>| {
            shutdown.stop();
            result
        };
        let coordinator = async { stop_when(self.running.wait().await).await };
        let api = async { stop_when(self.api.await.context("the API ended")?).await };
        let (coordinator, api) = tokio::join!(coordinator, api);
        coordinator.and(api)
    }
}

async fn coordinate(config: &Config, shutdown: &Shutdown) -> anyhow::Result<Coordinating> {
    let grpc = bind(config.bind_address, config.grpc_port, "-grpc-port")?;
    let http = bind(config.bind_address, config.http_port, "-http-port")?;
    let (grpc_address, http_address) = (grpc.local_addr()?, http.local_addr()?);
    let advertised = |port: u16| {
        let host = match &config.advertise_addr {
            Some(address) => address
                .rsplit_once(':')
                .map_or(address.as_str(), |(host, _)| host)
                .to_owned(),
            None if config.bind_address.is_unspecified() => host_name(),
            None => return SocketAddr::new(config.bind_address, port).to_string(),
        };
        format!("{host}:{port}")
    };
    let id = coordinator::new_id();
    let running = coordinator::start(
        coordinator::Config {
            advertise: Some(advertised(grpc_address.port())),
            advertise_http: Some(advertised(http_address.port())),
            secret_key: config.secret_key.as_ref().map(|key| key.0),
            policy: config.policy.clone(),
            history: history(config, &id)?,
            id,
            ..coordinator::Config::new(tokio::net::TcpListener::from_std(grpc)?, database(config))
        },
        shutdown.clone(),
    )
    .await
    .context("start the coordinator")?;
    let router = api::router(running.handle(), config.bind_address.is_loopback());
    let api = tokio::spawn(api::serve(http, router, shutdown.clone()));
    println!("listening role=coordinator grpc={grpc_address} http={http_address}");
    tracing::info!(%grpc_address, "the coordinator is up; its API is at http://{http_address}/api/v1");
    Ok(Coordinating {
        running,
        api,
        shutdown: shutdown.clone(),
    })
}

async fn work(config: &Config, discovery: String, shutdown: Shutdown) -> anyhow::Result<()> {
    let beside = |port: Port| match (config.role, port) {
        (Role::Standalone, Port::Exactly(0)) => Port::Exactly(0),
        (Role::Standalone, Port::Exactly(port) | Port::From(port)) => {
            Port::From(port.saturating_add(1))
        }
        (Role::Worker | Role::Coordinator, port) => port,
    };
    let grpc = bind(config.bind_address, beside(config.grpc_port), "-grpc-port")?;
    let http = bind(config.bind_address, beside(config.http_port), "-http-port")?;
    let incarnation = worker::new_incarnation();
    let worker = worker::start(
        worker::Config {
            id: config.worker_id.clone(),
            http: Some(tokio::net::TcpListener::from_std(http)?),
            advertise: config
                .advertise_addr
                .clone()
                .filter(|_| config.role == Role::Worker),
            labels: config.labels.clone(),
            max_streams: config.max_streams,
            weight: config.weight,
            limits: config.lifetime,
            drain_ms: config.policy.drain_ms,
            incarnation,
            history: history(config, &incarnation.to_string())?,
            ..worker::Config::new(
                tokio::net::TcpListener::from_std(grpc)?,
                discovery
                    .split(',')
                    .map(|one| one.trim().to_owned())
                    .collect(),
            )
        },
        shutdown,
    )
    .await
    .context("start the worker")?;
    let (grpc_address, http_address) = (worker.grpc_address(), worker.http_address());
    let http = http_address.map_or_else(|| "-".to_owned(), |address| address.to_string());
    println!(
        "listening role=worker id={} grpc={grpc_address} http={http}",
        worker.id()
    );
    tracing::info!(id = %worker.id(), %grpc_address, %http, "the worker is up; it looks for its coordinator at {discovery}");
    worker.wait().await
}

/// A coordinator and a worker; the worker stops first, so that it can say goodbye.
async fn both(config: &Config, shutdown: &Shutdown) -> anyhow::Result<()> {
    let of_coordinator = Shutdown::new();
    let coordinating = coordinate(config, &of_coordinator).await?;
    let grpc = coordinating.running.grpc_address();
    let host = match grpc.ip() {
        ip if !ip.is_unspecified() => ip,
        IpAddr::V4(_) => IpAddr::from([127, 0, 0, 1]),
        IpAddr::V6(_) => IpAddr::from([0, 0, 0, 0, 0, 0, 0, 1]),
    };
    let of_worker = shutdown.clone();
    let worker = async {
        let discovery = SocketAddr::new(host, grpc.port()).to_string();
        let result = work(config, discovery, of_worker).await;
        of_coordinator.stop();
        result
    };
    let coordinator = async {
        let result = coordinating.wait().await;
        shutdown.stop();
        result
    };
    let at_once = async {
        shutdown.hard().await;
        of_coordinator.stop_at_once();
    };
    tokio::pin!(at_once);
    let ended = async { tokio::join!(worker, coordinator) };
    tokio::pin!(ended);
    let (worker, coordinator) = tokio::select! {
        ended = &mut ended => ended,
        () = &mut at_once => ended.await,
    };
    worker.and(coordinator)
}

/// Where this process writes down what it does, if it is asked to.
fn history(config: &Config, process: &str) -> anyhow::Result<History> {
    let path = config.history.as_ref();
    let history = path.map(|path| History::open(path, process.to_owned()));
    Ok(history.transpose()?.unwrap_or_default())
}

/// Opens a port; an error says which flag to change.
fn bind(address: IpAddr, port: Port, flag: &str) -> anyhow::Result<TcpListener> {
    let (first, last) = match port {
        Port::Exactly(port) => (port, port),
        Port::From(port) => (port, port.saturating_add(PORTS_TRIED)),
    };
    let mut failure = None;
    for port in first..=last {
        match TcpListener::bind((address, port)) {
            Ok(listener) => {
                listener.set_nonblocking(true)?;
                return Ok(listener);
            }
            Err(error) => failure = Some(error),
        }
    }
    let error = failure.expect("a range of ports has at least one");
    Err(error).with_context(|| match port {
        Port::Exactly(port) => {
            format!("listen on {address}:{port} (set {flag} to another port, or to 0 for any that is free)")
        }
        Port::From(_) => format!("listen on any port of {address} from {first} to {last} (set {flag})"),
    })
}

fn database(config: &Config) -> Database {
    match config.database_driver {
        Driver::Postgres => Database::Postgres(config.database_uri.clone()),
        Driver::Sqlite => Database::Sqlite(PathBuf::from(&config.database_uri)),
    }
}

fn host_name() -> String {
    let mut name = [0u8; 256];
    // SAFETY: the buffer is as long as is said, and what the call writes ends within it.
    let result = unsafe { libc::gethostname(name.as_mut_ptr().cast(), name.len() - 1) };
    let length = name.iter().position(|b| *b == 0).unwrap_or(0);
    match result {
        0 => String::from_utf8_lossy(&name[..length]).into_owned(),
        _ => "localhost".into(),
    }
}
