//! `to_the_end`: all of it is one message.

use crate::component::{BuildScanner, Context, Scan, Scanner};
use crate::message::{Batch, Message};
use anyhow::ensure;
use bytes::Bytes;
use std::sync::Arc;

crate::fields! {
    /// Nothing to set.
    pub struct Config {}
}

crate::spec! {
    /// Makes one message of all there is, which has to fit into memory.
    dyn BuildScanner, "to_the_end", Config
}

/// The largest message, in bytes.
const LIMIT: usize = 2 << 30;

impl BuildScanner for Config {
    fn build(&self, _: &Context) -> anyhow::Result<Arc<dyn Scanner>> {
        Ok(Arc::new(ToTheEnd))
    }
}

struct ToTheEnd;

impl Scanner for ToTheEnd {
    fn open(&self, _: &str) -> Box<dyn Scan> {
        Box::new(Gathering::default())
    }
}

#[derive(Default)]
struct Gathering {
    /// The first piece, which is often all there is.
    first: Bytes,
    all: Vec<u8>,
}

impl Scan for Gathering {
    fn push(&mut self, bytes: Bytes, _: &mut Vec<Batch>) -> anyhow::Result<()> {
        if self.first.is_empty() && self.all.is_empty() {
            self.first = bytes;
            return Ok(());
        }
        if !self.first.is_empty() {
            self.all.extend_from_slice(&std::mem::take(&mut self.first));
        }
        ensure!(
            self.all.len() + bytes.len() <= LIMIT,
            "more than {LIMIT} bytes don't fit into a message; use another scanner"
        );
        self.all.extend_from_slice(&bytes);
        Ok(())
    }

    fn finish(&mut self, out: &mut Vec<Batch>) -> anyhow::Result<()> {
        let all = match self.all.is_empty() {
            true => std::mem::take(&mut self.first),
            false => std::mem::take(&mut self.all).into(),
        };
        out.push(Batch::from_buf([Message::new(all)]));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::component::scanners::testing::scan;

    #[test]
    fn all_is_one_message() {
        scan(&ToTheEnd, b"abcdefgh", &["abcdefgh"]);
        scan(&ToTheEnd, b"", &[""]);
    }
}
