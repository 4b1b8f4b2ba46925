//! From following to leading and back, for as long as the process lives.
//!
//! With SQLite there is one coordinator, and it leads as soon as it has begun a term. With PostgreSQL it leads when the row of the leader
//! is free or has stood still for a leader's whole lease, by this process's own clock.

use std::time::Duration;

use tokio::sync::{mpsc, watch};

use super::{
    Role,
    clock::Clock,
    event::Event,
    lead::{Halt, Leader},
    measure::Measures,
    secrets::Secrets,
};
use crate::{
    cluster::{Policy, Time, history::Event as Recorded},
    engine::boottime_ms,
    history::History,
    ids::Term,
    proto,
    store::{self, Leadership, Me, Store},
    tasks::Shutdown,
};

/// What a coordinator has for its whole life.
pub(super) struct Context {
    pub(super) store: Store,
    pub(super) clock: Clock,
    pub(super) policy: Policy,
    pub(super) secrets: Secrets,
    pub(super) me: Me,
    pub(super) role: watch::Sender<Role>,
    pub(super) changes: watch::Sender<u64>,
    pub(super) measures: Measures,
    /// For tasks that have something to tell the loop.
    pub(super) events: mpsc::Sender<Event>,
    pub(super) max_events: u64,
    pub(super) max_revisions: u64,
    pub(super) history: History,
    pub(super) shutdown: Shutdown,
}

/// How often a follower looks at who leads.
const WATCH_EVERY: Duration = Duration::from_millis(200);

impl Context {
    /// For how long a leader leads after it has shown that it does.
    pub(super) fn leader_lease_ms(&self) -> u64 {
        self.policy.lease_ms
    }

    /// Leads whenever it can, until it is asked to stop.
    pub(super) async fn run(self, mut events: mpsc::Receiver<Event>) -> anyhow::Result<()> {
        while let Some((term, until)) = self.campaign(&mut events).await {
            tracing::info!(%term, "leading");
            self.note(|| Recorded::Lead { term });
            let halt = match Leader::begin(&self, term, until).await {
                Ok(mut leader) => leader.run(&mut events).await,
                Err(halt) => halt,
            };
            self.set_role(Role::Starting);
            self.note(|| Recorded::Deposed {
                term,
                reason: match &halt {
                    Halt::Stopped => "it was asked to stop".to_owned(),
                    Halt::Deposed(why) => why.clone(),
                },
            });
            match halt {
                Halt::Stopped => {
                    if self.store.is_shared()
                        && let Err(error) = self.store.resign(term).await
                    {
                        tracing::warn!(
                            "the lead could not be given back, another takes it when it has stood still: {error}"
                        );
                    }
                    break;
                }
                Halt::Deposed(why) => tracing::warn!(%term, "leading no more: {why}"),
            }
        }
        self.set_role(Role::Stopped);
        Ok(())
    }

    /// Waits until this coordinator leads, and answers meanwhile that it does not. None if it is asked to stop first. The time is
    /// until when it leads, without showing that it does again.
    async fn campaign(&self, events: &mut mpsc::Receiver<Event>) -> Option<(Term, Time)> {
        let mut seen: Option<(Leadership, Time)> = None;
        loop {
            match self.in_time(self.store.leadership()).await {
                Ok(row) => {
                    let now = self.clock.now();
                    let since = match &seen {
                        Some((last, since)) if *last == row => *since,
                        _ => now,
                    };
                    if self.is_free(&row, now.since(since)) {
                        let sent = self.clock.now();
                        match self.in_time(self.store.lead(&row, &self.me)).await {
                            Ok(Some(term)) => return Some((term, self.leads_until(sent))),
                            Ok(None) => {}
                            Err(error) => tracing::warn!("the lead can't be taken: {error}"),
                        }
                    } else {
                        self.set_role(Role::Following {
                            leader: row.address.clone(),
                            leader_http: row.http.clone(),
                        });
                    }
                    seen = Some((row, since));
                }
                Err(error) => tracing::warn!("the store does not answer: {error}"),
            }
            let pause = tokio::time::sleep(WATCH_EVERY);
            tokio::pin!(pause);
            loop {
                tokio::select! {
                    biased;
                    () = self.shutdown.soft() => return None,
                    Some(event) = events.recv() => self.decline(event),
                    () = &mut pause => break,
                }
            }
        }
    }

    /// Waits for the store for as long as a leader leads without it: a connection that the network lost would be waited for until
    /// its next retransmission otherwise, which comes the later the longer it was lost.
    async fn in_time<T>(
        &self,
        work: impl Future<Output = Result<T, store::Error>>,
    ) -> anyhow::Result<T> {
        let longest = Duration::from_millis(self.leader_lease_ms());
        let done = tokio::time::timeout(longest, work).await;
        Ok(done.map_err(|_| anyhow::anyhow!("no answer for {} ms", longest.as_millis()))??)
    }

    /// Whether the lead may be taken, given for how long the row has stood still.
    fn is_free(&self, row: &Leadership, still_ms: u64) -> bool {
        !self.store.is_shared()
            || row.leader.is_none()
            // This very process led, and knows that it acts no more.
            || row.leader.as_deref() == Some(self.me.id.as_str())
            || still_ms >= self.leader_lease_ms() + self.policy.margin_ms
    }

    /// Until when it leads that showed it at `sent`.
    pub(super) fn leads_until(&self, sent: Time) -> Time {
        match self.store.is_shared() {
            true => sent.plus(self.leader_lease_ms()),
            false => Time(u64::MAX),
        }
    }

    /// Answers what only a leader can do.
    fn decline(&self, event: Event) {
        match event {
            Event::Register(_, reply) => {
                let outcome = proto::welcome::Outcome::Redirect(self.redirect());
                let _ = reply.send(proto::Welcome {
                    outcome: Some(outcome),
                });
            }
            Event::Opened(_, down) => {
                let order = proto::down::Order::Redirect(self.redirect());
                down.send(proto::Down {
                    order: Some(order),
                    ..proto::Down::default()
                });
            }
            // Whoever asks hears that nobody answers, and looks at the role.
            Event::Read(_) | Event::Edit(..) => {}
            Event::Up(..) | Event::Broke(_) | Event::Reached(..) | Event::Refused(..) => {}
        }
    }

    fn redirect(&self) -> proto::Redirect {
        let leader = match &*self.role.borrow() {
            Role::Following { leader, .. } => leader.clone(),
            Role::Starting | Role::Leading { .. } | Role::Stopped => None,
        };
        proto::Redirect { leader }
    }

    /// Notes what happens now.
    pub(super) fn note(&self, event: impl FnOnce() -> Recorded) {
        self.history.note(Time(boottime_ms()), event);
    }

    pub(super) fn set_role(&self, role: Role) {
        self.role.send_if_modified(|current| {
            let differs = *current != role;
            *current = role;
            differs
        });
    }
}
