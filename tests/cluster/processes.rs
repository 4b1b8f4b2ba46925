//! The binary itself: a coordinator and workers as processes, stopped in every way that a process can be.

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, ChildStdout, Command, ExitStatus, Stdio},
    time::{Duration, Instant},
};

use super::{LIMIT, lines, longest_gap, own_address, pass_ms, ticker, wait_lines, wait_until};
use crate::store::Folder;

const BINARY: &str = env!("CARGO_BIN_EXE_airtruct");

/// A process that is killed when the test ends, whatever state it is in.
struct Process {
    child: Child,
    /// What it printed of where it listens.
    line: String,
    /// Held, since a process without a reader ends.
    _output: BufReader<ChildStdout>,
}

impl Process {
    fn start(folder: &Path, arguments: &[&str]) -> Self {
        let mut child = Command::new(BINARY)
            .args(arguments)
            .args([
                "-lease-ttl",
                "1s",
                "-heartbeat-interval",
                "150ms",
                "-lease-margin",
                "150ms",
            ])
            .current_dir(folder)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the binary runs");
        let mut line = String::new();
        let mut output = BufReader::new(child.stdout.take().expect("its output"));
        output.read_line(&mut line).expect("where it listens");
        assert!(line.starts_with("listening "), "it printed `{line}`");
        Self {
            child,
            line,
            _output: output,
        }
    }

    /// A part of the line, such as `http=`.
    fn part(&self, name: &str) -> &str {
        let part = self
            .line
            .split_whitespace()
            .find_map(|part| part.strip_prefix(name));
        part.unwrap_or_else(|| panic!("no `{name}` in `{}`", self.line))
    }

    fn signal(&self, signal: i32) {
        // SAFETY: a signal to a child that was not waited for yet.
        let status = unsafe { libc::kill(self.child.id() as i32, signal) };
        assert_eq!(status, 0, "the process is there");
    }

    /// The processes that it started and that are there.
    fn children(&self) -> Vec<i32> {
        let of =
            |task: std::fs::DirEntry| std::fs::read_to_string(task.path().join("children")).ok();
        let tasks = std::fs::read_dir(format!("/proc/{}/task", self.child.id()));
        let lists: Vec<String> = tasks
            .into_iter()
            .flatten()
            .flatten()
            .filter_map(of)
            .collect();
        let mut all: Vec<i32> = lists
            .iter()
            .flat_map(|list| list.split_whitespace())
            .filter_map(|pid| pid.parse().ok())
            .collect();
        all.sort_unstable();
        all
    }

