//! `sql_insert`: inserts a row for each message.

use super::flow::fail;
use super::sql_raw::arguments;
use crate::bloblang::Mapping;
use crate::component::clients::sql::{Database, SqlConfig};
use crate::component::{BuildProcessor, Context, ProcessAsync, Processor};
use crate::message::Batch;
use async_trait::async_trait;

crate::fields! {
    /// What is inserted where.
    pub struct Config {
        ..sql: SqlConfig,
        /// The table.
        table: String,
        /// The columns.
        columns: Vec<String>,
        /// A mapping to an array with a value for each column.
        args_mapping: Option<Mapping>,
        /// Text before the statement.
        prefix: String = "''" [advanced],
        /// Text after the statement, such as `ON CONFLICT (id) DO NOTHING`.
        suffix: String = "''" [advanced],
    }
}

crate::spec! {
    /// Inserts a row for each message, and lets the messages pass as they are. A batch is inserted as a whole or not at all.
    dyn BuildProcessor, "sql_insert", Config
}

impl BuildProcessor for Config {
    fn build(&self, _: &Context) -> anyhow::Result<Processor> {
        anyhow::ensure!(
            !self.columns.is_empty(),
            "columns needs at least one column"
        );
        let database = Database::new(&self.sql);
        let place = |i: usize| {
            if database.numbered() {
                format!("${i}")
            } else {
                "?".to_owned()
            }
        };
        let places: Vec<String> = (1..=self.columns.len()).map(place).collect();
        let statement = format!(
            "{} INSERT INTO {} ({}) VALUES ({}) {}",
            self.prefix,
            self.table,
            self.columns.join(", "),
            places.join(", "),
            self.suffix
        );
        Ok(Processor::Async(Box::new(Insert {
            database,
            statement: statement.trim().to_owned(),
            columns: self.columns.len(),
            args: self.args_mapping.clone(),
        })))
    }
}

struct Insert {
    database: Database,
    statement: String,
    columns: usize,
    args: Option<Mapping>,
}

#[async_trait]
impl ProcessAsync for Insert {
    async fn process(&self, mut batch: Batch) -> Vec<Batch> {
        let rows: Vec<_> = (0..batch.len()).map(|i| self.row(&batch, i)).collect();
        let mut good = Vec::with_capacity(rows.len());
        let mut inserted = Vec::with_capacity(rows.len());
        for (message, row) in batch.iter_mut().zip(rows) {
            match row {
                Ok(row) => {
                    good.push(row);
                    inserted.push(message);
                }
                Err(error) => fail(message, format_args!("{error:#}")),
            }
        }
        if !good.is_empty()
            && let Err(error) = self.database.execute(&self.statement, &good).await
        {
            for message in inserted {
                fail(message, format_args!("{error:#}"));
            }
        }
        vec![batch]
    }

    async fn close(&self) {
        self.database.close().await;
    }
}

impl Insert {
    fn row(
        &self,
        batch: &[crate::message::Message],
        index: usize,
    ) -> anyhow::Result<Vec<crate::value::Value>> {
        let row = arguments(self.args.as_ref(), batch, index)?;
        anyhow::ensure!(
            row.len() == self.columns,
            "args_mapping gives {} values for {} columns",
            row.len(),
            self.columns
        );
        Ok(row)
    }
}
