//! How much is under way in a stream, and whether there is room for more.
//!
//! Nobody reads while writes already queue at an output ([`Pressure::room`]): an output that is down stops the input. What grows
//! in a batch doesn't queue, so that batches can be larger than any queue; their bytes are bounded by the budget
//! ([`Pressure::budget`]). Where everything under way only waits for more of its kind, batches go on as they are.

use crate::component::Hurry;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use tokio::sync::Notify;

/// How many sends may be under way that aren't part of a growing batch.
const MAX_SENDS: usize = 1024;

pub(crate) struct Pressure {
    /// Writes that wait for their turn at an output.
    queued: AtomicUsize,
    /// Runs on their way through the output.
    sends: AtomicUsize,
    /// Of these, those in batches that still grow.
    growing: AtomicUsize,
    bytes: AtomicUsize,
    /// Batches that were read and are not answered.
    open: AtomicUsize,
    max_bytes: usize,
    max_queued: usize,
    eased: Notify,
    hurry: Hurry,
}

/// Counts one thing while it lasts.
pub(crate) struct Count<'p>(&'p Pressure, &'p AtomicUsize);

impl Drop for Count<'_> {
    fn drop(&mut self) {
        self.1.fetch_sub(1, Relaxed);
        self.0.eased.notify_waiters();
    }
}

impl Pressure {
    pub fn new(max_bytes: usize, max_queued: usize, hurry: Hurry) -> Pressure {
        Pressure {
            queued: AtomicUsize::new(0),
            sends: AtomicUsize::new(0),
            growing: AtomicUsize::new(0),
            bytes: AtomicUsize::new(0),
            open: AtomicUsize::new(0),
            max_bytes,
            max_queued,
            eased: Notify::new(),
            hurry,
        }
    }

    pub fn queue(&self) -> Count<'_> {
        self.count(&self.queued)
    }

    pub fn send(&self) -> Count<'_> {
        self.count(&self.sends)
    }

    /// One more send waits in a growing batch.
    pub fn grows(&self) {
        self.growing.fetch_add(1, Relaxed);
        self.eased.notify_waiters();
    }

    /// The batch that so many sends waited in is complete.
    pub fn grown(&self, sends: usize) {
        self.growing.fetch_sub(sends, Relaxed);
    }

    fn count<'p>(&'p self, what: &'p AtomicUsize) -> Count<'p> {
        what.fetch_add(1, Relaxed);
        Count(self, what)
    }

    /// So many batches, of so many bytes, were read.
    pub fn enter(&self, batches: usize, bytes: usize) {
        self.open.fetch_add(batches, Relaxed);
        self.bytes.fetch_add(bytes, Relaxed);
    }

    /// How many batches were read and are not answered.
    pub fn open(&self) -> usize {
        self.open.load(Relaxed)
    }

    /// So many batches, of so many bytes, were answered.
    pub fn settle(&self, batches: usize, bytes: usize) {
        self.open.fetch_sub(batches, Relaxed);
        let before = self.bytes.fetch_sub(bytes, Relaxed);
        if before >= self.max_bytes {
            self.eased.notify_waiters();
        }
    }

    /// Waits until more may be handed to the output.
    pub async fn room(&self) {
        self.until(|| {
            self.queued.load(Relaxed) < self.max_queued
                && self.sends.load(Relaxed) < MAX_SENDS + self.growing.load(Relaxed)
        })
        .await;
    }

    /// Waits until more bytes may be under way.
    pub async fn budget(&self) {
        if self.bytes.load(Relaxed) < self.max_bytes {
            return;
        }
        let has_room = || self.bytes.load(Relaxed) < self.max_bytes;
        self.until(|| has_room() || self.is_growing_only()).await;
        if !has_room() {
            let _hurry = self.hurry.begin();
            self.until(has_room).await;
        }
    }

    fn is_growing_only(&self) -> bool {
        self.sends.load(Relaxed) <= self.growing.load(Relaxed)
    }

    async fn until(&self, is_so: impl Fn() -> bool) {
        loop {
            if is_so() {
                return;
            }
            let eased = self.eased.notified();
            tokio::pin!(eased);
            eased.as_mut().enable();
            if is_so() {
                return;
            }
            eased.await;
        }
    }
}
