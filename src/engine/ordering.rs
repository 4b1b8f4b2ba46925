//! Order by key: messages of a key stay in order end to end, while keys run in parallel on all threads.
//!
//! Of each key one transaction is under way at a time, from the first processor to the output's answer; the next of its key
//! waits for that answer. What fails is tried again in its place, and so is not overtaken either.

use super::{
    backoff::replay_wait,
    pipeline::{Bench, Flight, Line},
};
use crate::bloblang::Mapping;
use crate::component::{Answer, Hurry, HurryGuard, Transaction};
use crate::message::Batch;
use futures::{FutureExt, StreamExt, future::BoxFuture, stream::FuturesUnordered};
use parking_lot::Mutex;
use std::collections::{HashMap, VecDeque};
use tokio::sync::Notify;

/// How many transactions may wait for others of their keys before the input waits.
const MAX_WAITING: usize = 10_000;

/// Which keys are busy, and what waits for them.
pub(super) struct Order {
    key: Mapping,
    state: Mutex<Keys>,
    changed: Notify,
    hurry: Hurry,
}

#[derive(Default)]
struct Keys {
    /// For each key that has a transaction under way, those that wait for it.
    busy: HashMap<Key, VecDeque<Transaction>>,
    ready: VecDeque<Job>,
    waiting: usize,
    /// Held while anything waits: a batch that grows would else hold up what it waits for.
    hurry: Option<HurryGuard>,
}

type Key = Vec<u8>;

/// A transaction whose turn it is.
struct Job {
    key: Key,
    transaction: Transaction,
    attempts: u32,
}

impl Order {
    pub fn new(key: Mapping, hurry: Hurry) -> Order {
        Order {
            key,
            state: Mutex::default(),
            changed: Notify::new(),
            hurry,
        }
    }

    /// The key of a batch; those whose key can't be found share one.
    fn key(&self, batch: &Batch) -> Key {
        match self.key.value(batch, 0) {
            Ok(Some(value)) => value.to_json(),
            Ok(None) | Err(_) => Key::new(),
        }
    }

    /// Makes a transaction ready, or lets it wait for its key.
    fn add(&self, transaction: Transaction) {
        let key = self.key(&transaction.batch);
        let mut keys = self.state.lock();
        if let Some(queue) = keys.busy.get_mut(&key) {
            queue.push_back(transaction);
            keys.waiting += 1;
            if keys.hurry.is_none() {
                keys.hurry = Some(self.hurry.begin());
            }
        } else {
            keys.busy.insert(key.clone(), VecDeque::new());
            keys.ready.push_back(Job {
                key,
                transaction,
                attempts: 1,
            });
        }
    }

    fn ready(&self) -> Option<Job> {
        self.state.lock().ready.pop_front()
    }

    /// Puts a job that failed in front again.
    fn again(&self, job: Job) {
        self.state.lock().ready.push_front(job);
        self.changed.notify_waiters();
    }

    /// Gives a key's turn to the next that waits for it.
    fn done(&self, key: Key) {
        let mut keys = self.state.lock();
        match keys.busy.get_mut(&key).and_then(VecDeque::pop_front) {
            None => {
                keys.busy.remove(&key);
            }
            Some(transaction) => {
                keys.waiting -= 1;
                if keys.waiting == 0 {
                    keys.hurry = None;
                }
                keys.ready.push_back(Job {
                    key,
                    transaction,
                    attempts: 1,
                });
            }
        }
        drop(keys);
        self.changed.notify_waiters();
    }

    fn is_idle(&self) -> bool {
        self.state.lock().busy.is_empty()
    }

    fn has_room(&self) -> bool {
        self.state.lock().waiting < MAX_WAITING
    }
}

impl Line {
    /// One thread of a pipeline that keeps order by key.
    pub(super) async fn work_in_order(&self, order: &Order) {
        let mut sends: FuturesUnordered<BoxFuture<'_, ()>> = FuturesUnordered::new();
        let mut bench = self.bench();
        loop {
            let job = tokio::select! {
                biased;
                Some(()) = sends.next(), if !sends.is_empty() => continue,
                job = self.next_job(order) => job,
            };
            let Some(Job {
                key,
                transaction,
                attempts,
            }) = job
            else {
                break;
            };
            let flight = self.process_job(transaction, &mut bench, &mut sends).await;
            let mut send = self.deliver_job(order, flight, key, attempts).boxed();
            if futures::poll!(&mut send).is_pending() {
                sends.push(send);
            }
            tokio::task::yield_now().await;
        }
        while let Some(()) = sends.next().await {}
    }

    /// The next transaction whose turn it is; none at the end. Dropping the future loses nothing.
    async fn next_job(&self, order: &Order) -> Option<Job> {
        loop {
            let changed = order.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            if let Some(job) = order.ready() {
                return Some(job);
            }
            tokio::select! {
                biased;
                () = &mut changed => {}
                run = self.take_some(), if order.has_room() => match run {
                    Some(run) => {
                        run.into_iter().for_each(|t| order.add(t));
                        order.changed.notify_waiters();
                    }
                    None if order.is_idle() => {
                        order.changed.notify_waiters();
                        return None;
                    }
                    None => changed.await,
                },
            }
        }
    }

    async fn process_job(
        &self,
        transaction: Transaction,
        bench: &mut Bench,
        sends: &mut FuturesUnordered<BoxFuture<'_, ()>>,
    ) -> Flight<Transaction> {
        let batch = transaction.batch.clone();
        let mut processing =
            std::pin::pin!(self.process(std::iter::once((batch, transaction)), bench));
        loop {
            tokio::select! {
                biased;
                flight = &mut processing => return flight,
                Some(()) = sends.next(), if !sends.is_empty() => {}
            }
        }
    }

    async fn deliver_job(
        &self,
        order: &Order,
        flight: Flight<Transaction>,
        key: Key,
        attempts: u32,
    ) {
        let answered: Vec<(Transaction, Answer)> = self.send(flight).await;
        for (mut transaction, answer) in answered {
            match answer {
                Err(error) if transaction.ack.is_replayed() => {
                    transaction.batch.retain(|m| error.covers(m));
                    if transaction.batch.is_empty() {
                        transaction.ack.answer(Ok(()));
                        break;
                    }
                    tokio::time::sleep(replay_wait(attempts + 1)).await;
                    order.again(Job {
                        key,
                        transaction,
                        attempts: attempts + 1,
                    });
                    return;
                }
                answer => transaction.ack.answer(answer),
            }
        }
        order.done(key);
    }
}