    async fn wait(&mut self) -> ExitStatus {
        let begun = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().expect("its status") {
                return status;
            }
            assert!(begun.elapsed() < LIMIT, "the process does not end");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A cluster of processes on an address of its own.
struct Processes {
    folder: Folder,
    host: String,
    coordinator: Process,
}

impl Processes {
    fn new() -> Self {
        let folder = Folder::new();
        let host = own_address();
        let coordinator = Self::coordinator(&folder, &host);
        Self {
            folder,
            host,
            coordinator,
        }
    }

    /// Always on the same ports: the address is this test's own.
    fn coordinator(folder: &Folder, host: &str) -> Process {
        let arguments = [
            "-role",
            "coordinator",
            "-bind-address",
            host,
            "-grpc-port",
            "7000",
            "-http-port",
            "7001",
        ];
        Process::start(&folder.0, &arguments)
    }

    fn worker(&self, id: &str) -> Process {
        self.workers(id, "1")
    }

    /// So many of them under one that watches over them.
    fn workers(&self, id: &str, count: &str) -> Process {
        let discovery = format!("{}:7000", self.host);
        let arguments = [
            "-processes",
            count,
            "-role",
            "worker",
            "-worker-id",
            id,
            "-grpc-port",
            "0",
            "-http-port",
            "0",
            "-discovery-uri",
            &discovery,
        ];
        Process::start(&self.folder.0, &arguments)
    }

    /// What a command answers as JSON.
    fn json(&self, arguments: &[&str]) -> serde_json::Value {
        let output = Command::new(BINARY)
            .args(arguments)
            .args(["-o", "json", "--coordinator"])
            .arg(format!("http://{}:7001", self.host))
            .output()
            .expect("the binary runs");
        serde_json::from_slice(&output.stdout).unwrap_or(serde_json::Value::Null)
    }

    /// Applies streams that write to files of their own.
    fn apply(&self, names: &[&str]) {
        for name in names {
            let file = self.folder.0.join(format!("{name}.yaml"));
            std::fs::write(&file, ticker(&self.file(name))).expect("a stream's file");
            let status = Command::new(BINARY)
                .args(["streams", "apply", "--coordinator"])
                .arg(format!("http://{}:7001", self.host))
                .arg(&file)
                .stdout(Stdio::null())
                .status()
                .expect("the binary runs");
            assert!(status.success(), "the stream is applied");
        }
    }

    fn file(&self, name: &str) -> std::path::PathBuf {
        self.folder.0.join(format!("{name}.txt"))
    }

    /// Which worker has each stream, if all run.
    fn owners(&self) -> Option<Vec<(String, String)>> {
        let streams = self.json(&["streams", "list"]);
        let owner = |stream: &serde_json::Value| {
            let name = stream["name"].as_str()?.to_owned();
            let is_running = stream["state"] == "running";
            let worker = stream["shards"][0]["worker"].as_str()?.to_owned();
            is_running.then_some((name, worker))
        };
        streams.as_array()?.iter().map(owner).collect()
    }

    async fn wait_workers(&self, count: usize) {
        wait_until("the workers are there", || {
            let workers = self.json(&["workers", "list"]);
            let active = |all: &Vec<serde_json::Value>| {
                all.iter()
                    .filter(|worker| worker["state"] == "active")
                    .count()
            };
            workers.as_array().map(active) == Some(count)
        })
        .await;
    }

    async fn wait_running(&self, count: usize) -> Vec<(String, String)> {
        wait_until("all streams run", || {
            self.owners().is_some_and(|owners| owners.len() == count)
        })
        .await;
        self.owners().expect("they run")
    }
}

fn owned<'a>(owners: &'a [(String, String)], worker: &str) -> Vec<&'a str> {
    let of_worker = owners.iter().filter(|(_, owner)| owner == worker);
    of_worker.map(|(name, _)| name.as_str()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_and_a_paused_worker_lose_their_streams_and_write_nothing_more() {
    let cluster = Processes::new();
    let mut workers: Vec<_> = ["w1", "w2", "w3"]
        .iter()
        .map(|id| cluster.worker(id))
        .collect();
    cluster.wait_workers(3).await;
    let names = ["a", "b", "c", "d", "e", "f"];
    cluster.apply(&names);
    let owners = cluster.wait_running(6).await;
    for id in ["w1", "w2", "w3"] {
        assert_eq!(owned(&owners, id).len(), 2, "{owners:?}");
    }
    for name in names {
        wait_lines(&cluster.file(name), 3).await;
    }

    // Killed: taken over by proof, not by lease; so fast that the epochs have to be read before.
    let epochs: Vec<_> = names
        .iter()
        .map(|name| lines(&cluster.file(name)).last().expect("a line").epoch)
        .collect();
    workers[0].signal(libc::SIGKILL);
    workers[0].wait().await;
    for name in owned(&owners, "w1") {
        let at = names
            .iter()
            .position(|known| *known == name)
            .expect("a name");
        wait_until("it is written elsewhere", || {
            lines(&cluster.file(name))
                .last()
                .is_some_and(|line| line.epoch > epochs[at])
        })
        .await;
        let gap = longest_gap(&lines(&cluster.file(name)));
        assert!(gap < 1_000, "a gap of {gap} ms for {name}");
    }

    // Paused for longer than the lease: taken over by lease, and nothing comes after it.
    let owners = cluster.wait_running(6).await;
    let paused = owned(&owners, "w2");
    assert!(!paused.is_empty(), "{owners:?}");
    let before: Vec<_> = paused
        .iter()
        .map(|name| lines(&cluster.file(name)).last().expect("a line").epoch)
        .collect();
    workers[1].signal(libc::SIGSTOP);
    for (name, before) in paused.iter().zip(&before) {
        wait_until("it is written elsewhere", || {
            lines(&cluster.file(name))
                .last()
                .is_some_and(|line| line.epoch > *before)
        })
        .await;
    }
    pass_ms(1_500).await;
    workers[1].signal(libc::SIGCONT);
    cluster.wait_workers(2).await;
    for name in &paused {
        wait_lines(&cluster.file(name), 20).await;
        // Panics if a line of the old epoch comes after one of the new.
        longest_gap(&lines(&cluster.file(name)));
    }
    let owners = cluster.wait_running(6).await;
    for name in names {
        longest_gap(&lines(&cluster.file(name)));
    }
    assert!(owned(&owners, "w1").is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_coordinator_may_go_and_come_and_workers_leave_in_order() {
    let mut cluster = Processes::new();
    let mut workers: Vec<_> = ["w1", "w2"].iter().map(|id| cluster.worker(id)).collect();
    cluster.wait_workers(2).await;
    let names = ["a", "b", "c", "d"];
    cluster.apply(&names);
    let owners = cluster.wait_running(4).await;
    for name in names {
        wait_lines(&cluster.file(name), 3).await;
    }
    let before = names.map(|name| lines(&cluster.file(name)).last().map(|line| line.epoch));

    // Killed, away for longer than a lease, and back; then asked to stop, and back.
    for signal in [libc::SIGKILL, libc::SIGTERM] {
        cluster.coordinator.signal(signal);
        let ended = cluster.coordinator.wait().await;
        assert_eq!(ended.success(), signal == libc::SIGTERM, "{ended}");
        pass_ms(2_000).await;
        cluster.coordinator = Processes::coordinator(&cluster.folder, &cluster.host);
        let back = Instant::now();
        cluster.wait_workers(2).await;
        assert!(
            back.elapsed() < Duration::from_secs(5),
            "they came back after {:?}",
            back.elapsed()
        );
        pass_ms(1_500).await;
        assert_eq!(cluster.wait_running(4).await, owners, "nothing moved");
    }
    for (name, before) in names.iter().zip(&before) {
        let lines = lines(&cluster.file(name));
        assert!(
            lines.iter().all(|line| Some(line.epoch) == *before),
            "a second copy of {name}"
        );
        let gap = longest_gap(&lines);
        assert!(gap < 1_000, "a gap of {gap} ms for {name}");
    }

    // Asked to stop: it hands over, and its process ends well.
    workers[0].signal(libc::SIGTERM);
    let ended = workers[0].wait().await;
    assert!(ended.success(), "{ended}");
    let owners = cluster.wait_running(4).await;
    assert_eq!(owned(&owners, "w2").len(), 4, "{owners:?}");
    for name in names {
        wait_lines(&cluster.file(name), 5).await;
        let gap = longest_gap(&lines(&cluster.file(name)));
        assert!(gap < 1_000, "a gap of {gap} ms for {name}");
    }
    assert_eq!(workers[1].part("id="), "w2");
}

#[tokio::test(flavor = "multi_thread")]
async fn workers_that_one_process_watches_over_are_started_anew_and_end_with_it() {
    let cluster = Processes::new();
    let mut pool = cluster.workers("pool", "2");
    cluster.wait_workers(2).await;
    let names = ["a", "b", "c", "d"];
    cluster.apply(&names);
    let owners = cluster.wait_running(4).await;
    assert_eq!(owned(&owners, "pool-1").len(), 2, "{owners:?}");
    assert_eq!(owned(&owners, "pool-2").len(), 2, "{owners:?}");
    for name in names {
        wait_lines(&cluster.file(name), 3).await;
    }

    // One of them crashes: the other goes on, and there are two again.
    let before = pool.children();
    assert_eq!(before.len(), 2);
    signal(before[0], libc::SIGKILL);
    wait_until("another takes its place", || {
        let now = pool.children();
        now.len() == 2 && !now.contains(&before[0])
    })
    .await;
    assert!(pool.children().contains(&before[1]), "the other goes on");
    cluster.wait_workers(2).await;
    cluster.wait_running(4).await;
    for name in names {
        let have = lines(&cluster.file(name)).len();
        wait_lines(&cluster.file(name), have + 3).await;
        let gap = longest_gap(&lines(&cluster.file(name)));
        assert!(gap < 1_000, "a gap of {gap} ms for {name}");
    }

    // The one that watches dies: they hand over and end, nobody is left behind.
    let mut other = cluster.workers("other", "2");
    cluster.wait_workers(4).await;
    let orphans = pool.children();
    pool.signal(libc::SIGKILL);
    pool.wait().await;
    wait_until("they end", || orphans.iter().all(|pid| !exists(*pid))).await;
    let owners = cluster.wait_running(4).await;
    assert!(
        owners.iter().all(|(_, owner)| owner.starts_with("other-")),
        "{owners:?}"
    );

    // Asked to stop, they all end well.
    let children = other.children();
    other.signal(libc::SIGTERM);
    let ended = other.wait().await;
    assert!(ended.success(), "{ended}");
    assert!(children.iter().all(|pid| !exists(*pid)));
}

fn signal(pid: i32, signal: i32) {
    // SAFETY: it only sends a signal.
    let status = unsafe { libc::kill(pid, signal) };
    assert_eq!(status, 0, "the process is there");
}

/// Whether there is such a process that has not ended; one that nobody waited for has.
fn exists(pid: i32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(") ")
        .is_some_and(|(_, rest)| !rest.starts_with(['Z', 'X']))
}
