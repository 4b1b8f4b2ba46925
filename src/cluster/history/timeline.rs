//! Who acted when, by the histories of workers and coordinators, and whether two did at once.

use std::collections::BTreeMap;

use super::{Event, Record, ReleaseCause, Time};
use crate::cluster::invariants::Violation;
use crate::ids::{AssignmentId, Epoch, Incarnation, ShardId, WorkerId};

/// What happened, in order.
#[derive(Debug, Default)]
pub struct Timeline {
    /// Whether all records are of one boot of one machine: only then can times be compared.
    pub one_clock: bool,
    /// Whether any coordinator wrote a history, or any worker did.
    has_grants: bool,
    pub(super) has_runs: bool,
    grants: BTreeMap<AssignmentId, Vec<Grant>>,
    runs: BTreeMap<AssignmentId, Vec<Run>>,
    releases: BTreeMap<AssignmentId, (ReleaseCause, String)>,
}

#[derive(Debug)]
struct Grant {
    incarnation: Incarnation,
    exclusive: bool,
}

/// A time during which a worker acted for an assignment.
#[derive(Clone, Debug)]
struct Run {
    worker: WorkerId,
    incarnation: Incarnation,
    from: Time,
    until: Time,
}

/// What is known of a start of a worker while its records are read.
#[derive(Debug)]
struct Process {
    worker: WorkerId,
    incarnation: Incarnation,
    lease: Time,
    last: Time,
    open: BTreeMap<(AssignmentId, u64), Time>,
}

