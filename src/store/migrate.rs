//! Brings a database to the newest form. Each step is one transaction; steps are only ever added.

use sqlx::{AnyPool, Executor, raw_sql};

use super::Error;

/// Number, name and text of each step.
type Step = (i64, &'static str, &'static str);

pub(super) const SQLITE: &[Step] = &[
    (
        1,
        "cluster",
        include_str!("../../migrations/sqlite/0001_cluster.sql"),
    ),
    (
        2,
        "shard range",
        include_str!("../../migrations/sqlite/0002_shard_range.sql"),
    ),
];

pub(super) const POSTGRES: &[Step] = &[
    (
        1,
        "cluster",
        include_str!("../../migrations/postgres/0001_cluster.sql"),
    ),
    (
        2,
        "shard range",
        include_str!("../../migrations/postgres/0002_shard_range.sql"),
    ),
];

/// Coordinators that start at once migrate one after another. Held until the transaction ends, whatever pools connections.
pub(super) const POSTGRES_LOCK: &str = "SELECT pg_advisory_xact_lock(5472387)";

pub(super) async fn run(
    pool: &AnyPool,
    steps: &[Step],
    lock: Option<&'static str>,
) -> Result<(), Error> {
    let mut transaction = pool.begin().await?;
    if let Some(lock) = lock {
        transaction.execute(raw_sql(lock)).await?;
    }
    transaction
        .execute(raw_sql(
            "CREATE TABLE IF NOT EXISTS migrations (version BIGINT PRIMARY KEY, name TEXT NOT NULL)",
        ))
        .await?;
    let (done,): (i64,) = sqlx::query_as("SELECT COALESCE(MAX(version), 0) FROM migrations")
        .persistent(false)
        .fetch_one(&mut *transaction)
        .await?;
    if let Some((newest, ..)) = steps.last()
        && done > *newest
    {
        return Err(Error::Newer(done));
    }
    for (version, name, text) in steps.iter().filter(|(version, ..)| *version > done) {
        transaction.execute(raw_sql(*text)).await?;
        sqlx::query("INSERT INTO migrations (version, name) VALUES ($1, $2)")
            .persistent(false)
            .bind(version)
            .bind(*name)
            .execute(&mut *transaction)
            .await?;
    }
    Ok(transaction.commit().await?)
}
