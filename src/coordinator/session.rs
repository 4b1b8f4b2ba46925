//! The gRPC service that workers dial: messages become events of the loop, and its answers messages.

use std::{
    collections::BTreeMap,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use futures::channel::mpsc::{self, Receiver};
use tokio::sync::oneshot;
use tonic::{Request, Response, Status, Streaming};

use super::event::Event;
use crate::{
    cluster::{
        Heartbeat, Hello, Report,
        worker::{Lifetime, Load},
    },
    ids::{AssignmentId, Epoch, Generation, ShardId, StreamName, Term},
    proto::{self, coordinator_server::Coordinator},
};

/// Messages that may wait for a worker to read them.
const DOWN_CAPACITY: usize = 16;

/// Labels that a worker may have, and the bytes of each.
const MAX_LABELS: usize = 100;
const MAX_LABEL_BYTES: usize = 1_000;

#[derive(Clone)]
pub(super) struct Service {
    events: tokio::sync::mpsc::Sender<Event>,
    next: Arc<AtomicU64>,
}

impl Service {
    pub(super) fn new(events: tokio::sync::mpsc::Sender<Event>) -> Self {
        Self {
            events,
            next: Arc::default(),
        }
    }
}

#[tonic::async_trait]
impl Coordinator for Service {
    type SessionStream = Pin<Box<Receiver<Result<proto::Down, Status>>>>;

    async fn register(
        &self,
        request: Request<proto::Hello>,
    ) -> Result<Response<proto::Welcome>, Status> {
        let hello = hello(request.into_inner()).map_err(Status::invalid_argument)?;
        let (reply, answer) = oneshot::channel();
        let sent = self.events.send(Event::Register(hello, reply)).await;
        match (sent, answer.await) {
            (Ok(()), Ok(welcome)) => Ok(Response::new(welcome)),
            _ => Err(Status::unavailable("the coordinator does not lead now")),
        }
    }

    async fn session(
        &self,
        request: Request<Streaming<proto::Up>>,
    ) -> Result<Response<Self::SessionStream>, Status> {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let mut ups = request.into_inner();
        let (down, downs) = mpsc::channel(DOWN_CAPACITY);
        let events = self.events.clone();
        tokio::spawn(async move {
            if events.send(Event::Opened(id, down)).await.is_err() {
                return;
            }
            while let Ok(Some(up)) = ups.message().await {
                if events.send(Event::Up(id, up)).await.is_err() {
                    return;
                }
            }
            let _ = events.send(Event::Broke(id)).await;
        });
        Ok(Response::new(Box::pin(downs)))
    }
}

fn hello(hello: proto::Hello) -> Result<Hello, String> {
    let is_long = |(key, value): (&String, &String)| key.len() + value.len() > MAX_LABEL_BYTES;
    if hello.labels.len() > MAX_LABELS || hello.labels.iter().any(is_long) {
        return Err(format!(
            "a worker may have {MAX_LABELS} labels of {MAX_LABEL_BYTES} bytes"
        ));
    }
    if hello.address.len() > 300 || hello.version.len() > 300 {
        return Err("a worker's address or version is longer than 300 bytes".to_owned());
    }
    Ok(Hello {
        id: hello.worker.parse().map_err(text)?,
        incarnation: hello.incarnation.parse().map_err(text)?,
        address: hello.address,
        labels: hello.labels.into_iter().collect::<BTreeMap<_, _>>(),
        max_streams: hello.max_streams,
        weight: hello.weight,
        limits: Lifetime {
            max_assignments: hello.max_assignments,
            max_age_ms: hello.max_age_ms,
        },
        version: hello.version,
    })
}

pub(super) fn heartbeat(heartbeat: &proto::Heartbeat) -> Result<Heartbeat, String> {
    Ok(Heartbeat {
        worker: heartbeat.worker.parse().map_err(text)?,
        incarnation: heartbeat.incarnation.parse().map_err(text)?,
        applied: heartbeat
            .applied
            .as_ref()
            .map_or_else(Generation::default, |g| Generation {
                term: Term(g.term),
                number: g.number,
            }),
        leaving: heartbeat.leaving.clone(),
        reports: heartbeat
            .reports
            .iter()
            .map(report)
            .collect::<Result<_, _>>()?,
        load: Load {
            cpu: heartbeat.cpu,
            memory_bytes: heartbeat.memory_bytes,
            backlog: heartbeat.backlog,
        },
    })
}

fn report(report: &proto::Report) -> Result<Report, String> {
    let assignment = report
        .assignment
        .as_ref()
        .ok_or("a report names no assignment")?;
    Ok(Report {
        assignment: AssignmentId {
            shard: ShardId::new(
                StreamName::new(&assignment.stream).map_err(text)?,
                assignment.shard,
            ),
            epoch: Epoch(assignment.epoch),
        },
        state: report.state.parse().map_err(text)?,
        reason: report.reason.clone(),
        failure: report
            .failure
            .as_ref()
            .map(|f| f.parse())
            .transpose()
            .map_err(text)?,
        backlog: report.backlog,
    })
}

fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}
