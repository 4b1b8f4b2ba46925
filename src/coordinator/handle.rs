//! Everything that the REST API and the command line may ask of a coordinator. Cloning shares it.
//!
//! Reading runs a closure in the loop that owns the view, so nothing is copied that isn't asked for; changing
//! sends an edit there and waits until it is in the store.

use std::sync::Arc;

use axum::{
    body::Body,
    http::{Request, Response},
};
use tokio::sync::{mpsc, oneshot, watch};

use super::{
    AssignmentStatus, Definition, Draft, Error, EventFilter, Patch, PlacementEvent, RevisionInfo,
    StreamStatus, WorkerStatus,
    edit::Edit,
    event::{Event, Ledger},
    ingest::Ingest,
    secrets::Secrets,
};
use crate::{
    cluster::{Policy, View},
    ids::{Revision, StreamName, Term, WorkerId},
    store::Store,
    telemetry::metrics::Metrics,
};

#[derive(Clone, Debug)]
pub struct Handle(pub(super) Arc<Shared>);

pub(super) struct Shared {
    pub(super) events: mpsc::Sender<Event>,
    pub(super) role: watch::Receiver<Role>,
    pub(super) changes: watch::Receiver<u64>,
    pub(super) store: Store,
    pub(super) secrets: Secrets,
    pub(super) policy: Policy,
    pub(super) metrics: Metrics,
    pub(super) ingest: Ingest,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Handle")
            .field("role", &*self.role.borrow())
            .finish()
    }
}

/// What this coordinator is at the moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Role {
    Starting,
    Leading {
        term: Term,
    },
    /// Another one leads. Its addresses, as far as they are known.
    Following {
        leader: Option<String>,
        leader_http: Option<String>,
    },
    Stopped,
}

/// Whether the coordinator can do its work, and why not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Readiness {
    pub ready: bool,
    pub reason: String,
}

impl Handle {
    // Streams.

    /// Defines a stream and sees to it that it runs, unless the draft is paused.
    pub async fn create_stream(
        &self,
        name: StreamName,
        draft: Draft,
    ) -> Result<StreamStatus, Error> {
        self.edit(Edit::Create {
            name: name.clone(),
            draft,
        })
        .await?;
        self.stream(name).await
    }

    /// Defines a stream or replaces it. A definition that is the same makes no new revision.
    /// The flag tells whether it was created.
    pub async fn put_stream(
        &self,
        name: StreamName,
        draft: Draft,
        if_match: Option<Revision>,
    ) -> Result<(StreamStatus, bool), Error> {
        let edit = Edit::Put {
            name: name.clone(),
            draft,
            if_match,
        };
        let created = self.edit(edit).await?;
        Ok((self.stream(name).await?, created))
    }

    /// Changes some of a stream. Only what concerns how it runs makes a new revision.
    pub async fn patch_stream(
        &self,
        name: StreamName,
        patch: Patch,
        if_match: Option<Revision>,
    ) -> Result<StreamStatus, Error> {
        self.edit(Edit::Patch {
            name: name.clone(),
            patch,
            if_match,
        })
        .await?;
        self.stream(name).await
    }

    /// Stops a stream, then forgets it; until then its state is `deleting`.
    pub async fn delete_stream(
        &self,
        name: StreamName,
        if_match: Option<Revision>,
    ) -> Result<(), Error> {
        self.edit(Edit::Delete { name, if_match }).await.map(drop)
    }

    pub async fn pause_stream(
        &self,
        name: StreamName,
        if_match: Option<Revision>,
    ) -> Result<StreamStatus, Error> {
        let patch = Patch {
            paused: Some(true),
            ..Patch::default()
        };
        self.patch_stream(name, patch, if_match).await
    }

    pub async fn resume_stream(
        &self,
        name: StreamName,
        if_match: Option<Revision>,
    ) -> Result<StreamStatus, Error> {
        let patch = Patch {
            paused: Some(false),
            ..Patch::default()
        };
        self.patch_stream(name, patch, if_match).await
    }

    /// Makes a new revision of the same definition: what runs is drained and started anew, what failed or completed starts again.
    pub async fn restart_stream(
        &self,
        name: StreamName,
        if_match: Option<Revision>,
    ) -> Result<StreamStatus, Error> {
        self.edit(Edit::Restart {
            name: name.clone(),
            if_match,
        })
        .await?;
        self.stream(name).await
    }

    /// Makes a new revision of an old definition.
    pub async fn roll_back_stream(
        &self,
        name: StreamName,
        to: Revision,
        if_match: Option<Revision>,
    ) -> Result<StreamStatus, Error> {
        self.edit(Edit::RollBack {
            name: name.clone(),
            to,
            if_match,
        })
        .await?;
        self.stream(name).await
    }

