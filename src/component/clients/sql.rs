//! SQL databases: one pool for each component, values in and out.

use crate::sqlite::is_settled;
use crate::value::{Object, Str, Value};
use anyhow::{Context as _, anyhow, bail};
use sqlx::{
    AssertSqlSafe, Column, Row, TypeInfo, ValueRef,
    postgres::{PgConnectOptions, PgPool, PgPoolOptions, PgRow},
    sqlite::{SqliteConnectOptions, SqlitePool, SqlitePoolOptions, SqliteRow},
};
use std::str::FromStr;
use tokio::sync::OnceCell;

crate::choice! {
    /// A database.
    pub enum Driver {
        Sqlite = "sqlite",
        Postgres = "postgres",
    }
}

crate::fields! {
    /// How the connection behaves.
    pub struct SqlConfig {
        /// The database.
        driver: Driver,
        /// Where it is: `file:path/to.sqlite` or `:memory:`; `postgres://user:password@host:5432/name?sslmode=require`.
        dsn: crate::config::Secret,
        /// Files with statements that are run when the component connects, in order. `*` stands for any part of a name.
        init_files: Vec<String> = "[]" [advanced],
        /// Statements that are run when the component connects, after those of files. They run at each start, so they should bear that: `CREATE TABLE IF NOT EXISTS …`.
        init_statement: String = "''" [advanced],
        /// Whether a connection is tried before each use.
        init_verify_conn: bool = "false" [advanced],
        /// The time after which a connection that isn't used is closed.
        conn_max_idle_time: crate::config::Span = "''" [advanced],
        /// The time after which a connection is closed.
        conn_max_life_time: crate::config::Span = "''" [advanced],
        /// Taken for compatibility: connections that wait for work are kept until `conn_max_idle_time`.
        conn_max_idle: u32 = "2" [advanced],
        /// How many connections there may be; 0 for as many as there are calls at a time, up to 64.
        conn_max_open: u32 = "0" [advanced],
    }
}

/// A database that is connected to when it is first used.
pub(crate) struct Database {
    config: SqlConfig,
    pool: OnceCell<Pool>,
}

enum Pool {
    Sqlite(SqlitePool),
    Postgres(PgPool),
}

/// The most rows that a query may give.
const MAX_ROWS: usize = 1_000_000;

impl Database {
    pub fn new(config: &SqlConfig) -> Database {
        Database {
            config: config.clone(),
            pool: OnceCell::new(),
        }
    }

    /// Whether placeholders are numbered (`$1`) and not question marks.
    pub fn numbered(&self) -> bool {
        self.config.driver == Driver::Postgres
    }

    /// The rows that a query gives, as objects.
    pub async fn rows(&self, query: &str, args: &[Value]) -> anyhow::Result<Vec<Value>> {
        let rows = match self.pool().await? {
            Pool::Sqlite(pool) => {
                let rows = sqlite(query, args).fetch_all(pool).await.map_err(explain)?;
                rows.iter()
                    .map(sqlite_row)
                    .collect::<anyhow::Result<Vec<_>>>()?
            }
            Pool::Postgres(pool) => {
                let rows = postgres(query, args)
                    .fetch_all(pool)
                    .await
                    .map_err(explain)?;
                rows.iter()
                    .map(postgres_row)
                    .collect::<anyhow::Result<Vec<_>>>()?
            }
        };
        if rows.len() > MAX_ROWS {
            bail!("the query gives more than {MAX_ROWS} rows");
        }
        Ok(rows)
    }

    /// Runs a statement once for each set of arguments: all of them, or none.
    pub async fn execute(&self, statement: &str, sets: &[Vec<Value>]) -> anyhow::Result<()> {
        match self.pool().await? {
            Pool::Sqlite(pool) => {
                let mut transaction = pool.begin().await.map_err(explain)?;
                for args in sets {
                    let query = sqlite(statement, args);
                    query.execute(&mut *transaction).await.map_err(explain)?;
                }
                transaction.commit().await.map_err(explain)
            }
            Pool::Postgres(pool) => {
                let mut transaction = pool.begin().await.map_err(explain)?;
                for args in sets {
                    let query = postgres(statement, args);
                    query.execute(&mut *transaction).await.map_err(explain)?;
                }
                transaction.commit().await.map_err(explain)
            }
        }
    }

    pub async fn close(&self) {
        match self.pool.get() {
            Some(Pool::Sqlite(pool)) => pool.close().await,
            Some(Pool::Postgres(pool)) => pool.close().await,
            None => {}
        }
    }

    async fn pool(&self) -> anyhow::Result<&Pool> {
        self.pool.get_or_try_init(|| self.connect()).await
    }

