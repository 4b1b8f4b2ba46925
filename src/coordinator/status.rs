//! What people and scripts are told of streams, assignments and workers. Every state has a reason and a since.

use std::collections::BTreeMap;

use serde::{Serialize, Serializer};
use utoipa::ToSchema;

use super::ScalingStatus;
use crate::{
    cluster::{
        Assignment, AssignmentState, Desired, OnPartition, Policy, Shard, Shards, Standing, Stream,
        Time, View, Worker, WorkerState,
    },
    ids::{Epoch, Incarnation, Revision, ShardId, ShardIndex, StreamName, WorkerId},
};

/// A point in time as RFC 3339 in UTC, with milliseconds.
pub fn rfc3339(time: Time) -> String {
    let ms = i64::try_from(time.0).unwrap_or(i64::MAX);
    chrono::DateTime::from_timestamp_millis(ms)
        .unwrap_or(chrono::DateTime::<chrono::Utc>::MAX_UTC)
        .to_rfc3339_opts(chrono::SecondsFormat::Millis, true)
}

pub(super) fn time<S: Serializer>(time: &Time, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&rfc3339(*time))
}

pub(super) fn maybe_time<S: Serializer>(
    time: &Option<Time>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match time {
        Some(time) => serializer.serialize_some(&rfc3339(*time)),
        None => serializer.serialize_none(),
    }
}

/// A stream's observed state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum StreamState {
    /// Nothing of it runs yet.
    Pending,
    /// All of it runs.
    Running,
    /// Some of it runs.
    Degraded,
    /// None of it runs, and it is tried again.
    Failing,
    /// None of it runs, until it is edited.
    Failed,
    /// It reached the end of its input.
    Completed,
    Paused,
    /// It is to be deleted and still finishes.
    Deleting,
}

impl StreamState {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Running => "running",
            Self::Degraded => "degraded",
            Self::Failing => "failing",
            Self::Failed => "failed",
            Self::Completed => "completed",
            Self::Paused => "paused",
            Self::Deleting => "deleting",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct StreamStatus {
    pub name: StreamName,
    pub desired: Desired,
    pub revision: Revision,
    pub state: StreamState,
    pub reason: String,
    #[serde(serialize_with = "time")]
    #[schema(value_type = String, format = DateTime)]
    pub since: Time,
    pub shards: Vec<ShardStatus>,
    /// How the number of shards follows the backlog; null if it is fixed.
    pub scaling: Option<ScalingStatus>,
    pub requires: BTreeMap<String, String>,
    pub prefers: BTreeMap<String, String>,
    pub stateless: bool,
    pub on_partition: OnPartition,
}

#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct ShardStatus {
    pub shard: ShardIndex,
    /// Who has it, if anybody.
    pub worker: Option<WorkerId>,
    pub epoch: Option<Epoch>,
    /// `pending`, `starting`, `running`, `draining`, `stopped`, `completed`, `failed`, `back_off`, `quarantined`, `paused`.
    pub state: &'static str,
    pub reason: String,
    #[serde(serialize_with = "time")]
    #[schema(value_type = String, format = DateTime)]
    pub since: Time,
    /// Failed attempts in a row.
    pub attempts: u32,
    #[serde(serialize_with = "maybe_time")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub next_retry: Option<Time>,
}

#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct AssignmentStatus {
    pub stream: StreamName,
    pub shard: ShardIndex,
    pub epoch: Epoch,
    pub worker: WorkerId,
    pub incarnation: Incarnation,
    pub revision: Revision,
    pub state: AssignmentState,
    pub reason: String,
    #[serde(serialize_with = "time")]
    #[schema(value_type = String, format = DateTime)]
    pub since: Time,
    /// While it drains to go elsewhere: where to.
    pub destination: Option<WorkerId>,
}

