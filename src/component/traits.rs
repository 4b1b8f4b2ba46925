//! What a component does once it is built, kind by kind.

use super::{Answer, BatchError, Component, Context, Kind, Run, Spec};
use crate::message::{Batch, Message};
use crate::value::{Str, Value};
use async_trait::async_trait;
use bytes::Bytes;
use std::{fmt::Debug, sync::Arc, time::Duration};

// ---- inputs ----

/// Builds an input from its config.
pub trait BuildInput: Debug + Send + Sync {
    fn build(&self, cx: &Context) -> anyhow::Result<Input>;
}

/// What an input is.
pub enum Input {
    /// Connects and reads; the engine reconnects it and, with `auto_replay`, sends again what was not delivered.
    Reader {
        reader: Box<dyn Reader>,
        auto_replay: bool,
    },
    /// Made of other inputs, or minding its transactions itself.
    Source(Box<dyn Source>),
}

/// An input that connects to something and reads from it.
#[async_trait]
pub trait Reader: Send {
    /// Called before the first read, and again after each [`ReadError::NotConnected`].
    async fn connect(&mut self) -> anyhow::Result<()>;

    /// Whether there is a connection that can be lost, so that connecting is worth counting.
    fn has_connection(&self) -> bool {
        true
    }

    /// The next transactions, at least one. Dropping the future must not lose messages that the source won't send again.
    async fn read(&mut self) -> Result<Run, ReadError>;

    /// Called instead of [`Reader::read`] where nothing more is to be read, until there is nothing: what a source was already asked for,
    /// and won't hand out again. Asks for no more. Dropping the future must lose nothing.
    async fn rest(&mut self) -> Option<Run> {
        None
    }

    async fn close(&mut self) {}
}

/// Why a reader has no messages.
#[derive(Debug)]
pub enum ReadError {
    /// The connection is gone: connect again.
    NotConnected,
    /// There is nothing more and never will be.
    End,
    /// Reading failed; the next read may succeed.
    Failed(anyhow::Error),
}

/// A stream of transactions.
#[async_trait]
pub trait Source: Send {
    /// The next transactions, at least one; none at the end. Dropping the future loses nothing.
    async fn next(&mut self) -> Option<Run>;

    /// Lets go of what it holds. No read follows; answers to what was read may still come.
    async fn close(&mut self) {}

    /// Whether all of it is connected.
    fn is_connected(&self) -> bool {
        true
    }
}

// ---- processors ----

/// Builds a processor from its config.
pub trait BuildProcessor: Debug + Send + Sync {
    fn build(&self, cx: &Context) -> anyhow::Result<Processor>;

    /// The config, if it is a `branch`: a `workflow` takes branches apart.
    fn as_branch(&self) -> Option<&super::processors::branch::Config> {
        None
    }
}

/// What a processor is. One instance serves all threads of a pipeline.
pub enum Processor {
    /// Only computes.
    Sync(Box<dyn Process>),
    /// Waits for something: a service, a timer, a child that does.
    Async(Box<dyn ProcessAsync>),
}

/// Changes batches without waiting for anything.
///
/// A message that fails keeps the content it had and is flagged ([`Message::set_error`]) and goes on; the engine fills
/// in which component it was, counts and logs it. A batch that yields no batches is answered as delivered.
pub trait Process: Send + Sync {
    /// Puts what becomes of `batch` into `out`: any number of batches, none of them empty.
    fn process(&self, batch: Batch, out: &mut Vec<Batch>);
}

/// Changes batches, and may wait while it does. The rules of [`Process`] hold.
#[async_trait]
pub trait ProcessAsync: Send + Sync {
    async fn process(&self, batch: Batch) -> Vec<Batch>;

    async fn close(&self) {}
}

// ---- outputs ----

/// Builds an output from its config.
pub trait BuildOutput: Debug + Send + Sync {
    fn build(&self, cx: &Context) -> anyhow::Result<Output>;
}

