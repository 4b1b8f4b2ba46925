//! Rows of the store as what people are told, and the other way round.

use super::{Definition, Error, EventFilter, PlacementEvent, Resource, RevisionInfo, SecretInfo};
use crate::{
    cluster::Desired,
    store::{self, EventQuery, EventRow, ResourceRow, RevisionRow, SecretRow},
};

/// Events that are given at once: where nothing is said, and at most.
const DEFAULT_EVENTS: u32 = 100;
const MAX_EVENTS: u32 = 1_000;

/// The largest config or resource, in bytes.
pub(super) const MAX_CONFIG_BYTES: usize = 1024 * 1024;

impl Definition {
    pub(super) fn of(desired: Desired, row: RevisionRow) -> Self {
        Self {
            name: row.stream,
            desired,
            revision: row.revision,
            created: row.created,
            config: row.config,
            shards: row.shards,
            requires: row.requires,
            prefers: row.prefers,
            stateless: row.stateless,
            on_partition: row.on_partition,
        }
    }
}

impl From<RevisionRow> for RevisionInfo {
    fn from(row: RevisionRow) -> Self {
        Self {
            revision: row.revision,
            created: row.created,
            cause: row.cause,
        }
    }
}

impl From<SecretRow> for SecretInfo {
    fn from(row: SecretRow) -> Self {
        Self {
            key: row.name,
            created: row.created,
            updated: row.updated,
        }
    }
}

impl From<EventRow> for PlacementEvent {
    fn from(row: EventRow) -> Self {
        Self {
            sequence: row.sequence,
            at: row.at,
            kind: row.kind,
            stream: row.stream,
            shard: row.shard,
            worker: row.worker,
            epoch: row.epoch,
            cause: row.cause,
        }
    }
}

impl From<EventFilter> for EventQuery {
    fn from(filter: EventFilter) -> Self {
        Self {
            stream: filter.stream,
            worker: filter.worker,
            before: filter.before,
            limit: match filter.limit {
                0 => DEFAULT_EVENTS,
                limit => limit.min(MAX_EVENTS),
            },
        }
    }
}

impl Resource {
    pub(super) fn check(&self) -> Result<(), Error> {
        let is_label = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
        if self.label.is_empty() || self.label.len() > 200 || !self.label.chars().all(is_label) {
            return Err(Error::Invalid(format!(
                "`{}` can't be a label: use letters, digits, `_`, `-` and `.`",
                self.label
            )));
        }
        match self.config.len() <= MAX_CONFIG_BYTES {
            true => Ok(()),
            false => Err(Error::Invalid(format!(
                "a resource of {} bytes is too large: at most {MAX_CONFIG_BYTES}",
                self.config.len()
            ))),
        }
    }

    /// The resource as a file of one: the component with its label, in the list of its kind.
    pub(super) fn as_file(&self) -> String {
        let mut text = format!("{}:\n  - label: {}\n", self.kind.field(), self.label);
        for line in self.config.lines() {
            text.push_str("    ");
            text.push_str(line);
            text.push('\n');
        }
        text
    }
}

impl TryFrom<ResourceRow> for Resource {
    type Error = Error;

    fn try_from(row: ResourceRow) -> Result<Self, Error> {
        Ok(Self {
            kind: row.kind.parse().map_err(Error::Store)?,
            label: row.label,
            config: row.config,
        })
    }
}

impl From<Resource> for ResourceRow {
    fn from(resource: Resource) -> Self {
        Self {
            kind: resource.kind.as_str().to_owned(),
            label: resource.label,
            config: resource.config,
        }
    }
}

impl From<store::Error> for Error {
    fn from(error: store::Error) -> Self {
        match error {
            store::Error::Deposed => Self::NotLeading { leader_http: None },
            error => Self::Store(error.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::engine::config::ResourceKind;

    use super::*;

    #[test]
    fn a_resource_is_a_file_of_one() {
        let resource = Resource {
            kind: ResourceKind::Cache,
            label: "seen".to_owned(),
            config: "memory:\n  default_ttl: 5m\n".to_owned(),
        };
        assert_eq!(
            resource.as_file(),
            "cache_resources:\n  - label: seen\n    memory:\n      default_ttl: 5m\n"
        );
    }
}
