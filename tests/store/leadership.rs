//! Who may write: terms, epochs, the file lock, migrations.

use airtruct::{
    cluster::{Shards, Stream, Time, View},
    ids::{Epoch, Revision, StreamName, Term},
    store::{Changes, Database, Error, Store},
};
use sqlx::{Connection, Executor};

use super::{Folder, me, on_each};

async fn lead(store: &Store, id: &str) -> Term {
    let seen = store.leadership().await.expect("the row");
    store
        .lead(&seen, &me(id))
        .await
        .expect("an answer")
        .expect("a term")
}

#[tokio::test]
async fn one_of_two_that_saw_the_same_leads() {
    on_each(async |store, _| {
        let seen = store.leadership().await.expect("the row");
        assert_eq!(seen.term, Term(0));
        let first = store.lead(&seen, &me("a")).await.expect("an answer");
        let second = store.lead(&seen, &me("b")).await.expect("an answer");
        assert_eq!((first, second), (Some(Term(1)), None));
        let now = store.leadership().await.expect("the row");
        assert_eq!(now.leader.as_deref(), Some("a"));
        assert_eq!(now.address.as_deref(), Some("a:50000"));

        store.renew(Term(1)).await.expect("it leads");
        assert_eq!(
            store.lead(&now, &me("b")).await.expect("an answer"),
            None,
            "the beat went on"
        );

        store.resign(Term(1)).await.expect("it resigns");
        assert_eq!(store.leadership().await.expect("the row").leader, None);
        assert_eq!(lead(&store, "b").await, Term(2));
    })
    .await;
}

#[tokio::test]
async fn a_deposed_leader_writes_nothing() {
    on_each(async |store, _| {
        let old = lead(&store, "a").await;
        let new = lead(&store, "b").await;
        let name = StreamName::new("orders").expect("a name");
        let mut view = View::default();
        view.streams.insert(name.clone(), Stream::new(name.clone()));
        let changes = Changes {
            streams: [name].into(),
            ..Changes::default()
        };
        let refused = store.write(old, &changes, &view).await;
        assert!(matches!(refused, Err(Error::Deposed)), "{refused:?}");
        assert!(matches!(store.renew(old).await, Err(Error::Deposed)));
        assert!(matches!(store.load(old).await, Err(Error::Deposed)));
        assert!(matches!(
            store.put_secret(old, "k", b"v", Time(1)).await,
            Err(Error::Deposed)
        ));
        assert!(store.load(new).await.expect("the view").streams.is_empty());
        store
            .write(new, &changes, &view)
            .await
            .expect("the leader writes");
        assert_eq!(store.load(new).await.expect("the view").streams.len(), 1);
    })
    .await;
}

#[tokio::test]
async fn an_epoch_is_granted_once() {
    on_each(async |store, _| {
        let term = lead(&store, "a").await;
        let mut view = View {
            epoch: Epoch(3),
            ..View::default()
        };
        let from = |before: u64| Changes {
            epoch_before: Some(Epoch(before)),
            ..Changes::default()
        };
        store
            .write(term, &from(0), &view)
            .await
            .expect("the first grant");
        view.epoch = Epoch(4);
        let again = store.write(term, &from(0), &view).await;
        assert!(matches!(again, Err(Error::Deposed)), "{again:?}");
        store
            .write(term, &from(3), &view)
            .await
            .expect("the next grant");
        assert_eq!(store.load(term).await.expect("the view").epoch, Epoch(4));
    })
    .await;
}

#[tokio::test]
async fn a_sqlite_file_has_one_coordinator() {
    let folder = Folder::new();
    // A path with what has a meaning in a URL.
    let database = Database::Sqlite(folder.0.join("a b?c%20.db"));
    let first = Store::open(&database).await.expect("the first one");
    let error = Store::open(&database)
        .await
        .expect_err("the second one")
        .to_string();
    assert!(
        error.contains("a b?c%20.db is in use by another coordinator"),
        "{error}"
    );
    assert!(folder.0.join("a b?c%20.db").is_file());
    first.close().await;
    drop(first);
    open_again(&database).await;
}

/// Opens a store that was closed a moment ago. A process that another test is just starting holds what this one had open, the file's
/// lock too, until it runs its program.
async fn open_again(database: &Database) -> Store {
    let since = std::time::Instant::now();
    loop {
        match Store::open(database).await {
            Ok(store) => return store,
            Err(error) => assert!(since.elapsed().as_secs() < 10, "{error}"),
        }
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn what_is_kept_outlives_the_process() {
    let folder = Folder::new();
    let database = Database::Sqlite(folder.0.join("store.db"));
    let store = Store::open(&database).await.expect("a store");
    assert_eq!(lead(&store, "a").await, Term(1));
    store.close().await;
    drop(store);
    let store = open_again(&database).await;
    assert_eq!(lead(&store, "a").await, Term(2));
}

#[tokio::test]
async fn a_database_of_a_later_version_is_refused() {
    let folder = Folder::new();
    let path = folder.0.join("store.db");
    let database = Database::Sqlite(path.clone());
    let store = Store::open(&database).await.expect("a store");
    store.close().await;
    drop(store);
    let url = format!("sqlite://{}", path.display());
    let mut connection = sqlx::SqliteConnection::connect(&url)
        .await
        .expect("a connection");
    let later = "INSERT INTO migrations (version, name) VALUES (9999, 'later')";
    connection.execute(later).await.expect("a later migration");
    connection.close().await.expect("it closes");
    let error = Store::open(&database)
        .await
        .expect_err("a later version")
        .to_string();
    assert!(
        error.contains("later version of airtruct (migration 9999)"),
        "{error}"
    );
}

#[tokio::test]
async fn a_database_of_before_is_brought_to_the_newest_form() {
    let folder = Folder::new();
    let path = folder.0.join("store.db");
    let url = format!("sqlite://{}?mode=rwc", path.display());
    let mut connection = sqlx::SqliteConnection::connect(&url)
        .await
        .expect("a connection");
    let made = [
        include_str!("../../migrations/sqlite/0001_cluster.sql"),
        "CREATE TABLE migrations (version BIGINT PRIMARY KEY, name TEXT NOT NULL); \
         INSERT INTO migrations (version, name) VALUES (1, 'cluster'); \
         INSERT INTO streams (name, desired, revision, shards, requires, prefers, stateless, on_partition) \
         VALUES ('orders', 'active', 3, 2, '{}', '{}', 0, 'stop'); \
         INSERT INTO revisions (stream, revision, config, shards, requires, prefers, stateless, on_partition, created, cause) \
         VALUES ('orders', 3, 'input: {}', 2, '{}', '{}', 0, 'stop', 1, 'patched')",
    ];
    for text in made {
        connection
            .execute(sqlx::raw_sql(text))
            .await
            .expect("the form of before");
    }
    connection.close().await.expect("it closes");
    let store = Store::open(&Database::Sqlite(path)).await.expect("a store");
    let term = lead(&store, "a").await;
    let orders = StreamName::new("orders").expect("a name");
    let view = store.load(term).await.expect("the view");
    assert_eq!(
        (view.streams[&orders].shards, view.streams[&orders].range),
        (2, None)
    );
    let known = store.revision(&orders, Revision(3)).await.expect("a row");
    assert_eq!(known.expect("a revision").shards, Shards::Fixed(2));
}
