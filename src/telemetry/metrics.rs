//! Counters, gauges and timings by name and labels, and how they are written for Prometheus.
//!
//! A handle is looked up once and then costs an atomic addition. A registry that is off hands out handles that nobody
//! reads. Timings are kept as counts in buckets that grow by half, so quantiles are right to within a quarter.

use parking_lot::Mutex;
use std::{
    collections::BTreeMap,
    fmt::Write,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
    time::Duration,
};

/// Labels in the order in which they are written.
pub type Labels = Vec<(String, String)>;

/// A set of metrics; cloning shares it.
#[derive(Clone, Default)]
pub struct Metrics {
    /// None where nothing is kept.
    registry: Option<Arc<Registry>>,
    /// What changes names and labels before the set's own renaming does, in this order.
    before: Vec<Arc<Rename>>,
}

#[derive(Default)]
struct Registry {
    families: Mutex<BTreeMap<String, BTreeMap<Labels, Metric>>>,
    /// Labels that every metric of this set has.
    common: Labels,
    rename: Option<Rename>,
}

/// Changes a metric's name, and the labels that tell whose it is, before it is registered; none drops it.
pub type Rename = Box<dyn Fn(&str, Labels) -> Option<(String, Labels)> + Send + Sync>;

#[derive(Clone)]
enum Metric {
    Counter(Counter),
    Gauge(Gauge),
    Timing(Timing),
}

/// A count that only grows.
#[derive(Clone, Debug, Default)]
pub struct Counter(Arc<AtomicU64>);

impl Counter {
    pub fn add(&self, n: u64) {
        self.0.fetch_add(n, Ordering::Relaxed);
    }

    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    /// What was counted, which is forgotten.
    fn take(&self) -> u64 {
        self.0.swap(0, Ordering::Relaxed)
    }
}

/// A number that goes up and down.
#[derive(Clone, Debug, Default)]
pub struct Gauge(Arc<AtomicI64>);

impl Gauge {
    pub fn set(&self, n: i64) {
        self.0.store(n, Ordering::Relaxed);
    }

    pub fn add(&self, n: i64) {
        self.0.fetch_add(n, Ordering::Relaxed);
    }

    pub fn get(&self) -> i64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// How long something takes.
#[derive(Clone, Debug, Default)]
pub struct Timing(Arc<Histogram>);

#[derive(Debug, Default)]
struct Histogram {
    buckets: OnceLock<Box<[AtomicU64; 128]>>,
    count: AtomicU64,
    sum: AtomicU64,
}

impl Timing {
    pub fn record(&self, took: Duration) {
        self.record_ns(took.as_nanos() as u64);
    }

    pub fn record_ns(&self, ns: u64) {
        self.record_many(ns, 1);
    }

    /// Records `n` that took `ns` nanoseconds each.
    pub fn record_many(&self, ns: u64, n: u64) {
        let buckets = self.0.buckets.get_or_init(empty_buckets);
        buckets[bucket(ns)].fetch_add(n, Ordering::Relaxed);
        self.0.count.fetch_add(n, Ordering::Relaxed);
        self.0
            .sum
            .fetch_add(ns.saturating_mul(n), Ordering::Relaxed);
    }

    pub fn count(&self) -> u64 {
        self.0.count.load(Ordering::Relaxed)
    }

    /// The sum of all, in nanoseconds.
    pub fn sum_ns(&self) -> u64 {
        self.0.sum.load(Ordering::Relaxed)
    }

    /// The time that a share of all stayed under, in nanoseconds; 0 where there are none.
    pub fn quantile_ns(&self, share: f64) -> u64 {
        let Some(buckets) = self.0.buckets.get() else {
            return 0;
        };
        let wanted = (self.count() as f64 * share).ceil() as u64;
        let mut seen = 0;
        for (i, n) in buckets.iter().enumerate() {
            seen += n.load(Ordering::Relaxed);
            if seen >= wanted.max(1) {
                return upper(i);
            }
        }
        0
    }

    /// What was recorded, which is forgotten. What comes in meanwhile may be counted in one of both only in part.
    fn take(&self) -> Timing {
        let taken = Timing::default();
        let move_to = |to: &AtomicU64, from: &AtomicU64| {
            to.store(from.swap(0, Ordering::Relaxed), Ordering::Relaxed);
        };
        move_to(&taken.0.count, &self.0.count);
        move_to(&taken.0.sum, &self.0.sum);
        if let Some(buckets) = self.0.buckets.get() {
            let to = taken.0.buckets.get_or_init(empty_buckets);
            to.iter()
                .zip(buckets.iter())
                .for_each(|(to, from)| move_to(to, from));
        }
        taken
    }

