//! `memory`: a queue in memory.

use super::meter::Meter;
use super::queue::Queue;
use crate::component::{BatchPolicy, BuildBuffer, Context, Run, Source, Transaction};
use async_trait::async_trait;
use std::sync::Arc;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

crate::fields! {
    /// How much is held.
    pub struct Config {
        /// How many bytes of content are held.
        limit: usize = "524288000",
        /// Whether messages that don't fit are dropped, rather than waiting.
        spillover: bool = "false",
        /// Gathers messages into batches as they leave.
        batch_policy: Policy = "{}",
    }
}

crate::fields! {
    /// When a batch is complete.
    pub struct Policy {
        ..policy: BatchPolicy,
        /// Whether messages are gathered into batches.
        enabled: bool = "false",
    }
}

crate::spec! {
    /// Holds messages in memory and answers them to the input at once, so that the input isn't held up by what comes after.
    /// What is held is lost if the process ends before it is delivered.
    dyn BuildBuffer, "memory", Config
}

impl BuildBuffer for Config {
    fn build(&self, cx: &Context, input: Box<dyn Source>) -> anyhow::Result<Box<dyn Source>> {
        let memory = Box::new(Memory {
            queue: Queue::new(cx.wiring.hurry(), Meter::latency(cx), false),
            meter: Arc::new(Meter::new(cx)),
            filler: Filler::New(input, self.limit, self.spillover),
            stop: cx.wiring.hard_stop(),
        });
        match self.batch_policy.enabled {
            true => cx.batched_source(memory, &self.batch_policy.policy),
            false => cx.batched_source(memory, &BatchPolicy::default()),
        }
    }
}

struct Memory {
    queue: Arc<Queue>,
    meter: Arc<Meter>,
    filler: Filler,
    stop: CancellationToken,
}

/// What moves messages from the input into the queue.
enum Filler {
    /// Begins with the first read.
    New(Box<dyn Source>, usize, bool),
    Running(JoinHandle<()>),
    Over,
}

#[async_trait]
impl Source for Memory {
    async fn next(&mut self) -> Option<Run> {
        self.filler = match std::mem::replace(&mut self.filler, Filler::Over) {
            Filler::New(input, limit, spills) => {
                let (queue, meter) = (self.queue.clone(), self.meter.clone());
                let stop = self.stop.clone();
                Filler::Running(tokio::spawn(async move {
                    fill(input, &queue, &meter, limit, spills, &stop).await;
                    queue.end();
                }))
            }
            other => other,
        };
        let run = self.queue.next().await;
        if let Some(run) = &run {
            self.meter.send(run);
            self.meter.active.set(self.queue.bytes() as i64);
        }
        run
    }

    async fn close(&mut self) {
        match std::mem::replace(&mut self.filler, Filler::Over) {
            Filler::New(mut input, ..) => input.close().await,
            Filler::Running(task) => {
                task.abort();
                // Aborted or done: either way it lets go of the input.
                let _ = task.await;
            }
            Filler::Over => {}
        }
    }
}

async fn fill(
    mut input: Box<dyn Source>,
    queue: &Queue,
    meter: &Meter,
    limit: usize,
    spills: bool,
    stop: &CancellationToken,
) {
    loop {
        let run = tokio::select! {
            run = input.next() => run,
            () = stop.cancelled() => None,
        };
        let Some(run) = run else {
            break;
        };
        for Transaction { mut batch, ack } in run {
            let bytes: usize = batch.iter().map(|m| m.bytes().len()).sum();
            if bytes > limit || spills && queue.bytes() + bytes > limit {
                if !spills {
                    tracing::error!(
                        bytes,
                        limit,
                        "messages larger than a buffer's limit are dropped; raise the limit to keep such"
                    );
                }
                meter.spill(batch.len());
                ack.answer(Ok(()));
                continue;
            }
            tokio::select! {
                () = queue.wait_for(|queue| queue.bytes() + bytes <= limit) => {}
                // The batch stays unanswered, which hands it back.
                () = stop.cancelled() => return,
            }
            // Whoever sent the messages is answered here, and waits for no reply: later ones go nowhere.
            for message in batch.iter_mut().filter(|m| m.replies().is_some()) {
                message.set_replies(Some(Arc::default()));
            }
            meter.receive(batch.len());
            queue.push(batch, 0, bytes);
            meter.active.set(queue.bytes() as i64);
            ack.answer(Ok(()));
        }
    }
    input.close().await;
}
