//! A cluster of real processes, each on a host of its own, and what can be done to it.

use std::{
    fs::{self, File},
    io::Write,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use super::{Settings, network::Network};

/// Hosts: the coordinators come first, then the database's, then the workers'.
const DATABASE_HOST: usize = 3;
const FIRST_WORKER_HOST: usize = 4;

/// How long anything may take that must come to pass.
const PATIENCE: Duration = Duration::from_secs(90);

/// Shards of the stream.
pub const SHARDS: usize = 6;

/// Which database the coordinators use, and so how many there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// One coordinator, its file on a small disk of its own.
    Sqlite,
    /// Two coordinators.
    Postgres,
}

/// Something that goes wrong for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    KillWorker(usize),
    PauseWorker(usize),
    /// SIGTERM.
    DrainWorker(usize),
    /// Nothing gets from the host, or to it, or neither.
    Cut {
        host: usize,
        out: bool,
        back: bool,
    },
    KillCoordinator(usize),
    PauseCoordinator(usize),
    RestartDatabase,
    FillDisk,
}

impl Fault {
    /// What CHAOS_FAULTS calls it.
    pub fn name(self) -> &'static str {
        match self {
            Self::KillWorker(_) => "kill",
            Self::PauseWorker(_) => "pause",
            Self::DrainWorker(_) => "drain",
            Self::Cut { .. } => "cut",
            Self::KillCoordinator(_) => "kill-coordinator",
            Self::PauseCoordinator(_) => "pause-coordinator",
            Self::RestartDatabase => "restart-database",
            Self::FillDisk => "fill-disk",
        }
    }
}

pub struct Arena {
    kind: Kind,
    settings: Settings,
    folder: PathBuf,
    network: Network,
    database: Option<Child>,
    coordinators: Vec<Option<Child>>,
    workers: Vec<Option<Child>>,
}

impl Arena {
    /// None where hosts can't be made.
    pub fn start(kind: Kind, settings: Settings) -> Option<Arena> {
        let network = Network::new(DATABASE_HOST + settings.workers)?;
        let folder = std::env::temp_dir().join(format!("airtruct-chaos-{}", super::number()));
        for part in ["disk", "database", "out", "logs"] {
            fs::create_dir_all(folder.join(part)).expect("a folder");
        }
        let mut arena = Arena {
            kind,
            network,
            database: None,
            coordinators: vec![],
            workers: vec![],
            settings,
            folder,
        };
        match kind {
            Kind::Sqlite => arena.mount(),
            Kind::Postgres => arena.make_database(),
        }
        for number in 0..arena.coordinator_count() {
            let started = arena.start_coordinator(number);
            arena.coordinators.push(Some(started));
        }
        for number in 0..arena.settings.workers {
            let started = arena.start_worker(number);
            arena.workers.push(Some(started));
        }
        arena.define_stream();
        Some(arena)
    }

    fn coordinator_count(&self) -> usize {
        match self.kind {
            Kind::Sqlite => 1,
            Kind::Postgres => 2,
        }
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }

    fn mount(&self) {
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=16m", "tmpfs"])
            .arg(self.folder.join("disk"))
            .status();
        assert!(mounted.is_ok_and(|status| status.success()), "a small disk");
    }

    fn make_database(&mut self) {
        let data = self.folder.join("database");
        // PostgreSQL refuses to run as root.
        std::os::unix::fs::chown(&data, Some(65_534), Some(65_534)).expect("to give it away");
        let made = self
            .as_nobody("initdb")
            .args(["-U", "postgres", "-A", "trust", "--no-sync", "-D"])
            .arg(data.join("data"))
            .stdout(Stdio::null())
            .status();
        assert!(made.is_ok_and(|status| status.success()), "initdb");
        let rules = data.join("data/pg_hba.conf");
        fs::write(rules, "host all all 0.0.0.0/0 trust\n").expect("the rules");
        self.start_database();
    }

    fn as_nobody(&self, program: &str) -> Command {
        let mut command = self.network.command(DATABASE_HOST, "setpriv");
        command
            .args(["--reuid", "65534", "--regid", "65534", "--clear-groups"])
            .arg(crate::store::postgres::program(program))
            .current_dir(self.folder.join("database"));
        command
    }

