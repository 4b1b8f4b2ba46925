//! The world: processes, the network between them, and the loop that lets events happen.

use std::collections::BTreeMap;

use super::{
    Outcome, chance,
    clock::Clock,
    coordinator::{Coordinator, Ctx, Lead, Step},
    events::{Dialled, Event, Queue, ToCoordinator, ToWorker},
    message::{Down, Link, Up},
    options::{Fault, Options, Sabotage},
    rng::Rng,
    store::Store,
    worker::Worker,
};
use crate::cluster::{
    AssignmentState, Desired, Drain, DrainCause, FailureKind, Policy, Presence, Standing, Stream,
    Time, View,
    invariants::{Sink, Violation},
};
use crate::ids::{Epoch, Incarnation, ShardId, StreamName, WorkerId};

/// For how long a leadership is held that isn't renewed, in milliseconds.
const LEADERSHIP_MS: u64 = 3_000;
const RENEW_MS: u64 = 600;
/// How long a dial or an answer is waited for, by the worker's clock.
const PATIENCE_MS: u64 = 1_200;
/// How long a write may be under way. It has to end within the margin, less what clocks drift apart during a lease.
const WRITE_MS: u64 = 60;
/// How far clocks drift, in parts of a million; less than the margin covers.
const DRIFT_PPM: u64 = 15_000;

pub(super) struct World<'o> {
    options: &'o Options,
    policy: Policy,
    rng: Rng,
    real: u64,
    healed: bool,
    queue: Queue,
    store: Store,
    workers: Vec<Worker>,
    coordinators: Vec<Coordinator>,
    /// Until when each process stands still.
    stopped_workers: Vec<u64>,
    stopped_coordinators: Vec<u64>,
    /// Until when each worker's ways up and down are cut, and each coordinator's way to the database.
    cut_up: Vec<u64>,
    cut_down: Vec<u64>,
    cut_store: Vec<u64>,
    sessions: u64,
    targets: Vec<usize>,
    sink: Sink,
    last_write: BTreeMap<ShardId, u64>,
    outcome: Outcome,
}

