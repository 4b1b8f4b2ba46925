//! A PostgreSQL server that the tests start and stop themselves, on a socket in a temporary folder.

use std::{
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        Arc, Mutex, Weak,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use sqlx::Connection;

use super::Folder;

pub struct Server {
    folder: Folder,
    process: Child,
    databases: AtomicU32,
}

/// The server that tests which run at the same time share; it stops with the last of them.
pub fn server() -> Arc<Server> {
    static SHARED: Mutex<Weak<Server>> = Mutex::new(Weak::new());
    let mut shared = SHARED
        .lock()
        .unwrap_or_else(|poisoned| poisoned.into_inner());
    shared.upgrade().unwrap_or_else(|| {
        let server = Arc::new(Server::start());
        *shared = Arc::downgrade(&server);
        server
    })
}

impl Server {
    pub fn start() -> Self {
        let folder = Folder::new();
        let data = folder.0.join("data");
        // PostgreSQL refuses to run as root.
        let nobody = other_user();
        if let Some(user) = nobody {
            std::os::unix::fs::chown(&folder.0, Some(user), Some(user))
                .expect("to give the folder away");
        }
        let command = |name: &str| {
            let mut command = Command::new(program(name));
            if let Some(user) = nobody {
                command.uid(user).gid(user);
            }
            command
                .current_dir(&folder.0)
                .stdout(Stdio::null())
                .stderr(Stdio::null());
            command
        };
        let made = command("initdb")
            .args([
                "-U",
                "postgres",
                "-A",
                "trust",
                "--no-sync",
                "-E",
                "UTF8",
                "-D",
            ])
            .arg(&data)
            .status()
            .expect("initdb runs");
        assert!(made.success(), "initdb failed");
        let process = command("postgres")
            .args([
                "-F",
                "-c",
                "listen_addresses=",
                "-c",
                "shared_buffers=16MB",
                "-k",
            ])
            .arg(&folder.0)
            .arg("-D")
            .arg(&data)
            .spawn()
            .expect("postgres runs");
        Self {
            folder,
            process,
            databases: AtomicU32::new(0),
        }
    }

    /// The URI of a new, empty database.
    pub async fn new_database(&self) -> String {
        let number = self.databases.fetch_add(1, Ordering::Relaxed);
        let deadline = Instant::now() + Duration::from_secs(20);
        let mut connection = loop {
            match sqlx::PgConnection::connect(&self.uri("postgres")).await {
                Ok(connection) => break connection,
                Err(error) if Instant::now() > deadline => panic!("no PostgreSQL: {error}"),
                Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
            }
        };
        let statement = format!("CREATE DATABASE test{number}");
        sqlx::raw_sql(sqlx::AssertSqlSafe(statement))
            .execute(&mut connection)
            .await
            .expect("a new database");
        self.uri(&format!("test{number}"))
    }

    /// Where its socket is.
    pub fn folder(&self) -> &Path {
        &self.folder.0
    }

    fn uri(&self, database: &str) -> String {
        format!(
            "postgres://postgres@localhost/{database}?host={}",
            self.folder.0.display()
        )
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // SAFETY: a signal to a child that was not waited for yet.
        unsafe { libc::kill(self.process.id() as i32, libc::SIGQUIT) };
        let _ = self.process.wait();
    }
}

/// Who has to run what refuses to run as root, if that is who runs the tests.
pub fn other_user() -> Option<u32> {
    // SAFETY: it has no arguments and can't fail.
    let is_root = unsafe { libc::geteuid() == 0 };
    is_root.then_some(65_534)
}

/// A program of PostgreSQL: on the path, or where Debian puts it.
pub fn program(name: &str) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let on_path = std::env::split_paths(&path).map(|folder| folder.join(name));
    let packaged = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .map(|version| version.path().join("bin").join(name));
    // A link may lead to where nobody else may go: the program itself is what has to be run.
    let found = packaged.chain(on_path).find(|file| Path::is_file(file));
    found.unwrap_or_else(|| panic!("`{name}` is missing: install PostgreSQL (`make tools`)"))
}
