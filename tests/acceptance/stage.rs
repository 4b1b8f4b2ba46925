//! A cluster of processes with default settings, asked over HTTP, and streams whose lines tell who wrote them and when.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{Read, Seek, SeekFrom},
    path::PathBuf,
    time::Duration,
};

use serde_json::{Value as Json, json};
use tokio::runtime::Runtime;

use crate::cli::{Cluster, Process, client, lines, now_ms, text, wait_for};

/// Enough of a file's end to have a whole line of a stream's in it.
const TAIL_BYTES: i64 = 1_024;

/// Between two lines of a stream.
pub const TICK: &str = "20ms";

pub struct Stage {
    pub cluster: Cluster,
    pub runtime: Runtime,
    pub client: reqwest::Client,
}

/// A line of a ticking stream.
#[derive(Clone, Debug, PartialEq, Eq, serde::Deserialize)]
pub struct Line {
    /// Milliseconds since 1970.
    pub at: u64,
    /// Under which grant it was made.
    pub epoch: u64,
}

impl Stage {
    /// A coordinator and workers called w1, w2, ...
    pub fn start(workers: usize) -> Stage {
        Self::start_with(workers, &[], &[])
    }

    /// The same with flags of the coordinator, and flags of each worker.
    pub fn start_with(workers: usize, coordinator: &[&str], worker: &[&str]) -> Stage {
        let mut stage = Stage {
            cluster: Cluster::start(coordinator, 0),
            runtime: Runtime::new().expect("a runtime"),
            client: client(),
        };
        for number in 1..=workers {
            stage.start_worker(&format!("w{number}"), worker);
        }
        stage.wait_workers(workers);
        stage
    }

    /// Starts a worker, for the first time or again.
    pub fn start_worker(&mut self, id: &str, flags: &[&str]) {
        let mut all = vec!["-worker-id", id];
        all.extend(flags);
        self.cluster.add_worker_with(&all);
    }

    pub fn worker(&mut self, id: &str) -> &mut Process {
        self.cluster.worker(id)
    }

    /// The port of a worker's that coordinators reach.
    pub fn port_of(&mut self, id: &str) -> String {
        let address = self.worker(id).listening("worker")["grpc"].clone();
        let (_, port) = address.rsplit_once(':').expect("host:port");
        port.to_owned()
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.cluster.http)
    }

    /// What the API answers to a GET; none if it can't be reached.
    pub fn get(&self, path: &str) -> Option<Json> {
        let url = self.url(path);
        let ask = async { self.client.get(url).send().await?.json().await };
        self.runtime.block_on(ask).ok()
    }

    /// Sends JSON that must be taken.
    pub fn post(&self, path: &str, body: &Json) {
        let request = self.client.post(self.url(path)).json(body);
        let answer = self.runtime.block_on(async {
            let answer = request.send().await.expect("an answer");
            (answer.status(), answer.text().await.unwrap_or_default())
        });
        assert!(answer.0.is_success(), "{path}: {} {}", answer.0, answer.1);
    }

    /// All of a list of the API's.
    pub fn list(&self, what: &str) -> Vec<Json> {
        let page = self.get(&format!("/api/v1/{what}")).unwrap_or_default();
        page["items"].as_array().cloned().unwrap_or_default()
    }

    /// Defines a stream; when that was asked for.
    pub fn create(&self, name: &str, config: &str) -> u64 {
        let asked = now_ms();
        self.post(
            "/api/v1/streams",
            &json!({ "name": name, "config": config }),
        );
        asked
    }

    /// Defines a stream that writes a line each tick; when that was asked for.
    pub fn create_ticking(&self, name: &str, interval: &str) -> u64 {
        let path = self.file(name);
        let config = format!(
            "input:
  generate:
    interval: {interval}
    mapping: |
      root.at = timestamp_unix_milli()
      root.epoch = ${{AIRTRUCT_EPOCH}}
      root.n = counter()
      root.worker = env(\"WORKER\")
output:
  file:
    path: {}
    codec: lines
",
            path.display()
        );
        self.create(name, &config)
    }

    /// So many ticking streams, all of which have written.
    pub fn create_many(&self, count: usize) -> Vec<String> {
        let names: Vec<String> = (0..count).map(|n| format!("tick-{n:02}")).collect();
        for name in &names {
            self.create_ticking(name, TICK);
        }
        for name in &names {
            self.wait_after(name, 0);
        }
        names
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.cluster.folder.join(&format!("{name}.jsonl"))
    }

    /// What a stream has written.
    pub fn written(&self, name: &str) -> Vec<Line> {
        let parse = |line: &String| {
            serde_json::from_str(line).unwrap_or_else(|e| panic!("{name}: {e}: {line}"))
        };
        lines(&self.file(name)).iter().map(parse).collect()
    }

    /// The newest whole line of a stream, without reading all of them.
    pub fn last(&self, name: &str) -> Option<Line> {
        let mut file = File::open(self.file(name)).ok()?;
        let length = i64::try_from(file.metadata().ok()?.len()).ok()?;
        file.seek(SeekFrom::End(-length.min(TAIL_BYTES))).ok()?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).ok()?;
        let end = bytes.iter().rposition(|byte| *byte == b'\n')?;
        let begin = bytes[..end].iter().rposition(|byte| *byte == b'\n');
        serde_json::from_slice(&bytes[begin.map_or(0, |at| at + 1)..end]).ok()
    }

    /// Waits until a stream has written something younger than a moment.
    pub fn wait_after(&self, name: &str, moment: u64) {
        wait_for(&format!("{name} to write"), || {
            self.last(name).filter(|line| line.at > moment)
        });
    }

    /// Waits until a stream is written under a later grant than this one.
    pub fn wait_taken_over(&self, name: &str, epoch: u64) {
        wait_for(&format!("{name} to be taken over"), || {
            self.last(name).filter(|line| line.epoch > epoch)
        });
    }

    /// Under which grant each of some streams writes.
    pub fn epochs(&self, names: &[String]) -> Vec<u64> {
        let epoch = |name: &String| self.last(name).expect("it has written").epoch;
        names.iter().map(epoch).collect()
    }

    pub fn wait_workers(&self, count: usize) {
        wait_for(&format!("{count} workers to be active"), || {
            (self.active().len() == count).then_some(())
        });
    }

    /// The ids of the workers that are active.
    pub fn active(&self) -> Vec<String> {
        let workers = self.list("workers");
        let active = workers.iter().filter(|w| w["state"] == "active");
        active.map(|worker| text(&worker["id"])).collect()
    }

    /// The worker of each stream; none unless all run.
    pub fn placement(&self) -> Option<BTreeMap<String, String>> {
        let streams = self.list("streams?limit=1000");
        let place = |stream: &Json| {
            let runs = stream["state"] == "running";
            let worker = text(&stream["shards"][0]["worker"]);
            runs.then(|| (text(&stream["name"]), worker))
        };
        streams.iter().map(place).collect()
    }

    /// How many shards each active worker has, the fewest first.
    pub fn spread(&self) -> Vec<u64> {
        let workers = self.list("workers");
        let active = workers.iter().filter(|w| w["state"] == "active");
        let mut counts: Vec<u64> = active.filter_map(|w| w["streams"].as_u64()).collect();
        counts.sort_unstable();
        counts
    }

    /// Waits until all streams run, spread evenly over so many workers; then where each is.
    pub fn wait_even(&self, workers: usize) -> BTreeMap<String, String> {
        wait_for(&format!("an even spread over {workers} workers"), || {
            let spread = self.spread();
            let is_even = spread.len() == workers
                && spread
                    .last()
                    .zip(spread.first())
                    .is_some_and(|(most, least)| most - least <= 1);
            is_even.then(|| self.placement()).flatten()
        })
    }
}

