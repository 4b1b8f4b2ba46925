//! `skip_bom`: leaves byte order marks out.

use crate::component::{BuildScanner, Context, Scan, Scanner, ScannerConfig};
use crate::message::Batch;
use bytes::Bytes;
use std::sync::Arc;

crate::fields! {
    /// What comes after the mark.
    pub struct Config {
        /// Cuts what comes after the marks into messages.
        into: ScannerConfig = "{to_the_end: {}}",
    }
}

crate::spec! {
    /// Leaves out the byte order marks at the beginning, and hands the rest to another scanner.
    dyn BuildScanner, "skip_bom", Config
}

impl BuildScanner for Config {
    fn build(&self, cx: &Context) -> anyhow::Result<Arc<dyn Scanner>> {
        Ok(Arc::new(SkipBom(cx.scanner(&self.into)?)))
    }
}

/// The marks of UTF-8, UTF-32 and UTF-16, the longer before those that they begin with.
const MARKS: &[&[u8]] = &[
    b"\xef\xbb\xbf",
    b"\xff\xfe\0\0",
    b"\0\0\xfe\xff",
    b"\xff\xfe",
    b"\xfe\xff",
];

struct SkipBom(Arc<dyn Scanner>);

impl Scanner for SkipBom {
    fn open(&self, name: &str) -> Box<dyn Scan> {
        Box::new(Skipping {
            scan: self.0.open(name),
            begun: Some(Vec::new()),
        })
    }
}

struct Skipping {
    scan: Box<dyn Scan>,
    /// What may be a mark; none once the text has begun.
    begun: Option<Vec<u8>>,
}

impl Scan for Skipping {
    fn push(&mut self, bytes: Bytes, out: &mut Vec<Batch>) -> anyhow::Result<()> {
        let Some(mut begun) = self.begun.take() else {
            return self.scan.push(bytes, out);
        };
        begun.extend_from_slice(&bytes);
        let mut rest = &begun[..];
        while rest.len() >= 4 {
            match MARKS.iter().find_map(|mark| rest.strip_prefix(*mark)) {
                Some(after) => rest = after,
                None => return self.scan.push(Bytes::copy_from_slice(rest), out),
            }
        }
        self.begun = Some(rest.to_vec());
        Ok(())
    }

    fn finish(&mut self, out: &mut Vec<Batch>) -> anyhow::Result<()> {
        if let Some(begun) = self.begun.take() {
            let mut rest = &begun[..];
            while let Some(after) = MARKS.iter().find_map(|mark| rest.strip_prefix(*mark)) {
                rest = after;
            }
            if !rest.is_empty() {
                self.scan.push(Bytes::copy_from_slice(rest), out)?;
            }
        }
        self.scan.finish(out)
    }
}
