//! What a component is given when it is built.

use super::{
    Cache, Component, InputConfig, OutputConfig, Processor, ProcessorConfig, RateLimit, Scanner,
    ScannerConfig, Sink, Source,
};
use crate::message::ComponentName;
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

    /// The resource under this label; the error names it if it isn't there.
    fn cache(&self, label: &str) -> anyhow::Result<Arc<dyn Cache>>;
    fn rate_limit(&self, label: &str) -> anyhow::Result<Arc<dyn RateLimit>>;

    /// Cancelled when the stream must stop at once: what waits gives up.
    fn hard_stop(&self) -> CancellationToken;
    /// Cancelled when the stream should finish: inputs read no more.
    fn soft_stop(&self) -> CancellationToken;
}

/// Processors that run one after the other.
#[derive(Clone)]
pub struct Chain(pub Arc<[Processor]>);

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