    fn start_database(&mut self) {
        let log = self.log("database");
        let started = self
            .as_nobody("postgres")
            .args(["-c", "shared_buffers=16MB", "-c", "listen_addresses=*"])
            .args(["-k", "", "-D", "data"])
            .stdout(log.try_clone().expect("a file"))
            .stderr(log)
            .spawn();
        self.database = Some(started.expect("postgres runs"));
    }

    fn log(&self, name: &str) -> File {
        let path = self.folder.join("logs").join(name);
        let file = File::options().append(true).create(true).open(path);
        file.expect("a log")
    }

    /// A role on a host, with a log and a history.
    fn start_role(&self, name: &str, host: usize, arguments: &[&str]) -> Child {
        let program = self.settings.binary.to_string_lossy().into_owned();
        let mut command = self.network.command(host, &program);
        command
            .current_dir(&self.folder)
            .args(arguments)
            .args(["-bind-address", &Network::address(host)])
            .args(["-grpc-port", "7000", "-http-port", "7001"])
            .args(["-history", "history.jsonl"])
            .args(&self.settings.flags)
            .env("OUT", self.folder.join("out"))
            .env("INTERVAL", self.settings.interval)
            .env("BATCH", self.settings.batch.to_string())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(self.log(name));
        command.spawn().expect("the binary runs")
    }

    fn start_coordinator(&self, number: usize) -> Child {
        let database = match self.kind {
            Kind::Sqlite => "disk/store.db".to_owned(),
            Kind::Postgres => format!(
                "postgres://postgres@{}/postgres?sslmode=disable",
                Network::address(DATABASE_HOST)
            ),
        };
        let arguments = ["-role", "coordinator", "-database.uri", &database];
        self.start_role(&format!("c{}", number + 1), number + 1, &arguments)
    }

    fn start_worker(&self, number: usize) -> Child {
        let name = format!("w{}", number + 1);
        let coordinators: Vec<String> = (1..=self.coordinator_count())
            .map(|host| format!("{}:7000", Network::address(host)))
            .collect();
        let coordinators = coordinators.join(",");
        let arguments = [
            "-role",
            "worker",
            "-worker-id",
            &name,
            "-discovery-uri",
            &coordinators,
        ];
        self.start_role(&name, FIRST_WORKER_HOST + number, &arguments)
    }

    fn define_stream(&self) {
        let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/numbered.yaml");
        let text = fs::read_to_string(example).expect("the example");
        let file = self.folder.join("numbered.yaml");
        fs::write(&file, format!("{text}\nshards: {SHARDS}\n")).expect("a file");
        self.wait_until("the stream is defined", || {
            (1..=self.coordinator_count()).any(|host| {
                let program = self.settings.binary.to_string_lossy().into_owned();
                let api = format!("http://{}:7001", Network::address(host));
                let mut command = self.network.command(host, &program);
                let applied = command
                    .args(["streams", "apply", "--coordinator", &api])
                    .arg(&file)
                    .stdout(Stdio::null())
                    .stderr(Stdio::null())
                    .status();
                applied.is_ok_and(|status| status.success())
            })
        });
    }

