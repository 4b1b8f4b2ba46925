//! `metric`: counts messages, or what is in them.

use crate::bloblang::Interpolated;
use crate::component::{BuildProcessor, Context, Process, Processor};
use crate::message::{Batch, ComponentName, Message};
use crate::telemetry::metrics::{Counter, Gauge, Metrics, Timing};
use std::collections::BTreeMap;

crate::fields! {
    /// What is counted under which name.
    pub struct Config {
        /// What the metric is.
        r#type: Type,
        /// Its name.
        name: String,
        /// Its labels. Each combination of their values is a series of its own, so they should have few.
        labels: BTreeMap<String, Interpolated> = "{}",
        /// The number, for all but `counter`.
        value: Interpolated = "''",
    }
}

crate::choice! {
    /// Kinds of metrics.
    pub enum Type {
        /// Counts messages.
        Counter = "counter",
        /// Counts by the value.
        CounterBy = "counter_by",
        /// Is the last value.
        Gauge = "gauge",
        /// A length of time in nanoseconds.
        Timing = "timing",
    }
}

crate::spec! {
    /// Makes a metric of your own from messages, beside those that every component has.
    dyn BuildProcessor, "metric", Config
}

impl BuildProcessor for Config {
    fn build(&self, cx: &Context) -> anyhow::Result<Processor> {
        let metrics = cx.wiring.metrics().clone();
        let fixed = self.labels.values().all(|v| v.as_static().is_some());
        let mut metric = Metric {
            config: self.clone(),
            metrics,
            name: cx.name.clone(),
            fixed: None,
        };
        if fixed {
            metric.fixed = metric.handle(&[], 0).ok();
        }
        Ok(Processor::Sync(Box::new(metric)))
    }
}

struct Metric {
    config: Config,
    metrics: Metrics,
    name: ComponentName,
    /// The series, if no message changes its labels.
    fixed: Option<Handle>,
}

#[derive(Clone)]
enum Handle {
    Counter(Counter),
    Gauge(Gauge),
    Timing(Timing),
}

impl Process for Metric {
    fn process(&self, batch: Batch, out: &mut Vec<Batch>) {
        // Also where nothing is measured: a value that is no number is a fault either way.
        for i in 0..batch.len() {
            if let Err(reason) = self.record(&batch, i) {
                tracing::error!(target: "stream", label = %self.name.label, path = %self.name.path, "{reason}");
            }
        }
        out.push(batch);
    }
}

impl Metric {
    fn handle(&self, batch: &[Message], index: usize) -> Result<Handle, String> {
        let mut labels = Vec::with_capacity(self.config.labels.len());
        for (name, value) in &self.config.labels {
            let value = match value.as_static() {
                Some(text) => text.clone(),
                None => value
                    .text(batch, index)
                    .map_err(|e| format!("Handler error: label interpolation error: {e}"))?,
            };
            labels.push((name.as_str(), value));
        }
        let mut labels: Vec<(&str, &str)> = labels.iter().map(|(k, v)| (*k, &**v)).collect();
        labels.push(("label", &self.name.label));
        labels.push(("path", &self.name.path));
        let name = &self.config.name;
        Ok(match self.config.r#type {
            Type::Counter | Type::CounterBy => Handle::Counter(self.metrics.counter(name, &labels)),
            Type::Gauge => Handle::Gauge(self.metrics.gauge(name, &labels)),
            Type::Timing => Handle::Timing(self.metrics.timing(name, &labels)),
        })
    }

    fn record(&self, batch: &[Message], index: usize) -> Result<(), String> {
        let made;
        let handle = match &self.fixed {
            Some(handle) => handle,
            None => {
                made = self.handle(batch, index)?;
                &made
            }
        };
        if self.config.r#type == Type::Counter {
            if let Handle::Counter(counter) = handle {
                counter.add(1);
            }
            return Ok(());
        }
        let text = self.config.value.text(batch, index);
        let text = text.map_err(|e| format!("Value interpolation error: {e}"))?;
        let number = match text.parse::<i64>() {
            Ok(n) => n,
            Err(_) => match text.parse::<f64>() {
                Ok(n) if n.is_finite() => n as i64,
                _ => {
                    return Err(format!(
                        "Handler error: the value of a metric should be a number, not {:?}",
                        &*text
                    ));
                }
            },
        };
        match handle {
            Handle::Gauge(gauge) => gauge.set(number),
            _ if number < 0 => {
                return Err(format!("Handler error: value {number} is negative"));
            }
            Handle::Counter(counter) => counter.add(number as u64),
            Handle::Timing(timing) => timing.record_ns(number as u64),
        }
        Ok(())
    }
}
