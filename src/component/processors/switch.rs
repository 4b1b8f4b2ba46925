//! `switch`: runs the processors of the first case that fits a message.

use super::flow::{Flow, any_waits, fail, flow, put};
use super::reading::single;
use crate::bloblang::{EvalError, Mapping};
use crate::component::{BuildProcessor, Chain, Context, Processor, ProcessorConfig};
use crate::message::{Batch, ComponentName, Message};
use anyhow::ensure;

single! {
    /// The cases, in the order in which they are tried.
    Vec<Case>
}

crate::fields! {
    /// A condition and what is done if it holds.
    pub struct Case {
        /// A query that says whether the case is for a message; without one it is for all that are left.
        check: Option<Mapping>,
        /// What to do with those messages, together as a batch. At least one; `noop` does nothing.
        processors: Vec<ProcessorConfig> = "[]",
        /// Whether the messages then go through the next case too, whatever that one's check says.
        fallthrough: bool = "false",
    }
}

crate::spec! {
    /// Tries cases in order for each message of a batch, and runs the processors of the first that fits on all its messages together.
    /// Messages that no case fits pass. A message whose check fails is flagged and passes. The order of the batch stays.
    dyn BuildProcessor, "switch", Config
}

impl BuildProcessor for Config {
    fn build(&self, cx: &Context) -> anyhow::Result<Processor> {
        let mut arms = Vec::with_capacity(self.0.len());
        for (i, case) in self.0.iter().enumerate() {
            ensure!(
                !case.processors.is_empty(),
                "case '{i}' parse error: case has no processors, in order to have a no-op case use a `noop` processor"
            );
            arms.push(Arm {
                check: case.check.clone(),
                chain: cx.processors(&case.processors)?,
                falls: case.fallthrough,
            });
        }
        Ok(flow(Switch {
            arms,
            name: cx.name.clone(),
        }))
    }
}

struct Arm {
    check: Option<Mapping>,
    chain: Chain,
    falls: bool,
}

impl Arm {
    fn fits(&self, batch: &[Message], index: usize) -> Result<bool, EvalError> {
        match &self.check {
            Some(check) => check.check(batch, index),
            None => Ok(true),
        }
    }
}

struct Switch {
    arms: Vec<Arm>,
    name: ComponentName,
}

impl Flow for Switch {
    fn waits(&self) -> bool {
        any_waits(self.arms.iter().map(|arm| &arm.chain))
    }

    async fn run(&self, batch: Batch, out: &mut Vec<Batch>) {
        if batch.len() == 1 {
            self.run_one(batch, out).await;
        } else {
            self.run_many(batch, out).await;
        }
    }

    async fn close(&self) {
        for arm in &self.arms {
            arm.chain.close().await;
        }
    }
}

impl Switch {
    fn untested(&self, case: usize, message: &mut Message, error: EvalError) {
        tracing::error!(target: "stream", label = %self.name.label, path = %self.name.path, "Failed to test case {case}: {error}");
        fail(message, error);
    }

    async fn run_one(&self, mut batch: Batch, out: &mut Vec<Batch>) {
        for (i, arm) in self.arms.iter().enumerate() {
            match arm.fits(&batch, 0) {
                Ok(false) => {}
                Ok(true) => return self.run_from(i, batch, out).await,
                Err(error) => {
                    self.untested(i, &mut batch[0], error);
                    break;
                }
            }
        }
        out.push(batch);
    }

    /// Runs the case at `i`, and those that it falls through to.
    async fn run_from(&self, i: usize, batch: Batch, out: &mut Vec<Batch>) {
        let mut made = Vec::with_capacity(1);
        self.arms[i].chain.run_into(batch, &mut made).await;
        let mut fallen = i;
        while self.arms[fallen].falls && fallen + 1 < self.arms.len() {
            fallen += 1;
            let batch: Batch = made.drain(..).flatten().collect();
            if batch.is_empty() {
                return;
            }
            self.arms[fallen].chain.run_into(batch, &mut made).await;
        }
        super::flow::join(made, out);
    }

    async fn run_many(&self, batch: Batch, out: &mut Vec<Batch>) {
        // While the cases run, each message's origin is its place in this batch, so that the order can be restored.
        let mut places = Places::take(batch);
        let mut left = std::mem::take(&mut places.batch);
        let mut done: Vec<(u32, Message)> = Vec::with_capacity(left.len());
        let mut fallen = Batch::new();
        for (case, arm) in self.arms.iter().enumerate() {
            let mut fits = std::mem::take(&mut fallen);
            let answers: Vec<_> = (0..left.len()).map(|i| arm.fits(&left, i)).collect();
            let mut rest = Batch::new();
            for (mut message, answer) in left.into_iter().zip(answers) {
                match answer {
                    Ok(true) => fits.push(message),
                    Ok(false) => rest.push(message),
                    Err(error) => {
                        self.untested(case, &mut message, error);
                        done.push((message.origin(), message));
                    }
                }
            }
            left = rest;
            if fits.is_empty() {
                continue;
            }
            // Something made of several messages takes the place of the first.
            let first = fits.iter().map(Message::origin).min().unwrap_or_default();
            let mut made = Vec::with_capacity(1);
            arm.chain.run_into(fits, &mut made).await;
            for message in made.into_iter().flatten() {
                if arm.falls {
                    fallen.push(message);
                } else {
                    let place = if message.is_merged() {
                        first
                    } else {
                        message.origin()
                    };
                    done.push((place, message));
                }
            }
        }
        done.extend(fallen.into_iter().chain(left).map(|m| (m.origin(), m)));
        done.sort_by_key(|(place, _)| *place);
        put(places.restore(done.into_iter().map(|(_, m)| m)), out);
    }
}

/// The origins of a batch's messages while these are numbered by their places.
struct Places {
    batch: Batch,
    origins: Vec<Option<u32>>,
}

impl Places {
    fn take(mut batch: Batch) -> Places {
        let origins = batch
            .iter()
            .map(|m| (!m.is_merged()).then(|| m.origin()))
            .collect();
        for (i, message) in batch.iter_mut().enumerate() {
            message.set_origin(i as u32);
        }
        Places { batch, origins }
    }

    /// Gives messages the origins back of those that they were made from.
    fn restore(&self, messages: impl Iterator<Item = Message>) -> Batch {
        let restore = |mut message: Message| {
            if !message.is_merged() {
                match self.origins.get(message.origin() as usize) {
                    Some(Some(origin)) => message.set_origin(*origin),
                    _ => message.set_merged(),
                }
            }
            message
        };
        messages.map(restore).collect()
    }
}
