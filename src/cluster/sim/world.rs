//! The world: processes, the network between them, and the loop that lets events happen.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Outcome, chance,
    clock::Clock,
    coordinator::Coordinator,
    events::{Event, Queue},
    options::Options,
    rng::Rng,
    store::Store,
    worker::Worker,
};
use crate::cluster::{Policy, View, invariants::Sink};
use crate::ids::{ShardId, StreamName, WorkerId};

/// For how long a leadership is held that isn't renewed, in milliseconds.
pub(super) const LEADERSHIP_MS: u64 = 3_000;
pub(super) const RENEW_MS: u64 = 600;
/// How long a dial or an answer is waited for, by the worker's clock.
pub(super) const PATIENCE_MS: u64 = 1_200;
/// How long a write may be under way. It has to end within the margin, less what clocks drift apart during a lease.
pub(super) const WRITE_MS: u64 = 60;
/// How far clocks drift, in parts of a million; less than the margin covers.
pub(super) const DRIFT_PPM: u64 = 15_000;

pub(super) struct World<'o> {
    pub(super) options: &'o Options,
    pub(super) policy: Policy,
    pub(super) rng: Rng,
    pub(super) real: u64,
    pub(super) healed: bool,
    pub(super) queue: Queue,
    pub(super) store: Store,
    pub(super) workers: Vec<Worker>,
    pub(super) coordinators: Vec<Coordinator>,
    /// Until when each process stands still.
    pub(super) stopped_workers: Vec<u64>,
    pub(super) stopped_coordinators: Vec<u64>,
    /// Until when each worker's ways up and down are cut, and each coordinator's way to the database.
    pub(super) cut_up: Vec<u64>,
    pub(super) cut_down: Vec<u64>,
    pub(super) cut_store: Vec<u64>,
    pub(super) sessions: u64,
    pub(super) targets: Vec<usize>,
    pub(super) sink: Sink,
    /// Streams whose writes the sink doesn't judge.
    pub(super) may_overlap: BTreeSet<StreamName>,
    pub(super) last_write: BTreeMap<ShardId, u64>,
    pub(super) outcome: Outcome,
}

impl<'o> World<'o> {
    pub(super) fn new(options: &'o Options, seed: u64) -> World<'o> {
        let mut rng = Rng::new(seed);
        let mut clock = |start: u64| Clock {
            start: start + rng.range(0, 5_000),
            drift_ppm: rng.range(0, 2 * DRIFT_PPM) as i64 - DRIFT_PPM as i64,
        };
        // Behind the workers, each one's twin: another host with the same id, which nobody starts but a fault.
        let workers: Vec<Worker> = (0..2 * options.workers)
            .map(|host| (host, host % options.workers))
            .map(|(host, n)| Worker {
                id: WorkerId::new(&format!("w{}", n + 1)).expect("a worker id"),
                host,
                labels: options.labels.get(&n).cloned().unwrap_or_default(),
                clock: clock(1_000),
                life: 0,
                process: None,
            })
            .collect();
        let coordinators: Vec<Coordinator> = (0..options.coordinators)
            .map(|_| Coordinator {
                clock: clock(1_000_000_000),
                life: 0,
                alive: false,
                lead: None,
            })
            .collect();
        let mut view = View::default();
        for stream in &options.streams {
            view.streams.insert(stream.name.clone(), stream.clone());
        }
        let mut queue = Queue::default();
        for w in 0..options.workers {
            queue.put(rng.range(0, 300), Event::StartWorker(w));
        }
        for c in 0..options.coordinators {
            queue.put(rng.range(0, 300), Event::StartCoordinator(c));
        }
        let mut script = options.script.clone();
        if options.random {
            script.extend(chance::faults(options, &mut rng));
        }
        for (at, fault) in script {
            queue.put(at, Event::Fault(fault));
        }
        queue.put(options.faults_ms, Event::Heal);
        queue.put(options.faults_ms + options.recovery_ms, Event::End);
        World {
            policy: Policy {
                drain_ms: 2_000,
                quarantine_ms: 3_000,
                max_retry_ms: 2_000,
                move_pause_ms: 100,
                max_move_pause_ms: 400,
                forget_ms: 20_000,
                scale_pause_ms: 600,
                scale_low_ms: 900,
                ..Policy::default()
            },
            rng,
            real: 0,
            healed: false,
            queue,
            store: Store::new(view),
            stopped_workers: vec![0; workers.len()],
            stopped_coordinators: vec![0; coordinators.len()],
            cut_up: vec![0; workers.len()],
            cut_down: vec![0; workers.len()],
            cut_store: vec![0; coordinators.len()],
            targets: (0..workers.len()).map(|w| w % coordinators.len()).collect(),
            workers,
            coordinators,
            sessions: 0,
            sink: Sink::default(),
            may_overlap: options.may_overlap(),
            last_write: BTreeMap::new(),
            outcome: Outcome::default(),
            options,
        }
    }

    pub(super) fn play(mut self) -> Outcome {
        while let Some((at, event)) = self.queue.take() {
            self.real = at;
            self.outcome.events += 1;
            match event {
                Event::End => break,
                event => self.happen(event),
            }
            if !self.outcome.violations.is_empty() {
                return self.outcome;
            }
        }
        self.check_end();
        self.outcome
    }

    pub(super) fn note(&mut self, what: impl FnOnce() -> String) {
        if self.options.trace {
            let line = format!("{:>6} {}", self.real, what());
            self.outcome.trace.push(line);
        }
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Worker(w, life, what) => {
                if self.workers[w].life != life || self.workers[w].process.is_none() {
                    return;
                }
                let until = self.stopped_workers[w];
                match until > self.real {
                    true => self.queue.put(until, Event::Worker(w, life, what)),
                    false => self.worker(w, what),
                }
            }
            Event::Coordinator(c, life, what) => {
                if self.coordinators[c].life != life || !self.coordinators[c].alive {
                    return;
                }
                let until = self.stopped_coordinators[c];
                match until > self.real {
                    true => self.queue.put(until, Event::Coordinator(c, life, what)),
                    false => self.coordinator(c, what),
                }
            }
            Event::Land(worker, incarnation, shard, epoch) => {
                self.land(&worker, incarnation, shard, epoch)
            }
            Event::StartWorker(w) => self.start_worker(w),
            Event::StartCoordinator(c) => self.start_coordinator(c),
            Event::Fault(fault) => self.fault(fault),
            Event::Heal => self.heal(),
            Event::End => {}
        }
    }
}
