//! `-role worker -processes N`: a process that runs N workers as processes of their own and starts those anew that end.
//!
//! A crash then costs the streams of one of them, and the others go on. Each is a whole worker with an id and ports of its own, so
//! the coordinator places streams on it as on any other. What ends is started again, with growing pauses while it fails; one that
//! keeps failing is left alone for a while, and when all do so, this process gives up and says why.

use std::{
    cell::Cell,
    collections::BTreeMap,
    ffi::OsString,
    path::{Path, PathBuf},
    process::ExitStatus,
    time::{Duration, Instant},
};

use anyhow::Context;
use futures::future::join_all;
use tokio::process::{Child, Command};

use crate::{
    args::{Config, Port},
    tasks::Shutdown,
};

/// The pause after the first failure; it doubles with each further one.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);
/// A process that has run for so long has forgiven failures.
const STEADY: Duration = Duration::from_secs(60);
/// So many failures in a row are a crash loop.
const CRASH_LOOP: u32 = 8;
/// How long one in a crash loop is left alone.
const QUARANTINE: Duration = Duration::from_secs(300);
/// Ended well after less than this is a failure too, or it would spin.
const SHORTEST_RUN: Duration = Duration::from_secs(1);
/// What a process may take to end beyond its drain.
const GRACE: Duration = Duration::from_secs(10);
/// What a process may take to end at once.
const AT_ONCE: Duration = Duration::from_secs(2);

/// Runs `config.processes` workers until it is asked to stop, and they have stopped; `flags` are the settings that were given
/// as flags, which they get too.
pub async fn run(config: &Config, flags: &BTreeMap<String, String>) -> anyhow::Result<()> {
    let shutdown = Shutdown::on_signals().context("listen for signals")?;
    let program = std::env::current_exe().context("find this program's file")?;
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let family = Family {
        program,
        threads: (cores / config.processes).max(1),
        drain: Duration::from_millis(config.policy.drain_ms),
        shutdown,
        failing: Cell::new(0),
        count: config.processes,
    };
    tracing::info!(processes = config.processes, "starting the workers");
    let members =
        (0..config.processes).map(|number| family.keep(number, arguments(config, flags, number)));
    join_all(members).await;
    match family.failing.get() == family.count {
        true => anyhow::bail!(
            "every worker fails again and again within {} s of its start; see what they logged before",
            STEADY.as_secs()
        ),
        false => Ok(()),
    }
}

/// The arguments of one worker: the flags that were given, with what tells it from the others.
fn arguments(config: &Config, flags: &BTreeMap<String, String>, number: usize) -> Vec<OsString> {
    let mut flags = flags.clone();
    let mut set = |name: &str, value: String| flags.insert(name.to_owned(), value);
    set("role", "worker".into());
    set("processes", "1".into());
    if let Some(id) = &config.worker_id {
        set("worker-id", format!("{id}-{}", number + 1));
    }
    for (name, port) in [
        ("grpc-port", config.grpc_port),
        ("http-port", config.http_port),
    ] {
        if let Port::Exactly(first @ 1..) = port {
            // `Config` has seen to it that they all exist.
            set(name, (usize::from(first) + number).to_string());
        }
    }
    let text = |(name, value)| OsString::from(format!("--{name}={value}"));
    flags.into_iter().map(text).collect()
}

/// What all the processes share.
struct Family {
    program: PathBuf,
    /// Threads of each.
    threads: usize,
    drain: Duration,
    shutdown: Shutdown,
    /// How many are in a crash loop.
    failing: Cell<usize>,
    count: usize,
}

impl Family {
    /// Keeps one process running until a stop is asked for, or all are in a crash loop.
    async fn keep(&self, number: usize, arguments: Vec<OsString>) {
        let mut restarts = Restarts::default();
        let number = number + 1;
        while !self.shutdown.is_soft() {
            let begun = Instant::now();
            let ended = match start(&self.program, &arguments, self.threads) {
                Ok(mut child) => {
                    tracing::info!(number, pid = child.id(), "a worker's process has started");
                    let Some(ended) = self.watch(&mut child).await else {
                        return;
                    };
                    ended
                }
                Err(error) => Err(error),
            };
            let is_well = matches!(&ended, Ok(status) if status.success());
            let how = match ended {
                Ok(status) => status.to_string(),
                Err(error) => error.to_string(),
            };
            let next = restarts.after(is_well, begun.elapsed());
            match next {
                Next::Start(pause) if is_well => tracing::info!(
                    number,
                    ?pause,
                    "a worker's process has ended and is started anew"
                ),
                Next::Start(pause) => tracing::warn!(
                    number,
                    ?pause,
                    "a worker's process failed ({how}) and is started anew"
                ),
                Next::Quarantine => {
                    tracing::error!(number, pause = ?QUARANTINE, "a worker's process failed ({how}) {CRASH_LOOP} times in a row and is left alone");
                    self.failing.set(self.failing.get() + 1);
                    if self.failing.get() == self.count {
                        self.shutdown.stop();
                        return;
                    }
                }
            }
            let pause = match next {
                Next::Start(pause) => pause,
                Next::Quarantine => QUARANTINE,
            };
            tokio::select! {
                () = self.shutdown.soft() => return,
                () = tokio::time::sleep(pause) => {}
            }
            if next == Next::Quarantine {
                self.failing.set(self.failing.get() - 1);
            }
        }
    }