/// The streams of a worker.
pub fn streams_of(placement: &BTreeMap<String, String>, worker: &str) -> Vec<String> {
    let of_worker = placement.iter().filter(|(_, owner)| *owner == worker);
    of_worker.map(|(name, _)| name.clone()).collect()
}

/// The worker that has the most streams.
pub fn busiest(placement: &BTreeMap<String, String>) -> String {
    let count = |worker: &&String| streams_of(placement, worker).len();
    placement
        .values()
        .max_by_key(count)
        .expect("a stream")
        .clone()
}

/// From the last line of an owner to the first of the next one, for each change of owner since a moment.
pub fn handovers(lines: &[Line], since: u64) -> Vec<u64> {
    let changes = lines
        .windows(2)
        .filter(|pair| pair[0].epoch != pair[1].epoch && pair[1].at >= since);
    changes
        .map(|pair| pair[1].at.saturating_sub(pair[0].at))
        .collect()
}

/// The longest time between two lines within a span of time.
pub fn longest_pause(lines: &[Line], from: u64, until: u64) -> u64 {
    let pairs = lines
        .windows(2)
        .filter(|pair| pair[1].at >= from && pair[0].at <= until);
    let pauses = pairs.map(|pair| pair[1].at.saturating_sub(pair[0].at));
    pauses.max().unwrap_or(u64::MAX)
}

/// How many lines of a former owner came after one of a later owner.
pub fn late(lines: &[Line]) -> usize {
    let mut newest = 0;
    let is_late = |line: &&Line| {
        newest = newest.max(line.epoch);
        line.epoch < newest
    };
    lines.iter().filter(is_late).count()
}

/// Lets time pass for which something is to last.
pub fn pass_until(moment: u64) {
    let left = moment.saturating_sub(now_ms());
    std::thread::sleep(Duration::from_millis(left));
}

#[test]
fn pauses_and_late_lines_are_read_from_what_was_written() {
    let line = |at, epoch| Line { at, epoch };
    let lines = [
        line(10, 1),
        line(30, 1),
        line(90, 2),
        line(95, 1),
        line(110, 2),
    ];
    assert_eq!(handovers(&lines[..3], 0), [60]);
    assert_eq!(handovers(&lines[..3], 91), [0; 0]);
    assert_eq!(late(&lines), 1);
    assert_eq!(longest_pause(&lines, 95, 110), 15);
    assert_eq!(longest_pause(&lines, 0, 200), 60);
    assert_eq!(longest_pause(&lines, 200, 300), u64::MAX);
}