    /// Waits for what must come to pass.
    fn wait_until(&self, what: &str, is_so: impl Fn() -> bool) {
        let begun = Instant::now();
        while !is_so() {
            assert!(
                begun.elapsed() < PATIENCE,
                "not so after {PATIENCE:?}: {what}"
            );
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// The bytes that each shard has written.
    fn sizes(&self) -> Vec<u64> {
        let size = |path: PathBuf| fs::metadata(path).map_or(0, |meta| meta.len());
        self.sinks().into_iter().map(size).collect()
    }

    pub fn sinks(&self) -> Vec<PathBuf> {
        let name = |shard| format!("out/numbered-{shard}.jsonl");
        (0..SHARDS)
            .map(|shard| self.folder.join(name(shard)))
            .collect()
    }

    /// Waits until every shard has written more.
    pub fn wait_progress(&self) {
        let before = self.sizes();
        self.wait_until("every shard writes", || {
            self.sizes()
                .iter()
                .zip(&before)
                .all(|(now, then)| now > then)
        });
    }

    /// Waits until every shard runs where it is to stay.
    pub fn wait_settled(&self) {
        self.wait_until("every shard runs and nothing moves", || {
            (1..=self.coordinator_count()).any(|host| {
                let api = format!("http://{}:7001", Network::address(host));
                self.is_running(host, &api)
            })
        });
    }

    fn is_running(&self, host: usize, api: &str) -> bool {
        let program = self.settings.binary.to_string_lossy().into_owned();
        let mut command = self.network.command(host, &program);
        command.args([
            "streams",
            "get",
            "numbered",
            "--coordinator",
            api,
            "-o",
            "json",
        ]);
        command.output().is_ok_and(|output| {
            let seen: serde_json::Value =
                serde_json::from_slice(&output.stdout).unwrap_or_default();
            let shards = seen["shards"].as_array().map_or(&[][..], Vec::as_slice);
            let mut counts = std::collections::BTreeMap::<&str, usize>::new();
            for shard in shards {
                *counts
                    .entry(shard["worker"].as_str().unwrap_or_default())
                    .or_default() += 1;
            }
            // Spread evenly, so that nothing is left to move.
            let (least, most) = (counts.values().min(), counts.values().max());
            shards.len() == SHARDS
                && shards.iter().all(|shard| shard["state"] == "running")
                && counts.len() == self.settings.workers.min(SHARDS)
                && most
                    .zip(least)
                    .is_some_and(|(most, least)| most - least <= 1)
        })
    }

    /// Lets something go wrong.
    pub fn begin(&mut self, fault: Fault) {
        match fault {
            Fault::KillWorker(number) => signal(&mut self.workers[number], libc::SIGKILL),
            Fault::PauseWorker(number) => signal(&mut self.workers[number], libc::SIGSTOP),
            Fault::DrainWorker(number) => signal(&mut self.workers[number], libc::SIGTERM),
            Fault::Cut { host, out, back } => self.network.connect(host, !out, !back),
            Fault::KillCoordinator(number) => {
                signal(&mut self.coordinators[number], libc::SIGKILL);
            }
            Fault::PauseCoordinator(number) => {
                signal(&mut self.coordinators[number], libc::SIGSTOP);
            }
            Fault::RestartDatabase => {
                // One that has only just begun may not hear it yet.
                stop(&mut self.database, libc::SIGQUIT);
            }
            Fault::FillDisk => {
                let ballast = File::create(self.folder.join("disk/ballast"));
                let mut ballast = ballast.expect("the disk has room for a name");
                while ballast.write_all(&[1; 4_096]).is_ok() {}
            }
        }
    }

    /// Mends it.
    pub fn end(&mut self, fault: Fault) {
        match fault {
            Fault::KillWorker(number) | Fault::DrainWorker(number) => {
                reap(&mut self.workers[number]);
                self.workers[number] = Some(self.start_worker(number));
            }
            Fault::PauseWorker(number) => signal(&mut self.workers[number], libc::SIGCONT),
            Fault::Cut { host, .. } => self.network.connect(host, true, true),
            Fault::KillCoordinator(number) => {
                reap(&mut self.coordinators[number]);
                self.coordinators[number] = Some(self.start_coordinator(number));
            }
            Fault::PauseCoordinator(number) => {
                signal(&mut self.coordinators[number], libc::SIGCONT);
            }
            Fault::RestartDatabase => self.start_database(),
            Fault::FillDisk => {
                fs::remove_file(self.folder.join("disk/ballast")).expect("the ballast");
            }
        }
    }

    /// The hosts that a fault concerns; two that share one don't happen at once.
    pub fn host_of(fault: Fault) -> usize {
        match fault {
            Fault::KillWorker(n) | Fault::PauseWorker(n) | Fault::DrainWorker(n) => {
                FIRST_WORKER_HOST + n
            }
            Fault::Cut { host, .. } => host,
            Fault::KillCoordinator(n) | Fault::PauseCoordinator(n) => n + 1,
            Fault::RestartDatabase | Fault::FillDisk => DATABASE_HOST,
        }
    }

    /// Something that can go wrong here, of those that are wanted.
    pub fn fault(&self, dice: &mut impl FnMut(usize) -> usize) -> Fault {
        let wanted = &self.settings.only;
        (0..10_000)
            .map(|_| self.any_fault(dice))
            .find(|fault| wanted.is_empty() || wanted.iter().any(|name| name == fault.name()))
            .unwrap_or_else(|| panic!("CHAOS_FAULTS: none of {wanted:?} can happen here"))
    }

    fn any_fault(&self, dice: &mut impl FnMut(usize) -> usize) -> Fault {
        let worker = dice(self.settings.workers);
        let coordinator = dice(self.coordinator_count());
        let (out, back) = [(true, true), (true, false), (false, true)][dice(3)];
        match (dice(12), self.kind) {
            (0..=2, _) => Fault::KillWorker(worker),
            (3 | 4, _) => Fault::PauseWorker(worker),
            (5, _) => Fault::DrainWorker(worker),
            (6 | 7, _) => Fault::Cut {
                host: FIRST_WORKER_HOST + worker,
                out,
                back,
            },
            (8, _) => Fault::KillCoordinator(coordinator),
            (9, _) => Fault::PauseCoordinator(coordinator),
            (10, Kind::Postgres) => Fault::Cut {
                host: coordinator + 1,
                out,
                back,
            },
            (_, Kind::Postgres) => Fault::RestartDatabase,
            (_, Kind::Sqlite) => Fault::FillDisk,
        }
    }

    /// Everything ends in order: workers first, so that they can hand over.
    pub fn stop(&mut self) {
        for process in self.workers.iter_mut().chain(&mut self.coordinators) {
            stop(process, libc::SIGTERM);
        }
    }

    /// What the program says of the histories and of what arrived.
    pub fn verify(&self) -> (bool, serde_json::Value) {
        let mut command = Command::new(&self.settings.binary);
        command.args(["verify", "--handovers", "-o", "json"]);
        for sink in self.sinks() {
            command.arg("--sink").arg(sink);
        }
        let output = command.arg(self.folder.join("history.jsonl")).output();
        let output = output.expect("the binary runs");
        let result = serde_json::from_slice(&output.stdout);
        let error = String::from_utf8_lossy(&output.stderr);
        (
            output.status.success(),
            result.unwrap_or_else(|e| panic!("{e}: {error}")),
        )
    }
}

impl Drop for Arena {
    fn drop(&mut self) {
        let all = self.workers.iter_mut().chain(&mut self.coordinators);
        for process in all.chain([&mut self.database]) {
            if let Some(mut child) = process.take() {
                // SIGKILL ends what is stopped, too; PostgreSQL's own children go with it.
                let _ = child.kill();
                let _ = child.wait();
            }
        }
        if self.kind == Kind::Sqlite {
            let disk = self.folder.join("disk");
            let _ = Command::new("umount").arg(disk).output();
        }
        match std::thread::panicking() || self.settings.keeps {
            true => eprintln!("logs, history and output are in {}", self.folder.display()),
            false => drop(fs::remove_dir_all(&self.folder)),
        }
    }
}

fn signal(process: &mut Option<Child>, signal: i32) {
    if let Some(child) = process {
        // SAFETY: a signal to a child that was not waited for yet.
        unsafe { libc::kill(child.id() as i32, signal) };
    }
}

/// Asks a process to end, again from time to time, and waits until it has.
fn stop(process: &mut Option<Child>, by: i32) {
    let begun = Instant::now();
    while process.is_some() && begun.elapsed() < PATIENCE {
        signal(process, by);
        reap_within(process, Duration::from_secs(5));
    }
    reap(process);
}

/// Waits for the end of a process that was told to.
fn reap(process: &mut Option<Child>) {
    reap_within(process, PATIENCE);
    if let Some(mut child) = process.take() {
        let _ = child.kill();
        let _ = child.wait();
        panic!("a process did not end in {PATIENCE:?}");
    }
}

/// Waits for the end of a process for so long.
fn reap_within(process: &mut Option<Child>, time: Duration) {
    let begun = Instant::now();
    while let Some(child) = process
        && begun.elapsed() < time
    {
        if child.try_wait().expect("its status").is_some() {
            *process = None;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}
