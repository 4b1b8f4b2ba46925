//! Opens the database: the file lock, the settings of each connection, the migrations.

use std::{
    fs::{File, OpenOptions, TryLockError},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use sqlx::{
    AnyPool, ConnectOptions, Connection, Executor,
    any::{AnyConnectOptions, AnyPoolOptions},
};

use super::{Error, migrate};
use crate::sqlite::is_settled;

/// Where the state is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Database {
    /// A file, made if it isn't there. One coordinator at a time.
    Sqlite(PathBuf),
    /// `postgres://user:password@host:port/database`. Any number of coordinators, of which one leads.
    Postgres(String),
}

/// An open database; cloning shares it.
#[derive(Clone, Debug)]
pub struct Store {
    pub(super) pool: AnyPool,
    is_shared: bool,
    /// Held for as long as anybody has the store.
    _lock: Option<Arc<File>>,
}

/// What a connection is told when it is made. FULL: an epoch that was granted must survive a loss of power.
const SQLITE_SETTINGS: &str = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; \
    PRAGMA foreign_keys = ON; PRAGMA busy_timeout = 5000; PRAGMA cache_size = -512";

/// How long a connection is waited for. A leader that waits for longer has lost its lead anyway.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);

impl Store {
    /// Opens the database and brings it to the newest form.
    pub async fn open(database: &Database) -> Result<Store, Error> {
        sqlx::any::install_default_drivers();
        match database {
            Database::Sqlite(path) => Self::open_sqlite(path).await,
            Database::Postgres(uri) => Self::open_postgres(uri).await,
        }
    }

    async fn open_sqlite(path: &Path) -> Result<Store, Error> {
        let path = std::path::absolute(path)?;
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        let lock = lock(&path)?;
        let mut url = url::Url::from_file_path(&path)
            .map_err(|()| {
                std::io::Error::other(format!("{} is no path of a file", path.display()))
            })?
            .to_string()
            .replacen("file:", "sqlite:", 1);
        url.push_str("?mode=rwc");
        // One connection: there is one writer, and reads are few and short.
        let pool = AnyPoolOptions::new()
            .max_connections(1)
            .acquire_timeout(ACQUIRE_TIMEOUT)
            .idle_timeout(None)
            .max_lifetime(None)
            .test_before_acquire(false)
            .after_connect(|connection, _| {
                Box::pin(async move {
                    connection.execute(sqlx::raw_sql(SQLITE_SETTINGS)).await?;
                    Ok(())
                })
            })
            .after_release(|connection, _| Box::pin(is_settled(connection)))
            .connect_with(options(&url)?)
            .await?;
        migrate::run(&pool, migrate::SQLITE, None).await?;
        Ok(Store {
            pool,
            is_shared: false,
            _lock: Some(Arc::new(lock)),
        })
    }

    async fn open_postgres(uri: &str) -> Result<Store, Error> {
        let pool = AnyPoolOptions::new()
            .max_connections(4)
            .acquire_timeout(ACQUIRE_TIMEOUT)
            .connect_with(options(uri)?)
            .await
            .map_err(refusal)?;
        migrate::run(&pool, migrate::POSTGRES, Some(migrate::POSTGRES_LOCK)).await?;
        Ok(Store {
            pool,
            is_shared: true,
            _lock: None,
        })
    }

    /// Whether several coordinators may have it open.
    pub fn is_shared(&self) -> bool {
        self.is_shared
    }

    /// Whether the database answers.
    pub async fn check(&self) -> Result<(), Error> {
        let mut connection = self.pool.acquire().await?;
        Ok(connection.ping().await?)
    }

    /// Closes the connections. A SQLite file is free for another coordinator when all clones are dropped.
    pub async fn close(&self) {
        self.pool.close().await;
    }
}

/// A pooler may know none of what the driver begins each session with, and no option turns that off.
fn refusal(error: sqlx::Error) -> Error {
    let is_startup = |error: &sqlx::Error| {
        let database = error.as_database_error();
        database.is_some_and(|e| e.message().contains("unsupported startup parameter"))
    };
    match is_startup(&error) {
        true => Error::Pooler(error),
        false => Error::Database(error),
    }
}

fn options(url: &str) -> Result<AnyConnectOptions, Error> {
    let options: AnyConnectOptions = url.parse()?;
    Ok(options.disable_statement_logging())
}

/// Takes the lock file beside the database. A lock on the file itself would meet SQLite's own.
fn lock(path: &Path) -> Result<File, Error> {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(PathBuf::from(name))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(Error::InUse(path.to_owned())),
        Err(TryLockError::Error(error)) => Err(error.into()),
    }
}
