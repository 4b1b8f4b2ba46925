//! Rows and what they stand for.

use std::{collections::BTreeMap, str::FromStr};

use serde::{Serialize, de::DeserializeOwned};
use sqlx::{FromRow, Row, any::AnyRow};

use super::Error;
use crate::{
    cluster::{Assignment, OnPartition, Shard, ShardRange, Shards, Stream, Time, Worker},
    ids::{Epoch, Generation, Revision, ShardId, ShardIndex, StreamName, WorkerId},
};

/// A stream's definition at one revision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RevisionRow {
    pub stream: StreamName,
    pub revision: Revision,
    pub config: String,
    pub shards: Shards,
    pub requires: BTreeMap<String, String>,
    pub prefers: BTreeMap<String, String>,
    pub stateless: bool,
    pub on_partition: OnPartition,
    pub created: Time,
    /// What made it, for people.
    pub cause: String,
}

/// A line of the log of decisions and edits. Its sequence is 0 until it is read back.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EventRow {
    pub sequence: u64,
    pub at: Time,
    pub kind: String,
    pub stream: Option<StreamName>,
    pub shard: Option<ShardIndex>,
    pub worker: Option<WorkerId>,
    pub epoch: Option<Epoch>,
    pub cause: String,
}

/// A column's text as the value that it stands for.
fn text<T: FromStr<Err: std::fmt::Display>>(row: &AnyRow, column: &str) -> sqlx::Result<T> {
    let text: String = row.try_get(column)?;
    text.parse().map_err(|error: T::Err| decode(column, error))
}

fn maybe_text<T: FromStr<Err: std::fmt::Display>>(
    row: &AnyRow,
    column: &str,
) -> sqlx::Result<Option<T>> {
    let text: Option<String> = row.try_get(column)?;
    let value = text.map(|text| text.parse()).transpose();
    value.map_err(|error: T::Err| decode(column, error))
}

fn json<T: DeserializeOwned>(row: &AnyRow, column: &str) -> sqlx::Result<T> {
    let text: String = row.try_get(column)?;
    serde_json::from_str(&text).map_err(|error| decode(column, error))
}

pub(super) fn number(row: &AnyRow, column: &str) -> sqlx::Result<u64> {
    let number: i64 = row.try_get(column)?;
    u64::try_from(number).map_err(|error| decode(column, error))
}

pub(super) fn maybe_number(row: &AnyRow, column: &str) -> sqlx::Result<Option<u64>> {
    let number: Option<i64> = row.try_get(column)?;
    let number = number.map(u64::try_from).transpose();
    number.map_err(|error| decode(column, error))
}

fn small(row: &AnyRow, column: &str) -> sqlx::Result<u32> {
    u32::try_from(number(row, column)?).map_err(|error| decode(column, error))
}

fn maybe_small(row: &AnyRow, column: &str) -> sqlx::Result<Option<u32>> {
    let number = maybe_number(row, column)?.map(u32::try_from).transpose();
    number.map_err(|error| decode(column, error))
}

fn decode(column: &str, error: impl std::fmt::Display) -> sqlx::Error {
    sqlx::Error::ColumnDecode {
        index: column.to_owned(),
        source: error.to_string().into(),
    }
}

/// A value as JSON text, for a column that is only read back as a whole.
pub(super) fn to_json(what: &'static str, value: &impl Serialize) -> Result<String, Error> {
    serde_json::to_string(value).map_err(|error| Error::Corrupt {
        what,
        why: error.to_string(),
    })
}

/// A shard and its place, without its assignments.
pub(super) struct ShardRow(pub(super) ShardId, pub(super) Shard);

/// An assignment and the shard that it is of.
pub(super) struct AssignmentRow(pub(super) ShardId, pub(super) Assignment);

/// What a worker is besides what is only known in memory.
pub(super) struct WorkerRow(pub(super) Worker);

pub(super) struct StreamRow(pub(super) Stream);

fn shard_id(row: &AnyRow) -> sqlx::Result<ShardId> {
    Ok(ShardId {
        stream: text(row, "stream")?,
        shard: ShardIndex(small(row, "shard")?),
    })
}

