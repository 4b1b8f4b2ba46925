//! `dynamic`: inputs that come and go by request.

use super::joined::Joined;
use crate::component::clients::dynamic::{
    Entry, Registry, Written, list_handler, one_handler, uptime_handler,
};
use crate::component::{
    BuildInput, Component, Context, HttpRoute, Input, InputConfig, Run, Source,
};
use async_trait::async_trait;
use parking_lot::Mutex;
use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};
use tokio::{sync::mpsc, time::Instant};
use tokio_util::sync::CancellationToken;

crate::fields! {
    /// The first inputs, and where others are asked for.
    pub struct Config {
        /// Inputs to start with, by label.
        inputs: BTreeMap<String, Written<dyn BuildInput>> = "{}",
        /// What stands before the paths.
        prefix: String = "''",
    }
}

crate::spec! {
    /// Reads inputs that are made, replaced and removed while it runs, by HTTP: `GET /inputs` lists them; `GET`, `POST` (with a
    /// config) and `DELETE /inputs/{label}` read, set and remove one.
    dyn BuildInput, "dynamic", Config
}

impl BuildInput for Config {
    fn build(&self, cx: &Context) -> anyhow::Result<Input> {
        let (sender, added) = mpsc::channel(16);
        let desk = Arc::new(Desk {
            cx: cx.clone(),
            entries: Mutex::default(),
            stops: Mutex::default(),
            sender,
        });
        let mut joined = Joined::default();
        for (label, input) in &self.inputs {
            let (source, stop) = desk.make(&input.component)?;
            joined.add(source);
            desk.stops.lock().insert(label.clone(), stop);
            let entry = Entry {
                config: input.node.clone(),
                text: input.node.to_json().to_string(),
                since: Instant::now(),
            };
            desk.entries.lock().insert(label.clone(), entry);
        }
        let mux = cx.wiring.http();
        let base = match self.prefix.trim_matches('/') {
            "" => "/inputs".to_owned(),
            prefix => format!("/{prefix}/inputs"),
        };
        let about = "Read, set and remove a dynamic input.";
        let one = mux.route(&format!("{base}/{{id}}"), about, one_handler(desk.clone()));
        let about = "How long a dynamic input has been there.";
        let path = format!("{base}/{{id}}/uptime");
        let uptime = mux.route(&path, about, uptime_handler(desk.clone()));
        let list = mux.route(&base, "The dynamic inputs.", list_handler(desk.clone()));
        Ok(Input::Source(Box::new(Dynamic {
            joined,
            added,
            stop: cx.wiring.soft_stop(),
            desk,
            _routes: [one, uptime, list],
        })))
    }
}

/// Answers the requests.
struct Desk {
    cx: Context,
    entries: Mutex<BTreeMap<String, Entry>>,
    /// Ends the input of a label.
    stops: Mutex<HashMap<String, CancellationToken>>,
    sender: mpsc::Sender<Box<dyn Source>>,
}

impl Desk {
    fn make(&self, config: &InputConfig) -> anyhow::Result<(Box<dyn Source>, CancellationToken)> {
        let stop = CancellationToken::new();
        let source = Box::new(Stoppable {
            source: self.cx.input(config)?,
            stop: stop.clone(),
        });
        Ok((source, stop))
    }
}

impl Registry for Desk {
    type Kind = dyn BuildInput;

    fn list<T>(&self, read: impl FnOnce(&BTreeMap<String, Entry>) -> T) -> T {
        read(&self.entries.lock())
    }

    async fn set(
        &self,
        label: &str,
        component: Component<dyn BuildInput>,
        entry: Entry,
    ) -> anyhow::Result<()> {
        let (source, stop) = self.make(&component)?;
        self.remove(label).await;
        self.stops.lock().insert(label.to_owned(), stop);
        self.entries.lock().insert(label.to_owned(), entry);
        let sent = self.sender.send(source).await;
        sent.map_err(|_| anyhow::anyhow!("the input is closed"))
    }

    async fn remove(&self, label: &str) {
        self.entries.lock().remove(label);
        if let Some(stop) = self.stops.lock().remove(label) {
            stop.cancel();
        }
    }
}

/// A source that ends when it is told to.
struct Stoppable {
    source: Box<dyn Source>,
    stop: CancellationToken,
}

#[async_trait]
impl Source for Stoppable {
    async fn next(&mut self) -> Option<Run> {
        let run = tokio::select! {
            biased;
            () = self.stop.cancelled() => None,
            run = self.source.next() => run,
        };
        if run.is_none() {
            self.source.close().await;
        }
        run
    }

    fn is_connected(&self) -> bool {
        self.source.is_connected()
    }
}

struct Dynamic {
    joined: Joined,
    added: mpsc::Receiver<Box<dyn Source>>,
    stop: CancellationToken,
    desk: Arc<Desk>,
    _routes: [HttpRoute; 3],
}

#[async_trait]
impl Source for Dynamic {
    async fn next(&mut self) -> Option<Run> {
        loop {
            if self.joined.is_idle() {
                // Without an input it waits for one.
                tokio::select! {
                    added = self.added.recv() => self.joined.add(added?),
                    () = self.stop.cancelled() => return None,
                }
                continue;
            }
            tokio::select! {
                added = self.added.recv() => self.joined.add(added?),
                run = self.joined.next() => if run.is_some() {
                    return run;
                },
            }
        }
    }

    async fn close(&mut self) {
        self.added.close();
        self.desk.entries.lock().clear();
        for stop in self.desk.stops.lock().values() {
            stop.cancel();
        }
        self.joined.close().await;
    }
}
