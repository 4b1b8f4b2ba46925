//! Everything that the REST API and the command line may ask of a coordinator. Cloning shares it.
//!
//! Reading runs a closure in the loop that owns the view, so nothing is copied that isn't asked for; changing
//! sends an edit there and waits until it is in the store.

use std::sync::Arc;

use axum::{
    body::Body,
    http::{Request, Response},
};
use tokio::sync::watch;

use super::{
    AssignmentStatus, Definition, Draft, Error, EventFilter, Patch, PlacementEvent, Resource,
    ResourceKind, RevisionInfo, SecretInfo, StreamStatus, WorkerStatus,
};
use crate::{
    cluster::{Policy, View},
    ids::{Revision, StreamName, Term, WorkerId},
    telemetry::metrics::Metrics,
};

#[derive(Clone, Debug)]
pub struct Handle(pub(super) Arc<Shared>);

pub(super) struct Shared {
    pub(super) role: watch::Receiver<Role>,
    pub(super) changes: watch::Receiver<u64>,
    pub(super) policy: Policy,
    pub(super) metrics: Metrics,
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
    #[allow(unused_variables)]
    pub async fn create_stream(
        &self,
        name: StreamName,
        draft: Draft,
    ) -> Result<StreamStatus, Error> {
        Err(self.not_leading())
    }

    /// Defines a stream or replaces it. A definition that is the same makes no new revision.
    /// The flag tells whether it was created.
    #[allow(unused_variables)]
    pub async fn put_stream(
        &self,
        name: StreamName,
        draft: Draft,
        if_match: Option<Revision>,
    ) -> Result<(StreamStatus, bool), Error> {
        Err(self.not_leading())
    }

    /// Changes some of a stream. Only what concerns how it runs makes a new revision.
    #[allow(unused_variables)]
    pub async fn patch_stream(
        &self,
        name: StreamName,
        patch: Patch,
        if_match: Option<Revision>,
    ) -> Result<StreamStatus, Error> {
        Err(self.not_leading())
    }

    /// Stops a stream, then forgets it; until then its state is `deleting`.
    #[allow(unused_variables)]
    pub async fn delete_stream(
        &self,
        name: StreamName,
        if_match: Option<Revision>,
    ) -> Result<(), Error> {
        Err(self.not_leading())
    }

    #[allow(unused_variables)]
    pub async fn pause_stream(
        &self,
        name: StreamName,
        if_match: Option<Revision>,
    ) -> Result<StreamStatus, Error> {
        Err(self.not_leading())
    }

    #[allow(unused_variables)]
    pub async fn resume_stream(
        &self,
        name: StreamName,
        if_match: Option<Revision>,
    ) -> Result<StreamStatus, Error> {
        Err(self.not_leading())
    }

    /// Makes a new revision of the same definition: what runs is drained and started anew, what failed or completed starts again.
    #[allow(unused_variables)]
    pub async fn restart_stream(
        &self,
        name: StreamName,
        if_match: Option<Revision>,
    ) -> Result<StreamStatus, Error> {
        Err(self.not_leading())
    }

    /// Makes a new revision of an old definition.
    #[allow(unused_variables)]
    pub async fn roll_back_stream(
        &self,
        name: StreamName,
        to: Revision,
        if_match: Option<Revision>,
    ) -> Result<StreamStatus, Error> {
        Err(self.not_leading())
    }

    /// All streams, by name.
    #[allow(unused_variables)]
    pub async fn streams(&self) -> Result<Vec<StreamStatus>, Error> {
        Err(self.not_leading())
    }

    #[allow(unused_variables)]
    pub async fn stream(&self, name: StreamName) -> Result<StreamStatus, Error> {
        Err(self.not_leading())
    }

    /// What a stream is defined as, at its current or at an older revision.
    #[allow(unused_variables)]
    pub async fn definition(
        &self,
        name: StreamName,
        revision: Option<Revision>,
    ) -> Result<Definition, Error> {
        Err(self.not_leading())
    }

    /// The revisions that are kept of a stream, newest first.
    #[allow(unused_variables)]
    pub async fn revisions(&self, name: StreamName) -> Result<Vec<RevisionInfo>, Error> {
        Err(self.not_leading())
    }

