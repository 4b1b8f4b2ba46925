//! The loop that owns what this worker runs: duties and lease come in, streams start and stop, heartbeats go out.
//!
//! Invariants: a stream acts only while the lease lasts (each write asks its fence, and a timer stops it besides); what was
//! stopped because a lease ended starts anew only under an answered heartbeat and the newest desired set; a slot stays until
//! a desired set lacks it, so every end is reported until it is known.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::{
    dial::UpSender,
    routes::Routes,
    slot::{Goal, Shared, Slot},
    usage::Usage,
};
use crate::{
    cluster::{AssignmentState, Time, lease::WorkerLease},
    engine::{Outcome, Stream, boottime_ms},
    ids::{AssignmentId, Generation, Incarnation, Term, WorkerId},
    proto::{self, Up},
    tasks::Shutdown,
};

/// What the loop is told.
pub(super) enum Event {
    /// A session stands.
    Connected {
        coordinator: String,
        terms: proto::Terms,
        ups: UpSender,
        cancel: CancellationToken,
    },
    Down(Box<proto::Down>),
    Broke,
    /// Every coordinator refused connections.
    Refused {
        attempted: Time,
        learned: Time,
    },
    /// The worker must exit.
    Exit(String),
    Started {
        id: AssignmentId,
        run: u64,
        stream: Arc<Stream>,
    },
    Connection {
        id: AssignmentId,
        run: u64,
        input: bool,
        output: bool,
    },
    Ended {
        id: AssignmentId,
        run: u64,
        outcome: Outcome,
    },
}

/// The session that stands.
pub(super) struct Session {
    pub(super) ups: UpSender,
    pub(super) cancel: CancellationToken,
    /// The number of the next heartbeat.
    next: u64,
    /// Heartbeats that are not answered, with when they were sent.
    pub(super) sent: VecDeque<(u64, Time)>,
    /// When the newest answer came, or the session began.
    pub(super) heard: Time,
}

/// Unanswered heartbeats that are remembered.
const MAX_UNANSWERED: usize = 64;

/// A change waits for others for so long before a heartbeat tells of it.
const GATHER_MS: u64 = 2;

/// A worker that leaves and has no coordinator waits for one for so long before it drains by itself.
pub(super) const ALONE_MS: u64 = 1_000;

pub(super) struct Agent {
    pub(super) id: WorkerId,
    pub(super) incarnation: Incarnation,
    pub(super) drain_ms: u64,
    pub(super) shared: Shared,
    pub(super) routes: Routes,
    /// Whether a coordinator is heard, for whoever asks about health.
    is_heard: Arc<AtomicBool>,
    shutdown: Shutdown,
    pub(super) lease: WorkerLease,
    heartbeat_ms: u64,
    lease_ms: u64,
    pub(super) slots: BTreeMap<AssignmentId, Slot>,
    pub(super) applied: Generation,
    pub(super) session: Option<Session>,
    /// When the newest session ended, or the process began.
    pub(super) alone_since: Time,
    pub(super) next_heartbeat: Time,
    usage: Usage,
    pub(super) leaving: Option<Leaving>,
}

pub(super) struct Leaving {
    pub(super) reason: String,
    pub(super) since: Time,
    pub(super) drains_itself: bool,
}

/// How the loop goes on.
pub(super) enum Next {
    Turn,
    /// All is handed over: say goodbye and exit.
    Leave,
    /// Exit at once, with this error.
    Fail(String),
}

impl Agent {
    pub(super) fn new(
        id: WorkerId,
        incarnation: Incarnation,
        drain_ms: u64,
        shared: Shared,
        routes: Routes,
        is_heard: Arc<AtomicBool>,
        shutdown: Shutdown,
    ) -> Self {
        let now = Time(boottime_ms());
        Self {
            id,
            incarnation,
            drain_ms,
            shared,
            routes,
            is_heard,
            shutdown,
            // Nothing runs before a coordinator has told its terms.
            lease: WorkerLease::new(0, false),
            heartbeat_ms: 500,
            lease_ms: 2_500,
            slots: BTreeMap::new(),
            applied: Generation::default(),
            session: None,
            alone_since: now,
            next_heartbeat: now,
            usage: Usage::new(),
            leaving: None,
        }
    }

