//! The kinds of components that streams share by label, and where a config holds them.

use std::{fmt, str::FromStr};

/// What streams may share under a label.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ResourceKind {
    Cache,
    RateLimit,
    Input,
    Processor,
    Output,
}

impl ResourceKind {
    pub const ALL: &[Self] = &[
        Self::Cache,
        Self::RateLimit,
        Self::Input,
        Self::Processor,
        Self::Output,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Cache => "cache",
            Self::RateLimit => "rate_limit",
            Self::Input => "input",
            Self::Processor => "processor",
            Self::Output => "output",
        }
    }

    /// As sentences have it.
    pub fn in_words(self) -> &'static str {
        match self {
            Self::RateLimit => "rate limit",
            other => other.as_str(),
        }
    }

    /// The field of a config that holds resources of the kind.
    pub fn field(self) -> &'static str {
        match self {
            Self::Cache => "cache_resources",
            Self::RateLimit => "rate_limit_resources",
            Self::Input => "input_resources",
            Self::Processor => "processor_resources",
            Self::Output => "output_resources",
        }
    }
}

impl fmt::Display for ResourceKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for ResourceKind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.iter().copied().find(|k| k.as_str() == text);
        found.ok_or_else(|| {
            let known: Vec<&str> = Self::ALL.iter().map(|k| k.as_str()).collect();
            format!(
                "unknown kind of resource `{text}` (known: {})",
                known.join(", ")
            )
        })
    }
}
