//! What to simulate.

use std::collections::{BTreeMap, BTreeSet};

use crate::cluster::{OnPartition, ShardRange, Stream};
use crate::ids::StreamName;

/// A world and what happens to it.
#[derive(Clone, Debug)]
pub struct Options {
    pub workers: usize,
    /// Labels of workers, by their number from 0; the others have none.
    pub labels: BTreeMap<usize, BTreeMap<String, String>>,
    pub streams: Vec<Stream>,
    /// One is like the embedded database: a refused connection then renews leases. More have a leader.
    pub coordinators: usize,
    /// What happens, besides what chance brings. Times in milliseconds from the start.
    pub script: Vec<(u64, Fault)>,
    /// Whether chance brings faults.
    pub random: bool,
    /// How long faults may happen, in milliseconds; afterwards everything heals.
    pub faults_ms: u64,
    /// How long everything has to run again, in milliseconds.
    pub recovery_ms: u64,
    /// A fault built in, to see that the simulation finds it.
    pub sabotage: Option<Sabotage>,
    /// Whether to keep a line for each thing that happens.
    pub trace: bool,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            workers: 3,
            labels: BTreeMap::new(),
            streams: uniform(5),
            coordinators: 1,
            script: Vec::new(),
            random: true,
            faults_ms: 10_000,
            recovery_ms: 16_000,
            sabotage: None,
            trace: false,
        }
    }
}

impl Options {
    /// A world of another shape for each seed: its size, streams with shards, and who leads.
    pub fn varied(seed: u64) -> Options {
        let mut streams = uniform(1 + (seed % 7) as usize);
        for (n, stream) in streams.iter_mut().enumerate() {
            match (seed + n as u64) % 4 {
                0 => stream.shards = 3,
                1 => stream.range = Some(ShardRange { min: 1, max: 4 }),
                _ => {}
            }
        }
        Options {
            workers: 2 + (seed % 4) as usize,
            streams,
            coordinators: if seed.is_multiple_of(3) { 2 } else { 1 },
            ..Options::default()
        }
    }

    /// The streams of which two owners may act at a time: those that take it, and those that asked for it.
    pub(super) fn may_overlap(&self) -> BTreeSet<StreamName> {
        let overlap =
            |stream: &&Stream| stream.stateless || stream.on_partition == OnPartition::Continue;
        self.streams
            .iter()
            .filter(overlap)
            .map(|stream| stream.name.clone())
            .collect()
    }
}

/// So many streams with one shard and no wishes, named s1, s2 and so on.
pub fn uniform(count: usize) -> Vec<Stream> {
    let name = |n: usize| StreamName::new(&format!("s{}", n + 1)).expect("a stream name");
    (0..count).map(|n| Stream::new(name(n))).collect()
}

/// Something that goes wrong, or that somebody does. Workers and coordinators are told by their number from 0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// kill -9, and a new start after so many milliseconds.
    KillWorker(usize, u64),
    /// SIGTERM, and a new start so many milliseconds after it has gone.
    StopWorker(usize, u64),
    /// Another process is started elsewhere under the worker's id.
    Twin(usize),
    /// SIGSTOP, and SIGCONT after so many milliseconds.
    PauseWorker(usize, u64),
    KillCoordinator(usize, u64),
    PauseCoordinator(usize, u64),
    /// Nothing gets from the worker to the coordinators, or back, or neither way, for so many milliseconds.
    Partition {
        worker: usize,
        up: bool,
        down: bool,
        ms: u64,
    },
    /// The coordinator can't reach the database for so many milliseconds.
    LoseStore(usize, u64),
    /// Somebody edits a stream.
    Edit(usize),
    /// Somebody pauses a stream, or resumes it.
    Toggle(usize),
    /// Somebody gives a stream so many shards.
    Scale(usize, u32),
    /// Somebody drains a worker, or undrains it.
    Drain(usize),
}

/// A promise broken on purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sabotage {
    /// Workers act without looking at their lease.
    NoLeaseCheck,
    /// A coordinator that starts anew counts epochs from what it sees.
    EpochNotDurable,
    /// A coordinator that starts takes over at once what it has not heard of.
    NoFirstLeaseWait,
    /// The planner takes what drains for gone.
    ForgetsDraining,
    /// A leader goes on after its leadership has ended.
    DeposedLeads,
}

impl Sabotage {
    pub const ALL: &[(&str, Sabotage)] = &[
        ("no-lease-check", Sabotage::NoLeaseCheck),
        ("epoch-not-durable", Sabotage::EpochNotDurable),
        ("no-first-lease-wait", Sabotage::NoFirstLeaseWait),
        ("forgets-draining", Sabotage::ForgetsDraining),
        ("deposed-leads", Sabotage::DeposedLeads),
    ];
}
