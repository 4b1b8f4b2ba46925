//! Nothing is lost: not when a worker is drained in the middle of a file, nor when one that takes requests leaves.

use std::{
    collections::HashSet,
    io::Write,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use super::{Cluster, lines, text, wait_for};

/// A debug build reads a file of fewer lines, to keep the time small.
const LINES: usize = if cfg!(debug_assertions) {
    100_000
} else {
    1_000_000
};

#[test]
fn a_file_whose_worker_is_drained_half_way_arrives_whole() {
    let cluster = Cluster::start(&[], 2);
    let input = cluster.folder.join("in.jsonl");
    let mut file = std::io::BufWriter::new(std::fs::File::create(&input).expect("a file"));
    for n in 0..LINES {
        writeln!(file, "{{\"n\":{n},\"text\":\"the quick brown fox\"}}").expect("it is written");
    }
    file.into_inner().expect("it is flushed");
    let output = cluster.folder.join("out.jsonl");
    let config = format!(
        "input:
  file:
    paths: [ {} ]
    scanner: {{ lines: {{}} }}
pipeline:
  processors:
    - mapping: |
        root = this
        root.twice = this.n * 2
output:
  file:
    path: {}
    codec: lines
",
        input.display(),
        output.display()
    );
    let file = cluster.folder.write("half.yaml", &config);
    cluster.succeed(&["streams", "apply", file.to_str().expect("text")]);
    let full = std::fs::metadata(&input).expect("it is there").len();
    wait_for("a quarter of the file", || {
        let written = std::fs::metadata(&output).map_or(0, |m| m.len());
        (written > full / 4).then_some(())
    });
    let stream = &cluster.list("streams")[0];
    let worker = text(&stream["shards"][0]["worker"]);
    assert_eq!(
        stream["state"], "running",
        "it is too small a file to be drained half-way: {stream}"
    );
    cluster.succeed(&["workers", "drain", &worker, "--wait"]);
    let drained = cluster
        .list("workers")
        .iter()
        .find(|w| w["id"] == worker.as_str())
        .cloned();
    assert_eq!(drained.map(|w| w["state"].clone()), Some("draining".into()));
    wait_for("the rest", || {
        let stream = &cluster.list("streams")[0];
        (stream["state"] == "completed").then_some(())
    });
    let all = lines(&output);
    let distinct: HashSet<u64> = all
        .iter()
        .map(|line| {
            let json: serde_json::Value =
                serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"));
            let n = json["n"].as_u64().expect("a number");
            assert_eq!(json["twice"].as_u64(), Some(n * 2));
            n
        })
        .collect();
    assert_eq!(distinct.len(), LINES, "every line is there");
    eprintln!(
        "drained half-way: {LINES} lines, {} repeats",
        all.len() - LINES
    );
    cluster.succeed(&["workers", "undrain", &worker]);
    cluster.wait_for_workers(2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_are_answered_and_kept_while_their_worker_leaves() {
    let mut cluster = tokio::task::spawn_blocking(|| Cluster::start(&[], 2))
        .await
        .expect("a cluster");
    let output = cluster.folder.join("kept.jsonl");
    let config = format!(
        "input:
  http_server:
    path: /post
    allowed_verbs: [ POST, PUT ]
pipeline:
  processors:
    - mapping: |
        root = this
        root.verb = @http_server_verb
        root.tag = @http_server_request_path + \":\" + meta(\"X-Tag\").or(\"\") + \":\" + meta(\"q\").or(\"\")
output:
  broker:
    pattern: fan_out_sequential
    outputs:
      - file:
          path: {}
          codec: lines
      - sync_response: {{}}
",
        output.display()
    );
    let file = cluster.folder.write("hook.yaml", &config);
    cluster.succeed(&["streams", "apply", file.to_str().expect("text"), "--wait"]);
    let base = format!("http://{}/ingest/hook", cluster.http);
    let client = super::client();

    // Headers, query and body reach the stream; status, headers and body come back.
    let answer = client
        .put(format!("{base}/post?q=a%20b"))
        .header("X-Tag", "t")
        .body("{\"n\":-1}")
        .send()
        .await
        .expect("an answer");
    assert_eq!(answer.status(), 200);
    let body: serde_json::Value = answer.json().await.expect("JSON");
    assert_eq!(
        body,
        serde_json::json!({"n": -1, "verb": "PUT", "tag": "/post:t:a b"})
    );
    let missing = client
        .post(format!("{base}/elsewhere"))
        .body("{}")
        .send()
        .await
        .expect("an answer");
    assert_eq!(missing.status(), 404);

    let stop = Arc::new(AtomicBool::new(false));
    let senders: Vec<_> = (0..4u64)
        .map(|sender| {
            let (client, stop, url) = (client.clone(), stop.clone(), format!("{base}/post"));
            tokio::spawn(async move {
                let (mut accepted, mut failed) = (Vec::new(), Vec::new());
                for n in (sender..).step_by(4) {
                    if stop.load(Ordering::Relaxed) {
                        break;
                    }
                    match client
                        .post(&url)
                        .body(format!("{{\"n\":{n}}}"))
                        .send()
                        .await
                    {
                        Ok(answer) if answer.status() == 200 => accepted.push(n),
                        Ok(answer) => {
                            let status = answer.status();
                            failed.push(format!(
                                "{n}: {status} {}",
                                answer.text().await.unwrap_or_default()
                            ));
                        }
                        Err(error) => failed.push(format!("{n}: {error}")),
                    }
                }
                (accepted, failed)
            })
        })
        .collect();
    let leaver = text(&cluster.list("streams")[0]["shards"][0]["worker"]);
    let written = |at_least: usize| {
        let output = output.clone();
        tokio::task::spawn_blocking(move || {
            wait_for("requests to be kept", || {
                (lines(&output).len() >= at_least).then_some(())
            });
        })
    };
    written(50).await.expect("they are");
    cluster.worker(&leaver).signal(libc::SIGTERM);
    let status = tokio::task::block_in_place(|| cluster.worker(&leaver).wait());
    assert!(status.success(), "{status}");
    written(lines(&output).len() + 50)
        .await
        .expect("they are, by the other worker");
    stop.store(true, Ordering::Relaxed);
    let (mut accepted, mut failed) = (Vec::new(), Vec::new());
    for sender in senders {
        let (more, bad) = sender.await.expect("it ends");
        accepted.extend(more);
        failed.extend(bad);
    }
    let kept: HashSet<i64> = lines(&output)
        .iter()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok()?["n"].as_i64())
        .collect();
    let lost: Vec<u64> = accepted
        .iter()
        .copied()
        .filter(|n| !kept.contains(&(*n as i64)))
        .collect();
    eprintln!(
        "a worker left: {} requests accepted, {} failed",
        accepted.len(),
        failed.len()
    );
    assert!(lost.is_empty(), "accepted and lost: {lost:?}");
    assert!(failed.is_empty(), "{failed:?}");
}
