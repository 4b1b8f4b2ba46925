//! `csv`: a message for each row of comma-separated values.

use crate::component::clients::csv_rows::{CsvReading, CsvRow, CsvRows};
use crate::component::{BuildScanner, Context, Scan, Scanner};
use crate::message::{Batch, Message, MessageError};
use crate::value::{Object, Str, Value};
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
        let reading = CsvReading {
            delimiter: CsvReading::delimiter(self.custom_delimiter.as_deref())?,
            lazy_quotes: self.lazy_quotes,
            has_header: self.parse_header_row,
            expected_headers: self.expected_headers.clone(),
            expected_fields: self.expected_number_of_fields,
            continue_on_error: self.continue_on_error,
            is_ragged: false,
        };
        let marks = Marks::Number;
        Ok(Arc::new(Csv { reading, marks }))
    }
}

/// The codecs `csv` and `csv-safe` of older configs.
#[derive(Debug)]
pub(crate) struct Codec {
    pub delimiter: Option<String>,
    pub is_safe: bool,
}

impl BuildScanner for Codec {
    fn build(&self, _: &Context) -> anyhow::Result<Arc<dyn Scanner>> {
        let reading = CsvReading {
            delimiter: CsvReading::delimiter(self.delimiter.as_deref())?,
            lazy_quotes: false,
            has_header: true,
            expected_headers: None,
            expected_fields: None,
            continue_on_error: self.is_safe,
            is_ragged: false,
        };
        let marks = match self.is_safe {
            true => Marks::Safe,
            false => Marks::None,
        };
        Ok(Arc::new(Csv { reading, marks }))
    }
}

/// What a row's message has beside its fields.
#[derive(Clone, Copy)]
enum Marks {
    /// The number of the row, and the error of a row with a fault.
    Number,
    None,
    /// The number of the row, the header's being 1, whether its first field is blank, and what is wrong with it, all as metadata. A row with a
    /// fault is an empty object.
    Safe,
}

struct Csv {
    reading: CsvReading,
    marks: Marks,
}

impl Scanner for Csv {
    fn open(&self, _: &str) -> Box<dyn Scan> {
        Box::new(Reading {
            rows: CsvRows::new(self.reading.clone()),
            number: 0,
            marks: self.marks,
        })
    }
}

struct Reading {
    rows: CsvRows,
    /// The number of the next row.
    number: i64,
    marks: Marks,
}

impl Reading {
    fn emit(&mut self, rows: Vec<CsvRow>, out: &mut Vec<Batch>) {
        for row in rows {
            out.push(Batch::from_buf([self.marks.message(row, self.number)]));
            self.number += 1;
        }
    }
}

impl Marks {
    fn message(self, row: CsvRow, number: i64) -> Message {
        let key = Str::from_static;
        match self {
            Marks::Number => {
                let mut message = Message::from_value(row.value);
                let metadata = message.metadata_mut();
                metadata.set(key("csv_row"), Value::Int(number));
                message.set_error(row.fault.map(MessageError::anonymous));
                message
            }
            Marks::None => Message::from_value(row.value),
            Marks::Safe => {
                let mut message = match row.fault {
                    Some(_) => Message::from_value(Value::Object(Object::new())),
                    None => Message::from_value(row.value),
                };
                let metadata = message.metadata_mut();
                metadata.set(key("row_number"), Value::Int(number + 2));
                metadata.set(key("row_empty"), Value::Bool(row.begins_blank));
                if let Some(fault) = row.fault {
                    metadata.set(key("row_parse_error"), fault);
                }
                message
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
        result
    }
}
