//! Makes a part of the view durable, in one transaction.

use std::collections::BTreeSet;

use sqlx::{Any, Transaction};

use super::{Error, EventRow, RevisionRow, Store, leadership, row::to_json};
use crate::{
    cluster::{Action, Assignment, Decision, Shard, Stream, Time, View, Worker},
    ids::{AssignmentId, Epoch, ShardId, StreamName, Term, WorkerId},
};

/// Which parts of a view are to be written. What the view has is written as it is there, what it lacks is deleted.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Changes {
    /// The epoch counter from which the view's own was reached, if it was.
    pub epoch_before: Option<Epoch>,
    pub shards: BTreeSet<ShardId>,
    pub workers: BTreeSet<WorkerId>,
    pub streams: BTreeSet<StreamName>,
    pub frozen: bool,
    pub revisions: Vec<RevisionRow>,
    pub events: Vec<EventRow>,
}

impl Changes {
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Adds what others are to change, after it.
    pub fn merge(&mut self, later: Changes) {
        self.epoch_before = self.epoch_before.or(later.epoch_before);
        self.shards.extend(later.shards);
        self.workers.extend(later.workers);
        self.streams.extend(later.streams);
        self.frozen |= later.frozen;
        self.revisions.extend(later.revisions);
        self.events.extend(later.events);
    }

    /// Notes what a decision changes. `view` is the view before it is applied.
    pub fn decide(&mut self, view: &View, decision: &Decision, now: Time) {
        let mut event = EventRow {
            at: now,
            cause: decision.cause.clone(),
            ..EventRow::default()
        };
        let mut about = |event: &mut EventRow, id: &AssignmentId| {
            event.stream = Some(id.shard.stream.clone());
            event.shard = Some(id.shard.shard);
            event.epoch = Some(id.epoch);
            event.worker = view.assignment(id).map(|found| found.worker.clone());
            self.shards.insert(id.shard.clone());
        };
        let kind = match &decision.action {
            // In memory only, hence not in the log either: a late heartbeat is no event of placement.
            Action::MarkSuspect { .. } => return,
            Action::MarkLost { worker } => {
                self.workers.insert(worker.clone());
                event.worker = Some(worker.clone());
                "lost"
            }
            Action::Forget { worker } => {
                self.workers.insert(worker.clone());
                event.worker = Some(worker.clone());
                "forget"
            }
            Action::Recycle { worker } => {
                self.workers.insert(worker.clone());
                event.worker = Some(worker.clone());
                "recycle"
            }
            Action::Assign { shard, worker, .. } => {
                self.epoch_before.get_or_insert(view.epoch);
                self.shards.insert(shard.clone());
                self.workers.insert(worker.clone());
                event.stream = Some(shard.stream.clone());
                event.shard = Some(shard.shard);
                event.worker = Some(worker.clone());
                event.epoch = Some(view.epoch.next());
                "assign"
            }
            Action::Drain { assignment, .. } => {
                about(&mut event, assignment);
                "drain"
            }
            Action::Release { assignment, .. } => {
                about(&mut event, assignment);
                "release"
            }
            Action::Retry { assignment, .. } => {
                about(&mut event, assignment);
                "retry"
            }
            Action::Fail { assignment } => {
                about(&mut event, assignment);
                "fail"
            }
            Action::Complete { assignment } => {
                about(&mut event, assignment);
                "complete"
            }
            Action::Quarantine { shard, .. } => {
                self.shards.insert(shard.clone());
                event.stream = Some(shard.stream.clone());
                event.shard = Some(shard.shard);
                "quarantine"
            }
            Action::Remove { shard } => {
                self.shards.insert(shard.clone());
                event.stream = Some(shard.stream.clone());
                event.shard = Some(shard.shard);
                "remove"
            }
            Action::Delete { stream } => {
                self.shards
                    .extend(view.shards_of(stream).map(|(id, _)| id.clone()));
                self.streams.insert(stream.clone());
                event.stream = Some(stream.clone());
                "delete"
            }
        };
        event.kind = kind.to_owned();
        self.events.push(event);
    }
}

