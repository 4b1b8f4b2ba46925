//! How a process is asked to stop: softly first, then at once.

use tokio_util::sync::CancellationToken;

/// A request to stop; cloning shares it.
///
/// Softly means: hand over, finish what was begun, say goodbye. At once means: stop where you are. A process that stops at once
/// is stopping softly too.
#[derive(Clone, Debug, Default)]
pub struct Shutdown {
    soft: CancellationToken,
    hard: CancellationToken,
}

impl Shutdown {
    pub fn new() -> Self {
        Self::default()
    }

    /// A request that the first SIGTERM or SIGINT makes softly, and a second one at once. Needs a runtime.
    pub fn on_signals() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let shutdown = Self::new();
        let requested = shutdown.clone();
        tokio::spawn(async move {
            loop {
                tokio::select! {
                    _ = terminate.recv() => {}
                    _ = interrupt.recv() => {}
                }
                match requested.is_soft() {
                    true => requested.stop_at_once(),
                    false => requested.stop(),
                }
            }
        });
        Ok(shutdown)
    }

    /// Asks to stop softly.
    pub fn stop(&self) {
        self.soft.cancel();
    }

    /// Asks to stop at once.
    pub fn stop_at_once(&self) {
        self.soft.cancel();
        self.hard.cancel();
    }

    /// Whether stopping was asked for, in either way.
    pub fn is_soft(&self) -> bool {
        self.soft.is_cancelled()
    }

    /// Waits until stopping is asked for, in either way.
    pub async fn soft(&self) {
        self.soft.cancelled().await;
    }

    /// Waits until stopping at once is asked for.
    pub async fn hard(&self) {
        self.hard.cancelled().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn stopping_at_once_is_stopping_too() {
        let shutdown = Shutdown::new();
        assert!(!shutdown.is_soft());
        shutdown.clone().stop_at_once();
        shutdown.soft().await;
        shutdown.hard().await;
    }
}
