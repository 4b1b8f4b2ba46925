//! What is kept beside the view: revisions, the log of events, secrets, shared resources; and how much of it.

use sqlx::{FromRow, Row, any::AnyRow};

use super::{Error, EventRow, RevisionRow, Store, leadership, row::number};
use crate::{
    cluster::Time,
    ids::{Revision, StreamName, Term, WorkerId},
};

/// Which events are asked for; newest first.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct EventQuery {
    pub stream: Option<StreamName>,
    pub worker: Option<WorkerId>,
    /// Only those before this one.
    pub before: Option<u64>,
    pub limit: u32,
}

/// A secret, encrypted.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretRow {
    pub name: String,
    pub value: Vec<u8>,
    pub created: Time,
    pub updated: Time,
}

/// A component that streams share.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResourceRow {
    pub kind: String,
    pub label: String,
    pub config: String,
}

impl FromRow<'_, AnyRow> for SecretRow {
    fn from_row(row: &AnyRow) -> sqlx::Result<Self> {
        Ok(Self {
            name: row.try_get("name")?,
            value: row.try_get("value")?,
            created: Time(number(row, "created")?),
            updated: Time(number(row, "updated")?),
        })
    }
}

impl FromRow<'_, AnyRow> for ResourceRow {
    fn from_row(row: &AnyRow) -> sqlx::Result<Self> {
        Ok(Self {
            kind: row.try_get("kind")?,
            label: row.try_get("label")?,
            config: row.try_get("config")?,
        })
    }
}

impl Store {
    pub async fn revision(
        &self,
        stream: &StreamName,
        revision: Revision,
    ) -> Result<Option<RevisionRow>, Error> {
        let mut transaction = self.pool.begin().await?;
        let found = sqlx::query_as("SELECT * FROM revisions WHERE stream = $1 AND revision = $2")
            .persistent(false)
            .bind(stream.as_str())
            .bind(revision.get() as i64)
            .fetch_optional(&mut *transaction)
            .await?;
        transaction.commit().await?;
        Ok(found)
    }

    /// The revisions of a stream, newest first.
    pub async fn revisions(&self, stream: &StreamName) -> Result<Vec<RevisionRow>, Error> {
        let mut transaction = self.pool.begin().await?;
        let found =
            sqlx::query_as("SELECT * FROM revisions WHERE stream = $1 ORDER BY revision DESC")
                .persistent(false)
                .bind(stream.as_str())
                .fetch_all(&mut *transaction)
                .await?;
        transaction.commit().await?;
        Ok(found)
    }

    pub async fn events(&self, query: &EventQuery) -> Result<Vec<EventRow>, Error> {
        let mut transaction = self.pool.begin().await?;
        let found = sqlx::query_as(
            "SELECT * FROM events WHERE sequence < $1 \
             AND ($2 = '' OR stream = $2) AND ($3 = '' OR worker = $3) \
             ORDER BY sequence DESC LIMIT $4",
        )
        .persistent(false)
        .bind(query.before.map_or(i64::MAX, |before| before as i64))
        .bind(query.stream.as_ref().map_or("", StreamName::as_str))
        .bind(query.worker.as_ref().map_or("", WorkerId::as_str))
        .bind(i64::from(query.limit))
        .fetch_all(&mut *transaction)
        .await?;
        transaction.commit().await?;
        Ok(found)
    }

    /// Drops the oldest events and revisions beyond so many.
    pub async fn retain(&self, term: Term, events: u64, revisions: u64) -> Result<(), Error> {
        let mut transaction = self.pool.begin().await?;
        leadership::beat(&mut transaction, term).await?;
        sqlx::query(
            "DELETE FROM events WHERE sequence <= (SELECT COALESCE(MAX(sequence), 0) FROM events) - $1",
        )
        .persistent(false)
        .bind(events as i64)
        .execute(&mut *transaction)
        .await?;
        sqlx::query(
            "DELETE FROM revisions WHERE revision <= \
             (SELECT s.revision FROM streams s WHERE s.name = revisions.stream) - $1",
        )
        .persistent(false)
        .bind(revisions as i64)
        .execute(&mut *transaction)
        .await?;
        Ok(transaction.commit().await?)
    }

    /// All secrets, by name, encrypted.
    pub async fn secrets(&self) -> Result<Vec<SecretRow>, Error> {
        let mut transaction = self.pool.begin().await?;
        let found = sqlx::query_as("SELECT * FROM secrets ORDER BY name")
            .persistent(false)
            .fetch_all(&mut *transaction)
            .await?;
        transaction.commit().await?;
        Ok(found)
    }

    pub async fn put_secret(
        &self,
        term: Term,
        name: &str,
        value: &[u8],
        now: Time,
    ) -> Result<(), Error> {
        let mut transaction = self.pool.begin().await?;
        leadership::beat(&mut transaction, term).await?;
        sqlx::query(
            "INSERT INTO secrets (name, value, created, updated) VALUES ($1, $2, $3, $3) \
             ON CONFLICT (name) DO UPDATE SET value = excluded.value, updated = excluded.updated",
        )
        .persistent(false)
        .bind(name)
        .bind(value)
        .bind(now.0 as i64)
        .execute(&mut *transaction)
        .await?;
        Ok(transaction.commit().await?)
    }

    /// Whether there was such a secret.
    pub async fn delete_secret(&self, term: Term, name: &str) -> Result<bool, Error> {
        let mut transaction = self.pool.begin().await?;
        leadership::beat(&mut transaction, term).await?;
        let done = sqlx::query("DELETE FROM secrets WHERE name = $1")
            .persistent(false)
            .bind(name)
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        Ok(done.rows_affected() == 1)
    }

    /// All resources, by kind and label.
    pub async fn resources(&self) -> Result<Vec<ResourceRow>, Error> {
        let mut transaction = self.pool.begin().await?;
        let found = sqlx::query_as("SELECT * FROM resources ORDER BY kind, label")
            .persistent(false)
            .fetch_all(&mut *transaction)
            .await?;
        transaction.commit().await?;
        Ok(found)
    }

    pub async fn put_resource(&self, term: Term, resource: &ResourceRow) -> Result<(), Error> {
        let mut transaction = self.pool.begin().await?;
        leadership::beat(&mut transaction, term).await?;
        sqlx::query(
            "INSERT INTO resources (kind, label, config) VALUES ($1, $2, $3) \
             ON CONFLICT (kind, label) DO UPDATE SET config = excluded.config",
        )
        .persistent(false)
        .bind(&resource.kind)
        .bind(&resource.label)
        .bind(&resource.config)
        .execute(&mut *transaction)
        .await?;
        Ok(transaction.commit().await?)
    }

    /// Whether there was such a resource.
    pub async fn delete_resource(
        &self,
        term: Term,
        kind: &str,
        label: &str,
    ) -> Result<bool, Error> {
        let mut transaction = self.pool.begin().await?;
        leadership::beat(&mut transaction, term).await?;
        let done = sqlx::query("DELETE FROM resources WHERE kind = $1 AND label = $2")
            .persistent(false)
            .bind(kind)
            .bind(label)
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        Ok(done.rows_affected() == 1)
    }
}
