//! The loop that owns the view while this coordinator leads: events → view → plan → store → apply → duties → sessions.
//!
//! Nothing is decided on a view that may differ from the store: after a write whose outcome is unknown the view is read anew first.
//! Until that works, heartbeats are answered by the view as it was before the write; that gives nobody anything.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use tokio::sync::mpsc;

use super::{
    Role,
    campaign::Context,
    edit::Edit,
    event::{Event, Ledger},
    record,
    sessions::Sessions,
};
use crate::{
    cluster::{
        self, Registration, Time, View,
        capacity::{Autoscaler, capacity},
        next_deadline, plan,
        scale::ShardScaler,
    },
    ids::{Incarnation, Term},
    proto::{self, down, welcome},
    store::{self, Changes},
};

/// Why it leads no more.
pub(super) enum Halt {
    Stopped,
    Deposed(String),
}

/// Decisions that are stored in one transaction. Between two of them events are heard, so that no heartbeat waits for long.
const BATCH: usize = 200;

/// What heartbeats of many workers are gathered for: to wake up for each and to wake up its session for the answer costs more than to deal
/// with it. A lease is counted from later for it, which is the safe side.
const GATHER: Duration = Duration::from_millis(5);

/// Events that are taken in at once before anything is planned.
const EVENTS_AT_ONCE: usize = 1_000;

/// How often the log and old revisions are cut, if anything was written since.
const RETAIN_MS: u64 = 60_000;

/// How long after a failed write the view is read anew.
const RELOAD_MS: u64 = 200;

/// How often it looks how many workers and shards there should be.
const SCALE_MS: u64 = 1_000;

pub(super) struct Leader<'a> {
    pub(super) context: &'a Context,
    pub(super) ledger: Ledger,
    pub(super) sessions: Sessions,
    /// Incarnations that have answered at their own address.
    pub(super) reached: BTreeSet<Incarnation>,
    /// What happened that is not stored yet.
    pub(super) pending: Changes,
    term: Term,
    /// From this moment on another coordinator may lead.
    leads_until: Time,
    renewed: Time,
    /// Whether something happened that may change the plan.
    pub(super) dirty: bool,
    planned: Time,
    /// When the plan may change by itself.
    due: Option<Time>,
    /// Since when the view may differ from the store.
    pub(super) stale: Option<Time>,
    retained: Time,
    /// When it last looked how many workers and shards there should be.
    scaled: Time,
    wrote: bool,
}