#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct WorkerStatus {
    pub id: WorkerId,
    pub state: WorkerState,
    pub reason: String,
    #[serde(serialize_with = "time")]
    #[schema(value_type = String, format = DateTime)]
    pub since: Time,
    /// How many assignments it has.
    pub streams: usize,
    /// The most that it takes; none is no limit.
    pub capacity: Option<u32>,
    pub labels: BTreeMap<String, String>,
    pub weight: u32,
    pub address: String,
    pub version: String,
    pub incarnation: Incarnation,
    #[serde(serialize_with = "time")]
    #[schema(value_type = String, format = DateTime)]
    pub started: Time,
    #[serde(serialize_with = "maybe_time")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub heard: Option<Time>,
    pub drain_reason: Option<String>,
    /// Of one core.
    pub cpu: f64,
    pub memory_bytes: u64,
    /// How many assignments this incarnation has been given in its life.
    pub assigned: u64,
}

/// A stream as it is defined at one revision.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Definition {
    pub name: StreamName,
    pub desired: Desired,
    pub revision: Revision,
    #[serde(serialize_with = "time")]
    #[schema(value_type = String, format = DateTime)]
    pub created: Time,
    /// The config as it was given: YAML.
    pub config: String,
    pub shards: Shards,
    pub requires: BTreeMap<String, String>,
    pub prefers: BTreeMap<String, String>,
    pub stateless: bool,
    pub on_partition: OnPartition,
}

#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct RevisionInfo {
    pub revision: Revision,
    #[serde(serialize_with = "time")]
    #[schema(value_type = String, format = DateTime)]
    pub created: Time,
    /// What made it: `created`, `replaced`, `patched`, `restarted`, `rolled back to 3`.
    pub cause: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct SecretInfo {
    pub key: String,
    #[serde(serialize_with = "time")]
    #[schema(value_type = String, format = DateTime)]
    pub created: Time,
    #[serde(serialize_with = "time")]
    #[schema(value_type = String, format = DateTime)]
    pub updated: Time,
}

/// One line of the log of decisions.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct PlacementEvent {
    /// Rises with each.
    pub sequence: u64,
    #[serde(serialize_with = "time")]
    #[schema(value_type = String, format = DateTime)]
    pub at: Time,
    /// The decision's name: `assign`, `drain`, `release`, ..., or an edit's: `created`, `paused`, `scaled`, ...
    pub kind: String,
    pub stream: Option<StreamName>,
    pub shard: Option<ShardIndex>,
    pub worker: Option<WorkerId>,
    pub epoch: Option<Epoch>,
    pub cause: String,
}

/// Which events are asked for; newest first.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct EventFilter {
    pub stream: Option<StreamName>,
    pub worker: Option<WorkerId>,
    /// Only those before this one: the page after.
    pub before: Option<u64>,
    /// At most so many; 0 stands for 100, and more than 1000 are never given.
    pub limit: u32,
}

impl StreamStatus {
    pub(super) fn of(view: &View, policy: &Policy, stream: &Stream, now: Time) -> Self {
        let mut shards: Vec<ShardStatus> = Vec::new();
        let count = match stream.desired {
            Desired::Active => stream.shards,
            Desired::Paused | Desired::Deleted => 0,
        };
        let known: BTreeMap<ShardIndex, &Shard> = view
            .shards_of(&stream.name)
            .map(|(id, shard)| (id.shard, shard))
            .collect();
        for index in (0..count).map(ShardIndex) {
            shards.push(ShardStatus::of(
                view,
                policy,
                stream,
                index,
                known.get(&index).copied(),
                now,
            ));
        }
        // What is still finishing though it is not wanted any more.
        for (index, shard) in known {
            if index.get() >= count && !shard.assignments.is_empty() {
                shards.push(ShardStatus::of(
                    view,
                    policy,
                    stream,
                    index,
                    Some(shard),
                    now,
                ));
            }
        }
        let (state, reason, since) = summary(stream, &shards);
        Self {
            name: stream.name.clone(),
            desired: stream.desired,
            revision: stream.revision,
            state,
            reason,
            since,
            shards,
            scaling: ScalingStatus::of(view, stream),
            requires: stream.requires.clone(),
            prefers: stream.prefers.clone(),
            stateless: stream.stateless,
            on_partition: stream.on_partition,
        }
    }
}

