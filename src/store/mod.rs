//! The only SQL: SQLite embedded, PostgreSQL by URI.
//!
//! What is kept is the durable part of [`View`](crate::cluster::View), the revisions of streams, the log of events, secrets and
//! shared resources. One text of SQL serves both databases. Every write goes through the row of the leader, so a coordinator
//! that was deposed is refused, and what a write is to say is read off the view as it is to become: the model and the
//! database can't drift apart.
//!
//! Deliberately absent: heartbeats and leases (in memory), retries (the loop plans anew), session-level locks (a pooler between
//! here and PostgreSQL would break them).

mod leadership;
mod library;
mod load;
mod migrate;
mod open;
mod row;
mod write;

pub use leadership::{Leadership, Me};
pub use library::{EventQuery, ResourceRow, SecretRow};
pub use open::{Database, Store};
pub use row::{EventRow, RevisionRow};
pub use write::Changes;

/// Why the store doesn't do what it is asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Another coordinator leads by now, or another one granted the epoch.
    #[error("another coordinator leads")]
    Deposed,
    #[error("{0} is in use by another coordinator: stop that one, or use PostgreSQL for several")]
    InUse(std::path::PathBuf),
    #[error(
        "the database was made by a later version of airtruct (migration {0}): use that version"
    )]
    Newer(i64),
    #[error("{what} in the database can't be read: {why}")]
    Corrupt { what: &'static str, why: String },
    #[error("{0}")]
    File(#[from] std::io::Error),
    #[error(
        "{0}: for PgBouncer, set ignore_startup_parameters = extra_float_digits in pgbouncer.ini"
    )]
    Pooler(sqlx::Error),
    #[error("{0}")]
    Database(#[from] sqlx::Error),
}
