//! `rate_limit`: lets messages pass as fast as a rate limit allows.

use super::flow::fail;
use crate::component::{BuildProcessor, Context, ProcessAsync, Processor, RateLimit};
use crate::message::Batch;
use async_trait::async_trait;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

crate::fields! {
    /// Which limit.
    pub struct Config {
        /// The label of the rate limit. Everybody who names it shares it.
        resource: String,
    }
}

crate::spec! {
    /// Waits for each message until a rate limit lets it pass.
    dyn BuildProcessor, "rate_limit", Config
}

impl BuildProcessor for Config {
    fn build(&self, cx: &Context) -> anyhow::Result<Processor> {
        Ok(Processor::Async(Box::new(Limited {
            limit: cx.rate_limit(&self.resource)?,
            stop: cx.wiring.hard_stop(),
        })))
    }
}

struct Limited {
    limit: Arc<dyn RateLimit>,
    stop: CancellationToken,
}

#[async_trait]
impl ProcessAsync for Limited {
    async fn process(&self, mut batch: Batch) -> Vec<Batch> {
        for message in &mut batch {
            let bytes = message.bytes().len();
            loop {
                let wait = match self.limit.access(bytes).await {
                    Ok(None) => break,
                    Ok(Some(wait)) => wait,
                    Err(error) => {
                        fail(message, format_args!("{error:#}"));
                        break;
                    }
                };
                tokio::select! {
                    () = tokio::time::sleep(wait) => {}
                    () = self.stop.cancelled() => {
                        fail(message, "the stream stopped while the message waited for a rate limit");
                        break;
                    }
                }
            }
        }
        vec![batch]
    }
}
