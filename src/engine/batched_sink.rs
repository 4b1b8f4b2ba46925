//! An output that gets what is sent in larger batches.
//!
//! A task of its own sends complete batches, so that whoever sends may give up waiting without losing what belongs to others.

use super::{
    batcher::{Batcher, Flushed, Growing, Mechanism},
    pressure::Pressure,
    wiring::Shop,
};
use crate::component::{Answer, BatchError, Chain, Hurry, Sink};
use crate::message::Batch;
use async_trait::async_trait;
use futures::{FutureExt, StreamExt, future::BoxFuture, stream::FuturesUnordered};
use parking_lot::Mutex;
use std::sync::Arc;
use tokio::sync::{Notify, Semaphore, mpsc};
use tokio_util::sync::CancellationToken;

pub(super) struct BatchedSink {
    inner: Arc<Inner>,
    /// Taken when it closes.
    sender: Mutex<Option<Sender>>,
    task: Mutex<Option<tokio::task::JoinHandle<()>>>,
}

type Sender = mpsc::UnboundedSender<Flushed<Slot>>;

struct Inner {
    sink: Arc<dyn Sink>,
    batcher: Batcher,
    growing: Mutex<(Growing<Slot>, usize)>,
    grew: Notify,
    hurry: Hurry,
    pressure: Arc<Pressure>,
    turns: Semaphore,
    stop: CancellationToken,
}

impl BatchedSink {
    pub fn start(
        shop: &Arc<Shop>,
        sink: Arc<dyn Sink>,
        batcher: Batcher,
        max_in_flight: usize,
    ) -> BatchedSink {
        let inner = Arc::new(Inner {
            sink,
            batcher,
            growing: Mutex::default(),
            grew: Notify::new(),
            hurry: shop.hurry.clone(),
            pressure: shop.pressure.clone(),
            turns: Semaphore::new(max_in_flight.clamp(1, Semaphore::MAX_PERMITS)),
            stop: shop.hard_stop.clone(),
        });
        // Bounded by what may be under way in the stream.
        let (sender, receiver) = mpsc::unbounded_channel();
        let (done, task) = tokio::sync::oneshot::channel::<()>();
        let driver = inner.clone();
        let weak = sender.downgrade();
        shop.at_start(async move {
            driver.drive(receiver, weak).await;
            drop(done);
        });
        let task = task.map(drop);
        BatchedSink {
            inner,
            sender: Mutex::new(Some(sender)),
            task: Mutex::new(Some(tokio::spawn(task))),
        }
    }
}

impl Inner {
    /// Takes what grows, and says that it no longer does.
    fn flush(&self, growing: &mut (Growing<Slot>, usize), by: Mechanism) -> Flushed<Slot> {
        self.pressure.grown(std::mem::take(&mut growing.1));
        self.batcher.flush(&mut growing.0, by)
    }

    async fn drive(
        self: Arc<Self>,
        mut receiver: mpsc::UnboundedReceiver<Flushed<Slot>>,
        sender: mpsc::WeakUnboundedSender<Flushed<Slot>>,
    ) {
        let mut sends: FuturesUnordered<BoxFuture<'_, ()>> = FuturesUnordered::new();
        let mut closing = false;
        while !closing || !sends.is_empty() {
            let (deadline, is_growing) = {
                let growing = self.growing.lock();
                (self.batcher.deadline(&growing.0), !growing.0.is_empty())
            };
            let by_time = async {
                match deadline {
                    Some(at) => tokio::time::sleep_until(at).await,
                    None => std::future::pending().await,
                }
            };
            let is_due = tokio::select! {
                biased;
                () = self.stop.cancelled() => return,
                Some(()) = sends.next(), if !sends.is_empty() => false,
                flushed = receiver.recv(), if !closing => {
                    match flushed {
                        Some(flushed) => {
                            let mut send = self.deliver(flushed).boxed();
                            if futures::poll!(&mut send).is_pending() {
                                sends.push(send);
                            }
                        }
                        None => closing = true,
                    }
                    false
                }
                () = by_time => true,
                () = self.hurry.on(), if is_growing => true,
                () = self.grew.notified() => false,
            };
            if is_due && let Some(sender) = sender.upgrade() {
                let mut growing = self.growing.lock();
                if !growing.0.is_empty() {
                    // The receiver is right here.
                    let _ = sender.send(self.flush(&mut growing, Mechanism::Period));
                }
            }
        }
    }

