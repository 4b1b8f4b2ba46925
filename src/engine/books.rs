//! The books of an input: which of its transactions are still to be answered, and which failed and are to be sent again.
//!
//! A transaction's token is its number, so that its entry is found by counting, a run is entered and settled under one
//! lock, and the common path allocates nothing for a message.

use super::{backoff::replay_wait, pressure::Pressure, replays::Replays};
use crate::component::{Ack, AckSink, Answer, BatchError, Fence, Run, Transaction};
use crate::message::{Batch, Message};
use crate::telemetry::metrics::Timing;
use parking_lot::Mutex;
use smallvec::SmallVec;
use std::{collections::VecDeque, ops::Range, sync::Arc};
use tokio::{sync::Notify, time::Instant};

pub(crate) struct Books {
    state: Mutex<State>,
    /// Told when something failed or the last answer came; the input is the only one that waits.
    pub changed: Notify,
    /// Whether what failed is sent again, or its failure handed to the source.
    replay: bool,
    fence: Fence,
    latency: Timing,
    pressure: Arc<Pressure>,
}

#[derive(Default)]
struct State {
    /// The number of the first entry.
    first: u64,
    /// By number; none where it is settled.
    entries: VecDeque<Option<Entry>>,
    /// Entries that aren't settled.
    open: usize,
    /// What failed, with when it may be sent again.
    again: Vec<(Instant, Entry)>,
    /// Only there once something failed.
    replays: Option<Replays>,
}

struct Entry {
    /// What to send again; empty where failures go to the source.
    batch: Batch,
    /// The source's own duty.
    ack: Ack,
    read_at: Instant,
    weight: usize,
    attempts: u32,
}

/// What of several entries is told to others once they are settled.
#[derive(Default)]
struct Settled {
    weight: usize,
    /// How many of them were read when.
    read: SmallVec<[(Instant, u64); 4]>,
    /// The source's own duties, if it has any.
    acks: Vec<Ack>,
}

impl Settled {
    /// Takes from an entry what counts.
    fn add(&mut self, entry: &mut Entry) {
        self.weight += entry.weight;
        match self.read.last_mut() {
            Some((at, count)) if *at == entry.read_at => *count += 1,
            _ => self.read.push((entry.read_at, 1)),
        }
        if !entry.ack.is_none() {
            self.acks
                .push(std::mem::replace(&mut entry.ack, Ack::none()));
        }
    }
}

impl From<Entry> for Settled {
    fn from(mut entry: Entry) -> Settled {
        let mut settled = Settled::default();
        settled.add(&mut entry);
        settled
    }
}

impl Books {
    pub fn new(replay: bool, fence: Fence, latency: Timing, pressure: Arc<Pressure>) -> Books {
        Books {
            state: Mutex::default(),
            changed: Notify::new(),
            replay,
            fence,
            latency,
            pressure,
        }
    }

    /// Enters what was read, and returns it with duties to these books. Counts the messages of batches from 0, if nobody did.
    pub fn enter(self: &Arc<Self>, mut run: Run) -> (Run, usize) {
        let read_at = Instant::now();
        let (mut total, mut messages) = (0, 0);
        let mut state = self.state.lock();
        let first = state.first + state.entries.len() as u64;
        let enter = |(token, transaction): (u64, &mut Transaction)| {
            number(&mut transaction.batch);
            let weight = transaction.batch.iter().map(Message::weight).sum();
            total += weight;
            messages += transaction.batch.len();
            let batch = match self.replay {
                true => copy(&transaction.batch),
                false => Batch::new(),
            };
            let ack = Ack::source(self.clone(), token);
            Some(Entry {
                batch,
                ack: std::mem::replace(&mut transaction.ack, ack),
                read_at,
                weight,
                attempts: 1,
            })
        };
        state.entries.extend((first..).zip(&mut run).map(enter));
        state.open += run.len();
        drop(state);
        self.pressure.enter(run.len(), total);
        (run, messages)
    }

    /// What is to be sent again by now.
    pub fn due(self: &Arc<Self>) -> Option<Run> {
        let mut state = self.state.lock();
        if state.again.is_empty() {
            return None;
        }
        let now = Instant::now();
        let mut run = Run::new();
        let mut waiting = Vec::new();
        for (at, entry) in std::mem::take(&mut state.again) {
            if at > now {
                waiting.push((at, entry));
                continue;
            }
            let token = state.first + state.entries.len() as u64;
            let batch = entry.batch.clone();
            state.entries.push_back(Some(entry));
            let ack = Ack::source(self.clone(), token);
            run.push(Transaction { batch, ack });
        }
        state.again = waiting;
        (!run.is_empty()).then_some(run)
    }