/// A stream's state from its shards: the reason and the since are those of the shard that matters most.
fn summary(stream: &Stream, shards: &[ShardStatus]) -> (StreamState, String, Time) {
    let latest = |wanted: &[&str]| {
        let fitting = shards.iter().filter(|shard| wanted.contains(&shard.state));
        fitting.max_by_key(|shard| shard.since)
    };
    let of = |shard: Option<&ShardStatus>, otherwise: &str| match shard {
        Some(shard) => (shard.reason.clone(), shard.since),
        None => (otherwise.to_owned(), Time(0)),
    };
    let finishing = shards.iter().max_by_key(|shard| shard.since);
    match stream.desired {
        Desired::Paused => {
            let (reason, since) = of(finishing, "it was paused");
            return (StreamState::Paused, reason, since);
        }
        Desired::Deleted => {
            let (reason, since) = of(finishing, "it is being deleted");
            return (StreamState::Deleting, reason, since);
        }
        Desired::Active => {}
    }
    let failed = latest(&["failed"]);
    let retrying = latest(&["back_off", "quarantined"]);
    let runs = shards
        .iter()
        .any(|s| matches!(s.state, "running" | "draining"));
    let all_run = shards
        .iter()
        .all(|s| matches!(s.state, "running" | "draining" | "completed"));
    if runs && all_run {
        let (reason, since) = of(latest(&["running", "draining"]), "");
        return (StreamState::Running, reason, since);
    }
    let waiting = latest(&["pending", "starting", "stopped"]);
    let ill = failed.or(retrying);
    if runs {
        let (reason, since) = of(ill.or(waiting), "");
        return (StreamState::Degraded, reason, since);
    }
    let (state, shard) = match (failed, retrying, waiting) {
        (_, Some(shard), _) => (StreamState::Failing, Some(shard)),
        (_, None, Some(shard)) if shard.attempts > 0 => (StreamState::Failing, Some(shard)),
        (_, None, Some(shard)) => (StreamState::Pending, Some(shard)),
        (Some(shard), None, None) => (StreamState::Failed, Some(shard)),
        (None, None, None) => (StreamState::Completed, latest(&["completed"])),
    };
    let (reason, since) = of(shard, "");
    (state, reason, since)
}

impl ShardStatus {
    fn of(
        view: &View,
        policy: &Policy,
        stream: &Stream,
        index: ShardIndex,
        shard: Option<&Shard>,
        now: Time,
    ) -> Self {
        let attempts = shard.map_or(0, |shard| shard.attempts);
        let newest = shard.and_then(|shard| shard.current().or(shard.assignments.last()));
        if let Some(assignment) = newest {
            return Self {
                shard: index,
                worker: Some(assignment.worker.clone()),
                epoch: Some(assignment.epoch),
                state: assignment.state.as_str(),
                reason: assignment.reason.clone(),
                since: assignment.since,
                attempts,
                next_retry: None,
            };
        }
        let standing = shard.map(|shard| shard.standing).unwrap_or_default();
        let holds = !standing.allows(stream.revision, now);
        let (state, next_retry) = match standing {
            Standing::BackOff { until } if holds => ("back_off", Some(until)),
            Standing::Quarantined { until, .. } if holds => ("quarantined", Some(until)),
            Standing::Failed { .. } if holds => ("failed", None),
            Standing::Completed { .. } if holds => ("completed", None),
            _ => ("pending", None),
        };
        let reason = match (state, shard) {
            ("pending", _) => waits_for(view, policy, stream),
            (_, Some(shard)) => shard.reason.clone(),
            (_, None) => String::new(),
        };
        Self {
            shard: index,
            worker: None,
            epoch: None,
            state,
            reason,
            since: shard.map_or(view.lead_since, |shard| shard.since),
            attempts,
            next_retry,
        }
    }
}

