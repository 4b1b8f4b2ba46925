//! What is kept beside the view.

use airtruct::{
    cluster::{OnPartition, Shards, Stream, Time, View},
    ids::{Revision, ShardIndex, StreamName, Term, WorkerId},
    store::{Changes, EventQuery, EventRow, ResourceRow, RevisionRow, Store},
};

use super::{me, on_each};

fn name(text: &str) -> StreamName {
    StreamName::new(text).expect("a name")
}

async fn lead(store: &Store) -> Term {
    let seen = store.leadership().await.expect("the row");
    store
        .lead(&seen, &me("a"))
        .await
        .expect("an answer")
        .expect("a term")
}

fn revision(number: u64) -> RevisionRow {
    RevisionRow {
        stream: name("orders"),
        revision: Revision(number),
        config: format!("input: {{}}\n# ü {number}\n"),
        shards: match number % 2 {
            0 => Shards::Fixed(2),
            _ => Shards::between(2, 5),
        },
        requires: [("zone".to_owned(), "a".to_owned())].into(),
        prefers: Default::default(),
        stateless: true,
        on_partition: OnPartition::Continue,
        created: Time(1_700_000_000_000 + number),
        cause: "replaced".to_owned(),
    }
}

#[tokio::test]
async fn revisions_are_read_back_and_retained() {
    on_each(async |store, _| {
        let term = lead(&store).await;
        let mut view = View::default();
        for number in 1..=5 {
            let stream = Stream {
                revision: Revision(number),
                ..Stream::new(name("orders"))
            };
            view.streams.insert(name("orders"), stream);
            let changes = Changes {
                streams: [name("orders")].into(),
                revisions: vec![revision(number)],
                ..Changes::default()
            };
            store
                .write(term, &changes, &view)
                .await
                .expect("a revision");
        }
        let found = store
            .revision(&name("orders"), Revision(3))
            .await
            .expect("a row");
        assert_eq!(found, Some(revision(3)));
        store.retain(term, 10, 2).await.expect("the rest goes");
        let all = store.revisions(&name("orders")).await.expect("rows");
        let numbers: Vec<u64> = all.iter().map(|row| row.revision.get()).collect();
        assert_eq!(numbers, [5, 4]);

        view.streams.clear();
        let changes = Changes {
            streams: [name("orders")].into(),
            ..Changes::default()
        };
        store
            .write(term, &changes, &view)
            .await
            .expect("a deletion");
        assert!(
            store
                .revisions(&name("orders"))
                .await
                .expect("rows")
                .is_empty()
        );
    })
    .await;
}

#[tokio::test]
async fn events_are_found_by_stream_and_worker_page_by_page() {
    on_each(async |store, _| {
        let term = lead(&store).await;
        let event = |number: u64| EventRow {
            sequence: 0,
            at: Time(number),
            kind: "assign".to_owned(),
            stream: Some(name(if number.is_multiple_of(2) {
                "even"
            } else {
                "odd"
            })),
            shard: Some(ShardIndex(0)),
            worker: number
                .is_multiple_of(5)
                .then(|| WorkerId::new("w:1").expect("an id")),
            epoch: None,
            cause: format!("it's \"number\" {number}"),
        };
        let changes = Changes {
            events: (1..=20).map(event).collect(),
            ..Changes::default()
        };
        store
            .write(term, &changes, &View::default())
            .await
            .expect("events");
        let times = async |query: EventQuery| {
            let rows = store.events(&query).await.expect("rows");
            rows.iter().map(|row| row.at.0).collect::<Vec<_>>()
        };
        let all = EventQuery {
            limit: 3,
            ..EventQuery::default()
        };
        assert_eq!(times(all.clone()).await, [20, 19, 18]);
        let newest = store.events(&all).await.expect("rows");
        assert_eq!(newest[0].cause, "it's \"number\" 20");
        let next = EventQuery {
            before: Some(newest[2].sequence),
            ..all.clone()
        };
        assert_eq!(times(next).await, [17, 16, 15]);
        let odd = EventQuery {
            stream: Some(name("odd")),
            ..all.clone()
        };
        assert_eq!(times(odd).await, [19, 17, 15]);
        let of_worker = EventQuery {
            worker: Some(WorkerId::new("w:1").expect("an id")),
            limit: 100,
            ..EventQuery::default()
        };
        assert_eq!(times(of_worker.clone()).await, [20, 15, 10, 5]);
        store.retain(term, 7, 10).await.expect("the rest goes");
        assert_eq!(times(of_worker).await, [20, 15]);
    })
    .await;
}

#[tokio::test]
async fn secrets_and_resources_are_put_listed_and_deleted() {
    on_each(async |store, _| {
        let term = lead(&store).await;
        let bytes = [0, 255, 128, 7];
        store
            .put_secret(term, "KEY", b"old", Time(5))
            .await
            .expect("a secret");
        store
            .put_secret(term, "KEY", &bytes, Time(6))
            .await
            .expect("a secret");
        let all = store.secrets().await.expect("rows");
        assert_eq!(all.len(), 1);
        assert_eq!(
            (all[0].value.as_slice(), all[0].created, all[0].updated),
            (&bytes[..], Time(5), Time(6))
        );
        assert!(store.delete_secret(term, "KEY").await.expect("an answer"));
        assert!(!store.delete_secret(term, "KEY").await.expect("an answer"));

        let resource = ResourceRow {
            kind: "cache".to_owned(),
            label: "seen".to_owned(),
            config: "memory: {}".to_owned(),
        };
        store
            .put_resource(term, &resource)
            .await
            .expect("a resource");
        store
            .put_resource(term, &resource)
            .await
            .expect("the same again");
        assert_eq!(store.resources().await.expect("rows"), [resource]);
        assert!(
            store
                .delete_resource(term, "cache", "seen")
                .await
                .expect("an answer")
        );
        assert!(store.resources().await.expect("rows").is_empty());
    })
    .await;
}