    async fn connect(&self) -> anyhow::Result<Pool> {
        let config = &self.config;
        let open = match config.conn_max_open {
            0 => 64,
            n => n,
        };
        let init = self.init_statements()?;
        let _ = config.conn_max_idle;
        Ok(match config.driver {
            Driver::Sqlite => {
                let (options, in_memory) = sqlite_options(&config.dsn.0)?;
                let options = SqlitePoolOptions::new()
                    // Each connection to a database in memory is one of its own.
                    .max_connections(if in_memory { 1 } else { open })
                    .test_before_acquire(config.init_verify_conn)
                    .after_release(|connection, _| Box::pin(is_settled(connection)))
                    .idle_timeout(if in_memory {
                        None
                    } else {
                        config.conn_max_idle_time.0
                    })
                    .max_lifetime(if in_memory {
                        None
                    } else {
                        config.conn_max_life_time.0
                    })
                    .connect_with(options);
                let pool = options.await.map_err(explain)?;
                for statements in init {
                    let run = sqlx::raw_sql(AssertSqlSafe(statements)).execute(&pool);
                    run.await
                        .map_err(explain)
                        .context("run the init statements")?;
                }
                Pool::Sqlite(pool)
            }
            Driver::Postgres => {
                let options = PgConnectOptions::from_str(&config.dsn.0);
                let pool = PgPoolOptions::new()
                    .max_connections(open)
                    .test_before_acquire(config.init_verify_conn)
                    .idle_timeout(config.conn_max_idle_time.0)
                    .max_lifetime(config.conn_max_life_time.0)
                    .connect_with(
                        options.map_err(|_| anyhow!("the dsn isn't a PostgreSQL address"))?,
                    );
                let pool = pool.await.map_err(explain)?;
                for statements in init {
                    let run = sqlx::raw_sql(AssertSqlSafe(statements)).execute(&pool);
                    run.await
                        .map_err(explain)
                        .context("run the init statements")?;
                }
                Pool::Postgres(pool)
            }
        })
    }

    fn init_statements(&self) -> anyhow::Result<Vec<String>> {
        let mut all = Vec::new();
        for pattern in &self.config.init_files {
            for file in glob::glob(pattern).with_context(|| format!("init file {pattern}"))? {
                let file = file?;
                let text = std::fs::read_to_string(&file);
                all.push(text.with_context(|| format!("read {}", file.display()))?);
            }
        }
        all.push(self.config.init_statement.clone());
        all.retain(|statements| !statements.trim().is_empty());
        Ok(all)
    }
}

/// The options of a `file:` address, and whether it is a database in memory.
fn sqlite_options(dsn: &str) -> anyhow::Result<(SqliteConnectOptions, bool)> {
    let path = dsn.strip_prefix("file:").unwrap_or(dsn);
    let (path, settings) = path.split_once('?').unwrap_or((path, ""));
    let in_memory = path == ":memory:" || settings.split('&').any(|s| s == "mode=memory");
    let mut options = if in_memory {
        SqliteConnectOptions::from_str("sqlite::memory:").map_err(explain)?
    } else {
        SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
    };
    for setting in settings.split('&') {
        // `_pragma=busy_timeout(5000)` and `_pragma=foreign_keys=1`.
        let Some(pragma) = setting.strip_prefix("_pragma=") else {
            continue;
        };
        let parts = pragma.split_once(['(', '=']);
        let (name, value) = parts.ok_or_else(|| anyhow!("a pragma needs a value: {pragma}"))?;
        let value = value.trim_end_matches(')');
        options = options.pragma(name.to_owned(), value.to_owned());
    }
    if settings.split('&').any(|s| s == "mode=ro") {
        options = options.read_only(true).create_if_missing(false);
    }
    Ok((options, in_memory))
}

type SqliteQuery<'q> = sqlx::query::Query<'q, sqlx::Sqlite, sqlx::sqlite::SqliteArguments>;

/// A statement with its arguments: the same for both databases, whose types have nothing else in common.
macro_rules! with_args {
    ($statement:expr, $args:expr) => {{
        let mut query = sqlx::query(AssertSqlSafe($statement.to_owned()));
        for arg in $args {
            query = match arg {
                Value::Null => query.bind(None::<String>),
                Value::Bool(b) => query.bind(*b),
                Value::Bytes(b) => query.bind(b.to_vec()),
                other => match number(other) {
                    Some(Number::Int(n)) => query.bind(n),
                    Some(Number::Float(n)) => query.bind(n),
                    None => query.bind(text(other)),
                },
            };
        }
        query
    }};
}

fn sqlite<'q>(statement: &str, args: &[Value]) -> SqliteQuery<'q> {
    with_args!(statement, args)
}

type PgQuery<'q> = sqlx::query::Query<'q, sqlx::Postgres, sqlx::postgres::PgArguments>;

fn postgres<'q>(statement: &str, args: &[Value]) -> PgQuery<'q> {
    with_args!(statement, args)
}

enum Number {
    Int(i64),
    Float(f64),
}

fn number(value: &Value) -> Option<Number> {
    match value {
        Value::Int(_) | Value::Uint(_) | Value::Float(_) | Value::Number(_) => match value.as_i64()
        {
            Some(n) => Some(Number::Int(n)),
            None => value.as_f64().map(Number::Float),
        },
        _ => None,
    }
}