    /// Waits until the process has ended by itself; none if it ended because it was asked to.
    async fn watch(&self, child: &mut Child) -> Option<std::io::Result<ExitStatus>> {
        tokio::select! {
            ended = child.wait() => return Some(ended),
            () = self.shutdown.soft() => terminate(child),
        }
        tokio::select! {
            _ = child.wait() => return None,
            () = self.shutdown.hard() => terminate(child),
            () = tokio::time::sleep(self.drain + GRACE) => {}
        }
        if tokio::time::timeout(AT_ONCE, child.wait()).await.is_err() {
            tracing::warn!(
                pid = child.id(),
                "a worker's process does not end and is killed"
            );
            let _ = child.kill().await;
        }
        None
    }
}

/// Starts a worker that a signal from the terminal doesn't reach (it is told once, by this process), and that is told to stop if
/// this process dies.
///
/// To be called on a thread that lives as long as this process: the death that the system tells of is the thread's.
fn start(program: &Path, arguments: &[OsString], threads: usize) -> std::io::Result<Child> {
    let mut command = Command::new(program);
    command.args(arguments).process_group(0).kill_on_drop(true);
    if std::env::var_os("TOKIO_WORKER_THREADS").is_none() {
        command.env("TOKIO_WORKER_THREADS", threads.to_string());
    }
    let parent = std::process::id();
    // SAFETY: between fork and exec only system calls are made, and nothing is allocated.
    unsafe {
        command.pre_exec(move || {
            libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGTERM);
            match libc::getppid() as u32 == parent {
                true => Ok(()),
                // It died before it could be told of.
                false => Err(std::io::Error::from_raw_os_error(libc::ESRCH)),
            }
        });
    }
    command.spawn()
}

/// Asks a process to stop; nothing if it has ended.
fn terminate(child: &Child) {
    if let Some(pid) = child.id().and_then(|pid| i32::try_from(pid).ok()) {
        // SAFETY: a signal to a child that was not waited for yet, so its number is still its own.
        unsafe { libc::kill(pid, libc::SIGTERM) };
    }
}

/// The failures in a row of one process.
#[derive(Debug, Default)]
struct Restarts {
    failures: u32,
}

/// What to do about a process that has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    /// Start it anew after this pause.
    Start(Duration),
    /// Leave it alone.
    Quarantine,
}

impl Restarts {
    /// `is_well`: it ended as one that was done, as a worker does at the end of its lifetime.
    fn after(&mut self, is_well: bool, ran: Duration) -> Next {
        if ran >= STEADY || (is_well && ran >= SHORTEST_RUN) {
            self.failures = 0;
        }
        if is_well && ran >= SHORTEST_RUN {
            return Next::Start(Duration::ZERO);
        }
        self.failures += 1;
        if self.failures >= CRASH_LOOP {
            // After a quarantine one trial, not all of them again.
            self.failures = CRASH_LOOP - 1;
            return Next::Quarantine;
        }
        Next::Start((FIRST_PAUSE * 2u32.pow(self.failures - 1)).min(LONGEST_PAUSE))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT_ONCE: Duration = Duration::from_millis(5);

    #[test]
    fn failures_are_answered_with_growing_pauses_and_then_with_quarantine() {
        let mut restarts = Restarts::default();
        let pauses: Vec<Next> = (0..10).map(|_| restarts.after(false, AT_ONCE)).collect();
        let mut expected: Vec<Next> = [100, 200, 400, 800, 1_600, 3_200, 6_400]
            .map(|ms| Next::Start(Duration::from_millis(ms)))
            .to_vec();
        expected.extend([Next::Quarantine; 3]);
        assert_eq!(pauses, expected);
    }

    #[test]
    fn a_long_life_forgives_and_a_good_end_costs_no_pause() {
        let mut restarts = Restarts::default();
        for _ in 0..CRASH_LOOP - 1 {
            restarts.after(false, AT_ONCE);
        }
        assert_eq!(restarts.after(false, STEADY), Next::Start(FIRST_PAUSE));
        assert_eq!(
            restarts.after(true, SHORTEST_RUN),
            Next::Start(Duration::ZERO)
        );
        assert_eq!(
            restarts.after(true, AT_ONCE),
            Next::Start(FIRST_PAUSE),
            "it would spin"
        );
        assert_eq!(restarts.after(false, AT_ONCE), Next::Start(FIRST_PAUSE * 2));
    }
}
