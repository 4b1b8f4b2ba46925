//! The gRPC service that workers dial: messages become events of the loop, and its answers messages.
//!
//! It has a thread of its own: no heartbeat waits behind a request to the API, and no message wakes up a second thread on its way from
//! the socket to the loop's queue.

use std::{
    collections::BTreeMap,
    net::TcpListener,
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use anyhow::Context as _;
use futures::stream::BoxStream;
use tokio::sync::{oneshot, watch};
use tonic::{
    Request, Response, Status, Streaming,
    transport::{Server, server::TcpIncoming},
};

use super::{downs::Downs, event::Event};
use crate::{
    cluster::{
        Heartbeat, Hello, Report,
        worker::{Lifetime, Load},
    },
    ids::{AssignmentId, Epoch, Generation, ShardId, StreamName, Term},
    proto::{
        self,
        coordinator_server::{Coordinator, CoordinatorServer},
    },
};

/// How long open calls may take to end when the coordinator stops.
const CLOSE_TIMEOUT: Duration = Duration::from_millis(500);

/// Labels that a worker may have, and the bytes of each.
const MAX_LABELS: usize = 100;
const MAX_LABEL_BYTES: usize = 1_000;

/// From so many sessions on, heartbeats come in so often that they may wait for each other.
pub(super) const MANY: usize = 200;

/// For how long what comes in over many sessions is left to gather before the thread looks at it: to wake up costs more than to deal with
/// a heartbeat.
const PAUSE: Duration = Duration::from_millis(16);

/// How many sessions there are.
#[derive(Clone, Default)]
struct Crowd(Arc<AtomicUsize>);

impl Crowd {
    /// Whether there are so many that a message may wait for others.
    fn is_large(&self) -> bool {
        self.0.load(Ordering::Relaxed) >= MANY
    }

    fn enter(&self) -> Present {
        self.0.fetch_add(1, Ordering::Relaxed);
        Present(self.clone())
    }
}

/// One of a crowd, until it is dropped.
struct Present(Crowd);

impl Drop for Present {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[derive(Clone)]
struct Service {
    events: tokio::sync::mpsc::Sender<Event>,
    downs: Downs,
    next: Arc<AtomicU64>,
    crowd: Crowd,
}

impl Service {
    fn new(events: tokio::sync::mpsc::Sender<Event>, downs: Downs, crowd: Crowd) -> Self {
        Self {
            events,
            downs,
            next: Arc::default(),
            crowd,
        }
    }

    /// Serves until `closed`, and for `CLOSE_TIMEOUT` more until open calls have ended.
    async fn serve(
        self,
        listener: TcpListener,
        closed: watch::Receiver<bool>,
    ) -> anyhow::Result<()> {
        let wait = |mut closed: watch::Receiver<bool>| async move {
            let _ = closed.wait_for(|closed| *closed).await;
        };
        let service = CoordinatorServer::new(self)
            .max_decoding_message_size(proto::MAX_MESSAGE_BYTES)
            .max_encoding_message_size(proto::MAX_MESSAGE_BYTES);
        let (_, health) = tonic_health::server::health_reporter();
        let incoming = TcpIncoming::from(tokio::net::TcpListener::from_std(listener)?);
        let serving = Server::builder()
            .http2_keepalive_interval(Some(Duration::from_secs(10)))
            .http2_keepalive_timeout(Some(Duration::from_secs(5)))
            .add_service(service)
            .add_service(health)
            .serve_with_incoming_shutdown(incoming.with_nodelay(Some(true)), wait(closed.clone()));
        let cut_off = async {
            wait(closed).await;
            tokio::time::sleep(CLOSE_TIMEOUT).await;
        };
        tokio::select! {
            served = serving => Ok(served?),
            () = cut_off => Ok(()),
        }
    }
}

/// Serves on a thread of its own; what it gives back ends when it has ended, after `closed`.
pub(super) fn serve(
    listener: TcpListener,
    events: tokio::sync::mpsc::Sender<Event>,
    closed: watch::Receiver<bool>,
) -> anyhow::Result<oneshot::Receiver<anyhow::Result<()>>> {
    let crowd = Crowd::default();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .on_thread_park({
            let crowd = crowd.clone();
            move || {
                if crowd.is_large() {
                    std::thread::sleep(PAUSE);
                }
            }
        })
        .build()
        .context("start the runtime of the gRPC server")?;
    let (done, ended) = oneshot::channel();
    std::thread::Builder::new()
        .name("grpc".to_owned())
        .spawn(move || {
            let (downs, deal_out) = Downs::new(events.clone());
            runtime.spawn(deal_out);
            let service = Service::new(events, downs, crowd);
            let served = runtime.block_on(service.serve(listener, closed));
            // Sessions that are still open end here.
            drop(runtime);
            let _ = done.send(served);
        })
        .context("start the thread of the gRPC server")?;
    Ok(ended)
}

#[tonic::async_trait]
impl Coordinator for Service {
    type SessionStream = BoxStream<'static, Result<proto::Down, Status>>;

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
        let (down, downs) = self.downs.open(id);
        let events = self.events.clone();
        let present = self.crowd.enter();
        tokio::spawn(async move {
            let _present = present;
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
        Ok(Response::new(downs))
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
