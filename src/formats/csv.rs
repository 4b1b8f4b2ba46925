//! Rows of comma-separated values, read as Go's `encoding/csv` reads them, its error texts included.

/// How rows are written.
#[derive(Clone, Debug)]
pub struct Dialect {
    pub delimiter: char,
    /// Whether a quote may stand inside a field without quotes, and a lone one inside a field with them.
    pub lazy_quotes: bool,
    /// How many fields a row has; none takes the first row's number, `Some(0)` any.
    pub fields: Option<usize>,
}

impl Default for Dialect {
    fn default() -> Dialect {
        Dialect {
            delimiter: ',',
            lazy_quotes: false,
            fields: None,
        }
    }
}

/// Reads rows out of a text, one after the other.
pub struct Rows<'t> {
    rest: &'t str,
    dialect: Dialect,
    /// The number of the next line, from 1.
    line: usize,
    /// The line that the latest row began on.
    row_line: usize,
    /// The fields of the latest row.
    fields: Vec<String>,
}

impl<'t> Rows<'t> {
    pub fn new(text: &'t str, dialect: Dialect) -> Rows<'t> {
        Rows {
            rest: text,
            dialect,
            line: 1,
            row_line: 1,
            fields: Vec::new(),
        }
    }

    /// Starts at another line than the first, for a text that goes on from an earlier one.
    pub fn from_line(text: &'t str, dialect: Dialect, line: usize) -> Rows<'t> {
        Rows {
            line,
            ..Rows::new(text, dialect)
        }
    }

    /// What follows the latest row.
    pub fn rest(&self) -> &'t str {
        self.rest
    }

    /// The number of the line that follows the latest row.
    pub fn line(&self) -> usize {
        self.line
    }

    /// The line that the latest row began on.
    pub fn row_line(&self) -> usize {
        self.row_line
    }

    /// The fields that stand before the fault of the latest row.
    pub fn before_fault(&mut self) -> Vec<String> {
        std::mem::take(&mut self.fields)
    }

    /// The next line, its break made a plain `\n`.
    fn take_line(&mut self) -> Option<(&'t str, bool)> {
        if self.rest.is_empty() {
            return None;
        }
        self.line += 1;
        match self.rest.find('\n') {
            Some(at) => {
                let line = &self.rest[..at];
                self.rest = &self.rest[at + 1..];
                Some((line.strip_suffix('\r').unwrap_or(line), true))
            }
            None => {
                let line = std::mem::take(&mut self.rest);
                // Go drops a carriage return at the very end.
                Some((line.strip_suffix('\r').unwrap_or(line), false))
            }
        }
    }

    fn row(&mut self, first: (&'t str, bool)) -> Result<Vec<String>, String> {
        let start_line = self.line - 1;
        self.row_line = start_line;
        let (mut line, mut has_break) = first;
        let mut at = 0;
        self.fields.clear();
        let delimiter = self.dialect.delimiter;
        'fields: loop {
            let rest = &line[at..];
            if !rest.starts_with('"') {
                let end = rest.find(delimiter).unwrap_or(rest.len());
                let field = &rest[..end];
                if !self.dialect.lazy_quotes
                    && let Some(quote) = field.find('"')
                {
                    return Err(self.error(
                        start_line,
                        at + quote + 1,
                        "bare \" in non-quoted-field",
                    ));
                }
                self.fields.push(field.to_owned());
                if end == rest.len() {
                    break 'fields;
                }
                at += end + delimiter.len_utf8();
                continue;
            }
            at += 1;
            let mut field = String::new();
            loop {
                let rest = &line[at..];
                let Some(quote) = rest.find('"') else {
                    field.push_str(rest);
                    at = line.len();
                    if has_break {
                        field.push('\n');
                    }
                    match self.take_line() {
                        Some(next) if has_break => {
                            (line, has_break) = next;
                            at = 0;
                            continue;
                        }
                        _ if self.dialect.lazy_quotes => {
                            self.fields.push(field);
                            break 'fields;
                        }
                        _ => {
                            return Err(self.error(
                                start_line,
                                // A line's end counts as a character of it.
                                at + 1 + usize::from(has_break),
                                "extraneous or missing \" in quoted-field",
                            ));
                        }
                    }
                };
                field.push_str(&rest[..quote]);
                at += quote + 1;
                let after = &line[at..];
                if after.starts_with('"') {
                    field.push('"');
                    at += 1;
                } else if after.starts_with(delimiter) {
                    at += delimiter.len_utf8();
                    self.fields.push(field);
                    continue 'fields;
                } else if after.is_empty() {
                    self.fields.push(field);
                    break 'fields;
                } else if self.dialect.lazy_quotes {
                    field.push('"');
                } else {
                    return Err(self.error(
                        start_line,
                        at,
                        "extraneous or missing \" in quoted-field",
                    ));
                }
            }
        }
        match self.dialect.fields {
            None => self.dialect.fields = Some(self.fields.len()),
            Some(wanted) if wanted > 0 && wanted != self.fields.len() => {
                return Err(format!(
                    "record on line {start_line}: wrong number of fields"
                ));
            }
            Some(_) => {}
        }
        Ok(std::mem::take(&mut self.fields))
    }

    fn error(&self, start_line: usize, column: usize, what: &str) -> String {
        let line = self.line - 1;
        match line == start_line {
            true => format!("parse error on line {line}, column {column}: {what}"),
            false => format!(
                "record on line {start_line}; parse error on line {line}, column {column}: {what}"
            ),
        }
    }
}

impl Iterator for Rows<'_> {
    type Item = Result<Vec<String>, String>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let line = self.take_line()?;
            // Empty lines are no rows.
            if !line.0.is_empty() {
                return Some(self.row(line));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, lazy_quotes: bool) -> Result<Vec<Vec<String>>, String> {
        let dialect = Dialect {
            lazy_quotes,
            ..Dialect::default()
        };
        Rows::new(text, dialect).collect()
    }

    #[test]
    fn rows_are_read() {
        for (text, rows) in [
            (
                "a,b\n1,2\r\n\n3,4",
                vec![vec!["a", "b"], vec!["1", "2"], vec!["3", "4"]],
            ),
            ("\"a\"\"b\",\"c\nd\"\n", vec![vec!["a\"b", "c\nd"]]),
            ("a,\n", vec![vec!["a", ""]]),
        ] {
            assert_eq!(read(text, false).expect("rows"), rows, "{text:?}");
        }
        assert_eq!(
            read("a\"b,\"c\"d\"", true).expect("rows"),
            vec![vec!["a\"b", "c\"d"]]
        );
    }

    #[test]
    fn faults_are_told_as_go_tells_them() {
        for (text, error) in [
            ("a,b\n1\n", "record on line 2: wrong number of fields"),
            (
                "{\"a\":1}",
                "parse error on line 1, column 2: bare \" in non-quoted-field",
            ),
            (
                "\"a\"b",
                "parse error on line 1, column 3: extraneous or missing \" in quoted-field",
            ),
            (
                "\"a",
                "parse error on line 1, column 3: extraneous or missing \" in quoted-field",
            ),
            (
                "x\n\"a\n",
                "parse error on line 2, column 4: extraneous or missing \" in quoted-field",
            ),
            (
                "x\n\"a\nb",
                "record on line 2; parse error on line 3, column 2: extraneous or missing \" in quoted-field",
            ),
        ] {
            assert_eq!(read(text, false).expect_err("a fault"), error, "{text:?}");
        }
    }
}
