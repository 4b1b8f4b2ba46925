//! Many streams in one process, by id: they share the process's resources and its server, and nothing else. One that fails
//! or can't be stopped in time harms no other.

mod definition;
mod rest;
pub mod wire;

pub use definition::{Definition, Reader, Refused};
pub use rest::Rest;

use super::{
    Outcome, Stream,
    config::{ResourceKind, StreamConfig},
    measured,
    resources::ResourceConfig,
    shared::Shared,
    stream::{Services, Variables},
    wiring::Pipes,
};
use crate::bloblang::Environment;
use crate::component::{Fence, HttpMux};
use crate::telemetry::{metrics::Metrics, otlp::Tracer};
use futures::future::join_all;
use parking_lot::Mutex;
use std::{
    collections::BTreeMap,
    hash::{BuildHasher, BuildHasherDefault, DefaultHasher},
    sync::Arc,
    time::Duration,
};

/// What all streams of a process have in common.
pub struct House {
    pub bloblang: Environment,
    pub variables: Variables,
    /// The config of the process: how it is reached, how it logs and measures.
    pub config: StreamConfig,
    pub shared: Shared,
    pub pipes: Pipes,
    /// Who makes the spans of all streams.
    pub tracer: Option<Tracer>,
    /// Whether the routes of a stream are below its id.
    pub prefixed: bool,
}

/// The streams; cloning shares them.
#[derive(Clone)]
pub struct Streams(Arc<Inner>);

struct Inner {
    house: House,
    http: HttpMux,
    streams: Mutex<BTreeMap<String, Arc<Entry>>>,
    /// Changes of one stream happen one after the other; by the hash of its id.
    turns: [tokio::sync::Mutex<()>; 64],
}

/// A stream that runs or ran.
pub struct Entry {
    pub stream: Stream,
    pub definition: Arc<Definition>,
}

impl Entry {
    pub fn is_active(&self) -> bool {
        self.stream.outcome().is_none()
    }

    /// Whether it waits for nothing: its inputs and outputs are connected, or it is at its end.
    pub fn is_ready(&self) -> bool {
        let is_connected = || self.stream.is_input_connected() && self.stream.is_output_connected();
        !self.is_active() || is_connected()
    }
}

/// Why a change can't be made.
#[derive(Debug, thiserror::Error)]
pub enum ChangeError {
    #[error("Stream already exists")]
    Exists,
    #[error("Stream not found")]
    NotFound,
    #[error("{0:#}")]
    Failed(anyhow::Error),
}

impl Streams {
    /// No streams yet; `http` is where all routes are to be found.
    pub fn new(house: House, http: HttpMux) -> Streams {
        http.mount("", house.shared.http());
        Streams(Arc::new(Inner {
            house,
            http,
            streams: Mutex::default(),
            turns: [const { tokio::sync::Mutex::const_new(()) }; 64],
        }))
    }

    pub fn house(&self) -> &House {
        &self.0.house
    }

    /// All of them, by id.
    pub fn list(&self) -> Vec<(String, Arc<Entry>)> {
        let streams = self.0.streams.lock();
        streams
            .iter()
            .map(|(id, e)| (id.clone(), e.clone()))
            .collect()
    }

    pub fn get(&self, id: &str) -> Option<Arc<Entry>> {
        self.0.streams.lock().get(id).cloned()
    }

    /// The metrics of the process and of all streams.
    pub fn metrics(&self) -> Vec<Metrics> {
        let streams = self.0.streams.lock();
        let own = self.0.house.shared.metrics().clone();
        let all = streams.values().map(|e| e.stream.metrics().clone());
        std::iter::once(own).chain(all).collect()
    }

    /// Starts a stream that isn't there yet.
    pub async fn create(&self, id: &str, definition: Definition) -> Result<(), ChangeError> {
        let _turn = self.turn(id).await;
        match self.get(id) {
            Some(_) => Err(ChangeError::Exists),
            None => self.start(id, Arc::new(definition)),
        }
    }

    /// Ends a stream in order, and starts it anew with another config; with the old one if it doesn't start.
    pub async fn update(
        &self,
        id: &str,
        definition: Definition,
        limit: Option<Duration>,
    ) -> Result<(), ChangeError> {
        let _turn = self.turn(id).await;
        let before = self.get(id).ok_or(ChangeError::NotFound)?;
        if before.definition.source == definition.source && before.is_active() {
            return Ok(());
        }
        self.end(id, &before, limit).await;
        let started = self.start(id, Arc::new(definition));
        if started.is_err()
            && let Err(error) = self.start(id, before.definition.clone())
        {
            tracing::error!("Failed to start stream {id} again: {error}");
        }
        started
    }

    /// Ends a stream in order and forgets it.
    pub async fn delete(&self, id: &str, limit: Option<Duration>) -> Result<(), ChangeError> {
        let _turn = self.turn(id).await;
        let entry = self.get(id).ok_or(ChangeError::NotFound)?;
        self.end(id, &entry, limit).await;
        Ok(())
    }

