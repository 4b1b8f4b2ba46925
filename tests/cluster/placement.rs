//! Where streams go: spread, join, drain, and a stream that can't run.

use airtruct::{
    cluster::AssignmentState,
    coordinator::{Draft, Patch, StreamState},
    ids::WorkerId,
};

use super::{Cluster, lines, longest_gap, stream, ticker, wait_lines, wait_until};

fn id(text: &str) -> WorkerId {
    WorkerId::new(text).expect("an id")
}

#[tokio::test(flavor = "multi_thread")]
async fn twelve_streams_spread_and_a_fourth_worker_gets_exactly_its_share() {
    let cluster = Cluster::started().await;
    let _three = ["w1", "w2", "w3"].map(|name| cluster.worker(name));
    cluster.wait_workers(3).await;
    for number in 0..12 {
        cluster.create(&format!("s{number:02}")).await;
    }
    cluster.wait_running(12).await;
    let spread = cluster.counts().await;
    assert!(spread.values().all(|count| *count == 4), "{spread:?}");
    let before = cluster.events("drain").await;

    let _fourth = cluster.worker("w4");
    cluster
        .wait("w4 has three", |view| {
            let of_w4 = view.assignments().filter(|(_, a)| a.worker == id("w4"));
            of_w4
                .filter(|(_, a)| a.state == AssignmentState::Running)
                .count()
                == 3
        })
        .await;
    cluster.wait_running(12).await;
    let spread = cluster.counts().await;
    assert!(spread.values().all(|count| *count == 3), "{spread:?}");
    assert_eq!(
        cluster.events("drain").await - before,
        3,
        "exactly three moves"
    );
    for number in 0..12 {
        let gap = longest_gap(&lines(&cluster.file(&format!("s{number:02}"))));
        assert!(gap < 1_000, "a gap of {gap} ms");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_is_asked_to_stop_hands_over_and_ends_well() {
    let cluster = Cluster::started().await;
    let w1 = cluster.worker("w1");
    cluster.wait_workers(1).await;
    for name in ["a", "b", "c"] {
        cluster.create(name).await;
    }
    cluster.wait_running(3).await;
    let _w2 = cluster.worker("w2");
    cluster.wait_workers(2).await;
    w1.shutdown.stop();
    w1.wait().await.expect("it ends well");
    cluster.wait_running(3).await;
    assert_eq!(cluster.counts().await, [("w2".to_owned(), 3)].into());
    for name in ["a", "b", "c"] {
        wait_lines(&cluster.file(name), 5).await;
        let gap = longest_gap(&lines(&cluster.file(name)));
        assert!(gap < 1_000, "a gap of {gap} ms");
    }
    let worker = cluster.handle().worker(id("w1")).await.expect("its record");
    assert_eq!(worker.state.as_str(), "left");
    cluster
        .handle()
        .forget_worker(id("w1"))
        .await
        .expect("it is forgotten");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drained_worker_is_emptied_and_filled_again() {
    let cluster = Cluster::started().await;
    let _two = ["w1", "w2"].map(|name| cluster.worker(name));
    cluster.wait_workers(2).await;
    for name in ["a", "b", "c", "d"] {
        cluster.create(name).await;
    }
    cluster.wait_running(4).await;
    let status = cluster
        .handle()
        .drain_worker(id("w1"), "for repair".to_owned())
        .await;
    assert_eq!(status.expect("its status").state.as_str(), "draining");
    cluster
        .wait("w1 is empty", |view| {
            view.assignments().all(|(_, a)| a.worker == id("w2"))
        })
        .await;
    cluster.wait_running(4).await;
    cluster
        .handle()
        .undrain_worker(id("w1"))
        .await
        .expect("it may have streams again");
    cluster
        .wait("w1 has two", |view| {
            view.assignments()
                .filter(|(_, a)| a.worker == id("w1"))
                .count()
                == 2
        })
        .await;
    cluster.wait_running(4).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_cant_run_says_why_until_it_is_mended() {
    let cluster = Cluster::started().await;
    let _worker = cluster.worker("w1");
    let bad = stream("bad");
    let draft = Draft::new("input:\n  generate: {mapping: 'root = '}\noutput: {drop: {}}\n");
    cluster
        .handle()
        .create_stream(bad.clone(), draft)
        .await
        .expect("a stream");
    let status = async || {
        cluster
            .handle()
            .stream(bad.clone())
            .await
            .expect("its status")
    };
    cluster
        .wait("it failed", |view| {
            view.shards.values().any(|s| !s.standing.is_ready())
        })
        .await;
    let failed = status().await;
    assert_eq!(failed.state, StreamState::Failed);
    assert!(
        failed.reason.contains("2:"),
        "the place is in the reason: {}",
        failed.reason
    );
    assert_eq!(failed.shards[0].state, "failed");

    let mended = Patch {
        config: Some(ticker(&cluster.file("bad"))),
        ..Patch::default()
    };
    let patched = cluster
        .handle()
        .patch_stream(bad.clone(), mended, Some(failed.revision))
        .await;
    assert_eq!(patched.expect("its status").revision.get(), 2);
    cluster.wait_running(1).await;
    assert_eq!(status().await.state, StreamState::Running);

    cluster
        .handle()
        .pause_stream(bad.clone(), None)
        .await
        .expect("it is paused");
    cluster
        .wait("nothing runs", |view| view.assignments().count() == 0)
        .await;
    assert_eq!(status().await.state, StreamState::Paused);
    cluster
        .handle()
        .resume_stream(bad.clone(), None)
        .await
        .expect("it is resumed");
    cluster.wait_running(1).await;
    cluster
        .handle()
        .delete_stream(bad.clone(), None)
        .await
        .expect("it is deleted");
    cluster
        .wait("it is gone", |view| {
            view.streams.is_empty() && view.shards.is_empty()
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_reaches_the_stream_that_names_it_and_a_missing_one_is_an_error() {
    let cluster = Cluster::started().await;
    let _worker = cluster.worker("w1");
    let handle = cluster.handle();
    let file = cluster.file("out");
    handle
        .put_secret("GREETING", "hello world")
        .await
        .expect("a secret");
    let config = format!(
        "input:\n  generate:\n    count: 1\n    interval: ''\n    mapping: 'root = \"${{GREETING}}\"'\n\
         output:\n  file:\n    path: {}\n    codec: lines\n",
        file.display()
    );
    handle
        .create_stream(stream("s"), Draft::new(config))
        .await
        .expect("a stream");
    let text = || std::fs::read_to_string(&file).unwrap_or_default();
    wait_until("the line is there", || text() == "hello world\n").await;
    cluster
        .wait("it completed", |view| view.assignments().count() == 0)
        .await;
    let status = handle.stream(stream("s")).await.expect("its status");
    assert_eq!(status.state, StreamState::Completed);

    let missing =
        "input:\n  generate: {mapping: 'root = \"${NO_SUCH_SECRET}\"'}\noutput: {drop: {}}\n";
    handle
        .create_stream(stream("t"), Draft::new(missing))
        .await
        .expect("a stream");
    cluster
        .wait("it failed", |view| {
            view.shards_of(&stream("t"))
                .any(|(_, shard)| !shard.standing.is_ready())
        })
        .await;
    let status = handle.stream(stream("t")).await.expect("its status");
    assert!(
        status.reason.contains("NO_SUCH_SECRET"),
        "{}",
        status.reason
    );
}
