//! Whether what waits for company should go on alone.

use std::sync::Arc;
use tokio::sync::watch;

/// On while somebody waits until everything under way is delivered: an input at its end, a stream that drains.
///
/// Batches that are still growing go on at once then, and no new ones grow: otherwise an input would wait for its last
/// answers, and a batch for more messages, for ever.
#[derive(Clone, Debug)]
pub struct Hurry(Arc<watch::Sender<usize>>);

impl Default for Hurry {
    fn default() -> Hurry {
        Hurry(Arc::new(watch::Sender::new(0)))
    }
}

impl Hurry {
    /// Turns it on until the guard is dropped.
    pub fn begin(&self) -> HurryGuard {
        self.0.send_modify(|waiting| *waiting += 1);
        HurryGuard(self.clone())
    }

    pub fn is_on(&self) -> bool {
        *self.0.borrow() > 0
    }

    /// Waits until it is on.
    pub async fn on(&self) {
        let mut receiver = self.0.subscribe();
        // The sender is held by self, so that waiting can't fail.
        let _ = receiver.wait_for(|waiting| *waiting > 0).await;
    }
}

/// Keeps a [`Hurry`] on.
#[derive(Debug)]
pub struct HurryGuard(Hurry);

impl Drop for HurryGuard {
    fn drop(&mut self) {
        self.0.0.send_modify(|waiting| *waiting -= 1);
    }
}