impl<'a> Leader<'a> {
    /// Takes the view over, at the begin of a term.
    pub(super) async fn begin(
        context: &'a Context,
        term: Term,
        leads_until: Time,
    ) -> Result<Leader<'a>, Halt> {
        let view = context.store.load(term).await;
        let mut view =
            view.map_err(|error| Halt::Deposed(format!("the view can't be read: {error}")))?;
        // After the listener is bound and the term durable: see `cluster/lease.rs`.
        let now = context.clock.now();
        view.lead_since = now;
        context.set_role(Role::Leading { term });
        context.measures.leading(true);
        Ok(Self {
            context,
            ledger: Ledger {
                view,
                policy: context.policy.clone(),
                now,
                scaler: Autoscaler::default(),
                shard_scaler: ShardScaler::default(),
            },
            sessions: Sessions::new(term),
            reached: BTreeSet::new(),
            pending: Changes::default(),
            term,
            leads_until,
            renewed: now,
            dirty: true,
            planned: now,
            due: None,
            stale: None,
            retained: now,
            scaled: now,
            wrote: true,
        })
    }

    /// Leads until it is asked to stop or another coordinator may lead.
    pub(super) async fn run(&mut self, events: &mut mpsc::Receiver<Event>) -> Halt {
        let halt = loop {
            if let Err(halt) = self.turn(events).await {
                break halt;
            }
        };
        self.context.measures.leading(false);
        self.sessions.close();
        halt
    }

    async fn turn(&mut self, events: &mut mpsc::Receiver<Event>) -> Result<(), Halt> {
        let pause = Duration::from_millis(self.wake().since(self.context.clock.now()));
        let event = tokio::select! {
            biased;
            () = self.context.shutdown.soft() => return Err(Halt::Stopped),
            event = events.recv() => event,
            () = tokio::time::sleep(pause) => None,
        };
        self.tick()?;
        if let Some(event) = event {
            let is_beat = matches!(event, Event::Up(..));
            self.handle(event).await?;
            if is_beat && self.sessions.are_many() {
                tokio::time::sleep(GATHER).await;
                self.tick()?;
            }
            for _ in 0..EVENTS_AT_ONCE {
                match events.try_recv() {
                    Ok(event) => self.handle(event).await?,
                    Err(_) => break,
                }
            }
        }
        self.renew().await?;
        self.reload().await?;
        if self.stale.is_none() && (self.dirty || self.is_due()) {
            self.reconcile().await?;
        }
        self.scale().await?;
        self.retain().await
    }

    /// Looks how many workers there should be, and how many shards streams with a range, from time to time.
    async fn scale(&mut self) -> Result<(), Halt> {
        let Ledger {
            view,
            policy,
            now,
            scaler,
            shard_scaler,
        } = &mut self.ledger;
        let every_ms = SCALE_MS.min(policy.scale_pause_ms);
        if scaler.advice().is_some() && now.since(self.scaled) < every_ms {
            return Ok(());
        }
        self.scaled = *now;
        let capacity = capacity(view);
        let advice = scaler.observe(&capacity, policy, *now);
        self.context.measures.capacity(&capacity, advice);
        if self.stale.is_some() {
            return Ok(());
        }
        for step in shard_scaler.observe(view, policy, *now) {
            tracing::info!(stream = %step.stream, "{}", step.cause);
            let edit = Edit::Scale {
                name: step.stream,
                shards: step.shards,
                cause: step.cause,
            };
            if let Err(error) = self.edit(&edit).await? {
                tracing::warn!("a stream could not be given another number of shards: {error}");
            }
        }
        Ok(())
    }

    /// Reads the clock; an error if another may lead by now.
    fn tick(&mut self) -> Result<(), Halt> {
        self.ledger.now = self.context.clock.now();
        match self.ledger.now < self.leads_until {
            true => Ok(()),
            false => Err(Halt::Deposed(
                "the store could not be told in time that it still leads".to_owned(),
            )),
        }
    }

    /// When there is something to do if nothing happens.
    fn wake(&self) -> Time {
        let mut wake = self.ledger.now.plus(RETAIN_MS);
        if self.context.store.is_shared() {
            wake = wake.min(self.renew_at());
        }
        if let Some(since) = self.stale {
            wake = wake.min(since.plus(RELOAD_MS));
        } else if self.dirty {
            wake = self.ledger.now;
        } else if let Some(due) = self.due {
            wake = wake.min(due);
        }
        wake
    }

    async fn handle(&mut self, event: Event) -> Result<(), Halt> {
        match event {
            Event::Read(read) => read(&self.ledger),
            Event::Edit(edit, reply) => {
                let done = self.edit(&edit).await?;
                let _ = reply.send(done);
            }
            Event::Register(hello, reply) => {
                let welcome = self.register(hello);
                let _ = reply.send(welcome);
            }
            Event::Opened(id, down) => self.sessions.open(id, down),
            Event::Up(id, up) => {
                self.tick()?;
                self.up(id, up).await;
            }
            Event::Broke(id) => self.broke(id),
            Event::Reached(worker, incarnation) => {
                tracing::debug!(%worker, "the worker answers at its address");
                self.reached.insert(incarnation);
            }
            Event::Refused(worker, incarnation) => {
                self.dirty |= self.ledger.view.exit_proven(&worker, incarnation);
            }
        }
        Ok(())
    }

    fn register(&mut self, hello: cluster::Hello) -> proto::Welcome {
        let id = hello.id.clone();
        let incarnation = hello.incarnation;
        let outcome = match self.ledger.view.register(hello, self.ledger.now) {
            Registration::Welcome => {
                tracing::info!(worker = %id, %incarnation, "a worker registered");
                self.pending.workers.insert(id.clone());
                self.dirty = true;
                let text = superseded_text(incarnation);
                self.sessions.supersede(&id, incarnation, &text);
                welcome::Outcome::Terms(proto::Terms {
                    lease_ms: self.ledger.policy.lease_ms,
                    heartbeat_ms: self.ledger.policy.heartbeat_ms,
                    renews_on_refusal: !self.context.store.is_shared(),
                    term: self.term.get(),
                })
            }
            Registration::Superseded { by } => welcome::Outcome::Exit(superseded_text(by)),
            Registration::Left => {
                welcome::Outcome::Exit("this worker said goodbye before".to_owned())
            }
        };
        proto::Welcome {
            outcome: Some(outcome),
        }
    }

    /// Plans, stores and applies what was decided, then tells the workers.
    async fn reconcile(&mut self) -> Result<(), Halt> {
        self.dirty = false;
        self.tick()?;
        let now = self.ledger.now;
        let begun = Instant::now();
        let decisions = plan(&self.ledger.view, &self.ledger.policy, now);
        self.context.measures.plan(begun.elapsed());
        self.planned = now;
        let batch = &decisions[..decisions.len().min(BATCH)];
        self.dirty = batch.len() < decisions.len();
        if !batch.is_empty() || !self.pending.is_empty() {
            let mut next = self.ledger.view.clone();
            let mut changes = Changes::default();
            for decision in batch {
                changes.decide(&next, decision, now);
                record::decision(self.context, &next, decision);
                next.apply(decision, now);
            }
            let events = changes.events.clone();
            if self.store(next, changes).await?.is_err() {
                return Ok(());
            }
            events.iter().for_each(log);
        }
        self.due = next_deadline(&self.ledger.view, &self.ledger.policy, self.planned);
        self.publish().await;
        Ok(())
    }

    /// Whether the plan may have changed by itself. Heartbeats push deadlines back, so what was due often is no more.
    fn is_due(&mut self) -> bool {
        if self.due.is_none_or(|due| self.ledger.now < due) {
            return false;
        }
        self.due = next_deadline(&self.ledger.view, &self.ledger.policy, self.planned);
        self.due.is_some_and(|due| due <= self.ledger.now)
    }

    /// Makes the next view durable, with what is pending, and takes it over. The inner error is one after which the view is read anew.
    pub(super) async fn store(
        &mut self,
        next: View,
        changes: Changes,
    ) -> Result<Result<(), store::Error>, Halt> {
        let mut all = std::mem::take(&mut self.pending);
        all.merge(changes);
        if all.is_empty() {
            self.ledger.view = next;
            return Ok(Ok(()));
        }
        let sent = self.context.clock.now();
        let begun = Instant::now();
        let written = self
            .within(self.context.store.write(self.term, &all, &next))
            .await?;
        self.context.measures.write(begun.elapsed(), &all);
        match written {
            Ok(()) => {
                self.ledger.view = next;
                self.leads_until = self.context.leads_until(sent);
                self.renewed = sent;
                self.wrote = true;
                Ok(Ok(()))
            }
            Err(store::Error::Deposed) => {
                Err(Halt::Deposed("another coordinator leads".to_owned()))
            }
            Err(error) => {
                tracing::error!("a write failed, the view is read anew: {error}");
                self.stale = Some(self.ledger.now);
                Ok(Err(error))
            }
        }
    }

    /// Waits for the store for no longer than it leads.
    async fn within<T>(&self, work: impl Future<Output = T>) -> Result<T, Halt> {
        let left = self.leads_until.since(self.context.clock.now());
        if left > u64::from(u32::MAX) {
            return Ok(work.await);
        }
        let done = tokio::time::timeout(Duration::from_millis(left), work).await;
        done.map_err(|_| Halt::Deposed("the store does not answer".to_owned()))
    }

    /// Reads the view anew after a failed write, if it is time to.
    async fn reload(&mut self) -> Result<(), Halt> {
        let Some(since) = self.stale else {
            return Ok(());
        };
        if self.ledger.now < since.plus(RELOAD_MS) {
            return Ok(());
        }
        match self.within(self.context.store.load(self.term)).await? {
            Ok(mut view) => {
                view.keep_memory(&self.ledger.view, self.ledger.now);
                self.ledger.view = view;
                self.pending = Changes::default();
                self.stale = None;
                self.dirty = true;
                Ok(())
            }
            Err(store::Error::Deposed) => {
                Err(Halt::Deposed("another coordinator leads".to_owned()))
            }
            Err(error) => {
                tracing::warn!("the view can't be read yet: {error}");
                self.stale = Some(self.ledger.now);
                Ok(())
            }
        }
    }

    fn renew_at(&self) -> Time {
        self.renewed.plus(self.context.leader_lease_ms() / 5)
    }

    /// Shows that it leads, where others could. Every write shows it too.
    async fn renew(&mut self) -> Result<(), Halt> {
        if !self.context.store.is_shared() || self.ledger.now < self.renew_at() {
            return Ok(());
        }
        let sent = self.context.clock.now();
        match self.within(self.context.store.renew(self.term)).await? {
            Ok(()) => {
                self.leads_until = self.context.leads_until(sent);
                self.renewed = sent;
                self.tick()
            }
            Err(store::Error::Deposed) => {
                Err(Halt::Deposed("another coordinator leads".to_owned()))
            }
            Err(error) => {
                tracing::warn!("the store can't be told that it leads: {error}");
                self.renewed = sent;
                self.tick()
            }
        }
    }

    /// Cuts the log and old revisions. At rest there is nothing to cut, and nothing is written.
    async fn retain(&mut self) -> Result<(), Halt> {
        if !self.wrote || self.stale.is_some() || self.ledger.now.since(self.retained) < RETAIN_MS {
            return Ok(());
        }
        self.retained = self.ledger.now;
        self.wrote = false;
        let view = &self.ledger.view;
        self.reached.retain(|incarnation| {
            let is_known = |worker: &cluster::Worker| {
                worker.incarnation == *incarnation
                    || worker
                        .former
                        .iter()
                        .any(|former| former.incarnation == *incarnation)
            };
            view.workers.values().any(is_known)
        });
        let (events, revisions) = (self.context.max_events, self.context.max_revisions);
        let cut = self.context.store.retain(self.term, events, revisions);
        if let Err(error) = self.within(cut).await? {
            tracing::warn!("old events and revisions can't be deleted: {error}");
        }
        Ok(())
    }
}

/// Logs a decision that was carried out.
fn log(event: &store::EventRow) {
    let shard = event.stream.as_ref().map(|stream| match event.shard {
        Some(shard) => format!("{stream}/{shard}"),
        None => stream.to_string(),
    });
    tracing::info!(
        action = event.kind,
        shard,
        worker = event.worker.as_ref().map(|worker| worker.as_str()),
        epoch = event.epoch.map(|epoch| epoch.get()),
        "{}",
        event.cause
    );
}

pub(super) fn superseded_text(by: Incarnation) -> String {
    format!(
        "another process took this worker's id (incarnation {by}): give each worker an id of its own"
    )
}

/// An order for a worker, unasked.
pub(super) fn order(order: down::Order) -> proto::Down {
    proto::Down {
        order: Some(order),
        ..proto::Down::default()
    }
}
