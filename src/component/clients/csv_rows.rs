//! Rows of comma-separated values out of bytes that come in pieces.

use crate::formats::csv::{Dialect, Rows};
use crate::value::{Object, Str, Value};
use anyhow::{anyhow, ensure};

/// The largest row, in bytes.
const MAX_ROW: usize = 64 << 20;

/// How rows are read.
#[derive(Clone, Debug)]
pub(crate) struct CsvReading {
    pub delimiter: char,
    pub lazy_quotes: bool,
    pub has_header: bool,
    pub expected_headers: Option<Vec<String>>,
    pub expected_fields: Option<usize>,
    /// Whether a row that can't be read is handed on with its error, rather than ending the reading.
    pub continue_on_error: bool,
    /// Whether rows may have any number of fields: one with more than the header is an array.
    pub is_ragged: bool,
}

impl CsvReading {
    /// The delimiter that a config gives: one character, a comma if it gives none.
    pub fn delimiter(text: Option<&str>) -> anyhow::Result<char> {
        let mut letters = text.filter(|t| !t.is_empty()).unwrap_or(",").chars();
        match (letters.next(), letters.next()) {
            (Some(one), None) => Ok(one),
            _ => Err(anyhow!("the delimiter must be a single character")),
        }
    }
}

/// One text while it is read.
pub(crate) struct CsvRows {
    reading: CsvReading,
    buffer: Vec<u8>,
    line: usize,
    header: Option<Vec<Str>>,
    /// How many fields a row must have, once that is known; 0 for any.
    fields: Option<usize>,
}

/// A row, as an object by its header or as an array, and what is wrong with it.
pub(crate) struct CsvRow {
    pub value: Value,
    pub fault: Option<String>,
    /// Whether its first field is blank, or can't be read.
    pub begins_blank: bool,
}

impl CsvRows {
    pub fn new(reading: CsvReading) -> CsvRows {
        CsvRows {
            fields: reading.expected_fields,
            reading,
            buffer: Vec::new(),
            line: 1,
            header: None,
        }
    }

    /// The names of the columns, once they were read.
    pub fn header(&self) -> Option<&[Str]> {
        self.header.as_deref()
    }

    /// Takes more bytes, and appends the rows that are complete.
    pub fn push(&mut self, bytes: &[u8], out: &mut Vec<CsvRow>) -> anyhow::Result<()> {
        self.buffer.extend_from_slice(bytes);
        // Only whole lines are looked at: a row may still go on after them, if a quote is open.
        match memchr::memrchr(b'\n', bytes) {
            Some(_) => self.read(false, out),
            None => self.check_size(),
        }
    }

    /// The bytes are at their end: appends the rows that are left.
    pub fn finish(&mut self, out: &mut Vec<CsvRow>) -> anyhow::Result<()> {
        self.read(true, out)
    }

    fn check_size(&self) -> anyhow::Result<()> {
        ensure!(
            self.buffer.len() <= MAX_ROW,
            "a row is larger than {MAX_ROW} bytes: is a quote not closed?"
        );
        Ok(())
    }

    fn read(&mut self, at_end: bool, out: &mut Vec<CsvRow>) -> anyhow::Result<()> {
        let buffer = std::mem::take(&mut self.buffer);
        let whole = match at_end {
            true => buffer.len(),
            false => memchr::memrchr(b'\n', &buffer).map_or(0, |at| at + 1),
        };
        let text = String::from_utf8_lossy(&buffer[..whole]);
        let dialect = Dialect {
            delimiter: self.reading.delimiter,
            lazy_quotes: self.reading.lazy_quotes,
            // Counted here, since a row with too many or too few may be wanted all the same.
            fields: Some(0),
        };
        let mut rows = Rows::from_line(&text, dialect, self.line);
        let mut left: &str = &text;
        loop {
            let line = rows.line();
            let Some(row) = rows.next() else {
                left = "";
                self.line = rows.line();
                break;
            };
            // A quote that is open at the end may be closed by what comes.
            if row.is_err() && rows.rest().is_empty() && !at_end {
                self.line = line;
                break;
            }
            left = rows.rest();
            self.line = rows.line();
            let row = row.map_err(|fault| (rows.before_fault(), fault));
            self.take(row, rows.row_line(), out)?;
        }
        self.buffer = left.as_bytes().to_vec();
        self.buffer.extend_from_slice(&buffer[whole..]);
        self.check_size()
    }

