//! Components that do what a test tells them, put into a config in the place of real ones.

use airtruct::component::{
    Ack, AckSink, Answer, BatchPolicy, BuildInput, BuildOutput, BuildProcessor, Component, Context,
    Input, Output, Process, Processor, ReadError, Reader, Run, Transaction, WriteError, Writer,
};
use airtruct::config::Place;
use airtruct::engine::config::{Checks, StreamConfig, read};
use airtruct::engine::{Services, Stream};
use airtruct::message::{Batch, Message};
use async_trait::async_trait;
use parking_lot::Mutex;
use std::{
    collections::{HashMap, VecDeque},
    fmt,
    sync::Arc,
};
use tokio::sync::Notify;

/// A config with nothing in it but what a test puts there.
pub fn empty_config(text: &str) -> StreamConfig {
    let environment = Default::default();
    let reading = read(
        &format!("input: {{stdin: {{}}}}\noutput: {{drop: {{}}}}\n{text}"),
        &Checks::new(&environment, &|_| None),
    );
    let faults = reading.error_text();
    reading.config.unwrap_or_else(|| panic!("{faults:?}"))
}

pub fn start(config: &StreamConfig) -> Stream {
    Stream::start_config("test", config, Services::default()).unwrap_or_else(|e| panic!("{e}"))
}

fn component<B: ?Sized>(path: &str, config: Arc<B>) -> Component<B> {
    Component {
        name: "scripted",
        label: String::new(),
        path: path.into(),
        place: Place::default(),
        config,
        processors: Vec::new(),
        renames: Vec::new(),
    }
}

pub fn text(message: &Message) -> String {
    String::from_utf8_lossy(message.bytes()).into_owned()
}

/// Batches of texts as messages.
pub fn batch<'t>(texts: impl IntoIterator<Item = &'t str>) -> Batch {
    let message = |t: &str| Message::new(t.as_bytes().to_vec());
    texts.into_iter().map(message).collect()
}

// ---- input ----

/// Hands out runs of batches, and keeps the answers that its source gets.
#[derive(Clone)]
pub struct Script {
    pub runs: Arc<Mutex<VecDeque<Vec<Batch>>>>,
    pub answers: Arc<Answers>,
    pub auto_replay: bool,
    /// Whether the input goes on without messages once the runs are used up.
    pub endless: bool,
}

/// What the source was told about each of its transactions, by number.
#[derive(Default)]
pub struct Answers {
    given: Mutex<HashMap<u64, Vec<Answer>>>,
    handed_out: Mutex<u64>,
    check: Mutex<Option<Box<Check>>>,
    early: Mutex<usize>,
    changed: Notify,
}

type Check = dyn Fn(u64) -> bool + Send + Sync;

impl AckSink for Answers {
    fn answer(&self, token: u64, answer: Answer) {
        if let Some(check) = &*self.check.lock()
            && answer.is_ok()
            && !check(token)
        {
            *self.early.lock() += 1;
        }
        self.given.lock().entry(token).or_default().push(answer);
        self.changed.notify_waiters();
    }
}

impl Answers {
    pub fn of(&self, token: u64) -> Vec<Answer> {
        self.given.lock().get(&token).cloned().unwrap_or_default()
    }

    /// Asks, each time that the source is told of a success, whether that is true.
    pub fn check_each(&self, check: impl Fn(u64) -> bool + Send + Sync + 'static) {
        *self.check.lock() = Some(Box::new(check));
    }

    /// How often it was not.
    pub fn early(&self) -> usize {
        *self.early.lock()
    }

    pub fn handed_out(&self) -> u64 {
        *self.handed_out.lock()
    }

    pub fn count(&self) -> usize {
        self.given.lock().values().map(Vec::len).sum()
    }
}

impl fmt::Debug for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Script")
    }
}

impl Script {
    pub fn new(runs: Vec<Vec<Batch>>) -> Script {
        Script {
            runs: Arc::new(Mutex::new(runs.into())),
            answers: Arc::default(),
            auto_replay: true,
            endless: false,
        }
    }

    /// Puts it into a config.
    pub fn put(&self, config: &mut StreamConfig) {
        config.input = component("root.input", Arc::new(self.clone()) as Arc<dyn BuildInput>);
    }
}

impl BuildInput for Script {
    fn build(&self, _: &Context) -> anyhow::Result<Input> {
        Ok(Input::Reader {
            reader: Box::new(self.clone()),
            auto_replay: self.auto_replay,
        })
    }
}

