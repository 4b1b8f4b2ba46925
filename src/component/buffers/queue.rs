//! Batches between what fills a buffer and what empties it: handed out in order, and again if they weren't delivered.

use crate::component::{Ack, AckSink, Answer, Hurry, HurryGuard, Run, Transaction};
use crate::message::Batch;
use crate::telemetry::metrics::Timing;
use parking_lot::Mutex;
use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    sync::Arc,
    time::Duration,
};
use tokio::{sync::Notify, time::Instant};

/// How many batches are handed out at a time.
const RUN: usize = 256;

/// The queue; shared by both sides.
pub(super) struct Queue {
    state: Mutex<State>,
    /// Something was added, answered, or is at its end.
    changed: Notify,
    hurry: Hurry,
    /// From handing a batch out to the answer for it.
    latency: Option<Timing>,
    /// Whether somebody takes note of what was delivered.
    is_noted: bool,
}

#[derive(Default)]
struct State {
    ready: VecDeque<Entry>,
    /// Batches that weren't delivered, by when they are handed out again.
    later: BTreeMap<(Instant, u64), Entry>,
    under_way: HashMap<u64, Entry>,
    next: u64,
    /// The bytes of all batches.
    bytes: usize,
    /// What was delivered and not yet taken note of.
    delivered: Vec<u64>,
    /// Nothing more is added; what is left goes out in a hurry.
    ended: Option<HurryGuard>,
}

struct Entry {
    batch: Batch,
    /// What the side that fills knows it by.
    id: u64,
    bytes: usize,
    attempts: u32,
    /// When it was last handed out.
    since: Instant,
}

impl Queue {
    /// `is_noted` where somebody takes note of what was delivered: see [`Queue::take_delivered`].
    pub fn new(hurry: &Hurry, latency: Option<Timing>, is_noted: bool) -> Arc<Queue> {
        Arc::new(Queue {
            latency,
            is_noted,
            state: Mutex::default(),
            changed: Notify::new(),
            hurry: hurry.clone(),
        })
    }

    pub fn push(&self, batch: Batch, id: u64, bytes: usize) {
        let mut state = self.state.lock();
        state.bytes += bytes;
        state.ready.push_back(Entry {
            batch,
            id,
            bytes,
            attempts: 0,
            since: Instant::now(),
        });
        drop(state);
        self.changed.notify_waiters();
    }

    /// Says that nothing more will be added.
    pub fn end(&self) {
        let guard = self.hurry.begin();
        self.state.lock().ended.get_or_insert(guard);
        self.changed.notify_waiters();
    }

    /// The bytes of all batches that aren't delivered yet.
    pub fn bytes(&self) -> usize {
        self.state.lock().bytes
    }

    /// How many batches aren't delivered yet.
    pub fn len(&self) -> usize {
        let state = self.state.lock();
        state.ready.len() + state.later.len() + state.under_way.len()
    }

    /// The ids of the batches that were delivered since this was last asked.
    pub fn take_delivered(&self) -> Vec<u64> {
        std::mem::take(&mut self.state.lock().delivered)
    }

    /// Gives ids back that couldn't be taken note of, to be taken again.
    pub fn put_back_delivered(&self, ids: Vec<u64>) {
        self.state.lock().delivered.extend(ids);
    }

    /// Waits until something was delivered.
    pub async fn wait_for_delivery(&self) {
        self.wait_for(|queue| !queue.state.lock().delivered.is_empty())
            .await;
    }

    /// Waits until `is_met` is, which is asked again after each change.
    pub async fn wait_for(&self, mut is_met: impl FnMut(&Queue) -> bool) {
        loop {
            let mut changed = std::pin::pin!(self.changed.notified());
            changed.as_mut().enable();
            if is_met(self) {
                return;
            }
            changed.await;
        }
    }

    /// The next batches; none once it has ended and everything is delivered.
    pub async fn next(self: &Arc<Self>) -> Option<Run> {
        loop {
            let mut changed = std::pin::pin!(self.changed.notified());
            changed.as_mut().enable();
            let resume = match self.take() {
                Taken::Run(run) => return Some(run),
                Taken::End => return None,
                Taken::Later(resume) => resume,
            };
            let pause = async {
                match resume {
                    Some(at) => tokio::time::sleep_until(at).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = changed => {}
                () = pause => {}
            }
        }
    }

    fn take(self: &Arc<Self>) -> Taken {
        let mut state = self.state.lock();
        let now = Instant::now();
        let mut run = Run::new();
        while run.len() < RUN {
            let due = state.later.first_entry();
            let mut entry = match due.filter(|entry| entry.key().0 <= now) {
                Some(due) => due.remove(),
                None => match state.ready.pop_front() {
                    Some(entry) => entry,
                    None => break,
                },
            };
            let token = state.next;
            state.next += 1;
            entry.since = now;
            run.push(Transaction {
                batch: entry.batch.clone(),
                ack: Ack::source(self.clone(), token),
            });
            state.under_way.insert(token, entry);
        }
        let is_empty = state.later.is_empty() && state.under_way.is_empty();
        if !run.is_empty() {
            Taken::Run(run)
        } else if is_empty && state.ended.is_some() {
            Taken::End
        } else {
            Taken::Later(state.later.first_key_value().map(|((at, _), _)| *at))
        }
    }
}

enum Taken {
    Run(Run),
    End,
    /// Nothing for now; perhaps at this time.
    Later(Option<Instant>),
}

impl AckSink for Queue {
    fn answer(&self, token: u64, answer: Answer) {
        let mut state = self.state.lock();
        let Some(mut entry) = state.under_way.remove(&token) else {
            return;
        };
        match answer {
            Ok(()) => {
                state.bytes -= entry.bytes;
                if self.is_noted {
                    state.delivered.push(entry.id);
                }
                if let Some(latency) = &self.latency {
                    latency.record(entry.since.elapsed());
                }
            }
            Err(error) => {
                if entry.batch.len() > 1 {
                    entry.batch.retain(|message| error.covers(message));
                }
                entry.attempts += 1;
                let pause = match entry.attempts {
                    0..=2 => Duration::ZERO,
                    n => Duration::from_millis(1 << (n - 3).min(10)).min(Duration::from_secs(1)),
                };
                state.later.insert((Instant::now() + pause, token), entry);
            }
        }
        drop(state);
        self.changed.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::component::BatchError;
    use crate::message::Message;

    #[tokio::test]
    async fn what_was_not_delivered_comes_again_and_then_it_ends() {
        let queue = Queue::new(&Hurry::default(), None, true);
        for id in 0..3 {
            queue.push(
                Batch::from_buf([Message::new(vec![b'0' + id as u8])]),
                id,
                1,
            );
        }
        queue.end();
        let mut run = queue.next().await.expect("three batches");
        assert_eq!((run.len(), queue.bytes(), queue.len()), (3, 3, 3));
        run.pop()
            .expect("the last")
            .ack
            .answer(Err(BatchError::whole("no")));
        for transaction in run {
            transaction.ack.answer(Ok(()));
        }
        queue.put_back_delivered(queue.take_delivered());
        assert_eq!(queue.take_delivered(), [0, 1]);
        let mut again = queue.next().await.expect("the last again");
        assert_eq!(again[0].batch[0].bytes(), "2");
        again.pop().expect("it").ack.answer(Ok(()));
        assert!(queue.next().await.is_none());
        assert_eq!(queue.bytes(), 0);
    }
}
