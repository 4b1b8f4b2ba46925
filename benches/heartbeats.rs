//! What a large cluster at rest costs its coordinator: 1,000 workers that send a heartbeat every 500 ms, as they do by default.
//!
//! `make bench-heartbeats` (or `cargo bench --bench heartbeats`). A coordinator of its own, on SQLite in a temporary folder, and this
//! process as all of its workers, each with a gRPC session over a connection of its own. It prints what the coordinator uses of a core and
//! how often it wrote to its store while nothing happened. `AIRTRUCT_WORKERS`, `AIRTRUCT_STREAMS` and `AIRTRUCT_SECONDS` say other numbers,
//! `AIRTRUCT_BIN` another program than the one that cargo built.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use airtruct::proto::{
    self, coordinator_client::CoordinatorClient, down::Order, up, welcome::Outcome,
};
use anyhow::Context;
use futures::StreamExt;
use tokio::time;

const STREAM: &str =
    "input:\n  generate: { interval: 1h, mapping: 'root = {}' }\noutput:\n  drop: {}\n";
/// How long anything may take before it is given up.
const PATIENCE: Duration = Duration::from_secs(120);
/// Streams in one request.
const AT_ONCE: usize = 500;

struct Coordinator {
    child: Child,
    folder: PathBuf,
    grpc: String,
    http: String,
}

impl Drop for Coordinator {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

impl Coordinator {
    async fn start() -> anyhow::Result<Self> {
        let folder = std::env::temp_dir().join(format!("airtruct-bench-{}", uuid::Uuid::new_v4()));
        std::fs::create_dir_all(&folder)?;
        let said = folder.join("said");
        let built = || env!("CARGO_BIN_EXE_airtruct").into();
        let program = std::env::var_os("AIRTRUCT_BIN").unwrap_or_else(built);
        let child = Command::new(program)
            .current_dir(&folder)
            .args(["-role", "coordinator", "-grpc-port", "0", "-http-port", "0"])
            .stdout(Stdio::from(std::fs::File::create(&said)?))
            .stderr(Stdio::from(std::fs::File::create(folder.join("log"))?))
            .spawn()?;
        let mut coordinator = Self {
            child,
            folder,
            grpc: String::new(),
            http: String::new(),
        };
        let begun = Instant::now();
        loop {
            let line = std::fs::read_to_string(&said)?;
            if line.ends_with('\n') {
                let pairs = line.trim().split(' ').filter_map(|p| p.split_once('='));
                let named: BTreeMap<&str, &str> = pairs.collect();
                coordinator.grpc = (*named.get("grpc").context("a gRPC address")?).to_owned();
                coordinator.http = (*named.get("http").context("an HTTP address")?).to_owned();
                return Ok(coordinator);
            }
            anyhow::ensure!(begun.elapsed() < PATIENCE, "the coordinator doesn't listen");
            time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// The seconds of a core that it has used, and its resident memory in MiB.
    fn used(&self) -> anyhow::Result<(f64, f64)> {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id()))?;
        let fields = stat.rsplit_once(')').context("its name")?.1;
        let field = |n: usize| {
            fields
                .split_whitespace()
                .nth(n)
                .and_then(|f| f.parse().ok())
        };
        let ticks: f64 = field(11).context("utime")?;
        let ticks = ticks + field(12).context("stime")?;
        let pages: f64 = field(21).context("rss")?;
        // SAFETY: it has no memory to get wrong.
        let (hertz, page) = unsafe {
            let hertz = libc::sysconf(libc::_SC_CLK_TCK);
            (hertz as f64, libc::sysconf(libc::_SC_PAGESIZE) as f64)
        };
        Ok((ticks / hertz, pages * page / 1024.0 / 1024.0))
    }

    /// One of its metrics, 0 if it isn't there yet.
    async fn metric(&self, name: &str) -> anyhow::Result<f64> {
        let text = reqwest::get(format!("http://{}/metrics", self.http)).await?;
        let text = text.error_for_status()?.text().await?;
        let line = text.lines().find(|line| {
            let rest = line.strip_prefix(name);
            rest.is_some_and(|rest| rest.starts_with([' ', '{']))
        });
        let value = line.and_then(|line| line.rsplit(' ').next()?.parse().ok());
        Ok(value.unwrap_or(0.0))
    }

