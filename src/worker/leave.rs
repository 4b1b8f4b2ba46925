//! How a worker goes: it hands over, tells what ended, says goodbye.

use std::time::Duration;

use tokio::sync::mpsc;

use super::agent::{ALONE_MS, Agent, Event, Leaving, Next};
use crate::{
    cluster::{Time, history::Event as Recorded},
    engine::boottime_ms,
    proto::{self, Up},
};

/// How long a goodbye may take to be heard.
const GOODBYE_TIMEOUT: Duration = Duration::from_secs(1);

impl Agent {
    pub(super) fn leave(&mut self, reason: &str) {
        tracing::info!(
            "leaving: {reason}; handing over {} streams",
            self.slots.len()
        );
        let now = Time(boottime_ms());
        self.leaving = Some(Leaving {
            reason: reason.to_owned(),
            since: now,
            drains_itself: false,
        });
        self.next_heartbeat = now;
    }

    /// While leaving: whether all is done; and draining by itself if nobody tells it to.
    pub(super) fn leave_if_done(&mut self, now: Time) -> Option<Next> {
        let leaving = self.leaving.as_mut()?;
        let is_alone =
            self.session.is_none() && now >= leaving.since.max(self.alone_since).plus(ALONE_MS);
        if is_alone && !std::mem::replace(&mut leaving.drains_itself, true) {
            let until = leaving.since.plus(self.drain_ms);
            for slot in self.slots.values_mut() {
                slot.drain(until, &self.routes);
            }
        }
        if self.slots.values().all(|slot| slot.state.is_over()) {
            // What ended is told before the goodbye, in order.
            self.heartbeat(now);
            return Some(Next::Leave);
        }
        if now >= leaving.since.plus(self.drain_ms) {
            tracing::warn!("not everything could be handed over in time, the rest is cut off");
            return Some(Next::Leave);
        }
        None
    }

    pub(super) fn abort_all(&mut self) {
        for slot in self.slots.values_mut() {
            slot.abort();
        }
        self.lease.revoke();
    }

    /// Notes that the process goes, and acts no more.
    pub(super) fn note_end(&self, reason: &str) {
        self.shared
            .history
            .note(Time(boottime_ms()), || Recorded::WorkerDown {
                reason: reason.to_owned(),
            });
    }

    /// Says goodbye, and waits a moment for it to be heard.
    pub(super) async fn goodbye(&mut self, events: &mut mpsc::Receiver<Event>) {
        let Some(mut session) = self.session.take() else {
            return;
        };
        let goodbye = proto::Goodbye {
            worker: self.id.to_string(),
            incarnation: self.incarnation.to_string(),
        };
        let up = Up {
            message: Some(proto::up::Message::Goodbye(goodbye)),
        };
        if session.ups.try_send(up).is_err() {
            return;
        }
        drop(session.ups);
        let heard = async {
            while let Some(event) = events.recv().await {
                if matches!(event, Event::Broke) {
                    break;
                }
            }
        };
        let _ = tokio::time::timeout(GOODBYE_TIMEOUT, heard).await;
    }
}
