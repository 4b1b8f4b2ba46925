//! Processors of a config without the stream around them, for unit tests of configs.

use super::{config::StreamConfig, stream::Services, wiring::Shop};
use crate::component::{Chain, Wiring};
use crate::message::Batch;
use std::sync::Arc;

/// The pipeline's processors of a config, with the resources that they use. Must be used within a runtime.
pub struct Alone {
    shop: Arc<Shop>,
    chain: Chain,
}

impl Alone {
    pub fn new(config: &StreamConfig, services: Services) -> anyhow::Result<Alone> {
        let shop = Shop::new("test", config, services, usize::MAX, 1);
        let chain = shop.clone().processors(&config.pipeline.processors)?;
        Ok(Alone { shop, chain })
    }

    /// What becomes of a batch.
    pub async fn run(&self, batch: Batch) -> Vec<Batch> {
        self.chain.run(batch).await
    }

    pub async fn close(self) {
        self.shop.hard_stop.cancel();
        self.chain.close().await;
        self.shop.resources.close().await;
    }
}
