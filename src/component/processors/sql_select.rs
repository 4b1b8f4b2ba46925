//! `sql_select`: looks rows up for each message.

use super::flow::fail;
use super::sql_raw::arguments;
use crate::bloblang::Mapping;
use crate::component::clients::sql::{Database, SqlConfig};
use crate::component::{BuildProcessor, Context, ProcessAsync, Processor};
use crate::message::Batch;
use crate::value::{Array, Value};
use async_trait::async_trait;

crate::fields! {
    /// What is looked up where.
    pub struct Config {
        ..sql: SqlConfig,
        /// The table.
        table: String,
        /// The columns; `*` for all.
        columns: Vec<String>,
        /// The condition of the `WHERE`, such as `id = ?` (in PostgreSQL `id = $1`).
        r#where: Option<String>,
        /// A mapping to an array of the condition's arguments.
        args_mapping: Option<Mapping>,
        /// Text before the statement.
        prefix: String = "''" [advanced],
        /// Text after the statement, such as `ORDER BY id`.
        suffix: String = "''" [advanced],
    }
}

crate::spec! {
    /// Selects rows of a table for each message, and replaces it by the rows as an array of objects. Put it into a `branch` to
    /// add what is found to the message.
    dyn BuildProcessor, "sql_select", Config
}

impl BuildProcessor for Config {
    fn build(&self, _: &Context) -> anyhow::Result<Processor> {
        let mut query = format!(
            "{} SELECT {} FROM {}",
            self.prefix,
            self.columns.join(", "),
            self.table
        );
        if let Some(condition) = self.r#where.as_ref().filter(|c| !c.is_empty()) {
            query.push_str(&format!(" WHERE {condition}"));
        }
        query.push_str(&format!(" {}", self.suffix));
        Ok(Processor::Async(Box::new(Select {
            database: Database::new(&self.sql),
            query: query.trim().to_owned(),
            args: self.args_mapping.clone(),
        })))
    }
}

struct Select {
    database: Database,
    query: String,
    args: Option<Mapping>,
}

#[async_trait]
impl ProcessAsync for Select {
    async fn process(&self, mut batch: Batch) -> Vec<Batch> {
        let args = (0..batch.len()).map(|i| arguments(self.args.as_ref(), &batch, i));
        let args: Vec<_> = args.collect();
        for (message, args) in batch.iter_mut().zip(args) {
            let rows = match args {
                Ok(args) => self.database.rows(&self.query, &args).await,
                Err(error) => Err(error),
            };
            match rows {
                Ok(rows) => message.set_value(Value::Array(Array::from(rows))),
                Err(error) => fail(message, format_args!("{error:#}")),
            }
        }
        vec![batch]
    }

    async fn close(&self) {
        self.database.close().await;
    }
}
