//! What people are told of a number of shards that follows the backlog.

use serde::Serialize;
use utoipa::ToSchema;

use crate::cluster::{Stream, View, scale};

/// A number of shards that follows the backlog.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct ScalingStatus {
    pub min: u32,
    pub max: u32,
    /// How many there should be now.
    pub shards: u32,
    /// Batches that the shards have read and not yet dealt with; null while none of them tells.
    pub backlog: Option<u64>,
}

impl ScalingStatus {
    /// None if the number is fixed.
    pub(super) fn of(view: &View, stream: &Stream) -> Option<Self> {
        let range = stream.range?;
        Some(Self {
            min: range.min,
            max: range.max,
            shards: stream.shards,
            backlog: scale::known_backlog(view, &stream.name),
        })
    }
}