    /// Makes these all the streams there are. Each change that can't be made is told, and the others are made.
    pub async fn replace_all(&self, wanted: BTreeMap<String, Definition>) -> Vec<String> {
        let present: Vec<String> = self.list().into_iter().map(|(id, _)| id).collect();
        let surplus = present.iter().filter(|id| !wanted.contains_key(*id));
        let deleted = join_all(surplus.map(async |id| match self.delete(id, None).await {
            Ok(()) | Err(ChangeError::NotFound) => None,
            Err(e) => Some(format!("failed to delete stream: {e}")),
        }));
        let changed =
            join_all(wanted.into_iter().map(
                async |(id, definition)| match present.contains(&id) {
                    true => {
                        let updated = self.update(&id, definition, None).await;
                        updated
                            .err()
                            .map(|e| format!("failed to update stream: {e}"))
                    }
                    false => {
                        let created = self.create(&id, definition).await;
                        created
                            .err()
                            .map(|e| format!("failed to create stream: {e}"))
                    }
                },
            ));
        let (deleted, changed) = futures::join!(deleted, changed);
        deleted.into_iter().chain(changed).flatten().collect()
    }

    /// Puts a resource in the place of the one with its label; the streams that use that one are started anew, in order.
    pub async fn put_resource(
        &self,
        kind: ResourceKind,
        label: &str,
        config: ResourceConfig,
    ) -> anyhow::Result<()> {
        let shared = &self.0.house.shared;
        let users = shared.take_users(kind, label);
        let before = shared.put(label, config)?;
        join_all(users.iter().map(|id| self.restart(id))).await;
        if let Some(before) = before {
            before.close().await;
        }
        Ok(())
    }

    async fn restart(&self, id: &str) {
        let _turn = self.turn(id).await;
        let Some(entry) = self.get(id).filter(|e| e.is_active()) else {
            return;
        };
        self.end(id, &entry, None).await;
        if let Err(error) = self.start(id, entry.definition.clone()) {
            tracing::error!("Failed to start stream {id} again: {error}");
        }
    }

    /// Ends all of them in order, at the same time.
    pub async fn stop(&self) {
        let all = self.list();
        all.iter().for_each(|(_, entry)| entry.stream.stop());
        join_all(all.iter().map(|(_, entry)| entry.stream.wait())).await;
    }

    /// Ends all of them at once; what is under way is handed back to its source.
    pub fn stop_now(&self) {
        let all = self.list();
        all.iter().for_each(|(_, entry)| entry.stream.stop_now());
    }

    async fn turn(&self, id: &str) -> tokio::sync::MutexGuard<'_, ()> {
        let hash = BuildHasherDefault::<DefaultHasher>::default().hash_one(id);
        let turns = &self.0.turns;
        turns[hash as usize % turns.len()].lock().await
    }

    fn start(&self, id: &str, definition: Arc<Definition>) -> Result<(), ChangeError> {
        let house = &self.0.house;
        let labels = vec![("stream".to_owned(), id.to_owned())];
        let services = Services {
            bloblang: house.bloblang.clone(),
            variables: house.variables.clone(),
            fence: Fence::open(),
            metrics: measured::set(&house.config.metrics, labels),
            pipes: house.pipes.clone(),
            tracer: house.tracer.clone(),
            shared: Some(house.shared.clone()),
        };
        let stream = Stream::start_config(id, &definition.config, services)
            .map_err(|e| ChangeError::Failed(e.into()))?;
        self.0.http.mount(self.prefix(id), stream.http());
        let ending = stream.ending();
        let name = id.to_owned();
        tokio::spawn(async move {
            match ending.await {
                Outcome::Completed => tracing::info!(stream = name, "Stream has completed"),
                Outcome::Stopped => tracing::info!(stream = name, "Stream has stopped"),
                Outcome::Failed { reason, .. } => {
                    tracing::error!(stream = name, "Stream has failed: {reason}");
                }
            }
        });
        let entry = Arc::new(Entry { stream, definition });
        self.0.streams.lock().insert(id.to_owned(), entry);
        Ok(())
    }

    /// Ends a stream in order, within the time that its config gives or the shorter one that is asked for, and takes it out.
    async fn end(&self, id: &str, entry: &Entry, limit: Option<Duration>) {
        let prefix = self.prefix(id);
        self.0.http.miss(prefix, entry.stream.http());
        entry.stream.stop();
        let ended = async { drop(entry.stream.wait().await) };
        let limit = limit.unwrap_or(Duration::MAX);
        if tokio::time::timeout(limit, ended).await.is_err() {
            entry.stream.stop_now();
            entry.stream.wait().await;
        }
        self.0.http.unmount(prefix, entry.stream.http());
        self.0.streams.lock().remove(id);
    }

    fn prefix<'i>(&self, id: &'i str) -> &'i str {
        match self.0.house.prefixed {
            true => id,
            false => "",
        }
    }
}
