//! `switch`: the output that suits a message.

use super::parts::{Parts, close};
use super::retrying::{Patience, Retrying};
use crate::bloblang::Mapping;
use crate::component::{Answer, BatchError, BuildOutput, Context, Output, OutputConfig, Sink};
use crate::message::Batch;
use anyhow::ensure;
use async_trait::async_trait;
use futures::future::join_all;
use std::sync::Arc;

crate::fields! {
    /// The outputs, and what goes to which.
    pub struct Config {
        /// Whether each output is tried until it takes a message, rather than answering that it didn't.
        retry_until_success: bool = "false",
        /// Whether a message that no case takes fails, rather than being dropped.
        strict_mode: bool = "false",
        /// The cases, in the order in which they are tried.
        cases: Vec<CaseConfig>,
    }
}

crate::fields! {
    /// One output, and what goes to it.
    pub struct CaseConfig {
        /// A query that says whether a message goes here; without one all do. One that fails counts as no.
        check: Option<Mapping>,
        /// The output.
        output: OutputConfig,
        /// Whether a message that goes here is also offered to the cases below.
        r#continue: bool = "false",
    }
}

crate::spec! {
    /// Sends each message of a batch to the first output whose check it passes.
    dyn BuildOutput, "switch", Config
}

impl BuildOutput for Config {
    fn build(&self, cx: &Context) -> anyhow::Result<Output> {
        ensure!(
            self.cases.len() >= 2,
            "attempting to create switch with fewer than 2 cases"
        );
        let mut switch = Switch {
            cases: Vec::new(),
            sinks: Vec::new(),
            strict: self.strict_mode,
            path: cx.name.path.to_string(),
        };
        for case in &self.cases {
            let sink = cx.output(&case.output)?;
            switch.sinks.push(match self.retry_until_success {
                true => Arc::new(Retrying {
                    sink,
                    patience: Patience::ENDLESS,
                    stop: cx.wiring.hard_stop(),
                }),
                false => sink,
            });
            switch.cases.push(Case {
                check: case.check.clone(),
                goes_on: case.r#continue,
            });
        }
        Ok(Output::Sink(Box::new(switch)))
    }
}

struct Switch {
    cases: Vec<Case>,
    sinks: Vec<Arc<dyn Sink>>,
    strict: bool,
    path: String,
}

struct Case {
    check: Option<Mapping>,
    goes_on: bool,
}

impl Switch {
    /// The cases that take a message.
    fn takers(&self, batch: &[crate::message::Message], index: usize, takers: &mut Vec<usize>) {
        takers.clear();
        for (number, case) in self.cases.iter().enumerate() {
            let taken = match &case.check {
                None => true,
                Some(check) => check.check(batch, index).unwrap_or_else(|error| {
                    tracing::error!(path = %self.path, "Failed to test case {number}: {error}");
                    false
                }),
            };
            if taken {
                takers.push(number);
                if !case.goes_on {
                    return;
                }
            }
        }
    }

    /// Adds a batch of the run to the parts of those that take its messages. `takers` is room to work in.
    fn share_out(
        &self,
        index: usize,
        batch: Batch,
        shares: &mut [Parts],
        takers: &mut Vec<usize>,
    ) -> Answer {
        if batch.len() == 1 {
            self.takers(&batch, 0, takers);
            let Some((last, others)) = takers.split_last() else {
                return self.untaken();
            };
            for &taker in others {
                shares[taker].add_whole(index, batch.clone());
            }
            shares[*last].add_whole(index, batch);
            return Ok(());
        }
        let mut parts = vec![Batch::new(); shares.len()];
        for at in 0..batch.len() {
            self.takers(&batch, at, takers);
            if takers.is_empty() {
                self.untaken()?;
            }
            for &taker in &*takers {
                parts[taker].push(batch[at].clone());
            }
        }
        for (share, part) in shares.iter_mut().zip(parts) {
            if part.len() == batch.len() {
                share.add_whole(index, part);
            } else if !part.is_empty() {
                share.add_some(index, part);
            }
        }
        Ok(())
    }

    fn untaken(&self) -> Answer {
        match self.strict {
            true => Err(BatchError::whole(
                "no switch output conditions were met by message",
            )),
            false => Ok(()),
        }
    }
}

#[async_trait]
impl Sink for Switch {
    async fn send(&self, run: Vec<Batch>) -> Vec<Answer> {
        let mut shares: Vec<Parts> = self.sinks.iter().map(|_| Parts::default()).collect();
        let mut takers = Vec::new();
        let mut answers: Vec<Answer> = run
            .into_iter()
            .enumerate()
            .map(|(index, batch)| self.share_out(index, batch, &mut shares, &mut takers))
            .collect();
        let sends = shares
            .into_iter()
            .zip(&self.sinks)
            .filter(|(share, _)| !share.is_empty())
            .map(|(share, sink)| share.send(sink));
        for sent in join_all(sends).await {
            sent.note_latest(&mut answers);
        }
        answers
    }

    async fn close(&self) {
        close(&self.sinks).await;
    }

    fn is_connected(&self) -> bool {
        self.sinks.iter().all(|s| s.is_connected())
    }
}
