//! `switch`: the scanner that suits the name of a file.

use crate::component::{BuildScanner, Context, Scan, Scanner, ScannerConfig};
use crate::message::Batch;
use anyhow::{Context as _, bail};
use bytes::Bytes;
use regex::Regex;
use std::sync::Arc;

crate::single! {
    /// The scanners, in the order in which they are tried.
    pub struct Config(Vec<Case>);
}

crate::fields! {
    /// A scanner, and the names that it is for.
    pub struct Case {
        /// A regular expression for the name of the file; without one, any.
        re_match_name: Option<String>,
        /// Cuts the files with such names.
        scanner: ScannerConfig,
    }
}

crate::spec! {
    /// Chooses a scanner by the name of the file. A file that none is for is an error.
    dyn BuildScanner, "switch", Config
}

impl BuildScanner for Config {
    fn build(&self, cx: &Context) -> anyhow::Result<Arc<dyn Scanner>> {
        let mut cases = Vec::new();
        for case in &self.0 {
            let pattern = case.re_match_name.as_deref().filter(|p| !p.is_empty());
            let pattern = pattern
                .map(|p| Regex::new(p).with_context(|| format!("re_match_name: {p}")))
                .transpose()?;
            cases.push((pattern, cx.scanner(&case.scanner)?));
        }
        Ok(Arc::new(Switch(cases)))
    }
}

struct Switch(Vec<(Option<Regex>, Arc<dyn Scanner>)>);

impl Scanner for Switch {
    fn open(&self, name: &str) -> Box<dyn Scan> {
        let suits = |pattern: &Option<Regex>| pattern.as_ref().is_none_or(|p| p.is_match(name));
        match self.0.iter().find(|(pattern, _)| suits(pattern)) {
            Some((_, scanner)) => scanner.open(name),
            None => Box::new(NoScanner(name.to_owned())),
        }
    }
}

/// Says that no scanner is for a file.
struct NoScanner(String);

impl Scan for NoScanner {
    fn push(&mut self, _: Bytes, _: &mut Vec<Batch>) -> anyhow::Result<()> {
        bail!("no scanner of the switch is for {:?}", self.0)
    }

    fn finish(&mut self, _: &mut Vec<Batch>) -> anyhow::Result<()> {
        bail!("no scanner of the switch is for {:?}", self.0)
    }
}