    /// Works until everything is handed over, or the worker can't go on.
    pub(super) async fn run(mut self, mut events: mpsc::Receiver<Event>) -> anyhow::Result<()> {
        loop {
            let now = Time(boottime_ms());
            let pause = Duration::from_millis(self.wake(now).since(now));
            let is_leaving = self.leaving.is_some();
            let event = tokio::select! {
                biased;
                () = self.shutdown.hard() => {
                    self.abort_all();
                    self.note_end("it was asked to stop at once");
                    self.goodbye(&mut events).await;
                    return Ok(());
                }
                () = self.shutdown.soft(), if !is_leaving => {
                    self.leave("it was asked to stop");
                    None
                }
                event = events.recv() => event,
                () = tokio::time::sleep(pause) => None,
            };
            let now = Time(boottime_ms());
            self.lapse_if_over(now);
            let mut next = match event {
                Some(event) => self.handle(event, now),
                None => Next::Turn,
            };
            while let (Next::Turn, Ok(event)) = (&next, events.try_recv()) {
                next = self.handle(event, Time(boottime_ms()));
            }
            if let Next::Turn = next {
                next = self.tick(Time(boottime_ms()));
            }
            match next {
                Next::Turn => {}
                Next::Leave => {
                    self.abort_all();
                    self.note_end("all is handed over");
                    self.goodbye(&mut events).await;
                    return Ok(());
                }
                Next::Fail(error) => {
                    self.abort_all();
                    self.note_end(&error);
                    anyhow::bail!("{} stops: {error}", self.id);
                }
            }
        }
    }

    /// When there is something to do if nothing happens.
    fn wake(&self, now: Time) -> Time {
        let mut wake = now.plus(60_000);
        if self.session.is_some() {
            wake = wake.min(self.next_heartbeat);
        }
        if let Some(ends) = self.lease.ends()
            && self.lease.may_act(now)
        {
            wake = wake.min(ends);
        }
        for slot in self.slots.values() {
            if let (Goal::Drain { until }, Some(_)) = (slot.goal, &slot.run)
                && until > now
            {
                wake = wake.min(until);
            }
        }
        if let Some(leaving) = &self.leaving {
            for time in [
                leaving.since.plus(self.drain_ms),
                leaving.since.max(self.alone_since).plus(ALONE_MS),
            ] {
                if time > now {
                    wake = wake.min(time);
                }
            }
        }
        wake
    }

    fn handle(&mut self, event: Event, now: Time) -> Next {
        match event {
            Event::Connected {
                coordinator,
                terms,
                ups,
                cancel,
            } => {
                tracing::info!(worker = %self.id, %coordinator, "registered");
                self.connected(&terms, ups, cancel, now);
            }
            Event::Down(down) => return self.down(*down, now),
            Event::Broke => {
                if let Some(session) = self.session.take() {
                    tracing::warn!("the session with the coordinator broke");
                    session.cancel.cancel();
                    self.alone_since = now;
                }
            }
            Event::Refused { attempted, learned } => {
                if self.lease.refused(attempted, learned) {
                    self.renew_fences();
                }
            }
            Event::Exit(reason) => return Next::Fail(reason),
            Event::Started { id, run, stream } => {
                let (mux, metrics) = (stream.http().clone(), stream.metrics().clone());
                if let Some(slot) = self.slot_of(&id, run) {
                    slot.started(stream);
                    self.routes.add(&id, run, mux, metrics);
                    self.report_soon(now);
                }
            }
            Event::Connection {
                id,
                run,
                input,
                output,
            } => {
                let Some(slot) = self.slot_of(&id, run) else {
                    return Next::Turn;
                };
                let is_news = slot.connected(input, output);
                let is_whole = slot.state == AssignmentState::Running;
                self.routes.set_whole(&id, run, is_whole);
                if is_news {
                    self.report_soon(now);
                }
            }
            Event::Ended { id, run, outcome } => {
                self.routes.remove(&id, run);
                if let Some(slot) = self.slot_of(&id, run) {
                    slot.over(outcome);
                    tracing::info!(assignment = %id, state = %slot.state, "{}", slot.reason);
                    self.report_soon(now);
                }
            }
        }
        Next::Turn
    }