impl Timeline {
    /// Reads records, those of one process in the order in which it wrote them.
    pub fn new<'r>(records: impl IntoIterator<Item = &'r Record>) -> Timeline {
        let mut timeline = Timeline {
            one_clock: true,
            ..Timeline::default()
        };
        let mut boot: Option<&str> = None;
        let mut processes: BTreeMap<&str, Process> = BTreeMap::new();
        for record in records {
            timeline.one_clock &= *boot.get_or_insert(&record.boot) == record.boot;
            timeline.take(record, &mut processes);
        }
        for process in processes.into_values() {
            // One that was killed wrote no end: it acted at least until it wrote for the last time.
            for ((assignment, _), from) in &process.open {
                let run = process.run(*from, process.last);
                timeline
                    .runs
                    .entry(assignment.clone())
                    .or_default()
                    .push(run);
            }
        }
        timeline
    }

    fn take<'r>(&mut self, record: &'r Record, processes: &mut BTreeMap<&'r str, Process>) {
        if let Some(process) = processes.get_mut(record.process.as_str()) {
            process.last = process.last.max(record.at);
        }
        match &record.event {
            Event::WorkerUp {
                worker,
                incarnation,
            } => {
                let process = Process {
                    worker: worker.clone(),
                    incarnation: *incarnation,
                    lease: Time(0),
                    last: record.at,
                    open: BTreeMap::new(),
                };
                processes.insert(&record.process, process);
            }
            Event::Lease { until } => {
                if let Some(process) = processes.get_mut(record.process.as_str()) {
                    process.lease = process.lease.max(*until);
                }
            }
            Event::Start { assignment, run } => {
                self.has_runs = true;
                if let Some(process) = processes.get_mut(record.process.as_str()) {
                    process.open.insert((assignment.clone(), *run), record.at);
                }
            }
            Event::Stop {
                assignment, run, ..
            } => {
                if let Some(process) = processes.get_mut(record.process.as_str())
                    && let Some(from) = process.open.remove(&(assignment.clone(), *run))
                {
                    let run = process.run(from, record.at);
                    self.runs.entry(assignment.clone()).or_default().push(run);
                }
            }
            Event::Grant {
                assignment,
                incarnation,
                exclusive,
                ..
            } => {
                self.has_grants = true;
                self.grants
                    .entry(assignment.clone())
                    .or_default()
                    .push(Grant {
                        incarnation: *incarnation,
                        exclusive: *exclusive,
                    });
            }
            Event::Release {
                assignment,
                how,
                cause,
            } => {
                self.releases
                    .insert(assignment.clone(), (*how, cause.clone()));
            }
            Event::WorkerDown { .. } | Event::Lead { .. } | Event::Deposed { .. } => {}
        }
    }

    /// Everything that broke a promise: two owners at a time, an epoch of two owners, an owner whom nobody made one.
    pub fn violations(&self) -> Vec<Violation> {
        let mut broken = Vec::new();
        for (assignment, runs) in &self.runs {
            let mut owners: Vec<Incarnation> = runs.iter().map(|run| run.incarnation).collect();
            owners.dedup();
            if owners.iter().any(|owner| *owner != owners[0]) {
                broken.push(Violation::Epoch {
                    shard: assignment.shard.clone(),
                    epoch: assignment.epoch,
                });
            }
            if self.has_grants {
                for run in runs.iter().filter(|run| !self.was_granted(assignment, run)) {
                    broken.push(Violation::NotGranted {
                        shard: assignment.shard.clone(),
                        epoch: assignment.epoch,
                        worker: run.worker.clone(),
                    });
                }
            }
        }
        if self.one_clock {
            self.overlaps(&mut broken);
        }
        broken
    }

    fn was_granted(&self, assignment: &AssignmentId, run: &Run) -> bool {
        let grants = self.grants.get(assignment);
        grants.is_some_and(|all| all.iter().any(|g| g.incarnation == run.incarnation))
    }

    /// Two starts of workers that acted for one shard at the same time.
    fn overlaps(&self, broken: &mut Vec<Violation>) {
        let mut shards: BTreeMap<&ShardId, Vec<(Epoch, &Run)>> = BTreeMap::new();
        for (assignment, runs) in &self.runs {
            if self.is_exclusive(assignment) {
                let all = shards.entry(&assignment.shard).or_default();
                all.extend(runs.iter().map(|run| (assignment.epoch, run)));
            }
        }
        for (shard, mut runs) in shards {
            runs.sort_by_key(|(_, run)| run.from);
            // Of those before, the one that acted for longest is the one to compare with.
            let mut longest: Option<(Epoch, &Run)> = None;
            for (epoch, run) in runs {
                if let Some((other, before)) = longest
                    && before.incarnation != run.incarnation
                    && before.until > run.from
                {
                    broken.push(Violation::BothRan {
                        shard: shard.clone(),
                        epochs: [other, epoch],
                        workers: [before.worker.clone(), run.worker.clone()],
                        ms: before.until.min(run.until).since(run.from),
                    });
                }
                if longest.is_none_or(|(_, before)| run.until >= before.until) {
                    longest = Some((epoch, run));
                }
            }
        }
    }

    fn is_exclusive(&self, assignment: &AssignmentId) -> bool {
        let grants = self.grants.get(assignment);
        grants.is_none_or(|all| all.iter().all(|grant| grant.exclusive))
    }

    /// How often a worker began to act under an epoch; none if no worker did.
    pub(super) fn runs_of(&self, assignment: &AssignmentId) -> Option<usize> {
        self.runs.get(assignment).map(Vec::len)
    }

    /// How an assignment ended by its coordinator, and the cause as it put it.
    pub(super) fn release_of(&self, assignment: &AssignmentId) -> Option<(ReleaseCause, &str)> {
        let release = self.releases.get(assignment);
        release.map(|(how, cause)| (*how, cause.as_str()))
    }

    /// How many runs there were.
    pub fn runs(&self) -> usize {
        self.runs.values().map(Vec::len).sum()
    }

    /// How many assignments were granted.
    pub fn grants(&self) -> usize {
        self.grants.len()
    }
}

impl Process {
    fn run(&self, from: Time, end: Time) -> Run {
        // What was stopped by a signal wakes up after its lease and can only say then that it acts no more.
        let until = match self.lease {
            Time(0) => end,
            lease => end.min(lease),
        };
        Run {
            worker: self.worker.clone(),
            incarnation: self.incarnation,
            from,
            until: until.max(from),
        }
    }
}