    /// How many took at most this long, to the precision of the buckets.
    pub fn at_most_ns(&self, ns: u64) -> u64 {
        let Some(buckets) = self.0.buckets.get() else {
            return 0;
        };
        buckets[..=bucket(ns)]
            .iter()
            .map(|n| n.load(Ordering::Relaxed))
            .sum()
    }
}

fn empty_buckets() -> Box<[AtomicU64; 128]> {
    Box::new([const { AtomicU64::new(0) }; 128])
}

/// Two buckets for each power of two.
fn bucket(ns: u64) -> usize {
    let ns = ns.max(2);
    let power = 63 - ns.leading_zeros() as usize;
    power * 2 + ((ns >> (power - 1)) & 1) as usize
}

fn upper(bucket: usize) -> u64 {
    let (power, half) = (bucket / 2, bucket as u64 % 2);
    if power == 0 {
        return 1;
    }
    (1u64 << power).saturating_add((half + 1).saturating_mul(1 << (power - 1)))
}

impl Metrics {
    /// A set that keeps nothing.
    pub fn off() -> Metrics {
        Metrics::default()
    }

    /// A set whose metrics all have these labels, named as `rename` says.
    pub fn new(common: Labels, rename: Option<Rename>) -> Metrics {
        Metrics {
            registry: Some(Arc::new(Registry {
                families: Mutex::default(),
                common,
                rename,
            })),
            before: Vec::new(),
        }
    }

    /// The same set, for those whose metrics are renamed before all other renaming.
    pub fn renamed(&self, first: Rename) -> Metrics {
        Metrics {
            registry: self.registry.clone(),
            before: [vec![Arc::new(first)], self.before.clone()].concat(),
        }
    }

    pub fn is_on(&self) -> bool {
        self.registry.is_some()
    }

    pub fn counter(&self, name: &str, labels: &[(&str, &str)]) -> Counter {
        match self.metric(name, labels, || Metric::Counter(Counter::default())) {
            Some(Metric::Counter(c)) => c,
            _ => Counter::default(),
        }
    }

    pub fn gauge(&self, name: &str, labels: &[(&str, &str)]) -> Gauge {
        match self.metric(name, labels, || Metric::Gauge(Gauge::default())) {
            Some(Metric::Gauge(g)) => g,
            _ => Gauge::default(),
        }
    }

    pub fn timing(&self, name: &str, labels: &[(&str, &str)]) -> Timing {
        match self.metric(name, labels, || Metric::Timing(Timing::default())) {
            Some(Metric::Timing(t)) => t,
            _ => Timing::default(),
        }
    }

    fn metric(&self, name: &str, labels: &[(&str, &str)], make: fn() -> Metric) -> Option<Metric> {
        let registry = self.registry.as_ref()?;
        let owned = |(k, v): &(&str, &str)| ((*k).to_owned(), (*v).to_owned());
        // Labels that tell one series of a component's metric from another are nothing that renaming sees.
        let tells_whose = |(key, _): &&(&str, &str)| matches!(*key, "label" | "path");
        let (whose, series): (Vec<_>, Vec<_>) = labels.iter().partition(tells_whose);
        let mut labels: Labels = whose.into_iter().map(owned).collect();
        labels.extend(registry.common.iter().cloned());
        let mut name = name.to_owned();
        let before = self.before.iter().map(|rename| &**rename);
        for rename in before.chain(&registry.rename) {
            (name, labels) = rename(&name, labels)?;
        }
        labels.extend(series.into_iter().map(owned));
        labels.sort();
        let mut families = registry.families.lock();
        let family = families.entry(name).or_default();
        Some(family.entry(labels).or_insert_with(make).clone())
    }

    /// Everything in Prometheus' text format; see [`Metrics::prometheus_of`].
    pub fn prometheus(&self, histogram_bounds: Option<&[f64]>) -> String {
        Metrics::prometheus_of(std::slice::from_ref(self), histogram_bounds)
    }

    /// Several sets in Prometheus' text format; timings as summaries in nanoseconds, or as histograms in seconds if bounds
    /// for them are given.
    pub fn prometheus_of(sets: &[Metrics], histogram_bounds: Option<&[f64]>) -> String {
        let mut families: BTreeMap<String, Vec<(Labels, Metric)>> = BTreeMap::new();
        for registry in sets.iter().filter_map(|set| set.registry.as_ref()) {
            for (name, series) in registry.families.lock().iter() {
                let all = families.entry(name.clone()).or_default();
                all.extend(series.iter().map(|(l, m)| (l.clone(), m.clone())));
            }
        }
        let mut out = String::new();
        for (name, series) in &families {
            let kind = match series.first() {
                Some((_, Metric::Counter(_))) => "counter",
                Some((_, Metric::Gauge(_))) => "gauge",
                Some((_, Metric::Timing(_))) if histogram_bounds.is_some() => "histogram",
                Some((_, Metric::Timing(_))) => "summary",
                None => continue,
            };
            let name = sanitise(name);
            let _ = writeln!(
                out,
                "# HELP {name} Measured by a stream\n# TYPE {name} {kind}"
            );
            for (labels, metric) in series {
                let plain = label_set(labels, None);
                let _ = match metric {
                    Metric::Counter(c) => writeln!(out, "{name}{plain} {}", c.get()),
                    Metric::Gauge(g) => writeln!(out, "{name}{plain} {}", g.get()),
                    Metric::Timing(t) => write_timing(&mut out, &name, labels, t, histogram_bounds),
                };
            }
        }
        out
    }

