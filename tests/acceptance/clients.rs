//! Clients of a stream: one that posts numbers to it, and a server of numbers that it asks.

use std::{
    collections::BTreeSet,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use serde_json::Value as Json;
use tokio::{net::TcpListener, task::JoinHandle};

use super::stage::Stage;
use crate::cli::lines;

/// Requests under way at once, and the pause of each after an answer.
const SENDERS: u64 = 4;
const PAUSE: Duration = Duration::from_millis(10);

/// How long the server takes to answer with a number that it has given away.
const THINKS: Duration = Duration::from_millis(10);

/// A stream that answers a posted number once it has written it.
pub fn hook(path: &Path) -> String {
    format!(
        "input:
  http_server:
    path: /post
    allowed_verbs: [ POST ]
pipeline:
  processors:
    - mapping: |
        root.n = this.n
        root.at = timestamp_unix_milli()
        root.epoch = ${{AIRTRUCT_EPOCH}}
output:
  broker:
    pattern: fan_out_sequential
    outputs:
      - file:
          path: {}
          codec: lines
      - sync_response: {{}}
",
        path.display()
    )
}

/// A stream that asks a server for numbers, one after another.
pub fn pull(url: &str, path: &Path) -> String {
    format!(
        "input:
  http_client:
    url: {url}
    verb: GET
pipeline:
  processors:
    - mapping: |
        root.n = content().string().number()
        root.at = timestamp_unix_milli()
        root.epoch = ${{AIRTRUCT_EPOCH}}
output:
  file:
    path: {}
    codec: lines
",
        path.display()
    )
}

/// Requests with numbers, until it is ended.
pub struct Posting {
    is_over: Arc<AtomicBool>,
    senders: Vec<JoinHandle<Posted>>,
}

/// How requests went.
#[derive(Default)]
pub struct Posted {
    pub accepted: Vec<u64>,
    pub failed: Vec<String>,
    /// How long each took, in milliseconds.
    pub times: Vec<u64>,
}

impl Posting {
    pub fn begin(stage: &Stage, stream: &str) -> Posting {
        let is_over = Arc::new(AtomicBool::new(false));
        let url = stage.url(&format!("/ingest/{stream}/post"));
        let senders = (0..SENDERS)
            .map(|sender| {
                let (client, url) = (stage.client.clone(), url.clone());
                let numbers = (sender..).step_by(SENDERS as usize);
                stage
                    .runtime
                    .spawn(send(client, url, numbers, is_over.clone()))
            })
            .collect();
        Posting { is_over, senders }
    }

    pub fn end(self, stage: &Stage) -> Posted {
        self.is_over.store(true, Ordering::Relaxed);
        let mut all = Posted::default();
        for sender in self.senders {
            let posted = stage.runtime.block_on(sender).expect("it ends");
            all.accepted.extend(posted.accepted);
            all.failed.extend(posted.failed);
            all.times.extend(posted.times);
        }
        all.failed
            .iter()
            .take(5)
            .for_each(|failed| println!("failed: {failed}"));
        all
    }
}

async fn send(
    client: reqwest::Client,
    url: String,
    numbers: impl Iterator<Item = u64>,
    is_over: Arc<AtomicBool>,
) -> Posted {
    let mut posted = Posted::default();
    for n in numbers {
        if is_over.load(Ordering::Relaxed) {
            break;
        }
        let begun = Instant::now();
        let request = client.post(&url).body(format!("{{\"n\":{n}}}"));
        match request.send().await {
            Ok(answer) if answer.status() == 200 => posted.accepted.push(n),
            Ok(answer) => {
                let status = answer.status();
                let text = answer.text().await.unwrap_or_default();
                posted.failed.push(format!("{n}: {status} {text}"));
            }
            Err(error) => posted.failed.push(format!("{n}: {error}")),
        }
        posted.times.push(begun.elapsed().as_millis() as u64);
        tokio::time::sleep(PAUSE).await;
    }
    posted
}

/// A server that hands out each number once.
pub struct Numbers {
    pub url: String,
    next: Arc<AtomicU64>,
}

impl Numbers {
    pub fn serve(stage: &Stage) -> Numbers {
        let next = Arc::new(AtomicU64::new(0));
        let listener = stage.runtime.block_on(TcpListener::bind("127.0.0.1:0"));
        let listener = listener.expect("a free port");
        let url = format!(
            "http://{}/next",
            listener.local_addr().expect("its address")
        );
        let counter = next.clone();
        let answer = move || {
            let number = counter.fetch_add(1, Ordering::Relaxed);
            async move {
                tokio::time::sleep(THINKS).await;
                number.to_string()
            }
        };
        let routes = axum::Router::new().route("/next", axum::routing::get(answer));
        stage
            .runtime
            .spawn(async { axum::serve(listener, routes).await });
        Numbers { url, next }
    }

    /// All that were handed out.
    pub fn given(&self) -> Vec<u64> {
        (0..self.next.load(Ordering::Relaxed)).collect()
    }
}

/// Which of some numbers a stream has not written, and how many it has written again.
pub fn compare(stage: &Stage, stream: &str, sent: &[u64]) -> (Vec<u64>, usize) {
    let number = |line: &String| {
        let json: Json = serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"));
        json["n"].as_u64().expect("a number")
    };
    let written: Vec<u64> = lines(&stage.file(stream)).iter().map(number).collect();
    let distinct: BTreeSet<u64> = written.iter().copied().collect();
    let missing = sent.iter().copied().filter(|n| !distinct.contains(n));
    (missing.collect(), written.len() - distinct.len())
}