    async fn deliver(&self, flushed: Flushed<Slot>) {
        let (batch, owed) = flushed.split();
        let turn = match self.turns.try_acquire() {
            Ok(turn) => Ok(turn),
            Err(_) => {
                let _queued = self.pressure.queue();
                self.turns.acquire().await
            }
        };
        let chain: Chain = self.batcher.chain().clone();
        let answer = match Batcher::process(chain, batch).await {
            None => Ok(()),
            Some(batch) => {
                let answers = self.sink.send(vec![batch]).await;
                let missing = || Err(BatchError::whole("the output gave no answer"));
                answers.into_iter().next().unwrap_or_else(missing)
            }
        };
        drop(turn);
        for (slot, answer) in owed.settle(answer) {
            slot.answer(answer);
        }
    }
}

#[async_trait]
impl Sink for BatchedSink {
    async fn send(&self, run: Vec<Batch>) -> Vec<Answer> {
        let waiter = Arc::new(Waiter::new(run.len()));
        {
            let mut growing = self.inner.growing.lock();
            let sender = self.sender.lock().clone();
            let was_empty = growing.0.is_empty();
            for (index, batch) in run.into_iter().enumerate() {
                let slot = Slot {
                    waiter: Some(waiter.clone()),
                    index,
                };
                if let Some(by) = self.inner.batcher.add(&mut growing.0, batch, slot) {
                    let flushed = self.inner.flush(&mut growing, by);
                    // Once it is closed, dropping what was sent answers it.
                    if let Some(sender) = &sender {
                        let _ = sender.send(flushed);
                    }
                }
            }
            if !growing.0.is_empty() {
                growing.1 += 1;
                self.inner.pressure.grows();
                if was_empty {
                    self.inner.grew.notify_one();
                }
            }
        }
        waiter.answers().await
    }

    async fn close(&self) {
        {
            let mut growing = self.inner.growing.lock();
            let sender = self.sender.lock().take();
            if !growing.0.is_empty() {
                let flushed = self.inner.flush(&mut growing, Mechanism::Period);
                if let Some(sender) = sender {
                    let _ = sender.send(flushed);
                }
            }
        }
        let task = self.task.lock().take();
        if let Some(task) = task {
            let _ = task.await;
        }
        self.inner.batcher.chain().close().await;
        self.inner.sink.close().await;
    }

    fn is_connected(&self) -> bool {
        self.inner.sink.is_connected()
    }
}

/// Whoever waits for the answers of one send.
struct Waiter {
    answers: Mutex<(Vec<Option<Answer>>, usize)>,
    done: Notify,
}

impl Waiter {
    fn new(n: usize) -> Waiter {
        Waiter {
            answers: Mutex::new((vec![None; n], n)),
            done: Notify::new(),
        }
    }

    async fn answers(&self) -> Vec<Answer> {
        loop {
            {
                let mut answers = self.answers.lock();
                if answers.1 == 0 {
                    return std::mem::take(&mut answers.0)
                        .into_iter()
                        .flatten()
                        .collect();
                }
            }
            self.done.notified().await;
        }
    }
}

/// The place for one answer of a send. Dropped without one, it fails.
struct Slot {
    waiter: Option<Arc<Waiter>>,
    index: usize,
}

impl Slot {
    fn answer(mut self, answer: Answer) {
        self.give(answer);
    }

    fn give(&mut self, answer: Answer) {
        if let Some(waiter) = self.waiter.take() {
            let mut answers = waiter.answers.lock();
            answers.0[self.index] = Some(answer);
            answers.1 -= 1;
            if answers.1 == 0 {
                waiter.done.notify_one();
            }
        }
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.give(Err(BatchError::whole(
            "the stream stopped before the message was delivered",
        )));
    }
}
