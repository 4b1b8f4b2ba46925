//! `sequence`: inputs one after the other.

mod join;

use crate::component::{Ack, BuildInput, Context, Input, InputConfig, Run, Source, Transaction};
use crate::message::{Batch, Message};
use anyhow::ensure;
use async_trait::async_trait;
use join::Joiner;

crate::choice! {
    /// Which documents a join gives.
    pub enum JoinType {
        /// No join: messages pass as they are.
        None = "none",
        /// A document for each id of any input.
        FullOuter = "full-outer",
        /// A document for each message of the last input, with what the others have for its id.
        Outer = "outer",
        FullOutter = "full-outter",
        Outter = "outter",
    }
}

crate::choice! {
    /// What becomes of a field that several documents of an id have.
    pub enum MergeStrategy {
        /// It becomes an array of all values.
        Array = "array",
        /// The last value counts.
        Replace = "replace",
        /// The first value counts.
        Keep = "keep",
    }
}

crate::fields! {
    /// The inputs.
    pub struct Config {
        /// Joins the documents of all inputs by an id.
        sharded_join: JoinConfig = "{}" [advanced],
        /// The inputs, in this order.
        inputs: Vec<InputConfig>,
    }
}

crate::fields! {
    /// How documents are joined.
    pub struct JoinConfig {
        /// Which documents come out.
        r#type: JoinType = "none",
        /// The dotted path of the id in each document.
        id_path: String = "''",
        /// How often all inputs are read. Each time a share of the ids is joined, so that only that share has to fit into memory.
        iterations: u64 = "1",
        /// What becomes of a field that several documents of an id have.
        merge_strategy: MergeStrategy = "array",
    }
}

crate::spec! {
    /// Reads inputs one after the other, each once the one before it has ended and all its messages are delivered.
    ///
    /// With `sharded_join` the JSON documents of all inputs are joined by an id. Messages count as delivered to their input
    /// when they are joined, before the joined document is.
    dyn BuildInput, "sequence", Config
}

impl BuildInput for Config {
    fn build(&self, cx: &Context) -> anyhow::Result<Input> {
        ensure!(!self.inputs.is_empty(), "requires at least one child input");
        let join = &self.sharded_join;
        let joiner = match join.r#type {
            JoinType::None => None,
            kind => {
                ensure!(!join.id_path.is_empty(), "sharded_join needs an id_path");
                ensure!(
                    join.iterations > 0,
                    "sharded_join: iterations must be at least 1"
                );
                let only_last = matches!(kind, JoinType::Outer | JoinType::Outter);
                Some(Joiner::new(join, only_last))
            }
        };
        // The first is built now, so that what is wrong with it shows.
        Ok(Input::Source(Box::new(Sequence {
            current: Some(cx.input(&self.inputs[0])?),
            inputs: self.inputs.clone(),
            at: 0,
            cx: cx.clone(),
            joiner,
            joined: Vec::new(),
        })))
    }
}

struct Sequence {
    inputs: Vec<InputConfig>,
    cx: Context,
    /// Which input is read.
    at: usize,
    current: Option<Box<dyn Source>>,
    joiner: Option<Joiner>,
    /// Documents that are ready, the last first.
    joined: Vec<Message>,
}

impl Sequence {
    /// Takes up the next input; whether there is one.
    fn advance(&mut self) -> bool {
        self.at += 1;
        if self.at == self.inputs.len() {
            let Some(joiner) = &mut self.joiner else {
                return false;
            };
            self.joined = joiner.flush();
            if !joiner.next_iteration() {
                return false;
            }
            self.at = 0;
        }
        match self.cx.input(&self.inputs[self.at]) {
            Ok(input) => {
                self.current = Some(input);
                true
            }
            Err(error) => {
                tracing::error!(path = %self.cx.name.path, input = self.at, error = %format!("{error:#}"), "an input of a sequence can't be built");
                false
            }
        }
    }

    /// Joins the messages of a run; returns what goes on.
    fn join(&mut self, run: Run) -> Run {
        let is_last = self.at + 1 == self.inputs.len();
        let Some(joiner) = &mut self.joiner else {
            return run;
        };
        let mut out = Run::new();
        for Transaction { batch, ack } in run {
            let ready: Batch = batch
                .into_iter()
                .filter_map(|message| joiner.add(message, is_last))
                .collect();
            match ready.is_empty() {
                true => ack.answer(Ok(())),
                false => out.push(Transaction { batch: ready, ack }),
            }
        }
        out
    }

    /// Documents of a join that are ready.
    fn take_joined(&mut self) -> Option<Run> {
        let from = self.joined.len().saturating_sub(256);
        let ready = self.joined.split_off(from);
        let transaction = |message| Transaction {
            batch: Batch::from_buf([message]),
            ack: Ack::none(),
        };
        let run: Run = ready.into_iter().rev().map(transaction).collect();
        Some(run).filter(|run| !run.is_empty())
    }
}

#[async_trait]
impl Source for Sequence {
    async fn next(&mut self) -> Option<Run> {
        loop {
            if let Some(run) = self.take_joined() {
                return Some(run);
            }
            let Some(current) = &mut self.current else {
                return None;
            };
            match current.next().await {
                Some(run) => {
                    let run = self.join(run);
                    if !run.is_empty() {
                        return Some(run);
                    }
                }
                None => {
                    current.close().await;
                    self.current = None;
                    if self.cx.wiring.soft_stop().is_cancelled() {
                        return None;
                    }
                    self.advance();
                }
            }
        }
    }

    async fn close(&mut self) {
        if let Some(current) = &mut self.current {
            current.close().await;
        }
    }

    fn is_connected(&self) -> bool {
        self.current.as_ref().is_some_and(|c| c.is_connected())
    }
}
