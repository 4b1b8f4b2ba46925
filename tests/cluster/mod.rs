//! A whole cluster in one process, over real gRPC, with small intervals.
//!
//! Each worker has a runtime of its own: to kill one is to drop its runtime, which closes its port and its session
//! as the end of a process would.

mod failover;
mod high_availability;
mod ingest;
mod partition;
mod placement;
mod processes;
mod scaling;

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU32, Ordering},
    time::{Duration, Instant},
};

use airtruct::{
    cluster::{AssignmentState, Policy, View},
    coordinator::{self, Draft, Handle},
    ids::{StreamName, WorkerId},
    store::Database,
    tasks::Shutdown,
    worker,
};
use tokio::{net::TcpListener, runtime::Runtime};

use crate::store::Folder;

/// How long anything may take before a test fails.
pub const LIMIT: Duration = Duration::from_secs(20);

pub fn policy() -> Policy {
    Policy {
        heartbeat_ms: 100,
        lease_ms: 800,
        margin_ms: 100,
        suspect_ms: 400,
        move_pause_ms: 20,
        retry_ms: 100,
        gather_ms: 100,
        settle_ms: 100,
        ..Policy::default()
    }
}

/// An address of this machine that no other test has: its ports stay free while nobody listens.
pub fn own_address() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed) + (std::process::id() % 50) * 1_000;
    format!(
        "127.{}.{}.{}",
        1 + number / 60_000,
        1 + number / 250 % 240,
        1 + number % 250
    )
}

pub struct Coordinator {
    pub handle: Handle,
    pub address: SocketAddr,
    shutdown: Shutdown,
    running: coordinator::Running,
}

impl Coordinator {
    pub async fn start(address: &str, database: Database, policy: Policy) -> Self {
        let grpc = TcpListener::bind(address)
            .await
            .expect("the coordinator's port");
        let config = coordinator::Config {
            policy,
            secret_key: Some([7; 32]),
            ..coordinator::Config::new(grpc, database)
        };
        let shutdown = Shutdown::new();
        let running = coordinator::start(config, shutdown.clone())
            .await
            .expect("a coordinator");
        Self {
            handle: running.handle(),
            address: running.grpc_address(),
            shutdown,
            running,
        }
    }

    pub async fn stop(self) {
        self.shutdown.stop();
        self.running.wait().await.expect("it stops well");
    }
}

pub struct Worker {
    pub address: SocketAddr,
    pub shutdown: Shutdown,
    runtime: Option<Runtime>,
    running: Option<worker::Running>,
}

impl Worker {
    /// A worker on a free port.
    pub fn start(id: &str, discovery: &[String]) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .expect("a runtime");
        let shutdown = Shutdown::new();
        let begin = async {
            let grpc = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
            let mut config = worker::Config::new(grpc, discovery.to_vec());
            config.id = Some(WorkerId::new(id).expect("an id"));
            worker::start(config, shutdown.clone())
                .await
                .expect("a worker")
        };
        // Not on the test's own thread: one runtime can't wait within another.
        let running = std::thread::scope(|scope| {
            scope
                .spawn(|| runtime.block_on(begin))
                .join()
                .expect("the worker starts")
        });
        Self {
            address: running.grpc_address(),
            shutdown,
            runtime: Some(runtime),
            running: Some(running),
        }
    }

    /// Ends it as a crash would: no goodbye, its port and session closed.
    pub fn kill(self) {
        drop(self);
    }

    /// Waits until it has ended by itself.
    pub async fn wait(mut self) -> anyhow::Result<()> {
        let running = self.running.take().expect("it is waited for once");
        let ended = tokio::time::timeout(LIMIT, running.wait()).await;
        ended.expect("the worker ends in time")
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// A cluster with one coordinator on SQLite.
pub struct Cluster {
    pub folder: Folder,
    pub coordinator: Option<Coordinator>,
    pub address: String,
    pub policy: Policy,
}

impl Cluster {
    /// No coordinator yet: an address where one will be.
    pub fn new() -> Self {
        Self {
            folder: Folder::new(),
            coordinator: None,
            address: format!("{}:7000", own_address()),
            policy: policy(),
        }
    }

    pub async fn started() -> Self {
        let mut cluster = Self::new();
        cluster.start().await;
        cluster
    }

    pub async fn start(&mut self) {
        let database = Database::Sqlite(self.folder.0.join("store.db"));
        let coordinator = Coordinator::start(&self.address, database, self.policy.clone()).await;
        coordinator.handle.wait_leading().await.expect("it leads");
        self.coordinator = Some(coordinator);
    }

    pub async fn stop(&mut self) {
        self.coordinator.take().expect("a coordinator").stop().await;
    }

    pub fn handle(&self) -> &Handle {
        &self.coordinator.as_ref().expect("a coordinator").handle
    }

    pub fn worker(&self, id: &str) -> Worker {
        Worker::start(id, std::slice::from_ref(&self.address))
    }

    /// Creates a stream that writes lines `EPOCH MILLISECONDS` to a file of its own.
    pub async fn create(&self, name: &str) {
        let draft = Draft::new(ticker(&self.file(name)));
        self.handle()
            .create_stream(stream(name), draft)
            .await
            .expect("a stream");
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.0.join(format!("{name}.txt"))
    }

    /// Waits until so many assignments run and nothing else is under way.
    pub async fn wait_running(&self, count: usize) {
        self.wait(&format!("{count} running"), |view| {
            let mut all = view.assignments();
            view.assignments().count() == count
                && all.all(|(_, a)| a.state == AssignmentState::Running)
        })
        .await;
    }

    pub async fn wait_workers(&self, count: usize) {
        self.wait(&format!("{count} workers"), |view| {
            view.workers
                .values()
                .filter(|worker| worker.is_open())
                .count()
                == count
        })
        .await;
    }

    /// Waits until the view is as wanted; how long that took.
    pub async fn wait(&self, what: &str, is_so: impl Fn(&View) -> bool) -> Duration {
        wait_view(self.handle(), what, is_so).await
    }

    /// How many assignments each worker has.
    pub async fn counts(&self) -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        for (_, assignment) in self.handle().view().await.expect("a view").assignments() {
            *counts.entry(assignment.worker.to_string()).or_default() += 1;
        }
        counts
    }

    /// Who has each shard, under which epoch.
    pub async fn owners(&self) -> BTreeMap<String, (String, u64)> {
        let view = self.handle().view().await.expect("a view");
        let all = view.assignments();
        all.map(|(id, a)| (id.to_string(), (a.worker.to_string(), a.epoch.get())))
            .collect()
    }

    /// How many events of a kind there were.
    pub async fn events(&self, kind: &str) -> usize {
        let filter = coordinator::EventFilter {
            limit: 1_000,
            ..Default::default()
        };
        let events = self.handle().events(filter).await.expect("events");
        events.iter().filter(|event| event.kind == kind).count()
    }
}