    /// All streams, by name.
    pub async fn streams(&self) -> Result<Vec<StreamStatus>, Error> {
        self.read(|ledger| {
            let streams = ledger.view.streams.values();
            streams
                .map(|stream| StreamStatus::of(&ledger.view, &ledger.policy, stream, ledger.now))
                .collect()
        })
        .await
    }

    pub async fn stream(&self, name: StreamName) -> Result<StreamStatus, Error> {
        self.read(move |ledger| {
            let stream = ledger
                .view
                .streams
                .get(&name)
                .ok_or_else(|| Error::no_stream(&name))?;
            Ok(StreamStatus::of(
                &ledger.view,
                &ledger.policy,
                stream,
                ledger.now,
            ))
        })
        .await?
    }

    /// What a stream is defined as, at its current or at an older revision.
    pub async fn definition(
        &self,
        name: StreamName,
        revision: Option<Revision>,
    ) -> Result<Definition, Error> {
        let stream = self.known_stream(&name).await?;
        let revision = revision.unwrap_or(stream.revision);
        let found = self.0.store.revision(&name, revision).await?;
        let found = found.ok_or_else(|| Error::NotFound {
            kind: "revision",
            name: format!("{name} {revision}"),
        })?;
        Ok(Definition::of(stream.desired, found))
    }

    /// The revisions that are kept of a stream, newest first.
    pub async fn revisions(&self, name: StreamName) -> Result<Vec<RevisionInfo>, Error> {
        self.known_stream(&name).await?;
        let revisions = self.0.store.revisions(&name).await?;
        Ok(revisions.into_iter().map(RevisionInfo::from).collect())
    }

    /// Everything that a worker may be acting for, by stream and shard.
    pub async fn assignments(&self) -> Result<Vec<AssignmentStatus>, Error> {
        self.read(|ledger| {
            let all = ledger.view.assignments();
            all.map(|(id, assignment)| AssignmentStatus::of(id, assignment))
                .collect()
        })
        .await
    }

    // Workers.

    pub async fn workers(&self) -> Result<Vec<WorkerStatus>, Error> {
        self.read(|ledger| WorkerStatus::all(&ledger.view)).await
    }

    pub async fn worker(&self, id: WorkerId) -> Result<WorkerStatus, Error> {
        self.read(move |ledger| {
            let worker = ledger
                .view
                .workers
                .get(&id)
                .ok_or_else(|| Error::no_worker(&id))?;
            Ok(WorkerStatus::of(&ledger.view, worker))
        })
        .await?
    }

    /// Hands over what a worker runs and gives it nothing new, until it is undrained.
    pub async fn drain_worker(&self, id: WorkerId, reason: String) -> Result<WorkerStatus, Error> {
        self.edit(Edit::DrainWorker {
            id: id.clone(),
            reason,
        })
        .await?;
        self.worker(id).await
    }

    pub async fn undrain_worker(&self, id: WorkerId) -> Result<WorkerStatus, Error> {
        self.edit(Edit::UndrainWorker { id: id.clone() }).await?;
        self.worker(id).await
    }

    /// Removes the record of a worker that is gone.
    pub async fn forget_worker(&self, id: WorkerId) -> Result<(), Error> {
        self.edit(Edit::ForgetWorker { id }).await.map(drop)
    }

    // The cluster.

    /// Stops moves for balance and recycling until it is lifted.
    pub async fn freeze(&self, reason: String) -> Result<(), Error> {
        self.edit(Edit::Freeze { reason }).await.map(drop)
    }

    pub async fn unfreeze(&self) -> Result<(), Error> {
        self.edit(Edit::Unfreeze).await.map(drop)
    }

    /// The log of decisions and edits, newest first.
    pub async fn events(&self, filter: EventFilter) -> Result<Vec<PlacementEvent>, Error> {
        Ok(self
            .0
            .store
            .events(&filter.into())
            .await?
            .into_iter()
            .map(Into::into)
            .collect())
    }

    /// A copy of the whole view, for what is computed from it: plans, explanations, capacity.
    pub async fn view(&self) -> Result<View, Error> {
        self.read(|ledger| ledger.view.clone()).await
    }

    /// Why a stream is where it is.
    pub async fn explain(
        &self,
        name: StreamName,
    ) -> Result<crate::cluster::explain::Explanation, Error> {
        self.read(move |ledger| {
            let (view, policy, now) = (&ledger.view, &ledger.policy, ledger.now);
            let mut answer = crate::cluster::explain::explain(view, policy, &name, now)
                .ok_or_else(|| Error::no_stream(&name))?;
            answer.scaling = ledger.shard_scaler.tell(view, policy, &name, now);
            Ok(answer)
        })
        .await?
    }

