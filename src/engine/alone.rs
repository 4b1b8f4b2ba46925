//! Processors of a config without the stream around them, for unit tests of configs.

use super::{
    config::StreamConfig, pressure::Pressure, resources::Resources, stream::Services, wiring::Shop,
};
use crate::component::{Chain, HttpMux, Hurry, Wiring};
use crate::message::Batch;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// The pipeline's processors of a config, with the resources that they use. Must be used within a runtime.
pub struct Alone {
    shop: Arc<Shop>,
    chain: Chain,
}

impl Alone {
    pub fn new(config: &StreamConfig, services: Services) -> anyhow::Result<Alone> {
        let hurry = Hurry::default();
        let shop = Arc::new(Shop {
            stream: "test".into(),
            metrics: services.metrics,
            fence: services.fence,
            http: HttpMux::default(),
            pipes: services.pipes,
            soft_stop: CancellationToken::new(),
            hard_stop: CancellationToken::new(),
            pressure: Arc::new(Pressure::new(usize::MAX, 1, hurry.clone())),
            hurry,
            counts: Arc::default(),
            resources: Resources::new(config),
            log_all_errors: config.logger.log_all_errors,
            starts: parking_lot::Mutex::new(None),
            inputs: parking_lot::Mutex::default(),
            outputs: parking_lot::Mutex::default(),
        });
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