/// What an output is.
pub enum Output {
    /// Connects and writes; the engine reconnects it, batches for it, and bounds the writes under way.
    Writer {
        writer: Box<dyn Writer>,
        max_in_flight: usize,
        batching: Option<super::BatchPolicy>,
    },
    /// Made of other outputs, or minding its transactions itself.
    Sink(Box<dyn Sink>),
}

/// An output that connects to something and writes to it.
#[async_trait]
pub trait Writer: Send + Sync {
    /// Called before the first write, and again after each [`WriteError::NotConnected`].
    async fn connect(&self) -> anyhow::Result<()>;

    /// Writes one batch: all of it, or as much as the error says.
    async fn write(&self, batch: &[Message]) -> Result<(), WriteError>;

    /// Writes several batches in order, stopping at the first that fails: the error's index counts batches. Worth having where many batches cost little
    /// more than one.
    async fn write_run(&self, run: &[Batch]) -> Result<(), (usize, WriteError)> {
        for (i, batch) in run.iter().enumerate() {
            self.write(batch).await.map_err(|e| (i, e))?;
        }
        Ok(())
    }

    /// Whether [`Writer::write_run`] should be given whole runs. Such an output has one write under way at a time.
    fn takes_runs(&self) -> bool {
        false
    }

    /// Whether failing is what it is for: not worth a line in the log each time.
    fn fails_on_purpose(&self) -> bool {
        false
    }

    async fn close(&self) {}
}

/// Why a write failed.
#[derive(Debug)]
pub enum WriteError {
    /// The connection is gone: connect again, then write the same batch again.
    NotConnected,
    Failed(BatchError),
}

impl<E: Into<anyhow::Error>> From<E> for WriteError {
    fn from(error: E) -> WriteError {
        WriteError::Failed(BatchError::whole(format!("{:#}", error.into())))
    }
}

/// Takes batches and says what became of each.
#[async_trait]
pub trait Sink: Send + Sync {
    /// Delivers a run of batches; one answer for each, in their order. May be called again before it is done.
    async fn send(&self, run: Vec<Batch>) -> Vec<Answer>;

    /// Delivers what is still held and lets go. No send follows.
    async fn close(&self) {}

    /// Whether all of it is connected.
    fn is_connected(&self) -> bool {
        true
    }
}

/// A sink that others share.
#[async_trait]
impl Sink for Arc<dyn Sink> {
    async fn send(&self, run: Vec<Batch>) -> Vec<Answer> {
        (**self).send(run).await
    }

    async fn close(&self) {
        (**self).close().await
    }

    fn is_connected(&self) -> bool {
        (**self).is_connected()
    }
}

// ---- buffers ----

/// Builds a buffer from its config; none means that batches pass through.
pub trait BuildBuffer: Debug + Send + Sync {
    /// Wraps the stream's input.
    fn build(&self, cx: &Context, input: Box<dyn Source>) -> anyhow::Result<Box<dyn Source>>;
}

// ---- resources ----

/// Builds a cache from its config.
pub trait BuildCache: Debug + Send + Sync {
    fn build(&self, cx: &Context) -> anyhow::Result<Box<dyn Cache>>;
}

/// Keeps bytes under keys, for a time.
#[async_trait]
pub trait Cache: Send + Sync {
    /// The value under `key`, or [`CacheError::NotFound`].
    async fn get(&self, key: &str) -> Result<Bytes, CacheError>;
    async fn set(&self, key: &str, value: Bytes, ttl: Option<Duration>) -> Result<(), CacheError>;
    /// Sets a key that isn't there yet, or [`CacheError::Exists`].
    async fn add(&self, key: &str, value: Bytes, ttl: Option<Duration>) -> Result<(), CacheError>;
    /// Removes a key; it is no error if it isn't there.
    async fn delete(&self, key: &str) -> Result<(), CacheError>;
    async fn close(&self) {}

    /// This cache without the wait, if none of its calls ever waits: lets processors over it stay synchronous.
    fn as_sync(&self) -> Option<&dyn SyncCache> {
        None
    }
}

