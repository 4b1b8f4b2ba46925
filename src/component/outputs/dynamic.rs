//! `dynamic`: outputs that come and go by request.

use super::parts::add_error;
use super::retrying::{Patience, Retrying};
use crate::component::clients::dynamic::{
    Entry, Registry, Written, list_handler, one_handler, uptime_handler,
};
use crate::component::{
    Answer, BatchError, BuildOutput, Component, Context, HttpRoute, Output, OutputConfig, Sink,
};
use crate::message::Batch;
use async_trait::async_trait;
use futures::future::join_all;
use parking_lot::Mutex;
use std::{collections::BTreeMap, sync::Arc};
use tokio::{sync::Notify, time::Instant};
use tokio_util::sync::CancellationToken;

crate::fields! {
    /// The first outputs, and where others are asked for.
    pub struct Config {
        /// Outputs to start with, by label.
        outputs: BTreeMap<String, Written<dyn BuildOutput>> = "{}",
        /// What stands before the paths.
        prefix: String = "''",
    }
}

crate::spec! {
    /// Sends messages to all outputs that there are at the time, which are made, replaced and removed while it runs, by HTTP:
    /// `GET /outputs` lists them; `GET`, `POST` (with a config) and `DELETE /outputs/{label}` read, set and remove one.
    /// While there is none, messages wait.
    dyn BuildOutput, "dynamic", Config
}

impl BuildOutput for Config {
    fn build(&self, cx: &Context) -> anyhow::Result<Output> {
        let desk = Arc::new(Desk {
            cx: cx.clone(),
            entries: Mutex::default(),
            active: Mutex::default(),
            changed: Notify::new(),
        });
        for (label, output) in &self.outputs {
            let active = desk.make(&output.component)?;
            desk.active.lock().insert(label.clone(), active);
            let entry = Entry {
                config: output.node.clone(),
                text: output.node.to_json().to_string(),
                since: Instant::now(),
            };
            desk.entries.lock().insert(label.clone(), entry);
        }
        let mux = cx.wiring.http();
        let base = match self.prefix.trim_matches('/') {
            "" => "/outputs".to_owned(),
            prefix => format!("/{prefix}/outputs"),
        };
        let about = "Read, set and remove a dynamic output.";
        let one = mux.route(&format!("{base}/{{id}}"), about, one_handler(desk.clone()));
        let about = "How long a dynamic output has been there.";
        let path = format!("{base}/{{id}}/uptime");
        let uptime = mux.route(&path, about, uptime_handler(desk.clone()));
        let list = mux.route(&base, "The dynamic outputs.", list_handler(desk.clone()));
        Ok(Output::Sink(Box::new(Dynamic {
            desk,
            _routes: [one, uptime, list],
        })))
    }
}

/// An output, tried until it takes a message or is removed.
#[derive(Clone)]
struct Active {
    sink: Arc<Retrying>,
    removed: CancellationToken,
}

/// Answers the requests.
struct Desk {
    cx: Context,
    entries: Mutex<BTreeMap<String, Entry>>,
    active: Mutex<BTreeMap<String, Active>>,
    changed: Notify,
}

impl Desk {
    fn make(&self, config: &OutputConfig) -> anyhow::Result<Active> {
        let removed = self.cx.wiring.hard_stop().child_token();
        Ok(Active {
            sink: Arc::new(Retrying {
                sink: self.cx.output(config)?,
                patience: Patience::ENDLESS,
                stop: removed.clone(),
            }),
            removed,
        })
    }

    /// The outputs that there are; waits for one if there is none.
    async fn outputs(&self) -> Vec<Active> {
        loop {
            let mut changed = std::pin::pin!(self.changed.notified());
            changed.as_mut().enable();
            let active: Vec<Active> = self.active.lock().values().cloned().collect();
            if !active.is_empty() {
                return active;
            }
            changed.await;
        }
    }
}

impl Registry for Desk {
    type Kind = dyn BuildOutput;

    fn list<T>(&self, read: impl FnOnce(&BTreeMap<String, Entry>) -> T) -> T {
        read(&self.entries.lock())
    }

    async fn set(
        &self,
        label: &str,
        component: Component<dyn BuildOutput>,
        entry: Entry,
    ) -> anyhow::Result<()> {
        let active = self.make(&component)?;
        self.remove(label).await;
        self.active.lock().insert(label.to_owned(), active);
        self.entries.lock().insert(label.to_owned(), entry);
        self.changed.notify_waiters();
        Ok(())
    }

    async fn remove(&self, label: &str) {
        self.entries.lock().remove(label);
        let active = self.active.lock().remove(label);
        if let Some(active) = active {
            active.removed.cancel();
            active.sink.close().await;
        }
    }
}

struct Dynamic {
    desk: Arc<Desk>,
    _routes: [HttpRoute; 3],
}

#[async_trait]
impl Sink for Dynamic {
    async fn send(&self, run: Vec<Batch>) -> Vec<Answer> {
        let stop = self.desk.cx.wiring.hard_stop();
        let outputs = tokio::select! {
            outputs = self.desk.outputs() => outputs,
            () = stop.cancelled() => {
                let error = BatchError::whole("the stream stopped while there was no output");
                return vec![Err(error); run.len()];
            }
        };
        let mut answers = vec![Ok(()); run.len()];
        let sends = outputs.iter().map(|output| async {
            let sent = output.sink.send(run.clone()).await;
            // One that was removed owes nothing.
            let removed = output.removed.is_cancelled() && !stop.is_cancelled();
            (removed, sent)
        });
        for (removed, sent) in join_all(sends).await {
            for (answer, sent) in answers.iter_mut().zip(sent) {
                if let Err(error) = sent
                    && (!removed || outputs.len() == 1)
                {
                    add_error(answer, error);
                }
            }
        }
        answers
    }

    async fn close(&self) {
        let active = std::mem::take(&mut *self.desk.active.lock());
        self.desk.entries.lock().clear();
        for active in active.into_values() {
            active.sink.close().await;
        }
    }

    fn is_connected(&self) -> bool {
        self.desk
            .active
            .lock()
            .values()
            .all(|a| a.sink.is_connected())
    }
}
