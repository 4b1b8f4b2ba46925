//! `csv`: a message for each row of comma-separated values.

use crate::component::clients::csv_rows::{CsvReading, CsvRow, CsvRows};
use crate::component::{BuildScanner, Context, Scan, Scanner};
use crate::message::{Batch, Message, MessageError};
use crate::value::{Str, Value};
use bytes::Bytes;
use std::sync::Arc;

crate::fields! {
    /// How rows are read.
    pub struct Config {
        /// The character between fields, in place of a comma.
        custom_delimiter: Option<String>,
        /// Whether the first row names the columns: rows become objects then, and arrays otherwise.
        parse_header_row: bool = "true",
        /// Whether a quote may stand in a field without quotes, and a lone one in a field with them.
        lazy_quotes: bool = "false",
        /// Whether a row with a fault becomes a message that is flagged with it, rather than ending the file.
        continue_on_error: bool = "false",
        /// The names that the header row must have.
        expected_headers: Option<Vec<String>>,
        /// How many fields each row must have; without it, as many as the first.
        expected_number_of_fields: Option<usize>,
    }
}

crate::spec! {
    /// Makes a message of each row: an object by the names of the header row. Messages have the number of their row, from
    /// 0, as metadata `csv_row`.
    dyn BuildScanner, "csv", Config
}

impl BuildScanner for Config {
    fn build(&self, _: &Context) -> anyhow::Result<Arc<dyn Scanner>> {
        Ok(Arc::new(Csv(CsvReading {
            delimiter: CsvReading::delimiter(self.custom_delimiter.as_deref())?,
            lazy_quotes: self.lazy_quotes,
            has_header: self.parse_header_row,
            expected_headers: self.expected_headers.clone(),
            expected_fields: self.expected_number_of_fields,
            continue_on_error: self.continue_on_error,
            is_ragged: false,
        })))
    }
}

struct Csv(CsvReading);

impl Scanner for Csv {
    fn open(&self, _: &str) -> Box<dyn Scan> {
        Box::new(Reading {
            rows: CsvRows::new(self.0.clone()),
            number: 0,
        })
    }
}

struct Reading {
    rows: CsvRows,
    /// The number of the next row.
    number: i64,
}

impl Reading {
    fn emit(&mut self, rows: Vec<CsvRow>, out: &mut Vec<Batch>) {
        for row in rows {
            let mut message = Message::from_value(row.value);
            let key = Str::from_static("csv_row");
            message.metadata_mut().set(key, Value::Int(self.number));
            message.set_error(row.fault.map(MessageError::anonymous));
            self.number += 1;
            out.push(Batch::from_buf([message]));
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
        result
    }
}