    /// Everything that a worker may be acting for, by stream and shard.
    #[allow(unused_variables)]
    pub async fn assignments(&self) -> Result<Vec<AssignmentStatus>, Error> {
        Err(self.not_leading())
    }

    // Workers.

    #[allow(unused_variables)]
    pub async fn workers(&self) -> Result<Vec<WorkerStatus>, Error> {
        Err(self.not_leading())
    }

    #[allow(unused_variables)]
    pub async fn worker(&self, id: WorkerId) -> Result<WorkerStatus, Error> {
        Err(self.not_leading())
    }

    /// Hands over what a worker runs and gives it nothing new, until it is undrained.
    #[allow(unused_variables)]
    pub async fn drain_worker(&self, id: WorkerId, reason: String) -> Result<WorkerStatus, Error> {
        Err(self.not_leading())
    }

    #[allow(unused_variables)]
    pub async fn undrain_worker(&self, id: WorkerId) -> Result<WorkerStatus, Error> {
        Err(self.not_leading())
    }

    /// Removes the record of a worker that is gone.
    #[allow(unused_variables)]
    pub async fn forget_worker(&self, id: WorkerId) -> Result<(), Error> {
        Err(self.not_leading())
    }

    // The cluster.

    /// Stops moves for balance and recycling until it is lifted.
    #[allow(unused_variables)]
    pub async fn freeze(&self, reason: String) -> Result<(), Error> {
        Err(self.not_leading())
    }

    #[allow(unused_variables)]
    pub async fn unfreeze(&self) -> Result<(), Error> {
        Err(self.not_leading())
    }

    /// The log of decisions and edits, newest first.
    #[allow(unused_variables)]
    pub async fn events(&self, filter: EventFilter) -> Result<Vec<PlacementEvent>, Error> {
        Err(self.not_leading())
    }

    /// A copy of the whole view, for what is computed from it: plans, explanations, capacity.
    #[allow(unused_variables)]
    pub async fn view(&self) -> Result<View, Error> {
        Err(self.not_leading())
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
    #[allow(unused_variables)]
    pub async fn readiness(&self) -> Readiness {
        Readiness {
            ready: false,
            reason: "it has only just started".to_owned(),
        }
    }

    /// The coordinator's own metrics.
    pub fn metrics(&self) -> &Metrics {
        &self.0.metrics
    }

    // Secrets and resources.

    #[allow(unused_variables)]
    pub async fn secrets(&self) -> Result<Vec<SecretInfo>, Error> {
        Err(self.not_leading())
    }

    /// Encrypts a secret and keeps it. Streams that start from now on get it for `${KEY}`.
    #[allow(unused_variables)]
    pub async fn put_secret(&self, key: &str, value: &str) -> Result<(), Error> {
        Err(self.not_leading())
    }

    #[allow(unused_variables)]
    pub async fn delete_secret(&self, key: &str) -> Result<(), Error> {
        Err(self.not_leading())
    }

    #[allow(unused_variables)]
    pub async fn resources(&self) -> Result<Vec<Resource>, Error> {
        Err(self.not_leading())
    }

    /// Keeps a resource. Streams that start from now on find it under its label.
    #[allow(unused_variables)]
    pub async fn put_resource(&self, resource: Resource) -> Result<(), Error> {
        Err(self.not_leading())
    }

    #[allow(unused_variables)]
    pub async fn delete_resource(&self, kind: ResourceKind, label: &str) -> Result<(), Error> {
        Err(self.not_leading())
    }

    // Requests.

    /// Answers a request by the `http_server` components of a stream. Its path is what is left after
    /// `/ingest/{stream}`. Waits for a stream that is on the move.
    #[allow(unused_variables)]
    pub async fn ingest(
        &self,
        stream: StreamName,
        request: Request<Body>,
    ) -> Result<Response<Body>, Error> {
        Err(self.not_leading())
    }

    /// Answers a request by the coordinator that leads, if that is another one.
    #[allow(unused_variables)]
    pub async fn forward_to_leader(&self, request: Request<Body>) -> Result<Response<Body>, Error> {
        Err(self.not_leading())
    }

    // Inside.

    fn not_leading(&self) -> Error {
        let leader_http = match self.role() {
            Role::Following { leader_http, .. } => leader_http,
            Role::Starting | Role::Leading { .. } | Role::Stopped => None,
        };
        Error::NotLeading { leader_http }
    }
}