/// A value as text: strings as they are, everything else as JSON.
fn text(value: &Value) -> String {
    match value {
        Value::String(s) => s.to_string(),
        Value::Timestamp(_) => {
            let json = String::from_utf8_lossy(&value.to_json()).into_owned();
            json.trim_matches('"').to_owned()
        }
        other => String::from_utf8_lossy(&other.to_json()).into_owned(),
    }
}

fn sqlite_row(row: &SqliteRow) -> anyhow::Result<Value> {
    let mut object = Object::new();
    for (i, column) in row.columns().iter().enumerate() {
        let raw = row.try_get_raw(i)?;
        let kind = raw.type_info().name().to_owned();
        let value = match kind.as_str() {
            _ if raw.is_null() => Value::Null,
            "BOOLEAN" => Value::Bool(row.try_get_unchecked(i)?),
            "INTEGER" | "INT8" | "INT4" | "BIGINT" => Value::Int(row.try_get_unchecked(i)?),
            "REAL" => Value::Float(row.try_get_unchecked(i)?),
            "BLOB" => Value::Bytes(row.try_get_unchecked::<Vec<u8>, _>(i)?.into()),
            _ => Value::String(Str::from(row.try_get_unchecked::<String, _>(i)?)),
        };
        object.insert(column.name(), value);
    }
    Ok(Value::Object(object))
}

fn postgres_row(row: &PgRow) -> anyhow::Result<Value> {
    let mut object = Object::new();
    for (i, column) in row.columns().iter().enumerate() {
        let raw = row.try_get_raw(i)?;
        let value = match column.type_info().name() {
            _ if raw.is_null() => Value::Null,
            "BOOL" => Value::Bool(row.try_get(i)?),
            "INT2" => Value::Int(row.try_get::<i16, _>(i)?.into()),
            "INT4" => Value::Int(row.try_get::<i32, _>(i)?.into()),
            "INT8" => Value::Int(row.try_get(i)?),
            "FLOAT4" => Value::Float(row.try_get::<f32, _>(i)?.into()),
            "FLOAT8" => Value::Float(row.try_get(i)?),
            "TEXT" | "VARCHAR" | "CHAR" | "BPCHAR" | "NAME" | "CITEXT" | "unknown" => {
                Value::String(Str::from(row.try_get::<String, _>(i)?))
            }
            "BYTEA" => Value::Bytes(row.try_get::<Vec<u8>, _>(i)?.into()),
            kind @ ("JSON" | "JSONB" | "UUID" | "TIMESTAMP" | "TIMESTAMPTZ" | "DATE") => {
                let bytes = raw.as_bytes().map_err(|e| anyhow!(e))?;
                binary(kind, bytes)
                    .ok_or_else(|| anyhow!("column {} can't be read", column.name()))?
            }
            kind => bail!(
                "column {} has the type {kind}, which isn't supported: cast it to text in the query",
                column.name()
            ),
        };
        object.insert(column.name(), value);
    }
    Ok(Value::Object(object))
}

/// A value as PostgreSQL sends it.
fn binary(kind: &str, bytes: &[u8]) -> Option<Value> {
    let integer = || bytes.try_into().ok().map(i64::from_be_bytes);
    // Times count from the year 2000.
    let epoch = 946_684_800i64;
    let time = |micros: i64| {
        let time = chrono::DateTime::from_timestamp_micros(micros.checked_add(epoch * 1_000_000)?)?;
        Some(Value::from(
            time.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true),
        ))
    };
    match kind {
        "JSON" => crate::value::parse(&bytes.to_vec().into()).ok(),
        // A version number stands before the text.
        "JSONB" => crate::value::parse(&bytes.get(1..)?.to_vec().into()).ok(),
        "UUID" => Some(Value::from(uuid::Uuid::from_slice(bytes).ok()?.to_string())),
        "DATE" => {
            let days = i64::from(i32::from_be_bytes(bytes.try_into().ok()?));
            time(days.checked_mul(86_400_000_000)?)
        }
        _ => time(integer()?),
    }
}

/// The error in the words that configs match on.
fn explain(error: sqlx::Error) -> anyhow::Error {
    let sqlx::Error::Database(database) = &error else {
        return error.into();
    };
    let code = database.code().unwrap_or_default();
    let Ok(code) = code.parse::<i64>() else {
        return anyhow!("{}", database.message());
    };
    if database
        .try_downcast_ref::<sqlx::sqlite::SqliteError>()
        .is_none()
    {
        return anyhow!("{}", database.message());
    }
    // The low byte of SQLite's code is the kind of error.
    let kind = match code & 0xff {
        1 => "SQL logic error",
        5 => "database is locked",
        8 => "attempt to write a readonly database",
        14 => "unable to open database file",
        19 => "constraint failed",
        20 => "datatype mismatch",
        25 => "column index out of range",
        26 => "file is not a database",
        _ => return anyhow!("{} ({code})", database.message()),
    };
    anyhow!("{kind}: {} ({code})", database.message())
}
