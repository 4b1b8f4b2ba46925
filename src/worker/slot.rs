//! One assignment on this worker, from its first duty until a desired set lacks it.
//!
//! Each run of its stream has a fence of its own: what was stopped for good finds it closed for ever, however late it wakes
//! up, while a later run of the same assignment acts under a new one.

use std::sync::Arc;

use tokio::sync::{Semaphore, mpsc};
use tokio_util::sync::CancellationToken;

use super::{agent::Event, routes::Routes};
use crate::{
    cluster::{AssignmentState, FailureKind, OnPartition, Time, history::Event as Recorded},
    engine::{Fence, Outcome, Pipes, Secrets, Services, Stream, StreamSpec, boottime_ms},
    history::History,
    ids::AssignmentId,
    proto,
    telemetry::metrics::Metrics,
};

/// The longest reason that is reported, in bytes.
const MAX_REASON_BYTES: usize = 2_000;

/// What runs need of the process.
#[derive(Clone)]
pub(super) struct Shared {
    pub(super) events: mpsc::Sender<Event>,
    pub(super) pipes: Pipes,
    /// Streams are built one at a time: building may keep a thread busy.
    pub(super) building: Arc<Semaphore>,
    pub(super) history: History,
}

pub(super) struct Slot {
    pub(super) id: AssignmentId,
    spec: Arc<StreamSpec>,
    pub(super) on_partition: OnPartition,
    pub(super) goal: Goal,
    pub(super) state: AssignmentState,
    pub(super) reason: String,
    pub(super) failure: Option<FailureKind>,
    pub(super) run: Option<Run>,
    /// The run before, which may not have ended yet.
    ending: Option<Arc<Stream>>,
    runs: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Goal {
    Run,
    /// To be cut off at this time, by this worker's clock.
    Drain {
        until: Time,
    },
}

/// One run of the stream.
pub(super) struct Run {
    pub(super) number: u64,
    fence: Fence,
    pub(super) stream: Option<Arc<Stream>>,
    cancel: CancellationToken,
    was_cut: bool,
    history: History,
}

impl Slot {
    pub(super) fn new(
        id: AssignmentId,
        shards: u32,
        on_partition: OnPartition,
        definition: proto::Definition,
    ) -> Self {
        let spec = StreamSpec {
            name: id.shard.stream.to_string(),
            shard: id.shard.shard.get(),
            shards,
            epoch: id.epoch.get(),
            text: definition.config,
            secrets: Secrets(definition.secrets.into_iter().collect()),
            resources: definition.resources.into_iter().collect(),
        };
        let mut slot = Self {
            id,
            spec: Arc::new(spec),
            on_partition,
            goal: Goal::Run,
            state: AssignmentState::Starting,
            reason: "it is about to start".to_owned(),
            failure: None,
            run: None,
            ending: None,
            runs: 0,
        };
        if let Some(why) = definition.unusable {
            slot.end(AssignmentState::Failed, why, Some(FailureKind::Permanent));
        }
        slot
    }

    /// A slot for what ended before it began here.
    pub(super) fn ended(id: AssignmentId, reason: &str) -> Self {
        let mut slot = Self::new(id, 1, OnPartition::Stop, proto::Definition::default());
        slot.end(AssignmentState::Stopped, reason.to_owned(), None);
        slot
    }

    /// Whether it should run and does not.
    pub(super) fn is_idle(&self) -> bool {
        self.run.is_none() && !self.state.is_over()
    }

    /// Starts a run, under a lease that lasts until `lease_ends`.
    pub(super) fn start(&mut self, shared: &Shared, lease_ends: Time) {
        self.runs += 1;
        let number = self.runs;
        shared
            .history
            .note(Time(boottime_ms()), || Recorded::Start {
                assignment: self.id.clone(),
                run: number,
            });
        let fence = match self.on_partition {
            OnPartition::Stop => Fence::until(lease_ends.0),
            OnPartition::Continue => Fence::open(),
        };
        let shard = self.id.shard.shard.to_string();
        let labels = [
            ("stream", self.spec.name.as_str()),
            ("shard", shard.as_str()),
        ];
        let labels = labels.map(|(key, value)| (key.to_owned(), value.to_owned()));
        let cancel = CancellationToken::new();
        let begin = Begin {
            id: self.id.clone(),
            number,
            spec: self.spec.clone(),
            services: Services {
                fence: fence.clone(),
                metrics: Metrics::new(labels.to_vec(), None),
                pipes: shared.pipes.clone(),
                ..Services::default()
            },
            before: self.ending.take(),
            shared: shared.clone(),
            cancel: cancel.clone(),
        };
        tokio::spawn(begin.run());
        self.state = AssignmentState::Starting;
        self.reason = "it is being started".to_owned();
        self.run = Some(Run {
            number,
            fence,
            stream: None,
            cancel,
            was_cut: false,
            history: shared.history.clone(),
        });
    }

