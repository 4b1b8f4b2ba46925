//! A PgBouncer before the tests' PostgreSQL server, as it is out of the box, but for what the README says of it.

use std::{
    os::unix::{net::UnixStream, process::CommandExt},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

use airtruct::store::{Database, Error, Store};

use super::{Folder, postgres};

pub struct Bouncer {
    folder: Folder,
    process: Child,
    server: Arc<postgres::Server>,
}

impl Bouncer {
    /// Transactions of all clients share two connections of each database.
    pub async fn start(ignored: &str) -> Self {
        let server = postgres::server();
        let folder = Folder::new();
        let file = folder.0.join("pgbouncer.ini");
        let text = format!(
            "[databases]\n* = host={server} user=postgres\n\
             [pgbouncer]\npool_mode = transaction\ndefault_pool_size = 2\nauth_type = any\nlisten_addr =\n\
             unix_socket_dir = {here}\nlogfile = {here}/log\n{ignored}\n",
            server = server.folder().display(),
            here = folder.0.display(),
        );
        std::fs::write(&file, text).expect("its settings");
        let mut command = Command::new(program());
        // It refuses to run as root, as PostgreSQL does.
        if let Some(user) = postgres::other_user() {
            std::os::unix::fs::chown(&folder.0, Some(user), Some(user)).expect("to give it away");
            command.uid(user).gid(user);
        }
        let process = command
            .arg(&file)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("pgbouncer runs");
        let bouncer = Self {
            folder,
            process,
            server,
        };
        let socket = bouncer.folder.0.join(".s.PGSQL.6432");
        let deadline = Instant::now() + Duration::from_secs(20);
        while UnixStream::connect(&socket).is_err() {
            let log = std::fs::read_to_string(bouncer.folder.0.join("log"));
            assert!(Instant::now() < deadline, "no PgBouncer: {log:?}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        bouncer
    }

    /// One that lets through what sessions begin with.
    pub async fn new() -> Self {
        Self::start("ignore_startup_parameters = extra_float_digits").await
    }

    /// A new, empty database, by way of the pooler.
    pub async fn new_database(&self) -> Database {
        let direct = self.server.new_database().await;
        let name = direct.strip_prefix("postgres://postgres@localhost/");
        let name = name
            .and_then(|name| name.split('?').next())
            .expect("a name");
        Database::Postgres(format!(
            "postgres://postgres@localhost:6432/{name}?host={}",
            self.folder.0.display()
        ))
    }
}

impl Drop for Bouncer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn program() -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let on_path = std::env::split_paths(&path).map(|folder| folder.join("pgbouncer"));
    let found = std::iter::once("/usr/sbin/pgbouncer".into())
        .chain(on_path)
        .find(|file: &PathBuf| Path::is_file(file));
    found.expect("`pgbouncer` is missing: install it (`make tools`)")
}

#[tokio::test]
async fn a_pooler_that_refuses_sessions_is_told_from_other_errors() {
    let bouncer = Bouncer::start("").await;
    let error = Store::open(&bouncer.new_database().await)
        .await
        .expect_err("PgBouncer knows no such parameter");
    assert!(matches!(error, Error::Pooler(_)), "{error:?}");
    let text = error.to_string();
    assert!(
        text.contains("set ignore_startup_parameters = extra_float_digits"),
        "{text}"
    );
}

/// Many at once, on two connections: what one session left behind would be in the way of the others.
#[tokio::test(flavor = "multi_thread")]
async fn stores_share_the_connections_of_a_pooler() {
    let bouncer = Bouncer::new().await;
    let database = bouncer.new_database().await;
    let open = || async { Store::open(&database).await.expect("a store") };
    let stores = futures::future::join_all((0..6).map(|_| open())).await;
    let seen = stores[0].leadership().await.expect("the row");
    let term = stores[0]
        .lead(&seen, &super::me("a"))
        .await
        .expect("an answer");
    let term = term.expect("a term");
    let used = stores.iter().enumerate().map(|(n, store)| async move {
        let now = airtruct::cluster::Time(n as u64);
        for round in 0..20 {
            let key = format!("k{n}");
            store.put_secret(term, &key, b"v", now).await?;
            store.check().await?;
            store.renew(term).await?;
            let found = store.secrets().await?;
            assert!(found.iter().any(|secret| secret.name == key), "{round}");
            store.load(term).await?;
        }
        Ok::<(), Error>(())
    });
    for done in futures::future::join_all(used).await {
        done.expect("no statement of another session is in the way");
    }
}
