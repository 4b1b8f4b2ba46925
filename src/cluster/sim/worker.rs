//! A worker process of the simulation: the rules of `lease.rs`, with a stub for what a stream does.

use std::collections::BTreeMap;

use super::{clock::Clock, message::Link};
use crate::cluster::{
    AssignmentState, Duty, FailureKind, Goal, Heartbeat, Hello, OnPartition, Report, Time,
    lease::WorkerLease,
    worker::{Lifetime, Load},
};
use crate::ids::{AssignmentId, Epoch, Generation, Incarnation, ShardId, WorkerId};

/// A worker, over all of its lives.
#[derive(Debug)]
pub(super) struct Worker {
    pub(super) id: WorkerId,
    /// Where it runs; no two share a host.
    pub(super) host: usize,
    pub(super) labels: BTreeMap<String, String>,
    pub(super) clock: Clock,
    /// Counts its starts; 0 while it was never started.
    pub(super) life: u64,
    pub(super) process: Option<Process>,
}

/// One life of a worker.
#[derive(Debug)]
pub(super) struct Process {
    pub(super) incarnation: Incarnation,
    pub(super) lease: WorkerLease,
    pub(super) link: Option<Link>,
    /// When the newest answer came, by the own clock.
    pub(super) answered: Time,
    pub(super) applied: Generation,
    pub(super) leaving: bool,
    pub(super) runs: BTreeMap<Epoch, Run>,
}

/// An assignment that the worker has.
#[derive(Clone, Debug)]
pub(super) struct Run {
    pub(super) shard: ShardId,
    pub(super) state: AssignmentState,
    pub(super) failure: Option<FailureKind>,
    /// It acts without a lease too.
    pub(super) goes_on: bool,
    /// When the last write that was begun arrives, in real time.
    pub(super) writing_until: u64,
}

/// What a new desired set asks the worker to begin.
#[derive(Debug, Default)]
pub(super) struct Begun {
    pub(super) starts: Vec<Epoch>,
    pub(super) drains: Vec<Epoch>,
}

impl Worker {
    pub(super) fn start(&mut self, real: u64, lease_ms: u64, single: bool) {
        self.life += 1;
        self.process = Some(Process {
            incarnation: Incarnation(
                (u128::from(real) << 64) | ((self.host as u128) << 32) | u128::from(self.life),
            ),
            lease: WorkerLease::new(lease_ms, single),
            link: None,
            answered: self.clock.at(real),
            applied: Generation::default(),
            leaving: false,
            runs: BTreeMap::new(),
        });
    }

    pub(super) fn hello(&self, process: &Process) -> Hello {
        Hello {
            id: self.id.clone(),
            incarnation: process.incarnation,
            address: format!("host{}:1", self.host),
            labels: self.labels.clone(),
            max_streams: None,
            weight: 1,
            limits: Lifetime::default(),
            version: String::new(),
        }
    }
}

impl Process {
    pub(super) fn heartbeat(&self, id: &WorkerId, backlog: u64) -> Heartbeat {
        Heartbeat {
            worker: id.clone(),
            incarnation: self.incarnation,
            applied: self.applied,
            leaving: self.leaving.then(|| "it was asked to stop".to_owned()),
            reports: self
                .runs
                .iter()
                .map(|(epoch, run)| Report {
                    assignment: AssignmentId {
                        shard: run.shard.clone(),
                        epoch: *epoch,
                    },
                    state: run.state,
                    reason: String::new(),
                    failure: run.failure,
                    backlog: Some(backlog),
                })
                .collect(),
            load: Load::default(),
        }
    }

    /// Takes in a desired set, unless it is older than one that it has seen.
    pub(super) fn take_in(&mut self, generation: Generation, duties: &[Duty]) -> Begun {
        let mut begun = Begun::default();
        if generation < self.applied {
            return begun;
        }
        self.applied = generation;
        let wanted = |epoch: &Epoch| duties.iter().any(|d| d.assignment.epoch == *epoch);
        self.runs.retain(|epoch, _| wanted(epoch));
        for duty in duties {
            let epoch = duty.assignment.epoch;
            match (self.runs.get_mut(&epoch), duty.goal) {
                (None, Goal::Run) => {
                    self.runs
                        .insert(epoch, Run::new(duty, AssignmentState::Starting));
                    begun.starts.push(epoch);
                }
                // It never ran here: there is nothing to finish.
                (None, Goal::Drain { .. }) => {
                    self.runs
                        .insert(epoch, Run::new(duty, AssignmentState::Stopped));
                }
                (Some(run), Goal::Drain { .. }) => {
                    if !run.state.is_over() && run.state != AssignmentState::Draining {
                        run.state = AssignmentState::Draining;
                        begun.drains.push(epoch);
                    }
                }
                (Some(_), Goal::Run) => {}
            }
        }
        begun
    }

    /// Whether nothing runs any more.
    pub(super) fn is_empty(&self) -> bool {
        self.runs.values().all(|run| run.state.is_over())
    }
}

impl Run {
    fn new(duty: &Duty, state: AssignmentState) -> Run {
        Run {
            shard: duty.assignment.shard.clone(),
            state,
            failure: None,
            goes_on: duty.on_partition == OnPartition::Continue,
            writing_until: 0,
        }
    }
}
