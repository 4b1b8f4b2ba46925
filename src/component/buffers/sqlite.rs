//! `sqlite`: a queue in a file, which outlives the process.

use super::meter::Meter;
use super::queue::Queue;
use super::records;
use crate::component::{
    BatchError, BuildBuffer, Chain, Context, ProcessorConfig, Run, Source, Transaction,
};
use crate::message::Batch;
use crate::sqlite::is_settled;
use anyhow::Context as _;
use async_trait::async_trait;
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use std::{sync::Arc, time::Duration};
use tokio::{sync::Notify, task::JoinHandle};

crate::fields! {
    /// Where messages are kept.
    pub struct Config {
        /// The file; it is made if it isn't there.
        path: String,
        /// Processors for batches before they are kept.
        pre_processors: Option<Vec<ProcessorConfig>>,
        /// Processors for batches when they leave.
        post_processors: Option<Vec<ProcessorConfig>>,
    }
}

crate::spec! {
    /// Keeps messages in an SQLite file until they are delivered, and answers them to the input once they are there. What is
    /// in it when the process ends is delivered when the stream starts again.
    dyn BuildBuffer, "sqlite", Config
}

/// How many batches are read ahead of those that are delivered.
const AHEAD: usize = 1024;

/// How many rows are read at a time.
const READ: i64 = 256;

impl BuildBuffer for Config {
    fn build(&self, cx: &Context, input: Box<dyn Source>) -> anyhow::Result<Box<dyn Source>> {
        let processors = |configs: &Option<Vec<ProcessorConfig>>| {
            cx.wiring
                .clone()
                .processors(configs.as_deref().unwrap_or_default())
        };
        Ok(Box::new(Sqlite {
            path: self.path.clone(),
            pre: processors(&self.pre_processors)?,
            post: processors(&self.post_processors)?,
            queue: Queue::new(cx.wiring.hurry(), Meter::latency(cx), true),
            meter: Arc::new(Meter::new(cx)),
            state: State::New(input),
            cx: cx.clone(),
        }))
    }
}

struct Sqlite {
    path: String,
    pre: Chain,
    post: Chain,
    queue: Arc<Queue>,
    meter: Arc<Meter>,
    state: State,
    cx: Context,
}

enum State {
    New(Box<dyn Source>),
    Running(JoinHandle<()>),
    Over,
}

#[async_trait]
impl Source for Sqlite {
    async fn next(&mut self) -> Option<Run> {
        if let State::New(_) = &self.state {
            let State::New(input) = std::mem::replace(&mut self.state, State::Over) else {
                unreachable!("it was just matched");
            };
            let work = Work {
                path: self.path.clone(),
                pre: self.pre.clone(),
                post: self.post.clone(),
                queue: self.queue.clone(),
                meter: self.meter.clone(),
                name: self.cx.name.path.to_string(),
            };
            let stop = self.cx.wiring.hard_stop();
            self.state = State::Running(tokio::spawn(async move {
                let queue = work.queue.clone();
                tokio::select! {
                    () = work.run(input) => {}
                    () = stop.cancelled() => {}
                }
                queue.end();
            }));
        }
        let run = self.queue.next().await;
        if let Some(run) = &run {
            self.meter.send(run);
        } else if let State::Running(task) = &mut self.state {
            // What was delivered last is still to be taken out of the file.
            let _ = task.await;
            self.state = State::Over;
        }
        run
    }

    async fn close(&mut self) {
        match std::mem::replace(&mut self.state, State::Over) {
            State::New(mut input) => input.close().await,
            State::Running(task) => {
                task.abort();
                // Aborted or done: either way it lets go of the input and the file.
                let _ = task.await;
            }
            State::Over => {}
        }
        self.pre.close().await;
        self.post.close().await;
    }
}

/// Moves messages from the input into the file, and from the file into the queue.
struct Work {
    path: String,
    pre: Chain,
    post: Chain,
    queue: Arc<Queue>,
    meter: Arc<Meter>,
    name: String,
}

impl Work {
    async fn run(self, input: Box<dyn Source>) {
        let pool = loop {
            match open(&self.path).await {
                Ok(pool) => break pool,
                Err(error) => {
                    tracing::error!(path = %self.name, error = %format!("{error:#}"), "a buffer's file can't be opened");
                    tokio::time::sleep(Duration::from_secs(1)).await;
                }
            }
        };
        let added = Notify::new();
        let ended = std::sync::atomic::AtomicBool::new(false);
        let fill = async {
            self.fill(input, &pool, &added).await;
            ended.store(true, std::sync::atomic::Ordering::Release);
            added.notify_one();
        };
        let is_ended = || ended.load(std::sync::atomic::Ordering::Acquire);
        tokio::join!(fill, self.drain(&pool, &added, is_ended));
        pool.close().await;
    }

