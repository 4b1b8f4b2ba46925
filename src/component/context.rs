//! What a component is given when it is built.

use super::{
    BatchPolicy, Cache, Chain, Component, Fence, HttpMux, Hurry, InputConfig, OutputConfig, Pipe,
    ProcessorConfig, RateLimit, Scanner, ScannerConfig, Sink, Source,
};
use crate::message::ComponentName;
use crate::telemetry::metrics::Metrics;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// A component's access to the stream that it is part of.
#[derive(Clone)]
pub struct Context {
    /// How logs, metrics and errors name this component.
    pub name: ComponentName,
    pub wiring: Arc<dyn Wiring>,
}

/// What the engine does for components. Implemented by the engine, so that components know nothing of it.
pub trait Wiring: Send + Sync {
    /// Builds an input with its reconnecting, replaying, metrics and processors around it.
    fn input(self: Arc<Self>, config: &InputConfig) -> anyhow::Result<Box<dyn Source>>;
    /// Builds an output with its reconnecting, batching, lease check, metrics and processors around it.
    fn output(self: Arc<Self>, config: &OutputConfig) -> anyhow::Result<Arc<dyn Sink>>;
    /// Builds processors to be run in order, each with its metrics and error reports around it.
    fn processors(self: Arc<Self>, configs: &[ProcessorConfig]) -> anyhow::Result<Chain>;
    fn scanner(self: Arc<Self>, config: &ScannerConfig) -> anyhow::Result<Arc<dyn Scanner>>;

    /// Gathers what `source` yields into batches, for the component of this name.
    fn batched_source(
        self: Arc<Self>,
        name: &ComponentName,
        source: Box<dyn Source>,
        policy: &BatchPolicy,
    ) -> anyhow::Result<Box<dyn Source>>;
    /// Gathers what is sent into batches for `sink`, of which up to `max_in_flight` are under way at a time.
    fn batched_sink(
        self: Arc<Self>,
        name: &ComponentName,
        sink: Arc<dyn Sink>,
        policy: &BatchPolicy,
        max_in_flight: usize,
    ) -> anyhow::Result<Arc<dyn Sink>>;

    /// The resource under this label, one instance for all who ask; the error names it if it isn't there.
    fn cache(self: Arc<Self>, label: &str) -> anyhow::Result<Arc<dyn Cache>>;
    fn rate_limit(self: Arc<Self>, label: &str) -> anyhow::Result<Arc<dyn RateLimit>>;
    fn input_resource(self: Arc<Self>, label: &str) -> anyhow::Result<Box<dyn Source>>;
    fn processor_resource(self: Arc<Self>, label: &str) -> anyhow::Result<Chain>;
    /// The config of a processor resource, for those who take it apart.
    fn processor_config(&self, label: &str) -> anyhow::Result<ProcessorConfig>;
    fn output_resource(self: Arc<Self>, label: &str) -> anyhow::Result<Arc<dyn Sink>>;
    /// The pipe under this name, made by whoever asks first.
    fn pipe(&self, name: &str) -> Pipe;

    /// Where `http_server` components answer requests.
    fn http(&self) -> &HttpMux;
    fn metrics(&self) -> &Metrics;
    /// Whether this process may still act for the stream.
    fn fence(&self) -> &Fence;

    /// Cancelled when the stream must stop at once: what waits gives up.
    fn hard_stop(&self) -> CancellationToken;
    /// Cancelled when the stream should finish: inputs read no more.
    fn soft_stop(&self) -> CancellationToken;
    /// On while somebody waits for everything under way to be delivered.
    fn hurry(&self) -> &Hurry;
}

impl Context {
    pub fn input(&self, config: &InputConfig) -> anyhow::Result<Box<dyn Source>> {
        self.wiring.clone().input(config)
    }

    pub fn output(&self, config: &OutputConfig) -> anyhow::Result<Arc<dyn Sink>> {
        self.wiring.clone().output(config)
    }

    pub fn processors(&self, configs: &[ProcessorConfig]) -> anyhow::Result<Chain> {
        self.wiring.clone().processors(configs)
    }

    pub fn scanner(&self, config: &ScannerConfig) -> anyhow::Result<Arc<dyn Scanner>> {
        self.wiring.clone().scanner(config)
    }

    pub fn cache(&self, label: &str) -> anyhow::Result<Arc<dyn Cache>> {
        self.wiring.clone().cache(label)
    }

    pub fn rate_limit(&self, label: &str) -> anyhow::Result<Arc<dyn RateLimit>> {
        self.wiring.clone().rate_limit(label)
    }

    /// See [`Wiring::batched_source`].
    pub fn batched_source(
        &self,
        source: Box<dyn Source>,
        policy: &BatchPolicy,
    ) -> anyhow::Result<Box<dyn Source>> {
        let wiring = self.wiring.clone();
        wiring.batched_source(&self.name, source, policy)
    }

    /// See [`Wiring::batched_sink`].
    pub fn batched_sink(
        &self,
        sink: Arc<dyn Sink>,
        policy: &BatchPolicy,
        max_in_flight: usize,
    ) -> anyhow::Result<Arc<dyn Sink>> {
        let wiring = self.wiring.clone();
        wiring.batched_sink(&self.name, sink, policy, max_in_flight)
    }
}

impl<B: ?Sized> Component<B> {
    /// How logs, metrics and errors name the component.
    pub fn component_name(&self) -> ComponentName {
        ComponentName {
            kind: self.name.into(),
            label: self.label.as_str().into(),
            path: self.path.as_str().into(),
        }
    }
}
