//! Several sources as one.

use crate::component::{Run, Source};
use async_trait::async_trait;
use futures::{
    future::BoxFuture,
    stream::{FuturesUnordered, StreamExt},
};
use std::sync::Arc;
use tokio::sync::Mutex;

/// Reads sources as they have something, and ends when all have ended.
#[derive(Default)]
pub(super) struct Joined {
    /// The next run of each source that hasn't ended. They go on where they were if a read is given up.
    reads: FuturesUnordered<BoxFuture<'static, Option<(Shared, Run)>>>,
    sources: Vec<Shared>,
}

/// A source that a read holds while it reads.
type Shared = Arc<Mutex<Box<dyn Source>>>;

impl Joined {
    pub fn new(sources: Vec<Box<dyn Source>>) -> Joined {
        let mut joined = Joined::default();
        for source in sources {
            joined.add(source);
        }
        joined
    }

    /// Whether all sources have ended.
    pub fn is_idle(&self) -> bool {
        self.reads.is_empty()
    }

    pub fn add(&mut self, source: Box<dyn Source>) {
        let source = Arc::new(Mutex::new(source));
        self.sources.push(source.clone());
        self.reads.push(Box::pin(read(source)));
    }
}

async fn read(source: Shared) -> Option<(Shared, Run)> {
    let run = source.lock().await.next().await?;
    Some((source, run))
}

#[async_trait]
impl Source for Joined {
    async fn next(&mut self) -> Option<Run> {
        while let Some(read) = self.reads.next().await {
            if let Some((source, run)) = read {
                self.reads.push(Box::pin(self::read(source)));
                return Some(run);
            }
            // One has ended.
            self.sources.retain(|source| Arc::strong_count(source) > 1);
        }
        None
    }

    async fn close(&mut self) {
        self.reads.clear();
        for source in &self.sources {
            source.lock().await.close().await;
        }
    }

    fn is_connected(&self) -> bool {
        // One that can't be asked is being read.
        self.sources
            .iter()
            .all(|s| s.try_lock().is_ok_and(|s| s.is_connected()))
    }
}
