//! Who leads: one row with a term, taken and kept by compare-and-set.
//!
//! A follower judges by its own clock: a row whose beat stood still for a leader's whole lease is free to take. The leader counts that
//! lease from before it sent the write that raised the beat, so it ceases to act before anybody can take its place. No
//! clock of two machines is ever compared.

use sqlx::{FromRow, Row, any::AnyRow};

use super::{Error, Store};
use crate::ids::Term;

/// The row as it was read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Leadership {
    pub term: Term,
    pub beat: i64,
    /// None if the last leader resigned, or there never was one.
    pub leader: Option<String>,
    /// Where workers reach it.
    pub address: Option<String>,
    /// Where its REST API is.
    pub http: Option<String>,
}

/// A coordinator that would lead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Me {
    /// Unique for each start of a process.
    pub id: String,
    pub address: String,
    pub http: Option<String>,
}

impl FromRow<'_, AnyRow> for Leadership {
    fn from_row(row: &AnyRow) -> sqlx::Result<Self> {
        Ok(Self {
            term: Term(row.try_get::<i64, _>("term")? as u64),
            beat: row.try_get("beat")?,
            leader: row.try_get("leader")?,
            address: row.try_get("address")?,
            http: row.try_get("http")?,
        })
    }
}

impl Store {
    pub async fn leadership(&self) -> Result<Leadership, Error> {
        let mut transaction = self.pool.begin().await?;
        let row =
            sqlx::query_as("SELECT term, beat, leader, address, http FROM cluster WHERE id = 1")
                .persistent(false)
                .fetch_one(&mut *transaction)
                .await?;
        transaction.commit().await?;
        Ok(row)
    }

    /// Begins the term after the one that was seen, unless anything has happened in that since. Returns the new term if it did.
    pub async fn lead(&self, seen: &Leadership, me: &Me) -> Result<Option<Term>, Error> {
        let term = seen.term.next();
        let mut transaction = self.pool.begin().await?;
        let done = sqlx::query(
            "UPDATE cluster SET term = $1, beat = beat + 1, leader = $2, address = $3, http = $4 \
             WHERE id = 1 AND term = $5 AND beat = $6",
        )
        .persistent(false)
        .bind(term.get() as i64)
        .bind(&me.id)
        .bind(&me.address)
        .bind(me.http.as_deref())
        .bind(seen.term.get() as i64)
        .bind(seen.beat)
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        Ok((done.rows_affected() == 1).then_some(term))
    }

    /// Shows that the leader of the term is alive. [`Error::Deposed`] if it leads no more.
    pub async fn renew(&self, term: Term) -> Result<(), Error> {
        let mut transaction = self.pool.begin().await?;
        beat(&mut transaction, term).await?;
        Ok(transaction.commit().await?)
    }

    /// Ends the term, so that another coordinator may lead at once. To be called when it no longer answers anybody.
    pub async fn resign(&self, term: Term) -> Result<(), Error> {
        let mut transaction = self.pool.begin().await?;
        sqlx::query("UPDATE cluster SET beat = beat + 1, leader = NULL WHERE id = 1 AND term = $1")
            .persistent(false)
            .bind(term.get() as i64)
            .execute(&mut *transaction)
            .await?;
        Ok(transaction.commit().await?)
    }
}

/// Raises the beat within a write of the leader; refuses it if the term is over. The row stays locked until the write ends, so no
/// other term can begin in between.
pub(super) async fn beat(
    transaction: &mut sqlx::Transaction<'_, sqlx::Any>,
    term: Term,
) -> Result<(), Error> {
    let done = sqlx::query("UPDATE cluster SET beat = beat + 1 WHERE id = 1 AND term = $1")
        .persistent(false)
        .bind(term.get() as i64)
        .execute(&mut **transaction)
        .await?;
    match done.rows_affected() {
        1 => Ok(()),
        _ => Err(Error::Deposed),
    }
}
