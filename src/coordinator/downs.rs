//! Messages on their way from the loop to the sessions.
//!
//! They all go through one queue. Only the first of a batch then wakes up the thread that the sessions are on, which deals them out without
//! leaving it; each waking it up by itself would cost a system call for every answer to a heartbeat.

use futures::stream::{self, BoxStream, StreamExt};
use tokio::sync::mpsc;
use tonic::Status;

use super::event::{Event, SessionId};
use crate::proto;

/// Messages that may wait for a worker to read them.
const OF_A_SESSION: usize = 16;

/// Messages that may wait to be dealt out: some for each worker of the largest clusters.
const OF_ALL: usize = 65_536;

type Message = Result<proto::Down, Status>;

/// Where messages to a worker go. Its session ends when this is dropped and all that was sent is read.
pub(super) struct DownSender {
    id: SessionId,
    session: mpsc::Sender<Message>,
    queue: mpsc::Sender<Outgoing>,
}

struct Outgoing {
    id: SessionId,
    session: mpsc::Sender<Message>,
    down: proto::Down,
}

impl DownSender {
    /// Says whether the message is on its way. If it turns out later that the worker doesn't read, [`Event::Broke`] tells.
    pub(super) fn send(&self, down: proto::Down) -> bool {
        let outgoing = Outgoing {
            id: self.id,
            session: self.session.clone(),
            down,
        };
        !self.session.is_closed() && self.queue.try_send(outgoing).is_ok()
    }
}

/// The queue's end at the sessions.
#[derive(Clone)]
pub(super) struct Downs(mpsc::Sender<Outgoing>);

impl Downs {
    /// The queue, and what deals its messages out for as long as it is polled.
    pub(super) fn new(events: mpsc::Sender<Event>) -> (Downs, impl Future<Output = ()>) {
        let (queue, mut outgoing) = mpsc::channel::<Outgoing>(OF_ALL);
        let deal_out = async move {
            while let Some(Outgoing { id, session, down }) = outgoing.recv().await {
                if session.try_send(Ok(down)).is_err() {
                    let _ = events.send(Event::Broke(id)).await;
                }
            }
        };
        (Downs(queue), deal_out)
    }

    /// What a further session is told.
    pub(super) fn open(&self, id: SessionId) -> (DownSender, BoxStream<'static, Message>) {
        let (session, mut downs) = mpsc::channel(OF_A_SESSION);
        let queue = self.0.clone();
        let sender = DownSender { id, session, queue };
        (
            sender,
            stream::poll_fn(move |cx| downs.poll_recv(cx)).boxed(),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_was_sent_is_read_before_a_session_ends() {
        let (events, _events) = mpsc::channel(1);
        let (downs, deal_out) = Downs::new(events);
        let (sender, session) = downs.open(7);
        assert!(sender.send(proto::Down::default()));
        assert!(sender.send(proto::Down::default()));
        drop((sender, downs));
        deal_out.await;
        assert_eq!(session.count().await, 2);
    }

    #[tokio::test]
    async fn a_session_that_is_not_read_is_told_as_broken_and_one_that_has_ended_takes_nothing() {
        let (events, mut told) = mpsc::channel(1);
        let (downs, deal_out) = Downs::new(events);
        let (sender, session) = downs.open(7);
        for _ in 0..=OF_A_SESSION {
            assert!(sender.send(proto::Down::default()));
        }
        tokio::spawn(deal_out);
        assert!(matches!(told.recv().await, Some(Event::Broke(7))));
        drop(session);
        assert!(!sender.send(proto::Down::default()));
    }
}