impl<'o> World<'o> {
    pub(super) fn new(options: &'o Options, seed: u64) -> World<'o> {
        let mut rng = Rng::new(seed);
        let mut clock = |start: u64| Clock {
            start: start + rng.range(0, 5_000),
            drift_ppm: rng.range(0, 2 * DRIFT_PPM) as i64 - DRIFT_PPM as i64,
        };
        let workers: Vec<Worker> = (0..options.workers)
            .map(|n| Worker {
                id: WorkerId::new(&format!("w{}", n + 1)).expect("a worker id"),
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
        for n in 0..options.streams {
            let stream = Stream::new(name_of(n));
            view.streams.insert(stream.name.clone(), stream);
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

    fn note(&mut self, what: impl FnOnce() -> String) {
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

    // ---- processes ----

    fn start_worker(&mut self, w: usize) {
        if self.workers[w].process.is_some() {
            return;
        }
        let single = self.options.coordinators == 1;
        self.workers[w].start(self.real, self.policy.lease_ms, single);
        self.stopped_workers[w] = 0;
        self.note(|| format!("w{} starts", w + 1));
        self.tell(w, 0, ToWorker::Dial);
        let first = self.rng.range(1, self.policy.heartbeat_ms);
        self.tell(w, first, ToWorker::Beat);
    }

    fn start_coordinator(&mut self, c: usize) {
        let coordinator = &mut self.coordinators[c];
        if coordinator.alive {
            return;
        }
        coordinator.alive = true;
        coordinator.life += 1;
        self.stopped_coordinators[c] = 0;
        self.note(|| format!("c{} starts", c + 1));
        let first = self.rng.range(1, 30);
        self.ask(c, first, ToCoordinator::Lead);
    }

    fn kill_worker(&mut self, w: usize) {
        let Some(process) = self.workers[w].process.take() else {
            return;
        };
        self.note(|| format!("w{} is gone", w + 1));
        if let Some(link) = process.link {
            self.session_ends(w, link);
        }
    }

    /// The other end of a session learns that it broke, unless the way is cut.
    fn session_ends(&mut self, w: usize, link: Link) {
        if self.cut_up[w] > self.real {
            return;
        }
        let id = self.workers[w].id.clone();
        let delay = self.delay();
        let event = Event::Coordinator(link.coordinator, link.life, ToCoordinator::Broke(id, link));
        self.queue.put(self.real + delay, event);
    }

    fn kill_coordinator(&mut self, c: usize) {
        let coordinator = &mut self.coordinators[c];
        if !std::mem::replace(&mut coordinator.alive, false) {
            return;
        }
        coordinator.lead = None;
        let life = coordinator.life;
        self.note(|| format!("c{} is gone", c + 1));
        if self.options.sabotage == Some(Sabotage::EpochNotDurable) {
            self.store.forget_epochs();
        }
        for w in 0..self.workers.len() {
            let link = self.workers[w].process.as_ref().and_then(|p| p.link);
            if let Some(link) = link.filter(|l| l.coordinator == c && l.life == life)
                && self.cut_down[w] <= self.real
            {
                let delay = self.delay();
                self.tell(w, delay, ToWorker::LinkLost(link));
            }
        }
    }

    // ---- the network ----

    fn delay(&mut self) -> u64 {
        match self.healed || !self.rng.permille(30) {
            true => self.rng.range(1, 8),
            false => self.rng.range(50, 3_500),
        }
    }

    /// Whether a message gets lost; and whether it comes twice.
    fn luck(&mut self) -> (bool, bool) {
        if self.healed || !self.options.random {
            return (false, false);
        }
        (self.rng.permille(10), self.rng.permille(10))
    }

    fn tell(&mut self, w: usize, delay: u64, what: ToWorker) {
        let life = self.workers[w].life;
        self.queue
            .put(self.real + delay, Event::Worker(w, life, what));
    }

    fn ask(&mut self, c: usize, delay: u64, what: ToCoordinator) {
        let life = self.coordinators[c].life;
        self.queue
            .put(self.real + delay, Event::Coordinator(c, life, what));
    }

    fn send_up(&mut self, w: usize, link: Link, message: Up) {
        let (lost, doubled) = self.luck();
        if lost || self.cut_up[w] > self.real {
            return;
        }
        for _ in 0..=usize::from(doubled) {
            let delay = self.delay();
            let event = ToCoordinator::Message(link, message.clone());
            self.queue.put(
                self.real + delay,
                Event::Coordinator(link.coordinator, link.life, event),
            );
        }
    }

    fn send_down(&mut self, id: &WorkerId, link: Link, message: Down) {
        let w = self.index_of(id);
        let (lost, doubled) = self.luck();
        if lost || self.cut_down[w] > self.real {
            return;
        }
        for _ in 0..=usize::from(doubled) {
            let delay = self.delay();
            self.tell(w, delay, ToWorker::Message(link, message.clone()));
        }
    }

    fn index_of(&self, id: &WorkerId) -> usize {
        let found = self.workers.iter().position(|w| w.id == *id);
        found.expect("messages go to workers that there are")
    }

    // ---- workers ----

    fn worker(&mut self, w: usize, what: ToWorker) {
        let now = self.workers[w].clock.at(self.real);
        let id = self.workers[w].id.clone();
        let single = self.options.coordinators == 1;
        let Some(process) = self.workers[w].process.as_mut() else {
            return;
        };
        match what {
            ToWorker::Dial => {
                if process.link.is_none() {
                    self.dial(w, now);
                }
            }
            ToWorker::Dialled(c, attempted, outcome) => match outcome {
                Dialled::Connected(link) => {
                    process.link = Some(link);
                    process.answered = now;
                    let hello = self.workers[w]
                        .process
                        .as_ref()
                        .map(|p| self.workers[w].hello(p));
                    self.send_up(w, link, Up::Register(hello.expect("it lives")));
                }
                Dialled::Refused if single => {
                    process.lease.refused(attempted, now);
                    self.dial_again(w, c);
                }
                _ => self.dial_again(w, c),
            },
            ToWorker::Beat => {
                if let Some(link) = process.link {
                    if now.since(process.answered) > PATIENCE_MS {
                        process.link = None;
                        self.session_ends(w, link);
                        self.dial_again(w, link.coordinator);
                    } else {
                        let beat = process.heartbeat(&id);
                        if process.leaving && process.is_empty() {
                            let incarnation = process.incarnation;
                            self.send_up(w, link, Up::Goodbye(id, incarnation));
                            self.kill_worker(w);
                            return;
                        }
                        self.send_up(w, link, Up::Beat(beat, now));
                    }
                }
                let next = self.policy.heartbeat_ms;
                self.tell(w, next, ToWorker::Beat);
            }
            ToWorker::Message(link, message) => {
                if process.link == Some(link) {
                    self.hear(w, link, message, now);
                }
            }
            ToWorker::LinkLost(link) => {
                if process.link == Some(link) {
                    process.link = None;
                    self.dial_again(w, link.coordinator);
                }
            }
            ToWorker::Started(epoch) => {
                let fails = !self.healed && self.options.random && self.rng.permille(40);
                if let Some(run) = process
                    .runs
                    .get_mut(&epoch)
                    .filter(|r| r.state == AssignmentState::Starting)
                {
                    if fails {
                        run.state = AssignmentState::Failed;
                        run.failure = Some(FailureKind::Transient);
                    } else {
                        run.state = AssignmentState::Running;
                        self.tell(w, 1, ToWorker::Act(epoch));
                    }
                    self.tell(w, 1, ToWorker::Beat);
                }
            }
            ToWorker::Finished(epoch) => {
                let real = self.real;
                if let Some(run) = process
                    .runs
                    .get_mut(&epoch)
                    .filter(|r| r.state == AssignmentState::Draining)
                {
                    if run.writing_until >= real {
                        let left = run.writing_until - real + 1;
                        self.tell(w, left, ToWorker::Finished(epoch));
                    } else {
                        run.state = AssignmentState::Stopped;
                        self.tell(w, 1, ToWorker::Beat);
                    }
                }
            }
            ToWorker::Act(epoch) => self.act(w, epoch, now),
            ToWorker::Stop => {
                process.leaving = true;
            }
        }
    }

    fn dial(&mut self, w: usize, now: Time) {
        let c = self.targets[w];
        let is_cut = self.cut_up[w] > self.real || self.cut_down[w] > self.real;
        let (delay, outcome) = if is_cut {
            (PATIENCE_MS, Dialled::TimedOut)
        } else if !self.coordinators[c].alive {
            (self.rng.range(1, 5), Dialled::Refused)
        } else if self.stopped_coordinators[c] > self.real {
            (PATIENCE_MS, Dialled::TimedOut)
        } else if self.coordinators[c].lead.is_none() {
            (self.rng.range(1, 5), Dialled::NotLeading)
        } else {
            self.sessions += 1;
            let link = Link {
                coordinator: c,
                life: self.coordinators[c].life,
                session: self.sessions,
            };
            (self.rng.range(1, 5), Dialled::Connected(link))
        };
        self.tell(w, delay, ToWorker::Dialled(c, now, outcome));
    }

    fn dial_again(&mut self, w: usize, c: usize) {
        self.targets[w] = (c + 1) % self.coordinators.len();
        let pause = self.rng.range(50, 300);
        self.tell(w, pause, ToWorker::Dial);
    }

    fn hear(&mut self, w: usize, link: Link, message: Down, now: Time) {
        let process = self.workers[w]
            .process
            .as_mut()
            .expect("only those that live hear");
        let mut begun = None;
        match message {
            Down::Welcome => self.tell(w, 0, ToWorker::Beat),
            Down::Answer(sent, generation, duties) => {
                process.answered = now;
                // The set first: a new lease is for what the new set gives.
                begun = Some(process.take_in(generation, &duties));
                process.lease.answered(sent);
            }
            Down::Set(generation, duties) => begun = Some(process.take_in(generation, &duties)),
            Down::Exit => self.kill_worker_and_restart(w),
            Down::Unknown => {
                process.link = None;
                self.session_ends(w, link);
                self.dial_again(w, link.coordinator);
            }
        }
        let Some(begun) = begun else { return };
        for epoch in begun.starts {
            let takes = self.rng.range(2, 150);
            self.tell(w, takes, ToWorker::Started(epoch));
        }
        for epoch in begun.drains {
            let takes = self.rng.range(1, 300);
            self.tell(w, takes, ToWorker::Finished(epoch));
        }
    }

    fn kill_worker_and_restart(&mut self, w: usize) {
        self.kill_worker(w);
        let later = self.rng.range(50, 500);
        self.queue.put(self.real + later, Event::StartWorker(w));
    }

    /// A stream writes: the lease is asked immediately before.
    fn act(&mut self, w: usize, epoch: Epoch, now: Time) {
        let id = self.workers[w].id.clone();
        let Some(process) = self.workers[w].process.as_mut() else {
            return;
        };
        let incarnation = process.incarnation;
        let may =
            process.lease.may_act(now) || self.options.sabotage == Some(Sabotage::NoLeaseCheck);
        let Some(run) = process.runs.get_mut(&epoch) else {
            return;
        };
        if !matches!(
            run.state,
            AssignmentState::Running | AssignmentState::Draining
        ) {
            return;
        }
        if may {
            let takes = self.rng.range(0, WRITE_MS);
            run.writing_until = run.writing_until.max(self.real + takes);
            let land = Event::Land(id, incarnation, run.shard.clone(), epoch);
            self.queue.put(self.real + takes, land);
        }
        let next = self.rng.range(40, 120);
        self.tell(w, next, ToWorker::Act(epoch));
    }

    fn land(&mut self, worker: &WorkerId, incarnation: Incarnation, shard: ShardId, epoch: Epoch) {
        // What a process that has died had under way is gone.
        let w = self.index_of(worker);
        if self.workers[w]
            .process
            .as_ref()
            .is_none_or(|p| p.incarnation != incarnation)
        {
            return;
        }
        self.outcome.writes += 1;
        let judged = self.sink.write(&shard, epoch, worker, incarnation);
        self.outcome.violations.extend(judged.err());
        let last = self
            .last_write
            .insert(shard, self.real)
            .unwrap_or(self.real);
        self.outcome.longest_gap_ms = self.outcome.longest_gap_ms.max(self.real - last);
    }

    // ---- coordinators ----

    fn coordinator(&mut self, c: usize, what: ToCoordinator) {
        if let ToCoordinator::Lead = what {
            self.lead(c);
            return;
        }
        if let ToCoordinator::Probe(w, incarnation) = what {
            self.probe(c, w, incarnation);
            return;
        }
        let real = self.real;
        let now = self.coordinators[c].clock.at(real);
        let goes_on = self.options.sabotage == Some(Sabotage::DeposedLeads);
        let Some(lead) = self.coordinators[c].lead.take() else {
            return;
        };
        if now >= lead.until && !goes_on {
            self.note(|| format!("c{} leads no more", c + 1));
            self.end_sessions_of(c);
            return;
        }
        let broken = match &what {
            ToCoordinator::Broke(id, link) => Some((id.clone(), *link)),
            _ => None,
        };
        let incarnation = broken.as_ref().and_then(|(id, link)| {
            let (incarnation, l) = lead.sessions.get(id)?;
            (l == link).then_some(*incarnation)
        });
        let write_faults = if self.healed || !self.options.random {
            0
        } else {
            8
        };
        self.step(c, lead, write_faults, |lead, cx| match what {
            ToCoordinator::Message(link, message) => lead.hear(cx, link, message, now),
            ToCoordinator::Broke(id, link) => lead.broke(cx, &id, link, now),
            ToCoordinator::Refused(id, incarnation) => lead.refused(cx, &id, incarnation, now),
            ToCoordinator::Wake(at) if lead.wakes_at == at => lead.wake(cx, now),
            ToCoordinator::Wake(_) => Step::Done,
            ToCoordinator::Lead | ToCoordinator::Probe(..) => Step::Done,
        });
        if let (Some((id, _)), Some(incarnation)) = (broken, incarnation) {
            let w = self.index_of(&id);
            let delay = self.rng.range(1, 10);
            self.ask(c, delay, ToCoordinator::Probe(w, incarnation));
        }
    }

    /// Lets the leading coordinator do something, and sends what it says.
    fn step(
        &mut self,
        c: usize,
        mut lead: Lead,
        write_faults: u64,
        does: impl FnOnce(&mut Lead, &mut Ctx<'_>) -> Step,
    ) {
        let mut trace = Vec::new();
        let mut cx = Ctx {
            store: &mut self.store,
            rng: &mut self.rng,
            policy: &self.policy,
            sabotage: self.options.sabotage,
            write_faults,
            out: Vec::new(),
            violations: Vec::new(),
            trace: self.options.trace.then_some(&mut trace),
            real: self.real,
        };
        let step = does(&mut lead, &mut cx);
        let (out, violations) = (cx.out, cx.violations);
        self.outcome.trace.extend(trace);
        self.outcome.violations.extend(violations);
        match step {
            Step::Done => {
                for (id, link, message) in out {
                    self.send_down(&id, link, message);
                }
                let clock = self.coordinators[c].clock;
                if let Some(next) = lead.deadline(&self.policy, clock.at(self.real)) {
                    let at = clock.real_of(next).max(self.real + 1);
                    if lead.wakes_at != at {
                        lead.wakes_at = at;
                        self.ask(c, at - self.real, ToCoordinator::Wake(at));
                    }
                }
                self.coordinators[c].lead = Some(lead);
            }
            Step::Crashed => {
                self.kill_coordinator(c);
                let later = self.rng.range(50, 1_500);
                self.queue
                    .put(self.real + later, Event::StartCoordinator(c));
            }
        }
    }

    fn lead(&mut self, c: usize) {
        let single = self.options.coordinators == 1;
        let now = self.coordinators[c].clock.at(self.real);
        let held = self.coordinators[c].lead.as_ref().map(|lead| lead.term);
        let ttl = if single { u64::MAX / 4 } else { LEADERSHIP_MS };
        let until = match single {
            true => Time(u64::MAX),
            // By its own clock, which may be slower than the database's.
            false => now.plus(LEADERSHIP_MS * 9 / 10),
        };
        let granted = match self.cut_store[c] > self.real {
            true => None,
            false => self.store.lead(c, held, self.real, ttl),
        };
        match (granted, &mut self.coordinators[c].lead) {
            (Some(_), Some(lead)) => lead.until = until,
            (Some(term), none) => {
                *none = Some(Lead::begin(
                    &self.store,
                    term,
                    now,
                    until,
                    self.options.sabotage,
                ));
                self.note(|| format!("c{} leads, term {term}", c + 1));
                self.ask(c, 0, ToCoordinator::Wake(0));
            }
            (None, Some(lead))
                if now >= lead.until && self.options.sabotage != Some(Sabotage::DeposedLeads) =>
            {
                self.coordinators[c].lead = None;
                self.note(|| format!("c{} leads no more", c + 1));
                self.end_sessions_of(c);
            }
            (None, _) => {}
        }
        if !single {
            let pause = self.rng.range(RENEW_MS - 100, RENEW_MS + 100);
            self.ask(c, pause, ToCoordinator::Lead);
        }
    }

    fn end_sessions_of(&mut self, c: usize) {
        let life = self.coordinators[c].life;
        for w in 0..self.workers.len() {
            let link = self.workers[w].process.as_ref().and_then(|p| p.link);
            if let Some(link) = link.filter(|l| l.coordinator == c && l.life == life)
                && self.cut_down[w] <= self.real
            {
                let delay = self.delay();
                self.tell(w, delay, ToWorker::LinkLost(link));
            }
        }
    }

    /// Dials the port of a worker whose session broke: if that is refused, no process holds it.
    fn probe(&mut self, c: usize, w: usize, incarnation: Incarnation) {
        let is_cut = self.cut_up[w] > self.real || self.cut_down[w] > self.real;
        if !is_cut && self.workers[w].process.is_none() {
            let id = self.workers[w].id.clone();
            let delay = self.rng.range(1, 5);
            self.ask(c, delay, ToCoordinator::Refused(id, incarnation));
        }
    }

    // ---- faults ----

    fn fault(&mut self, fault: Fault) {
        if self.healed {
            return;
        }
        self.note(|| format!("fault {fault:?}"));
        let real = self.real;
        match fault {
            Fault::KillWorker(w, ms) => {
                self.kill_worker(w);
                self.queue.put(real + ms, Event::StartWorker(w));
            }
            Fault::StopWorker(w, ms) => {
                self.tell(w, 0, ToWorker::Stop);
                self.queue.put(real + 2_500 + ms, Event::StartWorker(w));
            }
            Fault::PauseWorker(w, ms) => self.stopped_workers[w] = real + ms,
            Fault::KillCoordinator(c, ms) => {
                self.kill_coordinator(c);
                self.queue.put(real + ms, Event::StartCoordinator(c));
            }
            Fault::PauseCoordinator(c, ms) => self.stopped_coordinators[c] = real + ms,
            Fault::Partition {
                worker,
                up,
                down,
                ms,
            } => {
                if up {
                    self.cut_up[worker] = real + ms;
                }
                if down {
                    self.cut_down[worker] = real + ms;
                }
            }
            Fault::LoseStore(c, ms) => self.cut_store[c] = real + ms,
            Fault::Edit(n) => self.edit(move |view, _| {
                if let Some(stream) = view.streams.get_mut(&name_of(n)) {
                    stream.revision = stream.revision.next();
                }
            }),
            Fault::Toggle(n) => self.edit(move |view, _| {
                if let Some(stream) = view.streams.get_mut(&name_of(n)) {
                    stream.desired = match stream.desired {
                        Desired::Active => Desired::Paused,
                        Desired::Paused | Desired::Deleted => Desired::Active,
                    };
                }
            }),
            Fault::Drain(w) => {
                let id = self.workers[w].id.clone();
                self.edit(move |view, now| {
                    if let Some(worker) = view.workers.get_mut(&id) {
                        worker.drain = match &worker.drain {
                            None => Some(Drain {
                                cause: DrainCause::Operator,
                                reason: "somebody asked for it".to_owned(),
                                since: now,
                            }),
                            Some(drain) if drain.cause == DrainCause::Operator => None,
                            Some(drain) => Some(drain.clone()),
                        };
                    }
                });
            }
        }
    }

    /// Somebody changes something by way of the coordinator that leads, if one does.
    fn edit(&mut self, change: impl Fn(&mut View, Time)) {
        for c in 0..self.coordinators.len() {
            let now = self.coordinators[c].clock.at(self.real);
            let stands =
                self.stopped_coordinators[c] <= self.real && self.cut_store[c] <= self.real;
            let lead = self.coordinators[c]
                .lead
                .take_if(|lead| stands && now < lead.until);
            if let Some(lead) = lead {
                self.step(c, lead, 0, |lead, cx| {
                    lead.edit(cx, now, |view| change(view, now))
                });
                return;
            }
        }
    }

    fn heal(&mut self) {
        self.healed = true;
        self.note(|| "everything heals".to_owned());
        for w in 0..self.workers.len() {
            self.stopped_workers[w] = self.stopped_workers[w].min(self.real);
            (self.cut_up[w], self.cut_down[w]) = (0, 0);
            self.queue.put(self.real + 1, Event::StartWorker(w));
        }
        for c in 0..self.coordinators.len() {
            self.stopped_coordinators[c] = self.stopped_coordinators[c].min(self.real);
            self.cut_store[c] = 0;
            self.queue.put(self.real + 1, Event::StartCoordinator(c));
        }
    }

    /// After the faults: every stream that should run writes, and nothing else does.
    fn check_end(&mut self) {
        let stuck = |what: String| Violation::Stuck { what };
        let Some(lead) = self.coordinators.iter().find_map(|c| c.lead.as_ref()) else {
            self.outcome
                .violations
                .push(stuck("nobody leads".to_owned()));
            return;
        };
        let view = &lead.view;
        let has_room = view
            .workers
            .values()
            .any(|w| w.drain.is_none() && w.presence == Presence::Active);
        for stream in view.streams.values() {
            let id = ShardId::new(stream.name.clone(), 0);
            let shard = view.shards.get(&id);
            let last = self.last_write.get(&id).copied().unwrap_or_default();
            let writes = self.real - last < 1_500;
            let state = || match shard {
                Some(shard) => format!(
                    "{:?}: {}, {:?}",
                    shard.standing, shard.reason, shard.assignments
                ),
                None => "it has no record".to_owned(),
            };
            let waits = shard.is_some_and(|s| matches!(s.standing, Standing::Quarantined { .. }));
            if stream.desired == Desired::Active && has_room && !writes && !waits {
                let what = format!(
                    "{} should run and has not written for {} ms ({})",
                    stream.name,
                    self.real - last,
                    state()
                );
                self.outcome.violations.push(stuck(what));
            } else if stream.desired == Desired::Paused
                && shard.is_some_and(|s| !s.assignments.is_empty())
            {
                self.outcome.violations.push(stuck(format!(
                    "{} is paused and has not ended ({})",
                    stream.name,
                    state()
                )));
            }
        }
    }
}

fn name_of(n: usize) -> StreamName {
    StreamName::new(&format!("s{}", n + 1)).expect("a stream name")
}