pub async fn wait_view(handle: &Handle, what: &str, is_so: impl Fn(&View) -> bool) -> Duration {
    let begun = Instant::now();
    let mut changes = handle.changes();
    loop {
        changes.mark_unchanged();
        let view = handle.view().await.expect("a view");
        if is_so(&view) {
            return begun.elapsed();
        }
        let _ = tokio::time::timeout(Duration::from_millis(50), changes.changed()).await;
        assert!(
            begun.elapsed() < LIMIT,
            "not so after {LIMIT:?}: {what}\n{:#?}\n{:#?}",
            view.shards,
            view.workers
        );
    }
}

pub fn stream(name: &str) -> StreamName {
    StreamName::new(name).expect("a stream's name")
}

pub fn ticker(file: &Path) -> String {
    format!(
        r#"
input:
  generate:
    interval: 20ms
    mapping: 'root = "${{AIRTRUCT_EPOCH}} " + timestamp_unix_milli().string()'
output:
  file:
    path: {}
    codec: lines
"#,
        file.display()
    )
}

/// A line of a ticker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line {
    pub epoch: u64,
    pub ms: u64,
}

/// The whole lines of a file.
pub fn lines(file: &Path) -> Vec<Line> {
    let text = std::fs::read_to_string(file).unwrap_or_default();
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    let line = |line: &str| {
        let (epoch, ms) = line
            .split_once(' ')
            .unwrap_or_else(|| panic!("a line `{line}`"));
        Line {
            epoch: epoch.parse().expect("an epoch"),
            ms: ms.parse().expect("a time"),
        }
    };
    whole.lines().map(line).collect()
}

/// The longest time between two lines, in milliseconds; panics if an older owner wrote after a newer one.
pub fn longest_gap(lines: &[Line]) -> u64 {
    let mut longest = 0;
    for pair in lines.windows(2) {
        assert!(
            pair[0].epoch <= pair[1].epoch,
            "an older owner writes after a newer one: {pair:?}"
        );
        longest = longest.max(pair[1].ms.saturating_sub(pair[0].ms));
    }
    longest
}

/// Waits until something is so.
pub async fn wait_until(what: &str, is_so: impl Fn() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < LIMIT, "not so after {LIMIT:?}: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Waits until so many more lines are in a file.
pub async fn wait_lines(file: &Path, more: usize) {
    let count = lines(file).len();
    wait_until("there are more lines", || lines(file).len() >= count + more).await;
}

/// Lets time pass that is measured, not guessed: a lease, a margin.
pub async fn pass_ms(ms: u64) {
    tokio::time::sleep(Duration::from_millis(ms)).await;
}
