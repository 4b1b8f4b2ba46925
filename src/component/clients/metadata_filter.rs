//! Which metadata goes along, by the prefixes or patterns of its keys.

use anyhow::Context as _;
use regex::Regex;

crate::fields! {
    /// Which keys are taken: those that any of these matches; none if there are none.
    pub struct MetadataFilterConfig {
        /// Beginnings of keys.
        include_prefixes: Vec<String> = "[]",
        /// Regular expressions that match somewhere in a key.
        include_patterns: Vec<String> = "[]",
    }
}

impl MetadataFilterConfig {
    pub fn build(&self) -> anyhow::Result<MetadataFilter> {
        let regex = |p: &String| Regex::new(p).with_context(|| format!("include_patterns: {p}"));
        Ok(MetadataFilter {
            prefixes: self.include_prefixes.clone(),
            patterns: self
                .include_patterns
                .iter()
                .map(regex)
                .collect::<anyhow::Result<_>>()?,
        })
    }
}

/// The filter, ready to use.
pub(crate) struct MetadataFilter {
    prefixes: Vec<String>,
    patterns: Vec<Regex>,
}

impl MetadataFilter {
    /// Whether it takes nothing.
    pub fn is_empty(&self) -> bool {
        self.prefixes.is_empty() && self.patterns.is_empty()
    }

    pub fn takes(&self, key: &str) -> bool {
        self.prefixes.iter().any(|p| key.starts_with(p.as_str()))
            || self.patterns.iter().any(|p| p.is_match(key))
    }
}
