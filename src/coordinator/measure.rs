//! The coordinator's own metrics.

use std::{collections::BTreeMap, time::Duration};

use crate::{
    cluster::{
        AssignmentState, View, WorkerState,
        capacity::{Advice, Capacity},
    },
    store::Changes,
    telemetry::metrics::{Counter, Gauge, Metrics, Timing},
};

pub(super) struct Measures {
    metrics: Metrics,
    heartbeats: Counter,
    plans: Timing,
    writes: Timing,
    workers: BTreeMap<&'static str, Gauge>,
    assignments: BTreeMap<&'static str, Gauge>,
    streams: Gauge,
    leading: Gauge,
    desired: Gauge,
    backlog: Gauge,
}

impl Measures {
    pub(super) fn new(metrics: Metrics) -> Self {
        let of = |name: &str, state: &str| metrics.gauge(name, &[("state", state)]);
        Self {
            heartbeats: metrics.counter("airtruct_heartbeats_total", &[]),
            plans: metrics.timing("airtruct_plan_duration", &[]),
            writes: metrics.timing("airtruct_store_write_duration", &[]),
            workers: WorkerState::ALL
                .iter()
                .map(|state| (state.as_str(), of("airtruct_workers", state.as_str())))
                .collect(),
            assignments: AssignmentState::ALL
                .iter()
                .map(|state| (state.as_str(), of("airtruct_assignments", state.as_str())))
                .collect(),
            streams: metrics.gauge("airtruct_streams", &[]),
            leading: metrics.gauge("airtruct_leading", &[]),
            desired: metrics.gauge("airtruct_desired_workers", &[]),
            backlog: metrics.gauge("airtruct_backlog", &[]),
            metrics,
        }
    }

    pub(super) fn heartbeat(&self) {
        self.heartbeats.add(1);
    }

    pub(super) fn plan(&self, took: Duration) {
        self.plans.record(took);
    }

    pub(super) fn write(&self, took: Duration, changes: &Changes) {
        self.writes.record(took);
        for event in &changes.events {
            let action = event.kind.as_str();
            self.metrics
                .counter("airtruct_events_total", &[("kind", action)])
                .add(1);
        }
    }

    pub(super) fn leading(&self, leads: bool) {
        self.leading.set(i64::from(leads));
    }

    pub(super) fn capacity(&self, capacity: &Capacity, advice: &Advice) {
        self.desired.set(advice.workers as i64);
        self.backlog
            .set(i64::try_from(capacity.backlog).unwrap_or(i64::MAX));
    }

    /// Counts what there is, in one pass.
    pub(super) fn count(&self, view: &View) {
        let mut workers: BTreeMap<&str, i64> = BTreeMap::new();
        for worker in view.workers.values() {
            *workers.entry(worker.state().as_str()).or_default() += 1;
        }
        let mut assignments: BTreeMap<&str, i64> = BTreeMap::new();
        for (_, assignment) in view.assignments() {
            *assignments.entry(assignment.state.as_str()).or_default() += 1;
        }
        for (state, gauge) in &self.workers {
            gauge.set(workers.get(state).copied().unwrap_or(0));
        }
        for (state, gauge) in &self.assignments {
            gauge.set(assignments.get(state).copied().unwrap_or(0));
        }
        self.streams.set(view.streams.len() as i64);
    }
}