impl Store {
    /// Writes the changes as `view` has them, if the term still lasts and nobody granted an epoch meanwhile; else
    /// [`Error::Deposed`]. After any other error the outcome is unknown: load the view anew.
    pub async fn write(&self, term: Term, changes: &Changes, view: &View) -> Result<(), Error> {
        let mut transaction = self.pool.begin().await?;
        let tx = &mut transaction;
        match changes.epoch_before {
            Some(before) => grant(tx, term, before, view.epoch).await?,
            None => leadership::beat(tx, term).await?,
        }
        if changes.frozen {
            sqlx::query("UPDATE cluster SET frozen = $1 WHERE id = 1")
                .persistent(false)
                .bind(view.frozen.as_deref())
                .execute(&mut **tx)
                .await?;
        }
        for id in &changes.workers {
            match view.workers.get(id) {
                Some(worker) => put_worker(tx, worker).await?,
                None => delete(tx, "DELETE FROM workers WHERE id = $1", id.as_str()).await?,
            }
        }
        for name in &changes.streams {
            match view.streams.get(name) {
                Some(stream) => put_stream(tx, stream).await?,
                None => {
                    delete(tx, "DELETE FROM streams WHERE name = $1", name.as_str()).await?;
                    delete(tx, "DELETE FROM revisions WHERE stream = $1", name.as_str()).await?;
                }
            }
        }
        for revision in &changes.revisions {
            add_revision(tx, revision).await?;
        }
        for id in &changes.shards {
            put_shard(tx, id, view.shards.get(id)).await?;
        }
        for event in &changes.events {
            add_event(tx, event).await?;
        }
        Ok(transaction.commit().await?)
    }
}

type Tx<'a> = Transaction<'a, Any>;

/// Takes the counter from `before` to `after` in one step that only one coordinator can win.
async fn grant(tx: &mut Tx<'_>, term: Term, before: Epoch, after: Epoch) -> Result<(), Error> {
    let done = sqlx::query(
        "UPDATE cluster SET epoch = $1, beat = beat + 1 WHERE id = 1 AND term = $2 AND epoch = $3",
    )
    .persistent(false)
    .bind(after.get() as i64)
    .bind(term.get() as i64)
    .bind(before.get() as i64)
    .execute(&mut **tx)
    .await?;
    match done.rows_affected() {
        1 => Ok(()),
        _ => Err(Error::Deposed),
    }
}

