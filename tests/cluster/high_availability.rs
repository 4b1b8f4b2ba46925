//! Two coordinators on one PostgreSQL: one leads, the other takes over.

use std::time::Duration;

use airtruct::{
    cluster::{Policy, View},
    coordinator::{Draft, Error, Role},
    store::Database,
};

use super::{
    Coordinator, Worker, lines, longest_gap, own_address, policy, stream, ticker, wait_lines,
    wait_until, wait_view,
};
use crate::store::{Folder, pgbouncer::Bouncer, postgres};

#[tokio::test(flavor = "multi_thread")]
async fn a_follower_points_to_the_leader_and_takes_its_place() {
    let server = postgres::server();
    take_over(Database::Postgres(server.new_database().await)).await;
}

/// A pooler gives each transaction another session: nothing of the store may rest on one.
#[tokio::test(flavor = "multi_thread")]
async fn a_leader_and_its_follower_work_behind_pgbouncer() {
    let bouncer = Bouncer::new().await;
    take_over(bouncer.new_database().await).await;
}

/// One coordinator leads, defines a stream and stops; the other one goes on.
async fn take_over(database: Database) {
    let folder = Folder::new();
    let address = || format!("{}:7000", own_address());
    // The stream goes on while nobody leads: for as long as the usual lease, which a busy machine doesn't use up.
    let policy = Policy {
        lease_ms: Policy::default().lease_ms,
        suspect_ms: Policy::default().suspect_ms,
        ..policy()
    };
    let first = Coordinator::start(&address(), database.clone(), policy.clone()).await;
    first.handle.wait_leading().await.expect("it leads");
    let second = Coordinator::start(&address(), database, policy).await;
    let follows = Role::Following {
        leader: Some(first.address.to_string()),
        leader_http: None,
    };
    wait_until("the second one follows", || second.handle.role() == follows).await;
    let file = folder.0.join("s.txt");
    let draft = Draft::new(ticker(&file));
    let declined = second
        .handle
        .create_stream(stream("s"), draft.clone())
        .await;
    assert!(
        matches!(declined, Err(Error::NotLeading { .. })),
        "{declined:?}"
    );

    // It knows only the follower, and is pointed to the leader.
    let _worker = Worker::start("w1", &[second.address.to_string()]);
    first
        .handle
        .create_stream(stream("s"), draft)
        .await
        .expect("a stream");
    let runs = |view: &View| view.assignments().any(|(_, a)| a.running_since.is_some());
    wait_view(&first.handle, "it runs", runs).await;
    wait_lines(&file, 5).await;
    let epoch = first.handle.view().await.expect("a view").epoch;

    first.stop().await;
    let term = tokio::time::timeout(Duration::from_secs(5), second.handle.wait_leading()).await;
    assert_eq!(term.expect("in time").expect("it leads").get(), 2);
    wait_view(&second.handle, "the worker is back", |view| {
        view.workers.values().any(|worker| worker.is_open()) && runs(view)
    })
    .await;
    wait_lines(&file, 60).await;
    assert_eq!(
        second.handle.view().await.expect("a view").epoch,
        epoch,
        "nothing was granted anew"
    );
    let gap = longest_gap(&lines(&file));
    assert!(gap < 1_000, "a gap of {gap} ms");
    second.stop().await;
}
