//! What everybody must know who keeps something in SQLite.

use sqlx::Connection;

/// Whether a connection may be used again: no transaction is left open on it.
///
/// A full disk makes SQLite roll back by itself, and then refuse the driver's own rollback; the driver goes on counting that
/// transaction as open, and would take every later one for a part of it: reported as committed, and never durable.
pub async fn is_settled(connection: &mut impl Connection) -> sqlx::Result<bool> {
    // A rollback that still waits is carried out first.
    connection.ping().await?;
    Ok(!connection.is_in_transaction())
}