impl FromRow<'_, AnyRow> for ShardRow {
    fn from_row(row: &AnyRow) -> sqlx::Result<Self> {
        let shard = Shard {
            assignments: Vec::new(),
            standing: json(row, "standing")?,
            attempts: small(row, "attempts")?,
            deaths: json(row, "deaths")?,
            destination: None,
            reason: row.try_get("reason")?,
            since: Time(number(row, "since")?),
        };
        Ok(Self(shard_id(row)?, shard))
    }
}

impl FromRow<'_, AnyRow> for AssignmentRow {
    fn from_row(row: &AnyRow) -> sqlx::Result<Self> {
        let assignment = Assignment {
            epoch: Epoch(number(row, "epoch")?),
            worker: text(row, "worker")?,
            incarnation: text(row, "incarnation")?,
            revision: Revision(number(row, "revision")?),
            state: text(row, "state")?,
            reason: row.try_get("reason")?,
            since: Time(number(row, "since")?),
            running_since: maybe_number(row, "running_since")?.map(Time),
            drain_until: maybe_number(row, "drain_until")?.map(Time),
            destination: None,
            failure: maybe_text(row, "failure")?,
            backlog: None,
        };
        Ok(Self(shard_id(row)?, assignment))
    }
}

impl FromRow<'_, AnyRow> for WorkerRow {
    fn from_row(row: &AnyRow) -> sqlx::Result<Self> {
        let drain: Option<String> = row.try_get("drain")?;
        let drain = drain.map(|text| serde_json::from_str(&text)).transpose();
        Ok(Self(Worker {
            id: text(row, "id")?,
            incarnation: text(row, "incarnation")?,
            address: row.try_get("address")?,
            labels: json(row, "labels")?,
            max_streams: maybe_small(row, "max_streams")?,
            weight: small(row, "weight")?,
            limits: json(row, "limits")?,
            version: row.try_get("version")?,
            presence: text(row, "presence")?,
            reason: row.try_get("reason")?,
            since: Time(number(row, "since")?),
            drain: drain.map_err(|error| decode("drain", error))?,
            started: Time(number(row, "started")?),
            assigned: number(row, "assigned")?,
            last_assigned: Epoch::default(),
            lease: Default::default(),
            former: Vec::new(),
            applied: Generation::default(),
            load: Default::default(),
        }))
    }
}

impl FromRow<'_, AnyRow> for StreamRow {
    fn from_row(row: &AnyRow) -> sqlx::Result<Self> {
        let range = maybe_small(row, "shards_min")?.zip(maybe_small(row, "shards_max")?);
        Ok(Self(Stream {
            name: text(row, "name")?,
            desired: text(row, "desired")?,
            revision: Revision(number(row, "revision")?),
            shards: small(row, "shards")?,
            range: range.map(|(min, max)| ShardRange { min, max }),
            requires: json(row, "requires")?,
            prefers: json(row, "prefers")?,
            stateless: number(row, "stateless")? != 0,
            on_partition: text(row, "on_partition")?,
        }))
    }
}

impl FromRow<'_, AnyRow> for RevisionRow {
    fn from_row(row: &AnyRow) -> sqlx::Result<Self> {
        let min = small(row, "shards")?;
        let max = maybe_small(row, "shards_max")?;
        Ok(Self {
            stream: text(row, "stream")?,
            revision: Revision(number(row, "revision")?),
            config: row.try_get("config")?,
            shards: Shards::between(min, max.unwrap_or(min)),
            requires: json(row, "requires")?,
            prefers: json(row, "prefers")?,
            stateless: number(row, "stateless")? != 0,
            on_partition: text(row, "on_partition")?,
            created: Time(number(row, "created")?),
            cause: row.try_get("cause")?,
        })
    }
}

impl FromRow<'_, AnyRow> for EventRow {
    fn from_row(row: &AnyRow) -> sqlx::Result<Self> {
        Ok(Self {
            sequence: number(row, "sequence")?,
            at: Time(number(row, "at")?),
            kind: row.try_get("kind")?,
            stream: maybe_text(row, "stream")?,
            shard: maybe_small(row, "shard")?.map(ShardIndex),
            worker: maybe_text(row, "worker")?,
            epoch: maybe_number(row, "epoch")?.map(Epoch),
            cause: row.try_get("cause")?,
        })
    }
}