    async fn define(&self, streams: usize) -> anyhow::Result<()> {
        let client = reqwest::Client::new();
        let all: Vec<usize> = (0..streams).collect();
        for some in all.chunks(AT_ONCE) {
            let apply = some
                .iter()
                .map(|n| serde_json::json!({"name": format!("s{n:05}"), "config": STREAM}));
            let body = serde_json::json!({ "apply": apply.collect::<Vec<_>>() });
            let sent = client
                .post(format!("http://{}/api/v1/apply", self.http))
                .json(&body);
            let answer = sent.send().await?;
            let status = answer.status();
            anyhow::ensure!(status.is_success(), "{status}: {}", answer.text().await?);
        }
        Ok(())
    }
}

/// What all workers together have seen.
#[derive(Default)]
struct Seen {
    answers: AtomicU64,
    running: AtomicUsize,
    ended: AtomicUsize,
}

/// A worker that does at once what it is told, and nothing else.
async fn work(n: usize, grpc: String, seen: Arc<Seen>) -> anyhow::Result<()> {
    let id = format!("w{n:05}");
    let incarnation = format!("{:032x}", uuid::Uuid::now_v7().as_u128());
    let endpoint = tonic::transport::Endpoint::from_shared(format!("http://{grpc}"))?
        .http2_keep_alive_interval(Duration::from_secs(10))
        .keep_alive_timeout(Duration::from_secs(5));
    let mut client = CoordinatorClient::new(endpoint.connect().await?);
    let hello = proto::Hello {
        worker: id.clone(),
        incarnation: incarnation.clone(),
        address: "127.0.0.1:1".to_owned(),
        weight: 1,
        ..proto::Hello::default()
    };
    let welcome = client.register(hello).await?.into_inner();
    let Some(Outcome::Terms(terms)) = welcome.outcome else {
        anyhow::bail!("{id} is not welcome: {welcome:?}");
    };
    let (mut ups, receiver) = futures::channel::mpsc::channel(8);
    let mut beat = proto::Heartbeat {
        worker: id.clone(),
        incarnation,
        memory_bytes: 50 << 20,
        cpu: 0.01,
        ..proto::Heartbeat::default()
    };
    let mut send = move |beat: &mut proto::Heartbeat| {
        beat.number += 1;
        let message = Some(up::Message::Heartbeat(beat.clone()));
        ups.try_send(proto::Up { message })
            .context("send a heartbeat")
    };
    send(&mut beat)?;
    let mut downs = client.session(receiver).await?.into_inner();
    let mut pace = time::interval(Duration::from_millis(terms.heartbeat_ms));
    pace.set_missed_tick_behavior(time::MissedTickBehavior::Delay);
    loop {
        let down = tokio::select! {
            _ = pace.tick() => {
                send(&mut beat)?;
                continue;
            }
            down = downs.message() => down?.with_context(|| format!("the session of {id} ended"))?,
        };
        if let Some(order @ (Order::Superseded(_) | Order::Register(_))) = down.order {
            anyhow::bail!("{id} is told {order:?}");
        }
        seen.answers
            .fetch_add(u64::from(down.answers.is_some()), Ordering::Relaxed);
        if let Some(duties) = down.duties {
            let before = beat.reports.len();
            beat.reports = duties.duties.iter().map(report).collect();
            beat.applied = down.generation;
            seen.running
                .fetch_add(beat.reports.len(), Ordering::Relaxed);
            seen.running.fetch_sub(before, Ordering::Relaxed);
            send(&mut beat)?;
        }
    }
}

fn report(duty: &proto::Duty) -> proto::Report {
    proto::Report {
        assignment: duty.assignment.clone(),
        state: match duty.drain_ms {
            Some(_) => "stopped",
            None => "running",
        }
        .to_owned(),
        reason: "all inputs are connected".to_owned(),
        failure: None,
        backlog: Some(0),
    }
}

fn number(name: &str, otherwise: usize) -> usize {
    let text = std::env::var(name).ok();
    text.and_then(|text| text.parse().ok()).unwrap_or(otherwise)
}

/// Waits until something is so.
async fn until(what: &str, is_so: impl Fn() -> bool) -> anyhow::Result<()> {
    let begun = Instant::now();
    while !is_so() {
        anyhow::ensure!(begun.elapsed() < PATIENCE, "not so in time: {what}");
        time::sleep(Duration::from_millis(50)).await;
    }
    Ok(())
}

/// A session is a file on either side.
fn allow_files(count: u64) -> anyhow::Result<()> {
    // SAFETY: the pointers are to a struct of our own.
    unsafe {
        let mut limit: libc::rlimit = std::mem::zeroed();
        libc::getrlimit(libc::RLIMIT_NOFILE, &mut limit);
        anyhow::ensure!(
            limit.rlim_max >= count,
            "`ulimit -Hn` must be {count} or more"
        );
        limit.rlim_cur = limit.rlim_cur.max(count);
        libc::setrlimit(libc::RLIMIT_NOFILE, &limit);
    }
    Ok(())
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    rustls::crypto::ring::default_provider()
        .install_default()
        .expect("nothing installed a provider before");
    let workers = number("AIRTRUCT_WORKERS", 1_000);
    let streams = number("AIRTRUCT_STREAMS", 1_000);
    let seconds = number("AIRTRUCT_SECONDS", 20);
    allow_files(workers as u64 + 200)?;
    let coordinator = Coordinator::start().await?;
    let seen = Arc::new(Seen::default());
    let heartbeat = Duration::from_millis(500);
    let mut started = futures::stream::iter(0..workers);
    while let Some(n) = started.next().await {
        let (grpc, seen) = (coordinator.grpc.clone(), seen.clone());
        tokio::spawn(async move {
            if let Err(error) = work(n, grpc, seen.clone()).await {
                // The first one tells enough.
                if seen.ended.fetch_add(1, Ordering::Relaxed) == 0 {
                    eprintln!("worker {n}: {error:#}");
                }
            }
        });
        // Spread over their interval, as workers are that start on their own.
        time::sleep(heartbeat.mul_f64(2.0) / workers as u32).await;
    }
    let begun = Instant::now();
    coordinator.define(streams).await?;
    until("every stream runs", || {
        seen.running.load(Ordering::Relaxed) == streams
    })
    .await?;
    println!(
        "{streams} streams were given to {workers} workers in {:.2?}",
        begun.elapsed()
    );

    // At rest: what was reported is stored and nothing has been written for a while.
    let writes = || coordinator.metric("airtruct_store_write_duration_count");
    let begun = Instant::now();
    let mut before = writes().await?;
    loop {
        time::sleep(Duration::from_secs(5)).await;
        let now = writes().await?;
        if now == before {
            break;
        }
        before = now;
        anyhow::ensure!(begun.elapsed() < PATIENCE, "it does not come to rest");
    }
    let beats = coordinator.metric("airtruct_heartbeats_total").await?;
    let answers = seen.answers.load(Ordering::Relaxed);
    let (cpu, _) = coordinator.used()?;
    let begun = Instant::now();
    time::sleep(Duration::from_secs(seconds as u64)).await;
    let (later, resident) = coordinator.used()?;
    let took = begun.elapsed().as_secs_f64();
    let answers = seen.answers.load(Ordering::Relaxed) - answers;
    let beats = coordinator.metric("airtruct_heartbeats_total").await? - beats;
    let wrote = writes().await? - before;
    let ended = seen.ended.load(Ordering::Relaxed);
    println!(
        "at rest: {:.0} heartbeats/s, {:.0} answers/s, {:.2} % of a core, {wrote} store writes in {took:.0} s, {resident:.0} MiB resident, {ended} sessions broken",
        beats / took,
        answers as f64 / took,
        100.0 * (later - cpu) / took,
    );
    // What breaks from here on is the end.
    seen.ended.fetch_add(1, Ordering::Relaxed);
    Ok(())
}
