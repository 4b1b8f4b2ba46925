//! The program itself: real processes, signals, files and sockets, driven by its own command line and over HTTP.

mod blobl;
mod cluster;
mod commands;
mod delivery;
mod deploy;
mod examples;
mod foresight;
mod many_streams;
mod metrics;
mod nesting;
mod rules;
mod unit_tests;

use std::{
    collections::BTreeMap,
    fs::File,
    io::Read,
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Output, Stdio},
    time::{Duration, Instant},
};

use serde_json::Value as Json;

/// The program: cargo's build of it, or another one that `AIRTRUCT_BIN` names.
pub fn binary() -> PathBuf {
    let built = || env!("CARGO_BIN_EXE_airtruct").into();
    let path = std::env::var_os("AIRTRUCT_BIN").unwrap_or_else(built);
    std::fs::canonicalize(&path)
        .unwrap_or_else(|e| panic!("{}: {e}", PathBuf::from(path).display()))
}

/// How long anything may take before a test gives up. Far more than it should take: the machine may be busy.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A folder of a test's own, removed at its end.
pub struct Folder(PathBuf);

impl Folder {
    pub fn new() -> Folder {
        let path = std::env::temp_dir().join(format!("airtruct-cli-{}", uuid::Uuid::new_v4()));
        std::fs::create_dir_all(&path).expect("a folder");
        Folder(path)
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    pub fn join(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    pub fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.join(name);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        std::fs::write(&path, text).expect("a file");
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// The program without what the test's own environment would set.
pub fn program(folder: &Folder) -> Command {
    let mut command = Command::new(binary());
    command.current_dir(folder.path()).env_clear();
    for kept in ["PATH", "TMPDIR", "LD_LIBRARY_PATH", "LLVM_PROFILE_FILE"] {
        if let Some(value) = std::env::var_os(kept) {
            command.env(kept, value);
        }
    }
    command
}

/// A running process, killed at the end of the test. What it logs is shown if the test fails.
pub struct Process {
    pub name: String,
    child: Child,
    output: PathBuf,
    log: PathBuf,
}

impl Process {
    pub fn start(folder: &Folder, name: &str, mut command: Command) -> Process {
        let (output, log) = (
            folder.join(&format!("{name}.out")),
            folder.join(&format!("{name}.log")),
        );
        // Who runs the tests may ignore Ctrl-C (a background job does), and a shell can't trap what is ignored when it starts.
        // SAFETY: signal() may be called between fork and exec.
        unsafe {
            command.pre_exec(|| {
                libc::signal(libc::SIGINT, libc::SIG_DFL);
                Ok(())
            });
        }
        let child = command
            .stdin(Stdio::null())
            .stdout(File::create(&output).expect("a file"))
            .stderr(File::create(&log).expect("a file"))
            .spawn()
            .expect("the program starts");
        Process {
            name: name.to_owned(),
            child,
            output,
            log,
        }
    }

    /// What it says in the line it prints when it listens.
    pub fn listening(&self, role: &str) -> BTreeMap<String, String> {
        let start = format!("listening role={role} ");
        wait_for(&format!("{} to listen", self.name), || {
            let text = std::fs::read_to_string(&self.output).ok()?;
            let line = text
                .lines()
                .find(|l| l.starts_with(&start) && text.contains('\n'))?;
            Some(
                line.split(' ')
                    .filter_map(|pair| pair.split_once('='))
                    .map(|(k, v)| (k.to_owned(), v.to_owned()))
                    .collect(),
            )
        })
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    pub fn output(&self) -> String {
        std::fs::read_to_string(&self.output).unwrap_or_default()
    }

    pub fn signal(&self, signal: i32) {
        // SAFETY: kill only sends a signal, to a child that was not waited for.
        let result = unsafe { libc::kill(self.child.id() as i32, signal) };
        assert_eq!(result, 0, "{} can be signalled", self.name);
    }

    /// Waits until it has ended.
    pub fn wait(&mut self) -> ExitStatus {
        let name = self.name.clone();
        wait_for(&format!("{name} to end"), || {
            self.child.try_wait().expect("a child")
        })
    }

    pub fn kill(&mut self) {
        self.signal(libc::SIGKILL);
        self.wait();
    }

    /// Resident memory in MiB.
    pub fn resident_mib(&self) -> f64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))
            .unwrap_or_default();
        let line = status
            .lines()
            .find(|l| l.starts_with("VmRSS:"))
            .unwrap_or_default();
        line.split_whitespace()
            .nth(1)
            .and_then(|kib| kib.parse::<f64>().ok())
            .unwrap_or_default()
            / 1024.0
    }

    /// The seconds of a core that it has used so far.
    pub fn cpu_seconds(&self) -> f64 {
        let stat =
            std::fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap_or_default();
        // The name may have spaces in it and stands in brackets; user and system time are the 12th and 13th field after it.
        let fields = stat.rsplit_once(')').unwrap_or_default().1;
        let ticks: u64 = fields
            .split_whitespace()
            .skip(11)
            .take(2)
            .filter_map(|field| field.parse::<u64>().ok())
            .sum();
        // SAFETY: it has no memory to get wrong.
        let hertz = unsafe { libc::sysconf(libc::_SC_CLK_TCK) };
        ticks as f64 / hertz as f64
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            let log = self.log();
            let from = log.len().saturating_sub(4_000);
            eprintln!("--- {}:\n{}", self.name, log.get(from..).unwrap_or(&log));
        }
    }
}

