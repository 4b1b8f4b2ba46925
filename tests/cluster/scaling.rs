//! A stream whose number of shards follows its backlog.

use std::path::Path;

use airtruct::{
    cluster::{AssignmentState, Policy, Shards},
    coordinator::{Draft, EventFilter, Patch},
};

use super::{Cluster, policy, stream};

/// A stream of which each instance has much to do while the gate says `wait`, and next to nothing after that.
fn gated(gate: &Path) -> String {
    format!(
        r#"
input:
  generate:
    interval: 50ms
    mapping: 'root.n = count("n")'
pipeline:
  threads: 24
  processors:
    - while:
        check: 'file("{}", true).string() == "wait"'
        processors:
          - sleep:
              duration: 20ms
output:
  drop: {{}}
"#,
        gate.display()
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn shards_come_with_the_backlog_and_go_with_it() {
    let mut cluster = Cluster::new();
    cluster.policy = Policy {
        scale_pause_ms: 300,
        scale_low_ms: 600,
        ..policy()
    };
    cluster.start().await;
    let _workers = ["w1", "w2"].map(|name| cluster.worker(name));
    cluster.wait_workers(2).await;
    let gate = cluster.folder.0.join("gate");
    std::fs::write(&gate, "wait").expect("a gate");
    let draft = Draft {
        shards: Shards::between(1, 3),
        ..Draft::new(gated(&gate))
    };
    let made = cluster.handle().create_stream(stream("s"), draft).await;
    assert_eq!(made.expect("a stream").shards.len(), 1, "it begins small");
    cluster.wait_running(3).await;
    let status = cluster.handle().stream(stream("s")).await.expect("it");
    let scaling = status.scaling.expect("it has a range");
    assert_eq!((scaling.min, scaling.max, scaling.shards), (1, 3, 3));
    assert_eq!(status.revision.get(), 1, "those that run go on");

    // The number is durable, and another start of the coordinator goes on from it.
    cluster.stop().await;
    cluster.start().await;
    cluster.wait_workers(2).await;
    cluster.wait_running(3).await;
    let explained = cluster.handle().explain(stream("s")).await.expect("it");
    let told = explained.scaling.expect("it has a range");
    assert!(told.starts_with("3 shards of 1 to 3"), "{told}");

    std::fs::write(&gate, "go").expect("an open gate");
    cluster.wait_running(1).await;
    cluster
        .wait("those retired are forgotten", |view| view.shards.len() == 1)
        .await;
    let events = cluster.handle().events(EventFilter::default()).await;
    let causes: Vec<String> = events
        .expect("events")
        .into_iter()
        .rev()
        .filter(|event| event.kind == "scaled")
        .map(|event| event.cause)
        .collect();
    let steps: Vec<&str> = causes
        .iter()
        .map(|cause| cause.rsplit(": ").next().unwrap_or_default())
        .collect();
    let wanted = [
        "from 1 to 2 shards, of 1 to 3",
        "from 2 to 3 shards, of 1 to 3",
        "from 3 to 2 shards, of 1 to 3",
        "from 2 to 1 shards, of 1 to 3",
    ];
    assert_eq!(steps, wanted, "{causes:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn instances_that_ask_how_many_there_are_start_anew_with_each_step() {
    let mut cluster = Cluster::new();
    cluster.policy = Policy {
        scale_pause_ms: 300,
        ..policy()
    };
    cluster.start().await;
    let _worker = cluster.worker("w1");
    cluster.wait_workers(1).await;
    let gate = cluster.folder.0.join("gate");
    std::fs::write(&gate, "wait").expect("a gate");
    let config = gated(&gate).replace("count(\"n\")", "\"${AIRTRUCT_SHARDS}\"");
    let draft = Draft {
        shards: Shards::between(1, 2),
        ..Draft::new(config)
    };
    let handle = cluster.handle();
    let made = handle.create_stream(stream("s"), draft).await;
    made.expect("a stream");
    cluster
        .wait("a second one drains the first", |view| {
            view.streams[&stream("s")].revision.get() == 2
        })
        .await;
    std::fs::write(&gate, "go").expect("an open gate");
    cluster
        .wait("both run at the second revision", |view| {
            let runs = view
                .assignments()
                .filter(|(_, a)| a.state == AssignmentState::Running && a.revision.get() == 2);
            runs.count() == 2
        })
        .await;
    let revisions = handle.revisions(stream("s")).await.expect("revisions");
    assert_eq!(revisions[0].cause, "scaled to 2 shards");

    // A fixed number ends it.
    let fixed = Patch {
        shards: Some(Shards::Fixed(1)),
        ..Patch::default()
    };
    let patched = handle.patch_stream(stream("s"), fixed, None).await;
    assert_eq!(patched.expect("it").scaling, None);
    cluster.wait_running(1).await;
}