    /// The lease was renewed: what runs may act for longer.
    pub(super) fn renew(&self, lease_ends: Time) {
        if let (Some(run), OnPartition::Stop) = (&self.run, self.on_partition) {
            run.fence.set(lease_ends.0);
        }
    }

    /// Asks it to finish what it has read. Its routes come and go from then on.
    pub(super) fn drain(&mut self, until: Time, routes: &Routes) {
        self.goal = Goal::Drain { until };
        if self.state.is_over() {
            return;
        }
        match &self.run {
            None => self.end(AssignmentState::Stopped, "it did not run".to_owned(), None),
            Some(run) => {
                self.state = AssignmentState::Draining;
                self.reason = "it finishes what it has read".to_owned();
                routes.set_whole(&self.id, run.number, false);
                match &run.stream {
                    Some(stream) => stream.stop(),
                    None => run.cancel.cancel(),
                }
            }
        }
    }

    /// Stops what still drains after its time.
    pub(super) fn cut_off(&mut self, now: Time) {
        if let (Goal::Drain { until }, Some(run)) = (self.goal, &mut self.run)
            && until <= now
            && !std::mem::replace(&mut run.was_cut, true)
        {
            self.reason = "it took too long to finish, so it is cut off".to_owned();
            match &run.stream {
                Some(stream) => stream.stop_now(),
                None => run.cancel.cancel(),
            }
        }
    }

    /// Stops it at once; it can't act from now on.
    pub(super) fn abort(&mut self) {
        if let Some(run) = self.run.take() {
            run.fence.set(0);
            run.cancel.cancel();
            self.stopped(&run, "it was stopped at once");
            if let Some(stream) = run.stream {
                stream.stop_now();
                self.ending = Some(stream);
            }
        }
    }

    /// The lease is over: it stops at once, unless it may go on.
    pub(super) fn lapse(&mut self) {
        if self.run.is_none() || self.on_partition == OnPartition::Continue {
            return;
        }
        self.abort();
        match self.goal {
            Goal::Run => {
                self.state = AssignmentState::Starting;
                self.reason =
                    "the worker's lease ended, it starts anew when the coordinator answers"
                        .to_owned();
            }
            Goal::Drain { .. } => {
                let reason = "the worker's lease ended while it drained".to_owned();
                self.end(AssignmentState::Stopped, reason, None);
            }
        }
    }

    /// The run has been built.
    pub(super) fn started(&mut self, stream: Arc<Stream>) {
        let Some(run) = &mut self.run else {
            return;
        };
        if matches!(self.goal, Goal::Drain { .. }) {
            stream.stop();
        } else {
            self.reason = "it connects".to_owned();
        }
        run.stream = Some(stream);
    }

    /// Whether its inputs and outputs are connected; returns whether that was news.
    pub(super) fn connected(&mut self, input: bool, output: bool) -> bool {
        if self.goal != Goal::Run || self.state.is_over() {
            return false;
        }
        let (state, reason) = match (input, output) {
            (true, true) => (AssignmentState::Running, "it is connected"),
            (false, true) => (AssignmentState::Starting, "its input is not connected"),
            (true, false) => (AssignmentState::Starting, "its output is not connected"),
            (false, false) => (
                AssignmentState::Starting,
                "its input and its output are not connected",
            ),
        };
        let is_news = self.state != state || self.reason != reason;
        self.state = state;
        self.reason = reason.to_owned();
        is_news
    }

    /// The run is over.
    pub(super) fn over(&mut self, outcome: Outcome) {
        let run = self.run.take();
        let was_cut = run.as_ref().is_some_and(|run| run.was_cut);
        if let Some(run) = run {
            self.stopped(&run, &format!("{outcome:?}"));
        }
        match outcome {
            Outcome::Completed => {
                self.end(
                    AssignmentState::Completed,
                    "its input ended".to_owned(),
                    None,
                );
            }
            Outcome::Stopped if was_cut => {
                let reason =
                    "it took too long to finish; what was under way goes back to its source";
                self.end(AssignmentState::Stopped, reason.to_owned(), None);
            }
            Outcome::Stopped => {
                let reason = "everything that it read is delivered".to_owned();
                self.end(AssignmentState::Stopped, reason, None);
            }
            Outcome::Failed { reason, permanent } => {
                let kind = match permanent {
                    true => FailureKind::Permanent,
                    false => FailureKind::Transient,
                };
                self.end(AssignmentState::Failed, reason, Some(kind));
            }
        }
    }

