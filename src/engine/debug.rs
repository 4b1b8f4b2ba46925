//! What `http.debug_endpoints` adds: the config that runs, the threads and the memory of the process.

use super::{
    config::{scrubbed, yaml},
    server::{answer, json, text},
};
use crate::component::{HttpMux, HttpRoute};
use crate::config::Node;
use axum::http::StatusCode;
use std::fmt::Write;

/// The routes, for as long as they are kept. `config` is shown without its secrets.
pub fn routes(mux: &HttpMux, config: Node) -> Vec<HttpRoute> {
    let config = scrubbed(config);
    let (as_json, as_yaml) = (config.to_json(), yaml(&config));
    vec![
        mux.route(
            "/debug/config/json",
            "The config that runs, as JSON.",
            answer(move || json(&as_json)),
        ),
        mux.route(
            "/debug/config/yaml",
            "The config that runs, as YAML.",
            answer(move || text(StatusCode::OK, as_yaml.clone())),
        ),
        mux.route(
            "/debug/stack",
            "What the process is at: its tasks and threads.",
            answer(|| text(StatusCode::OK, threads())),
        ),
        mux.route(
            "/debug/memory",
            "What memory the process has.",
            answer(|| text(StatusCode::OK, memory())),
        ),
    ]
}

/// The tasks by number and the threads by name, with what the system tells of each.
fn threads() -> String {
    let mut out = String::new();
    let metrics = tokio::runtime::Handle::current().metrics();
    let _ = writeln!(
        out,
        "tasks: {} alive on {} threads, {} wait for a thread\n",
        metrics.num_alive_tasks(),
        metrics.num_workers(),
        metrics.global_queue_depth()
    );
    let tasks = std::fs::read_dir("/proc/self/task").into_iter().flatten();
    let mut ids: Vec<u64> = tasks
        .filter_map(|task| task.ok()?.file_name().to_str()?.parse().ok())
        .collect();
    ids.sort_unstable();
    for id in ids {
        let read = |file: &str| std::fs::read_to_string(format!("/proc/self/task/{id}/{file}"));
        let status = read("status").unwrap_or_default();
        let of = |name: &str| value(&status, name).unwrap_or("?").to_owned();
        let waits = read("wchan").unwrap_or_default();
        let waits = match waits.as_str() {
            "" | "0" => "-",
            place => place,
        };
        let _ = writeln!(
            out,
            "thread {id} {:?}: {}, waits in {waits}, gave way {} times and was interrupted {} times",
            of("Name"),
            of("State"),
            of("voluntary_ctxt_switches"),
            of("nonvoluntary_ctxt_switches"),
        );
    }
    out
}

/// The lines of the system's account that tell of memory.
fn memory() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let lines = status
        .lines()
        .filter(|l| l.starts_with("Vm") || l.starts_with("Rss"));
    lines.fold(String::new(), |out, line| out + line + "\n")
}

/// A value of `/proc/PID/status`.
fn value<'t>(status: &'t str, name: &str) -> Option<&'t str> {
    let mut lines = status.lines();
    lines.find_map(|line| Some(line.strip_prefix(name)?.strip_prefix(':')?.trim()))
}
