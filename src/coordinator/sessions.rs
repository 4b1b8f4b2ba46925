//! The sessions that stand, what each worker was told last, and what comes in over them.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use super::{
    Error,
    downs::DownSender,
    event::SessionId,
    lead::{Leader, order, superseded_text},
    probe,
    render::Renderer,
    session,
};
use crate::{
    cluster::{Drain, DrainCause, Duty, Goal, Heard, Report, Time},
    ids::{AssignmentId, Generation, Incarnation, Term, WorkerId},
    proto::{self, down::Order, up},
};

struct Session {
    down: DownSender,
    /// Who speaks, once it has.
    worker: Option<(WorkerId, Incarnation)>,
    /// What the worker has by its last heartbeat: its definitions need not be sent.
    reported: BTreeSet<AssignmentId>,
    is_identified: bool,
}

/// A worker's desired set, and which one it is. It is for one start of the worker only: another one must not get what was granted
/// to this.
struct Desired {
    incarnation: Incarnation,
    number: u64,
    duties: Vec<Duty>,
}

pub(super) struct Sessions {
    term: Term,
    all: BTreeMap<SessionId, Session>,
    /// The newest session of each worker.
    newest: BTreeMap<WorkerId, SessionId>,
    desired: BTreeMap<WorkerId, Desired>,
    number: u64,
}

impl Sessions {
    pub(super) fn new(term: Term) -> Self {
        Self {
            term,
            all: BTreeMap::new(),
            newest: BTreeMap::new(),
            desired: BTreeMap::new(),
            number: 0,
        }
    }

    pub(super) fn open(&mut self, id: SessionId, down: DownSender) {
        let session = Session {
            down,
            worker: None,
            reported: BTreeSet::new(),
            is_identified: false,
        };
        self.all.insert(id, session);
    }

    /// Whether heartbeats come in so often that they may wait for each other.
    pub(super) fn are_many(&self) -> bool {
        self.all.len() >= session::MANY
    }

    /// Ends all of them: workers look for who leads now.
    pub(super) fn close(&mut self) {
        self.all.clear();
        self.newest.clear();
    }

    /// Tells an older incarnation that it must go.
    pub(super) fn supersede(&mut self, worker: &WorkerId, by: Incarnation, text: &str) {
        let Some(session) = self.newest.get(worker).and_then(|id| self.all.get_mut(id)) else {
            return;
        };
        if session
            .worker
            .as_ref()
            .is_some_and(|(_, incarnation)| *incarnation < by)
        {
            session.down.send(order(Order::Superseded(text.to_owned())));
        }
    }

    /// The newest desired set of a start of a worker, if one was made yet.
    fn desired(&self, worker: &WorkerId, incarnation: Incarnation) -> Option<&Desired> {
        let desired = self.desired.get(worker);
        desired.filter(|desired| desired.incarnation == incarnation)
    }

    /// Which desired set of a start of a worker is the newest; number 0 stands for none.
    fn generation(&self, worker: &WorkerId, incarnation: Incarnation) -> Generation {
        Generation {
            term: self.term,
            number: self
                .desired(worker, incarnation)
                .map_or(0, |desired| desired.number),
        }
    }

    /// Takes in a worker's set; whether it differs from the one before.
    fn set(&mut self, worker: &WorkerId, incarnation: Incarnation, duties: Vec<Duty>) -> bool {
        let known = self.desired(worker, incarnation);
        if known.is_some_and(|known| known.duties == duties) {
            return false;
        }
        self.number += 1;
        let desired = Desired {
            incarnation,
            number: self.number,
            duties,
        };
        self.desired.insert(worker.clone(), desired);
        true
    }
}

impl Session {
    /// Takes in what the worker has. Most heartbeats say the same as the one before.
    fn note(&mut self, reports: &[Report]) {
        let is_known = |report: &Report| self.reported.contains(&report.assignment);
        if reports.len() != self.reported.len() || !reports.iter().all(is_known) {
            let assignments = reports.iter().map(|report| report.assignment.clone());
            self.reported = assignments.collect();
        }
    }
}

/// A message about a generation of the desired set, without the set.
fn numbered(generation: Generation) -> proto::Down {
    proto::Down {
        generation: Some(proto::Generation {
            term: generation.term.get(),
            number: generation.number,
        }),
        ..proto::Down::default()
    }
}