/// Why a shard that may be placed is not placed, in a sentence with what would help.
fn waits_for(view: &View, policy: &Policy, stream: &Stream) -> String {
    let open: Vec<&Worker> = view.workers.values().filter(|w| w.is_open()).collect();
    if open.is_empty() {
        return match view
            .workers
            .values()
            .filter(|w| !w.presence.is_gone())
            .count()
        {
            0 => "there is no worker: start one".to_owned(),
            count => {
                format!("none of {count} workers takes streams now: they drain or are not heard")
            }
        };
    }
    let fits = |worker: &&&Worker| {
        let has = |(key, value): (&String, &String)| worker.labels.get(key) == Some(value);
        stream.requires.iter().all(has)
    };
    let fitting = open.iter().filter(fits).count();
    if fitting == 0 {
        let wanted: Vec<String> = stream
            .requires
            .iter()
            .map(|(k, v)| format!("{k}={v}"))
            .collect();
        return format!(
            "none of {} workers has the labels that it requires: {}",
            open.len(),
            wanted.join(", ")
        );
    }
    let has_room = |worker: &&&Worker| {
        let holds = view
            .assignments()
            .filter(|(_, a)| a.worker == worker.id)
            .count();
        worker.max_streams.is_none_or(|max| holds < max as usize)
    };
    match open.iter().filter(fits).filter(has_room).count() {
        0 => format!(
            "{fitting} workers could run it, and all are full: add a worker, or raise max-streams"
        ),
        _ => format!("it is about to be placed by {}", policy.strategy),
    }
}

impl AssignmentStatus {
    pub(super) fn of(id: &ShardId, assignment: &Assignment) -> Self {
        Self {
            stream: id.stream.clone(),
            shard: id.shard,
            epoch: assignment.epoch,
            worker: assignment.worker.clone(),
            incarnation: assignment.incarnation,
            revision: assignment.revision,
            state: assignment.state,
            reason: assignment.reason.clone(),
            since: assignment.since,
            destination: assignment.destination.clone(),
        }
    }
}

impl WorkerStatus {
    /// All of them, by id: one pass over the assignments.
    pub(super) fn all(view: &View) -> Vec<Self> {
        let mut counts: BTreeMap<&WorkerId, usize> = BTreeMap::new();
        for (_, assignment) in view.assignments().filter(|(_, a)| !a.state.is_over()) {
            *counts.entry(&assignment.worker).or_default() += 1;
        }
        let count = |id| counts.get(id).copied().unwrap_or(0);
        let workers = view.workers.values();
        workers
            .map(|worker| Self::with_streams(worker, count(&worker.id)))
            .collect()
    }

    pub(super) fn of(view: &View, worker: &Worker) -> Self {
        let streams = view
            .assignments()
            .filter(|(_, a)| a.worker == worker.id && !a.state.is_over());
        Self::with_streams(worker, streams.count())
    }

    fn with_streams(worker: &Worker, streams: usize) -> Self {
        Self {
            id: worker.id.clone(),
            state: worker.state(),
            reason: worker.reason.clone(),
            since: worker.since,
            streams,
            capacity: worker.max_streams,
            labels: worker.labels.clone(),
            weight: worker.weight,
            address: worker.address.clone(),
            version: worker.version.clone(),
            incarnation: worker.incarnation,
            started: worker.started,
            heard: worker.lease.heard,
            drain_reason: worker.drain.as_ref().map(|drain| drain.reason.clone()),
            cpu: worker.load.cpu,
            memory_bytes: worker.load.memory_bytes,
            assigned: worker.assigned,
        }
    }
}