    /// Keeps what the input gives, and answers it.
    async fn fill(&self, mut input: Box<dyn Source>, pool: &SqlitePool, added: &Notify) {
        while let Some(run) = input.next().await {
            let mut rows = Vec::with_capacity(run.len());
            let mut acks = Vec::with_capacity(run.len());
            for Transaction { batch, ack } in run {
                self.meter.receive(batch.len());
                let batches = match self.pre.is_empty() {
                    true => vec![batch],
                    false => self.pre.run(batch).await,
                };
                rows.extend(batches.iter().map(|batch| records::write(batch)));
                acks.push(ack);
            }
            let answer = insert(pool, &rows).await.map_err(|error| {
                tracing::error!(path = %self.name, error = %format!("{error:#}"), "a buffer can't keep messages");
                BatchError::whole(format!("the buffer can't keep the message: {error:#}"))
            });
            for ack in acks {
                ack.answer(answer.clone());
            }
            added.notify_one();
        }
        input.close().await;
    }

    /// Hands on what is kept, in order, and takes out what was delivered.
    async fn drain(&self, pool: &SqlitePool, added: &Notify, is_ended: impl Fn() -> bool) {
        let mut last = 0;
        loop {
            if let Err(error) = self.take_out(pool).await {
                tracing::error!(path = %self.name, error = %format!("{error:#}"), "a buffer can't take out what was delivered");
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
            // Asked before the file is read: what was added before the end is found then.
            let was_ended = is_ended();
            let read = match self.queue.len() < AHEAD {
                true => self.read(pool, &mut last).await,
                false => Ok(0),
            };
            match read {
                Ok(0) if was_ended && self.queue.len() == 0 => {
                    if self.take_out(pool).await.is_ok() {
                        return;
                    }
                }
                Ok(0) => {
                    let delivered = self.queue.wait_for_delivery();
                    tokio::select! {
                        () = added.notified() => {}
                        () = delivered => {}
                        () = tokio::time::sleep(Duration::from_secs(1)) => {}
                    }
                }
                Ok(_) => {}
                Err(error) => {
                    tracing::error!(path = %self.name, error = %format!("{error:#}"), "a buffer can't be read");
                    tokio::time::sleep(Duration::from_secs(1)).await;
                }
            }
        }
    }

    async fn read(&self, pool: &SqlitePool, last: &mut i64) -> anyhow::Result<usize> {
        let query = "SELECT id, content FROM messages WHERE id > $1 ORDER BY id LIMIT $2";
        let rows: Vec<(i64, Vec<u8>)> = sqlx::query_as(query)
            .bind(*last)
            .bind(READ)
            .fetch_all(pool)
            .await?;
        for (id, content) in &rows {
            *last = *id;
            let batch =
                records::read(content).with_context(|| format!("the row {id} is damaged"))?;
            let batches: Vec<Batch> = match self.post.is_empty() {
                true => vec![batch],
                false => self.post.run(batch).await,
            };
            // Several batches are one here, so that the row is taken out when all of them are delivered.
            let batch: Batch = batches.into_iter().flatten().collect();
            if batch.is_empty() {
                delete(pool, &[*id as u64]).await?;
            } else {
                self.queue.push(batch, *id as u64, 0);
            }
        }
        self.meter.active.set(self.queue.len() as i64);
        Ok(rows.len())
    }

    async fn take_out(&self, pool: &SqlitePool) -> anyhow::Result<()> {
        let delivered = self.queue.take_delivered();
        if delivered.is_empty() {
            return Ok(());
        }
        let deleted = delete(pool, &delivered).await;
        if deleted.is_err() {
            // Forgotten they would be delivered again at the next start.
            self.queue.put_back_delivered(delivered);
        }
        deleted
    }
}

async fn open(path: &str) -> anyhow::Result<SqlitePool> {
    let options = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(Duration::from_secs(5));
    let pool = SqlitePoolOptions::new()
        .max_connections(2)
        .after_release(|connection, _| Box::pin(is_settled(connection)))
        .connect_with(options)
        .await
        .with_context(|| format!("open {path}"))?;
    let table = "CREATE TABLE IF NOT EXISTS messages (id INTEGER PRIMARY KEY AUTOINCREMENT, content BLOB NOT NULL)";
    sqlx::query(table).execute(&pool).await?;
    Ok(pool)
}

async fn insert(pool: &SqlitePool, rows: &[Vec<u8>]) -> anyhow::Result<()> {
    let mut transaction = pool.begin().await?;
    for row in rows {
        sqlx::query("INSERT INTO messages (content) VALUES ($1)")
            .bind(row.as_slice())
            .execute(&mut *transaction)
            .await?;
    }
    Ok(transaction.commit().await?)
}

async fn delete(pool: &SqlitePool, ids: &[u64]) -> anyhow::Result<()> {
    let mut transaction = pool.begin().await?;
    for id in ids {
        sqlx::query("DELETE FROM messages WHERE id = $1")
            .bind(*id as i64)
            .execute(&mut *transaction)
            .await?;
    }
    Ok(transaction.commit().await?)
}
