//! `lines`: cuts at line ends, or at a delimiter.

use crate::component::{BuildScanner, Context, Scan, Scanner};
use crate::message::{Batch, Message};
use anyhow::{bail, ensure};
use bytes::Bytes;
use memchr::memmem::Finder;
use std::sync::Arc;

crate::fields! {
    /// What ends a line.
    pub struct Config {
        /// Ends a line in place of a line feed.
        custom_delimiter: Option<String>,
        /// The largest line in bytes; a longer one ends the file with an error.
        max_buffer_size: usize = "65536",
        /// Whether to skip lines with nothing in them.
        omit_empty: bool = "false",
    }
}

crate::spec! {
    /// Makes a message of each line, without its line end (`\n` or `\r\n`).
    dyn BuildScanner, "lines", Config
}

impl BuildScanner for Config {
    fn build(&self, _: &Context) -> anyhow::Result<Arc<dyn Scanner>> {
        let custom = self.custom_delimiter.as_deref().filter(|d| !d.is_empty());
        ensure!(
            self.max_buffer_size > 0,
            "max_buffer_size must be at least 1"
        );
        Ok(Arc::new(Lines {
            finder: Finder::new(custom.unwrap_or("\n").as_bytes()).into_owned(),
            strips_return: custom.is_none(),
            limit: self.max_buffer_size,
            omit_empty: self.omit_empty,
        }))
    }
}

/// Cuts at line feeds.
pub(super) fn plain(limit: usize) -> Arc<dyn Scanner> {
    Arc::new(Lines {
        finder: Finder::new(b"\n").into_owned(),
        strips_return: true,
        limit,
        omit_empty: false,
    })
}

#[derive(Clone)]
struct Lines {
    finder: Finder<'static>,
    strips_return: bool,
    limit: usize,
    omit_empty: bool,
}

impl Scanner for Lines {
    fn open(&self, _: &str) -> Box<dyn Scan> {
        Box::new(Cutting {
            lines: self.clone(),
            begun: Vec::new(),
        })
    }
}

struct Cutting {
    lines: Lines,
    /// A line whose end hasn't come yet.
    begun: Vec<u8>,
}

impl Cutting {
    fn emit(&self, mut line: Bytes, out: &mut Vec<Batch>) -> anyhow::Result<()> {
        if line.len() >= self.lines.limit {
            bail!(
                "a line is longer than the {} bytes of max_buffer_size; raise it to read such lines",
                self.lines.limit
            );
        }
        if self.lines.strips_return && line.last() == Some(&b'\r') {
            line.truncate(line.len() - 1);
        }
        if !(line.is_empty() && self.lines.omit_empty) {
            out.push(Batch::from_buf([Message::new(line)]));
        }
        Ok(())
    }

    /// Completes the line that was begun, if its end is in `bytes`; returns where the next line starts.
    fn complete(&mut self, bytes: &Bytes, out: &mut Vec<Batch>) -> anyhow::Result<Option<usize>> {
        let delimiter = self.lines.finder.needle().len();
        // The delimiter may lie across the border.
        let before = self.begun.len().min(delimiter - 1);
        let mut border = self.begun[self.begun.len() - before..].to_vec();
        border.extend_from_slice(&bytes[..bytes.len().min(delimiter - 1)]);
        let end = match self.lines.finder.find(&border) {
            Some(at) => Some(at + delimiter - before),
            None => self.lines.finder.find(bytes).map(|at| at + delimiter),
        };
        self.begun
            .extend_from_slice(&bytes[..end.unwrap_or(bytes.len())]);
        if end.is_some() {
            let mut line = std::mem::take(&mut self.begun);
            line.truncate(line.len() - delimiter);
            self.emit(line.into(), out)?;
        } else if self.begun.len() >= self.lines.limit {
            let line = std::mem::take(&mut self.begun);
            self.emit(line.into(), out)?;
        }
        Ok(end)
    }
}

impl Scan for Cutting {
    fn push(&mut self, bytes: Bytes, out: &mut Vec<Batch>) -> anyhow::Result<()> {
        let mut start = 0;
        if !self.begun.is_empty() {
            match self.complete(&bytes, out)? {
                Some(next) => start = next,
                None => return Ok(()),
            }
        }
        let needle = self.lines.finder.needle();
        if let [byte] = *needle {
            for end in memchr::memchr_iter(byte, &bytes[start..]).map({
                let from = start;
                move |at| from + at
            }) {
                self.emit(bytes.slice(start..end), out)?;
                start = end + 1;
            }
        } else {
            let length = needle.len();
            while let Some(at) = self.lines.finder.find(&bytes[start..]) {
                self.emit(bytes.slice(start..start + at), out)?;
                start += at + length;
            }
        }
        if bytes.len() - start >= self.lines.limit + needle_slack(&self.lines) {
            return self.emit(bytes.slice(start..), out);
        }
        self.begun.extend_from_slice(&bytes[start..]);
        Ok(())
    }

    fn finish(&mut self, out: &mut Vec<Batch>) -> anyhow::Result<()> {
        let line = std::mem::take(&mut self.begun);
        if line.is_empty() {
            return Ok(());
        }
        self.emit(line.into(), out)
    }
}

/// How much of a delimiter may stand at the end of what was read so far.
fn needle_slack(lines: &Lines) -> usize {
    lines.finder.needle().len() - 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::component::scanners::testing::scan;

    fn lines(delimiter: &str, limit: usize, omit_empty: bool) -> Lines {
        Lines {
            finder: Finder::new(delimiter.as_bytes()).into_owned(),
            strips_return: delimiter == "\n",
            limit,
            omit_empty,
        }
    }

    #[test]
    fn text_is_cut_at_delimiters_however_it_comes() {
        let table: &[(&str, bool, &str, &[&str])] = &[
            ("\n", false, "", &[]),
            ("\n", false, "a", &["a"]),
            ("\n", false, "a\nb\r\n\nc", &["a", "b", "", "c"]),
            ("\n", true, "a\n\n\r\nb\n", &["a", "b"]),
            ("|", false, "a|b\n|c", &["a", "b\n", "c"]),
            ("ab", false, "xabyaabb", &["x", "ya", "b"]),
            ("aab", false, "aaab-aab", &["a", "-"]),
        ];
        for (delimiter, omit_empty, text, wanted) in table {
            scan(&lines(delimiter, 100, *omit_empty), text.as_bytes(), wanted);
        }
    }

    #[test]
    fn a_line_over_the_limit_is_an_error_after_those_before_it() {
        let mut cutting = lines("\n", 5, false).open("");
        let mut out = Vec::new();
        let error = cutting.push(Bytes::from_static(b"1234\n12345\nx\n"), &mut out);
        assert!(
            error
                .expect_err("too long")
                .to_string()
                .contains("max_buffer_size")
        );
        assert_eq!(out.len(), 1);
        let mut cutting = lines("\n", 5, false).open("");
        assert!(cutting.push(Bytes::from_static(b"123"), &mut out).is_ok());
        assert!(cutting.push(Bytes::from_static(b"45"), &mut out).is_err());
    }
}
