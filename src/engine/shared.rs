//! Resources that many streams of one process share: built once, for whoever asks for them by label.

use super::{
    config::{ResourceKind, StreamConfig},
    resources::{BuiltResource, ResourceConfig},
    stream::Services,
    wiring::Shop,
};
use crate::component::{HttpMux, Run, Source};
use crate::telemetry::metrics::Metrics;
use anyhow::Context as _;
use async_trait::async_trait;
use parking_lot::Mutex;
use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};
use tokio_util::sync::CancellationToken;

/// The resources; cloning shares them.
#[derive(Clone)]
pub struct Shared(Arc<Inner>);

struct Inner {
    shop: Arc<Shop>,
    /// Which streams asked for which resource.
    uses: Mutex<HashMap<(ResourceKind, String), Users>>,
}

/// Streams by their ids.
type Users = BTreeSet<Arc<str>>;

impl Shared {
    /// Builds the resources of a config. Must be called within a runtime.
    pub fn new(config: &StreamConfig, services: Services) -> anyhow::Result<Shared> {
        let shop = Shop::new("", config, services, usize::MAX, 1);
        let built = shop.resources.build_all(&shop);
        built.context("failed to initialise resources")?;
        Ok(Shared(Arc::new(Inner {
            shop,
            uses: Mutex::default(),
        })))
    }

    /// The routes of the resources.
    pub fn http(&self) -> &HttpMux {
        &self.0.shop.http
    }

    pub fn metrics(&self) -> &Metrics {
        &self.0.shop.metrics
    }

    pub(super) fn shop(&self) -> &Arc<Shop> {
        &self.0.shop
    }

    pub(super) fn note_use(&self, stream: &Arc<str>, kind: ResourceKind, label: &str) {
        let mut uses = self.0.uses.lock();
        let users = uses.entry((kind, label.to_owned())).or_default();
        users.insert(stream.clone());
    }

    /// The streams that have asked for a resource since it was last put there.
    pub(super) fn take_users(&self, kind: ResourceKind, label: &str) -> Users {
        let mut uses = self.0.uses.lock();
        uses.remove(&(kind, label.to_owned())).unwrap_or_default()
    }

    /// Puts a resource in the place of the one with its label, and gives that one.
    pub(super) fn put(
        &self,
        label: &str,
        config: ResourceConfig,
    ) -> anyhow::Result<Option<BuiltResource>> {
        let shop = &self.0.shop;
        shop.resources.replace(shop, label, config)
    }

    /// Closes all of them. No stream may use them any more.
    pub async fn close(&self) {
        let shop = &self.0.shop;
        shop.soft_stop.cancel();
        shop.resources.close_inputs().await;
        shop.resources.close().await;
        shop.hard_stop.cancel();
    }
}

/// An input that belongs to the process, as one stream reads it: it ends when the stream stops, and goes on for others.
pub(super) struct Borrowed {
    source: Box<dyn Source>,
    soft_stop: CancellationToken,
}

impl Borrowed {
    pub fn new(source: Box<dyn Source>, borrower: &Shop) -> Borrowed {
        Borrowed {
            source,
            soft_stop: borrower.soft_stop.clone(),
        }
    }
}

#[async_trait]
impl Source for Borrowed {
    async fn next(&mut self) -> Option<Run> {
        tokio::select! {
            biased;
            () = self.soft_stop.cancelled() => None,
            run = self.source.next() => run,
        }
    }

    fn is_connected(&self) -> bool {
        self.source.is_connected()
    }
}