async fn delete(tx: &mut Tx<'_>, statement: &'static str, key: &str) -> Result<(), Error> {
    sqlx::query(statement)
        .persistent(false)
        .bind(key)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

async fn put_worker(tx: &mut Tx<'_>, worker: &Worker) -> Result<(), Error> {
    let drain = worker.drain.as_ref();
    let drain = drain.map(|drain| to_json("a drain", drain)).transpose()?;
    sqlx::query(
        "INSERT INTO workers (id, incarnation, address, labels, max_streams, weight, limits, version, presence, reason, since, drain, started, assigned) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) \
         ON CONFLICT (id) DO UPDATE SET incarnation = excluded.incarnation, address = excluded.address, labels = excluded.labels, \
         max_streams = excluded.max_streams, weight = excluded.weight, limits = excluded.limits, version = excluded.version, \
         presence = excluded.presence, reason = excluded.reason, since = excluded.since, drain = excluded.drain, \
         started = excluded.started, assigned = excluded.assigned",
    )
    .persistent(false)
    .bind(worker.id.as_str())
    .bind(worker.incarnation.to_string())
    .bind(&worker.address)
    .bind(to_json("labels", &worker.labels)?)
    .bind(worker.max_streams.map(i64::from))
    .bind(i64::from(worker.weight))
    .bind(to_json("limits", &worker.limits)?)
    .bind(&worker.version)
    .bind(worker.presence.as_str())
    .bind(&worker.reason)
    .bind(worker.since.0 as i64)
    .bind(drain)
    .bind(worker.started.0 as i64)
    .bind(worker.assigned as i64)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

async fn put_stream(tx: &mut Tx<'_>, stream: &Stream) -> Result<(), Error> {
    sqlx::query(
        "INSERT INTO streams (name, desired, revision, shards, requires, prefers, stateless, on_partition, shards_min, shards_max) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) \
         ON CONFLICT (name) DO UPDATE SET desired = excluded.desired, revision = excluded.revision, shards = excluded.shards, \
         requires = excluded.requires, prefers = excluded.prefers, stateless = excluded.stateless, on_partition = excluded.on_partition, \
         shards_min = excluded.shards_min, shards_max = excluded.shards_max",
    )
    .persistent(false)
    .bind(stream.name.as_str())
    .bind(stream.desired.as_str())
    .bind(stream.revision.get() as i64)
    .bind(i64::from(stream.shards))
    .bind(to_json("labels", &stream.requires)?)
    .bind(to_json("labels", &stream.prefers)?)
    .bind(i64::from(stream.stateless))
    .bind(stream.on_partition.as_str())
    .bind(stream.range.map(|range| i64::from(range.min)))
    .bind(stream.range.map(|range| i64::from(range.max)))
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Adds a revision. Of one that there is, only what may change without a new one is written.
async fn add_revision(tx: &mut Tx<'_>, revision: &RevisionRow) -> Result<(), Error> {
    sqlx::query(
        "INSERT INTO revisions (stream, revision, config, shards, requires, prefers, stateless, on_partition, created, cause, shards_max) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) \
         ON CONFLICT (stream, revision) DO UPDATE SET shards = excluded.shards, shards_max = excluded.shards_max, prefers = excluded.prefers",
    )
    .persistent(false)
    .bind(revision.stream.as_str())
    .bind(revision.revision.get() as i64)
    .bind(&revision.config)
    .bind(i64::from(revision.shards.min()))
    .bind(to_json("labels", &revision.requires)?)
    .bind(to_json("labels", &revision.prefers)?)
    .bind(i64::from(revision.stateless))
    .bind(revision.on_partition.as_str())
    .bind(revision.created.0 as i64)
    .bind(&revision.cause)
    .bind(revision.shards.range().map(|range| i64::from(range.max)))
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Writes a shard with its assignments, or removes both.
async fn put_shard(tx: &mut Tx<'_>, id: &ShardId, shard: Option<&Shard>) -> Result<(), Error> {
    sqlx::query("DELETE FROM assignments WHERE stream = $1 AND shard = $2")
        .persistent(false)
        .bind(id.stream.as_str())
        .bind(i64::from(id.shard.get()))
        .execute(&mut **tx)
        .await?;
    let Some(shard) = shard else {
        sqlx::query("DELETE FROM shards WHERE stream = $1 AND shard = $2")
            .persistent(false)
            .bind(id.stream.as_str())
            .bind(i64::from(id.shard.get()))
            .execute(&mut **tx)
            .await?;
        return Ok(());
    };
    sqlx::query(
        "INSERT INTO shards (stream, shard, standing, attempts, deaths, reason, since) \
         VALUES ($1, $2, $3, $4, $5, $6, $7) \
         ON CONFLICT (stream, shard) DO UPDATE SET standing = excluded.standing, attempts = excluded.attempts, \
         deaths = excluded.deaths, reason = excluded.reason, since = excluded.since",
    )
    .persistent(false)
    .bind(id.stream.as_str())
    .bind(i64::from(id.shard.get()))
    .bind(to_json("a standing", &shard.standing)?)
    .bind(i64::from(shard.attempts))
    .bind(to_json("deaths", &shard.deaths)?)
    .bind(&shard.reason)
    .bind(shard.since.0 as i64)
    .execute(&mut **tx)
    .await?;
    for assignment in &shard.assignments {
        add_assignment(tx, id, assignment).await?;
    }
    Ok(())
}

async fn add_assignment(
    tx: &mut Tx<'_>,
    id: &ShardId,
    assignment: &Assignment,
) -> Result<(), Error> {
    sqlx::query(
        "INSERT INTO assignments (epoch, stream, shard, worker, incarnation, revision, state, reason, since, running_since, drain_until, failure) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
    )
    .persistent(false)
    .bind(assignment.epoch.get() as i64)
    .bind(id.stream.as_str())
    .bind(i64::from(id.shard.get()))
    .bind(assignment.worker.as_str())
    .bind(assignment.incarnation.to_string())
    .bind(assignment.revision.get() as i64)
    .bind(assignment.state.as_str())
    .bind(&assignment.reason)
    .bind(assignment.since.0 as i64)
    .bind(assignment.running_since.map(|time| time.0 as i64))
    .bind(assignment.drain_until.map(|time| time.0 as i64))
    .bind(assignment.failure.map(|failure| failure.as_str()))
    .execute(&mut **tx)
    .await?;
    Ok(())
}

async fn add_event(tx: &mut Tx<'_>, event: &EventRow) -> Result<(), Error> {
    sqlx::query(
        "INSERT INTO events (at, kind, stream, shard, worker, epoch, cause) \
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
    )
    .persistent(false)
    .bind(event.at.0 as i64)
    .bind(&event.kind)
    .bind(event.stream.as_ref().map(StreamName::as_str))
    .bind(event.shard.map(|shard| i64::from(shard.get())))
    .bind(event.worker.as_ref().map(WorkerId::as_str))
    .bind(event.epoch.map(|epoch| epoch.get() as i64))
    .bind(&event.cause)
    .execute(&mut **tx)
    .await?;
    Ok(())
}