/// A coordinator and workers.
pub struct Cluster {
    pub coordinator: Process,
    pub workers: Vec<Process>,
    pub http: String,
    pub grpc: String,
    flags: Vec<String>,
    /// After the processes, whose logs are in it and are shown when a test fails.
    pub folder: Folder,
}

impl Cluster {
    /// Starts a coordinator with these flags beside its role and ports, and so many workers.
    pub fn start(flags: &[&str], workers: usize) -> Cluster {
        let folder = Folder::new();
        let flags: Vec<String> = flags.iter().map(|f| (*f).to_owned()).collect();
        let coordinator = Self::coordinator(&folder, &flags, "127.0.0.1:0", "127.0.0.1:0");
        let listening = coordinator.listening("coordinator");
        let mut cluster = Cluster {
            folder,
            coordinator,
            workers: Vec::new(),
            http: listening["http"].clone(),
            grpc: listening["grpc"].clone(),
            flags,
        };
        (0..workers).for_each(|_| cluster.add_worker());
        cluster.wait_for_workers(workers);
        cluster
    }

    fn coordinator(folder: &Folder, flags: &[String], http: &str, grpc: &str) -> Process {
        let port = |address: &str| address.rsplit_once(':').expect("host:port").1.to_owned();
        let mut command = program(folder);
        command.args([
            "-role",
            "coordinator",
            "-http-port",
            &port(http),
            "-grpc-port",
            &port(grpc),
        ]);
        command.args(flags);
        Process::start(folder, "coordinator", command)
    }

    /// Starts the coordinator again, where it was.
    pub fn restart_coordinator(&mut self) {
        self.coordinator = Self::coordinator(&self.folder, &self.flags, &self.http, &self.grpc);
        self.coordinator.listening("coordinator");
    }

    /// Starts one more worker, whose streams find its name in `WORKER`.
    pub fn add_worker(&mut self) {
        self.add_worker_with(&[]);
    }

    /// Starts another worker with these flags.
    pub fn add_worker_with(&mut self, flags: &[&str]) {
        let name = format!("worker-{}", self.workers.len() + 1);
        let mut command = program(&self.folder);
        command
            .args(["-role", "worker", "-discovery-uri", &self.grpc])
            .args(flags)
            // Any port that is free, unless a flag names one.
            .env("GRPC_PORT", "0")
            .env("HTTP_PORT", "0")
            .env("WORKER", &name)
            .env("OUT", self.folder.path());
        self.workers
            .push(Process::start(&self.folder, &name, command));
    }