    fn take(
        &mut self,
        row: Result<Vec<String>, (Vec<String>, String)>,
        line: usize,
        out: &mut Vec<CsvRow>,
    ) -> anyhow::Result<()> {
        let is_blank = |field: &String| field.trim().is_empty();
        let (row, fault, begins_blank) = match row {
            Ok(row) => {
                let fault = self.count(row.len(), line);
                let begins_blank = row.first().is_none_or(is_blank);
                (row, fault, begins_blank)
            }
            Err((row, fault)) => (row, Some(fault), true),
        };
        // Without its header no row means anything.
        let is_header = self.reading.has_header && self.header.is_none();
        if let Some(fault) = &fault
            && (is_header || !self.reading.continue_on_error)
        {
            return Err(anyhow!("{fault}"));
        }
        if is_header {
            if let Some(expected) = &self.reading.expected_headers {
                ensure!(
                    *expected == row,
                    "expected the headers {expected:?}, found {row:?}"
                );
            }
            self.header = Some(row.into_iter().map(Str::from).collect());
            return Ok(());
        }
        let value = match &self.header {
            Some(header) if self.reading.is_ragged && row.len() > header.len() => array(row),
            Some(header) => {
                let fields = header.iter().cloned().zip(row);
                let fields = fields.map(|(name, field)| (name, Value::from(field)));
                Value::Object(fields.collect::<Object>())
            }
            None => array(row),
        };
        out.push(CsvRow {
            value,
            fault,
            begins_blank,
        });
        Ok(())
    }

    /// What is wrong with the number of fields, if anything.
    fn count(&mut self, count: usize, line: usize) -> Option<String> {
        if self.reading.is_ragged {
            return None;
        }
        let wanted = *self.fields.get_or_insert(count);
        (wanted > 0 && wanted != count)
            .then(|| format!("record on line {line}: wrong number of fields"))
    }
}

fn array(row: Vec<String>) -> Value {
    Value::from(row.into_iter().map(Value::from).collect::<Vec<Value>>())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reading() -> CsvReading {
        CsvReading {
            delimiter: ',',
            lazy_quotes: false,
            has_header: true,
            expected_headers: None,
            expected_fields: None,
            continue_on_error: false,
            is_ragged: false,
        }
    }

    fn read(reading: &CsvReading, text: &str, size: usize) -> anyhow::Result<Vec<String>> {
        let mut rows = CsvRows::new(reading.clone());
        let mut out = Vec::new();
        for piece in text.as_bytes().chunks(size) {
            rows.push(piece, &mut out)?;
        }
        rows.finish(&mut out)?;
        let show = |row: CsvRow| {
            let fault = row.fault.map(|f| format!(" {f}")).unwrap_or_default();
            String::from_utf8_lossy(&row.value.to_json()).into_owned() + &fault
        };
        Ok(out.into_iter().map(show).collect())
    }

    #[test]
    fn rows_are_read_however_they_come() {
        let text = "a,b\n1,\"x\ny\"\n\n\"2\",\"é\"\"\"";
        for size in 1..=text.len() {
            let rows = read(&reading(), text, size).expect("rows");
            let wanted = [r#"{"a":"1","b":"x\ny"}"#, r#"{"a":"2","b":"é\""}"#];
            assert_eq!(rows, wanted, "{size}");
        }
    }

    #[test]
    fn faults_name_their_line() {
        let text = "a,b\n1,2\n1,2,3\n4,5\n";
        let error = read(&reading(), text, 3)
            .expect_err("a ragged row")
            .to_string();
        assert_eq!(error, "record on line 3: wrong number of fields");
        let lenient = CsvReading {
            continue_on_error: true,
            ..reading()
        };
        let rows = read(&lenient, text, 3).expect("rows");
        let fault = r#"{"a":"1","b":"2"} record on line 3: wrong number of fields"#;
        assert_eq!(
            rows,
            [r#"{"a":"1","b":"2"}"#, fault, r#"{"a":"4","b":"5"}"#]
        );
        assert!(read(&lenient, "a,\"b\"x\n1,2\n", 3).is_err());
        let expecting = CsvReading {
            expected_headers: Some(vec!["a".into(), "c".into()]),
            ..reading()
        };
        assert!(read(&expecting, text, 3).is_err());
    }

    #[test]
    fn ragged_rows_are_read_where_they_may_be() {
        let ragged = CsvReading {
            is_ragged: true,
            ..reading()
        };
        let rows = read(&ragged, "a,b\n1\n1,2,3\n1,2\n", 3).expect("no fault");
        assert_eq!(
            rows,
            [r#"{"a":"1"}"#, r#"["1","2","3"]"#, r#"{"a":"1","b":"2"}"#]
        );
    }
}
