//! `csv`: files of comma-separated values.

use super::paths;
use crate::component::clients::csv_rows::{CsvReading, CsvRow, CsvRows};
use crate::component::{BuildInput, Context, Input, Scan, Scanner};
use crate::message::{Batch, Message, Metadata};
use crate::value::{Str, Value};
use anyhow::ensure;
use bytes::Bytes;
use std::sync::Arc;

crate::fields! {
    /// The files, and how they are read.
    pub struct Config {
        /// The files, in this order. A path may hold `*`, `?` and `[a-z]`, and `**` for folders at any depth.
        paths: Vec<String>,
        /// Whether the first row of a file names the columns: rows become objects then, and arrays otherwise.
        parse_header_row: bool = "true",
        /// The character between fields.
        delimiter: String = "','",
        /// Whether a quote may stand in a field without quotes, and a lone one in a field with them.
        lazy_quotes: bool = "false",
        /// Whether to remove a file once all of it is delivered.
        delete_on_finish: bool = "false",
        /// How many rows are a batch.
        batch_count: usize = "1",
        /// Whether messages that weren't delivered are sent again.
        auto_replay_nacks: bool = "true",
        /// The names that the header row must have.
        expected_headers: Option<Vec<String>>,
        /// How many fields each row must have; without it any. A row with fewer than the header lacks the last ones, and one with more is an
        /// array.
        expected_number_of_fields: Option<usize>,
    }
}

crate::spec! {
    /// Reads rows of comma-separated values as JSON objects, and ends after the last file.
    ///
    /// Messages have the metadata `header` (the names of the columns), `path`, `mod_time_unix` and `mod_time`. A file with a
    /// fault in it is left there, with an error.
    dyn BuildInput, "csv", Config
}

impl BuildInput for Config {
    fn build(&self, _: &Context) -> anyhow::Result<Input> {
        ensure!(self.batch_count > 0, "batch_count must be at least 1");
        let scanner = Arc::new(Csv {
            reading: CsvReading {
                delimiter: CsvReading::delimiter(Some(&self.delimiter))?,
                lazy_quotes: self.lazy_quotes,
                has_header: self.parse_header_row,
                expected_headers: self.expected_headers.clone(),
                expected_fields: self.expected_number_of_fields,
                continue_on_error: false,
                is_ragged: self.expected_number_of_fields.is_none(),
            },
            batch: self.batch_count,
        });
        let paths = paths::expand(&self.paths)?;
        Ok(Input::Reader {
            reader: Box::new(super::file::Files::new(
                paths,
                scanner,
                self.delete_on_finish,
            )),
            auto_replay: self.auto_replay_nacks,
        })
    }
}

struct Csv {
    reading: CsvReading,
    batch: usize,
}

impl Scanner for Csv {
    fn open(&self, _: &str) -> Box<dyn Scan> {
        Box::new(Reading {
            rows: CsvRows::new(self.reading.clone()),
            batch: self.batch,
            header: Metadata::default(),
            begun: Batch::new(),
        })
    }
}

struct Reading {
    rows: CsvRows,
    batch: usize,
    /// The header as metadata, once it was read.
    header: Metadata,
    /// A batch that isn't full yet.
    begun: Batch,
}

impl Reading {
    fn emit(&mut self, rows: Vec<CsvRow>, out: &mut Vec<Batch>) {
        if self.header.is_empty()
            && let Some(header) = self.rows.header()
        {
            let names: Vec<Value> = header.iter().cloned().map(Value::String).collect();
            self.header
                .set(Str::from_static("header"), Value::from(names));
        }
        for row in rows {
            let is_named = matches!(row.value, Value::Object(_));
            let mut message = Message::from_value(row.value);
            if is_named {
                *message.metadata_mut() = self.header.clone();
            }
            self.begun.push(message);
            if self.begun.len() == self.batch {
                out.push(std::mem::take(&mut self.begun));
            }
        }
    }
}

impl Scan for Reading {
    fn push(&mut self, bytes: Bytes, out: &mut Vec<Batch>) -> anyhow::Result<()> {
        let mut rows = Vec::new();
        let result = self.rows.push(&bytes, &mut rows);
        self.emit(rows, out);
        result
    }

    fn finish(&mut self, out: &mut Vec<Batch>) -> anyhow::Result<()> {
        let mut rows = Vec::new();
        let result = self.rows.finish(&mut rows);
        self.emit(rows, out);
        if !self.begun.is_empty() {
            out.push(std::mem::take(&mut self.begun));
        }
        result
    }
}
