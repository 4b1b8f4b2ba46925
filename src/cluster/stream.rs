//! What is wanted of a stream.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::ids::{Revision, StreamName};

/// A stream as its owner defined it, as far as placement cares.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stream {
    pub name: StreamName,
    pub desired: Desired,
    pub revision: Revision,
    /// How many instances run; at least 1.
    pub shards: u32,
    /// Labels that a worker must have.
    pub requires: BTreeMap<String, String>,
    /// Labels that a worker should have: the more of them, the sooner it is chosen.
    pub prefers: BTreeMap<String, String>,
    /// Two owners at once do no harm (an `http_server` input): a move starts the new one before it drains the old one.
    pub stateless: bool,
    pub on_partition: OnPartition,
}

text_enum! {
    Desired {
        Active = "active",
        /// Defined, not running.
        Paused = "paused",
        /// To be forgotten as soon as nothing of it runs.
        Deleted = "deleted",
    }
}

text_enum! {
    /// What a worker does with a stream when its lease ends.
    OnPartition {
        /// It stops: never two owners.
        Stop = "stop",
        /// It goes on: never none, and two while a partition lasts.
        Continue = "continue",
    }
}

impl Stream {
    /// A stream with one shard and no wishes.
    pub fn new(name: StreamName) -> Self {
        Self {
            name,
            desired: Desired::Active,
            revision: Revision(1),
            shards: 1,
            requires: BTreeMap::new(),
            prefers: BTreeMap::new(),
            stateless: false,
            on_partition: OnPartition::Stop,
        }
    }
}
