//! `sql_raw`: runs a statement for each message.

use super::flow::fail;
use crate::bloblang::{Interpolated, Mapping};
use crate::component::clients::sql::{Database, SqlConfig};
use crate::component::{BuildProcessor, Context, ProcessAsync, Processor};
use crate::message::{Batch, Message};
use crate::value::{Array, Value};
use async_trait::async_trait;

crate::fields! {
    /// What is run where.
    pub struct Config {
        ..sql: SqlConfig,
        /// The statement. Arguments stand as `?` in SQLite and as `$1`, `$2` in PostgreSQL.
        query: Interpolated,
        /// Whether `${! }` queries in the statement are allowed. What they give becomes part of the statement: never let others decide it.
        unsafe_dynamic_query: bool = "false" [advanced],
        /// A mapping to an array of arguments.
        args_mapping: Option<Mapping>,
        /// Whether the statement gives no rows, so that messages stay as they are.
        exec_only: bool = "false",
    }
}

crate::spec! {
    /// Runs an SQL statement for each message, and replaces it by the rows as an array of objects.
    dyn BuildProcessor, "sql_raw", Config
}

impl BuildProcessor for Config {
    fn build(&self, _: &Context) -> anyhow::Result<Processor> {
        if !self.unsafe_dynamic_query {
            anyhow::ensure!(
                self.query.as_static().is_some(),
                "the query has interpolations, which must be allowed by unsafe_dynamic_query; args_mapping is the safe way"
            );
        }
        Ok(Processor::Async(Box::new(Raw {
            database: Database::new(&self.sql),
            config: self.clone(),
        })))
    }
}

struct Raw {
    database: Database,
    config: Config,
}

#[async_trait]
impl ProcessAsync for Raw {
    async fn process(&self, mut batch: Batch) -> Vec<Batch> {
        let mut results = Vec::with_capacity(batch.len());
        for i in 0..batch.len() {
            results.push(self.run(&batch, i).await);
        }
        for (message, result) in batch.iter_mut().zip(results) {
            match result {
                Ok(Some(rows)) => message.set_value(rows),
                Ok(None) => {}
                Err(error) => fail(message, format_args!("{error:#}")),
            }
        }
        vec![batch]
    }

    async fn close(&self) {
        self.database.close().await;
    }
}

impl Raw {
    async fn run(&self, batch: &[Message], index: usize) -> anyhow::Result<Option<Value>> {
        let query = self.config.query.text(batch, index)?;
        let args = arguments(self.config.args_mapping.as_ref(), batch, index)?;
        if self.config.exec_only {
            self.database.execute(&query, &[args]).await?;
            return Ok(None);
        }
        let rows = self.database.rows(&query, &args).await?;
        Ok(Some(Value::Array(Array::from(rows))))
    }
}

/// The arguments that a mapping makes of a message; none without a mapping.
pub(super) fn arguments(
    mapping: Option<&Mapping>,
    batch: &[Message],
    index: usize,
) -> anyhow::Result<Vec<Value>> {
    let Some(mapping) = mapping else {
        return Ok(Vec::new());
    };
    match mapping.value(batch, index)? {
        Some(Value::Array(args)) => Ok(args.iter().collect()),
        other => anyhow::bail!(
            "mapping returned non-array result: {}",
            other.as_ref().map_or("delete", Value::type_name)
        ),
    }
}
