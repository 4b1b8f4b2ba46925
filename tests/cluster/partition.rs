//! A network that delivers nothing, in both directions, without breaking a connection.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
};

use super::{Cluster, Worker, lines, longest_gap, pass_ms, wait_lines, wait_until};

/// Passes connections on, until it holds everything back.
struct Proxy {
    address: SocketAddr,
    holds: Arc<AtomicBool>,
}

impl Proxy {
    async fn start(target: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("its address");
        let holds = Arc::new(AtomicBool::new(false));
        let held = holds.clone();
        tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                let (held, target) = (held.clone(), target.clone());
                tokio::spawn(async move {
                    let Ok(far) = TcpStream::connect(target).await else {
                        return;
                    };
                    let (near_read, near_write) = near.into_split();
                    let (far_read, far_write) = far.into_split();
                    tokio::join!(
                        pass(near_read, far_write, &held),
                        pass(far_read, near_write, &held)
                    );
                });
            }
        });
        Self { address, holds }
    }

    fn hold(&self, holds: bool) {
        self.holds.store(holds, Ordering::Relaxed);
    }
}

async fn pass(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, holds: &AtomicBool) {
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(count @ 1..) = from.read(&mut buffer).await {
        while holds.load(Ordering::Relaxed) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        if to.write_all(&buffer[..count]).await.is_err() {
            break;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_parted_worker_stops_writing_before_another_begins() {
    let cluster = Cluster::started().await;
    let proxy = Proxy::start(cluster.address.clone()).await;
    let _parted = Worker::start("w1", &[proxy.address.to_string()]);
    cluster.wait_workers(1).await;
    cluster.create("s").await;
    cluster.wait_running(1).await;
    let _other = cluster.worker("w2");
    cluster.wait_workers(2).await;
    let file = cluster.file("s");
    wait_lines(&file, 5).await;
    let before = lines(&file).last().expect("a line").epoch;

    proxy.hold(true);
    let taken = cluster
        .wait("w2 has it", |view| {
            view.assignments().any(|(_, a)| a.worker.as_str() == "w2")
        })
        .await;
    let limit = cluster.policy.lease_ms + cluster.policy.margin_ms + 500;
    assert!(
        taken < Duration::from_millis(limit),
        "it was taken over after {taken:?}"
    );
    wait_until("w2 writes", || {
        lines(&file).last().is_some_and(|line| line.epoch > before)
    })
    .await;
    wait_lines(&file, 20).await;
    proxy.hold(false);
    cluster.wait_workers(2).await;
    wait_lines(&file, 20).await;
    // The file is in the order of the writes: no line of the old epoch comes after one of the new.
    let lines = lines(&file);
    longest_gap(&lines);
    let last_old = lines
        .iter()
        .rev()
        .find(|line| line.epoch == before)
        .expect("a line");
    let first_new = lines
        .iter()
        .find(|line| line.epoch > before)
        .expect("a line");
    assert!(last_old.ms < first_new.ms, "{last_old:?} {first_new:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_writes_nothing_without_a_lease_and_begins_anew_with_one() {
    let cluster = Cluster::started().await;
    let proxy = Proxy::start(cluster.address.clone()).await;
    let _parted = Worker::start("w1", &[proxy.address.to_string()]);
    cluster.create("s").await;
    cluster.wait_running(1).await;
    let file = cluster.file("s");
    wait_lines(&file, 5).await;
    proxy.hold(true);
    cluster
        .wait("w1 is lost", |view| {
            view.workers.values().all(|w| w.presence.is_gone())
        })
        .await;
    let stopped = lines(&file).len();
    pass_ms(300).await;
    assert_eq!(lines(&file).len(), stopped, "it writes without a lease");
    proxy.hold(false);
    cluster.wait_running(1).await;
    wait_lines(&file, 5).await;
    longest_gap(&lines(&file));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_leaves_without_a_lease_and_a_coordinator_waits_for_nobody() {
    let cluster = Cluster::started().await;
    let proxy = Proxy::start(cluster.address.clone()).await;
    let parted = Worker::start("w1", &[proxy.address.to_string()]);
    cluster.create("s").await;
    cluster.wait_running(1).await;
    proxy.hold(true);
    cluster
        .wait("w1 is lost", |view| {
            view.workers.values().all(|w| w.presence.is_gone())
        })
        .await;
    parted.shutdown.stop();
    let ended = tokio::time::timeout(Duration::from_secs(10), parted.wait()).await;
    let result = ended.expect("it ends long before its limit for draining");
    result.expect("it ends in order");
}
