//! Metrics go where nobody asks for them: to a Prometheus push gateway, into the log, into a file; from time to time and at the end.

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use anyhow::Context as _;
use tokio::task::JoinHandle;

use super::{
    config::{MetricsConfig, Prometheus},
    measured::{histogram_bounds, json_of, process},
};
use crate::telemetry::metrics::Metrics;

/// How long a push may take.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Pushes until it is finished. Dropping it ends it without a last push.
pub struct Pushing {
    target: Arc<Target>,
    task: Option<JoinHandle<()>>,
}

struct Target {
    config: MetricsConfig,
    sets: Box<dyn Fn() -> Vec<Metrics> + Send + Sync>,
    /// Made for the first push: most configs have none, and a client reads certificates when it is made.
    client: OnceLock<reqwest::Client>,
}

impl Pushing {
    /// Begins to push as the config says; `sets` gives the metrics as they are then.
    pub fn start(
        config: &MetricsConfig,
        sets: impl Fn() -> Vec<Metrics> + Send + Sync + 'static,
    ) -> Pushing {
        let target = Arc::new(Target {
            config: config.clone(),
            sets: Box::new(sets),
            client: OnceLock::new(),
        });
        let task = target.interval().map(|every| {
            let target = target.clone();
            tokio::spawn(async move {
                loop {
                    tokio::time::sleep(every).await;
                    target.push().await;
                }
            })
        });
        Pushing { target, task }
    }

    /// Pushes for the last time, and writes the file that the config wants at the end.
    pub async fn finish(mut self) {
        if let Some(task) = self.task.take() {
            task.abort();
        }
        self.target.push().await;
        self.target.write_file();
    }
}

impl Drop for Pushing {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

impl Target {
    /// How often to push; none is only at the end.
    fn interval(&self) -> Option<Duration> {
        let prometheus = self.gateway().and_then(|p| p.push_interval.0);
        let logger = self.config.logger.as_ref().and_then(|l| l.push_interval.0);
        prometheus.or(logger).filter(|every| !every.is_zero())
    }

    /// The settings of the push gateway, if there is one.
    fn gateway(&self) -> Option<&Prometheus> {
        let prometheus = self.config.prometheus.as_ref();
        prometheus.filter(|p| !p.push_url.is_empty())
    }

    async fn push(&self) {
        if let Some(gateway) = self.gateway()
            && let Err(error) = self.push_to(gateway).await
        {
            tracing::error!("Failed to push metrics: {error:#}");
        }
        let Some(logger) = &self.config.logger else {
            return;
        };
        let read = match logger.flush_metrics {
            true => Metrics::take_json,
            false => Metrics::json,
        };
        if let serde_json::Value::Object(all) = json_of(&(self.sets)(), read) {
            for (name, value) in all {
                tracing::info!(name = name.as_str(), value = %value, "Metric");
            }
        }
    }

    /// Replaces what the gateway has of this job.
    async fn push_to(&self, gateway: &Prometheus) -> anyhow::Result<()> {
        let mut url = reqwest::Url::parse(&gateway.push_url).context("read push_url")?;
        url.path_segments_mut()
            .map_err(|()| anyhow::anyhow!("push_url can't have a path"))?
            .pop_if_empty()
            .extend(["metrics", "job", &gateway.push_job_name]);
        let mut request = self
            .client
            .get_or_init(reqwest::Client::new)
            .put(url)
            .timeout(TIMEOUT)
            .header("content-type", "text/plain; version=0.0.4; charset=utf-8")
            .body(self.prometheus_text(gateway));
        let auth = &gateway.push_basic_auth;
        if !auth.username.is_empty() {
            request = request.basic_auth(&auth.username, Some(&auth.password.0));
        }
        request.send().await?.error_for_status()?;
        Ok(())
    }

    fn write_file(&self) {
        let prometheus = self.config.prometheus.as_ref();
        let Some(prometheus) = prometheus.filter(|p| !p.file_output_path.is_empty()) else {
            return;
        };
        let path = &prometheus.file_output_path;
        if let Err(error) = std::fs::write(path, self.prometheus_text(prometheus)) {
            tracing::error!("Failed to write metrics to {path}: {error}");
        }
    }

    fn prometheus_text(&self, prometheus: &Prometheus) -> String {
        let bounds = histogram_bounds(Some(prometheus));
        Metrics::prometheus_of(&(self.sets)(), bounds.as_deref())
            + &process(prometheus.add_process_metrics)
    }
}
