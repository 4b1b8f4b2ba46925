//! `parquet`: the rows of Parquet files.

use super::paths;
use crate::codec::parquet::{Lists, decode};
use crate::component::{BuildInput, Context, Input, Scan, Scanner};
use crate::message::{Batch, Message};
use anyhow::{anyhow, ensure};
use bytes::Bytes;
use std::sync::Arc;

/// The largest file: it is held in memory while its rows are read.
const MAX_FILE: usize = 1 << 30;

crate::fields! {
    /// The files, and how they are read.
    pub struct Config {
        /// The files, in this order. A path may hold `*`, `?` and `[a-z]`, and `**` for folders at any depth.
        paths: Vec<String>,
        /// How many rows are a batch.
        batch_count: usize = "1" [advanced],
        /// Whether messages that weren't delivered are sent again.
        auto_replay_nacks: bool = "true",
    }
}

crate::spec! {
    /// Reads the rows of Parquet files as JSON objects, and ends after the last file.
    ///
    /// Messages have the metadata `path`, `mod_time_unix` and `mod_time`. A file is held in memory and may have 1 GiB.
    dyn BuildInput, "parquet", Config, Experimental
}

impl BuildInput for Config {
    fn build(&self, _: &Context) -> anyhow::Result<Input> {
        ensure!(self.batch_count > 0, "batch_count must be at least 1");
        let scanner = Arc::new(Parquet {
            batch: self.batch_count,
        });
        let paths = paths::expand(&self.paths)?;
        Ok(Input::Reader {
            reader: Box::new(super::file::Files::new(paths, scanner, false)),
            auto_replay: self.auto_replay_nacks,
        })
    }
}

struct Parquet {
    batch: usize,
}

impl Scanner for Parquet {
    fn open(&self, _: &str) -> Box<dyn Scan> {
        Box::new(Reading {
            batch: self.batch,
            file: Vec::new(),
        })
    }
}

/// A file whose end, where its schema stands, hasn't come yet.
struct Reading {
    batch: usize,
    file: Vec<u8>,
}

impl Scan for Reading {
    fn push(&mut self, bytes: Bytes, _: &mut Vec<Batch>) -> anyhow::Result<()> {
        ensure!(
            self.file.len() + bytes.len() <= MAX_FILE,
            "the file is larger than {MAX_FILE} bytes"
        );
        self.file.extend_from_slice(&bytes);
        Ok(())
    }

    fn finish(&mut self, out: &mut Vec<Batch>) -> anyhow::Result<()> {
        let file = Bytes::from(std::mem::take(&mut self.file));
        let mut batch = Batch::new();
        let result = decode(&file, Lists::Plain, |row| {
            batch.push(Message::from_value(row));
            if batch.len() == self.batch {
                out.push(std::mem::take(&mut batch));
            }
        });
        if !batch.is_empty() {
            out.push(batch);
        }
        result.map_err(|e| anyhow!(e))
    }
}