/// A cache in memory: none of its calls waits.
pub trait SyncCache: Send + Sync {
    fn get_now(&self, key: &str) -> Result<Bytes, CacheError>;
    fn set_now(&self, key: &str, value: Bytes, ttl: Option<Duration>) -> Result<(), CacheError>;
    fn add_now(&self, key: &str, value: Bytes, ttl: Option<Duration>) -> Result<(), CacheError>;
    fn delete_now(&self, key: &str) -> Result<(), CacheError>;
}

/// Why a cache has no answer.
#[derive(Debug, thiserror::Error)]
pub enum CacheError {
    #[error("key does not exist")]
    NotFound,
    #[error("key already exists")]
    Exists,
    #[error("{0:#}")]
    Failed(anyhow::Error),
}

/// Builds a rate limit from its config.
pub trait BuildRateLimit: Debug + Send + Sync {
    fn build(&self, cx: &Context) -> anyhow::Result<Box<dyn RateLimit>>;
}

/// Says when the next message may go.
#[async_trait]
pub trait RateLimit: Send + Sync {
    /// Takes one message of `bytes` from the allowance: none if it may go now, else how long to wait before asking again.
    async fn access(&self, bytes: usize) -> anyhow::Result<Option<Duration>>;
}

// ---- scanners ----

/// Builds a scanner from its config.
pub trait BuildScanner: Debug + Send + Sync {
    fn build(&self, cx: &Context) -> anyhow::Result<Arc<dyn Scanner>>;
}

/// Cuts a stream of bytes into messages.
pub trait Scanner: Send + Sync {
    /// Starts on one file or connection. `name` is its path, if it has one.
    fn open(&self, name: &str) -> Box<dyn Scan>;
}

/// The cutting of one stream of bytes.
pub trait Scan: Send {
    /// Takes more bytes, in any pieces, and appends the batches that are complete to `out`.
    fn push(&mut self, bytes: Bytes, out: &mut Vec<Batch>) -> anyhow::Result<()>;
    /// The bytes are at their end: appends what is left.
    fn finish(&mut self, out: &mut Vec<Batch>) -> anyhow::Result<()>;
}

// ---- the kinds and their tables ----

macro_rules! kinds {
    ($($name:literal $build:ident $table:path $(, processors $has:literal)?;)*) => {$(
        impl Kind for dyn $build {
            const NAME: &'static str = $name;
            $(const HAS_PROCESSORS: bool = $has;)?
            fn table() -> &'static [&'static Spec<dyn $build>] {
                $table
            }
        }
    )*};
}
kinds! {
    "input" BuildInput super::inputs::INPUTS, processors true;
    "processor" BuildProcessor super::processors::PROCESSORS;
    "output" BuildOutput super::outputs::OUTPUTS, processors true;
    "buffer" BuildBuffer super::buffers::BUFFERS;
    "cache" BuildCache super::caches::CACHES;
    "rate_limit" BuildRateLimit super::rate_limits::RATE_LIMITS;
    "scanner" BuildScanner super::scanners::SCANNERS;
}

pub type InputConfig = Component<dyn BuildInput>;
pub type ProcessorConfig = Component<dyn BuildProcessor>;
pub type OutputConfig = Component<dyn BuildOutput>;
pub type BufferConfig = Component<dyn BuildBuffer>;
pub type CacheConfig = Component<dyn BuildCache>;
pub type RateLimitConfig = Component<dyn BuildRateLimit>;
pub type ScannerConfig = Component<dyn BuildScanner>;

/// Metadata that several messages share, made once: a file's path, a topic's name.
pub fn metadata(
    pairs: impl IntoIterator<Item = (&'static str, Value)>,
) -> crate::message::Metadata {
    let mut metadata = crate::message::Metadata::default();
    for (key, value) in pairs {
        metadata.set(Str::from_static(key), value);
    }
    metadata
}
