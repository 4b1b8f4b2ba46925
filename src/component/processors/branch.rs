//! `branch`: runs processors on a message made from another, and puts what they found into the original.

use super::flow::{Flow, flow};
use crate::bloblang::{Mapped, Mapping, Paths};
use crate::component::{BuildProcessor, Chain, Context, Processor, ProcessorConfig};
use crate::message::{Batch, ComponentName, Message, MessageError};
use anyhow::ensure;

crate::fields! {
    /// A request, what is done with it, and what of its result is kept.
    pub struct Config {
        /// Makes the message that the processors get; `deleted()` skips the branch for this message. Without it they get a copy.
        request_map: Option<Mapping>,
        /// What to do with the made messages. They must give back as many as they got. At least one.
        processors: Vec<ProcessorConfig>,
        /// Puts the result into the original message, which is its `root`; `this` is the result. Without it the result is thrown away.
        result_map: Option<Mapping>,
    }
}

crate::spec! {
    /// Makes a new message of each one, runs processors on the new messages, and maps what comes of them back into the originals,
    /// so that a message can be enriched without its content being touched by what happens on the way.
    ///
    /// Whatever fails within, the original stays as it is, with an error that says which of the three steps it was.
    dyn BuildProcessor, "branch", Config
}

impl BuildProcessor for Config {
    fn build(&self, cx: &Context) -> anyhow::Result<Processor> {
        Ok(flow(Branch::new(self, cx)?))
    }

    fn as_branch(&self) -> Option<&Config> {
        Some(self)
    }
}

/// A branch, ready to run; `workflow` runs many.
pub(super) struct Branch {
    name: ComponentName,
    request: Option<Mapping>,
    pub chain: Chain,
    result: Option<Mapping>,
}

/// What a branch made of a batch: a result for each message that it ran for, why others failed, and which it skipped.
pub(super) struct Results {
    pub messages: Batch,
    /// For each message of the batch: the place of its result.
    pub of: Vec<Part>,
}

/// What became of one message in a branch.
#[derive(Clone, Debug)]
pub(super) enum Part {
    Skipped,
    Failed(String),
    /// The result at this place.
    Made(usize),
}

impl Branch {
    pub fn new(config: &Config, cx: &Context) -> anyhow::Result<Branch> {
        ensure!(
            !config.processors.is_empty(),
            "the branch processor requires at least one child processor"
        );
        Ok(Branch {
            name: cx.name.clone(),
            request: config.request_map.clone(),
            chain: cx.processors(&config.processors)?,
            result: config.result_map.clone(),
        })
    }

    /// The paths of a message that the branch reads.
    pub fn reads(&self) -> Paths {
        self.request
            .as_ref()
            .map(Mapping::reads)
            .unwrap_or_default()
    }

    /// The paths of a message that the branch writes.
    pub fn writes(&self) -> Paths {
        self.result
            .as_ref()
            .map(Mapping::writes)
            .unwrap_or_default()
    }

    /// Makes the requests and runs the processors on them, for those messages of the batch that are `wanted`.
    pub async fn ask(&self, batch: &[Message], wanted: impl Fn(usize) -> bool + Send) -> Results {
        let mut requests = Batch::new();
        let mut of = Vec::with_capacity(batch.len());
        for i in 0..batch.len() {
            let made = if wanted(i) {
                self.request(batch, i)
            } else {
                Ok(None)
            };
            of.push(match made {
                Ok(Some(request)) => {
                    requests.push(request);
                    Part::Made(requests.len() - 1)
                }
                Ok(None) => Part::Skipped,
                Err(reason) => Part::Failed(reason),
            });
        }
        if requests.is_empty() {
            return Results {
                messages: requests,
                of,
            };
        }
        let asked = requests.len();
        let mut made = Vec::with_capacity(1);
        self.chain.run_into(requests, &mut made).await;
        let mut results = Results {
            messages: if made.len() == 1 {
                made.pop().expect("there is one")
            } else {
                made.into_iter().flatten().collect()
            },
            of,
        };
        let got = results.messages.len();
        if got == 0 {
            self.log("Child processors failed: child processors resulted in zero messages");
        } else if got != asked {
            self.log(&format!(
                "Failed to align branch result: {asked} messages became {got}; filters, archives and whatever else changes how many there are belong before or after the branch"
            ));
        }
        for part in &mut results.of {
            if let Part::Failed(_) = part {
                // What kept a message from being asked about is its own.
            } else if got == 0 {
                *part = Part::Failed("child processors resulted in zero messages".into());
            } else if got != asked {
                // The words are those that configs out there may match on, the two numbers in their order.
                *part = Part::Failed(format!(
                    "message count from branch processors does not match request, started with {got} messages, finished with {asked}"
                ));
            } else if let Part::Made(at) = part
                && let Some(error) = results.messages[*at].error()
            {
                *part = Part::Failed(format!("processors failed: {}", error.text));
            }
        }
        results
    }

    fn log(&self, text: &str) {
        tracing::error!(target: "stream", label = %self.name.label, path = %self.name.path, "{text}");
    }

    fn request(&self, batch: &[Message], index: usize) -> Result<Option<Message>, String> {
        let mut request = match &self.request {
            None => batch[index].clone(),
            Some(mapping) => match mapping.request(batch, index) {
                Ok(Mapped::Message(message)) => message,
                Ok(Mapped::Deleted) => return Ok(None),
                Err(error) => return Err(format!("request mapping failed: {error}")),
            },
        };
        request.set_error(None);
        Ok(Some(request))
    }

    /// Maps the result at a place into the message that it is for.
    pub fn answer(
        &self,
        target: &mut Message,
        results: &[Message],
        at: usize,
    ) -> Result<(), String> {
        if let Some(mapping) = &self.result {
            // A result that deletes changes nothing: a branch can't filter its message.
            mapping
                .overlay(target, results, at)
                .map_err(|error| format!("result mapping failed: {error}"))?;
        }
        Ok(())
    }
}

impl Flow for Branch {
    fn waits(&self) -> bool {
        !self.chain.is_sync()
    }

    async fn run(&self, mut batch: Batch, out: &mut Vec<Batch>) {
        let results = self.ask(&batch, |_| true).await;
        for (message, part) in batch.iter_mut().zip(results.of) {
            let answered = match part {
                Part::Skipped => Ok(()),
                Part::Failed(reason) => Err(reason),
                Part::Made(at) => {
                    let answered = self.answer(message, &results.messages, at);
                    if let Err(reason) = &answered {
                        self.log(&format!("Branch error: {reason}"));
                    }
                    answered
                }
            };
            if let Err(reason) = answered {
                message.set_error(Some(MessageError::anonymous(reason)));
            }
        }
        out.push(batch);
    }

    async fn close(&self) {
        self.chain.close().await;
    }
}
