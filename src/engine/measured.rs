//! How a config wants its metrics: kept or not, renamed, published.

use super::config::{MetricsConfig, Prometheus};
use crate::bloblang::Mapping;
use crate::component::HttpHandler;
use crate::config::MetricsRename;
use crate::message::Message;
use crate::telemetry::metrics::{Labels, Metrics, Rename};
use crate::value::Value;
use axum::{
    body::Body,
    http::{HeaderValue, Response, header},
};
use std::sync::Arc;

/// A set of metrics whose names and labels are what the config says.
pub fn set(config: &MetricsConfig, labels: Labels) -> Metrics {
    Metrics::new(labels, config.mapping.clone().map(rename))
}

/// Renames metrics as a mapping says: `this` is the name, metadata the labels.
fn rename(mapping: Mapping) -> Rename {
    Box::new(move |name, labels| renamed(&mapping, &[], name, labels))
}

/// Renames the metrics of what a template made, as it says, with `$label` for the label beside it.
pub(super) fn template_rename(rename: &MetricsRename) -> Rename {
    let (label, mapping) = (rename.label.clone(), rename.mapping.clone());
    Box::new(move |name, labels| {
        let label = Value::from(label.as_str());
        renamed(&mapping, &[("label", label)], name, labels)
    })
}

/// A metric's name and labels as a mapping makes them; none if it drops the metric.
fn renamed(
    mapping: &Mapping,
    variables: &[(&str, Value)],
    name: &str,
    labels: Labels,
) -> Option<(String, Labels)> {
    let mut message = Message::from_value(Value::from(name));
    for (key, value) in &labels {
        message.metadata_mut().set(key.as_str(), value.as_str());
    }
    let text = |value: &Value| match value {
        Value::String(text) => text.to_string(),
        other => String::from_utf8_lossy(&other.to_json()).into_owned(),
    };
    match mapping.assigned(variables, &[message], 0) {
        Err(error) => {
            tracing::error!("Failed to map the metric {name}: {error}");
            Some((name.to_owned(), labels))
        }
        Ok(None) => None,
        Ok(Some((root, metadata))) => {
            let name = match root {
                None => name.to_owned(),
                Some(Value::String(name)) => name.to_string(),
                Some(other) => {
                    let found = other.type_name();
                    tracing::error!("The mapping names the metric {name} by {found}, not a string");
                    return Some((name.to_owned(), labels));
                }
            };
            let labels = metadata.iter();
            let labels = labels.map(|(k, v)| (k.to_string(), text(v))).collect();
            (!name.is_empty()).then_some((name, labels))
        }
    }
}

/// Answers requests for metrics in the form that the config wants; none where it wants them elsewhere or not at all.
pub(super) fn publisher(
    config: &MetricsConfig,
    sets: impl Fn() -> Vec<Metrics> + Send + Sync + 'static,
) -> Option<HttpHandler> {
    if config.none.is_some() || config.logger.is_some() {
        return None;
    }
    let is_json = config.json_api.is_some();
    let bounds = histogram_bounds(config.prometheus.as_ref());
    let with_process = config
        .prometheus
        .as_ref()
        .is_some_and(|p| p.add_process_metrics);
    Some(Arc::new(move |_| {
        let sets = sets();
        let (body, kind) = match is_json {
            true => (
                json_of(&sets, Metrics::json).to_string(),
                "application/json",
            ),
            false => (
                Metrics::prometheus_of(&sets, bounds.as_deref()) + &process(with_process),
                "text/plain; version=0.0.4; charset=utf-8; escaping=underscores",
            ),
        };
        let mut response = Response::new(Body::from(body));
        let kind = HeaderValue::from_static(kind);
        response.headers_mut().insert(header::CONTENT_TYPE, kind);
        Box::pin(async move { response })
    }))
}

/// What the process uses, if that is asked for.
pub(super) fn process(wanted: bool) -> String {
    match wanted {
        true => crate::telemetry::process::prometheus(),
        false => String::new(),
    }
}

/// What several sets hold, as `read` gives it for each.
pub(super) fn json_of(
    sets: &[Metrics],
    read: fn(&Metrics) -> serde_json::Value,
) -> serde_json::Value {
    let mut all = serde_json::Map::new();
    for set in sets {
        if let serde_json::Value::Object(own) = read(set) {
            all.extend(own);
        }
    }
    all.into()
}

/// The bounds of histograms, if timings are histograms.
pub(super) fn histogram_bounds(prometheus: Option<&Prometheus>) -> Option<Vec<f64>> {
    const USUAL: [f64; 11] = [
        0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
    ];
    let prometheus = prometheus?;
    prometheus
        .use_histogram_timing
        .then(|| match prometheus.histogram_buckets.as_slice() {
            [] => USUAL.to_vec(),
            own => own.to_vec(),
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bloblang::Environment;

    #[test]
    fn a_mapping_names_metrics() {
        let text = "meta extra = this.split(\"_\").index(0)\nroot = if this == \"b\" { deleted() } else { \"my_\" + this }";
        let config = MetricsConfig {
            mapping: Mapping::parse(text, &Environment::default()).ok(),
            ..none()
        };
        let metrics = set(&config, Labels::new());
        metrics.counter("a_b", &[("path", "x")]).add(1);
        metrics.counter("b", &[]).add(1);
        metrics.counter("c", &[("operation", "get")]).add(1);
        let want = serde_json::json!({
            "my_a_b{extra=\"a\",path=\"x\"}": 1,
            "my_c{extra=\"c\",operation=\"get\"}": 1,
        });
        assert_eq!(json_of(&[metrics], Metrics::json), want);
    }

    #[test]
    fn templates_rename_before_the_stream_does() {
        let parse = |text| Mapping::parse(text, &Environment::default()).expect("a mapping");
        let rename = |text| MetricsRename {
            label: "l".into(),
            mapping: parse(text),
        };
        let config = MetricsConfig {
            mapping: Some(parse("root = \"all_\" + this")),
            ..none()
        };
        let metrics = set(&config, Labels::new());
        let outer = metrics.renamed(template_rename(&rename("root = \"outer_\" + this")));
        let inner = outer.renamed(template_rename(&rename(
            "root = if this == \"no\" { deleted() } else { $label + this }",
        )));
        let of_labels = metrics.renamed(template_rename(&rename("meta = {\"k\": this}")));
        inner.counter("x", &[]).add(1);
        inner.counter("no", &[]).add(1);
        outer.counter("x", &[]).add(2);
        metrics.counter("x", &[]).add(3);
        let labels = [("path", "p"), ("operation", "get")];
        of_labels.counter("y", &labels).add(4);
        let want = serde_json::json!({
            "all_outer_lx": 1, "all_outer_x": 2, "all_x": 3, "all_y{k=\"y\",operation=\"get\"}": 4,
        });
        assert_eq!(json_of(&[metrics], Metrics::json), want);
    }

    fn none() -> MetricsConfig {
        MetricsConfig {
            mapping: None,
            prometheus: None,
            json_api: None,
            logger: None,
            none: None,
        }
    }
}