    pub fn wait_for_workers(&self, count: usize) {
        wait_for(&format!("{count} workers to be active"), || {
            let active = self
                .list("workers")
                .iter()
                .filter(|w| w["state"] == "active")
                .count();
            (active == count).then_some(())
        });
    }

    /// Runs a command against this cluster.
    pub fn run(&self, args: &[&str]) -> Output {
        let mut command = program(&self.folder);
        command.args(args).env("AIRTRUCT_COORDINATOR", &self.http);
        command.output().expect("the program runs")
    }

    /// Runs a command that must succeed; gives its standard output.
    pub fn succeed(&self, args: &[&str]) -> String {
        let output = self.run(args);
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(
            output.status.success(),
            "{args:?}: {}\n{text}{errors}",
            output.status
        );
        text
    }

    /// What the coordinator measures.
    pub fn metrics(&self) -> String {
        self.get("/metrics")
    }

    /// What the coordinator answers to a GET of this path.
    pub fn get(&self, path: &str) -> String {
        let url = format!("http://{}{path}", self.http);
        let ask = async || client().get(url).send().await?.text().await;
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        runtime.block_on(ask()).expect("an answer")
    }

    /// `airtruct KIND list -o json`.
    pub fn list(&self, kind: &str) -> Vec<Json> {
        let text = self.succeed(&[kind, "list", "-o", "json"]);
        serde_json::from_str(&text).unwrap_or_else(|e| panic!("{e}: {text}"))
    }

    /// Where each stream's first shard is: by name, the worker and the epoch. None unless all run.
    pub fn placement(&self) -> Option<BTreeMap<String, (String, u64)>> {
        self.list("streams")
            .iter()
            .map(|stream| {
                let shard = &stream["shards"][0];
                let runs = stream["state"] == "running" && shard["state"] == "running";
                runs.then(|| {
                    let place = (
                        text(&shard["worker"]),
                        shard["epoch"].as_u64().expect("an epoch"),
                    );
                    (text(&stream["name"]), place)
                })
            })
            .collect()
    }

    /// How many streams each active worker has, in order.
    pub fn spread(&self) -> Vec<u64> {
        let workers = self.list("workers");
        let active = workers.iter().filter(|w| w["state"] == "active");
        let mut counts: Vec<u64> = active
            .map(|w| w["streams"].as_u64().expect("a count"))
            .collect();
        counts.sort_unstable();
        counts
    }

    /// The process of the worker of this id.
    pub fn worker(&mut self, id: &str) -> &mut Process {
        for worker in &mut self.workers {
            let is_alive = worker.child.try_wait().expect("a child").is_none();
            if is_alive && worker.listening("worker")["id"] == id {
                return worker;
            }
        }
        panic!("no worker {id} runs")
    }
}

pub fn text(value: &Json) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// Asks until there is an answer; fails the test after [`PATIENCE`].
pub fn wait_for<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(Instant::now() < deadline, "waited {PATIENCE:?} for {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// The whole lines of a file, none if it isn't there.
pub fn lines(path: &Path) -> Vec<String> {
    let mut text = String::new();
    if let Ok(mut file) = File::open(path) {
        file.read_to_string(&mut text).expect("text");
    }
    let end = text.rfind('\n').map_or(0, |at| at + 1);
    text[..end].lines().map(str::to_owned).collect()
}

/// Milliseconds since 1970.
pub fn now_ms() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.expect("a clock after 1970").as_millis() as u64
}

/// An HTTP client that talks to this host only.
pub fn client() -> reqwest::Client {
    // As `main` does: the client wants to know who would do TLS. Another test may have said it before.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
        .no_proxy()
        .build()
        .expect("a client")
}