    /// What there is to tell of messages that fail over and over.
    pub fn replay_report(&self) -> Option<String> {
        let mut state = self.state.lock();
        state.replays.as_mut()?.report(Instant::now())
    }

    /// When the next is to be sent again.
    pub fn next_due(&self) -> Option<Instant> {
        self.state.lock().again.iter().map(|(at, _)| *at).min()
    }

    /// Waits until something is to be sent again. Dropping the future loses nothing.
    pub async fn until_due(&self) {
        loop {
            match self.next_due() {
                Some(at) => {
                    tokio::select! {
                        () = tokio::time::sleep_until(at) => return,
                        () = self.changed.notified() => {}
                    }
                }
                None => self.changed.notified().await,
            }
        }
    }

    /// Whether everything was answered for good.
    pub fn is_settled(&self) -> bool {
        self.state.lock().open == 0
    }

    /// Settles what arrived: tells the source, unless its owner may not act any more.
    fn settle(&self, settled: Settled) {
        let now = Instant::now();
        let mut batches = 0;
        for (read_at, count) in settled.read {
            batches += count as usize;
            let took = now.duration_since(read_at).as_nanos() as u64;
            self.latency.record_many(took, count);
        }
        self.pressure.settle(batches, settled.weight);
        if !settled.acks.is_empty() {
            let answer = match self.fence.is_open() {
                true => Ok(()),
                false => Err(BatchError::whole("the lease on the stream has ended")),
            };
            Ack::answer_all(settled.acks.into_iter().map(|ack| (ack, answer.clone())));
        }
    }
}

/// A clone, made in place for the most common batch.
fn copy(batch: &Batch) -> Batch {
    match batch.as_slice() {
        [message] => Batch::from_buf([message.clone()]),
        _ => batch.clone(),
    }
}

/// Gives the messages of a batch their origins and what tells them apart, unless they have that.
fn number(batch: &mut Batch) {
    batch.iter().for_each(Message::begin_flow);
    if batch.len() > 1 && batch.iter().all(|m| m.origin() == 0) {
        for (i, message) in batch.iter_mut().enumerate() {
            message.set_origin(i as u32);
        }
    }
}

impl State {
    /// Where the entry of a transaction is, unless it was settled long ago.
    fn entry(&mut self, token: u64) -> Option<&mut Option<Entry>> {
        let index = token.checked_sub(self.first)? as usize;
        self.entries.get_mut(index)
    }

    fn take(&mut self, token: u64) -> Option<Entry> {
        let entry = self.entry(token)?.take();
        self.forget_settled();
        entry
    }

    /// Settles these transactions; their entries are let go of where they are.
    fn settle(&mut self, tokens: Range<u64>) -> Settled {
        let mut settled = Settled::default();
        for token in tokens {
            if let Some(place) = self.entry(token)
                && let Some(entry) = place
            {
                settled.add(entry);
                *place = None;
                self.open -= 1;
            }
        }
        self.forget_settled();
        settled
    }

    /// Forgets the oldest entries as far as they are settled.
    fn forget_settled(&mut self) {
        let settled = self.entries.iter().take_while(|e| e.is_none()).count();
        self.entries.drain(..settled);
        self.first += settled as u64;
    }
}

impl AckSink for Books {
    fn answer(&self, token: u64, answer: Answer) {
        let mut state = self.state.lock();
        let Some(mut entry) = state.take(token) else {
            return;
        };
        match answer {
            Err(error) if self.replay => {
                entry.batch.retain(|m| error.covers(m));
                entry.attempts += 1;
                // An error that names none of its messages is about none of them.
                if entry.batch.is_empty() {
                    state.open -= 1;
                    drop(state);
                    self.settle(entry.into());
                } else {
                    let now = Instant::now();
                    let replays = state.replays.get_or_insert_with(|| Replays::new(now));
                    replays.note(entry.batch.len(), entry.attempts, &error.text);
                    let at = now + replay_wait(entry.attempts);
                    state.again.push((at, entry));
                    drop(state);
                }
            }
            Err(error) => {
                state.open -= 1;
                drop(state);
                self.pressure.settle(1, entry.weight);
                entry.ack.answer(Err(error));
            }
            Ok(()) => {
                state.open -= 1;
                drop(state);
                self.settle(entry.into());
            }
        }
        self.changed.notify_one();
    }

    fn replays(&self) -> bool {
        self.replay
    }

    fn delivered(&self, tokens: Range<u64>) {
        let mut state = self.state.lock();
        let settled = state.settle(tokens);
        let is_last = state.open == 0;
        drop(state);
        self.settle(settled);
        if is_last {
            self.changed.notify_one();
        }
    }
}
