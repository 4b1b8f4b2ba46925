//! What happens when something goes away: a worker, the coordinator, a former process of the same id.

use std::time::{Duration, Instant};

use super::{Cluster, lines, longest_gap, pass_ms, wait_lines, wait_until};

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_workers_streams_run_elsewhere_in_under_a_second_and_no_others_move() {
    let cluster = Cluster::started().await;
    let [_w1, w2, _w3] = ["w1", "w2", "w3"].map(|name| cluster.worker(name));
    cluster.wait_workers(3).await;
    for number in 0..6 {
        cluster.create(&format!("s{number}")).await;
    }
    cluster.wait_running(6).await;
    let before = cluster.owners().await;
    w2.kill();
    let took = cluster
        .wait("w2's streams run elsewhere", |view| {
            let elsewhere = |a: &airtruct::cluster::Assignment| {
                a.worker.as_str() != "w2" && a.running_since.is_some()
            };
            view.assignments().count() == 6 && view.assignments().all(|(_, a)| elsewhere(a))
        })
        .await;
    assert!(took < Duration::from_secs(1), "the takeover took {took:?}");
    let after = cluster.owners().await;
    for (shard, owner) in &before {
        match owner.0.as_str() {
            "w2" => assert!(after[shard].1 > owner.1, "{shard} has a new epoch"),
            _ => assert_eq!(&after[shard], owner, "{shard} did not move"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_may_start_before_its_coordinator() {
    let mut cluster = Cluster::new();
    let _two = ["w1", "w2"].map(|name| cluster.worker(name));
    // Long enough that the pauses between attempts have grown.
    pass_ms(300).await;
    cluster.start().await;
    let begun = Instant::now();
    cluster.wait_workers(2).await;
    assert!(
        begun.elapsed() < Duration::from_secs(2),
        "they joined after {:?}",
        begun.elapsed()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_coordinator_that_is_away_for_longer_than_the_lease_stops_no_stream() {
    let mut cluster = Cluster::started().await;
    let _two = ["w1", "w2"].map(|name| cluster.worker(name));
    cluster.wait_workers(2).await;
    for number in 0..4 {
        cluster.create(&format!("s{number}")).await;
    }
    cluster.wait_running(4).await;
    let before = cluster.owners().await;
    let files: Vec<_> = (0..4)
        .map(|number| cluster.file(&format!("s{number}")))
        .collect();
    let (lease_ms, margin_ms) = (cluster.policy.lease_ms, cluster.policy.margin_ms);
    for round in 0..2 {
        cluster.stop().await;
        pass_ms(3 * lease_ms).await;
        for file in &files {
            wait_lines(file, 2).await;
        }
        cluster.start().await;
        cluster.wait_workers(2).await;
        // A takeover that was wrong would come within a lease and its margin.
        pass_ms(lease_ms + 2 * margin_ms).await;
        assert_eq!(
            cluster.owners().await,
            before,
            "nothing moved, round {round}"
        );
        for file in &files {
            let lines = lines(file);
            let first = lines.first().expect("a line").epoch;
            assert!(
                lines.iter().all(|line| line.epoch == first),
                "a second copy"
            );
            let gap = longest_gap(&lines);
            assert!(gap < lease_ms, "a gap of {gap} ms");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_id_that_comes_back_on_another_port_works_at_once() {
    let cluster = Cluster::started().await;
    let first = cluster.worker("w1");
    cluster.create("s").await;
    cluster.wait_running(1).await;
    let port = first.address.port();
    first.kill();
    let killed = Instant::now();
    let second = cluster.worker("w1");
    assert_ne!(second.address.port(), port);
    let address = second.address.to_string();
    cluster
        .wait("it runs on the new process", |view| {
            view.assignments().any(|(_, a)| {
                let worker = &view.workers[&a.worker];
                // The first process's assignment is running, too, until its end is known.
                worker.address == address
                    && worker.incarnation == a.incarnation
                    && a.running_since.is_some()
            })
        })
        .await;
    assert!(
        killed.elapsed() < Duration::from_secs(1),
        "it took {:?}",
        killed.elapsed()
    );
    let workers = cluster.handle().workers().await.expect("workers");
    assert_eq!(workers.len(), 1);
    assert_eq!(workers[0].address, address);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_process_of_an_id_takes_over_and_the_first_one_exits_with_an_error() {
    let cluster = Cluster::started().await;
    let first = cluster.worker("w1");
    cluster.create("s").await;
    cluster.wait_running(1).await;
    let file = cluster.file("s");
    wait_lines(&file, 3).await;
    let _second = cluster.worker("w1");
    let error = first
        .wait()
        .await
        .expect_err("it was superseded")
        .to_string();
    assert!(
        error.contains("another process took this worker's id"),
        "{error}"
    );
    let seen = lines(&file).last().expect("a line").epoch;
    wait_until("the second one writes", || {
        lines(&file).last().is_some_and(|line| line.epoch > seen)
    })
    .await;
    longest_gap(&lines(&file));
}