    /// Notes that a run acts no more.
    fn stopped(&self, run: &Run, reason: &str) {
        run.history.note(Time(boottime_ms()), || Recorded::Stop {
            assignment: self.id.clone(),
            run: run.number,
            reason: shortened(reason),
        });
    }

    fn end(&mut self, state: AssignmentState, reason: String, failure: Option<FailureKind>) {
        self.state = state;
        self.reason = reason;
        self.failure = failure;
    }

    /// How much its stream has read and not yet dealt with, in batches.
    pub(super) fn backlog(&self) -> u64 {
        let run = self.run.as_ref();
        run.and_then(|run| run.stream.as_ref())
            .map_or(0, |stream| stream.backlog())
    }

    pub(super) fn report(&self) -> proto::Report {
        proto::Report {
            assignment: Some(proto::Assignment {
                stream: self.id.shard.stream.to_string(),
                shard: self.id.shard.shard.get(),
                epoch: self.id.epoch.get(),
            }),
            state: self.state.to_string(),
            reason: shortened(&self.reason),
            failure: self.failure.map(|kind| kind.to_string()),
            backlog: Some(self.backlog()),
        }
    }
}

fn shortened(reason: &str) -> String {
    match reason
        .char_indices()
        .find(|(at, _)| *at >= MAX_REASON_BYTES)
    {
        Some((at, _)) => format!("{}…", &reason[..at]),
        None => reason.to_owned(),
    }
}

/// A run, as the task that minds it has it.
struct Begin {
    id: AssignmentId,
    number: u64,
    spec: Arc<StreamSpec>,
    services: Services,
    before: Option<Arc<Stream>>,
    shared: Shared,
    cancel: CancellationToken,
}

impl Begin {
    /// Builds the stream and waits for its end. A stream that panics while it is built harms only itself.
    async fn run(self) {
        let (id, number, events) = (self.id.clone(), self.number, self.shared.events.clone());
        let outcome = match tokio::spawn(self.mind()).await {
            Ok(outcome) => outcome,
            Err(_) => Outcome::Failed {
                reason: "building the stream panicked: this is a defect of airtruct".to_owned(),
                permanent: true,
            },
        };
        let _ = events
            .send(Event::Ended {
                id,
                run: number,
                outcome,
            })
            .await;
    }

    async fn mind(self) -> Outcome {
        if let Some(before) = &self.before {
            before.wait().await;
        }
        let stream = {
            let _turn = self.shared.building.acquire().await;
            if self.cancel.is_cancelled() {
                return Outcome::Stopped;
            }
            match Stream::start(&self.spec, self.services) {
                Ok(stream) => Arc::new(stream),
                Err(error) => {
                    return Outcome::Failed {
                        reason: error.message,
                        permanent: error.permanent,
                    };
                }
            }
        };
        let (id, run) = (self.id, self.number);
        let events = self.shared.events;
        let started = Event::Started {
            id: id.clone(),
            run,
            stream: stream.clone(),
        };
        if events.send(started).await.is_err() {
            return Outcome::Stopped;
        }
        let mut connection = Connection::default();
        loop {
            tokio::select! {
                outcome = stream.wait() => return outcome,
                () = tokio::time::sleep(connection.pause()) => {}
            }
            let (input, output) = (stream.is_input_connected(), stream.is_output_connected());
            if connection.is_news(input, output) {
                let connected = Event::Connection {
                    id: id.clone(),
                    run,
                    input,
                    output,
                };
                if events.send(connected).await.is_err() {
                    return Outcome::Stopped;
                }
            }
        }
    }
}

/// Whether a stream is connected, without what lasts for a moment only.
#[derive(Default)]
struct Connection {
    told: Option<(bool, bool)>,
    /// How often in a row something else was seen.
    differed: u32,
    looks: u32,
}

impl Connection {
    /// Often in the beginning, then rarely.
    fn pause(&self) -> std::time::Duration {
        let ms = match (self.told, self.looks) {
            (Some((true, true)), _) => 500,
            (_, ..20) => 5,
            (_, ..100) => 50,
            _ => 200,
        };
        std::time::Duration::from_millis(ms)
    }

    fn is_news(&mut self, input: bool, output: bool) -> bool {
        self.looks = self.looks.saturating_add(1);
        let seen = (input, output);
        if self.told == Some(seen) {
            self.differed = 0;
            return false;
        }
        self.differed += 1;
        // Being connected is told at once, not being so when it lasts.
        let is_news = seen == (true, true) || self.differed >= 3;
        if is_news {
            self.told = Some(seen);
            self.differed = 0;
        }
        is_news
    }
}