impl Leader<'_> {
    /// Something comes in over a session.
    pub(super) async fn up(&mut self, id: SessionId, up: proto::Up) {
        match up.message {
            Some(up::Message::Heartbeat(heartbeat)) => {
                self.context.measures.heartbeat();
                match session::heartbeat(&heartbeat) {
                    Ok(heard) => self.heartbeat(id, &heard, heartbeat.number).await,
                    Err(error) => {
                        tracing::warn!("a heartbeat can't be read: {error}");
                        self.broke(id);
                    }
                }
            }
            Some(up::Message::Goodbye(goodbye)) => {
                let worker = goodbye.worker.parse::<WorkerId>();
                let incarnation = goodbye.incarnation.parse::<Incarnation>();
                if let (Ok(worker), Ok(incarnation)) = (worker, incarnation)
                    && self
                        .ledger
                        .view
                        .goodbye(&worker, incarnation, self.ledger.now)
                {
                    tracing::info!(%worker, "a worker said goodbye");
                    self.pending.workers.insert(worker);
                    self.dirty = true;
                }
                self.sessions.all.remove(&id);
            }
            None => {}
        }
    }

    async fn heartbeat(
        &mut self,
        id: SessionId,
        heartbeat: &crate::cluster::Heartbeat,
        number: u64,
    ) {
        let who = (heartbeat.worker.clone(), heartbeat.incarnation);
        if !self.attach(id, &who) {
            return;
        }
        match self.ledger.view.heartbeat(heartbeat, self.ledger.now) {
            Heard::Renewed {
                changed,
                worker_changed,
            } => {
                self.dirty |= worker_changed || !changed.is_empty();
                self.pending.shards.extend(changed);
                if worker_changed {
                    self.pending.workers.insert(who.0.clone());
                }
                if let Some(session) = self.sessions.all.get_mut(&id) {
                    session.note(&heartbeat.reports);
                }
                self.identify(id, &who);
                let generation = self.sessions.generation(&who.0, who.1);
                let mut down = match heartbeat.applied == generation {
                    true => numbered(generation),
                    false => self.down(&who, id).await,
                };
                down.answers = Some(number);
                down.order = self.recycle_order(&who.0);
                self.send(id, down);
            }
            Heard::Unknown => self.send(id, order(Order::Register(proto::Nothing {}))),
            Heard::Superseded { by } => {
                self.send(id, order(Order::Superseded(superseded_text(by))));
            }
            Heard::Left => {
                let text = "this worker said goodbye before".to_owned();
                self.send(id, order(Order::Superseded(text)));
            }
        }
    }

    /// Notes who speaks over a session; whether it stands. A newer one of the same incarnation takes the place of an older one.
    fn attach(&mut self, id: SessionId, who: &(WorkerId, Incarnation)) -> bool {
        let Some(session) = self.sessions.all.get_mut(&id) else {
            return false;
        };
        match &session.worker {
            Some(known) => return known == who,
            None => session.worker = Some(who.clone()),
        }
        let is_newest = self
            .ledger
            .view
            .workers
            .get(&who.0)
            .is_some_and(|worker| worker.incarnation == who.1);
        if is_newest && let Some(old) = self.sessions.newest.insert(who.0.clone(), id) {
            self.sessions.all.remove(&old);
        }
        true
    }

    /// A session is over: if nothing takes its place, the worker's own port tells whether the process is.
    pub(super) fn broke(&mut self, id: SessionId) {
        let Some((worker, incarnation)) = self.sessions.all.remove(&id).and_then(|s| s.worker)
        else {
            return;
        };
        if self.sessions.newest.get(&worker) == Some(&id) {
            self.sessions.newest.remove(&worker);
            self.ledger.view.session_broke(&worker, incarnation);
            self.dirty = true;
        }
        let Some(known) = self.ledger.view.workers.get(&worker) else {
            return;
        };
        let former = known
            .former
            .iter()
            .find(|former| former.incarnation == incarnation);
        let address = match former {
            Some(former) => &former.address,
            None => &known.address,
        };
        if self.reached.contains(&incarnation) && !known.presence.is_gone() {
            let policy = &self.ledger.policy;
            let for_how_long = Duration::from_millis(policy.lease_ms + policy.margin_ms);
            let events = self.context.events.clone();
            probe::watch_exit(events, address.clone(), worker, incarnation, for_how_long);
        }
    }

    fn identify(&mut self, id: SessionId, who: &(WorkerId, Incarnation)) {
        if self.sessions.all.get(&id).is_none_or(|s| s.is_identified) {
            return;
        }
        let address = self
            .ledger
            .view
            .workers
            .get(&who.0)
            .map(|worker| &worker.address);
        let (Some(session), Some(address)) = (self.sessions.all.get_mut(&id), address) else {
            return;
        };
        if !std::mem::replace(&mut session.is_identified, true) && !self.reached.contains(&who.1) {
            let events = self.context.events.clone();
            probe::identify(events, address.clone(), who.0.clone(), who.1);
        }
    }

    /// Tells every worker whose desired set changed, and whoever watches.
    pub(super) async fn publish(&mut self) {
        let mut duties = self.ledger.view.duties();
        let mut told = Vec::new();
        for (id, worker) in &self.ledger.view.workers {
            let wanted = duties.remove(id).unwrap_or_default();
            if self.sessions.set(id, worker.incarnation, wanted)
                && let Some(session) = self.sessions.newest.get(id)
            {
                told.push(((id.clone(), worker.incarnation), *session));
            }
        }
        if self.sessions.desired.len() > self.ledger.view.workers.len() {
            let known = &self.ledger.view.workers;
            self.sessions
                .desired
                .retain(|worker, _| known.contains_key(worker));
        }
        for (worker, id) in told {
            let mut down = self.down(&worker, id).await;
            down.order = self.recycle_order(&worker.0);
            self.send(id, down);
        }
        self.context.measures.count(&self.ledger.view);
        self.context.changes.send_modify(|number| *number += 1);
    }

    /// A message with the newest desired set.
    async fn down(
        &self,
        (worker, incarnation): &(WorkerId, Incarnation),
        id: SessionId,
    ) -> proto::Down {
        let mut down = numbered(self.sessions.generation(worker, *incarnation));
        let (Some(desired), Some(session)) = (
            self.sessions.desired(worker, *incarnation),
            self.sessions.all.get(&id),
        ) else {
            return down;
        };
        let mut duties = Vec::with_capacity(desired.duties.len());
        let mut renderer = None;
        for duty in &desired.duties {
            let mut sent = self.duty(duty);
            if !session.reported.contains(&duty.assignment) && duty.goal == Goal::Run {
                sent.definition = self.definition(duty, &mut renderer).await;
            }
            duties.push(sent);
        }
        down.duties = Some(proto::Duties { duties });
        down
    }

    fn duty(&self, duty: &Duty) -> proto::Duty {
        let left = |until: Time| until.since(self.ledger.now);
        proto::Duty {
            assignment: Some(proto::Assignment {
                stream: duty.assignment.shard.stream.to_string(),
                shard: duty.assignment.shard.shard.get(),
                epoch: duty.assignment.epoch.get(),
            }),
            revision: duty.revision.get(),
            shards: duty.shards,
            drain_ms: match duty.goal {
                Goal::Run => None,
                Goal::Drain { until } => Some(left(until)),
            },
            on_partition: duty.on_partition.to_string(),
            definition: None,
        }
    }

    /// What a worker needs to run a duty; none if the store can't tell now: then the next heartbeat asks for it again.
    async fn definition<'s>(
        &'s self,
        duty: &Duty,
        renderer: &mut Option<Renderer<'s>>,
    ) -> Option<proto::Definition> {
        let stream = &duty.assignment.shard.stream;
        let rendered = async {
            let renderer = match renderer {
                Some(renderer) => renderer,
                None => {
                    let context = self.context;
                    renderer.insert(Renderer::new(&context.store, &context.secrets).await?)
                }
            };
            renderer.render(stream, duty.revision).await
        }
        .await;
        match rendered {
            Ok(rendered) => Some(proto::Definition {
                config: rendered.config,
                secrets: rendered.secrets.into_iter().collect(),
                resources: rendered.resources.into_iter().collect(),
                unusable: None,
            }),
            Err(Error::Store(error)) => {
                tracing::warn!(%stream, "the stream's definition can't be read now: {error}");
                None
            }
            Err(error) => Some(proto::Definition {
                unusable: Some(error.to_string()),
                ..proto::Definition::default()
            }),
        }
    }

    /// That a worker which was to be started anew may go, when it is empty.
    fn recycle_order(&self, worker: &WorkerId) -> Option<Order> {
        let known = self.ledger.view.workers.get(worker)?;
        let Some(Drain {
            cause: DrainCause::Recycle,
            reason,
            ..
        }) = &known.drain
        else {
            return None;
        };
        let is_empty = !self
            .ledger
            .view
            .assignments()
            .any(|(_, a)| a.incarnation == known.incarnation);
        is_empty.then(|| Order::Recycle(reason.clone()))
    }

    fn send(&mut self, id: SessionId, down: proto::Down) {
        if let Some(session) = self.sessions.all.get(&id)
            && !session.down.send(down)
        {
            self.broke(id);
        }
    }
}