#[async_trait]
impl Reader for Script {
    async fn connect(&mut self) -> anyhow::Result<()> {
        Ok(())
    }

    async fn read(&mut self) -> Result<Run, ReadError> {
        let Some(batches) = self.runs.lock().pop_front() else {
            if self.endless {
                return std::future::pending().await;
            }
            return Err(ReadError::End);
        };
        let mut handed_out = self.answers.handed_out.lock();
        let transaction = |batch| {
            let ack = Ack::source(self.answers.clone(), *handed_out);
            *handed_out += 1;
            Transaction { batch, ack }
        };
        Ok(batches.into_iter().map(transaction).collect())
    }
}

// ---- output ----

type Verdict = dyn Fn(&[Message], usize) -> Result<(), WriteError> + Send + Sync;

/// Keeps what is written to it, and answers as a test says: by the batch, and how many writes there were before.
#[derive(Clone)]
pub struct Record {
    pub written: Arc<Mutex<Vec<Vec<String>>>>,
    pub attempts: Arc<Mutex<usize>>,
    verdict: Arc<Verdict>,
    pub max_in_flight: usize,
    /// Batches grow to so many messages before they are written; 0 for as they come.
    pub batch_count: usize,
    /// Nothing is written while this is held.
    pub gate: Arc<tokio::sync::Mutex<()>>,
}

impl fmt::Debug for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Record")
    }
}

impl Record {
    pub fn new(
        verdict: impl Fn(&[Message], usize) -> Result<(), WriteError> + Send + Sync + 'static,
    ) -> Record {
        Record {
            written: Arc::default(),
            attempts: Arc::default(),
            verdict: Arc::new(verdict),
            max_in_flight: 1,
            batch_count: 0,
            gate: Arc::default(),
        }
    }

    pub fn put(&self, config: &mut StreamConfig) {
        config.output = component(
            "root.output",
            Arc::new(self.clone()) as Arc<dyn BuildOutput>,
        );
    }

    /// Every message that was written, in order.
    pub fn messages(&self) -> Vec<String> {
        self.written.lock().concat()
    }
}

impl BuildOutput for Record {
    fn build(&self, _: &Context) -> anyhow::Result<Output> {
        let policy = BatchPolicy {
            count: self.batch_count,
            byte_size: 0,
            period: Default::default(),
            jitter: 0.0,
            check: None,
            processors: Vec::new(),
        };
        Ok(Output::Writer {
            writer: Box::new(self.clone()),
            max_in_flight: self.max_in_flight,
            batching: Some(policy),
        })
    }
}

#[async_trait]
impl Writer for Record {
    async fn connect(&self) -> anyhow::Result<()> {
        Ok(())
    }

    async fn write(&self, batch: &[Message]) -> Result<(), WriteError> {
        let _open = self.gate.lock().await;
        let attempt = {
            let mut attempts = self.attempts.lock();
            *attempts += 1;
            *attempts - 1
        };
        let verdict = (self.verdict)(batch, attempt);
        let is_here = |m: &&Message| match &verdict {
            Ok(()) => true,
            Err(WriteError::Failed(error)) => !error.covers(m),
            Err(WriteError::NotConnected) => false,
        };
        let arrived = batch.iter().filter(is_here).map(text);
        let arrived: Vec<String> = arrived.collect();
        if !arrived.is_empty() {
            self.written.lock().push(arrived);
        }
        verdict
    }
}

// ---- processors ----

/// A processor that is a function.
#[derive(Clone)]
pub struct Step(Arc<Function>);

type Function = dyn Fn(Batch, &mut Vec<Batch>) + Send + Sync;

impl fmt::Debug for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Step")
    }
}

impl Step {
    pub fn new(step: impl Fn(Batch, &mut Vec<Batch>) + Send + Sync + 'static) -> Step {
        Step(Arc::new(step))
    }

    /// Adds it to a config's pipeline.
    pub fn put(&self, config: &mut StreamConfig) {
        let processor = Arc::new(self.clone()) as Arc<dyn BuildProcessor>;
        let processors = &mut config.pipeline.processors;
        let path = format!("root.pipeline.processors.{}", processors.len());
        processors.push(component(&path, processor));
    }
}

impl BuildProcessor for Step {
    fn build(&self, _: &Context) -> anyhow::Result<Processor> {
        Ok(Processor::Sync(Box::new(self.clone())))
    }
}

impl Process for Step {
    fn process(&self, batch: Batch, out: &mut Vec<Batch>) {
        (self.0)(batch, out);
    }
}
