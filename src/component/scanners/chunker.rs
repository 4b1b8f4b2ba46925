//! `chunker`: cuts into pieces of a size.

use crate::component::{BuildScanner, Context, Scan, Scanner};
use crate::message::{Batch, Message};
use anyhow::ensure;
use bytes::Bytes;
use std::sync::Arc;

crate::fields! {
    /// The size.
    pub struct Config {
        /// The size of each message in bytes; the last may be smaller.
        size: usize,
    }
}

crate::spec! {
    /// Makes messages of a number of bytes each.
    dyn BuildScanner, "chunker", Config
}

impl BuildScanner for Config {
    fn build(&self, _: &Context) -> anyhow::Result<Arc<dyn Scanner>> {
        ensure!(self.size > 0, "size must be at least 1");
        Ok(Arc::new(Chunker(self.size)))
    }
}

struct Chunker(usize);

impl Scanner for Chunker {
    fn open(&self, _: &str) -> Box<dyn Scan> {
        Box::new(Cutting {
            size: self.0,
            begun: Vec::new(),
        })
    }
}

struct Cutting {
    size: usize,
    begun: Vec<u8>,
}

impl Scan for Cutting {
    fn push(&mut self, mut bytes: Bytes, out: &mut Vec<Batch>) -> anyhow::Result<()> {
        if !self.begun.is_empty() {
            let missing = (self.size - self.begun.len()).min(bytes.len());
            self.begun.extend_from_slice(&bytes.split_to(missing));
            if self.begun.len() < self.size {
                return Ok(());
            }
            let whole = std::mem::take(&mut self.begun);
            out.push(Batch::from_buf([Message::new(whole)]));
        }
        while bytes.len() >= self.size {
            out.push(Batch::from_buf([Message::new(bytes.split_to(self.size))]));
        }
        self.begun.extend_from_slice(&bytes);
        Ok(())
    }

    fn finish(&mut self, out: &mut Vec<Batch>) -> anyhow::Result<()> {
        if !self.begun.is_empty() {
            let rest = std::mem::take(&mut self.begun);
            out.push(Batch::from_buf([Message::new(rest)]));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::component::scanners::testing::scan;

    #[test]
    fn bytes_are_cut_by_size() {
        scan(&Chunker(4), b"abcdefghij", &["abcd", "efgh", "ij"]);
        scan(&Chunker(5), b"abcdefghij", &["abcde", "fghij"]);
        scan(&Chunker(4), b"", &[]);
    }
}
