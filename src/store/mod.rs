//! The only SQL: SQLite embedded, PostgreSQL by URI.

use std::path::PathBuf;

/// Where the state is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Database {
    /// A file, made if it isn't there. One coordinator at a time.
    Sqlite(PathBuf),
    /// `postgres://user:password@host:port/database`. Any number of coordinators, of which one leads.
    Postgres(String),
}
