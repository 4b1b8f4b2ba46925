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
    /// Within what the number of instances follows the backlog; none if it is fixed.
    pub range: Option<ShardRange>,
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

/// From how many to how many instances a stream has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ShardRange {
    /// The fewest; at least 1.
    #[serde(default = "one")]
    pub min: u32,
    /// The most.
    pub max: u32,
}

fn one() -> u32 {
    1
}

impl std::fmt::Display for ShardRange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} to {}", self.min, self.max)
    }
}

/// How many instances of a stream its owner wants: a number, or a range within which the number follows the backlog.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(untagged)]
pub enum Shards {
    Fixed(u32),
    Range(ShardRange),
}

impl Shards {
    /// A range of one number is that number.
    pub fn between(min: u32, max: u32) -> Self {
        match min == max {
            true => Self::Fixed(min),
            false => Self::Range(ShardRange { min, max }),
        }
    }

    pub fn min(self) -> u32 {
        match self {
            Self::Fixed(count) => count,
            Self::Range(range) => range.min,
        }
    }

    pub fn max(self) -> u32 {
        match self {
            Self::Fixed(count) => count,
            Self::Range(range) => range.max,
        }
    }

    pub fn range(self) -> Option<ShardRange> {
        match self {
            Self::Fixed(_) => None,
            Self::Range(range) => Some(range),
        }
    }

    /// The number of instances of a stream that has `current`: no more of them change than must.
    pub fn hold(self, current: u32) -> u32 {
        current.max(self.min()).min(self.max())
    }
}

impl std::fmt::Display for Shards {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Fixed(count) => count.fmt(f),
            Self::Range(range) => range.fmt(f),
        }
    }
}

impl<'de> Deserialize<'de> for Shards {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ShardsVisitor)
    }
}

struct ShardsVisitor;

impl<'de> serde::de::Visitor<'de> for ShardsVisitor {
    type Value = Shards;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a number of shards or a range such as {\"min\": 1, \"max\": 8}")
    }

    fn visit_u64<E: serde::de::Error>(self, count: u64) -> Result<Shards, E> {
        let count = u32::try_from(count);
        let count = count.map_err(|_| E::custom("a stream can't have so many shards"))?;
        Ok(Shards::Fixed(count))
    }

    fn visit_i64<E: serde::de::Error>(self, count: i64) -> Result<Shards, E> {
        match u64::try_from(count) {
            Ok(count) => self.visit_u64(count),
            Err(_) => Err(E::invalid_value(
                serde::de::Unexpected::Signed(count),
                &self,
            )),
        }
    }

    fn visit_map<A: serde::de::MapAccess<'de>>(self, map: A) -> Result<Shards, A::Error> {
        let range = ShardRange::deserialize(serde::de::value::MapAccessDeserializer::new(map))?;
        Ok(Shards::between(range.min, range.max))
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
            range: None,
            requires: BTreeMap::new(),
            prefers: BTreeMap::new(),
            stateless: false,
            on_partition: OnPartition::Stop,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shards_are_a_number_or_a_range() {
        let table: &[(&str, Result<Shards, &str>)] = &[
            ("3", Ok(Shards::Fixed(3))),
            (r#"{"min": 2, "max": 5}"#, Ok(Shards::between(2, 5))),
            (r#"{"max": 5}"#, Ok(Shards::between(1, 5))),
            (r#"{"min": 4, "max": 4}"#, Ok(Shards::Fixed(4))),
            (r#"{"min": 4}"#, Err("missing field `max`")),
            (
                r#"{"min": 1, "max": 2, "now": 1}"#,
                Err("unknown field `now`"),
            ),
            ("-1", Err("a number of shards or a range")),
            ("\"2\"", Err("a number of shards or a range")),
            ("99999999999", Err("so many shards")),
        ];
        for (text, wanted) in table {
            let read: Result<Shards, _> = serde_json::from_str(text);
            match (read, wanted) {
                (Ok(read), Ok(wanted)) => {
                    assert_eq!(read, *wanted, "{text}");
                    let again = serde_json::to_string(&read).expect("JSON");
                    assert_eq!(serde_json::from_str::<Shards>(&again).ok(), Some(read));
                }
                (Err(error), Err(wanted)) => {
                    assert!(error.to_string().contains(wanted), "{text}: {error}");
                }
                (read, _) => panic!("{text}: {read:?}"),
            }
        }
        let held: Vec<u32> = (0..8).map(|n| Shards::between(2, 5).hold(n)).collect();
        assert_eq!(held, [2, 2, 2, 3, 4, 5, 5, 5]);
        assert_eq!(Shards::Fixed(4).hold(9), 4);
    }
}
