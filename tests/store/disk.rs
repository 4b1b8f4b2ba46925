//! A disk that is full: what the store says is durable is, afterwards too.

use std::path::Path;

use airtruct::{
    cluster::{Stream, View},
    ids::StreamName,
    store::{Changes, Database, Store},
};

use super::{Folder, me};

/// A small file system of its own, on a folder; gone when the value is.
struct Disk<'a>(&'a Path);

impl<'a> Disk<'a> {
    /// None where the tests may not mount, which takes root.
    fn mount(folder: &'a Path) -> Option<Self> {
        let mounted = std::process::Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=1m", "tmpfs"])
            .arg(folder)
            .output()
            .is_ok_and(|output| output.status.success());
        mounted.then_some(Self(folder))
    }
}

impl Drop for Disk<'_> {
    fn drop(&mut self) {
        let _ = std::process::Command::new("umount").arg(self.0).output();
    }
}

fn stream(number: usize) -> StreamName {
    StreamName::new(&format!("s{number}")).expect("a name")
}

#[tokio::test]
async fn what_is_committed_after_a_full_disk_is_durable() {
    let folder = Folder::new();
    let Some(disk) = Disk::mount(&folder.0) else {
        eprintln!("not run: only root may mount a file system to fill");
        return;
    };
    let database = Database::Sqlite(disk.0.join("store.db"));
    let store = Store::open(&database).await.expect("a store");
    let seen = store.leadership().await.expect("the row");
    let led = store.lead(&seen, &me("a")).await.expect("an answer");
    let term = led.expect("a term");
    let add = async |view: &mut View, number: usize| {
        let name = stream(number);
        view.streams.insert(name.clone(), Stream::new(name.clone()));
        let changes = Changes {
            streams: [name.clone()].into(),
            ..Changes::default()
        };
        let written = store.write(term, &changes, view).await;
        if written.is_err() {
            view.streams.remove(&name);
        }
        written
    };
    let mut view = store.load(term).await.expect("an empty view");
    add(&mut view, 0).await.expect("there is room");

    let ballast = disk.0.join("ballast");
    while std::fs::read(&ballast).map_or(0, |b| b.len()) < 2 << 20 {
        let mut all = std::fs::read(&ballast).unwrap_or_default();
        all.resize(all.len() + 4_096, 1);
        if std::fs::write(&ballast, all).is_err() {
            break;
        }
    }
    let mut refused = 0;
    for number in 1..200 {
        refused += usize::from(add(&mut view, number).await.is_err());
    }
    assert!(refused > 0, "the disk was full");

    std::fs::remove_file(&ballast).expect("the ballast is there");
    for number in 200..220 {
        add(&mut view, number).await.expect("there is room again");
    }
    // As another process reads it, after this one has gone without a word.
    let copy = Folder::new();
    for file in ["store.db", "store.db-wal"] {
        std::fs::copy(disk.0.join(file), copy.0.join(file)).expect("a copy");
    }
    store.close().await;
    let other = Store::open(&Database::Sqlite(copy.0.join("store.db"))).await;
    let found = other.expect("the copy").load(term).await.expect("a view");
    let names = |view: &View| view.streams.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&found), names(&view));
}
