//! `generate`: messages made by a mapping.

use super::schedule::Schedule;
use crate::bloblang::{Mapped, Mapping};
use crate::component::{Ack, BuildInput, Context, Input, ReadError, Reader, Run, Transaction};
use crate::message::{Batch, Message};
use anyhow::{anyhow, ensure};
use async_trait::async_trait;
use std::time::Duration;
use tokio::time::Instant;

crate::fields! {
    /// What is made, and when.
    pub struct Config {
        /// Makes a message. One that is deleted is left out.
        mapping: Mapping,
        /// How often: a duration, the first message being made at once; or a cron expression of five or six fields (with seconds), which may
        /// begin with `TZ=Europe/Paris `; or nothing, for as fast as they are taken.
        interval: String = "1s",
        /// How many messages to make before the input ends; 0 for no end.
        count: u64 = "0",
        /// How many messages to make at a time, as one batch.
        batch_size: usize = "1",
        /// Whether messages that weren't delivered are sent again.
        auto_replay_nacks: bool = "true",
    }
}

crate::spec! {
    /// Makes messages with a mapping, by a schedule.
    dyn BuildInput, "generate", Config
}

/// How many batches are made at once where nothing paces them.
const RUN: usize = 256;

impl BuildInput for Config {
    fn build(&self, _: &Context) -> anyhow::Result<Input> {
        ensure!(self.batch_size > 0, "batch_size must be at least 1");
        Ok(Input::Reader {
            reader: Box::new(Generate {
                mapping: self.mapping.clone(),
                schedule: Schedule::parse(&self.interval)?,
                left: (self.count > 0).then_some(self.count),
                batch_size: self.batch_size,
                seed: [Message::new("")],
                due: None,
                failures: 0,
            }),
            auto_replay: self.auto_replay_nacks,
        })
    }
}

struct Generate {
    mapping: Mapping,
    schedule: Schedule,
    /// How many messages are still to be made; none for no end.
    left: Option<u64>,
    batch_size: usize,
    /// What the mapping starts from.
    seed: [Message; 1],
    /// When the next batch is due, once that is known.
    due: Option<Instant>,
    /// How many failed since the last that didn't.
    failures: u32,
}

impl Generate {
    /// Makes one batch, perhaps an empty one.
    fn batch(&mut self) -> anyhow::Result<Batch> {
        let size = self.left.map_or(self.batch_size, |left| {
            self.batch_size
                .min(usize::try_from(left).unwrap_or(usize::MAX))
        });
        let mut batch = Batch::new();
        for _ in 0..size {
            match self.mapping.map(&self.seed, 0) {
                Ok(Mapped::Message(message)) => batch.push(message),
                Ok(Mapped::Deleted) => continue,
                Err(error) => {
                    // A failure counts as a message, so that an input with an end gets there.
                    self.left = self.left.map(|left| left - 1);
                    return Err(anyhow!("the mapping failed: {error}"));
                }
            }
            self.left = self.left.map(|left| left - 1);
        }
        Ok(batch)
    }
}

#[async_trait]
impl Reader for Generate {
    async fn connect(&mut self) -> anyhow::Result<()> {
        Ok(())
    }

    async fn read(&mut self) -> Result<Run, ReadError> {
        loop {
            if self.left == Some(0) {
                return Err(ReadError::End);
            }
            let run = match self.schedule {
                Schedule::None => RUN.div_ceil(self.batch_size),
                _ => 1,
            };
            if self.failures > 0 && run > 1 {
                // Nothing else would slow a mapping down that always fails.
                let wait = Duration::from_millis(1 << self.failures.min(10));
                tokio::time::sleep(wait).await;
            }
            let due = match self.due {
                Some(due) => Some(due),
                None => {
                    self.due = self.schedule.first();
                    self.due
                }
            };
            if let Some(due) = due {
                tokio::time::sleep_until(due).await;
                self.due = self.schedule.after(due);
            }
            let mut made = Run::with_capacity(run);
            while made.len() < run && self.left != Some(0) {
                match self.batch() {
                    Ok(batch) if batch.is_empty() => break,
                    Ok(batch) => {
                        self.failures = 0;
                        made.push(Transaction {
                            batch,
                            ack: Ack::none(),
                        });
                    }
                    Err(_) if !made.is_empty() => break,
                    Err(error) => {
                        self.failures += 1;
                        return Err(ReadError::Failed(error));
                    }
                }
            }
            if !made.is_empty() {
                return Ok(made);
            }
            // A mapping that deletes everything must not keep others from running.
            tokio::task::yield_now().await;
        }
    }
}
