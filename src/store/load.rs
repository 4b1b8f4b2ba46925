//! Reads the view as it was stored: what is only known in memory is missing from it.

use super::{
    Error, Store,
    row::{AssignmentRow, ShardRow, StreamRow, WorkerRow},
};
use crate::{
    cluster::View,
    ids::{Epoch, Term},
};

impl Store {
    /// The view, for the leader of the term. Nothing of an older term can still come after it: each write holds the row of the leader
    /// until it ends, and so did the one that began this term.
    pub async fn load(&self, term: Term) -> Result<View, Error> {
        let mut transaction = self.pool.begin().await?;
        let (led, epoch, frozen): (i64, i64, Option<String>) =
            sqlx::query_as("SELECT term, epoch, frozen FROM cluster WHERE id = 1")
                .persistent(false)
                .fetch_one(&mut *transaction)
                .await?;
        if led as u64 != term.get() {
            return Err(Error::Deposed);
        }
        let mut view = View {
            term,
            epoch: Epoch(epoch as u64),
            frozen,
            ..View::default()
        };
        let workers: Vec<WorkerRow> = sqlx::query_as("SELECT * FROM workers")
            .persistent(false)
            .fetch_all(&mut *transaction)
            .await?;
        view.workers = workers
            .into_iter()
            .map(|WorkerRow(w)| (w.id.clone(), w))
            .collect();
        let streams: Vec<StreamRow> = sqlx::query_as("SELECT * FROM streams")
            .persistent(false)
            .fetch_all(&mut *transaction)
            .await?;
        view.streams = streams
            .into_iter()
            .map(|StreamRow(s)| (s.name.clone(), s))
            .collect();
        let shards: Vec<ShardRow> = sqlx::query_as("SELECT * FROM shards")
            .persistent(false)
            .fetch_all(&mut *transaction)
            .await?;
        view.shards = shards
            .into_iter()
            .map(|ShardRow(id, shard)| (id, shard))
            .collect();
        let assignments: Vec<AssignmentRow> =
            sqlx::query_as("SELECT * FROM assignments ORDER BY epoch")
                .persistent(false)
                .fetch_all(&mut *transaction)
                .await?;
        for AssignmentRow(id, assignment) in assignments {
            if let Some(worker) = view.workers.get_mut(&assignment.worker)
                && worker.incarnation == assignment.incarnation
            {
                worker.last_assigned = assignment.epoch;
            }
            view.shards
                .entry(id)
                .or_default()
                .assignments
                .push(assignment);
        }
        transaction.commit().await?;
        Ok(view)
    }
}
