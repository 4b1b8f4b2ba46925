//! What people change: streams, workers' drains, the freeze, secrets and shared resources.

use std::collections::BTreeMap;

use crate::{
    cluster::{OnPartition, Shards},
    engine::config::ResourceKind,
    ids::{Revision, StreamName, WorkerId},
};

/// A stream as somebody wants it.
#[derive(Clone, Debug, PartialEq)]
pub struct Draft {
    /// YAML in Bento's format. Checked by whoever calls, since the coordinator knows no component.
    pub config: String,
    /// How many instances run; at least 1.
    pub shards: Shards,
    pub requires: BTreeMap<String, String>,
    pub prefers: BTreeMap<String, String>,
    /// Two owners at once do no harm: set it for streams whose input is an `http_server`.
    pub stateless: bool,
    pub on_partition: OnPartition,
    /// Defined, not run.
    pub paused: bool,
}

impl Draft {
    /// A stream with one shard and no wishes.
    pub fn new(config: impl Into<String>) -> Self {
        Self {
            config: config.into(),
            shards: Shards::Fixed(1),
            requires: BTreeMap::new(),
            prefers: BTreeMap::new(),
            stateless: false,
            on_partition: OnPartition::Stop,
            paused: false,
        }
    }
}

/// What changes of a stream; what is none stays.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Patch {
    pub config: Option<String>,
    pub shards: Option<Shards>,
    pub requires: Option<BTreeMap<String, String>>,
    pub prefers: Option<BTreeMap<String, String>>,
    pub stateless: Option<bool>,
    pub on_partition: Option<OnPartition>,
    pub paused: Option<bool>,
}

/// A component that every stream may use by its label.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resource {
    pub kind: ResourceKind,
    pub label: String,
    /// The component as YAML, such as `memory: {}`, without its label.
    pub config: String,
}

/// One change, as it is asked of the loop. Conditions on the revision hold for the stream as it is then.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Edit {
    Create {
        name: StreamName,
        draft: Draft,
    },
    Put {
        name: StreamName,
        draft: Draft,
        if_match: Option<Revision>,
    },
    Patch {
        name: StreamName,
        patch: Patch,
        if_match: Option<Revision>,
    },
    Delete {
        name: StreamName,
        if_match: Option<Revision>,
    },
    Restart {
        name: StreamName,
        if_match: Option<Revision>,
    },
    RollBack {
        name: StreamName,
        to: Revision,
        if_match: Option<Revision>,
    },
    /// Another number of shards, within the stream's range.
    Scale {
        name: StreamName,
        shards: u32,
        cause: String,
    },
    DrainWorker {
        id: WorkerId,
        reason: String,
    },
    UndrainWorker {
        id: WorkerId,
    },
    ForgetWorker {
        id: WorkerId,
    },
    Freeze {
        reason: String,
    },
    Unfreeze,
    /// All of these or none; none if the cluster is no more what a plan was made for.
    All {
        edits: Vec<Edit>,
        planned: Option<String>,
    },
}

impl Edit {
    /// The revision whose definition is needed to make the edit.
    pub(super) fn needs(
        &self,
        current: impl Fn(&StreamName) -> Option<Revision>,
    ) -> Option<(StreamName, Revision)> {
        match self {
            Self::Put { name, .. }
            | Self::Patch { name, .. }
            | Self::Restart { name, .. }
            | Self::Scale { name, .. } => current(name).map(|revision| (name.clone(), revision)),
            Self::RollBack { name, to, .. } => Some((name.clone(), *to)),
            Self::Create { .. }
            | Self::Delete { .. }
            | Self::DrainWorker { .. }
            | Self::UndrainWorker { .. }
            | Self::ForgetWorker { .. }
            | Self::Freeze { .. }
            | Self::Unfreeze
            | Self::All { .. } => None,
        }
    }
}
