//! The store, the same tests on SQLite and on a PostgreSQL server of their own.

mod disk;
mod leadership;
mod library;
pub mod pgbouncer;
pub mod postgres;
mod view;

use std::path::PathBuf;

use airtruct::store::{Database, Me, Store};

/// A folder that goes when the value does.
pub struct Folder(pub PathBuf);

impl Folder {
    pub fn new() -> Self {
        let path = std::env::temp_dir().join(format!("airtruct-test-{}", uuid::Uuid::new_v4()));
        std::fs::create_dir_all(&path).expect("a temporary folder");
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Runs a test on each kind of database, empty.
pub async fn on_each(test: impl AsyncFn(Store, Database)) {
    let folder = Folder::new();
    let sqlite = Database::Sqlite(folder.0.join("store.db"));
    let store = Store::open(&sqlite).await.expect("a SQLite store");
    test(store, sqlite).await;

    let server = postgres::server();
    let postgres = Database::Postgres(server.new_database().await);
    let store = Store::open(&postgres).await.expect("a PostgreSQL store");
    test(store.clone(), postgres).await;
    store.close().await;
}

pub fn me(id: &str) -> Me {
    Me {
        id: id.to_owned(),
        address: format!("{id}:50000"),
        http: Some(format!("{id}:8080")),
    }
}
