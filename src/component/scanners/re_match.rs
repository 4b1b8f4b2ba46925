//! `re_match`: cuts where a pattern matches.

use crate::component::{BuildScanner, Context, Scan, Scanner};
use crate::message::{Batch, Message};
use anyhow::{Context as _, ensure};
use bytes::Bytes;
use regex::bytes::Regex;
use std::sync::Arc;

crate::fields! {
    /// Where to cut.
    pub struct Config {
        /// A regular expression; each of its matches begins a message.
        pattern: String,
        /// The largest message in bytes; a larger one ends the file with an error.
        max_buffer_size: usize = "65536",
    }
}

crate::spec! {
    /// Begins a new message wherever a regular expression matches, such as at a date that begins an entry of a log.
    dyn BuildScanner, "re_match", Config
}

impl BuildScanner for Config {
    fn build(&self, _: &Context) -> anyhow::Result<Arc<dyn Scanner>> {
        let pattern = Regex::new(&self.pattern);
        Ok(Arc::new(ReMatch {
            pattern: pattern.with_context(|| format!("pattern: {}", self.pattern))?,
            limit: self.max_buffer_size,
        }))
    }
}

#[derive(Clone)]
struct ReMatch {
    pattern: Regex,
    limit: usize,
}

impl Scanner for ReMatch {
    fn open(&self, _: &str) -> Box<dyn Scan> {
        Box::new(Cutting {
            how: self.clone(),
            begun: Vec::new(),
        })
    }
}

struct Cutting {
    how: ReMatch,
    /// A message whose end hasn't come yet.
    begun: Vec<u8>,
}

impl Cutting {
    /// Cuts off the messages that are followed by a match.
    fn cut(&mut self, out: &mut Vec<Batch>) -> anyhow::Result<()> {
        let all = Bytes::from(std::mem::take(&mut self.begun));
        let mut start = 0;
        // Each message is looked at by itself: `^` matches at its beginning.
        while start < all.len() {
            let next = self
                .how
                .pattern
                .find_iter(&all[start..])
                .map(|found| found.start())
                .find(|at| *at > 0);
            let Some(next) = next else {
                break;
            };
            self.emit(all.slice(start..start + next), out)?;
            start += next;
        }
        ensure!(
            all.len() - start < self.how.limit,
            "a message is larger than the {} bytes of max_buffer_size; raise it to read such messages",
            self.how.limit
        );
        self.begun = all[start..].to_vec();
        Ok(())
    }

    fn emit(&self, message: Bytes, out: &mut Vec<Batch>) -> anyhow::Result<()> {
        ensure!(
            message.len() <= self.how.limit,
            "a message is larger than the {} bytes of max_buffer_size; raise it to read such messages",
            self.how.limit
        );
        out.push(Batch::from_buf([Message::new(message)]));
        Ok(())
    }
}

impl Scan for Cutting {
    fn push(&mut self, mut bytes: Bytes, out: &mut Vec<Batch>) -> anyhow::Result<()> {
        // A match at the very end may be a longer one once more has come, so the last pieces wait for company.
        while !bytes.is_empty() {
            let piece = bytes.split_to(bytes.len().min(self.how.limit));
            self.begun.extend_from_slice(&piece);
            self.cut(out)?;
        }
        Ok(())
    }

    fn finish(&mut self, out: &mut Vec<Batch>) -> anyhow::Result<()> {
        if self.begun.is_empty() {
            return Ok(());
        }
        let rest = std::mem::take(&mut self.begun);
        self.emit(rest.into(), out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::component::scanners::testing::scan;

    #[test]
    fn each_match_begins_a_message() {
        let table: &[(&str, &str, &[&str])] = &[
            (
                r"(?m)^\d\d:",
                "01:a\nb\n02:c\n03:d",
                &["01:a\nb\n", "02:c\n", "03:d"],
            ),
            (
                r"(?m)^\d\d:",
                "lead\n01:a\n02:c",
                &["lead\n", "01:a\n", "02:c"],
            ),
            ("zzz", "abc\ndef", &["abc\ndef"]),
            ("x", "", &[]),
        ];
        for (pattern, text, wanted) in table {
            let scanner = ReMatch {
                pattern: Regex::new(pattern).expect("a pattern"),
                limit: 100,
            };
            scan(&scanner, text.as_bytes(), wanted);
        }
    }
}