    fn slot_of(&mut self, id: &AssignmentId, run: u64) -> Option<&mut Slot> {
        let slot = self.slots.get_mut(id)?;
        (slot.run.as_ref()?.number == run).then_some(slot)
    }

    fn connected(
        &mut self,
        terms: &proto::Terms,
        ups: UpSender,
        cancel: CancellationToken,
        now: Time,
    ) {
        if let Some(old) = self.session.take() {
            old.cancel.cancel();
        }
        self.heartbeat_ms = terms.heartbeat_ms.max(1);
        self.lease_ms = terms.lease_ms;
        self.lease
            .configure(terms.lease_ms, terms.renews_on_refusal);
        if terms.renews_on_refusal && Term(terms.term) < self.applied.term {
            tracing::warn!("the coordinator has lost its memory: its database is another one");
            self.applied = Generation::default();
        }
        self.session = Some(Session {
            ups,
            cancel,
            next: 1,
            sent: VecDeque::new(),
            heard: now,
        });
        self.next_heartbeat = now;
    }

    /// Does what is due.
    fn tick(&mut self, now: Time) -> Next {
        for slot in self.slots.values_mut() {
            slot.cut_off(now);
        }
        // A session over which nothing is heard is as good as none.
        let silence_ms = (self.lease_ms / 2).max(self.heartbeat_ms * 2);
        if let Some(session) = &self.session
            && now.since(session.heard) > silence_ms
        {
            tracing::warn!("the coordinator does not answer, dialling again");
            session.cancel.cancel();
            self.session = None;
            self.alone_since = now;
        }
        if let Some(next) = self.leave_if_done(now) {
            return next;
        }
        if now >= self.next_heartbeat {
            self.heartbeat(now);
        }
        self.is_heard
            .store(self.session.is_some(), Ordering::Relaxed);
        Next::Turn
    }

    pub(super) fn report_soon(&mut self, now: Time) {
        self.next_heartbeat = self.next_heartbeat.min(now.plus(GATHER_MS));
    }

    pub(super) fn heartbeat(&mut self, now: Time) {
        self.next_heartbeat = now.plus(self.heartbeat_ms);
        if self.session.is_none() {
            return;
        }
        let load = self.usage.load(now);
        let message = proto::Heartbeat {
            worker: self.id.to_string(),
            incarnation: self.incarnation.to_string(),
            number: 0,
            applied: Some(proto::Generation {
                term: self.applied.term.get(),
                number: self.applied.number,
            }),
            leaving: self.leaving.as_ref().map(|leaving| leaving.reason.clone()),
            reports: self.slots.values().map(Slot::report).collect(),
            cpu: load.cpu,
            memory_bytes: load.memory_bytes,
            backlog: self.slots.values().map(Slot::backlog).sum(),
        };
        let Some(session) = &mut self.session else {
            return;
        };
        let number = session.next;
        session.next += 1;
        session.sent.push_back((number, now));
        if session.sent.len() > MAX_UNANSWERED {
            session.sent.pop_front();
        }
        let up = Up {
            message: Some(proto::up::Message::Heartbeat(proto::Heartbeat {
                number,
                ..message
            })),
        };
        if session.ups.try_send(up).is_err() {
            session.cancel.cancel();
            self.session = None;
            self.alone_since = now;
        }
    }
}