    /// Everything as a JSON object from `name{label="value"}` to a count, or to quantiles for timings.
    pub fn json(&self) -> serde_json::Value {
        self.json_of(Metric::clone)
    }

    /// As [`Metrics::json`], and counts and timings start from zero again.
    pub fn take_json(&self) -> serde_json::Value {
        self.json_of(|metric| match metric {
            Metric::Counter(c) => Metric::Counter(Counter(Arc::new(c.take().into()))),
            Metric::Gauge(_) => metric.clone(),
            Metric::Timing(t) => Metric::Timing(t.take()),
        })
    }

    fn json_of(&self, read: impl Fn(&Metric) -> Metric) -> serde_json::Value {
        let mut out = serde_json::Map::new();
        let Some(registry) = &self.registry else {
            return out.into();
        };
        for (name, series) in registry.families.lock().iter() {
            for (labels, metric) in series {
                let value = match read(metric) {
                    Metric::Counter(c) => c.get().into(),
                    Metric::Gauge(g) => g.get().into(),
                    Metric::Timing(t) => serde_json::json!({
                        "p50": t.quantile_ns(0.5), "p90": t.quantile_ns(0.9), "p99": t.quantile_ns(0.99),
                    }),
                };
                out.insert(format!("{name}{}", label_set(labels, None)), value);
            }
        }
        out.into()
    }
}

fn write_timing(
    out: &mut String,
    name: &str,
    labels: &Labels,
    timing: &Timing,
    bounds: Option<&[f64]>,
) -> std::fmt::Result {
    let plain = label_set(labels, None);
    match bounds {
        None => {
            for share in [0.5, 0.9, 0.99] {
                let set = label_set(labels, Some(("quantile", &share.to_string())));
                writeln!(out, "{name}{set} {}", timing.quantile_ns(share))?;
            }
            writeln!(out, "{name}_sum{plain} {}", timing.sum_ns())?;
        }
        Some(bounds) => {
            for bound in bounds {
                let set = label_set(labels, Some(("le", &bound.to_string())));
                writeln!(
                    out,
                    "{name}_bucket{set} {}",
                    timing.at_most_ns((bound * 1e9) as u64)
                )?;
            }
            let set = label_set(labels, Some(("le", "+Inf")));
            writeln!(out, "{name}_bucket{set} {}", timing.count())?;
            writeln!(out, "{name}_sum{plain} {}", timing.sum_ns() as f64 / 1e9)?;
        }
    }
    writeln!(out, "{name}_count{plain} {}", timing.count())
}

/// Names may hold letters, digits, underscores and colons.
fn sanitise(name: &str) -> String {
    name.chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || c == '_' || c == ':' {
                c
            } else {
                '_'
            }
        })
        .collect()
}

fn label_set(labels: &Labels, more: Option<(&str, &str)>) -> String {
    if labels.is_empty() && more.is_none() {
        return String::new();
    }
    let mut out = String::from("{");
    let all = labels.iter().map(|(k, v)| (k.as_str(), v.as_str()));
    for (i, (key, value)) in all.chain(more).enumerate() {
        if i > 0 {
            out.push(',');
        }
        let value = value
            .replace('\\', "\\\\")
            .replace('"', "\\\"")
            .replace('\n', "\\n");
        let _ = write!(out, "{key}=\"{value}\"");
    }
    out.push('}');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metrics_are_written_for_prometheus() {
        let metrics = Metrics::new(vec![("stream".into(), "s".into())], None);
        metrics.counter("a", &[("path", "x\"y")]).add(2);
        metrics.counter("a", &[("path", "x\"y")]).add(1);
        let text = metrics.prometheus(None);
        assert!(
            text.contains("# TYPE a counter\na{path=\"x\\\"y\",stream=\"s\"} 3\n"),
            "{text}"
        );
    }

    #[test]
    fn quantiles_are_near() {
        let timing = Timing::default();
        for ns in 1..=1000 {
            timing.record_ns(ns);
        }
        let median = timing.quantile_ns(0.5);
        assert!((400..=700).contains(&median), "{median}");
        assert_eq!(timing.count(), 1000);
    }

    #[test]
    fn what_is_taken_is_counted_anew() {
        let metrics = Metrics::new(Labels::new(), None);
        let (counter, timing) = (metrics.counter("a", &[]), metrics.timing("t", &[]));
        metrics.gauge("g", &[]).set(7);
        counter.add(2);
        timing.record_ns(1_000);
        let before = metrics.json();
        assert_eq!(metrics.take_json(), before);
        let none = serde_json::json!({"p50": 0, "p90": 0, "p99": 0});
        assert_eq!(
            metrics.json(),
            serde_json::json!({"a": 0, "g": 7, "t": none})
        );
        counter.add(1);
        timing.record_ns(1_000);
        assert_eq!(metrics.json()["a"], 1);
        assert_eq!(metrics.json()["t"], before["t"]);
    }
}