    pub fn policy(&self) -> &Policy {
        &self.0.policy
    }

    /// Changes its number whenever something changed that is shown.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.0.changes.clone()
    }

    pub fn role(&self) -> Role {
        self.0.role.borrow().clone()
    }

    /// Waits until this coordinator leads.
    pub async fn wait_leading(&self) -> Result<Term, Error> {
        let mut role = self.0.role.clone();
        let leads = |role: &Role| matches!(role, Role::Leading { .. } | Role::Stopped);
        match role.wait_for(leads).await.as_deref() {
            Ok(Role::Leading { term }) => Ok(*term),
            _ => Err(self.not_leading()),
        }
    }

    /// Whether the coordinator can do its work: it leads or knows who does, and its store answers.
    pub async fn readiness(&self) -> Readiness {
        let (ready, reason) = match self.role() {
            Role::Starting => (false, "it has only just started".to_owned()),
            Role::Stopped => (false, "it has stopped".to_owned()),
            Role::Leading { term } => (true, format!("it leads, term {term}")),
            Role::Following {
                leader: Some(leader),
                ..
            } => (true, format!("{leader} leads")),
            Role::Following { leader: None, .. } => (false, "nobody leads".to_owned()),
        };
        match self.0.store.check().await {
            Err(error) if ready => Readiness {
                ready: false,
                reason: format!("the store does not answer: {error}"),
            },
            _ => Readiness { ready, reason },
        }
    }

    /// The coordinator's own metrics.
    pub fn metrics(&self) -> &Metrics {
        &self.0.metrics
    }

    // Requests.

    /// What the workers that run a stream have counted of it: metrics by name and labels, as their `/metrics` has them.
    pub async fn stream_stats(
        &self,
        stream: &StreamName,
    ) -> Result<serde_json::Map<String, serde_json::Value>, Error> {
        self.0.ingest.stats(self, stream).await
    }

    /// Answers a request by the `http_server` components of a stream. Its path is what is left after
    /// `/ingest/{stream}`. Waits for a stream that is on the move.
    pub async fn ingest(
        &self,
        stream: StreamName,
        request: Request<Body>,
    ) -> Result<Response<Body>, Error> {
        self.0.ingest.forward(self, stream, request).await
    }

    /// Answers a request by the coordinator that leads, if that is another one.
    pub async fn forward_to_leader(&self, request: Request<Body>) -> Result<Response<Body>, Error> {
        match self.role() {
            Role::Following {
                leader_http: Some(address),
                ..
            } => self.0.ingest.send(&address, request).await,
            _ => Err(self.not_leading()),
        }
    }

    // Inside.

    /// Runs a closure over the view, in the loop that owns it.
    pub(super) async fn read<R: Send + 'static>(
        &self,
        read: impl FnOnce(&Ledger) -> R + Send + 'static,
    ) -> Result<R, Error> {
        let (reply, answer) = oneshot::channel();
        let read = Box::new(move |ledger: &Ledger| {
            let _ = reply.send(read(ledger));
        });
        let sent = self.0.events.send(Event::Read(read)).await;
        match (sent, answer.await) {
            (Ok(()), Ok(answer)) => Ok(answer),
            _ => Err(self.not_leading()),
        }
    }

    /// Has an edit made; the flag tells whether something was created.
    pub(super) async fn edit(&self, edit: Edit) -> Result<bool, Error> {
        let (reply, answer) = oneshot::channel();
        let sent = self.0.events.send(Event::Edit(edit, reply)).await;
        match (sent, answer.await) {
            (Ok(()), Ok(answer)) => answer,
            _ => Err(self.not_leading()),
        }
    }

    async fn known_stream(&self, name: &StreamName) -> Result<crate::cluster::Stream, Error> {
        let name = name.clone();
        let read = move |ledger: &Ledger| ledger.view.streams.get(&name).cloned().ok_or(name);
        self.read(read)
            .await?
            .map_err(|name| Error::no_stream(&name))
    }

    pub(super) fn term(&self) -> Result<Term, Error> {
        match self.role() {
            Role::Leading { term } => Ok(term),
            _ => Err(self.not_leading()),
        }
    }

    fn not_leading(&self) -> Error {
        let leader_http = match self.role() {
            Role::Following { leader_http, .. } => leader_http,
            Role::Starting | Role::Leading { .. } | Role::Stopped => None,
        };
        Error::NotLeading { leader_http }
    }
}
