//! Why the coordinator doesn't do what it is asked to.

use crate::ids::Revision;

/// What an API answers with another status each.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Another coordinator leads, or none yet.
    #[error("this coordinator does not lead{}", match .leader_http {
        Some(address) => format!("; {address} does"),
        None => " yet; try again in a moment".to_owned(),
    })]
    NotLeading { leader_http: Option<String> },
    #[error("there is no {kind} `{name}`")]
    NotFound { kind: &'static str, name: String },
    #[error("there is a {kind} `{name}` already")]
    Exists { kind: &'static str, name: String },
    /// The condition on the revision does not hold.
    #[error(
        "the stream is at revision {current}, not at the one that the change is for: read it again"
    )]
    Changed { current: Revision },
    /// The cluster is no more what the plan was made for.
    #[error("the cluster has changed since it was planned: it is at {current} now, plan again")]
    Outdated { current: String },
    /// What was asked for makes no sense as it stands.
    #[error("{0}")]
    Invalid(String),
    /// It makes sense, but not now.
    #[error("{0}")]
    Refused(String),
    /// The stream runs nowhere that could be reached.
    #[error("{0}")]
    Unavailable(String),
    #[error("the store failed: {0}")]
    Store(String),
}

impl Error {
    pub(super) fn no_stream(name: &impl ToString) -> Self {
        Self::NotFound {
            kind: "stream",
            name: name.to_string(),
        }
    }

    pub(super) fn no_worker(id: &impl ToString) -> Self {
        Self::NotFound {
            kind: "worker",
            name: id.to_string(),
        }
    }
}
